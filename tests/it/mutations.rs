//! Every kind of input through every subcommand, changed at random: whatever comes in, the program ends by itself, soon, with
//! a documented exit code, and no raw byte of the input reaches a terminal. Each run draws the same changes;
//! `DROPSIFT_MUTATIONS` makes it another number of them, `DROPSIFT_SEED` others, and `DROPSIFT_PROGRAM` names another
//! program, so that a long run goes on while this one is built anew.

use std::fs;
use std::io::{Read, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use zip::ZipWriter;
use zip::write::SimpleFileOptions;

use crate::fuzz::mutate;
use crate::fuzz::targets::Dice;
use crate::support::{files, pack, program, sample_journal};

/// In a test that runs beside others, also of a small input.
const MAX_TIME: Duration = Duration::from_secs(10);
const MAX_INPUT: u64 = 64 << 10;

/// Words that texts of all kinds are about.
const WORDS: &[&str] = &[
    "-A HARVESTER_INPUT ",
    "-j ACCEPT",
    "-m multiport --dports 1,2:3",
    "-s 10.0.0.0/8",
    "--ctstate NEW",
    "contents: |\n",
    "$(",
    "`",
    "<<EOF\n",
    "*filter\n",
    "COMMIT\n",
    "_TRANSPORT",
    "__REALTIME_TIMESTAMP",
    "{\"",
    "\\u0000",
    "\\u202e",
    "&a *a",
    "!!binary",
    "last message repeated 3 times",
    "PROTO=TCP SPT=1 DPT=2 ",
    "\u{3164}",
    "\u{85}",
    "\u{feff}",
];

/// The kinds of inputs: what takes the place of the word in [`RUNS`].
const KINDS: &[(&str, &[&str])] = &[
    ("LOG", &["log", "txt", "jsonl", "syslog", "kmsg", "log.gz"]),
    (
        "RULES",
        &["save", "iptables-save", "rules", "listing", "yaml"],
    ),
];

/// What is run; a word in capitals stands for an input of that kind, `-` for a log through standard input.
const RUNS: &[&str] = &[
    "-o json LOG",
    "-v LOG",
    "-o ndjson LOG",
    "-",
    "-f -o ndjson -",
    "rules LOG",
    "rules --format cloudinit LOG",
    "rules --format split-log LOG",
    "rules -o json LOG",
    "simulate --rules RULES SYN",
    "simulate --with-suggested --rules RULES -",
    "audit RULES",
    "audit -o json RULES",
    "chain --role worker RULES",
    "chain --role control-plane -o json RULES",
    "--rules RULES SYN",
    "rules --format cloudinit-patch RULES SYN",
    "rules --diff --format cloudinit-patch RULES SYN",
    "rules --check --rules RULES SYN",
    "explain -",
    "explain -o json -",
    "-o json JOURNAL",
    "-o json ZIP",
    "-v ZIP",
    "-o json PACKED",
    "audit LOG",
    "LOG LOG",
    "-o json RULES",
];

const SYN: &str = "Apr 22 10:01:00.000001 harvester1 kernel: HARVESTER_DROP_IN=mgmt-br OUT= MAC= SRC=192.168.122.63 DST=192.168.122.61 LEN=60 TOS=0x00 PREC=0x00 TTL=64 ID=1 DF PROTO=TCP SPT=40000 DPT=2112 WINDOW=64240 RES=0x00 SYN URGP=0 \n";

type Inputs = Vec<(&'static str, Vec<Vec<u8>>)>;

fn inputs() -> Inputs {
    let mut paths = [files("fixtures"), files("fuzz/seeds")].concat();
    paths.retain(|path| fs::metadata(path).unwrap().len() <= MAX_INPUT);
    let mut inputs: Inputs = (KINDS.iter())
        .map(|(kind, endings)| {
            let is_one = |path: &&std::path::PathBuf| {
                let name = path.to_string_lossy();
                endings
                    .iter()
                    .any(|ending| name.ends_with(&format!(".{ending}")))
            };
            let bytes = paths
                .iter()
                .filter(is_one)
                .map(|path| fs::read(path).unwrap());
            (*kind, bytes.collect())
        })
        .collect();
    let seeds = |target: &str| -> Vec<Vec<u8>> {
        let part = format!("fuzz/seeds/{target}/");
        let of = paths
            .iter()
            .filter(|path| path.to_string_lossy().contains(&part));
        of.map(|path| fs::read(path).unwrap()).collect()
    };
    inputs[0]
        .1
        .extend([seeds("scan"), seeds("document")].concat());
    inputs[1]
        .1
        .extend([seeds("chain"), seeds("cloudinit")].concat());
    inputs.push((
        "JOURNAL",
        [vec![sample_journal()], seeds("journal")].concat(),
    ));
    let packed = ["gzip", "xz", "zstd", "bzip2"];
    let packed = packed
        .iter()
        .filter_map(|tool| pack(&[tool], SYN.repeat(9).as_bytes()));
    inputs.push(("PACKED", packed.chain(seeds("unpack")).collect()));
    inputs.push(("ZIP", vec![bundle()]));
    inputs.push(("SYN", vec![SYN.as_bytes().to_vec()]));
    assert!(inputs.iter().all(|(_, bytes)| !bytes.is_empty()));
    inputs
}

/// Returns a support bundle with one node.
fn bundle() -> Vec<u8> {
    let options = SimpleFileOptions::default();
    let mut inner = ZipWriter::new(std::io::Cursor::new(Vec::new()));
    inner
        .start_file("harvester1/logs/kernel.log", options)
        .unwrap();
    inner.write_all(SYN.repeat(5).as_bytes()).unwrap();
    inner
        .start_file("harvester1/configs/oem/90_custom.yaml", options)
        .unwrap();
    inner
        .write_all(b"stages:\n  boot:\n  - commands:\n    - iptables -A INPUT -j HARVESTER_INPUT\n")
        .unwrap();
    let inner = inner.finish().unwrap().into_inner();
    let mut zip = ZipWriter::new(std::io::Cursor::new(Vec::new()));
    zip.start_file("supportbundle_1/nodes/harvester1.zip", options)
        .unwrap();
    zip.write_all(&inner).unwrap();
    zip.start_file(
        "supportbundle_1/yamls/cluster/kubernetes/v1/nodes.yaml",
        options,
    )
    .unwrap();
    zip.write_all(b"apiVersion: v1\nkind: List\nitems:\n- kind: Node\n  metadata: {name: harvester1}\n  status: {addresses: [{type: InternalIP, address: 192.168.122.61}]}\n").unwrap();
    zip.finish().unwrap().into_inner()
}

/// What is wrong with a run, if anything.
fn broken(args: &[String], stdin: &[u8]) -> Option<String> {
    let mut child = Command::new(program())
        .args(args)
        .env("COLUMNS", "100")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut pipe = child.stdin.take().unwrap();
    let (mut out, mut err) = (child.stdout.take().unwrap(), child.stderr.take().unwrap());
    let begin = Instant::now();
    let (stdout, stderr, status) = thread::scope(|scope| {
        scope.spawn(move || {
            // Not all is read of every input.
            let _ = pipe.write_all(stdin);
        });
        let read = |stream: &mut dyn Read| {
            let mut bytes = Vec::new();
            stream.read_to_end(&mut bytes).unwrap();
            bytes
        };
        let stdout = scope.spawn(move || read(&mut out));
        let stderr = scope.spawn(move || read(&mut err));
        let status = loop {
            match child.try_wait().unwrap() {
                Some(status) => break Some(status),
                None if begin.elapsed() > MAX_TIME => {
                    child.kill().unwrap();
                    child.wait().unwrap();
                    break None;
                }
                None => thread::sleep(Duration::from_millis(2)),
            }
        };
        (stdout.join().unwrap(), stderr.join().unwrap(), status)
    });
    let said = String::from_utf8_lossy(&stderr);
    let Some(status) = status else {
        return Some("it runs for more than 10 s".to_owned());
    };
    if !matches!(status.code(), Some(0..=3)) || said.contains("panicked at") {
        return Some(format!("{status}: {said:.2000}"));
    }
    [("stdout", stdout), ("stderr", stderr)]
        .into_iter()
        .find_map(|(what, bytes)| {
            let Ok(text) = String::from_utf8(bytes) else {
                return Some(format!("{what} is no UTF-8"));
            };
            let raw = text
                .chars()
                .find(|c| *c != '\n' && dropsift::error::is_hostile(*c))?;
            Some(format!("{what} has a raw {raw:?}"))
        })
}

#[test]
fn nothing_that_is_changed_at_random_breaks_a_run() {
    let told = |name: &str| std::env::var(name).ok();
    let count = told("DROPSIFT_MUTATIONS").map_or(150, |told| told.parse().unwrap());
    let mut dice = Dice::of(told("DROPSIFT_SEED").unwrap_or_default().as_bytes());
    let words: Vec<Vec<u8>> = WORDS.iter().map(|word| word.as_bytes().to_vec()).collect();
    let inputs = inputs();
    let folder = tempfile::tempdir().unwrap();
    let mut found = Vec::new();
    for number in 0..count {
        let run = RUNS[number % RUNS.len()];
        let mut stdin = Vec::new();
        let mut draw = |kind: &str| {
            let (_, all) = inputs.iter().find(|(known, _)| *known == kind).unwrap();
            let mut bytes = all[dice.roll(all.len())].clone();
            let other = &all[dice.roll(all.len())];
            if kind != "SYN" {
                for _ in 0..dice.roll(5) {
                    mutate(&mut bytes, other, &words, &mut dice);
                }
            }
            bytes
        };
        let mut files = Vec::new();
        let mut args: Vec<String> = Vec::new();
        for word in run.split(' ') {
            let is_kind = inputs.iter().any(|(kind, _)| *kind == word);
            if word == "-" {
                stdin = draw("LOG");
                args.push(word.to_owned());
            } else if is_kind {
                let path = folder.path().join(format!("{number}-{}", args.len()));
                fs::write(&path, draw(word)).unwrap();
                args.push(path.to_str().unwrap().to_owned());
                files.push(path);
            } else {
                args.push(word.to_owned());
            }
        }
        if let Some(why) = broken(&args, &stdin) {
            let kept = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("mutation-{number}"));
            fs::create_dir_all(&kept).unwrap();
            fs::write(kept.join("stdin"), &stdin).unwrap();
            for file in &files {
                fs::copy(file, kept.join(file.file_name().unwrap())).unwrap();
            }
            let line = format!(
                "{number}: {run}: {why}; its inputs are in {}",
                kept.display()
            );
            if count > 1000 {
                // A long run is looked at while it goes on.
                fs::write(kept.join("why"), &line).unwrap();
            }
            found.push(line);
        }
        for file in files {
            fs::remove_file(file).unwrap();
        }
    }
    assert!(found.is_empty(), "{}", found.join("\n"));
}
