//! NFS, whose clients send from reserved ports: a node that is a client, and one that is a server.

use serde_json::Value;

use crate::chain::Commands;
use crate::evaluator::drops_too;
use crate::machine::Machine;
use crate::network::{Network, Place};
use crate::watch::{Watch, is, tells};

/// The connections are older than the chain, as on a node whose firewall is set up while it runs.
pub(crate) fn from_reserved_ports(machine: &Machine) {
    let mut network = Network::new();
    let (node, peer) = (network.node(Place::Inside), network.node(Place::Inside));
    let [mut theirs, ours] = [&peer, &node].map(|server| {
        let server = server.start(&["serve", "2049"]);
        server.tells("listening");
        server
    });
    let mounts = node.start(&["hold-from", "0.0.0.0:871", &peer.address, "2049"]);
    mounts.tells("connected");
    theirs.tells("accepted");
    let mut client = peer.start(&["hold-from", "0.0.0.0:1001", &node.address, "2049"]);
    client.tells("connected");
    ours.tells("accepted");
    Commands::documented("worker").apply(&node);
    node.sh("conntrack -F");
    let mut watch = Watch::start(machine, &network, &["--role", "worker"]);
    theirs.say("push");
    watch.logged(&["SPT=2049 DPT=871 ", " ACK PSH "], 1);
    watch.event("the server's answer", |event| {
        tells(
            event,
            "opened",
            "false-positive",
            "conntrack-loss",
            Some(2049),
        )
    });
    client.say("send");
    watch.logged(&["SPT=1001 DPT=2049 ", " ACK PSH "], 1);
    watch.event("the client's request", |event| {
        tells(event, "opened", "leave-dropped", "pod-only", Some(2049))
    });
    drops_too(&watch, &node);
    let (report, code) = watch.end();
    let findings = report["findings"].as_array().unwrap();
    assert_eq!(findings.len(), 2, "{}", watch.story());
    assert!(is(
        &findings[0],
        "false-positive",
        "conntrack-loss",
        Some(2049)
    ));
    let directions = findings.iter().map(|of| &of["direction"]);
    assert_eq!(directions.collect::<Vec<_>>(), ["reply", "original"]);
    assert_eq!((&report["rules"], code), (&Value::Array(vec![]), Some(0)));
}
