//! Each folder of fixtures/audit is one fault, or the lack of one: its files, and the codes that are to be found.

// A test may unwrap, and says on stderr why it was skipped.
#![allow(clippy::unwrap_used, clippy::print_stderr)]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use dropsift::audit::{AuditFinding, CHECKS, Options, Severity, audit};
use dropsift::catalog::Role;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/audit")
}

struct Case {
    name: String,
    codes: Vec<String>,
    found: Vec<AuditFinding>,
    files: Vec<(String, String)>,
}

fn run(folder: &Path) -> Case {
    let mut files: Vec<(String, String)> = Vec::new();
    let mut paths: Vec<PathBuf> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    paths.sort();
    for path in paths.iter().filter(|path| !path.ends_with("expected")) {
        files.push((
            path.file_name().unwrap().to_string_lossy().into_owned(),
            fs::read_to_string(path).unwrap(),
        ));
    }
    let mut role = None;
    let mut options = Options::default();
    let mut codes = Vec::new();
    for line in fs::read_to_string(folder.join("expected")).unwrap().lines() {
        match line.split_once(": ") {
            _ if line.starts_with('#') => {}
            Some(("role", text)) => role = Role::parse(text),
            Some(("vlan", text)) => options.management_vlan = Some(text.parse().unwrap()),
            Some(("interface", text)) => options.interfaces.push(text.to_owned()),
            Some(("prefix", text)) => options.prefix = Some(text.to_owned()),
            Some(("addon", text)) => options.addons.push((text.to_owned(), true)),
            Some(("no_addon", text)) => options.addons.push((text.to_owned(), false)),
            _ => codes.push(line.to_owned()),
        }
    }
    let borrowed: Vec<(&str, &str)> = files
        .iter()
        .map(|(name, text)| (name.as_str(), text.as_str()))
        .collect();
    let found = audit(role.unwrap(), &borrowed, &options);
    let name = folder.file_name().unwrap().to_string_lossy().into_owned();
    Case {
        name,
        codes,
        found,
        files,
    }
}

fn cases() -> Vec<Case> {
    let mut folders: Vec<PathBuf> = fs::read_dir(root())
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    folders.sort();
    folders.iter().map(|folder| run(folder)).collect()
}

#[test]
fn every_seeded_fault_is_found_and_nothing_else() {
    let mut wrong = Vec::new();
    let cases = cases();
    for case in &cases {
        let found: BTreeSet<&str> = case.found.iter().map(|finding| finding.code).collect();
        let wanted: BTreeSet<&str> = case.codes.iter().map(String::as_str).collect();
        if found != wanted {
            wrong.push(format!(
                "{}: wanted {wanted:?}, found {:#?}",
                case.name, case.found
            ));
        }
        for finding in &case.found {
            let file = case.files.iter().find(|(name, _)| *name == finding.file);
            let lines = file.map_or(0, |(_, text)| text.lines().count());
            assert!(
                file.is_some() && finding.line <= lines,
                "{}: {finding:?}",
                case.name
            );
            assert!(
                !finding.text.is_empty() && !finding.mend.is_empty(),
                "{}: {finding:?}",
                case.name
            );
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(cases.iter().filter(|case| !case.codes.is_empty()).count() >= 40);
}

/// A finding names the line that was changed.
#[test]
fn findings_name_their_line() {
    let shows = |case: &str, code: &str, part: &str| {
        let case = run(&root().join(case));
        let finding = case
            .found
            .iter()
            .find(|finding| finding.code == code)
            .unwrap();
        let (_, text) = case
            .files
            .iter()
            .find(|(name, _)| *name == finding.file)
            .unwrap();
        let line = text.lines().nth(finding.line - 1).unwrap();
        assert!(line.contains(part), "{code}: {line}");
    };
    shows("accept-after-drop", "accept-after-drop", "--dport 9091");
    shows("missing-core-port", "missing-port", "-j LOG");
    shows("unquoted-colon", "unquoted-colon", "Port: SSH");
    shows("unquoted-hash", "unquoted-hash", "SSH #1");
    shows("command-refused", "command-refused", "--dport 22");
    shows(
        "attached-to-bond",
        "attached-wrong-interface",
        "-A INPUT -i mgmt-bo",
    );
    shows("selectors-overlap", "selectors-overlap", "witness");
    shows("filename-taken", "filename-taken", "filename:");
    shows("second-cloudinit", "foreign-chain", "--dport 9100");
    shows("log-prefix-unknown", "log-prefix-unknown", "FW_DROPPED_");
    shows("duplicate-rule", "duplicate-rule", "multiport");
}

#[test]
fn checks_have_codes_of_their_own_and_each_is_seeded() {
    let codes: BTreeSet<&str> = CHECKS.iter().map(|check| check.code).collect();
    assert_eq!(codes.len(), CHECKS.len());
    let seeded: BTreeSet<String> = cases().into_iter().flat_map(|case| case.codes).collect();
    let open: Vec<&&str> = codes
        .iter()
        // A chain that is long enough is made below.
        .filter(|code| !seeded.contains(**code) && **code != "too-many-rules")
        .collect();
    assert_eq!(open, [] as [&&str; 0], "no fixture has them");
    for check in CHECKS {
        assert!(
            !check.title.is_empty() && check.explain.ends_with('.'),
            "{}",
            check.code
        );
    }
}

/// A chain that would take minutes is not evaluated to the end, and the audit says so.
#[test]
fn a_chain_of_a_hundred_thousand_rules_ends() {
    let rule = |n: usize| {
        let (a, b, c) = (n >> 16 & 255, n >> 8 & 255, n & 255);
        format!(
            "-A HARVESTER_INPUT -s 10.{a}.{b}.{c}/32 -p tcp -m tcp --dport {} -j ACCEPT\n",
            n % 60_000
        )
    };
    let rules: String = (0..100_000).map(rule).collect();
    let text = format!(
        "*filter\n:INPUT ACCEPT [0:0]\n:HARVESTER_INPUT - [0:0]\n-A INPUT -i mgmt-br -j HARVESTER_INPUT\n{rules}-A HARVESTER_INPUT -j DROP\nCOMMIT\n"
    );
    let start = std::time::Instant::now();
    let found = audit(Role::Worker, &[("x", &text)], &Options::default());
    assert!(found.iter().any(|finding| finding.code == "too-many-rules"));
    assert!(start.elapsed().as_secs() < 60, "{:?}", start.elapsed());
}

/// Reasonable chains have neither errors nor warnings.
#[test]
fn reasonable_chains_are_clean() {
    let cases = cases();
    let reasonable = cases
        .iter()
        .filter(|case| case.name.starts_with("reasonable-"));
    let open: Vec<String> = (reasonable.clone())
        .flat_map(|case| case.found.iter().map(move |found| (case, found)))
        .filter(|(_, found)| found.severity != Severity::Note)
        .map(|(case, found)| format!("{}: {found:?}", case.name))
        .collect();
    assert!(open.is_empty(), "{}", open.join("\n"));
    assert!(reasonable.count() >= 40);
}

/// The documentation's commands, run by the real iptables, then printed by it: nothing is wrong with that.
#[test]
fn the_pages_chain_on_a_real_kernel_is_clean() {
    let name = format!("dsaudit-{}", std::process::id());
    let ip = |words: &[&str]| {
        Command::new("ip")
            .args(words)
            .output()
            .ok()
            .filter(|out| out.status.success())
    };
    if ip(&["netns", "add", &name]).is_none() {
        eprintln!(
            "skipped the_pages_chain_on_a_real_kernel_is_clean: no network namespace (not root?)"
        );
        return;
    }
    let mut printed = Vec::new();
    for role in Role::ALL {
        let file = root().join(format!("clean-page-{role}/91-iptables-{role}.yaml"));
        for resource in dropsift::cloudinit::read(&fs::read_to_string(file).unwrap()).unwrap() {
            for command in &resource.commands {
                ip(&["netns", "exec", &name, "sh", "-c", &command.text]);
            }
        }
        for form in [
            &["iptables-save"][..],
            &["iptables", "-S"],
            &["iptables", "-nvxL"],
            &["iptables", "-L", "-v", "-n", "--line-numbers"],
        ] {
            let out = ip(&[&["netns", "exec", name.as_str()], form].concat());
            let text = out
                .map(|out| String::from_utf8(out.stdout).unwrap())
                .unwrap_or_default();
            printed.push((role, form.join(" "), text));
        }
    }
    ip(&["netns", "delete", &name]);
    for (role, form, text) in printed {
        if !text.contains("HARVESTER_INPUT") {
            eprintln!("skipped {form}: no iptables");
            continue;
        }
        let found = audit(role, &[("node", &text)], &Options::default());
        let open: Vec<_> = found
            .iter()
            .filter(|finding| finding.severity != Severity::Note)
            .collect();
        assert!(open.is_empty(), "{role}, {form}: {open:?}");
        let codes: Vec<_> = found.iter().map(|finding| finding.code).collect();
        assert_eq!(
            codes,
            if role == Role::ControlPlane {
                vec!["known-gap"]
            } else {
                vec![]
            },
            "{role}, {form}"
        );
    }
}
