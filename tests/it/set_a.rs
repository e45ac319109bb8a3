//! Judges a capture of a real kernel, line by line, against the truth that the lab wrote beside it.

use std::process::Command;

use serde_json::Value;

/// Documented rules that the capture's chains lacked: role, protocol, port.
const MISSING: [(&str, &str, &str); 3] = [
    ("harvester1", "tcp", "2112"),
    ("harvester1", "udp", "8472"),
    ("harvester3", "tcp", "9796"),
];

#[test]
fn every_line_of_the_full_log() {
    judge("full");
}

#[test]
fn every_line_of_the_limited_log() {
    judge("limited");
}

fn judge(name: &str) {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/set-a");
    let output = Command::new(env!("CARGO_BIN_EXE_dropsift"))
        .args([
            "--role",
            "control-plane",
            "--role",
            "harvester3=worker",
            "--year",
            "2026",
            "-o",
            "json",
        ])
        .arg(format!("{folder}/{name}.log"))
        .output()
        .unwrap();
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    let findings = report["findings"].as_array().unwrap();

    let truth = std::fs::read_to_string(format!("{folder}/{name}.truth.jsonl")).unwrap();
    let truth: Vec<Value> = truth
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    for line in &truth {
        let reply = line["cause"] == "conntrack-loss";
        let port = if reply { &line["spt"] } else { &line["dpt"] };
        let proto = line["proto"].as_str().unwrap().to_lowercase();
        let direction = if reply { "reply" } else { "original" };
        let judged = findings.iter().any(|f| {
            f["node"] == line["host"]
                && f["proto"] == proto
                && (f["direction"] == direction || f["direction"] == "unknown")
                && f["ports"].as_array().unwrap().contains(port)
                && line["verdict"].as_array().unwrap().contains(&f["verdict"])
        });
        assert!(
            judged,
            "no finding judges this line as the truth does: {line}"
        );
    }

    let logged: u64 = findings.iter().map(|f| f["logged"].as_u64().unwrap()).sum();
    assert_eq!(logged, truth.len() as u64, "every line is in one finding");
    assert_eq!(report["tally"]["drops"], logged);

    let mut documented: Vec<(&str, &str, &str)> = report["rules"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|rule| rule["disposition"] == "documented")
        .map(|rule| {
            let text = |key| rule[key].as_str().unwrap();
            (text("node"), text("proto"), text("ports"))
        })
        .collect();
    documented.sort_unstable();
    assert_eq!(documented, MISSING);
    assert_eq!(output.status.code(), Some(1));
}
