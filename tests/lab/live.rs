//! The main way of use: a verdict while the pipe stays open, the report on Ctrl-C.

use std::time::{Duration, Instant};

use serde_json::Value;

use crate::chain::Commands;
use crate::machine::Machine;
use crate::network::{Network, Place};
use crate::watch::{Watch, is, tells};

/// Upper bound on the time from the drop to its verdict.
const SOON: Duration = Duration::from_secs(3);
/// Forms that `journalctl -o` knows, besides the JSON that all is compared with.
const FORMS: [&str; 4] = ["short", "short-precise", "short-iso", "short-iso-precise"];

pub(crate) fn verdict_while_the_pipe_is_open(machine: &Machine) {
    let mut network = Network::new();
    let (node, peer) = (network.node(Place::Inside), network.node(Place::Inside));
    Commands::documented("worker")
        .without("--dport 9796")
        .apply(&node);
    let mut watch = Watch::start(machine, &network, &["--role", "worker"]);
    // The pipe is in use before the time is taken.
    peer.knock(&node.address, 5432);
    watch.event("a first verdict", |event| event["finding"]["port"] == 5432);
    let before = Instant::now();
    peer.knock(&node.address, 9796);
    let (came, _) = watch.event("the missing port", |event| {
        tells(
            event,
            "opened",
            "missing-rule",
            "documented-port",
            Some(9796),
        )
    });
    assert!(came - before < SOON, "the verdict took {:?}", came - before);
    watch.interrupt();
    let (report, code) = watch.report();
    assert_eq!(code, Some(1));
    assert!(
        is(
            &report["findings"][0],
            "missing-rule",
            "documented-port",
            Some(9796)
        ),
        "{}",
        watch.story()
    );
}

/// The findings are the same for all forms of `journalctl`.
pub(crate) fn all_forms_say_the_same(machine: &Machine) {
    let mut network = Network::new();
    let (node, peer) = (network.node(Place::Inside), network.node(Place::Inside));
    Commands::documented("control-plane")
        .without("--dport 9345")
        .apply(&node);
    let watch = Watch::start(machine, &network, &[]);
    for port in [9345, 9345, 8181] {
        peer.knock(&node.address, port);
    }
    assert!(peer.succeeds(&["udp", "33521", &node.address, "161"]));
    watch.logged(&["HARVESTER_DROP_IN="], 4);
    let told = |form: &str| {
        let log = machine.kernel_log_so_far(form);
        let lines: Vec<&str> = log
            .lines()
            .filter(|line| line.contains(&network.mark))
            .collect();
        assert_eq!(lines.len(), 4, "{form}");
        let (code, report) = watch.judged(&(lines.join("\n") + "\n"), &["-o", "json"]);
        let report: Value = serde_json::from_str(&report).unwrap();
        let finding = |finding: &Value| {
            let keys = [
                "verdict", "cause", "proto", "ports", "peers", "logged", "attempts", "flags",
                "rule",
            ];
            keys.map(|key| finding[key].clone())
        };
        let findings: Vec<_> = report["findings"]
            .as_array()
            .unwrap()
            .iter()
            .map(finding)
            .collect();
        (code, findings, report["rules"].clone())
    };
    let json = told("json");
    assert_eq!((json.0, json.1.len()), (Some(1), 3), "{json:?}");
    for form in FORMS {
        assert_eq!(told(form), json, "{form}");
    }
}
