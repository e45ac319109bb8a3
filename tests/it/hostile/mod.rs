//! Hostile text in every field, to every output: nothing of it may be raw, and no shell or YAML parser may read it as more
//! than text.
//!
//! A row of [`TEXTS`] is put in every field of the inputs that [`world`] makes; each row of [`RUNS`] is one output. What a
//! shell would run is asked of a shell (see [`shell`]), and may not depend on the text at all.
#![allow(clippy::unwrap_used, clippy::print_stderr, reason = "these are tests")]

mod refused;
mod runs;
mod shell;
mod terminal;
mod world;

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;

use runs::{Kind, RUNS, Run};
use world::World;

use crate::support::{markup, piped};

/// Texts that must not reach an output raw, each with its name: one row for each kind of attack.
const TEXTS: &[(&str, &[u8])] = &[
    (
        "terminal",
        "\x1b]0;owned\x07\u{9b}5;41m\u{85}\u{90}q\u{9c}\x1b[5;41mred\x08\x7f".as_bytes(),
    ),
    (
        "reading order",
        "\u{202e}gol\u{2066}lave\u{2069}\u{200f}\u{200b}\u{ad}\u{feff}\u{2060}\u{e0041}b".as_bytes(),
    ),
    (
        "no UTF-8",
        b"\xff\xfe\xc0\xaf\xed\xa0\x80\x9b5;41m\x85\x90q\x9c\0b\0\0",
    ),
    ("short", b"\x1b[5;7m\x07\0\x9b"),
    (
        "markup",
        b"</script><script>alert(1)</script><!--<img/src/onerror=x()>|a|b|\n#INJECTED\n```",
    ),
    (
        "shell",
        b"$(touch HACKED)`touch HACKED`${IFS};touch HACKED;#&&touch HACKED|touch HACKED >HACKED 2>&1 <HACKED &\\",
    ),
    ("quotes", b"\"'\"'\";touch HACKED;'\\\"\\'"),
    (
        "lines",
        "x\nINJECTED;touch HACKED\nINJECTED\r\nINJECTED\rINJECTED\u{2028}INJECTED\u{2029}INJECTED\u{b}\u{c}INJECTED"
            .as_bytes(),
    ),
    (
        "YAML",
        b"!!python/object:x.y &a *a {a: [b]} # : | > % @ - ? ,\n---\nINJECTED: true\n...\n",
    ),
    ("option", b"--rules=/etc/passwd"),
    (
        "escapes",
        b"%s%n%x{}{0}\\n\\x1b[31m\\u001b\",\"verdict\":\"INJECTED\",\"a\":\"#033[5m#012INJECTED",
    ),
    ("long", &[b'A'; 3000]),
    // At a wrap, the next line of a paragraph may start with text that looks like a command to paste.
    (
        "command",
        b"a iptables -F INPUT aa iptables -F INPUT aaa iptables -F INPUT aaaa iptables -F INPUT aaaaa iptables -F INPUT aaaaaa iptables -F INPUT aaaaaaa iptables -F INPUT aaaaaaaa iptables -F INPUT aaaaaaaaa iptables -F INPUT",
    ),
];

/// Harmless text in the place of the hostile one.
const TAME: &[u8] = b"harvester9";

fn dropsift(folder: &Path, args: &[impl AsRef<OsStr>], stdin: &[u8]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_dropsift"));
    command.args(args).current_dir(folder).env_clear();
    piped(&mut command, stdin)
}

/// The escapes that colours are made of.
const COLOURS: [&str; 7] = [
    "\x1b[0m", "\x1b[1m", "\x1b[2m", "\x1b[31m", "\x1b[32m", "\x1b[33m", "\x1b[34m",
];

/// Whether a character may steer a terminal or hide text, by its Unicode properties: Cc (C0, DEL, C1); bidirectional
/// controls (UAX 9); line separators; characters without width; annotations and tags.
fn steers(c: char) -> bool {
    const RANGES: [(char, char); 10] = [
        ('\u{61c}', '\u{61c}'),
        ('\u{200e}', '\u{200f}'),
        ('\u{202a}', '\u{202e}'),
        ('\u{2066}', '\u{2069}'),
        ('\u{2028}', '\u{2029}'),
        ('\u{200b}', '\u{200d}'),
        ('\u{2060}', '\u{2064}'),
        ('\u{feff}', '\u{feff}'),
        ('\u{fff9}', '\u{fffb}'),
        ('\u{e0000}', '\u{e007f}'),
    ];
    let within = |(first, last): &(char, char)| *first <= c && c <= *last;
    c.is_control() || c == '\u{ad}' || c == '\u{180e}' || RANGES.iter().any(within)
}

/// Returns a description of harmful bytes that go to a terminal, a file or a pipe.
fn raw(bytes: &[u8], coloured: bool) -> Option<String> {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return Some("it is no UTF-8".to_owned());
    };
    let mut plain = text.to_owned();
    if coloured {
        for colour in COLOURS {
            plain = plain.replace(colour, "");
        }
    }
    let mut lines = plain.lines();
    let bad = lines.find(|line| line.chars().any(steers) || is_injected(line));
    bad.map(|line| format!("{:?}", line.chars().take(400).collect::<String>()))
}

/// Whether the line begins with the text after a line end in a hostile text. In a table, which is two columns from the
/// left, a text may be broken anywhere.
fn is_injected(line: &str) -> bool {
    let text = line.trim_start_matches(['-', '#', '|', ' ']);
    text.starts_with("INJECTED") && line.find("INJECTED") != Some(2)
}

/// Adds the failures of one run.
fn check(run: &Run, output: &Output, wrong: &mut Vec<String>) {
    let coloured = run.args.contains(&"always");
    for (name, bytes) in [("stdout", &output.stdout), ("stderr", &output.stderr)] {
        if let Some(line) = raw(bytes, coloured && name == "stdout") {
            wrong.push(format!("raw on {name}: {line}"));
        }
    }
    if !output
        .status
        .code()
        .is_some_and(|code| run.exits.contains(&code))
    {
        wrong.push(format!(
            "it ends with {}: {}",
            output.status,
            String::from_utf8_lossy(&output.stderr)
        ));
    }
    let text = String::from_utf8_lossy(&output.stdout);
    let foreign = match run.kind {
        Kind::Html if !text.is_empty() => markup::foreign(&text),
        Kind::Markdown => markup::unwanted(&text),
        _ => Vec::new(),
    };
    wrong.extend(foreign);
    if run.is_json() {
        for line in output.stdout.split_inclusive(|b| *b == b'\n') {
            if serde_json::from_slice::<Value>(line).is_err() {
                wrong.push(format!("no JSON: {:?}", String::from_utf8_lossy(line)));
            }
        }
    }
}

/// Writes the pages of each text to `folder`, and those of the harmless one to `tame` below it.
pub(crate) fn write_pages(folder: &Path) {
    let tame = folder.join("tame");
    fs::create_dir(&tame).unwrap();
    let texts = TEXTS.iter().map(|(name, text)| (*name, *text, folder));
    for (name, text, folder) in texts.chain([("tame", TAME, tame.as_path())]) {
        let world = World::new(text);
        let pages = RUNS.iter().filter(|run| run.kind == Kind::Html);
        for (n, run) in pages.enumerate() {
            let page = world.run(run).stdout;
            if !page.is_empty() {
                fs::write(folder.join(format!("{name} {n}.html")), page).unwrap();
            }
        }
    }
}

#[test]
fn nothing_hostile_is_raw_in_any_output() {
    let tame = World::new(TAME);
    let wanted: Vec<Value> = RUNS.iter().map(|run| run.meaning(&tame.run(run))).collect();
    for (run, wanted) in RUNS.iter().zip(&wanted) {
        let mut wrong = Vec::new();
        check(run, &tame.run(run), &mut wrong);
        assert!(wrong.is_empty(), "{run:?} of tame text: {wrong:#?}");
        assert!(
            !run.means_something() || *wanted != Value::Null,
            "{run:?} means nothing"
        );
    }
    let mut all = Vec::new();
    for (name, text) in TEXTS {
        let world = World::new(text);
        for (run, wanted) in RUNS.iter().zip(&wanted) {
            let mut wrong = Vec::new();
            let output = world.run(run);
            check(run, &output, &mut wrong);
            let meaning = run.meaning(&output);
            if meaning != *wanted {
                wrong.push(format!("it means {meaning:#}, not {wanted:#}"));
            }
            all.extend(
                wrong
                    .iter()
                    .map(|wrong| format!("{name}, {:?}: {wrong}", run.args)),
            );
        }
    }
    assert!(all.is_empty(), "{} wrong:\n{}", all.len(), all.join("\n"));
    shell::others_agree();
}

#[test]
fn every_form_of_every_output_is_run() {
    let words: BTreeSet<&str> = RUNS
        .iter()
        .flat_map(|run| run.args.iter().copied())
        .collect();
    for renderer in dropsift::report::RENDERERS {
        assert!(
            renderer.code == "text" || words.contains(renderer.code),
            "{}",
            renderer.code
        );
    }
    for emitter in dropsift::rule::EMITTERS {
        assert!(words.contains(emitter.code), "{}", emitter.code);
    }
}
