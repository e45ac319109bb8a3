//! Protocols other than TCP over IPv4: VXLAN, ICMP, IPv6, and mDNS.

use serde_json::Value;

use crate::chain::Commands;
use crate::evaluator::drops_too;
use crate::machine::Machine;
use crate::network::{Network, Place};
use crate::watch::{Watch, is, tells};

pub(crate) fn vxlan(machine: &Machine) {
    let mut network = Network::new();
    let (node, peer) = (network.node(Place::Inside), network.node(Place::Inside));
    Commands::documented("witness")
        .without("--dport 8472")
        .apply(&node);
    let mut watch = Watch::start(machine, &network, &["--role", "witness"]);
    assert!(peer.succeeds(&["udp", "33521", &node.address, "8472"]));
    let (_, event) = watch.event("the missing port", |event| {
        tells(
            event,
            "opened",
            "missing-rule",
            "documented-port",
            Some(8472),
        )
    });
    assert_eq!(event["finding"]["proto"], "udp");
    assert_eq!(event["rule"]["disposition"], "documented");
    drops_too(&watch, &node);
    assert_eq!(watch.end().1, Some(1));
}

pub(crate) fn icmp(machine: &Machine) {
    let mut network = Network::new();
    let (node, peer) = (network.node(Place::Inside), network.node(Place::Inside));
    Commands::documented("control-plane")
        .without("-p icmp")
        .apply(&node);
    let mut watch = Watch::start(machine, &network, &[]);
    let ping = ["ping", &peer.address, &node.address];
    assert!(!peer.succeeds(&ping), "the chain accepts ICMP");
    watch.event("the missing rule", |event| {
        tells(event, "opened", "missing-rule", "icmp", None)
    });
    let (code, script) = watch.batch(&["rules"]);
    assert_eq!(code, Some(1));
    drops_too(&watch, &node);
    node.sh(&script);
    assert!(peer.succeeds(&ping), "the rule has no effect:\n{script}");
    assert_eq!(watch.end().1, Some(1));
}

/// The documented chain is for IPv4 only, so no script opens IPv6 without a decision of the user.
pub(crate) fn ipv6(machine: &Machine) {
    let mut network = Network::new();
    let (node, peer) = (network.node(Place::Inside), network.node(Place::Inside));
    Commands::documented("control-plane")
        .without("--dport 10250")
        .of_ip6tables()
        .apply(&node);
    let chain = node.sh("ip6tables -S");
    let mut watch = Watch::start(machine, &network, &[]);
    peer.knock(&node.address6, 10250);
    let (_, event) = watch.event("the missing port", |event| {
        tells(
            event,
            "opened",
            "missing-rule",
            "documented-port",
            Some(10250),
        )
    });
    assert_eq!(event["rule"]["disposition"], "review");
    let rule = |key: &str| event["rule"][key].as_str().unwrap();
    let insert = rule("insert");
    assert!(
        insert.starts_with("ip6tables -I HARVESTER_INPUT "),
        "{insert}"
    );
    let (code, script) = watch.batch(&["rules"]);
    assert_eq!(code, Some(1));
    node.sh(&script);
    assert_eq!(
        node.sh("ip6tables -S"),
        chain,
        "a rule to decide about was applied:\n{script}"
    );
    // Decided for, it works.
    let server = node.start(&["serve", "10250"]);
    server.tells("listening");
    node.sh(&format!("{}\n{insert}", rule("place")));
    assert!(
        peer.succeeds(&["connect", &node.address6, "10250"]),
        "the rule has no effect"
    );
}

/// A group's packets reach INPUT only where the node joined the group.
pub(crate) fn mdns(machine: &Machine) {
    const GROUP: &str = "224.0.0.251";
    let mut network = Network::new();
    let (node, other, peer) = (
        network.node(Place::Inside),
        network.node(Place::Inside),
        network.node(Place::Inside),
    );
    for node in [&node, &other] {
        Commands::documented("control-plane").apply(node);
    }
    let listener = node.start(&["join", GROUP]);
    listener.tells("joined");
    let mut watch = Watch::start(machine, &network, &[]);
    assert!(peer.succeeds(&["udp", "5353", GROUP, "5353"]));
    watch.event("the group's datagram", |event| {
        event["event"] == "opened" && event["finding"]["cause"] == "multicast"
    });
    // A line that the other node logs now is later than any line of the packets before.
    peer.knock(&other.address, 8181);
    watch.logged(&["DPT=8181 "], 1);
    assert_eq!(watch.count(&["DPT=5353 "]), 1, "{}", watch.story());
    let (report, code) = watch.end();
    let findings = report["findings"].as_array().unwrap();
    assert!(
        findings
            .iter()
            .any(|f| f["verdict"] == "leave-dropped" && f["cause"] == "multicast"),
        "{report}"
    );
    assert!(
        !findings
            .iter()
            .any(|f| is(f, "missing-rule", "unlisted-port", Some(5353)))
    );
    assert_eq!(report["rules"], Value::Array(Vec::new()));
    assert_eq!(code, Some(0));
}
