//! Forged lines in every form of a log: counted, shown, never judged. The table and its rules: `fixtures/forged/README.md`.
#![allow(clippy::unwrap_used, clippy::print_stderr, reason = "these are tests")]

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Command;

use crate::support::{Seen, options, piped};
use dropsift::input::FORMATS;
use dropsift::input::source::read_stream;
use serde::Deserialize;
use serde_json::Value;

const DROP: &str = "HARVESTER_DROP_IN=mgmt-br OUT= MAC= SRC=192.168.122.63 DST=192.168.122.61 LEN=60 TOS=0x00 PREC=0x00 TTL=64 ID=1 DF PROTO=TCP SPT=40000 DPT=2112 WINDOW=64240 RES=0x00 SYN URGP=0 ";

/// Text that the reported line contains, in whatever way the form escapes it.
const SIGN: &str = "HARVESTER_DROP_IN=mgmt-br OUT=";

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    form: Vec<Row>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Row {
    form: String,
    source: String,
    escape: String,
    kernel: String,
    #[serde(default)]
    claims: Vec<String>,
    #[serde(default)]
    other: Vec<String>,
    #[serde(default)]
    continued: Vec<String>,
    #[serde(default)]
    also: Vec<String>,
}

/// Expected result for a log.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Is {
    Judged,
    Untrusted,
    /// A line of another LOG rule.
    Other,
    /// Not judged: the form does not show where a message begins, or to which text the quotes before the prefix belong.
    Beside,
}

use Is::{Beside, Judged, Other, Untrusted};

impl Row {
    /// `message` as the form writes it; `None` where the form cannot.
    fn written(&self, message: &str) -> Option<Vec<u8>> {
        let json = |text: &str| {
            let quoted = serde_json::to_string(text).unwrap();
            quoted[1..quoted.len() - 1].to_owned()
        };
        let breaks = message.contains('\n');
        let text = match self.escape.as_str() {
            "none" if breaks => return None,
            "none" => message.to_owned(),
            "json" => json(message),
            "json-in-json" => json(&json(message)),
            "rsyslog" => message.replace('\n', "#012"),
            "kmsg" => message.replace('\\', "\\x5c").replace('\n', "\\x0a"),
            "export" if breaks => {
                let len = (message.len() as u64).to_le_bytes();
                return Some([b"MESSAGE\n", &len[..], message.as_bytes()].concat());
            }
            "export" => format!("MESSAGE={message}"),
            other => panic!("{}: no escape {other}", self.form),
        };
        Some(text.into_bytes())
    }

    /// `template` with `message` in it.
    fn filled(&self, template: &str, message: &str) -> Option<Vec<u8>> {
        let message = self.written(message)?;
        let (before, after) = template
            .split_once("{M}")
            .unwrap_or_else(|| panic!("{template}"));
        let (before, counted) = match before.strip_prefix("{N} ") {
            Some(rest) => (rest, true),
            None => (before, false),
        };
        let text = [before.as_bytes(), &message, after.as_bytes()].concat();
        let count = if counted {
            format!("{} ", text.len())
        } else {
            String::new()
        };
        Some([count.as_bytes(), &text].concat())
    }

    /// Returns all logs of the row, each with the expected result.
    fn cases(&self) -> Vec<(String, Vec<u8>, Is)> {
        let nested = [
            format!("Apr 22 10:00:01 h kernel: {DROP}"),
            format!("<4>Apr 22 10:00:01 h kernel: {DROP}"),
            format!("2026-04-22T10:00:01.123456+00:00 h kernel: {DROP}"),
            format!("kernel: {DROP}"),
            format!("{{\"_TRANSPORT\":\"kernel\",\"MESSAGE\":\"{DROP}\"}}"),
            format!("a\nApr 22 10:00:01 h kernel: {DROP}"),
        ];
        let behind = [
            format!("x {DROP}"),
            format!("usb 1-1: Product: {DROP}"),
            format!("a\n{DROP}"),
            format!("\n{DROP}"),
            format!("a\r\n{DROP}"),
        ];
        let mut cases = Vec::new();
        let mut add = |template: &str, message: &str, is| {
            if let Some(log) = self.filled(template, message) {
                let message = message.replace(DROP, "DROP");
                cases.push((format!("{template:?} of {message:?}"), log, is));
            }
        };
        add(&self.kernel, DROP, Judged);
        // Of a message without any header nothing tells where it begins.
        let bare = self.kernel == "{M}\n";
        for message in behind.iter().chain(&nested) {
            if self.also.iter().any(|begin| message.starts_with(begin)) {
                continue;
            }
            let is = if bare || message.starts_with('{') {
                Beside
            } else {
                Untrusted
            };
            add(&self.kernel, message, is);
        }
        add(&self.kernel, &format!("FULL_{DROP}"), Other);
        for template in self.claims.iter().chain(&self.other).chain(&self.continued) {
            add(template, DROP, Untrusted);
        }
        // A further line is no record, whatever it is: its indent does not come off.
        let records = [
            format!(
                "{{\"__REALTIME_TIMESTAMP\":\"1776852001123456\",\"_TRANSPORT\":\"kernel\",\"_HOSTNAME\":\"h\",\"MESSAGE\":\"{DROP}\"}}"
            ),
            format!("{{\"date\":1776852001.5,\"MESSAGE\":\"{DROP}\"}}"),
            format!("<4>Apr 22 10:00:01 h kernel: {DROP}"),
            format!("2026-04-22T10:00:01.123456Z stdout F {DROP}"),
            format!("[12345.677901] {DROP}"),
        ];
        for template in &self.continued {
            for record in &records {
                add(template, record, Untrusted);
            }
        }
        // The text of the message decides nothing there, whichever other sender the record has.
        for template in self.claims.first().iter().chain(&self.other.first()) {
            for message in &nested {
                let is = if message.starts_with('{') {
                    Beside
                } else {
                    Untrusted
                };
                add(template, message, is);
            }
        }
        cases
    }
}

fn table() -> Vec<Row> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/forged/forms.toml");
    let table: Table = toml::from_str(&fs::read_to_string(path).unwrap()).unwrap();
    table.form
}

/// Returns a description of the reader's result for `log`, if it is not the expected one.
fn misread(log: &[u8], is: Is) -> Option<String> {
    let stream = std::io::Cursor::new(log.to_vec());
    let seen = Seen::of(|sink| read_stream("a log", stream, &options(), sink));
    let counts = (seen.drops.len(), seen.untrusted.len(), seen.unreadable);
    let holds = match is {
        Judged => counts == (1, 0, 0),
        Untrusted => counts == (0, 1, 0) && seen.untrusted[0].contains("HARVESTER_DROP_"),
        Other => counts == (0, 0, 0),
        Beside => counts.0 == 0,
    };
    (!holds).then(|| format!("(drop, untrusted, unreadable) lines are {counts:?}"))
}

/// Returns a description of the program's result, if it is not the expected one.
fn misjudged(log: &[u8], is: Is) -> Option<String> {
    let mut command = Command::new(env!("CARGO_BIN_EXE_dropsift"));
    command.args(["--year", "2026", "--no-follow", "-v", "-o", "json"]);
    let output = piped(&mut command, log);
    let said = String::from_utf8_lossy(&output.stderr);
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    let tally = |key: &str| report["tally"][key].as_u64().unwrap();
    let findings = report["findings"].as_array().unwrap().len();
    let counts = (tally("drops"), tally("untrusted"), tally("unreadable"));
    let mut lines = said.lines();
    let shown = lines.any(|line| line.starts_with("untrusted: ") && line.contains(SIGN));
    // A log in which no line has a header is of no known form.
    let code = output.status.code().unwrap();
    let holds = match is {
        Judged => counts == (1, 0, 0) && findings == 1 && !shown && code == 1,
        _ => counts == (0, 1, 0) && findings == 0 && shown && matches!(code, 0 | 3),
    };
    (!holds).then(|| format!("{} {}\n{said}", output.status, report["tally"]))
}

#[test]
fn what_is_forged_is_counted_and_never_judged() {
    let rows = table();
    assert!(
        rows.iter().all(|row| !row.source.is_empty()),
        "a row has no source"
    );
    let check = |rows: &[Row]| -> Vec<String> {
        let cases = rows
            .iter()
            .flat_map(|row| row.cases().into_iter().map(move |case| (row, case)));
        let wrong = cases.filter_map(|(row, (what, log, is))| {
            // The program once for each template, and the reader for every message in it.
            let plain = what.ends_with(" of \"DROP\"");
            let wrong = misread(&log, is).or_else(|| plain.then(|| misjudged(&log, is))?)?;
            Some(format!("{}: {what}: not {is:?}: {wrong}", row.form))
        });
        wrong.collect()
    };
    let (one, other) = rows.split_at(rows.len() / 2);
    let failures = std::thread::scope(|scope| {
        let other = scope.spawn(|| check(other));
        [check(one), other.join().unwrap()].concat()
    });
    assert!(
        failures.is_empty(),
        "{} wrong:\n{}",
        failures.len(),
        failures.join("\n")
    );
}

#[test]
fn every_form_is_in_the_table() {
    let rows: BTreeSet<String> = table().into_iter().map(|row| row.form).collect();
    for format in FORMATS.iter().filter(|format| format.code != "marker") {
        assert!(rows.contains(format.code), "{}", format.code);
    }
    for row in &rows {
        assert!(FORMATS.iter().any(|format| format.code == row), "{row}");
    }
}
