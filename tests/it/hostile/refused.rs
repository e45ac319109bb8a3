//! Hostile text where it is refused: as the value of each option, as a name that nothing has, as a word too many.

use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;

use super::{TEXTS, dropsift, raw};

/// Command lines with `{}` in place of the hostile text.
const REFUSED: &[&[&str]] = &[
    &["--{}"],
    &["-{}"],
    &["x{}"],
    &["./x{}", "y{}"],
    &["-f", "x{}"],
    &["--no-follow", "-", "{}"],
    &["--role={}"],
    &["--role=a={}"],
    &["--node={}"],
    &["--node=a={}"],
    &["--node-net={}"],
    &["--pod-cidr={}"],
    &["--addon={}"],
    &["--no-addon={}"],
    &["--rules={}"],
    &["--rules=a={}"],
    &["--upgrade={}"],
    &["--upgrade={}..{}"],
    &["--since={}"],
    &["--until={}"],
    &["--year={}"],
    &["--utc-offset={}"],
    &["--settle={}"],
    &["--limit={}"],
    &["--limit=10/min:{}"],
    &["--prefix={}0123456789012345678901234567890"],
    &["--port={}"],
    &["--peer={}"],
    &["--verdict={}"],
    &["--output={}"],
    &["--format={}"],
    &["--scope={}"],
    &["--fail-on={}"],
    &["--color={}"],
    &["rules", "--{}"],
    &["rules", "--format=cloudinit-patch", "x{}"],
    &["simulate", "--rules=x{}"],
    &["audit", "x{}"],
    &["audit", "x", "--role=a={}"],
    &["audit", "x", "--management-vlan={}"],
    &["ports", "--role={}"],
    &["ports", "x{}"],
    &["schema", "x{}"],
    &["completions", "x{}"],
    &["explain", "--{}"],
    &["help", "x{}"],
];

#[test]
fn what_is_refused_is_told_without_anything_raw() {
    let folder = tempfile::tempdir().unwrap();
    let mut wrong = Vec::new();
    for (name, text) in TEXTS {
        // An argument has no NUL.
        let text: Vec<u8> = text.iter().copied().filter(|b| *b != 0).collect();
        for row in REFUSED {
            let fill = |arg: &&str| -> OsString {
                let mut filled = Vec::new();
                for (at, part) in arg.split("{}").enumerate() {
                    filled.extend_from_slice(if at > 0 { &text } else { b"" });
                    filled.extend_from_slice(part.as_bytes());
                }
                OsString::from_vec(filled)
            };
            let args: Vec<OsString> = row.iter().map(fill).collect();
            let output = dropsift(folder.path(), &args, b"");
            let shown = [&output.stdout[..], &output.stderr].concat();
            wrong.extend(raw(&shown, false).map(|line| format!("{name}, {row:?}: {line}")));
            if output.status.code() != Some(2) || output.stderr.is_empty() {
                wrong.push(format!(
                    "{name}, {row:?}: {}: {}",
                    output.status,
                    String::from_utf8_lossy(&shown)
                ));
            }
        }
    }
    assert!(
        wrong.is_empty(),
        "{} wrong:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
}
