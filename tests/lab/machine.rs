//! Machine on which the lab runs: its requirements, its journal, and commands to run.

use std::collections::hash_map::RandomState;
use std::fs;
use std::hash::{BuildHasher, Hasher};
use std::path::Path;
use std::process::{self, Command, Output, Stdio};
use std::sync::mpsc::Receiver;
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use crate::journal::{Follower, Journal};

/// Programs that the lab runs (Debian: iproute2, iptables, conntrack, util-linux, mount, systemd).
pub(crate) const PROGRAMS: [&str; 9] = [
    "conntrack",
    "ip",
    "ip6tables",
    "iptables",
    "iptables-save",
    "journalctl",
    "mount",
    "nsenter",
    "unshare",
];
/// Sysctl that lets the LOG rule of a namespace reach the kernel log (net/netfilter/nf_log_syslog.c).
const LOG_ALL: &str = "/proc/sys/net/netfilter/nf_log_all_netns";

/// Whether the lab has ended: nothing more is created then, since it would not be cleaned up.
static OVER: Mutex<bool> = Mutex::new(false);

/// A machine that meets the requirements of the lab.
pub(crate) struct Machine {
    /// Started when it is first asked for.
    journal: Mutex<Option<Journal>>,
    /// Value of the sysctl to restore at the end.
    log_all: String,
}

impl Machine {
    /// Returns the machine, or the missing requirement.
    pub(crate) fn ready() -> Result<Self, String> {
        let user = Command::new("id").arg("-u").output();
        if !user.is_ok_and(|user| user.stdout.trim_ascii() == b"0") {
            return Err("needs root".to_owned());
        }
        let found = |program: &str| {
            let paths = std::env::var_os("PATH").unwrap_or_default();
            std::env::split_paths(&paths).any(|path| path.join(program).is_file())
        };
        if let Some(missing) = PROGRAMS.into_iter().find(|program| !found(program)) {
            return Err(format!("needs the program `{missing}`"));
        }
        if !Path::new(Journal::DAEMON).is_file() {
            return Err(format!("needs `{}`", Journal::DAEMON));
        }
        // A container's root may be refused all of it.
        let probe = format!("{}probe", names());
        let tried = Command::new("ip").args(["netns", "add", &probe]).output();
        let tried = tried.map_err(|why| why.to_string())?;
        if !tried.status.success() {
            let why = String::from_utf8_lossy(&tried.stderr).trim().to_owned();
            return Err(format!("needs network namespaces: {why}"));
        }
        let logs = "iptables -A INPUT -m conntrack --ctstate NEW -m limit --limit 10/min -m comment --comment x -j LOG";
        let tried = Command::new("ip")
            .args(["netns", "exec", &probe, "sh", "-c", logs])
            .output();
        run("ip", &["netns", "del", &probe]);
        let tried = tried.map_err(|why| why.to_string())?;
        if !tried.status.success() {
            let why = String::from_utf8_lossy(&tried.stderr).trim().to_owned();
            return Err(format!(
                "needs the kernel's LOG, limit, comment and conntrack: {why}"
            ));
        }
        let log_all =
            fs::read_to_string(LOG_ALL).map_err(|why| format!("needs `{LOG_ALL}`: {why}"))?;
        fs::write(LOG_ALL, "1").map_err(|why| format!("cannot write `{LOG_ALL}`: {why}"))?;
        Ok(Self {
            journal: Mutex::default(),
            log_all,
        })
    }

    /// Follows the kernel log in the journal, from the machine's start on.
    pub(crate) fn kernel_log(&self) -> (Follower, Receiver<String>) {
        self.with_journal(Journal::follow)
    }

    /// Returns the kernel log from the journal, in a form of `journalctl -o`.
    pub(crate) fn kernel_log_so_far(&self, form: &str) -> String {
        self.with_journal(|journal| journal.read(form))
    }

    fn with_journal<T>(&self, ask: impl FnOnce(&Journal) -> T) -> T {
        let mut journal = self.journal.lock().unwrap_or_else(PoisonError::into_inner);
        ask(journal.get_or_insert_with(|| make(Journal::start)))
    }

    /// Restores the machine; scenarios clean up after themselves, unless they are aborted.
    pub(crate) fn clean(&self) {
        *OVER.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.journal
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        for line in namespaces()
            .lines()
            .filter(|name| name.starts_with(&names()))
        {
            let name = line.split(' ').next().unwrap_or(line);
            // All processes inside were started by this lab.
            output("sh", &["-c", "kill -9 $(ip netns pids \"$0\")", name]);
            output("ip", &["netns", "del", name]);
        }
        for entry in fs::read_dir(std::env::temp_dir())
            .into_iter()
            .flatten()
            .flatten()
        {
            if entry.file_name().to_string_lossy().starts_with(&names()) {
                let _ = fs::remove_dir_all(entry.path());
            }
        }
        // Another lab with namespaces may need the setting.
        if namespaces().is_empty() {
            let _ = fs::write(LOG_ALL, self.log_all.trim());
        }
    }
}

impl Drop for Machine {
    fn drop(&mut self) {
        self.clean();
    }
}

/// Creates something that has to be cleaned up.
pub(crate) fn make<T>(what: impl FnOnce() -> T) -> T {
    let over = OVER.lock().unwrap_or_else(PoisonError::into_inner);
    assert!(!*over, "the lab is over");
    what()
}

fn namespaces() -> String {
    String::from_utf8_lossy(&output("ip", &["netns", "list"]).stdout).into_owned()
}

/// Returns the prefix of the names of everything that this lab creates.
pub(crate) fn names() -> String {
    format!("dropsift-{}-", process::id())
}

/// Returns a random number, different in each lab.
pub(crate) fn random() -> u32 {
    RandomState::new().build_hasher().finish() as u32
}

/// Runs a program to its end.
pub(crate) fn output(program: &str, args: &[&str]) -> Output {
    let ran = Command::new(program)
        .args(args)
        .stdin(Stdio::null())
        .output();
    ran.unwrap_or_else(|why| panic!("cannot run `{program}`: {why}"))
}

/// Returns the output of a program, which must succeed.
pub(crate) fn run(program: &str, args: &[&str]) -> String {
    let output = output(program, args);
    assert!(
        output.status.success(),
        "`{program} {}` failed: {}{}",
        args.join(" "),
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout).unwrap()
}

/// Repeats `attempt` until it gives something.
pub(crate) fn poll<T>(what: &str, limit: Duration, mut attempt: impl FnMut() -> Option<T>) -> T {
    let end = Instant::now() + limit;
    loop {
        if let Some(got) = attempt() {
            return got;
        }
        assert!(Instant::now() < end, "not within {limit:?}: {what}");
        thread::sleep(Duration::from_millis(50));
    }
}
