//! Every command that README.md, docs/ and the help show is run in a folder with the files that it names, and its output
//! is compared with the documented one.
//!
//! `UPDATE=1 cargo test --test it commands` updates the report of README.md.

use std::collections::BTreeSet;
use std::fmt::Write;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::bundles::bundle;
use crate::support::{has, pack};

const ROOT: &str = env!("CARGO_MANIFEST_DIR");

/// Stand-ins for other programs that the commands name: they print the output of a cluster's machine, from the capture.
const PROGRAMS: &[(&str, &str)] = &[
    // The commands of ssh run here.
    ("ssh", "shift; eval \"$*\""),
    ("sudo", "exec \"$@\""),
    ("scp", ""),
    ("install", ""),
    ("cargo", ""),
    ("man", "cat"),
    (
        "journalctl",
        "case \"$*\" in\n*json*) cat kernel.json ;;\n*cat*) sed 's/.*kernel: //' kernel.log ;;\n*) cat kernel.log ;;\nesac",
    ),
    ("iptables-save", "cat running.save"),
    // Recorded objects, for what the cluster has; another kind is refused as the API server does.
    (
        "kubectl",
        "case \"$*\" in\n\
         'get nodes -o yaml') cat fixtures/cluster/nodes.yaml ;;\n\
         'get nodes -o json') cat fixtures/cluster/nodes.json ;;\n\
         'get nodes,cloudinits.node.harvesterhci.io,addons.harvesterhci.io,upgrades.harvesterhci.io -A -o yaml') \
         cat fixtures/cluster/set-a.yaml ;;\n\
         *) echo \"error: the server doesn't have a resource type in '$*'\" >&2; exit 1 ;;\nesac",
    ),
];

/// A folder that has the files and programs that the commands name.
struct Place {
    folder: tempfile::TempDir,
}

impl Place {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        let fixture = |name: &str| fs::read(Path::new(ROOT).join("fixtures").join(name)).unwrap();
        let log = fixture("set-a/limited.log");
        fs::create_dir_all(at("bin")).unwrap();
        fs::create_dir_all(at(".local/share/bash-completion/completions")).unwrap();
        for name in ["kernel.log", "before.log", "after.log"] {
            fs::write(at(name), &log).unwrap();
        }
        fs::write(
            at("dropsift.toml"),
            "[cluster]\nrole = \"control-plane\"\n\n",
        )
        .unwrap();
        fs::write(
            at("kernel.json"),
            journal(&String::from_utf8(log.clone()).unwrap()),
        )
        .unwrap();
        for name in ["chain.txt", "running.save"] {
            fs::write(at(name), fixture("cli/report/in-force-text/chain.save")).unwrap();
        }
        let worker = fixture("cli/rules/patch-whole/91-iptables-worker.yaml");
        fs::write(at("91-iptables-worker.yaml"), worker).unwrap();
        // Before a page saves them anew.
        fs::write(at("cluster.yaml"), fixture("cluster/set-a.yaml")).unwrap();
        fs::create_dir_all(at("harvester1-root/etc")).unwrap();
        fs::write(at("harvester1-root/etc/hostname"), "harvester1\n").unwrap();
        if let Some(packed) = pack(&["gzip -c"], &log) {
            fs::write(at("kernel.log.gz"), packed).unwrap();
        }
        let programs = PROGRAMS.iter().copied();
        let jq = (!has("jq")).then_some(("jq", "cat"));
        for (name, script) in programs.chain(jq) {
            let path = at("bin").join(name);
            fs::write(&path, format!("#!/bin/sh\n{script}\n")).unwrap();
            fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        }
        std::os::unix::fs::symlink(Path::new(ROOT).join("fixtures"), at("fixtures")).unwrap();
        std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_dropsift"), at("bin/dropsift")).unwrap();
        Self { folder }
    }

    /// Runs a command as a user would type it; its code, stdout and stderr.
    fn run(&self, command: &str) -> (i32, String, String) {
        let path = self.folder.path();
        let output = Command::new("bash")
            .args(["-c", command])
            .current_dir(path)
            .env_clear()
            .env("PATH", format!("{}/bin:/usr/bin:/bin", path.display()))
            .env("HOME", path)
            .stdin(fs::File::open("/dev/null").unwrap())
            .output()
            .unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        let code = output.status.code().unwrap_or(-1);
        (code, text(output.stdout), text(output.stderr))
    }
}

/// Returns the lines of a log as `journalctl -o json` writes them.
fn journal(log: &str) -> String {
    let mut text = String::new();
    for (at, line) in log.lines().enumerate() {
        let (head, message) = line.split_once(" kernel: ").unwrap();
        let host = head.rsplit(' ').next().unwrap();
        let micros = 1_776_852_000_000_000 + at as u64 * 1_000_000;
        writeln!(
            text,
            "{{\"_TRANSPORT\":\"kernel\",\"_HOSTNAME\":\"{host}\",\"__REALTIME_TIMESTAMP\":\"{micros}\",\"MESSAGE\":\"{message}\"}}"
        )
        .unwrap();
    }
    text
}

/// A command, and the output that stands beside it.
struct Shown {
    command: String,
    output: Option<String>,
}

/// Returns the commands of the code blocks of a page.
fn blocks(page: &str) -> Vec<Shown> {
    let mut shown = Vec::new();
    for (at, part) in page.split("\n```").enumerate() {
        // Text between two fences is code.
        match part.split_once('\n') {
            Some(("sh", code)) if at % 2 == 1 => shown.extend(lines(code)),
            Some(("console", code)) if at % 2 == 1 => {
                for session in format!("\n{code}").split("\n$ ").skip(1) {
                    let (command, output) = session.split_once('\n').unwrap_or((session, ""));
                    shown.push(Shown {
                        command: command.to_owned(),
                        output: Some(output.to_owned()),
                    });
                }
            }
            _ => {}
        }
    }
    shown
}

/// Returns the commands of lines, with those that go on behind `\`.
fn lines(code: &str) -> Vec<Shown> {
    let whole = code.replace("\\\n", "\u{0}");
    let commands = whole.lines().map(str::trim);
    commands
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
        .map(|line| Shown {
            command: line.replace('\u{0}', "\\\n"),
            output: None,
        })
        .collect()
}

/// Returns the commands in the text of a page, without those that have a word to be replaced.
fn inline(page: &str) -> Vec<Shown> {
    let prose: String = page.split("\n```").step_by(2).collect();
    let codes = prose.split('`').skip(1).step_by(2);
    let is_whole = |code: &&str| {
        let mut words = code.split_whitespace();
        let placeholder = |word: &str| {
            word.contains('…')
                || word
                    .trim_matches(['\'', '[', ']'])
                    .chars()
                    .all(|c| c.is_ascii_uppercase())
        };
        code.contains("dropsift ") && !code.contains('\n') && !words.any(placeholder)
    };
    codes
        .filter(is_whole)
        .map(|code| Shown {
            command: code.to_owned(),
            output: None,
        })
        .collect()
}

/// `text` without spaces at the ends of its lines.
fn trimmed(text: &str) -> String {
    let lines: Vec<&str> = text.trim_end().lines().map(str::trim_end).collect();
    lines.join("\n")
}

fn page(name: &str) -> String {
    fs::read_to_string(Path::new(ROOT).join(name)).unwrap()
}

fn pages() -> Vec<PathBuf> {
    let docs = fs::read_dir(Path::new(ROOT).join("docs")).unwrap();
    let docs = docs.map(|entry| entry.unwrap().path());
    let mut pages: Vec<PathBuf> = docs
        .filter(|path| path.extension().is_some_and(|end| end == "md"))
        // Its commands measure for minutes.
        .filter(|path| !path.ends_with("performance.md"))
        // Its commands run on a node of their own, in tests/it/docs/screens.rs.
        .filter(|path| !path.ends_with("walk-through.md"))
        .collect();
    pages.push(Path::new(ROOT).join("README.md"));
    pages.sort();
    pages
}

#[test]
fn what_is_shown_runs() {
    let place = Place::new();
    let bundles = bundle(place.folder.path(), true);
    let mut shown: Vec<(String, Shown)> = Vec::new();
    for path in pages() {
        let text = fs::read_to_string(&path).unwrap();
        let name = path.strip_prefix(ROOT).unwrap().display().to_string();
        let both = blocks(&text).into_iter().chain(inline(&text));
        shown.extend(both.map(|command| (name.clone(), command)));
    }
    let brief = place.run("dropsift -h").1;
    let names = brief
        .split_once("Commands: ")
        .unwrap()
        .1
        .split_once("\n\n")
        .unwrap()
        .0
        .to_owned();
    for name in names.replace('\n', " ").split(", ").chain([""]) {
        let (_, help, _) = place.run(&format!("dropsift {name} --help"));
        let (_, rest) = help
            .split_once("Examples:\n")
            .unwrap_or_else(|| panic!("{name} has no example"));
        let (examples, _) = rest.split_once("\n\nUsage:").unwrap();
        shown.extend(
            lines(examples)
                .into_iter()
                .map(|command| (format!("{name} --help"), command)),
        );
    }
    let (_, page, _) = place.run("dropsift man");
    assert!(page.contains("EXAMPLES"));
    let mut wrong = String::new();
    let mut seen = BTreeSet::new();
    for (from, one) in &shown {
        let name = "supportbundle_0e1f_2026-05-05T06-30-00Z.zip";
        let is_bundle = one.command.contains("supportbundle");
        let command = match &bundles {
            Some(path) if is_bundle => (one.command.replace(name, "supportbundle.zip"))
                .replace("supportbundle.zip", &path.display().to_string()),
            None if is_bundle => continue,
            _ => one.command.clone(),
        };
        let (code, out, err) = place.run(&command);
        let complains = err
            .lines()
            .any(|line| line.starts_with("dropsift: ") && !line.contains(": reading "));
        // A machine without a journal has none to read.
        let has_journal = !err.contains("the local journal");
        if has_journal && (!matches!(code, 0 | 1) || complains) {
            writeln!(wrong, "{from}: {command}\n  exits with {code}\n{err}").unwrap();
        }
        if let Some(output) = &one.output
            && from != "README.md"
            && trimmed(&out) != trimmed(output)
        {
            writeln!(wrong, "{from}: {command} prints something else now:\n{out}").unwrap();
        }
        seen.insert(command);
    }
    assert!(wrong.is_empty(), "{wrong}");
    assert!(seen.len() > 40, "only {} commands were found", seen.len());
}

#[test]
fn the_readme_shows_the_report() {
    const COMMAND: &str = "dropsift --role control-plane --role harvester3=worker --year 2026 fixtures/set-a/limited.log | head -12";
    let (code, out, _) = Place::new().run(COMMAND);
    assert_eq!(code, 0);
    let block = format!("```console\n$ {COMMAND}\n{out}```\n");
    let is = page("README.md");
    let (begin, end) = ("<!-- report: generated -->\n", "<!-- report: end -->\n");
    let (before, rest) = is.split_once(begin).unwrap();
    let (_, after) = rest.split_once(end).unwrap();
    let wanted = format!("{before}{begin}{block}{end}{after}");
    if std::env::var_os("UPDATE").is_some() {
        fs::write(Path::new(ROOT).join("README.md"), &wanted).unwrap();
        return;
    }
    assert!(
        is == wanted,
        "README.md shows another report; run `UPDATE=1 cargo test --test it commands` and review the difference"
    );
}
