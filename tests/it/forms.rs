//! One capture through every form in which a log reaches a user: the same findings, and the same times as far as the
//! form has them.
//!
//! `journalctl` renders the forms from a real journal, created from the capture by `systemd-journal-remote`; packers
//! pack them. Forms whose tools are not installed are left out, by name.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::support::{pack, run};
use serde_json::Value;

const REMOTE: &str = "/lib/systemd/systemd-journal-remote";

/// Completeness of the times in a form.
#[derive(Clone, Copy, PartialEq)]
enum Tells {
    All,
    /// Times to the second only.
    Seconds,
    /// Times without dates.
    NoDates,
}

/// A form: its name, the options of `journalctl` that print it, and the completeness of its times.
const FORMS: &[(&str, &str, Tells)] = &[
    ("short", "-o short", Tells::Seconds),
    ("short-precise", "-o short-precise", Tells::All),
    ("short-iso", "-o short-iso", Tells::Seconds),
    ("short-iso-precise", "-o short-iso-precise", Tells::All),
    ("short-full", "-o short-full", Tells::Seconds),
    ("with-unit", "-o with-unit", Tells::Seconds),
    ("short-unix", "-o short-unix", Tells::All),
    ("short-monotonic", "-o short-monotonic", Tells::NoDates),
    ("short-delta", "-o short-delta", Tells::NoDates),
    ("verbose", "-o verbose", Tells::All),
    ("export", "-o export", Tells::All),
    ("json", "-o json", Tells::All),
    ("json-pretty", "-o json-pretty", Tells::All),
    ("json-sse", "-o json-sse", Tells::All),
    ("json-seq", "-o json-seq", Tells::All),
    ("cat", "-o cat", Tells::NoDates),
    ("no-hostname", "-o short-precise --no-hostname", Tells::All),
    ("reversed", "-o short-precise -r", Tells::All),
    ("all", "-o json --all", Tells::All),
];

#[test]
fn one_capture_is_judged_the_same_in_every_form() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let (text, export) = capture();
    fs::write(folder.join("plain"), &text).unwrap();
    fs::write(folder.join("log.export"), export).unwrap();
    let whole = judged(&folder.join("plain"));
    assert_eq!(whole["tally"]["drops"], 135);

    for packer in ["gzip", "xz", "zstd", "bzip2"] {
        if let Some(packed) = pack(&[packer], text.as_bytes()) {
            fs::write(folder.join(packer), packed).unwrap();
            assert_same(&whole, &judged(&folder.join(packer)), Tells::All, packer);
        }
    }
    if run(
        folder,
        &format!(
            "{REMOTE} -o {}/log.journal log.export 2>/dev/null",
            folder.display()
        ),
    )
    .is_none()
    {
        return;
    }
    assert_same(
        &whole,
        &judged(&folder.join("log.journal")),
        Tells::All,
        "binary journal",
    );
    for (name, options, tells) in FORMS {
        let rendered = run(
            folder,
            &format!("journalctl --file log.journal -q --utc {options}"),
        )
        .unwrap();
        fs::write(folder.join(name), rendered).unwrap();
        assert_same(&whole, &judged(&folder.join(name)), *tells, name);
        // `SYSTEMD_COLORS` makes it write the output for a terminal.
        let colored = run(
            folder,
            &format!("env SYSTEMD_COLORS=1 journalctl --file log.journal -q --utc {options}"),
        );
        fs::write(folder.join(name), colored.unwrap()).unwrap();
        assert_same(
            &whole,
            &judged(&folder.join(name)),
            *tells,
            &format!("{name} in colours"),
        );
    }
}

/// Returns the capture as text to the microsecond, and in the journal's export format.
fn capture() -> (String, String) {
    let set = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/set-a");
    let log = fs::read_to_string(set.join("limited.log")).unwrap();
    let truth = fs::read_to_string(set.join("limited.truth.jsonl")).unwrap();
    let (mut text, mut export) = (String::new(), String::new());
    for (line, truth) in log.lines().zip(truth.lines()) {
        let truth: Value = serde_json::from_str(truth).unwrap();
        let time = dropsift::time::parse_rfc3339(&format!("{}Z", truth["time"].as_str().unwrap()))
            .unwrap();
        let host = truth["host"].as_str().unwrap();
        let message = &line[line.find("HARVESTER_DROP_").unwrap()..];
        let uptime = time.0 - 1_776_850_000_000_000;
        text.push_str(&format!(
            "Apr 22 {}.{:06} {host} kernel: {message}\n",
            time.clock(),
            time.0 % 1_000_000
        ));
        export.push_str(&format!(
            "__REALTIME_TIMESTAMP={}\n__MONOTONIC_TIMESTAMP={uptime}\n_BOOT_ID=1f2e3d4c5b6a79880011223344556677\n\
             _TRANSPORT=kernel\nPRIORITY=4\nSYSLOG_FACILITY=0\nSYSLOG_IDENTIFIER=kernel\n_HOSTNAME={host}\n\
             _SOURCE_MONOTONIC_TIMESTAMP={uptime}\nMESSAGE={message}\n\n",
            time.0
        ));
    }
    (text, export)
}

/// Returns the report on a file. Nodes are known by address where a form has no host names.
fn judged(path: &Path) -> Value {
    let output = Command::new(env!("CARGO_BIN_EXE_dropsift"))
        .args([
            "--role",
            "harvester3=worker",
            "--year",
            "2026",
            "-o",
            "json",
        ])
        .args([
            "--node",
            "harvester1=192.168.122.61",
            "--node",
            "harvester2=192.168.122.62",
        ])
        .args(["--node", "harvester3=192.168.122.63"])
        .arg(path)
        .output()
        .unwrap();
    serde_json::from_slice(&output.stdout).unwrap()
}

fn assert_same(whole: &Value, other: &Value, tells: Tells, name: &str) {
    assert_eq!(findings(whole, tells), findings(other, tells), "{name}");
    assert_eq!(whole["rules"], other["rules"], "{name}");
    assert_eq!(whole["tally"]["drops"], other["tally"]["drops"], "{name}");
}

/// Returns the findings of a report, as far as a form can tell them.
fn findings(report: &Value, tells: Tells) -> Vec<Value> {
    let mut findings = report["findings"].as_array().unwrap().clone();
    for finding in &mut findings {
        let finding = finding.as_object_mut().unwrap();
        match tells {
            Tells::All => {}
            Tells::Seconds => {
                for key in ["first", "last"] {
                    let second: String = finding[key].as_str().unwrap().chars().take(19).collect();
                    finding.insert(key.to_owned(), second.into());
                }
                // Of lines within one second, another may be the first.
                for key in ["sample", "evidence", "state", "text", "times"] {
                    finding.remove(key);
                }
            }
            Tells::NoDates => {
                // A log without any times cannot tell attempts apart that come one after the other.
                let timed = [
                    "first", "last", "sample", "evidence", "state", "text", "times", "attempts",
                ];
                for key in timed {
                    finding.remove(key);
                }
            }
        }
    }
    findings
}
