//! `docs/deploy/node/dropsift.service` as it is, run by a systemd that is PID 1 of its own namespaces.

use std::fs;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use crate::chain::Commands;
use crate::machine::{Machine, output, poll, random};
use crate::network::{Network, Place};

const PATIENCE: Duration = Duration::from_secs(60);

/// A systemd, which ends with the value.
struct Systemd {
    unshare: Child,
    /// Its process, by the numbers of the machine.
    process: String,
}

impl Systemd {
    fn start(folder: &str) -> Self {
        let unshare = Command::new("unshare")
            .args([
                "--mount", "--pid", "--fork", "--cgroup", "--uts", "--ipc", "--net",
            ])
            .args([
                "--kill-child",
                "--mount-proc",
                "bash",
                "fixtures/lab/unit.sh",
                folder,
            ])
            .arg(env!("CARGO_BIN_EXE_dropsift"))
            .arg("docs/deploy/node/dropsift.service")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let id = unshare.id();
        let children = PathBuf::from(format!("/proc/{id}/task/{id}/children"));
        let process = poll("a systemd", PATIENCE, || {
            let child = fs::read_to_string(&children).ok()?;
            (!child.trim().is_empty()).then(|| child.trim().to_owned())
        });
        Self { unshare, process }
    }

    /// Returns what a command says in its namespaces.
    fn run(&self, command: &[&str]) -> String {
        let enter = [
            "-t",
            &self.process,
            "-m",
            "-p",
            "-u",
            "-i",
            "-n",
            "-C",
            "-r",
            "-w",
        ];
        let said = output("nsenter", &[&enter[..], command].concat());
        String::from_utf8_lossy(&said.stdout).into_owned()
    }

    fn show(&self, property: &str) -> String {
        let property = format!("--property={property}");
        let said = self.run(&["systemctl", "show", "--value", &property, "dropsift"]);
        said.trim().to_owned()
    }

    /// Returns what the unit has written.
    fn journal(&self) -> String {
        self.run(&[
            "journalctl",
            "--no-pager",
            "-q",
            "-o",
            "cat",
            "-u",
            "dropsift",
        ])
    }
}

impl Drop for Systemd {
    fn drop(&mut self) {
        let _ = self.unshare.kill();
        let _ = self.unshare.wait();
    }
}

/// It runs with all its fences, finds what the kernel logs, and goes on behind its cursor after it was killed.
pub(crate) fn runs_under_systemd(_: &Machine) {
    let folder = tempfile::tempdir().unwrap();
    let systemd = Systemd::start(folder.path().to_str().unwrap());
    poll("the unit", PATIENCE, || {
        (systemd.show("ActiveState") == "active" && systemd.show("SubState") == "running")
            .then_some(())
    });
    // Drop lines of others are in the kernel's log too: a finding of its own has a port of its own.
    let ports = [12_000, 22_000].map(|first| first + (random() % 7_000) as u16);
    let mut network = Network::new();
    let (node, peer) = (network.node(Place::Inside), network.node(Place::Inside));
    Commands::documented("worker").apply(&node);
    let log = |port: u16| peer.knock(&node.address, port);
    let told = |port: u16| {
        let journal = systemd.journal();
        let own = journal.lines().filter(|line| {
            line.contains("\"opened\"") && line.contains(&format!("\"port\":{port},"))
        });
        own.count()
    };
    log(ports[0]);
    poll("the first event", PATIENCE, || {
        (told(ports[0]) == 1).then_some(())
    });
    let cursor = || systemd.run(&["cat", "/var/lib/private/dropsift/cursor"]);
    poll("a cursor behind it", PATIENCE, || {
        (cursor().lines().count() > 1).then_some(())
    });
    // The cursor is written at most once a second.
    std::thread::sleep(Duration::from_secs(2));
    systemd.run(&["systemctl", "kill", "--signal=KILL", "dropsift"]);
    log(ports[1]);
    poll("the event after a restart", PATIENCE, || {
        (told(ports[1]) == 1).then_some(())
    });
    assert_eq!(systemd.show("NRestarts"), "1");
    assert_eq!(told(ports[0]), 1, "an event comes twice");
    systemd.run(&["systemctl", "stop", "dropsift"]);
    assert_eq!(systemd.show("Result"), "success", "{}", systemd.journal());
}
