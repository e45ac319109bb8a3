//! Lines that the LOG rule's limit hides, and that the split LOG rules show.

use serde_json::Value;

use crate::chain::{Commands, saved};
use crate::evaluator::drops_too;
use crate::machine::Machine;
use crate::network::{Network, Place};
use crate::watch::{Watch, is};

/// Number of SYNs that are sent while the log is saturated, one each 3 s.
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

    let (_, script) = watch.batch(&["rules", "--format", "split-log"]);
    let file = network.folder.join("split.sh");
    std::fs::write(&file, &script).unwrap();
    let file = file.to_str().unwrap();
    drops_too(&watch, &node);
    node.sh(&format!("sh -eu {file}"));
    watch.logged(&["DPT=2112 ", " SYN "], seen + 3);
    watch.event("the missing port", |event| {
        is(
            &event["finding"],
            "missing-rule",
            "documented-port",
            Some(2112),
        )
    });
    node.sh(&format!("sh -eu {file} --undo"));
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
