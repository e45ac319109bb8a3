//! A real `systemd-journald` of the lab's own, and `journalctl -k -f` on it.
//!
//! It runs in a mount namespace with an empty /run, so it neither disturbs a running journal nor leaves files behind:
//! each process that reads /dev/kmsg gets every record.

use std::fs;
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::{Duration, Instant};

use crate::machine::{names, output, poll, random};

/// Hides the machine's journal, then becomes journald.
const START: &str = "set -eu
mount --make-rprivate /
mount -t tmpfs tmpfs /run
if [ -d /var/log/journal ]; then mount -t tmpfs tmpfs /var/log/journal; fi
exec \"$0\"";

/// A journal that reads the kernel log.
pub(crate) struct Journal {
    daemon: Child,
    /// A line of the kernel log that all its readers must have seen.
    mark: String,
}

impl Journal {
    pub(crate) const DAEMON: &str = "/lib/systemd/systemd-journald";

    /// Starts it and waits until it answers.
    pub(crate) fn start() -> Self {
        let daemon = Command::new("unshare")
            .args(["-m", "sh", "-c", START, Self::DAEMON])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mark = format!("{}journal-{:08x}", names(), random());
        let journal = Self { daemon, mark };
        // Without its newline, a record stays open and hidden until the next one.
        fs::write("/dev/kmsg", format!("{}\n", journal.mark)).unwrap();
        poll("a journal in step", Duration::from_secs(20), || {
            journal.read("cat").contains(&journal.mark).then_some(())
        });
        journal
    }

    /// Returns the kernel log so far.
    pub(crate) fn read(&self, form: &str) -> String {
        let id = self.daemon.id().to_string();
        let read = output(
            "nsenter",
            &[
                "-t",
                &id,
                "-m",
                "journalctl",
                "-k",
                "--no-pager",
                "-o",
                form,
            ],
        );
        String::from_utf8_lossy(&read.stdout).into_owned()
    }

    /// Follows the kernel log, from the machine's boot on.
    ///
    /// A `journalctl -f` that starts while journald extends its file may stay silent for good (systemd 252, one in a
    /// hundred), so one that does not print a known record is started again.
    pub(crate) fn follow(&self) -> (Follower, Receiver<String>) {
        let id = self.daemon.id().to_string();
        loop {
            let mut journalctl = Command::new("nsenter")
                .args([
                    "-t",
                    &id,
                    "-m",
                    "journalctl",
                    "-k",
                    "-f",
                    "--no-tail",
                    "-o",
                    "json",
                ])
                .stdin(Stdio::null())
                .stdout(Stdio::piped())
                .stderr(Stdio::null())
                .spawn()
                .unwrap();
            let stdout = BufReader::new(journalctl.stdout.take().unwrap());
            let (send, lines) = channel();
            thread::spawn(move || {
                stdout
                    .lines()
                    .map_while(Result::ok)
                    .try_for_each(|line| send.send(line))
            });
            let follower = Follower(journalctl);
            let end = Instant::now() + Duration::from_secs(5);
            while let Ok(line) = lines.recv_timeout(end.saturating_duration_since(Instant::now())) {
                if line.contains(&self.mark) {
                    return (follower, lines);
                }
            }
        }
    }
}

/// A running `journalctl -k -f -o json`, which ends with the value.
pub(crate) struct Follower(Child);

impl Drop for Follower {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Drop for Journal {
    fn drop(&mut self) {
        let _ = self.daemon.kill();
        let _ = self.daemon.wait();
    }
}
