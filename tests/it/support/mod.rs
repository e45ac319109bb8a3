//! Helpers of the tests of inputs: reading an input into plain values, and running the tools that create inputs.

#![allow(dead_code, reason = "each test uses a part of it")]
#![allow(clippy::unwrap_used, clippy::print_stderr, reason = "these are tests")]

pub(crate) mod daemon;
pub(crate) mod flood;
pub(crate) mod markup;

use std::ffi::OsString;
use std::fs;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use dropsift::error::Error;
use dropsift::input::Prefixes;
use dropsift::input::event::{LogEvent, Sink};
use dropsift::input::source::{Options, Progress, Summary, read_file};
use dropsift::time::{Reading, Time, parse_rfc3339};

/// Returns the files below a folder of the project, sorted.
pub(crate) fn files(folder: &str) -> Vec<PathBuf> {
    fn find(folder: &Path, found: &mut Vec<PathBuf>) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                find(&path, found);
            } else {
                found.push(path);
            }
        }
    }
    let mut found = Vec::new();
    find(
        &Path::new(env!("CARGO_MANIFEST_DIR")).join(folder),
        &mut found,
    );
    found.sort();
    found
}

/// Returns the logs among the fixtures.
pub(crate) fn logs() -> Vec<PathBuf> {
    let mut logs = files("fixtures");
    logs.retain(|path| path.extension().is_some_and(|end| end == "log"));
    assert!(logs.len() > 30, "{logs:?}");
    logs
}

/// Returns the program under test: that of this build, or `DROPSIFT_PROGRAM`, such as an optimised one for long runs.
pub(crate) fn program() -> OsString {
    std::env::var_os("DROPSIFT_PROGRAM").unwrap_or_else(|| env!("CARGO_BIN_EXE_dropsift").into())
}

/// Returns the program whose instructions are counted: `DROPSIFT_COUNTED`, such as the one that users get, or [`program`].
pub(crate) fn counted_program() -> OsString {
    std::env::var_os("DROPSIFT_COUNTED").unwrap_or_else(program)
}

/// A drop line: time, host and message.
pub(crate) type Drop = (Time, String, String);

/// Results of an input.
#[derive(Default)]
pub(crate) struct Seen {
    pub(crate) drops: Vec<Drop>,
    pub(crate) untrusted: Vec<String>,
    pub(crate) unreadable: usize,
    pub(crate) facts: Vec<String>,
    /// Whether a fact came after the first item of a log.
    pub(crate) late_fact: bool,
    pub(crate) alive: Vec<Time>,
    pub(crate) notices: Vec<String>,
    pub(crate) ends: usize,
    pub(crate) summary: Summary,
    pub(crate) errors: Vec<String>,
}

impl Seen {
    pub(crate) fn of(reading: impl FnOnce(&mut Sink<'_>) -> (Summary, Vec<Error>)) -> Self {
        let mut seen = Self::default();
        let (summary, errors) = reading(&mut |item| match item {
            LogEvent::Drops(entries) => seen.drops.extend(entries.iter().map(|entry| {
                (
                    entry.time,
                    entry.host.unwrap_or_default().to_owned(),
                    String::from_utf8_lossy(entry.message).into_owned(),
                )
            })),
            LogEvent::Untrusted { record, .. }
            | LogEvent::Elsewhere {
                record,
                is_read: true,
                ..
            } => seen
                .untrusted
                .push(String::from_utf8_lossy(record).into_owned()),
            LogEvent::Elsewhere { is_read: false, .. } => seen.unreadable += 1,
            LogEvent::OtherPrefix { .. } | LogEvent::Behind { .. } => {}
            LogEvent::Unreadable { .. } => seen.unreadable += 1,
            LogEvent::Alive { time, .. } => seen.alive.push(time),
            LogEvent::Learned { fact, .. } => {
                seen.late_fact |= !seen.alive.is_empty();
                seen.facts.push(fact.to_string());
            }
            LogEvent::Notice {
                kind, time, count, ..
            } => seen.notices.push(format!("{kind:?} {time} {count}")),
            LogEvent::EndOfLog { .. } => seen.ends += 1,
            LogEvent::Own { .. } | LogEvent::EndOfOwn => {}
        });
        seen.summary = summary;
        seen.errors = errors.iter().map(ToString::to_string).collect();
        seen
    }

    /// Returns the results that must not depend on the packing.
    pub(crate) fn told(&self) -> (&[Drop], u64, &[String]) {
        (&self.drops, self.summary.lines, &self.errors)
    }
}

pub(crate) fn options() -> Options {
    Options {
        prefixes: Prefixes::documented(),
        reading: Reading {
            year: None,
            reference: parse_rfc3339("2026-11-01T00:00:00Z").unwrap(),
            offset: 0,
        },
        progress: Progress::default(),
        since: None,
    }
}

pub(crate) fn read(path: &Path) -> Seen {
    Seen::of(|sink| read_file(path, &options(), sink))
}

pub(crate) fn drop_line(n: usize) -> String {
    format!(
        "HARVESTER_DROP_IN=mgmt-br OUT= MAC=52:54:00:ab:cd:ef:52:54:00:ab:cd:ea:08:00 SRC=192.168.122.{} \
         DST=192.168.122.61 LEN=60 TOS=0x00 PREC=0x00 TTL=64 ID={} DF PROTO=TCP SPT={} DPT=2112 WINDOW=64240 \
         RES=0x00 SYN URGP=0 ",
        62 + n % 3,
        n * 7919 % 65536,
        32768 + n * 104_729 % 28232
    )
}

/// Whether a program is there; one that is not is named.
pub(crate) fn has(program: &str) -> bool {
    let there = Command::new("sh")
        .args(["-c", &format!("command -v {program} || test -x {program}")])
        .stdout(Stdio::null())
        .status()
        .is_ok_and(|status| status.success());
    if !there {
        eprintln!("left out: {program} is not installed");
    }
    there
}

/// Packs `bytes` with the `tools`, one after the other; `None` if one is not installed.
pub(crate) fn pack(tools: &[&str], bytes: &[u8]) -> Option<Vec<u8>> {
    let mut bytes = bytes.to_vec();
    for tool in tools {
        let (program, arguments) = tool.split_once(' ').unwrap_or((tool, "-"));
        if !has(program) {
            return None;
        }
        let output = piped(Command::new(program).args(arguments.split(' ')), &bytes);
        assert!(output.status.success(), "{tool}");
        bytes = output.stdout;
    }
    Some(bytes)
}

/// Returns the output of `command` with `stdin` piped in.
pub(crate) fn piped(command: &mut Command, stdin: impl AsRef<[u8]> + Send) -> Output {
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut pipe = child.stdin.take().unwrap();
    std::thread::scope(|scope| {
        // The process may have ended without reading.
        scope.spawn(move || pipe.write_all(stdin.as_ref()));
        child.wait_with_output().unwrap()
    })
}

/// Runs a command in `folder`; `None` if its program is not there.
pub(crate) fn run(folder: &Path, command: &str) -> Option<Vec<u8>> {
    let program = command.split(' ').next().unwrap();
    if !has(program) {
        return None;
    }
    let output = Command::new("sh")
        .args(["-c", command])
        .current_dir(folder)
        .env("TZ", "UTC")
        .env("LC_ALL", "C")
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{command}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    Some(output.stdout)
}

/// Returns a real journal of ten records, one of them forged.
pub(crate) fn sample_journal() -> Vec<u8> {
    let packed = include_bytes!("../../../fixtures/inputs/sample.journal.gz");
    let mut bytes = Vec::new();
    flate2::read::GzDecoder::new(&packed[..])
        .read_to_end(&mut bytes)
        .unwrap();
    bytes
}

/// Numbers that only look like chance (xorshift64*).
pub(crate) struct Dice(pub(crate) u64);

impl Dice {
    pub(crate) fn roll(&mut self, below: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33) as usize % below
    }
}

/// Runs the program in `folder`, 80 columns wide and without a configuration of the environment.
pub(crate) fn dropsift(folder: &Path, args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_dropsift"))
        .args(args)
        .current_dir(folder)
        .env_remove("DROPSIFT_CONFIG")
        .env("COLUMNS", "80")
        .output()
        .unwrap()
}
