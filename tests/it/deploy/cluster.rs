//! The report of a cluster: those of its pods, taken over HTTP, merged by the program itself.

use std::fs;
use std::process::Command;

use serde_json::Value;

use crate::support::daemon::{Daemon, get, sum};
use crate::support::piped;

fn report(args: &[&str], stdin: &str) -> (Value, Option<i32>) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_dropsift"));
    let output = piped(command.args(["-o", "json"]).args(args), stdin);
    let report = serde_json::from_slice(&output.stdout).unwrap();
    (report, output.status.code())
}

/// Returns what a report says of each finding that a reader acts by.
fn answers(report: &Value) -> Vec<[Value; 7]> {
    let findings = report["findings"].as_array().unwrap().iter();
    findings
        .map(|finding| {
            ["id", "node", "verdict", "cause", "state", "logged", "rules"]
                .map(|key| finding[key].clone())
        })
        .collect()
}

/// Each pod follows the log of its node; the lines of one node never reach another pod.
#[test]
fn reports_of_pods_are_the_report_of_the_cluster() {
    let log = fs::read_to_string("fixtures/set-a/limited.log").unwrap();
    let roles = [
        ("harvester1", "control-plane"),
        ("harvester2", "control-plane"),
        ("harvester3", "worker"),
    ];
    let folder = tempfile::tempdir().unwrap();
    let mut files = Vec::new();
    let mut alone = Vec::new();
    for (node, role) in roles {
        let lines: Vec<&str> = log
            .lines()
            .filter(|line| {
                line.split(' ').nth(1) == Some(node) || line.contains(&format!(" {node} "))
            })
            .collect();
        let path = folder.path().join(format!("{node}.log"));
        fs::write(&path, lines.join("\n") + "\n").unwrap();
        let path = path.to_str().unwrap().to_owned();
        let pod = Daemon::start(
            "0",
            &["--no-report", "--year", "2026", &path, "--role", role],
        );
        let lines = lines.len() as f64;
        pod.series(|page| sum(page, "dropsift_drop_lines_total", &[]) >= lines);
        let document = get(&pod.address, "/report.json");

        // Piped, as from `kubectl get --raw`.
        let (piped, code) = report(&["-"], &document);
        let served: Value = serde_json::from_str(&document).unwrap();
        assert_eq!(answers(&piped), answers(&served), "{node}");
        let missing = answers(&piped).iter().any(|one| one[2] == "missing-rule");
        assert_eq!(code, Some(i32::from(missing)), "{node}");
        // And as of the log itself.
        let (direct, _) = report(&["--year", "2026", "--role", role, &path], "");
        assert_eq!(answers(&piped), answers(&direct), "{node}");

        let file = folder.path().join(format!("{node}.json"));
        fs::write(&file, &document).unwrap();
        files.push(file.to_str().unwrap().to_owned());
        alone.extend(answers(&served));
    }
    let files: Vec<&str> = files.iter().map(String::as_str).collect();
    let (merged, code) = report(&files, "");
    assert_eq!(code, Some(1));
    assert_eq!(merged["tally"]["drops"], 135);
    assert_eq!(merged["nodes"].as_array().unwrap().len(), 3);
    let key = |one: &[Value; 7]| one[0].to_string();
    let mut all = answers(&merged);
    all.sort_by_key(key);
    alone.sort_by_key(key);
    assert_eq!(all, alone);
    let missing: Vec<&Value> = (merged["findings"].as_array().unwrap().iter())
        .filter(|finding| finding["verdict"] == "missing-rule")
        .map(|finding| &finding["port"])
        .collect();
    for port in [2112, 8472, 9796] {
        assert!(missing.contains(&&port.into()), "{port}: {missing:?}");
    }
    // The order of files makes no difference.
    let reversed: Vec<&str> = files.iter().rev().copied().collect();
    assert_eq!(answers(&report(&reversed, "").0), answers(&merged));
}
