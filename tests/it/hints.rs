//! What an output advises to type is accepted by the command that it is for.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::process::Command;

use crate::support::{dropsift, files};

/// Subcommands; without a name, the report.
const COMMANDS: [&str; 9] = [
    "", "rules", "diff", "simulate", "audit", "chain", "explain", "ports", "accept",
];

/// Returns the options of a subcommand, and the forms that its `-o` has.
fn options(command: &str) -> BTreeSet<String> {
    let args: Vec<&str> = [command, "--help"]
        .into_iter()
        .filter(|word| !word.is_empty())
        .collect();
    let output = Command::new(env!("CARGO_BIN_EXE_dropsift"))
        .args(args)
        .output()
        .unwrap();
    let help = String::from_utf8(output.stdout).unwrap();
    let is_part = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    let words = help
        .split(|c: char| !is_part(c))
        .filter(|word| word.starts_with('-') && word.len() > 1);
    let mut all: BTreeSet<String> = words.map(str::to_owned).collect();
    let forms = (help.split("--output <FORM>").nth(1))
        .and_then(|output| output.split("[possible values: ").nth(1))
        .and_then(|forms| forms.split(']').next());
    let forms = forms.into_iter().flat_map(|forms| forms.split(','));
    all.extend(forms.map(|form| format!("-o {}", form.trim())));
    all
}

/// Returns the options that a text advises to type, each with the subcommand that it is for.
fn advised(text: &str, own: &'static str) -> Vec<(&'static str, String)> {
    let mut found = Vec::new();
    // A command may take several lines.
    for line in text.replace("\\\n", " ").lines() {
        // Commands of others, lines of a log, and rules.
        let is_other = [
            "iptables",
            "journalctl",
            "HARVESTER_DROP",
            "kubectl",
            "--dport",
            "ss -l",
            "-m comment",
        ];
        if is_other.iter().any(|word| line.contains(word)) && !line.contains("dropsift") {
            continue;
        }
        let mut command = own;
        let words: Vec<&str> = line
            .split(|c: char| c.is_whitespace() || "`,;:.()*".contains(c))
            .collect();
        for (place, word) in words.iter().enumerate() {
            if *word == "dropsift" {
                let next = words.get(place + 1).copied().unwrap_or_default();
                command = (COMMANDS.into_iter().find(|known| *known == next)).unwrap_or_default();
            } else if ["iptables", "journalctl", "sh", "ss"].contains(word) {
                break;
            } else if *word == "-o" {
                let form = words.get(place + 1).copied().unwrap_or_default();
                found.push((command, format!("-o {form}")));
            } else if let Some(name) = word.strip_prefix("--")
                && name.starts_with(|c: char| c.is_ascii_lowercase())
            {
                let name: String = name
                    .chars()
                    .take_while(|c| c.is_ascii_lowercase() || *c == '-')
                    .collect();
                // Of a rule that a text quotes.
                if !["comment", "match-set", "dprt"].contains(&name.as_str()) {
                    found.push((command, format!("--{name}")));
                }
            } else if *word == "-v" {
                found.push((command, "-v".to_owned()));
            }
        }
    }
    found
}

fn check(
    name: &str,
    command: &'static str,
    text: &str,
    known: &BTreeMap<&str, BTreeSet<String>>,
    wrong: &mut Vec<String>,
) -> usize {
    let all = advised(text, command);
    for (command, option) in &all {
        if !known[command].contains(option) {
            wrong.push(format!("{name}: `dropsift {command}` has no {option}"));
        }
    }
    all.len()
}

#[test]
fn what_is_advised_is_accepted() {
    let known: BTreeMap<&str, BTreeSet<String>> = COMMANDS
        .into_iter()
        .map(|name| (name, options(name)))
        .collect();
    assert!(known["simulate"].contains("-o markdown") && !known["simulate"].contains("-o html"));
    let (mut wrong, mut number) = (Vec::new(), 0);
    for path in files("fixtures/cli") {
        let name = path.file_name().unwrap().to_str().unwrap();
        let folder = path.parent().unwrap();
        let words = fs::read_to_string(folder.join("cmd")).unwrap_or_default();
        // Documents, scripts and manuals are no advice.
        let is_text = !["json", "html", "cloudinit", "split-log"]
            .iter()
            .any(|form| words.contains(form));
        let is_output =
            name == "stderr" || name == "stdout" && is_text && !words.starts_with("rules");
        if !is_output {
            continue;
        }
        let first = words.lines().next().unwrap_or_default();
        let command = COMMANDS
            .into_iter()
            .find(|known| *known == first)
            .unwrap_or_default();
        let text = fs::read_to_string(&path).unwrap();
        number += check(
            &path.display().to_string(),
            command,
            &text,
            &known,
            &mut wrong,
        );
    }
    // Outputs that are cut.
    let folder = tempfile::tempdir().unwrap();
    let mut log = String::new();
    for node in 1..60 {
        for port in 50_000..50_016 {
            for peer in 0..5 {
                log.push_str(&format!(
                    "May 05 10:{:02}:{:02} node{node} kernel: HARVESTER_DROP_IN=mgmt-br OUT= MAC= SRC=10.1.0.{} DST=10.1.0.{node} LEN=60 \
                     TOS=0x00 PREC=0x00 TTL=64 ID=1 DF PROTO=TCP SPT=40000 DPT={port} WINDOW=64240 RES=0x00 SYN URGP=0 \n",
                    peer * 10 + port % 10,
                    node,
                    100 + peer * 20 + port % 16,
                ));
            }
        }
    }
    fs::write(folder.path().join("many.log"), log).unwrap();
    fs::write(folder.path().join("empty.log"), "").unwrap();
    let chain = "*filter\n:INPUT ACCEPT [0:0]\n:HARVESTER_INPUT - [0:0]\n-A INPUT -j HARVESTER_INPUT\n-A HARVESTER_INPUT -j DROP\nCOMMIT\n";
    fs::write(folder.path().join("chain"), chain).unwrap();
    for args in [
        &["many.log"][..],
        &["-o", "markdown", "many.log"],
        &["simulate", "--rules", "chain", "many.log"],
        &["simulate", "--rules", "chain", "-o", "markdown", "many.log"],
        &[
            "simulate",
            "--rules",
            "chain",
            "--with-suggested",
            "-o",
            "markdown",
            "many.log",
        ],
        &["diff", "empty.log", "many.log"],
        &["diff", "-o", "markdown", "empty.log", "many.log"],
        &["audit", "chain"],
        &["audit", "-o", "markdown", "chain"],
        &["ports"],
        &["explain", "list"],
    ] {
        let output = dropsift(
            folder.path(),
            &[
                args,
                if args[0] == "audit" || args[0] == "ports" || args[0] == "explain" {
                    &[]
                } else {
                    &["--year", "2026"]
                },
            ]
            .concat(),
        );
        let command = COMMANDS
            .into_iter()
            .find(|known| *known == args[0])
            .unwrap_or_default();
        let text = String::from_utf8_lossy(&output.stdout).into_owned()
            + &String::from_utf8_lossy(&output.stderr);
        if args.contains(&"markdown") && args[0] != "audit" {
            assert!(text.contains("*Cut here: "), "{args:?} is not cut");
        }
        number += check(&args.join(" "), command, &text, &known, &mut wrong);
    }
    assert!(number > 40, "{number}");
    wrong.sort();
    wrong.dedup();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
