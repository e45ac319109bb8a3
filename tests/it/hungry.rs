//! Inputs that once took memory without end, each at a tenth of the size at which it was met, with the bound that holds at any
//! size: 64 MiB for text, 96 MiB for what is packed, a journal, a bundle or a chain. `DROPSIFT_SCALE=1` makes them whole.

use std::fs::{self, File};
use std::io::{Read, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use zip::ZipWriter;
use zip::write::SimpleFileOptions;

use crate::support::daemon::{Daemon, ask, sum};
use crate::support::{Dice, program};

/// In KiB.
const TEXT: u64 = 64 << 10;
const PACKED: u64 = 96 << 10;
/// A daemon, while somebody asks for the whole report.
const DAEMON: u64 = 80 << 10;
/// What a release takes for one line. A program that is not optimised is larger, which says nothing of the input.
const RELEASE: u64 = 8 << 10;

/// `n` at the scale of this run.
fn scaled(n: usize) -> usize {
    let scale = std::env::var("DROPSIFT_SCALE").map_or(0.1, |told| told.parse().unwrap());
    ((n as f64 * scale) as usize).max(1)
}

/// Returns a packet of a random sender to a random port.
fn message(n: usize, interface: &str, dice: &mut Dice) -> String {
    let mut byte = || dice.roll(254) + 1;
    let source = format!("{}.{}.{}.{}", byte(), byte(), byte(), byte());
    let (spt, dpt) = (1024 + dice.roll(60_000), 1 + dice.roll(65_000));
    format!(
        "HARVESTER_DROP_IN={interface} OUT= MAC=02:00:00:00:00:01:02:00:00:00:00:02:08:00 SRC={source} \
         DST=192.168.122.61 LEN=60 TOS=0x00 PREC=0x00 TTL=64 ID={} DF PROTO=TCP SPT={spt} DPT={dpt} WINDOW=64240 \
         RES=0x00 SYN URGP=0 ",
        n % 65_536
    )
}

fn line(n: usize, host: usize, dice: &mut Dice) -> String {
    let (hour, minute, second) = (n / 3600 % 24, n / 60 % 60, n % 60);
    format!(
        "Apr 22 {hour:02}:{minute:02}:{second:02} node{host} kernel: {}\n",
        message(n, "mgmt-br", dice)
    )
}

fn json(n: usize, dice: &mut Dice) -> String {
    format!(
        "{{\"__REALTIME_TIMESTAMP\":\"{}\",\"_TRANSPORT\":\"kernel\",\"_HOSTNAME\":\"node{}\",\"MESSAGE\":\"{}\"}}\n",
        1_776_852_001_123_456 + n * 1000,
        n % 3,
        message(n, "mgmt-br", dice)
    )
}

fn start(args: &[&str], folder: &Path, stdin: Stdio) -> Child {
    Command::new(program())
        .args(["--year", "2026", "-q", "-o", "json"])
        .args(args)
        .current_dir(folder)
        .stdin(stdin)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}

/// Returns the most memory that a process took, in KiB.
fn high_water(status: &str) -> Option<u64> {
    let most = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))?;
    most.trim().trim_end_matches(" kB").parse().ok()
}

/// Returns the most memory that a run took, in KiB, once it has ended with a documented code.
fn peak(mut child: Child, what: &str) -> u64 {
    let (mut out, mut err) = (child.stdout.take().unwrap(), child.stderr.take().unwrap());
    thread::scope(|scope| {
        scope.spawn(move || std::io::copy(&mut out, &mut std::io::sink()).unwrap());
        let said = scope.spawn(move || {
            let mut said = String::new();
            err.read_to_string(&mut said).unwrap();
            said
        });
        let mut peak = 0;
        let status = loop {
            let status = fs::read_to_string(format!("/proc/{}/status", child.id()));
            let status = status.unwrap_or_default();
            peak = peak.max(high_water(&status).unwrap_or(0));
            if let Some(status) = child.try_wait().unwrap() {
                break status;
            }
            thread::sleep(Duration::from_millis(1));
        };
        let said = said.join().unwrap();
        assert!(
            matches!(status.code(), Some(0..=3)),
            "{what}: {status}: {said:.500}"
        );
        peak
    })
}

/// Holds a run to its bound.
fn holds(what: &str, bound: u64, child: Child) {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("one.log"), line(1, 1, &mut Dice(1))).unwrap();
    let own = peak(start(&["one.log"], folder.path(), Stdio::null()), what);
    let most = peak(child, what).saturating_sub(own.saturating_sub(RELEASE));
    assert!(most <= bound, "{what}: {most} KiB of {bound}");
}

/// A run with `--metrics` whose pages are asked for all the time: `just soak` has the figures of a release.
#[test]
fn a_daemon_in_a_flood_keeps_no_report() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("one.log"), line(1, 1, &mut Dice(1))).unwrap();
    let own = peak(
        start(&["one.log"], folder.path(), Stdio::null()),
        "one line",
    );
    let mut daemon = Daemon::start("0", &["--no-report", "--year", "2026"]);
    let mut stdin = daemon.process.0.stdin.take().unwrap();
    let all = scaled(500_000);
    let is_over = AtomicBool::new(false);
    thread::scope(|scope| {
        for path in ["/metrics", "/report.json", "/metrics", "/report.json"] {
            let (is_over, address) = (&is_over, &daemon.address);
            scope.spawn(move || {
                while !is_over.load(Ordering::Relaxed) {
                    let _ = ask(address, &format!("GET {path} HTTP/1.1\r\n\r\n"));
                    thread::sleep(Duration::from_millis(100));
                }
            });
        }
        let mut dice = Dice(7);
        let written =
            (0..all).try_for_each(|n| stdin.write_all(line(n, n % 3, &mut dice).as_bytes()));
        is_over.store(true, Ordering::Relaxed);
        written.unwrap();
    });
    daemon.series(|page| sum(page, "dropsift_drop_lines_total", &[]) == all as f64);
    let status = fs::read_to_string(format!("/proc/{}/status", daemon.process.0.id())).unwrap();
    let most = high_water(&status)
        .unwrap()
        .saturating_sub(own.saturating_sub(RELEASE));
    assert!(most <= DAEMON, "{most} KiB of {DAEMON}");
}

/// Returns a run that is fed through a pipe.
fn fed(
    args: &[&str],
    folder: &Path,
    mut write: impl FnMut(usize) -> Option<String> + Send + 'static,
) -> Child {
    let mut child = start(args, folder, Stdio::piped());
    let mut stdin = std::io::BufWriter::with_capacity(1 << 16, child.stdin.take().unwrap());
    thread::spawn(move || {
        let mut n = 0;
        while let Some(text) = write(n) {
            // A run that refuses its input closes the pipe.
            if stdin.write_all(text.as_bytes()).is_err() {
                return;
            }
            n += 1;
        }
    });
    child
}

#[test]
fn many_files_of_random_senders() {
    let folder = tempfile::tempdir().unwrap();
    let mut dice = Dice(7);
    let mut write = |name: String, lines: usize, host: usize| {
        let text: String = (0..lines).map(|n| line(n, host, &mut dice)).collect();
        fs::write(folder.path().join(&name), text).unwrap();
        name
    };
    let many: Vec<String> = (0..scaled(1000))
        .map(|n| write(format!("{n}.log"), 600, n % 50))
        .collect();
    let names: Vec<&str> = many.iter().map(String::as_str).collect();
    holds(
        "many files",
        TEXT,
        start(&names, folder.path(), Stdio::null()),
    );
    let four: Vec<String> = (0..4)
        .map(|n| write(format!("four{n}"), scaled(175_000), n))
        .collect();
    let names: Vec<&str> = four.iter().map(String::as_str).collect();
    holds(
        "four files",
        TEXT,
        start(&names, folder.path(), Stdio::null()),
    );
}

#[test]
fn random_senders_through_a_pipe_as_json() {
    let folder = tempfile::tempdir().unwrap();
    let lines = scaled(600_000);
    let feed = || {
        let mut dice = Dice(7);
        move |n: usize| (n < lines).then(|| json(n, &mut dice))
    };
    holds("JSON", TEXT, fed(&[], folder.path(), feed()));
    let unknown: String = (0..40)
        .map(|n| format!("-A HARVESTER_INPUT -m set --match-set s{n} src -j ACCEPT\n"))
        .collect();
    let rules = format!(
        "*filter\n:INPUT ACCEPT [0:0]\n:HARVESTER_INPUT - [0:0]\n-A INPUT -i mgmt-br -j HARVESTER_INPUT\n{unknown}\
         -A HARVESTER_INPUT -m limit --limit 10/min -j LOG --log-prefix \"HARVESTER_DROP_\"\n-A HARVESTER_INPUT -j DROP\nCOMMIT\n"
    );
    fs::write(folder.path().join("rules"), rules).unwrap();
    holds(
        "JSON with rules",
        PACKED,
        fed(&["--rules", "rules"], folder.path(), feed()),
    );
}

#[test]
fn nodes_and_interfaces_without_end() {
    let folder = tempfile::tempdir().unwrap();
    let lines = scaled(1_000_000);
    let mut dice = Dice(7);
    let feed = move |n: usize| {
        let second = n % 60;
        let text = message(n, &format!("if{}", n / 1000 % 1000), &mut dice);
        (n < lines).then(|| format!("Apr 22 10:00:{second:02} node{} kernel: {text}\n", n % 1000))
    };
    holds("nodes and interfaces", TEXT, fed(&[], folder.path(), feed));
}

#[test]
fn lines_that_are_long_or_look_like_a_header() {
    let folder = tempfile::tempdir().unwrap();
    let lines = scaled(12_000);
    let mut dice = Dice(7);
    let long = move |n: usize| {
        let text = message(n, "mgmt-br", &mut dice);
        (n < lines).then(|| format!("Apr 22 10:00:00 h kernel: {text}{}\n", "x".repeat(60_000)))
    };
    holds("long lines", TEXT, fed(&[], folder.path(), long));
    let blocks = scaled(30);
    for text in [
        " [s=\n",
        " [s= [s= [s= [s= [s= [s=\n",
        "x [s=",
        "{\"a\":[",
        "<4>Apr 22 ",
    ] {
        let block = text.repeat((1 << 20) / text.len());
        let feed = move |n: usize| (n < blocks).then(|| block.clone());
        holds(text, TEXT, fed(&[], folder.path(), feed));
    }
}

#[test]
fn a_bundle_of_many_nodes() {
    let folder = tempfile::tempdir().unwrap();
    let options = SimpleFileOptions::default();
    let mut dice = Dice(7);
    let mut bundle = ZipWriter::new(File::create(folder.path().join("bundle.zip")).unwrap());
    for node in 0..scaled(3000) {
        let mut inner = ZipWriter::new(std::io::Cursor::new(Vec::new()));
        inner
            .start_file(format!("node{node}/logs/kernel.log"), options)
            .unwrap();
        inner
            .write_all(line(node, node, &mut dice).as_bytes())
            .unwrap();
        let inner = inner.finish().unwrap().into_inner();
        bundle
            .start_file(format!("supportbundle_1/nodes/node{node}.zip"), options)
            .unwrap();
        bundle.write_all(&inner).unwrap();
    }
    let items: String = (0..scaled(100_000))
        .map(|node| format!("- kind: Node\n  metadata: {{name: node{node}}}\n"))
        .collect();
    bundle
        .start_file(
            "supportbundle_1/yamls/cluster/kubernetes/v1/nodes.yaml",
            options,
        )
        .unwrap();
    bundle
        .write_all(format!("apiVersion: v1\nkind: List\nitems:\n{items}").as_bytes())
        .unwrap();
    bundle.finish().unwrap();
    holds(
        "a bundle",
        PACKED,
        start(&["bundle.zip"], folder.path(), Stdio::null()),
    );
}

#[test]
fn chains_and_scripts() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("one.log"), line(1, 1, &mut Dice(1))).unwrap();
    let size = scaled(6 << 20);
    let filled = |text: &str| text.repeat(size / text.len());
    let dump = |rules: String| format!("*filter\n:INPUT ACCEPT [0:0]\n{rules}COMMIT\n");
    for (what, text) in [
        ("$(", format!("#!/bin/sh\n{}", filled("$( "))),
        ("\"$(", format!("#!/bin/sh\necho {}", filled("\"$("))),
        (
            "backticks",
            format!("#!/bin/sh\niptables -A INPUT {}", filled("`")),
        ),
        (
            "commands",
            format!("#!/bin/sh\n{}", filled("iptables -A INPUT -j ACCEPT;")),
        ),
        (
            "variables",
            format!(
                "#!/bin/sh\niptables -A INPUT -j DROP\na=x\n{}iptables -A $a -j ACCEPT\n",
                filled("a=$a$a\n")
            ),
        ),
        (
            "here documents",
            format!(
                "#!/bin/sh\niptables -A INPUT -j DROP\n{}",
                filled("cat <<A\n")
            ),
        ),
        (
            "rules",
            dump(filled("-A INPUT -p tcp -m tcp --dport 22 -j ACCEPT\n")),
        ),
        ("short rules", dump(filled("-A INPUT -j LOG\n"))),
        (
            "rules with many tests",
            dump("-A INPUT -i a -o b -s 1.1.1.1 -d 1.1.1.1 -p 6 -j LOG\n".repeat(scaled(116_000))),
        ),
        (
            "rules of many words",
            dump(format!("-A INPUT {}-j LOG\n", "-m x ".repeat(120)).repeat(scaled(5_700))),
        ),
        (
            "chains",
            dump(
                (0..scaled(150_000))
                    .map(|n| format!(":C{n} - [0:0]\n"))
                    .collect(),
            ),
        ),
        (
            "matches",
            dump(format!("-A INPUT {} -j ACCEPT\n", filled("-m x --y z "))),
        ),
        (
            "YAML",
            format!("name: x\nstages:\n{}", filled("- [{a: b}]\n")),
        ),
    ] {
        fs::write(folder.path().join("rules"), text).unwrap();
        for args in [&["--rules", "rules", "one.log"][..], &["rules"]] {
            holds(what, PACKED, start(args, folder.path(), Stdio::null()));
        }
    }
}

/// Of objects only what is read of them is kept, never their text.
#[test]
fn objects_of_a_cluster() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("one.log"), line(1, 1, &mut Dice(1))).unwrap();
    let mut file = std::io::BufWriter::new(File::create(folder.path().join("nodes")).unwrap());
    file.write_all(b"{\"apiVersion\":\"v1\",\"kind\":\"List\",\"items\":[\n")
        .unwrap();
    let images = "x".repeat(100_000);
    for n in 0..scaled(2_000) {
        let comma = if n > 0 { "," } else { "" };
        writeln!(
            file,
            "{comma}{{\"apiVersion\":\"v1\",\"kind\":\"Node\",\"metadata\":{{\"name\":\"n{n}\"}},\"status\":{{\"images\":\
             \"{images}\"}}}}"
        )
        .unwrap();
    }
    file.write_all(b"]}\n").unwrap();
    drop(file);
    let args = ["--cluster", "nodes", "one.log"];
    // The text is 20 MB at a tenth.
    holds("objects", TEXT, start(&args, folder.path(), Stdio::null()));
}
