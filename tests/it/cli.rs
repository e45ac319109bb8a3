//! Command line: accepted and refused arguments, and the texts of refusals. The cases are in fixtures/cli/.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use serde::Deserialize;

/// A row of a table.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    name: String,
    /// Arguments as a shell splits them, without the program.
    args: String,
    /// Text on stdin; empty if absent.
    #[serde(default)]
    stdin: String,
    code: i32,
    /// Texts that stderr must contain.
    #[serde(default)]
    says: Vec<String>,
    /// Texts that stdout must contain.
    #[serde(default)]
    prints: Vec<String>,
    /// Texts that neither may contain.
    #[serde(default)]
    never: Vec<String>,
}

#[derive(Debug, Deserialize)]
struct Table {
    case: Vec<Case>,
}

/// Runs a case. Returns its failures.
fn run(case: &Case, folder: &Path) -> Vec<String> {
    let input = folder.join("stdin");
    fs::write(&input, &case.stdin).unwrap();
    let output = Command::new("bash")
        .args(["-c", &format!("exec \"$0\" {}", case.args)])
        .arg(env!("CARGO_BIN_EXE_dropsift"))
        .current_dir(folder)
        .env_clear()
        .stdin(Stdio::from(fs::File::open(&input).unwrap()))
        .output()
        .unwrap();
    let (out, err) = (
        String::from_utf8(output.stdout).unwrap(),
        String::from_utf8(output.stderr).unwrap(),
    );
    let mut wrong = Vec::new();
    let code = output.status.code().unwrap();
    if code != case.code {
        wrong.push(format!("exits with {code}, not {}", case.code));
    }
    for (text, name, wanted) in [(&err, "stderr", &case.says), (&out, "stdout", &case.prints)] {
        let absent = wanted.iter().filter(|part| !text.contains(part.as_str()));
        wrong.extend(absent.map(|part| format!("{name} lacks `{part}`:\n{text}")));
    }
    let both = format!("{out}{err}");
    let there = case
        .never
        .iter()
        .filter(|part| both.contains(part.as_str()));
    wrong.extend(there.map(|part| format!("says `{part}`:\n{both}")));
    // Usage is refused in one line of one style, and nothing else is said.
    let is_refusal = code == 2 && err.lines().count() == 1;
    if code == 2
        && case.prints.is_empty()
        && (!is_refusal || !err.starts_with("dropsift: ") || !out.is_empty())
    {
        wrong.push(format!("is no refusal in one line:\n{err}{out}"));
    }
    wrong
}

#[test]
fn every_case_is_answered() {
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/cli");
    let folder = tempfile::tempdir().unwrap();
    for file in ["in.log", "three-days.log", "chain.save"] {
        fs::copy(fixtures.join(file), folder.path().join(file)).unwrap();
    }
    let mut wrong = Vec::new();
    let mut count = 0;
    for entry in fs::read_dir(&fixtures).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|end| end != "toml") {
            continue;
        }
        let table: Table = toml::from_str(&fs::read_to_string(&path).unwrap()).unwrap();
        for case in &table.case {
            count += 1;
            let faults = run(case, folder.path());
            wrong.extend(
                faults
                    .iter()
                    .map(|fault| format!("{}: {} {fault}", case.name, case.args)),
            );
        }
    }
    assert!(count > 50, "only {count} cases were found");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_version_has_the_commit_and_the_release_of_the_ports() {
    let output = Command::new(env!("CARGO_BIN_EXE_dropsift"))
        .arg("--version")
        .output()
        .unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(
        said.starts_with(&format!("dropsift {}", env!("CARGO_PKG_VERSION"))),
        "{said}"
    );
    assert!(said.contains("Harvester v1.9"), "{said}");
    let git = Command::new("git")
        .args([
            "-C",
            env!("CARGO_MANIFEST_DIR"),
            "rev-parse",
            "--show-toplevel",
        ])
        .output();
    let is_checkout = git.is_ok_and(|git| {
        git.stdout
            .starts_with(env!("CARGO_MANIFEST_DIR").as_bytes())
    });
    assert_eq!(said.contains("commit "), is_checkout, "{said}");
}

#[test]
fn manual_pages_and_completions_are_whole() {
    let run = |words: &[&str]| {
        let output = Command::new(env!("CARGO_BIN_EXE_dropsift"))
            .args(words)
            .output()
            .unwrap();
        assert!(output.status.success(), "{words:?}");
        String::from_utf8(output.stdout).unwrap()
    };
    let main = run(&["man"]);
    for section in [
        "SYNOPSIS",
        "OPTIONS",
        "EXIT STATUS",
        "ENVIRONMENT",
        "FILES",
        "EXAMPLES",
        "SEE ALSO",
    ] {
        assert!(main.contains(section), "the page lacks {section}");
    }
    for name in [
        "rules",
        "chain",
        "simulate",
        "audit",
        "explain",
        "ports",
        "schema",
        "completions",
        "man",
    ] {
        assert!(
            run(&["man", name]).contains(&format!("dropsift\\-{name}")),
            "{name}"
        );
    }
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let script = run(&["completions", shell]);
        let wanted: &[&str] = match shell {
            "powershell" | "elvish" => &["audit", "upgrade"],
            _ => &[
                "witness",
                "conntrack-loss",
                "rancher-monitoring",
                "missing-rule",
                "audit",
            ],
        };
        for word in wanted {
            assert!(script.contains(word), "completions of {shell} lack {word}");
        }
    }
}
