//! Repeated probes, and probes of strangers: a load balancer at NodePorts, a stranger at narrowed ports.

use std::time::Duration;

use serde_json::Value;

use crate::chain::Commands;
use crate::evaluator::drops_too;
use crate::machine::{Machine, poll};
use crate::network::{Network, Place};
use crate::watch::{Watch, tells};

const ROLE: [&str; 2] = ["--role", "control-plane"];
/// NodePorts: more than make a scan of other ports.
const NODE_PORTS: [u16; 6] = [30080, 30443, 31080, 31443, 32080, 32443];
/// Ports that an administrator opened to one peer alone: of everybody, and of the cluster's nodes.
const NARROWED: [&str; 2] = ["22", "2379:2380"];

/// Probes of NodePorts by a load balancer are no scan: the documented rule is missing, or the role has none.
pub(crate) fn of_a_load_balancer(machine: &Machine) {
    let mut network = Network::new();
    let (node, balancer) = (network.node(Place::Inside), network.node(Place::Inside));
    Commands::documented("control-plane")
        .without("-p tcp --dport 30000:32767")
        .apply(&node);
    let mut watch = Watch::start(machine, &network, &ROLE);
    for port in NODE_PORTS {
        let line = format!("DPT={port} ");
        poll(&line, Duration::from_secs(30), || {
            balancer.knock(&node.address, port);
            (watch.count(&[&line]) > 0).then_some(())
        });
    }
    let first = Some(NODE_PORTS[0]);
    let (_, event) = watch.event("the missing range", |event| {
        tells(event, "opened", "missing-rule", "documented-port", first)
    });
    assert_eq!(event["rule"]["ports"], "30000:32767");
    assert_eq!(event["rule"]["disposition"], "documented");
    // A witness has no such rule, so the same probes are a scan of unlisted ports.
    let (code, report) = watch.batch(&["--role", "witness", "-o", "json"]);
    let report: Value = serde_json::from_str(&report).unwrap();
    assert_eq!(report["findings"][0]["cause"], "scan", "{}", watch.story());
    assert_eq!(report["findings"][0]["logged"], NODE_PORTS.len());
    assert_eq!((&report["rules"], code), (&Value::Array(vec![]), Some(0)));

    let (code, script) = watch.batch(&[&["rules"], &ROLE[..]].concat());
    assert_eq!(code, Some(1), "{script}");
    drops_too(&watch, &node);
    node.sh(&script);
    let server = node.start(&["serve", "31080"]);
    server.tells("listening");
    assert!(balancer.reaches(&node, 31080), "the rule has no effect");
    let (report, code) = watch.end();
    assert_eq!(report["rules"].as_array().unwrap().len(), 1);
    assert_eq!(code, Some(1));
}

/// One SYN of a stranger to each narrowed port gives no rule that would undo the restriction, chain known or not.
pub(crate) fn of_a_stranger(machine: &Machine) {
    let mut network = Network::new();
    let (node, admin) = (network.node(Place::Inside), network.node(Place::Inside));
    let stranger = network.node(Place::Outside);
    let mut chain = Commands::documented("control-plane");
    for ports in NARROWED {
        let command = format!(
            "iptables -A HARVESTER_INPUT -s {} -p tcp --dport {ports} -j ACCEPT",
            admin.address
        );
        chain = chain
            .without(&format!("--dport {ports} "))
            .before_log(&command);
    }
    chain.apply(&node);
    let mut watch = Watch::start(machine, &network, &ROLE);
    stranger.knock(&node.address, 22);
    stranger.knock(&node.address, 2379);
    watch.logged(&["DPT=22 "], 1);
    watch.logged(&["DPT=2379 "], 1);
    // The log alone does not show that the ports were narrowed. Everybody may ask for SSH, and only nodes for etcd.
    let (_, event) = watch.event("the SYN to SSH", |event| {
        tells(event, "opened", "missing-rule", "documented-port", Some(22))
    });
    assert_eq!(event["rule"]["disposition"], "review");
    let (_, event) = watch.event("the SYN to etcd", |event| {
        tells(event, "opened", "review", "outside-peer", Some(2379))
    });
    assert_eq!(event["rule"], Value::Null);

    let dump = network.folder.join("iptables-save");
    std::fs::write(&dump, node.sh("iptables-save")).unwrap();
    let known = [&ROLE[..], &["--rules", dump.to_str().unwrap()]].concat();
    let (code, report) = watch.batch(&[&known[..], &["-o", "json"]].concat());
    let report: Value = serde_json::from_str(&report).unwrap();
    let findings = report["findings"].as_array().unwrap();
    assert_eq!(findings.len(), 2, "{}", watch.story());
    assert!(
        findings.iter().all(|of| of["cause"] == "narrowed-port"),
        "{findings:?}"
    );
    assert_eq!((&report["rules"], code), (&Value::Array(vec![]), Some(0)));
    drops_too(&watch, &node);

    // The script of the log alone changes nothing, and the administrator comes in as before.
    let before = node.sh("iptables -S");
    let (_, script) = watch.batch(&[&["rules"], &ROLE[..]].concat());
    node.sh(&script);
    assert_eq!(node.sh("iptables -S"), before, "{script}");
    let server = node.start(&["serve", "2379"]);
    server.tells("listening");
    assert!(admin.reaches(&node, 2379), "the narrowing keeps nodes out");
    assert!(!stranger.reaches(&node, 2379), "a stranger comes in");
}
