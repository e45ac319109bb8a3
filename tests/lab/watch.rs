//! `journalctl -k -f -o json | dropsift -f -o ndjson`, with the lines of one network picked out in between, as a node's own
//! journal would have them.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::path::PathBuf;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::journal::Follower;
use crate::machine::{Machine, output, poll, run};
use crate::network::Network;

const DROPSIFT: &str = env!("CARGO_BIN_EXE_dropsift");
/// Upper bound on the wait for an event; the LOG rule lets one line pass each 6 s.
const PATIENCE: Duration = Duration::from_secs(45);

/// A live run.
pub(crate) struct Watch {
    /// Ends with the value.
    _journalctl: Follower,
    dropsift: Child,
    stdin: Arc<Mutex<Option<ChildStdin>>>,
    lines: Arc<Mutex<String>>,
    incoming: Receiver<(Instant, Value)>,
    events: Vec<(Instant, Value)>,
    file: PathBuf,
}

impl Watch {
    /// Starts watching the lines of `network`.
    pub(crate) fn start(machine: &Machine, network: &Network, args: &[&str]) -> Self {
        let mut dropsift = Command::new(DROPSIFT)
            .args(["-f", "-o", "ndjson"])
            .args(args)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let stdin = Arc::new(Mutex::new(dropsift.stdin.take()));
        let lines = Arc::new(Mutex::new(String::new()));
        let (to, kept, mark) = (Arc::clone(&stdin), Arc::clone(&lines), network.mark.clone());
        // The thread ends with the journal's process.
        let (journalctl, log) = machine.kernel_log();
        thread::spawn(move || {
            for line in log.into_iter().filter(|line| line.contains(&mark)) {
                kept.lock().unwrap().push_str(&format!("{line}\n"));
                if let Some(to) = to.lock().unwrap().as_mut() {
                    let _ = writeln!(to, "{line}");
                }
            }
        });
        let stdout = BufReader::new(dropsift.stdout.take().unwrap());
        let (send, incoming) = channel();
        thread::spawn(move || {
            for line in stdout.lines().map_while(Result::ok) {
                let event = serde_json::from_str(&line)
                    .unwrap_or_else(|why| Value::from(format!("{why}: {line}")));
                let _ = send.send((Instant::now(), event));
            }
        });
        Self {
            _journalctl: journalctl,
            dropsift,
            stdin,
            lines,
            incoming,
            events: Vec::new(),
            file: network.folder.join("kernel.log"),
        }
    }

    /// Waits for an event that `wanted` selects, including those that have come. Returns its time of arrival and the
    /// event.
    pub(crate) fn event(
        &mut self,
        what: &str,
        wanted: impl Fn(&Value) -> bool,
    ) -> (Instant, Value) {
        self.event_after(0, what, wanted)
    }

    /// Waits as [`Self::event`] does, among the events from number `first` on.
    pub(crate) fn event_after(
        &mut self,
        first: usize,
        what: &str,
        wanted: impl Fn(&Value) -> bool,
    ) -> (Instant, Value) {
        let (end, mut at) = (Instant::now() + PATIENCE, first);
        loop {
            while let Some(event) = self.events.get(at) {
                if wanted(&event.1) {
                    return event.clone();
                }
                at += 1;
            }
            match self
                .incoming
                .recv_timeout(end.saturating_duration_since(Instant::now()))
            {
                Ok(event) => self.events.push(event),
                Err(RecvTimeoutError::Timeout) => {
                    panic!("no event within {PATIENCE:?}: {what}\n{}", self.story())
                }
                Err(RecvTimeoutError::Disconnected) => {
                    panic!("dropsift ended before: {what}\n{}", self.story())
                }
            }
        }
    }

    /// Waits until `times` lines that have all of `words` were logged.
    pub(crate) fn logged(&self, words: &[&str], times: usize) {
        poll(&format!("{times} lines with {words:?}"), PATIENCE, || {
            (self.count(words) >= times).then_some(())
        });
    }

    /// Counts the logged lines that contain all of `words`.
    pub(crate) fn count(&self, words: &[&str]) -> usize {
        let lines = self.lines.lock().unwrap();
        lines
            .lines()
            .filter(|line| words.iter().all(|word| line.contains(word)))
            .count()
    }

    /// Returns the kernel's messages so far.
    pub(crate) fn messages(&self) -> Vec<String> {
        let lines = self.lines.lock().unwrap();
        let record = |line: &str| -> Value { serde_json::from_str(line).unwrap() };
        let message = |line| record(line)["MESSAGE"].as_str().unwrap().to_owned();
        lines.lines().map(message).collect()
    }

    /// Returns the number of events so far.
    pub(crate) fn so_far(&mut self) -> usize {
        self.events.extend(self.incoming.try_iter());
        self.events.len()
    }

    /// Sends Ctrl-C.
    pub(crate) fn interrupt(&self) {
        run(
            "sh",
            &["-c", "kill -INT \"$0\"", &self.dropsift.id().to_string()],
        );
    }

    /// Ends the log; the report and the exit code.
    pub(crate) fn end(&mut self) -> (Value, Option<i32>) {
        drop(self.stdin.lock().unwrap().take());
        self.report()
    }

    /// Waits for the report and the exit code.
    pub(crate) fn report(&mut self) -> (Value, Option<i32>) {
        let (_, event) = self.event("the report", |event| event["event"] == "report");
        let status = poll("the end of dropsift", PATIENCE, || {
            self.dropsift.try_wait().unwrap()
        });
        (event["report"].clone(), status.code())
    }

    /// Judges the lines so far as a file. Returns exit code and stdout.
    pub(crate) fn batch(&self, args: &[&str]) -> (Option<i32>, String) {
        let lines = self.lines.lock().unwrap().clone();
        self.judged(&lines, args)
    }

    /// Runs the program on a log as a file. Returns exit code and stdout.
    pub(crate) fn judged(&self, log: &str, args: &[&str]) -> (Option<i32>, String) {
        fs::write(&self.file, log).unwrap();
        let args = [args, &[self.file.to_str().unwrap()]].concat();
        let ran = output(DROPSIFT, &args);
        (ran.status.code(), String::from_utf8(ran.stdout).unwrap())
    }

    /// Returns a transcript to diagnose a failed test.
    pub(crate) fn story(&mut self) -> String {
        let _ = self.dropsift.kill();
        let mut complaints = String::new();
        if let Some(stderr) = self.dropsift.stderr.as_mut() {
            let _ = stderr.read_to_string(&mut complaints);
        }
        self.so_far();
        let mut story = format!("{complaints}--- log\n");
        for line in self.lines.lock().unwrap().lines() {
            let record: Value = serde_json::from_str(line).unwrap_or_default();
            story += &format!("{} {}\n", record["__REALTIME_TIMESTAMP"], record["MESSAGE"]);
        }
        story += "--- events\n";
        for (_, event) in &self.events {
            let finding = &event["finding"];
            story += &format!(
                "{} {} {} {}\n",
                event["event"], finding["proto"], finding["ports"], finding["cause"]
            );
        }
        story
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        let _ = self.dropsift.kill();
        let _ = self.dropsift.wait();
    }
}

/// Whether an event of `kind` tells a finding with these.
pub(crate) fn tells(
    event: &Value,
    kind: &str,
    verdict: &str,
    cause: &str,
    port: Option<u16>,
) -> bool {
    event["event"] == kind && is(&event["finding"], verdict, cause, port)
}

/// Whether a finding has these.
pub(crate) fn is(finding: &Value, verdict: &str, cause: &str, port: Option<u16>) -> bool {
    let port = port.map_or(Value::Null, Value::from);
    finding["verdict"] == verdict && finding["cause"] == cause && finding["port"] == port
}
