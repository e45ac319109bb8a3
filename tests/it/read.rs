//! Forms of logs that nothing may be lost of in silence: each row of fixtures/read/ goes through the program.

use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Output};

use dropsift::input::Prefixes;
use dropsift::input::event::LogEvent;
use dropsift::input::reader::Reader;
use dropsift::time::{Reading, parse_rfc3339};
use serde::Deserialize;
use serde_json::Value;

use crate::support::piped;

const MESSAGE: &str = "HARVESTER_DROP_IN=mgmt-br OUT= MAC=52:54:00:ab:cd:ef:52:54:00:ab:cd:ea:08:00 SRC=192.168.122.63 DST=192.168.122.61 LEN=60 TOS=0x00 PREC=0x00 TTL=64 ID=1 DF PROTO=TCP SPT=40000 DPT=2112 WINDOW=64240 RES=0x00 SYN URGP=0";

#[derive(Deserialize)]
struct Table {
    log: Vec<Row>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Row {
    name: String,
    #[serde(default, rename = "source")]
    _source: String,
    text: String,
    drops: u64,
    #[serde(default)]
    untrusted: u64,
    #[serde(default)]
    unreadable: u64,
    /// The time of the newest drop line.
    last: Option<String>,
    node: Option<String>,
    warning: Option<String>,
    encoding: Option<String>,
    /// Text that another program appended, and its encoding.
    next: Option<String>,
    next_encoding: Option<String>,
    /// Year of the newest line; 2026 if absent.
    year: Option<u32>,
    /// Exit code; if absent, any code for a log with a judged drop line.
    code: Option<i32>,
}

impl Row {
    fn bytes(&self) -> Vec<u8> {
        let mut bytes = encoded(&self.text, self.encoding.as_deref());
        if let Some(next) = &self.next {
            bytes.extend(encoded(next, self.next_encoding.as_deref()));
        }
        bytes
    }
}

fn encoded(text: &str, encoding: Option<&str>) -> Vec<u8> {
    let other = MESSAGE.replace("40000", "40001");
    let text = text.replace("{M}", MESSAGE).replace("{N}", &other);
    let text = text.replace("{16K}", &"x".repeat(16 << 10));
    let text = text.replace("{1M}", &"x".repeat(1 << 20));
    let wide = |bytes: fn(u16) -> [u8; 2], mark: Option<u16>| {
        let units = mark.into_iter().chain(text.encode_utf16());
        units.flat_map(bytes).collect()
    };
    match encoding {
        Some("utf-16le") => wide(u16::to_le_bytes, Some(0xfeff)),
        Some("utf-16be") => wide(u16::to_be_bytes, Some(0xfeff)),
        Some("utf-16le, no mark") => wide(u16::to_le_bytes, None),
        Some("utf-16be, no mark") => wide(u16::to_be_bytes, None),
        Some("gzip") => {
            let mut packer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::new(6));
            packer.write_all(text.as_bytes()).unwrap();
            packer.finish().unwrap()
        }
        Some("zstd") => zstd::encode_all(text.as_bytes(), 3).unwrap(),
        Some(other) => panic!("{other} is no encoding"),
        None => text.into_bytes(),
    }
}

fn dropsift(args: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_dropsift"));
    command.args(["--no-follow", "-o", "json"]).args(args);
    command.output().unwrap()
}

/// Returns the expectations of a row that are not met.
fn wrong(row: &Row, folder: &Path) -> Option<String> {
    let path = folder.join("in.log");
    fs::write(&path, row.bytes()).unwrap();
    let year = row.year.unwrap_or(2026).to_string();
    let output = dropsift(&["--year", &year, path.to_str().unwrap()]);
    let mut live = Command::new(env!("CARGO_BIN_EXE_dropsift"));
    let live = piped(
        live.args(["-f", "-o", "json", "--year", &year]),
        row.bytes(),
    );
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    let of_live: Value = serde_json::from_slice(&live.stdout).unwrap();
    let tally = |key: &str| report["tally"][key].as_u64().unwrap();
    let counts = (tally("drops"), tally("untrusted"), tally("unreadable"));
    let mut wrong = Vec::new();
    if counts != (row.drops, row.untrusted, row.unreadable) {
        wrong.push(format!("(drops, untrusted, unreadable) are {counts:?}"));
    }
    let findings = report["findings"].as_array().unwrap();
    let last = findings
        .iter()
        .filter_map(|finding| finding["last"].as_str())
        .max();
    if row.last.is_some() && last != row.last.as_deref() {
        wrong.push(format!("the last drop line is of {last:?}"));
    }
    let node = findings
        .first()
        .and_then(|finding| finding["node"].as_str());
    if row.node.is_some() && node != row.node.as_deref() {
        wrong.push(format!("the node is {node:?}"));
    }
    let warnings = report["warnings"].as_array().unwrap();
    let codes: Vec<&str> = warnings
        .iter()
        .filter_map(|warning| warning["code"].as_str())
        .collect();
    let of_reading = [
        "prefix-elsewhere",
        "other-prefix",
        "no-such-day",
        "time-unread",
        "log-damaged",
    ];
    let has: Vec<&str> = codes
        .into_iter()
        .filter(|code| of_reading.contains(code))
        .collect();
    if has != row.warning.iter().map(String::as_str).collect::<Vec<_>>() {
        wrong.push(format!("warnings are {has:?}"));
    }
    let text = report["summary"]["text"].as_str().unwrap();
    if row.unreadable > 0 && text.contains("No rule is missing") {
        wrong.push(format!("the answer is an all-clear: {text}"));
    }
    let tells = |code: &str| warnings.iter().any(|warning| warning["code"] == code);
    if row.unreadable > 0 && !tells("lines-unreadable") && !tells("prefix-elsewhere") {
        wrong.push("no caution names the lines that could not be read".to_owned());
    }
    if row.untrusted > 0 && !tells("lines-untrusted") && !tells("prefix-elsewhere") {
        wrong.push("no caution names the lines that are not the kernel's".to_owned());
    }
    if ["tally", "findings", "warnings"]
        .iter()
        .any(|part| report[part] != of_live[part])
        || output.status.code() != live.status.code()
    {
        let code = live.status.code();
        wrong.push(format!(
            "as a stream that is followed it is another log, {code:?}: {of_live}"
        ));
    }
    let code = output.status.code();
    let is_judged = matches!(code, Some(0 | 1));
    if row.code.map_or(!is_judged, |should| code != Some(should)) {
        wrong.push(format!("the exit code is {code:?}: {said}"));
    }
    (!wrong.is_empty()).then(|| format!("{}: {}", row.name, wrong.join("; ")))
}

/// Returns the rows of all tables.
fn rows() -> Vec<Row> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/read");
    let files = fs::read_dir(folder).unwrap();
    let mut rows = Vec::new();
    for file in files {
        let text = fs::read_to_string(file.unwrap().path()).unwrap();
        rows.extend(toml::from_str::<Table>(&text).unwrap().log);
    }
    rows
}

#[test]
fn nothing_is_lost_in_silence() {
    let rows = rows();
    let folder = tempfile::tempdir().unwrap();
    let wrong: Vec<String> = rows
        .iter()
        .filter_map(|row| wrong(row, folder.path()))
        .collect();
    assert!(
        wrong.is_empty(),
        "{} of {}:\n{}",
        wrong.len(),
        rows.len(),
        wrong.join("\n")
    );
}

/// Returns what a reader tells of a text, each drop line by itself.
fn told(new: fn(Prefixes, Reading) -> Reader, text: &[u8]) -> Vec<String> {
    let reading = Reading {
        year: Some(2026),
        reference: parse_rfc3339("2026-12-31T00:00:00Z").unwrap(),
        offset: 0,
    };
    let mut told = Vec::new();
    let mut sink = |event: LogEvent<'_>| match event {
        LogEvent::Drops(drops) => told.extend(drops.iter().map(|drop| format!("{drop:?}"))),
        event => told.push(format!("{event:?}")),
    };
    let mut reader = new(Prefixes::documented(), reading);
    reader.push(text, &mut sink);
    reader.finish(&mut sink);
    told
}

/// The fast path says of each row what the slow one says.
#[test]
fn the_fast_path_tells_the_same() {
    for row in rows().iter().filter(|row| row.encoding.is_none()) {
        let before = format!("May 04 09:58:09 harvester1 kernel: {MESSAGE}\n").into_bytes();
        let text = [before, row.bytes()].concat();
        let (fast, slow) = (told(Reader::new, &text), told(Reader::slow, &text));
        assert_eq!(fast, slow, "{}", row.name);
    }
}

/// Lines that two overlapping inputs share are counted once; an input that is given twice is read once.
#[test]
fn what_two_inputs_share_counts_once() {
    let folder = tempfile::tempdir().unwrap();
    let line = |second: u32, spt: &str| {
        let message = MESSAGE.replace("40000", spt);
        format!("May 04 09:58:{second:02} harvester1 kernel: {message}\n")
    };
    let write = |name: &str, text: String| {
        let path = folder.path().join(name);
        fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let one = write(
        "one.log",
        line(10, "40000") + &line(10, "40001") + &line(11, "40001"),
    );
    let copy = write("copy.log", fs::read_to_string(&one).unwrap());
    let later = write(
        "later.log",
        line(11, "40001") + &line(11, "40001") + &line(12, "40002"),
    );
    let drops = |inputs: &[&str]| {
        let output = dropsift(&[&["--year", "2026"], inputs].concat());
        let report: Value = serde_json::from_slice(&output.stdout).unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        (report["tally"]["drops"].as_u64().unwrap(), said)
    };
    assert_eq!(drops(&[&one]).0, 3);
    let (twice, said) = drops(&[&one, &one]);
    assert_eq!(twice, 3);
    assert!(said.contains("is given twice"), "{said}");
    let (shared, said) = drops(&[&one, &copy]);
    assert_eq!(shared, 3);
    assert!(said.contains("3 in an earlier input already"), "{said}");
    // The second of two equal ones in one input is another record.
    assert_eq!(drops(&[&one, &later]).0, 5);
}
