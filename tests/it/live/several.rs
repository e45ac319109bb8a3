//! Several inputs that are followed at once: one report, the account of each, and nothing lost or counted twice.

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::path::Path;

use serde_json::Value;

use super::pipes::Run;
use crate::support::dropsift;

/// A drop line of `node` at a time of the turn of a year, without the year.
fn line(node: usize, n: usize, dpt: usize) -> String {
    let day = if n < 30 {
        "Dec 31 23:59"
    } else {
        "Jan  1 00:00"
    };
    format!(
        "{day}:{:02} harvester{node} kernel: HARVESTER_DROP_IN=mgmt-br OUT= MAC=52:54:00:ab:cd:ef:52:54:00:ab:cd:ea:08:00 \
         SRC=192.168.122.6{} DST=192.168.122.6{node} LEN=60 TOS=0x00 PREC=0x00 TTL=64 ID={n} DF PROTO=TCP SPT={} \
         DPT={dpt} WINDOW=64240 RES=0x00 SYN URGP=0 \n",
        n % 30 * 2,
        (node + 1 + n % 2) % 4,
        40_000 + n
    )
}

fn append(path: &Path, text: &str) {
    let mut options = OpenOptions::new();
    let mut file = options.append(true).create(true).open(path).unwrap();
    file.write_all(text.as_bytes()).unwrap();
}

/// Waits until the findings of all `ports` were told.
fn wait_for(run: &Run, ports: &[usize]) {
    let mut missing = ports.to_vec();
    while !missing.is_empty() {
        let event = run.event(|event| event["event"] == "opened");
        let port = event["finding"]["port"].as_u64();
        missing.retain(|wanted| port != Some(*wanted as u64));
    }
}

/// Ends the run; returns its report.
fn report(run: Run) -> Value {
    run.signal("INT");
    let (out, said, _) = run.end();
    let last = out
        .lines()
        .last()
        .unwrap_or_else(|| panic!("no report: {said}"));
    let event: Value = serde_json::from_str(last).unwrap();
    event["report"].clone()
}

/// Asserts that two reports say the same of all that does not depend on the names of inputs.
fn same(one: &Value, other: &Value) {
    for key in ["span", "tally", "nodes", "findings", "rules", "windows"] {
        assert_eq!(one[key], other[key], "{key}");
    }
}

#[test]
fn files_that_grow_and_rotate_are_one_report() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let mut whole = vec![String::new(); 3];
    for (node, text) in whole.iter_mut().enumerate() {
        // Only one of the logs goes on in the new year, so that their years are off by different amounts.
        let lines: String = (0..20).map(|n| line(node + 1, n, 2112)).collect();
        append(&at(&format!("node{}.log", node + 1)), &lines);
        text.push_str(&lines);
    }
    let names = ["node1.log", "node2.log", "node3.log"];
    let paths = names.map(|name| at(name).display().to_string());
    let mut args = vec!["-f", "-o", "ndjson", "--year", "2027"];
    args.extend(paths.iter().map(String::as_str));
    let run = Run::start(&args);
    wait_for(&run, &[2112, 2112, 2112]);
    for n in 20..60 {
        for (node, text) in whole.iter_mut().enumerate() {
            if node > 0 && n >= 30 {
                continue;
            }
            let path = at(names[node]);
            if n == 25 + node {
                fs::rename(&path, at(&format!("{}.1", names[node]))).unwrap();
            }
            let line = line(node + 1, n, 9796);
            append(&path, &line);
            text.push_str(&line);
        }
    }
    for (node, text) in whole.iter_mut().enumerate() {
        let last = if node == 0 { 59 } else { 29 };
        // Twice: one SYN to an unlisted port alone is no finding of its own rule.
        let line = line(node + 1, last, 5001 + node) + &line(node + 1, last, 5001 + node);
        append(&at(names[node]), &line);
        text.push_str(&line);
    }
    wait_for(&run, &[5001, 5002, 5003]);
    let live = report(run);
    let saved: Vec<String> = (whole.iter().enumerate())
        .map(|(node, text)| {
            let name = format!("saved{node}");
            fs::write(at(&name), text).unwrap();
            name
        })
        .collect();
    let mut args = vec!["-o", "json", "--year", "2027"];
    args.extend(saved.iter().map(String::as_str));
    let saved = dropsift(folder.path(), &args).stdout;
    let saved: Value = serde_json::from_slice(&saved).unwrap();
    assert_eq!(saved["tally"]["drops"], 60 + 3 * 2 + 2 * 30);
    same(&live, &saved);
    let accounts = |report: &Value| -> Vec<Value> {
        let mut inputs = report["inputs"].as_array().unwrap().clone();
        inputs
            .iter_mut()
            .for_each(|input| input["name"] = Value::Null);
        inputs
    };
    assert_eq!(accounts(&live), accounts(&saved));
}

#[test]
fn a_record_that_two_files_have_counts_once() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name).display().to_string();
    let both = [at("kern.log"), at("syslog")];
    let write = |lines: &str| both.iter().for_each(|path| append(path.as_ref(), lines));
    write(&line(1, 0, 2112));
    let run = Run::start(&[
        "-f", "-o", "ndjson", "--year", "2027", &both[0], &both[1], &both[0],
    ]);
    wait_for(&run, &[2112]);
    // Each line in each file before the next, and two lines that are the same.
    for n in [1, 2, 3, 4, 4, 5] {
        write(&line(1, n, 2112));
    }
    write(&line(1, 6, 9796));
    wait_for(&run, &[9796]);
    append(both[1].as_ref(), &line(1, 7, 9090));
    wait_for(&run, &[9090]);
    let report = report(run);
    assert_eq!(
        (&report["tally"]["drops"], &report["tally"]["lines"]),
        (&9.into(), &17.into())
    );
    assert_eq!(report["inputs"].as_array().unwrap().len(), 2);
}

#[test]
fn a_pipe_that_ends_leaves_the_files() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("kern.log");
    append(&path, &line(1, 0, 2112));
    let mut run = Run::start(&[
        "-f",
        "-o",
        "ndjson",
        "--year",
        "2027",
        "-",
        path.to_str().unwrap(),
    ]);
    run.write(&line(2, 3, 9796));
    wait_for(&run, &[2112, 9796]);
    run.close();
    append(&path, &line(1, 5, 9090));
    wait_for(&run, &[9090]);
    let report = report(run);
    assert_eq!(report["tally"]["drops"], 3);
    let inputs = report["inputs"].as_array().unwrap();
    let drops: Vec<_> = inputs.iter().map(|input| &input["drops"]).collect();
    assert_eq!(drops, [1, 2]);
}
