//! Lost conntrack state: false positives, and never a rule.

use serde_json::Value;

use crate::chain::Commands;
use crate::evaluator::drops_too;
use crate::machine::Machine;
use crate::network::{Network, Place};
use crate::watch::{Watch, is, tells};

/// The state is flushed, then one server of the peer dies, one closes and one pushes data.
pub(crate) fn loss_asks_for_no_rule(machine: &Machine) {
    let mut network = Network::new();
    let (node, peer) = (network.node(Place::Inside), network.node(Place::Inside));
    Commands::documented("control-plane").apply(&node);
    let mut watch = Watch::start(machine, &network, &[]);
    // A server that dies with something unread answers by a reset.
    let mut open = [("6443", "-"), ("9345", "-"), ("10250", "hello")].map(|(port, greeting)| {
        let server = peer.start(&["serve", port]);
        server.tells("listening");
        let client = node.start(&["hold", &peer.address, port, greeting]);
        client.tells("connected");
        server.tells("accepted");
        (server, client)
    });
    node.sh("conntrack -F");
    let [(pushes, _), (closes, _), (dies, _)] = &mut open;
    dies.dies();
    watch.logged(&["SPT=10250 ", " RST "], 1);
    closes.say("close");
    watch.logged(&["SPT=9345 ", " ACK FIN "], 1);
    pushes.say("push");
    watch.logged(&["SPT=6443 ", " ACK PSH "], 1);
    for port in [6443, 9345, 10250] {
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
    drops_too(&watch, &node);
    let (report, code) = watch.end();
    let findings = report["findings"].as_array().unwrap();
    assert_eq!(findings.len(), 3, "{}", watch.story());
    assert!(
        findings
            .iter()
            .all(|finding| finding["verdict"] == "false-positive"),
        "{}",
        watch.story()
    );
    assert_eq!(report["rules"], Value::Array(Vec::new()));
    assert_eq!(code, Some(0));
}

/// OUTPUT is not filtered: a packet that this node sends creates the conntrack entry again.
pub(crate) fn heals_when_the_node_sends(machine: &Machine) {
    let mut network = Network::new();
    let (node, peer) = (network.node(Place::Inside), network.node(Place::Inside));
    Commands::documented("worker").apply(&node);
    let mut watch = Watch::start(machine, &network, &["--role", "worker"]);
    let mut server = peer.start(&["serve", "9345"]);
    server.tells("listening");
    let mut client = node.start(&["hold", &peer.address, "9345", "-"]);
    client.tells("connected");
    server.tells("accepted");
    node.sh("conntrack -D -p tcp --orig-port-dst 9345");
    server.say("push");
    watch.logged(&["SPT=9345 ", " ACK PSH "], 1);
    client.say("send");
    client.tells("got");
    drops_too(&watch, &node);
    let (report, code) = watch.end();
    assert!(
        is(
            &report["findings"][0],
            "false-positive",
            "conntrack-loss",
            Some(9345)
        ),
        "{}",
        watch.story()
    );
    assert_eq!(
        (report["findings"].as_array().unwrap().len(), code),
        (1, Some(0))
    );
}

/// The node's own SYN leaves no state, so its answer is dropped; the second SYN heals it.
pub(crate) fn syn_ack_lost_once(machine: &Machine) {
    let mut network = Network::new();
    let (node, peer) = (network.node(Place::Inside), network.node(Place::Inside));
    Commands::documented("control-plane").apply(&node);
    node.sh("iptables -t raw -A OUTPUT -p tcp --syn --dport 6443 -m limit --limit 1/hour --limit-burst 1 -j CT --notrack");
    let mut watch = Watch::start(machine, &network, &[]);
    let server = peer.start(&["serve", "6443"]);
    server.tells("listening");
    let client = node.start(&["hold", &peer.address, "6443", "-"]);
    client.tells("connected");
    watch.logged(&["SPT=6443 ", " ACK SYN "], 1);
    watch.event("the false positive", |event| {
        tells(
            event,
            "opened",
            "false-positive",
            "conntrack-loss",
            Some(6443),
        )
    });
    drops_too(&watch, &node);
    let (report, code) = watch.end();
    assert!(
        is(
            &report["findings"][0],
            "false-positive",
            "conntrack-loss",
            Some(6443)
        ),
        "{}",
        watch.story()
    );
    assert_eq!(report["rules"], Value::Array(Vec::new()));
    assert_eq!(
        (report["findings"].as_array().unwrap().len(), code),
        (1, Some(0))
    );
}
