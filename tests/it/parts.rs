//! Container logs with a line over 1 MiB in parts: it swallows no other line, no rest of it is judged, and the answer is the
//! same however its bytes come.
#![allow(clippy::unwrap_used, reason = "these are tests")]

use std::fmt::Write as _;
use std::fs;
use std::io::Write as _;
use std::process::{Command, Output, Stdio};

use serde_json::Value;

use crate::support::drop_line;

/// Lines of a container's log file.
#[derive(Default)]
struct Log(String);

impl Log {
    fn cri(mut self, stream: &str, tag: &str, text: &str) -> Self {
        let _ = writeln!(
            self.0,
            "2026-05-04T09:58:10.123456789Z {stream} {tag} {text}"
        );
        self
    }

    fn docker(mut self, text: &str) -> Self {
        let _ = writeln!(
            self.0,
            r#"{{"log":"{text}","stream":"stdout","time":"2026-05-04T09:58:10Z"}}"#
        );
        self
    }

    /// Adds so many parts of 16 KiB.
    fn parts(self, count: usize) -> Self {
        let text = "q".repeat(16 << 10);
        (0..count).fold(self, |log, _| log.cri("stdout", "P", &text))
    }

    fn docker_parts(self, count: usize) -> Self {
        let text = "q".repeat(16 << 10);
        (0..count).fold(self, |log, _| log.docker(&text))
    }
}

fn line(n: usize) -> String {
    format!("May 04 09:58:10 harvester1 kernel: {}", drop_line(n))
}

/// Returns the lines, the drop lines and the unreadable ones.
fn counts(output: &Output) -> [u64; 3] {
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    ["lines", "drops", "unreadable"].map(|key| report["tally"][key].as_u64().unwrap())
}

fn command() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_dropsift"));
    command.args(["--no-follow", "-o", "json", "--year", "2026"]);
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// Returns the counts of a text in a pipe, of which so many bytes come at once.
fn piped(text: &str, size: usize) -> [u64; 3] {
    let mut child = command().stdin(Stdio::piped()).spawn().unwrap();
    let mut pipe = child.stdin.take().unwrap();
    let bytes = text.as_bytes().to_vec();
    let writer = std::thread::spawn(move || {
        for part in bytes.chunks(size) {
            pipe.write_all(part).unwrap();
        }
    });
    let output = child.wait_with_output().unwrap();
    writer.join().unwrap();
    counts(&output)
}

#[test]
fn a_line_over_a_mebibyte_in_parts_swallows_no_other() {
    let rows = [
        (
            "a whole line of the other stream between",
            Log::default()
                .parts(5)
                .cri("stderr", "F", &line(1))
                .parts(59)
                .cri("stdout", "F", "e"),
            [66, 1, 0],
        ),
        (
            "a whole line before and behind",
            Log::default()
                .cri("stdout", "F", &line(1))
                .parts(70)
                .cri("stdout", "F", "e")
                .cri("stdout", "F", &line(2)),
            [73, 2, 0],
        ),
        (
            "a drop line in its first part",
            Log::default()
                .cri("stdout", "P", &line(1))
                .parts(500)
                .cri("stdout", "F", "e")
                .cri("stdout", "F", &line(2)),
            [503, 1, 1],
        ),
        (
            "a drop line as its last part",
            Log::default()
                .parts(66)
                .cri("stdout", "F", &line(1))
                .cri("stdout", "F", &line(2)),
            [68, 1, 1],
        ),
        (
            "the prefix between its last parts",
            Log::default()
                .parts(66)
                .cri("stdout", "P", "HARV")
                .cri("stdout", "F", &drop_line(1)["HARV".len()..])
                .cri("stdout", "F", &line(2)),
            [69, 1, 1],
        ),
        (
            "no end",
            Log::default().cri("stderr", "F", &line(1)).parts(200),
            [201, 1, 0],
        ),
        (
            "of Docker, a drop line as its last part",
            Log::default()
                .docker_parts(64)
                .docker(&(line(1) + "\\n"))
                .docker(&(line(2) + "\\n")),
            [66, 1, 1],
        ),
        (
            "less than a mebibyte",
            Log::default().parts(60).cri("stdout", "F", &line(1)),
            [61, 0, 1],
        ),
    ];
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("0.log");
    for (name, Log(text), should) in rows {
        fs::write(&path, &text).unwrap();
        let file = counts(&command().arg(&path).stdin(Stdio::null()).output().unwrap());
        assert_eq!(file, should, "{name}, as a file");
        for size in [text.len(), 65_536, 1_777] {
            assert_eq!(piped(&text, size), should, "{name}, {size} bytes at once");
        }
    }
}
