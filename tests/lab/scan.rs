//! An outsider that tries many ports, a documented one among them.

use std::time::Duration;

use serde_json::{Value, json};

use crate::chain::Commands;
use crate::evaluator::drops_too;
use crate::machine::{Machine, poll};
use crate::network::{Network, Place};
use crate::watch::{Watch, is, tells};

pub(crate) fn never_gets_a_rule(machine: &Machine) {
    let mut network = Network::new();
    let (node, peer, outsider) = (
        network.node(Place::Inside),
        network.node(Place::Inside),
        network.node(Place::Outside),
    );
    Commands::documented("control-plane")
        .without("--dport 2112")
        .apply(&node);
    let mut watch = Watch::start(machine, &network, &[]);
    // The LOG rule's burst shows these, and then a line each 6 s.
    for port in [21, 23, 2112, 25, 110] {
        outsider.knock(&node.address, port);
    }
    watch.logged(&["DPT=2112 "], 1);
    let fifth = "DPT=3306 ";
    poll(
        "the fifth port that no list names",
        Duration::from_secs(30),
        || {
            outsider.knock(&node.address, 3306);
            (watch.count(&[fifth]) > 0).then_some(())
        },
    );
    watch.event("the scan", |event| {
        is(&event["finding"], "leave-dropped", "scan", None)
    });
    let (code, script) = watch.batch(&["rules"]);
    assert!(!script.contains("-j ACCEPT"), "{script}");
    assert_eq!(code, Some(0));
    let (code, report) = watch.batch(&["-o", "json"]);
    let report: Value = serde_json::from_str(&report).unwrap();
    assert_eq!(code, Some(0));
    assert_eq!(
        report["findings"][0]["ports"],
        json!([21, 23, 25, 110, 2112, 3306]),
        "{}",
        watch.story()
    );
    assert_eq!(report["findings"].as_array().unwrap().len(), 1);

    // Another peer's traffic to the same port is judged for itself.
    let from = format!("SRC={} ", peer.address);
    let before = watch.so_far();
    poll("a line of the peer", Duration::from_secs(30), || {
        peer.knock(&node.address, 2112);
        (watch.count(&[&from]) > 0).then_some(())
    });
    let (_, event) = watch.event_after(before, "the missing port", |event| {
        tells(
            event,
            "opened",
            "missing-rule",
            "documented-port",
            Some(2112),
        )
    });
    assert_eq!(event["finding"]["peers"], json!([peer.address]));
    drops_too(&watch, &node);
    let (report, code) = watch.end();
    assert_eq!(code, Some(1));
    assert_eq!(report["rules"].as_array().unwrap().len(), 1);
    assert_eq!(report["findings"][1]["cause"], "scan", "{}", watch.story());
}
