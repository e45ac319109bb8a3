//! Real pipes: the events while they are open; and a log that merely comes through a pipe is judged as a saved log.
//!
//! No test measures time: an event that must come while a stream goes on is waited for as long as the stream goes on.

use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use dropsift::time::{SECOND, Time};
use serde_json::Value;

/// Upper bound on the wait for an event on a slow machine.
const PATIENCE: Duration = Duration::from_secs(60);

pub(super) struct Run {
    child: Child,
    stdin: Option<ChildStdin>,
    lines: Receiver<String>,
}

impl Run {
    pub(super) fn start(args: &[&str]) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_dropsift"))
            .args(args)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let stdout = BufReader::new(child.stdout.take().unwrap());
        let (send, lines) = channel();
        thread::spawn(move || {
            for line in stdout.lines().map_while(Result::ok) {
                if send.send(line).is_err() {
                    return;
                }
            }
        });
        Self {
            stdin: child.stdin.take(),
            child,
            lines,
        }
    }

    pub(super) fn write(&mut self, text: &str) {
        self.stdin
            .as_mut()
            .unwrap()
            .write_all(text.as_bytes())
            .unwrap();
    }

    /// Closes the standard input.
    pub(super) fn close(&mut self) {
        self.stdin = None;
    }

    /// Waits for the next event for which `is_wanted` holds.
    pub(super) fn event(&self, is_wanted: impl Fn(&Value) -> bool) -> Value {
        loop {
            let line = self.lines.recv_timeout(PATIENCE).expect("no such event");
            let event: Value = serde_json::from_str(&line).unwrap();
            if is_wanted(&event) {
                return event;
            }
        }
    }

    pub(super) fn signal(&self, name: &str) {
        let id = self.child.id().to_string();
        let status = Command::new("kill")
            .args([&format!("-{name}"), &id])
            .status();
        assert!(status.unwrap().success());
    }

    /// Returns the rest of the output after the end of the input: stdout, stderr and the exit code.
    pub(super) fn end(mut self) -> (String, String, Option<i32>) {
        drop(self.stdin.take());
        let rest: Vec<String> = self.lines.iter().collect();
        let mut said = String::new();
        self.child
            .stderr
            .take()
            .unwrap()
            .read_to_string(&mut said)
            .unwrap();
        (rest.join("\n"), said, self.child.wait().unwrap().code())
    }
}

/// Returns the machine's time, `seconds` ago.
fn ago(seconds: i64) -> Time {
    #[expect(clippy::disallowed_methods, reason = "live lines are of now")]
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    Time(now.as_micros() as i64 - seconds * SECOND)
}

fn syn(time: Time, dpt: u16) -> String {
    format!(
        "{time} harvester1 kernel: HARVESTER_DROP_IN=mgmt-br OUT= MAC=52:54:00:ab:cd:ef:52:54:00:ab:cd:ea:08:00 \
         SRC=192.168.122.63 DST=192.168.122.61 LEN=60 TOS=0x00 PREC=0x00 TTL=64 ID=1 DF PROTO=TCP SPT=40000 DPT={dpt} \
         WINDOW=64240 RES=0x00 SYN URGP=0 \n"
    )
}

fn reply(time: Time, peer: u32) -> String {
    let (spt, dpt) = ([6443, 9345, 10250][peer as usize % 3], 32768 + peer);
    syn(time, dpt as u16)
        .replace("SPT=40000", &format!("SPT={spt}"))
        .replace(
            "192.168.122.63",
            &format!("192.168.122.{}", 100 + peer % 100),
        )
        .replace("RES=0x00 SYN", "RES=0x00 ACK")
}

fn other(time: Time, n: u32) -> String {
    format!("{time} harvester1 kernel: cni0: port {n}(veth5a31c0de) entered blocking state\n")
}

const LIVE: [&str; 4] = ["--role", "control-plane", "-o", "ndjson"];

fn port(port: u16) -> impl Fn(&Value) -> bool {
    move |event| event["finding"]["port"] == port
}

/// 200 drops at once, and a line every few milliseconds from then on, of which one in four is a drop: there is never a lull.
#[test]
fn a_missing_rule_is_told_while_the_stream_goes_on() {
    for (kind, line) in [
        ("other lines", other as fn(Time, u32) -> String),
        ("drop lines", reply),
    ] {
        let mut run = Run::start(&LIVE);
        let burst: Vec<String> = (0..200).map(|n| reply(ago(0), n)).collect();
        run.write(&burst.concat());
        let mut stdin = run.stdin.take().unwrap();
        let (stop, stopped) = channel::<()>();
        let writer = thread::spawn(move || {
            for n in 0.. {
                stdin.write_all(line(ago(0), n).as_bytes()).unwrap();
                if n == 100 {
                    stdin.write_all(syn(ago(0), 2112).as_bytes()).unwrap();
                }
                if stopped.recv_timeout(Duration::from_millis(5)).is_ok() {
                    return stdin;
                }
            }
            stdin
        });
        let event = run.event(port(2112));
        assert_eq!(event["finding"]["verdict"], "missing-rule", "{kind}");
        assert_eq!(event["event"], "opened", "{kind}");
        stop.send(()).unwrap();
        run.stdin = Some(writer.join().unwrap());
        let (text, _, code) = run.end();
        let last: Value = serde_json::from_str(text.lines().last().unwrap()).unwrap();
        assert!(
            last["report"]["tally"]["drops"].as_u64() >= Some(201),
            "{kind}"
        );
        assert_eq!(code, Some(1), "{kind}");
    }
}

/// Removes the name of the input and the commands that read it again, which only a file has, from a run's output.
fn nameless(run: &(String, String, Option<i32>), name: &str) -> (String, String, Option<i32>) {
    let (text, said, code) = run;
    let text = text.replace(&format!("\"name\":\"{name}\""), "\"name\":null");
    let text = text.replace("\nin.log, ", "\nstdin, ");
    let again = ["\nONCE DECIDED", "\nWHY"].map(|label| text.find(label).unwrap_or(text.len()));
    let text = text[..again[0].min(again[1])].to_owned();
    (text, said.clone(), *code)
}

/// A log that comes through a pipe and ends: in any form, it is the report that the file gives.
#[test]
fn a_pipe_that_ends_is_a_saved_log() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("in.log");
    // The last line of a log that is read just now may be of now.
    for newest in [86_400, 3] {
        let log: String = (0..50)
            .map(|n| syn(ago(newest + 100 - 2 * n), 2112))
            .collect();
        std::fs::write(&path, &log).unwrap();
        for form in ["text", "json", "ndjson"] {
            let run = |stdin: Stdio, args: &[&str]| {
                let output = Command::new(env!("CARGO_BIN_EXE_dropsift"))
                    .args(["-o", form])
                    .args(args)
                    .stdin(stdin)
                    .output()
                    .unwrap();
                let text = |bytes| String::from_utf8(bytes).unwrap();
                (
                    text(output.stdout),
                    text(output.stderr),
                    output.status.code(),
                )
            };
            // The whole log, and its end, are in the pipe before the program reads.
            let (reader, mut writer) = std::io::pipe().unwrap();
            writer.write_all(log.as_bytes()).unwrap();
            drop(writer);
            let piped = run(Stdio::from(reader), &[]);
            let named = run(Stdio::null(), &[path.to_str().unwrap()]);
            assert_eq!(
                nameless(&piped, "-"),
                nameless(&named, path.to_str().unwrap()),
                "{form}"
            );
            assert_eq!(piped.2, Some(1), "{form}");
            assert!(piped.0.contains("2112"), "{form}");
            if form != "text" {
                assert_eq!(piped.0.lines().count(), 1, "{form}");
            }
        }
    }
}

#[test]
fn a_pipe_that_stays_open_is_live() {
    for (name, seconds) in [("a line of now", 0), ("a pause behind an old one", 86_400)] {
        let mut run = Run::start(&LIVE);
        run.write(&syn(ago(seconds), 2112));
        assert_eq!(run.event(port(2112))["event"], "opened", "{name}");
        let (text, said, code) = run.end();
        let last: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(last["event"], "report", "{name}");
        assert_eq!(code, Some(1), "{name}");
        let start =
            "dropsift: reading stdin for HARVESTER_DROP_ · role control-plane · Ctrl-C: report";
        assert_eq!(said.lines().next(), Some(start), "{name}");
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_document_is_one_however_long_it_takes() {
    for name in ["INT", "TERM"] {
        let mut run = Run::start(&["-f", "-o", "json", "-"]);
        run.write(&syn(ago(0), 2112));
        // Bytes taken out of the pipe are judged before signals are handled.
        while rustix::io::ioctl_fionread(run.stdin.as_ref().unwrap()).unwrap() > 0 {
            thread::sleep(Duration::from_millis(5));
        }
        run.signal(name);
        let line = run.lines.recv_timeout(PATIENCE).unwrap();
        let report: Value = serde_json::from_str(&line).unwrap();
        assert_eq!(report["schema"], "dropsift/report/v1");
        assert_eq!(report["tally"]["drops"], 1);
        let (rest, _, code) = run.end();
        assert_eq!((rest.as_str(), code), ("", Some(1)), "{name}");
    }
}

#[test]
fn no_report_leaves_the_events_alone() {
    let live = |args: &[&str]| {
        let mut run = Run::start(&[&LIVE[..], &["--no-report"], args].concat());
        run.write(&syn(ago(86_400), 2112));
        let (text, _, code) = run.end();
        assert_eq!(code, Some(1));
        let event: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(event["event"], "opened", "{args:?}");
        assert_eq!(event["rules"][0], event["rule"], "{args:?}");
        assert_eq!(event["finding"]["rule"], event["rule"]["id"], "{args:?}");
    };
    for args in [&["-f", "-"][..], &[], &["--no-follow"]] {
        live(args);
    }
}

/// Findings that a filter excludes appear in no line but the tally.
#[test]
fn filters_hold_for_every_line() {
    let log: String = (0..200)
        .map(|n| reply(ago(100), n))
        .chain([syn(ago(100), 2112), syn(ago(100), 9345)])
        .collect();
    let mut run = Run::start(&[&LIVE[..], &["-f", "-", "--port", "2112"]].concat());
    run.write(&log);
    let (text, ..) = run.end();
    let events = text
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap());
    let mut kinds = Vec::new();
    for event in events.filter(|event| event["event"] != "report") {
        kinds.push(event["event"].as_str().unwrap().to_owned());
        if event["event"] != "saturated" {
            assert_eq!(event["finding"]["port"], 2112);
        }
    }
    assert!(kinds.contains(&"opened".to_owned()), "{kinds:?}");
    let mut run = Run::start(&[&LIVE[..], &["-f", "-", "--port", "22"]].concat());
    run.write(&log);
    let (text, ..) = run.end();
    assert_eq!(text.lines().count(), 1, "only the report: {text}");
}

/// The year that the user gives is that of the newest line, also while the log goes on.
#[test]
fn a_told_year_is_that_of_the_newest_line_so_far() {
    let line = |stamp: &str, dpt: u16| {
        let line = syn(Time(0), dpt);
        format!("{stamp}{}", &line[line.find(" harvester1").unwrap()..])
    };
    let mut run = Run::start(&["-f", "-o", "ndjson", "--year", "2024", "-"]);
    run.write(&line("Dec 30 10:00:00", 2112));
    let event = run.event(port(2112));
    assert_eq!(event["time"], "2024-12-30T10:00:00Z");
    run.write(&line("Jan 02 10:00:00", 6443));
    run.event(port(6443));
    run.write(&line("Jan 02 10:00:01", 9345));
    assert_eq!(run.event(port(9345))["time"], "2024-01-02T10:00:01Z");
    let (text, ..) = run.end();
    let report: Value = serde_json::from_str(text.lines().last().unwrap()).unwrap();
    let span = &report["report"]["span"];
    assert_eq!(span["first"], "2023-12-30T10:00:00Z");
    assert_eq!(span["last"], "2024-01-02T10:00:01Z");
}

/// Options without effect are refused, with the alternative.
#[test]
fn options_of_live_runs_are_refused_elsewhere() {
    for (args, says) in [
        (&["--journal", "-f", "-"][..], "follow one at a time"),
        (&["--no-report", "-f", "-"], "-o ndjson"),
        (&["--no-report", "-o", "json"], "-o ndjson"),
        (&["--updates", "-o", "json"], "-o ndjson"),
        (&["--updates", "--no-follow"], "-f"),
        (
            &["explain", "list", "-o", "ndjson"],
            "expected text, json or",
        ),
        (&["rules", "-o", "ndjson"], "expected text or json"),
    ] {
        let (text, said, code) = Run::start(args).end();
        assert_eq!((text.as_str(), code), ("", Some(2)), "{args:?}");
        assert!(said.contains(says), "{args:?}: {said}");
        assert_eq!(said.lines().count(), 1, "{args:?}: {said}");
    }
}

/// An upgrade that begins now goes on until the user ends it.
#[test]
fn an_upgrade_may_begin_now() {
    for (window, cause) in [("now..", "upgrade-only"), ("..now", "unlisted-port")] {
        let mut run = Run::start(&["-f", "-o", "ndjson", "--upgrade", window, "-"]);
        for spt in [40_000, 40_001] {
            let line = syn(ago(-60), 5900).replace("SPT=40000", &format!("SPT={spt}"));
            run.write(&line);
        }
        let event = run.event(|event| event["finding"]["cause"] == cause);
        assert_eq!(event["finding"]["port"], 5900, "{window}");
    }
}

/// The status line stands on the terminal of stderr, and no row of stdout is mixed with it.
#[cfg(target_os = "linux")]
#[test]
fn a_terminal_has_a_status_line() {
    use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
    use std::fs::File;
    let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
    grantpt(&master).unwrap();
    unlockpt(&master).unwrap();
    let name = ptsname(&master, Vec::new()).unwrap();
    let slave = File::options()
        .read(true)
        .write(true)
        .open(name.to_str().unwrap())
        .unwrap();
    let mut child = Command::new(env!("CARGO_BIN_EXE_dropsift"))
        .args(["--role", "control-plane", "-f", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::from(slave))
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(syn(ago(0), 2112).as_bytes()).unwrap();
    let mut screen = String::new();
    let mut master = File::from(master);
    let mut block = [0; 4096];
    // The terminal is closed where the program ends without a status line.
    while !screen.contains("missing 1, decide 0, review 0]") {
        let read = master.read(&mut block).unwrap();
        screen.push_str(&String::from_utf8_lossy(&block[..read]));
    }
    assert!(
        screen.contains("1 drop, ") && screen.contains("/min · 1 node"),
        "{screen:?}"
    );
    drop(stdin);
    let mut rows = String::new();
    child
        .stdout
        .take()
        .unwrap()
        .read_to_string(&mut rows)
        .unwrap();
    assert!(rows.contains("MISSING  harvester1  tcp/2112"), "{rows}");
    assert!(!rows.contains("/min"), "{rows}");
    assert_eq!(child.wait().unwrap().code(), Some(1));
}
