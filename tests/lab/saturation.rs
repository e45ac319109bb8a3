//! What the LOG rule's limit hides, and how the split LOG rules show it.

use serde_json::Value;

use crate::chain::{Commands, saved};
use crate::machine::Machine;
use crate::network::{Network, Node, Place};
use crate::watch::{Watch, is};

/// So many SYNs are sent into the saturated log, one each 3 s.
const SYNS: usize = 8;

pub(crate) fn split_log_rules_show_the_syns(machine: &Machine) {
    let mut network = Network::new();
    let (node, peer) = (network.node(Place::Inside), network.node(Place::Inside));
    Commands::documented("control-plane")
        .without("--dport 2112")
        .apply(&node);
    let chain = saved(&node);
    let mut watch = Watch::start(machine, &network, &[]);
    // 20 a second: the bucket is empty before the first SYN.
    let acks = peer.start(&["acks", &peer.address, "6443", &node.address, "40000", "50"]);
    watch.logged(&["SPT=6443 "], 5);
    let syns = peer.start(&["syns", &node.address, "2112", "3000"]);
    let (_, event) = watch.event("the saturation", |event| event["event"] == "saturated");
    assert_eq!(event["warning"]["code"], "log-saturated");
    (0..SYNS).for_each(|_| syns.tells("sent"));
    let seen = watch.count(&["DPT=2112 "]);
    assert!(seen < SYNS, "the limit hid none of {SYNS} SYNs");
    let (_, report) = watch.batch(&["-o", "json"]);
    let report: Value = serde_json::from_str(&report).unwrap();
    let codes = report["warnings"]
        .as_array()
        .unwrap()
        .iter()
        .map(|warning| &warning["code"]);
    assert!(
        codes.into_iter().any(|code| code == "log-saturated"),
        "{report}"
    );

    let (split, undo) = split_log(&node, &report);
    node.sh(&split);
    watch.logged(&["DPT=2112 ", " SYN "], seen + 3);
    watch.event("the missing port", |event| {
        is(
            &event["finding"],
            "missing-rule",
            "documented-port",
            Some(2112),
        )
    });
    node.sh(&undo);
    assert_eq!(saved(&node), chain, "the undo left something");
    let (report, code) = watch.end();
    assert_eq!(code, Some(1));
    assert_eq!(
        report["rules"].as_array().unwrap().len(),
        1,
        "{}",
        watch.story()
    );
    drop((acks, syns));
}

/// The commands that split the documented LOG rule into three, and those that undo it.
fn split_log(node: &Node, _report: &Value) -> (String, String) {
    // The report does not offer them yet: this is where they will come from.
    let numbers = node.sh("iptables -L HARVESTER_INPUT -n --line-numbers");
    let log = numbers.lines().find(|line| line.contains("LOG ")).unwrap();
    let number = log.split(' ').next().unwrap();
    let target = "-m limit --limit 10/min -m comment --comment \"Rate-limit logging of dropped packets\" -j LOG \
                  --log-prefix HARVESTER_DROP_ --log-level 4";
    let classes = ["-p tcp --syn", "! -p tcp", "-p tcp ! --syn"];
    let each = |command: &str| {
        classes
            .map(|class| format!("iptables {command} {class} {target}\n"))
            .concat()
    };
    (
        each(&format!("-I HARVESTER_INPUT {number}"))
            + &format!("iptables -D HARVESTER_INPUT {target}"),
        format!("iptables -I HARVESTER_INPUT {number} {target}\n") + &each("-D HARVESTER_INPUT"),
    )
}
