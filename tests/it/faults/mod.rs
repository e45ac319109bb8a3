//! Failures of inputs and outputs: a clear message, the right exit code, and no partial document that looks complete.

mod outputs;
mod reading;
mod streams;
mod waiting;

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

const SYN: &str = "Apr 22 10:01:00.000001 harvester1 kernel: HARVESTER_DROP_IN=mgmt-br OUT= MAC= SRC=192.168.122.63 DST=192.168.122.61 LEN=60 TOS=0x00 PREC=0x00 TTL=64 ID=1 DF PROTO=TCP SPT=40000 DPT=2112 WINDOW=64240 RES=0x00 SYN URGP=0 \n";
const CAPTURE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/set-a/full.log");

fn dropsift() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_dropsift"));
    command.args(["--year", "2026"]);
    command
}

/// Starts the program with pipes for its standard streams.
fn live(args: &[&str]) -> Child {
    dropsift()
        .args(args)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}

#[test]
fn a_closed_pipe_ends_quietly() {
    let mut child = live(&["-o", "ndjson", "-q"]);
    drop(child.stdout.take());
    let mut stdin = child.stdin.take().unwrap();
    // The reader may be gone before all is written.
    let _ = stdin.write_all(SYN.as_bytes());
    drop(stdin);
    let mut said = String::new();
    child
        .stderr
        .take()
        .unwrap()
        .read_to_string(&mut said)
        .unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(0), "{said}");
    assert_eq!(said, "");
}

#[test]
fn a_verdict_is_told_while_the_pipe_stays_open() {
    let mut child = live(&["-o", "ndjson"]);
    let mut stdin = child.stdin.take().unwrap();
    let mut events = BufReader::new(child.stdout.take().unwrap()).lines();
    let began = Instant::now();
    stdin.write_all(SYN.as_bytes()).unwrap();
    let event: Value = serde_json::from_str(&events.next().unwrap().unwrap()).unwrap();
    assert!(
        began.elapsed() < Duration::from_secs(5),
        "it waited for more"
    );
    assert_eq!(event["event"], "opened");
    assert_eq!(event["finding"]["cause"], "documented-port");
    assert_eq!(event["rule"]["ports"], "2112");

    // Half a line is no line yet; its other half makes it one.
    let next = SYN.replace("DPT=2112", "DPT=6443");
    let (head, tail) = next.split_at(100);
    stdin.write_all(head.as_bytes()).unwrap();
    stdin.flush().unwrap();
    stdin.write_all(tail.as_bytes()).unwrap();
    let event: Value = serde_json::from_str(&events.next().unwrap().unwrap()).unwrap();
    assert_eq!(event["finding"]["port"], 6443);

    drop(stdin);
    let report: Value = serde_json::from_str(&events.next().unwrap().unwrap()).unwrap();
    assert_eq!(report["event"], "report");
    assert_eq!(report["report"]["tally"]["drops"], 2);
    assert!(events.next().is_none());
    assert_eq!(child.wait().unwrap().code(), Some(1));
}

#[test]
fn an_interrupt_ends_with_the_report() {
    let mut child = live(&["-o", "ndjson"]);
    let mut stdin = child.stdin.take().unwrap();
    let mut events = BufReader::new(child.stdout.take().unwrap()).lines();
    stdin.write_all(SYN.as_bytes()).unwrap();
    events.next().unwrap().unwrap();
    let killed = Command::new("kill")
        .args(["-INT", &child.id().to_string()])
        .status()
        .unwrap();
    assert!(killed.success());
    let report: Value = serde_json::from_str(&events.next().unwrap().unwrap()).unwrap();
    assert_eq!(report["event"], "report");
    assert_eq!(child.wait().unwrap().code(), Some(1));
    drop(stdin);
}

#[test]
fn a_line_without_an_end_is_bounded() {
    let mut child = live(&["--no-follow", "-o", "json"]);
    let mut stdin = child.stdin.take().unwrap();
    let writer = std::thread::spawn(move || {
        let block = vec![b'x'; 1 << 20];
        for _ in 0..64 {
            stdin.write_all(&block).unwrap();
        }
        stdin.write_all(b"\n").unwrap();
        stdin.write_all(SYN.as_bytes()).unwrap();
    });
    let mut report = String::new();
    child
        .stdout
        .take()
        .unwrap()
        .read_to_string(&mut report)
        .unwrap();
    writer.join().unwrap();
    child.wait().unwrap();
    let report: Value = serde_json::from_str(&report).unwrap();
    assert_eq!(
        report["tally"]["drops"], 1,
        "the line behind it still counts"
    );
    assert_eq!(report["tally"]["unreadable"], 1);
}

#[test]
fn one_bad_input_hides_no_other() {
    let folder = tempfile::tempdir().unwrap();
    let good = folder.path().join("good.log");
    fs::write(&good, SYN).unwrap();
    let cut = folder.path().join("cut.gz");
    fs::write(&cut, b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03garbage").unwrap();
    let output = dropsift()
        .args(["-o", "json"])
        .arg(&cut)
        .arg(folder.path().join("absent"))
        .arg(&good)
        .output()
        .unwrap();
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(report["tally"]["drops"], 1);
    assert_eq!(output.status.code(), Some(2));
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.contains("cut.gz") && said.contains("absent"), "{said}");
}

#[test]
fn a_followed_file_may_be_rotated_or_cut() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("kernel.log");
    fs::write(&path, SYN).unwrap();
    let mut child = dropsift()
        .args(["-f", "-q", "-o", "ndjson"])
        .arg(&path)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut events = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut port = || -> u64 {
        let event: Value = serde_json::from_str(&events.next().unwrap().unwrap()).unwrap();
        event["finding"]["port"].as_u64().unwrap()
    };
    assert_eq!(port(), 2112);
    fs::rename(&path, folder.path().join("kernel.log.1")).unwrap();
    fs::write(&path, SYN.replace("DPT=2112", "DPT=6443")).unwrap();
    assert_eq!(port(), 6443);
    // Truncated, and shorter than the part that was read.
    let shorter = SYN.replace("DPT=2112", "DPT=22").replace(" DF ", " ");
    fs::write(&path, shorter).unwrap();
    assert_eq!(port(), 22);
    let killed = Command::new("kill")
        .args(["-INT", &child.id().to_string()])
        .status()
        .unwrap();
    assert!(killed.success());
    assert_eq!(child.wait().unwrap().code(), Some(1));
}
