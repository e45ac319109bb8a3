//! A documented port without its rule: found live, cured by the suggested script, and brought back by its undo.

use serde_json::Value;

use crate::chain::{Commands, saved};
use crate::machine::Machine;
use crate::network::{Network, Node, Place};
use crate::watch::{Watch, tells};

const PORT: u16 = 2112;
const ROLE: [&str; 2] = ["--role", "control-plane"];
const MATCH: &str = "--dport 2112";

/// A control-plane node whose chain lacks the port, and the log after a SYN to it.
struct Case {
    network: Network,
    node: Node,
    peer: Node,
    /// The rules before any cure.
    chain: String,
}

impl Case {
    fn new() -> Self {
        let mut network = Network::new();
        let (node, peer) = (network.node(Place::Inside), network.node(Place::Inside));
        Commands::documented("control-plane")
            .without(MATCH)
            .apply(&node);
        let chain = saved(&node);
        Self {
            network,
            node,
            peer,
            chain,
        }
    }

    /// Waits for the live event of the missing port, and returns the script for it, saved as a file, and the rule.
    fn suggested(&self, watch: &mut Watch) -> (String, Value) {
        self.peer.knock(&self.node.address, PORT);
        let wanted = |event: &Value| {
            tells(
                event,
                "opened",
                "missing-rule",
                "documented-port",
                Some(PORT),
            )
        };
        let (_, event) = watch.event("the missing port", wanted);
        let (code, script) = watch.batch(&["rules", "--role", "control-plane"]);
        assert_eq!(code, Some(1), "{script}");
        let file = self.network.folder.join("rules.sh");
        std::fs::write(&file, &script).unwrap();
        (file.to_str().unwrap().to_owned(), event["rule"].clone())
    }
}

pub(crate) fn is_found_cured_and_uncured(machine: &Machine) {
    let case = Case::new();
    let mut watch = Watch::start(machine, &case.network, &ROLE);
    let listening = [PORT, 8181, 5432].map(|port| {
        let server = case.node.start(&["serve", &port.to_string()]);
        server.tells("listening");
        server
    });
    let (script, rule) = case.suggested(&mut watch);
    assert_eq!(rule["disposition"], "documented");

    case.node.sh(&format!("sh -eu {script}"));
    assert!(
        case.peer.reaches(&case.node, PORT),
        "the rule has no effect"
    );
    assert!(
        !case.peer.reaches(&case.node, 8181),
        "the rule accepts too much"
    );
    assert!(
        !case.peer.reaches(&case.node, 5432),
        "the rule accepts too much"
    );
    let cured = saved(&case.node);
    case.node.sh(&format!("sh -eu {script}"));
    assert_eq!(saved(&case.node), cured, "a second run changed something");

    case.node.sh(&format!("sh -eu {script} --undo"));
    assert_eq!(saved(&case.node), case.chain, "the undo left something");
    assert!(
        !case.peer.reaches(&case.node, PORT),
        "the port is still open"
    );
    // The commands of the report do the same, by themselves.
    let command = |key: &str| rule[key].as_str().unwrap().to_owned();
    case.node
        .sh(&format!("{}\n{}", command("place"), command("insert")));
    assert!(
        case.peer.reaches(&case.node, PORT),
        "the command has no effect"
    );
    case.node.sh(&command("undo"));
    assert_eq!(saved(&case.node), case.chain, "the undo left something");

    let (report, code) = watch.end();
    assert_eq!(code, Some(1));
    assert_eq!(report["rules"], Value::Array(vec![rule]));
    drop(listening);
}

/// An ACCEPT that was appended stands behind DROP: it has no effect, although `iptables -C` finds it.
pub(crate) fn behind_drop_is_cured(machine: &Machine) {
    let case = Case::new();
    let mut watch = Watch::start(machine, &case.network, &ROLE);
    let server = case.node.start(&["serve", &PORT.to_string()]);
    server.tells("listening");
    let (script, rule) = case.suggested(&mut watch);
    case.node.sh(rule["cloudinit"].as_str().unwrap());
    assert!(
        !case.peer.reaches(&case.node, PORT),
        "a rule behind DROP has an effect"
    );

    case.node.sh(&format!("sh -eu {script}"));
    assert!(
        case.peer.reaches(&case.node, PORT),
        "the rule has no effect"
    );
    let rules = case.node.sh("iptables -S HARVESTER_INPUT");
    assert_eq!(rules.matches(MATCH).count(), 1, "{rules}");
    let cured = saved(&case.node);
    case.node.sh(&format!("sh -eu {script}"));
    assert_eq!(saved(&case.node), cured, "a second run changed something");
    case.node.sh(&format!("sh -eu {script} --undo"));
    assert_eq!(saved(&case.node), case.chain, "the undo left something");
}

/// An empty chain has no insertion point: the script stops, and prints the remedy.
pub(crate) fn empty_chain_is_told(machine: &Machine) {
    let case = Case::new();
    let mut watch = Watch::start(machine, &case.network, &ROLE);
    let (script, _) = case.suggested(&mut watch);
    case.node.sh("iptables -F HARVESTER_INPUT");
    let ran = case.node.try_sh(&format!("sh -eu {script}"));
    assert_eq!(ran.status.code(), Some(1));
    let told = String::from_utf8_lossy(&ran.stderr);
    assert!(
        told.contains("HARVESTER_INPUT is empty") && told.contains("apply the documented chain"),
        "{ran:?}"
    );
}
