//! Memory for inputs that are large on purpose: they are read within fixed memory, or refused with the remedy.

use std::fs::{self, File};
use std::io::Write;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use serde_json::Value;
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

use crate::support::{drop_line, pack};

/// Address space of the program, in KiB: it needs some 50 MiB for a small log.
const MEMORY: u32 = 110_000;

/// Runs the program on a file, its memory bounded.
fn run(path: &Path) -> Output {
    Command::new("sh")
        .args(["-c", &format!("ulimit -v {MEMORY}; exec \"$0\" \"$@\"")])
        .arg(env!("CARGO_BIN_EXE_dropsift"))
        .args(["--year", "2026", "-o", "json"])
        .arg(path)
        .stdin(Stdio::null())
        .output()
        .unwrap()
}

fn drops(output: &Output) -> u64 {
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{said:.500}");
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    report["tally"]["drops"].as_u64().unwrap()
}

fn line(n: usize) -> String {
    let (minute, second) = (n / 60 % 60, n % 60);
    format!(
        "Apr 22 10:{minute:02}:{second:02} h kernel: {}\n",
        drop_line(n)
    )
}

/// An unpacked node lies in many bundles; the names of all files are there once, not once for each node.
#[test]
fn a_bundle_of_many_folders_keeps_each_name_once() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("bundle.zip");
    let mut zip = ZipWriter::new(File::create(&path).unwrap());
    let options = SimpleFileOptions::default();
    for node in 0..200 {
        for file in 0..60 {
            let name = format!("bundle/nodes/node{node}/configs/etc/some/folder/file{file}.conf");
            zip.start_file(name, options).unwrap();
        }
        let name = format!("bundle/nodes/node{node}/logs/kernel.log");
        zip.start_file(name, options).unwrap();
        zip.write_all(line(node).as_bytes()).unwrap();
    }
    zip.finish().unwrap();
    assert_eq!(drops(&run(&path)), 200);
}

#[test]
fn files_that_share_their_bytes_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("logs.zip");
    let mut zip = ZipWriter::new(File::create(&path).unwrap());
    zip.start_file("kernel.log", SimpleFileOptions::default())
        .unwrap();
    zip.write_all(line(1).as_bytes()).unwrap();
    for n in 0..100 {
        zip.shallow_copy_file("kernel.log", &format!("{n}.log"))
            .unwrap();
    }
    zip.finish().unwrap();
    let seen = crate::support::read(&path);
    assert_eq!(seen.drops.len(), 0);
    assert!(
        seen.errors[0].contains("share the same bytes"),
        "{:?}",
        seen.errors
    );
}

#[test]
fn a_window_is_unpacked_up_to_64_mib_and_refused_beyond() {
    let folder = tempfile::tempdir().unwrap();
    let log: String = (0..100).map(line).collect();
    for (tool, refused) in [
        ("xz -9", None),
        ("xz --lzma2=dict=65MiB", Some("xz -d FILE")),
        ("zstd --long=26", None),
        ("zstd --long=27", Some("zstd -d --long=31 FILE")),
    ] {
        let Some(packed) = pack(&[tool], log.as_bytes()) else {
            continue;
        };
        let path = folder.path().join("packed");
        fs::write(&path, packed).unwrap();
        let output = run(&path);
        match refused {
            None => assert_eq!(drops(&output), 100, "{tool}"),
            Some(command) => {
                let said = String::from_utf8_lossy(&output.stderr);
                assert_eq!(output.status.code(), Some(2), "{tool}: {said}");
                assert!(
                    said.contains("64 MiB") && said.contains(command),
                    "{tool}: {said}"
                );
            }
        }
    }
}

/// The kernel refuses a further thread to a user who may have one process; to root it refuses none.
#[allow(clippy::print_stderr, reason = "a test says what it leaves out")]
#[test]
fn one_thread_is_enough() {
    let folder = tempfile::tempdir().unwrap();
    let (program, path) = (folder.path().join("dropsift"), folder.path().join("log"));
    fs::copy(env!("CARGO_BIN_EXE_dropsift"), &program).unwrap();
    // Enough for stripes.
    let log: String = (0..45_000).map(line).collect();
    assert!(log.len() > 8 << 20);
    fs::write(&path, log).unwrap();
    fs::write(folder.path().join("small"), line(1).repeat(3)).unwrap();
    // Options, and how many drop lines are counted; `None` where a thread cannot be done without.
    for (args, counted) in [
        ("log", Some(45_000)),
        ("log small", Some(45_002)),
        ("--no-follow - <log", Some(45_000)),
        ("-f - <log", Some(45_000)),
        ("- <log", Some(45_000)),
        ("-f - log <small", None),
        ("-f - --metrics 127.0.0.1:0 <log", None),
    ] {
        let script = format!(
            "chmod 755 . ; exec setpriv --reuid=54321 --clear-groups prlimit --nproc=1:1 ./dropsift --year 2026 -o json {args}"
        );
        let output = Command::new("sh")
            .args(["-c", &script])
            .current_dir(folder.path())
            .stdin(Stdio::null())
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        if said.contains("setpriv") {
            eprintln!("left out: setpriv is not there, or may not change the user");
            return;
        }
        match counted {
            Some(counted) => assert_eq!(drops(&output), counted, "{args}"),
            None => {
                assert_eq!(output.status.code(), Some(2), "{args}: {said}");
                assert!(said.contains("TasksMax="), "{args}: {said}");
            }
        }
    }
}
