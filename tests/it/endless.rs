//! 100 MiB without a line end, in every way in: memory and time are bounded, it is counted, and the line behind it is judged.
#![allow(clippy::unwrap_used, clippy::print_stderr, reason = "these are tests")]

use std::fs::{self, File};
use std::io::{Read, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

/// Address space of the program, in KiB: it needs some 50 MiB, and none of the texts fits in.
const MEMORY: u32 = 90_000;
const MIB: usize = 1 << 20;
const LINE: &str = "Apr 22 10:01:00 h kernel: HARVESTER_DROP_IN=mgmt-br OUT= MAC= SRC=192.168.122.63 DST=192.168.122.61 LEN=60 TOS=0x00 PREC=0x00 TTL=64 ID=1 DF PROTO=TCP SPT=40000 DPT=2112 WINDOW=64240 RES=0x00 SYN URGP=0 \n";

/// Begins and fillers of texts without a line end, one for each form of a log that may have none.
const TEXTS: &[(&str, &[u8], &[u8])] = &[
    ("letters", b"", b"x"),
    (
        "a record",
        b"Apr 22 10:00:00 h kernel: HARVESTER_DROP_IN=",
        b"x",
    ),
    ("NULs", b"", b"\0"),
    ("invalid UTF-8", b"", b"\xff"),
    ("escapes", b"", b"\x1b[1m"),
    (
        "prefixes",
        b"Apr 22 10:00:00 h kernel: ",
        b"HARVESTER_DROP_IN= ",
    ),
    ("a JSON string", b"{\"MESSAGE\":\"", b"x"),
    ("JSON arrays", b"[", b"["),
    ("JSON objects", b"{", b"{\"a\":"),
    ("an export field", b"__CURSOR=s=1;i=1\nMESSAGE=", b"x"),
    (
        "a binary field",
        b"__CURSOR=s=1;i=1\nMESSAGE\n\0\0\0\x03\0\0\0\0",
        b"x",
    ),
    (
        "a counted frame",
        b"9999999 <4>Apr 22 10:00:00 h kernel: ",
        b"x",
    ),
    ("datagrams", b"", b"<4>Apr 22 10:00:00 h kernel: x"),
    ("YAML", b"a: ", b"{a: "),
];

/// Writes `size` MiB of text, followed by the good line, to `path`.
fn write(path: &Path, size: usize, begin: &[u8], filler: &[u8]) {
    let mut file = File::create(path).unwrap();
    file.write_all(begin).unwrap();
    let block = filler.repeat(MIB / filler.len());
    for _ in 0..size {
        file.write_all(&block).unwrap();
    }
    // Further lines, so that whatever took the first for its own lets go of them.
    file.write_all(b"\n\n").unwrap();
    file.write_all(LINE.as_bytes()).unwrap();
}

/// Starts the program with its memory bounded.
fn start(args: &[&str], stdin: Stdio) -> Child {
    Command::new("sh")
        .args(["-c", &format!("ulimit -v {MEMORY}; exec \"$0\" \"$@\"")])
        .arg(env!("CARGO_BIN_EXE_dropsift"))
        .args(args)
        .stdin(stdin)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}

/// Returns the program's stdout; it must end within the time limit.
fn end(child: Child, what: &str) -> String {
    let began = Instant::now();
    let output = child.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    let code = output.status.code();
    assert!(
        code.is_some_and(|code| code < 4),
        "{what}: {}: {said:.300}",
        output.status
    );
    assert!(
        began.elapsed() < Duration::from_secs(30),
        "{what} took {:?}",
        began.elapsed()
    );
    assert!(said.len() < 10_000, "{what} shows all of it");
    String::from_utf8(output.stdout).unwrap()
}

/// Writes the file to the process's stdin in a thread.
fn pour(path: &Path, child: &mut Child) {
    let mut file = File::open(path).unwrap();
    let mut pipe = child.stdin.take().unwrap();
    // The process may have closed the pipe early.
    std::thread::spawn(move || drop(std::io::copy(&mut file, &mut pipe)));
}

fn check(what: &str, text: &str, lines: u64) {
    let last = text
        .lines()
        .last()
        .unwrap_or_else(|| panic!("{what}: nothing came"));
    let last: Value = serde_json::from_str(last).unwrap();
    let report = if last["report"].is_null() {
        &last
    } else {
        &last["report"]
    };
    let tally = &report["tally"];
    assert_eq!(
        tally["drops"], 1,
        "{what}: the line behind it counts: {tally}"
    );
    assert!(
        tally["lines"].as_u64().unwrap() >= lines,
        "{what}: it was not counted: {tally}"
    );
}

#[test]
fn a_text_without_a_line_end_is_bounded_in_every_form() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("kernel.log");
    for (name, begin, filler) in TEXTS {
        // Some of them are many records, each of which is read.
        write(&path, 48, begin, filler);
        let args = ["--year", "2026", "-o", "json", "-v"];
        let file = end(
            start(
                &[&args[..], &[path.to_str().unwrap()]].concat(),
                Stdio::null(),
            ),
            name,
        );
        check(name, &file, 2);
    }
}

#[test]
fn a_text_without_a_line_end_is_bounded_in_every_way_in() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("kernel.log");
    write(&path, 101, b"", b"x");
    let name = path.to_str().unwrap();
    for args in [&["--no-follow"][..], &[], &["-f", "-"]] {
        let mut child = start(
            &[&["--year", "2026", "-o", "json"], args].concat(),
            Stdio::piped(),
        );
        pour(&path, &mut child);
        check(&format!("{args:?}"), &end(child, "a pipe"), 3);
    }
    // Packed, and packed in a pipe.
    if let Some(packed) = crate::support::run(folder.path(), "gzip -1 -k kernel.log && echo") {
        assert!(!packed.is_empty());
        let file = end(
            start(
                &["--year", "2026", "-o", "json", &format!("{name}.gz")],
                Stdio::null(),
            ),
            "gzip",
        );
        check("gzip", &file, 3);
        let mut child = start(&["--year", "2026", "-o", "json"], Stdio::piped());
        pour(Path::new(&format!("{name}.gz")), &mut child);
        check("gzip in a pipe", &end(child, "gzip"), 3);
    }
    // In a support bundle, as the log and as the YAML of the cluster.
    let bundle = folder.path().join("bundle.zip");
    let mut zip = zip::ZipWriter::new(File::create(&bundle).unwrap());
    let stored =
        zip::write::SimpleFileOptions::default().compression_method(zip::CompressionMethod::Stored);
    for (member, log) in [
        ("b/yamls/cluster/v1/nodes.yaml", false),
        ("b/metadata.yaml", false),
        ("b/nodes/n1/configs/oem/91-iptables.yaml", false),
        (
            "b/nodes/n1/configs/etc/rancher/rke2/config.yaml.d/90-x.yaml",
            false,
        ),
        ("b/nodes/n1/logs/kernel.log", true),
    ] {
        zip.start_file(member, stored).unwrap();
        zip.write_all(if log { b"" } else { b"a: " }).unwrap();
        let file = File::open(&path).unwrap();
        std::io::copy(&mut file.take(101 << 20), &mut zip).unwrap();
        if log {
            zip.write_all(format!("\n{LINE}").as_bytes()).unwrap();
        }
    }
    zip.finish().unwrap();
    let said = end(
        start(
            &["--year", "2026", "-o", "json", bundle.to_str().unwrap()],
            Stdio::null(),
        ),
        "a bundle",
    );
    check("a bundle", &said, 2);
}

#[test]
fn a_text_without_a_line_end_is_refused_where_rules_are_read() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("chain.save");
    let log = folder.path().join("kernel.log");
    fs::write(&log, LINE).unwrap();
    let (name, log) = (path.to_str().unwrap(), log.to_str().unwrap());
    for begin in [
        "*filter\n",
        "apiVersion: node.harvesterhci.io/v1beta1\nkind: CloudInit\nspec: ",
        "-P INPUT ACCEPT\n-A INPUT -j ",
    ] {
        write(&path, 101, begin.as_bytes(), b"x");
        for args in [
            &["--rules", name, log][..],
            &["audit", name],
            &["simulate", "--rules", name, log],
            &["rules", "--format", "cloudinit-patch", name, log],
        ] {
            let output = start(args, Stdio::null()).wait_with_output().unwrap();
            let said = String::from_utf8_lossy(&output.stderr);
            let shown = String::from_utf8_lossy(&output.stdout);
            assert_eq!(output.status.code(), Some(2), "{args:?}: {said:.300}");
            assert!(
                said.len() + shown.len() < 10_000,
                "{args:?} shows all of it"
            );
            assert!(
                said.contains("chain.save") || shown.contains("chain.save"),
                "{args:?}: {said}"
            );
        }
    }
}

#[test]
fn a_text_without_a_line_end_is_one_line_to_explain() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("lines");
    write(&path, 101, b"", b"x");
    let mut child = start(&["explain", "-", "-o", "json"], Stdio::piped());
    pour(&path, &mut child);
    let text = end(child, "explain");
    let answers: Vec<Value> = text
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(answers.len(), 3);
    assert_eq!(answers[2]["packet"]["dpt"], 2112);
}
