//! Every output into a full disk, a file that may not grow, and a closed pipe: a row of [`RUNS`] is one output.

use std::fs::{self, File};
use std::io::Write;
use std::process::{Command, Output, Stdio};

use serde_json::Value;

use super::{CAPTURE, SYN};

/// Arguments, and text on stdin. `LOG` stands for a capture, `CHAIN` and `INIT` for rules.
const RUNS: &[(&[&str], Option<&str>)] = &[
    (&["--version"], None),
    (&["--help"], None),
    (&["-h"], None),
    (&["help", "rules"], None),
    (&["rules", "--help"], None),
    (&["man"], None),
    (&["completions", "bash"], None),
    (&["completions", "zsh"], None),
    (&["completions", "fish"], None),
    (&["completions", "elvish"], None),
    (&["completions", "powershell"], None),
    (&["schema", "report"], None),
    (&["schema", "event"], None),
    (&["ports"], None),
    (&["ports", "-o", "json"], None),
    (&["explain", "list"], None),
    (&["explain", "list", "-o", "json"], None),
    (&["explain", "conntrack-loss"], None),
    (&["explain", "conntrack-loss", "-o", "json"], None),
    (&["explain", "tcp/10250"], None),
    (&["explain", "tcp/10250", "-o", "json"], None),
    (&["explain", SYN], None),
    (&["explain", SYN, "-o", "json"], None),
    (&["explain", "-"], Some(SYN)),
    (&["explain", "-", "-o", "json"], Some(SYN)),
    (&["explain", "no drop line", "-o", "json"], None),
    (&["LOG"], None),
    (&["LOG", "-o", "json"], None),
    (&["-"], Some(SYN)),
    (&["-", "-o", "json"], Some(SYN)),
    (&["-f", "-", "-o", "json"], Some(SYN)),
    (&["--no-follow", "-o", "json"], Some(SYN)),
    (&["rules", "LOG"], None),
    (&["rules", "--format", "cloudinit", "LOG"], None),
    (
        &[
            "rules",
            "--role=control-plane",
            "--format",
            "cloudinit-patch",
            "INIT",
            "LOG",
        ],
        None,
    ),
    (
        &[
            "rules",
            "--role=control-plane",
            "--format",
            "cloudinit-patch",
            "--diff",
            "INIT",
            "LOG",
        ],
        None,
    ),
    (&["rules", "--format", "split-log", "LOG"], None),
    (&["simulate", "--rules", "CHAIN", "LOG"], None),
    (&["simulate", "--rules", "CHAIN", "-o", "json", "LOG"], None),
    (&["audit", "CHAIN"], None),
    (&["audit", "CHAIN", "-o", "json"], None),
];

fn command(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_dropsift"));
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/");
    command.args(args.iter().map(|arg| match *arg {
        "LOG" => CAPTURE.to_owned(),
        "CHAIN" => format!("{root}cli/report/in-force-text/chain.save"),
        "INIT" => format!("{root}lab/cloudinit-control-plane.yaml"),
        arg => arg.to_owned(),
    }));
    command
}

/// Runs it to its end with `stdout`.
fn run(mut command: Command, stdin: Option<&str>, stdout: impl Into<Stdio>) -> Output {
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(stdout)
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // The process may have ended without reading.
    let _ = child
        .stdin
        .take()
        .unwrap()
        .write_all(stdin.unwrap_or_default().as_bytes());
    child.wait_with_output().unwrap()
}

#[test]
fn every_output_tells_of_a_full_disk() {
    let Ok(full) = File::options().write(true).open("/dev/full") else {
        return;
    };
    for (args, stdin) in RUNS {
        let output = run(command(args), *stdin, full.try_clone().unwrap());
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{args:?}: {said}");
        assert!(
            said.contains("cannot write the output: no space left; free some"),
            "{args:?}: {said}"
        );
    }
}

#[test]
fn every_output_ends_quietly_where_nobody_reads() {
    for (args, stdin) in RUNS {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let mut quiet = command(args);
        let reads = stdin.is_some() || args.contains(&"LOG");
        if reads {
            quiet.arg("-q");
        }
        let output = run(quiet, *stdin, writer);
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(0), "{args:?}: {said}");
        assert!(
            said.is_empty() || args.contains(&"no drop line"),
            "{args:?}: {said}"
        );
    }
}

#[test]
fn no_document_looks_whole_that_is_not() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("report.json");
    // Some outputs are shorter than the least limit, which is a block of 512 bytes.
    let mut cut = 0;
    for (args, stdin) in RUNS.iter().filter(|(args, _)| args.contains(&"json")) {
        let whole = run(command(args), *stdin, Stdio::piped()).stdout;
        let program = command(args);
        let mut limited = Command::new("sh");
        limited
            .args(["-c", "trap '' XFSZ; ulimit -f 1; exec \"$0\" \"$@\""])
            .arg(program.get_program())
            .args(program.get_args());
        let output = run(limited, *stdin, File::create(&path).unwrap());
        let written = fs::read(&path).unwrap();
        if whole.len() <= 512 {
            assert_eq!(written, whole, "{args:?}");
            continue;
        }
        cut += 1;
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{args:?}: {said}");
        assert!(
            said.contains("the file may not grow larger"),
            "{args:?}: {said}"
        );
        assert!(whole.starts_with(&written), "{args:?}");
        let last = written.rsplit(|b| *b == b'\n').next().unwrap();
        assert!(
            written.is_empty()
                || !last.is_empty() && serde_json::from_slice::<Value>(last).is_err(),
            "{args:?}: {}",
            String::from_utf8_lossy(&written)
        );
    }
    assert!(cut >= 8, "only {cut} were cut");
}
