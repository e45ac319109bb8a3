//! Inputs that stall: the lines so far are judged and reported, the processor rests, and Ctrl-C gives the report.

use std::fs::{self, File};
use std::io::{BufRead, BufReader, Lines, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::thread::sleep;
use std::time::Duration;

use serde_json::Value;

use super::{SYN, dropsift, live};

type Events = Lines<BufReader<ChildStdout>>;

fn events(child: &mut Child) -> Events {
    BufReader::new(child.stdout.take().unwrap()).lines()
}

fn event(events: &mut Events) -> Value {
    serde_json::from_str(&events.next().unwrap().unwrap()).unwrap()
}

fn signal(child: &Child, name: &str) {
    let killed = Command::new("kill")
        .args([&format!("-{name}"), &child.id().to_string()])
        .status();
    assert!(killed.unwrap().success());
}

/// Returns the processor time that `child` has used, in hundredths of a second.
fn used(child: &Child) -> Option<u64> {
    let stat = fs::read_to_string(format!("/proc/{}/stat", child.id())).ok()?;
    // After the name, which is in brackets: utime and stime are the 12th and 13th.
    let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_whitespace().collect();
    Some(fields.get(11)?.parse::<u64>().ok()? + fields.get(12)?.parse::<u64>().ok()?)
}

fn rests(child: &Child) {
    let before = used(child);
    sleep(Duration::from_millis(1500));
    if let (Some(before), Some(after)) = (before, used(child)) {
        assert!(
            after - before <= 30,
            "it was busy for {} of 150 hundredths",
            after - before
        );
    }
}

fn fifo(folder: &Path) -> Option<PathBuf> {
    let path = folder.join("kernel.fifo");
    let made = Command::new("mkfifo").arg(&path).status();
    made.is_ok_and(|status| status.success()).then_some(path)
}

/// A row: the arguments before the named pipe, which is the standard input where there is none.
const WAYS: [&[&str]; 2] = [&["-o", "ndjson"], &["-o", "ndjson", "-f"]];

#[test]
fn a_pipe_that_stalls_is_judged_as_far_as_it_came() {
    let folder = tempfile::tempdir().unwrap();
    let Some(path) = fifo(folder.path()) else {
        return;
    };
    for args in WAYS {
        let mut command = dropsift();
        command
            .args(args)
            .stdout(Stdio::piped())
            .stderr(Stdio::null());
        let (mut child, mut pipe) = if args.contains(&"-f") {
            let child = command.arg(&path).spawn().unwrap();
            (child, File::options().write(true).open(&path).unwrap())
        } else {
            // Opened for reading and writing, so that neither side blocks.
            let pipe = File::options().read(true).write(true).open(&path).unwrap();
            let child = command.stdin(File::open(&path).unwrap()).spawn().unwrap();
            (child, pipe)
        };
        let mut events = events(&mut child);
        pipe.write_all(SYN.as_bytes()).unwrap();
        pipe.write_all(&SYN.as_bytes()[..100]).unwrap();
        assert_eq!(event(&mut events)["event"], "opened", "{args:?}");
        rests(&child);
        // Signals that are no reason to end.
        for name in ["STOP", "CONT", "WINCH", "CONT"] {
            signal(&child, name);
        }
        pipe.write_all(&SYN.replace("DPT=2112", "DPT=6443").as_bytes()[100..])
            .unwrap();
        assert_eq!(event(&mut events)["finding"]["port"], 6443, "{args:?}");
        signal(&child, "INT");
        let report = event(&mut events);
        assert_eq!(report["report"]["tally"]["drops"], 2, "{args:?}");
        assert_eq!(child.wait().unwrap().code(), Some(1), "{args:?}");
    }
}

#[test]
fn a_named_pipe_is_waited_for_and_goes_on_with_the_next_writer() {
    let folder = tempfile::tempdir().unwrap();
    let Some(path) = fifo(folder.path()) else {
        return;
    };
    let follow = || {
        let mut command = dropsift();
        command.args(["-f", "-o", "ndjson"]).arg(&path);
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        command.spawn().unwrap()
    };
    // The pipe has no writer yet.
    let mut child = follow();
    let mut told = events(&mut child);
    rests(&child);
    signal(&child, "INT");
    assert_eq!(event(&mut told)["report"]["tally"]["lines"], 0);
    assert_eq!(child.wait().unwrap().code(), Some(0));

    let mut child = follow();
    let mut told = events(&mut child);
    for port in [2112, 6443, 22] {
        let line = SYN.replace("DPT=2112", &format!("DPT={port}"));
        let mut writer = File::options().write(true).open(&path).unwrap();
        writer.write_all(line.as_bytes()).unwrap();
        drop(writer);
        assert_eq!(event(&mut told)["finding"]["port"], port);
    }
    rests(&child);
    signal(&child, "INT");
    assert_eq!(event(&mut told)["report"]["tally"]["drops"], 3);
    let output = child.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(!said.contains("cannot read"), "{said}");
    assert_eq!(output.status.code(), Some(1));
}

/// Signals while a pipe is read to its end, by everything that reads one.
#[test]
fn signals_while_reading_change_nothing() {
    for args in [
        &["--no-follow"][..],
        &["-f", "-"],
        &["rules"],
        &["explain", "-"],
        &["--no-follow", "-o", "json"],
    ] {
        let answer = |disturbed: bool| {
            let mut child = live(args);
            let mut stdin = child.stdin.take().unwrap();
            for part in SYN.as_bytes().chunks(60) {
                stdin.write_all(part).unwrap();
                if disturbed {
                    for name in ["STOP", "CONT", "WINCH"] {
                        signal(&child, name);
                    }
                }
            }
            drop(stdin);
            let output = child.wait_with_output().unwrap();
            (output.status.code(), output.stdout)
        };
        assert_eq!(answer(true), answer(false), "{args:?}");
    }
}
