//! Addresses that move, and nodes that go: a virtual address on another node, a node that vanishes and returns.

use std::time::Duration;

use serde_json::Value;

use crate::chain::Commands;
use crate::evaluator::drops_too;
use crate::machine::{Machine, poll};
use crate::network::{Network, Place};
use crate::watch::{Watch, is, tells};

const ROLE: [&str; 2] = ["--role", "control-plane"];

/// The virtual address moves to a node whose chain lacks 6443. Further packets of a client are for a documented port;
/// packets of a server for a connection that the other node opened are return traffic.
pub(crate) fn a_virtual_address_moves(machine: &Machine) {
    let mut network = Network::new();
    let (old, new) = (network.node(Place::Inside), network.node(Place::Inside));
    let peer = network.node(Place::Inside);
    let (net, _) = new.address.rsplit_once('.').unwrap();
    let virtual_address = format!("{net}.50");
    let add = format!("ip address add {virtual_address}/32 dev mgmt-br");
    old.sh(&add);
    let (api, mut kubelet) = (
        old.start(&["serve", "6443"]),
        peer.start(&["serve", "10250"]),
    );
    api.tells("listening");
    kubelet.tells("listening");
    let mut client = peer.start(&["hold", &virtual_address, "6443", "-"]);
    client.tells("connected");
    let from = format!("{virtual_address}:0");
    let asks = old.start(&["hold-from", &from, &peer.address, "10250"]);
    asks.tells("connected");
    kubelet.tells("accepted");

    Commands::documented("control-plane")
        .without("--dport 6443")
        .apply(&new);
    let mut watch = Watch::start(machine, &network, &ROLE);
    old.sh(&format!("ip address del {virtual_address}/32 dev mgmt-br"));
    new.sh(&add);
    peer.sh("ip neigh flush dev mgmt-br");
    client.say("send");
    watch.logged(&["DPT=6443 ", " ACK PSH "], 1);
    let (_, event) = watch.event("what the client sends on", |event| {
        tells(
            event,
            "opened",
            "missing-rule",
            "documented-port",
            Some(6443),
        )
    });
    assert_eq!(event["rule"]["disposition"], "documented");
    kubelet.say("push");
    watch.logged(&["SPT=10250 ", " ACK PSH "], 1);
    watch.event("what the server sends on", |event| {
        tells(
            event,
            "opened",
            "false-positive",
            "conntrack-loss",
            Some(10250),
        )
    });
    // A worker has no API server: the address went to the wrong node, as the next SYN shows.
    poll("a client that tries again", Duration::from_secs(30), || {
        peer.knock(&virtual_address, 6443);
        (watch.count(&["DPT=6443 ", " SYN "]) > 0).then_some(())
    });
    let (code, report) = watch.batch(&["--role", "worker", "-o", "json"]);
    let report: Value = serde_json::from_str(&report).unwrap();
    assert!(
        is(
            &report["findings"][1],
            "leave-dropped",
            "other-role",
            Some(6443)
        ),
        "{}",
        watch.story()
    );
    assert_eq!((&report["rules"], code), (&Value::Array(vec![]), Some(0)));
    let (report, code) = watch.end();
    assert_eq!(report["findings"].as_array().unwrap().len(), 2);
    assert_eq!(report["rules"].as_array().unwrap().len(), 1);
    assert_eq!(code, Some(1));
}

/// A node goes without a word, and comes back without its connections and their state; its peer still sends on them.
pub(crate) fn a_node_vanishes_and_returns(machine: &Machine) {
    let mut network = Network::new();
    let (node, peer) = (network.node(Place::Inside), network.node(Place::Inside));
    Commands::documented("control-plane").apply(&node);
    let mut watch = Watch::start(machine, &network, &ROLE);
    let mut open = ["6443", "9345"].map(|port| {
        let server = peer.start(&["serve", port]);
        server.tells("listening");
        let client = node.start(&["hold-from", "0.0.0.0:0", &peer.address, port]);
        client.tells("connected");
        server.tells("accepted");
        (server, client)
    });
    node.sh("ip link set mgmt-br down");
    for (_, client) in &mut open {
        client.dies();
    }
    node.sh("iptables -F\niptables -X\nconntrack -F\nip link set mgmt-br up");
    Commands::documented("control-plane").apply(&node);
    poll("a node that is back", Duration::from_secs(20), || {
        node.succeeds(&["ping", &node.address, &peer.address])
            .then_some(())
    });
    let [(pushes, _), (closes, _)] = &mut open;
    pushes.say("push");
    watch.logged(&["SPT=6443 ", " ACK PSH "], 1);
    closes.say("close");
    watch.logged(&["SPT=9345 ", " ACK FIN "], 1);
    for port in [6443, 9345] {
        watch.event("the false positive", |event| {
            tells(
                event,
                "opened",
                "false-positive",
                "conntrack-loss",
                Some(port),
            )
        });
    }
    assert!(node.reaches(&peer, 6443), "new connections are hindered");
    drops_too(&watch, &node);
    let (report, code) = watch.end();
    assert_eq!(
        report["findings"].as_array().unwrap().len(),
        2,
        "{}",
        watch.story()
    );
    assert_eq!((&report["rules"], code), (&Value::Array(vec![]), Some(0)));
}
