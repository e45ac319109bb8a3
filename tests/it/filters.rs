//! Filters, compared with the whole report: values of one filter are alternatives, each filter must accept a finding,
//! and `--not` negates the next filter, as in Hubble.

use std::process::{Command, Output};

use serde_json::Value;

const CAPTURE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/set-a/full.log");

fn run(args: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_dropsift"));
    command.args([
        "--year",
        "2026",
        "--role",
        "harvester3=worker",
        "-o",
        "json",
        CAPTURE,
    ]);
    command.args(args).output().unwrap()
}

fn findings(args: &[&str]) -> Vec<Value> {
    let report: Value = serde_json::from_slice(&run(args).stdout).unwrap();
    report["findings"].as_array().unwrap().clone()
}

fn port(finding: &Value, port: u16) -> bool {
    finding["ports"]
        .as_array()
        .unwrap()
        .contains(&Value::from(port))
}

fn verdict(finding: &Value, verdict: &str) -> bool {
    finding["verdict"] == verdict
}

fn peer(finding: &Value, peer: &str) -> bool {
    finding["peers"]
        .as_array()
        .unwrap()
        .contains(&Value::from(peer))
}

/// A row: the filters, and which findings they let through.
type Row = (&'static [&'static str], fn(&Value) -> bool);

const ROWS: &[Row] = &[
    (&["--port", "2112"], |f| port(f, 2112)),
    (&["--port", "2112", "--port=10250"], |f| {
        port(f, 2112) || port(f, 10250)
    }),
    (&["--port", "2112", "--verdict", "missing-rule"], |f| {
        port(f, 2112) && verdict(f, "missing-rule")
    }),
    (&["--peer", "192.168.122.63"], |f| peer(f, "192.168.122.63")),
    (&["--not", "--port", "2112"], |f| !port(f, 2112)),
    (&["--not", "--port=2112", "--not", "--port=10250"], |f| {
        !port(f, 2112) && !port(f, 10250)
    }),
    (
        &["--not", "--port", "2112", "--verdict", "missing-rule"],
        |f| !port(f, 2112) && verdict(f, "missing-rule"),
    ),
    (
        &["--verdict", "missing-rule", "--not", "--port", "2112"],
        |f| !port(f, 2112) && verdict(f, "missing-rule"),
    ),
    (
        &["--not", "--verdict", "false-positive", "--port", "10250"],
        |f| port(f, 10250) && !verdict(f, "false-positive"),
    ),
    (
        &[
            "--not",
            "--verdict=false-positive",
            "--not",
            "--verdict=missing-rule",
        ],
        |f| !verdict(f, "false-positive") && !verdict(f, "missing-rule"),
    ),
    (
        &[
            "--not",
            "--peer",
            "192.168.122.63",
            "--verdict",
            "missing-rule",
        ],
        |f| !peer(f, "192.168.122.63") && verdict(f, "missing-rule"),
    ),
];

#[test]
fn filters_let_through_what_they_name() {
    let all = findings(&[]);
    for (args, lets) in ROWS {
        let wanted: Vec<&Value> = all.iter().filter(|finding| lets(finding)).collect();
        let is = findings(args);
        assert!(wanted.len() < all.len(), "{args:?} hides nothing");
        assert_eq!(is.iter().collect::<Vec<_>>(), wanted, "{args:?}");
    }
}

#[test]
fn a_filter_must_stand_behind_not() {
    for args in [
        &["--not"][..],
        &["--port", "2112", "--not"],
        &["--not", "--role", "worker"],
        &["--not", "--", "--port"],
    ] {
        let output = run(args);
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{args:?}: {said}");
        assert!(said.contains("write --not --port 22"), "{args:?}: {said}");
    }
}
