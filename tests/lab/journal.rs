//! A real `systemd-journald` of the lab's own, and `journalctl -k -f` on it.
//!
//! It runs in a mount namespace with an empty /run, so it neither disturbs a journal that runs already nor leaves
//! anything behind: each process that reads /dev/kmsg gets every record.

use std::process::{Child, Command, Stdio};
use std::time::Duration;

use crate::machine::{output, poll};

/// Hides the machine's journal, then becomes journald.
const START: &str = "set -eu
mount --make-rprivate /
mount -t tmpfs tmpfs /run
if [ -d /var/log/journal ]; then mount -t tmpfs tmpfs /var/log/journal; fi
exec \"$0\"";

/// A journal that reads the kernel log.
pub(crate) struct Journal {
    daemon: Child,
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
        let journal = Self { daemon };
        poll("a journal that answers", Duration::from_secs(20), || {
            let id = journal.daemon.id().to_string();
            let lines = output(
                "nsenter",
                &["-t", &id, "-m", "journalctl", "-k", "-n", "1", "-o", "json"],
            );
            lines.stdout.starts_with(b"{").then_some(())
        });
        journal
    }

    /// The kernel log so far.
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

    /// The kernel log from the machine's start on, and then as it grows.
    pub(crate) fn follow(&self) -> Child {
        let id = self.daemon.id().to_string();
        Command::new("nsenter")
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
            .unwrap()
    }
}

impl Drop for Journal {
    fn drop(&mut self) {
        let _ = self.daemon.kill();
        let _ = self.daemon.wait();
    }
}
