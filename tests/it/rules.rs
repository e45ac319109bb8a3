//! Rules with the chain in force: patches keep every other byte, scripts run on a real kernel, no order of lines matters.
#![allow(clippy::unwrap_used, clippy::print_stderr, reason = "these are tests")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use dropsift::analyze::Analysis;
use dropsift::catalog::Role;
use dropsift::chain::{self, Family, HARVESTER, cloudinit};
use dropsift::input::Prefixes;
use dropsift::input::event::ClusterFact;
use dropsift::input::event::LogEvent;
use dropsift::input::reader::Reader;
use dropsift::report::Report;
use dropsift::rule::{AcceptRule, CloudInitFile, EMITTERS, Offer, Scope, Split};
use dropsift::site::Site;
use dropsift::time::{Reading, parse_rfc3339};

fn fixture(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("fixtures")
        .join(path)
}

fn line(host: &str, src: &str, proto: &str, dpt: u16, second: u32) -> String {
    let rest = if proto == "TCP" {
        "WINDOW=64240 RES=0x00 SYN URGP=0"
    } else {
        "LEN=40"
    };
    format!(
        "Apr 22 10:{:02}:{:02} {host} kernel: HARVESTER_DROP_IN=mgmt-br OUT= MAC= SRC={src} DST=192.168.122.61 LEN=60 TOS=0x00 \
         PREC=0x00 TTL=64 ID=1 DF PROTO={proto} SPT={} DPT={dpt} {rest}\n",
        second / 60,
        second % 60,
        40_000 + second
    )
}

fn analysis(site: Site) -> Analysis {
    Analysis::new(site, Scope::Documented)
}

fn report(mut analysis: Analysis, log: &str) -> Report {
    let reading = Reading {
        year: Some(2026),
        reference: parse_rfc3339("2026-12-31T00:00:00Z").unwrap(),
        offset: 0,
    };
    let mut scanner = Reader::new(Prefixes::documented(), reading);
    scanner.push(log.as_bytes(), &mut |item| analysis.push(item));
    scanner.finish(&mut |item| analysis.push(item));
    analysis.report(None)
}

fn site(role: Role, rules: Option<&str>) -> Site {
    let mut site = Site {
        default_role: role,
        ..Site::default()
    };
    if let Some(rules) = rules {
        site.in_force.tell(None, "rules", rules).unwrap();
    }
    site
}

/// What a node of the role lacks where its chain accepts nothing: a documented port, and two that nobody lists.
fn rules(role: Role, in_force: Option<&str>) -> Vec<AcceptRule> {
    let mut log = String::new();
    for (at, port) in [(0, 9091), (10, 10250), (20, 22)] {
        log += &line("harvester1", "192.168.122.62", "TCP", port, at);
    }
    log += &line("harvester1", "192.168.122.62", "UDP", 8472, 30);
    for at in [40, 300] {
        log += &line("harvester1", "192.168.122.63", "TCP", 12_345, at);
    }
    report(analysis(site(role, in_force)), &log).rules
}

fn emitted(form: &str, rules: &[AcceptRule], splits: &[Split]) -> String {
    let emitter = EMITTERS
        .iter()
        .find(|emitter| emitter.code == form)
        .unwrap();
    let offer = Offer {
        rules,
        splits,
        file: None,
        diff: false,
    };
    let mut out = Vec::new();
    (emitter.emit)(&offer, &mut out).unwrap();
    String::from_utf8(out).unwrap()
}

/// The page's file of a role without some of its rules.
fn page(role: Role) -> String {
    let path = fixture(&format!("audit/clean-page-{role}/91-iptables-{role}.yaml"));
    let text = fs::read_to_string(path).unwrap();
    let gone = [
        "--dport 9091",
        "--dport 10250",
        "--dport 8472",
        "--dport 22 ",
    ];
    text.split_inclusive('\n')
        .filter(|line| !gone.iter().any(|part| line.contains(part)))
        .collect()
}

/// Whether `new` is `old` with lines put in; gives back those.
fn added<'a>(old: &str, new: &'a str) -> Vec<&'a str> {
    let mut old = old.split_inclusive('\n').peekable();
    let mut more = Vec::new();
    for line in new.split_inclusive('\n') {
        if old.peek() == Some(&line) {
            old.next();
        } else {
            more.push(line);
        }
    }
    assert_eq!(old.next(), None, "a line is gone:\n{new}");
    more
}

fn patched(text: &str, role: Role, rules: &[AcceptRule]) -> Result<String, String> {
    let file = CloudInitFile {
        name: "file.yaml",
        text,
        role,
    };
    let patched = file.patched(rules).map_err(|why| why.to_string())?;
    assert_eq!(
        patched.text.lines().count() - text.lines().count(),
        patched.added
    );
    Ok(patched.text)
}

#[test]
fn a_patch_adds_lines_and_keeps_every_other_byte() {
    for role in Role::ALL {
        let (text, rules) = (page(role), rules(role, None));
        let crlf = text.replace('\n', "\r\n");
        let tabs = text.replace("            - iptables", "            -   iptables");
        let quoted: String = text
            .split_inclusive('\n')
            .map(
                |line| match line.split_once("- iptables -A HARVESTER_INPUT -m limit") {
                    Some((spaces, rest)) => {
                        format!(
                            "{spaces}- 'iptables -A HARVESTER_INPUT -m limit{}'\n",
                            rest.trim_end()
                        )
                    }
                    None => line.to_owned(),
                },
            )
            .collect();
        let folded = text.replace("contents: |\n", "contents: >\n");
        let kept = text.replace("contents: |\n", "contents: |+ # kept\n");
        let commented = text.replace(
            "            - iptables -A HARVESTER_INPUT -m limit",
            "            # Log and drop everything else\n            - iptables -A HARVESTER_INPUT -m limit",
        );
        let last = text.trim_end().to_owned();
        for (name, old) in [
            ("as the page has it", &text),
            ("CRLF", &crlf),
            ("wide dashes", &tabs),
            ("quoted", &quoted),
            ("folded", &folded),
            ("kept ends", &kept),
            ("a comment above LOG", &commented),
            ("no end of line", &last),
        ] {
            let new =
                patched(old, role, &rules).unwrap_or_else(|why| panic!("{role}, {name}: {why}"));
            let more = added(old, &new);
            assert_eq!(more.len(), 5, "{role}, {name}: {more:?}");
            let end = if name == "CRLF" { "\r\n" } else { "\n" };
            assert!(
                more.iter().all(|line| line.ends_with(end)),
                "{name}: {more:?}"
            );
            assert_eq!(
                more.iter()
                    .filter(|line| line.trim().starts_with('#'))
                    .count(),
                1
            );
            // YAML, and the rules stand before LOG.
            let resource = &cloudinit::read(&new).unwrap()[0];
            assert!(resource.faults.is_empty() && resource.not_text.is_empty());
            let set = chain::boot(std::slice::from_ref(resource), |_| true);
            assert!(set.faults.is_empty(), "{:?}", set.faults);
            let firewall = set.chain(Family::V4, HARVESTER).unwrap();
            for rule in rules.iter().take(4) {
                assert!(firewall.live_copy(&rule.meaning().unwrap()).is_some());
            }
            // A second run adds nothing.
            assert_eq!(patched(&new, role, &rules).unwrap(), new, "{role}, {name}");
        }
    }
}

#[test]
fn a_patch_goes_into_the_stages_file_and_into_blocks_of_shell() {
    let rules = rules(Role::Worker, None);
    let oem = "stages:\n  boot:\n  - name: x\n    commands:\n    - |\n      iptables -N HARVESTER_INPUT\n      # LOG\n      iptables -A HARVESTER_INPUT -j LOG --log-prefix HARVESTER_DROP_\n      iptables -A HARVESTER_INPUT -j DROP\n";
    let new = patched(oem, Role::Worker, &rules).unwrap();
    assert_eq!(added(oem, &new).len(), 5, "{new}");
    assert!(
        new.contains("INPUT\n      iptables -A HARVESTER_INPUT -p tcp --dport 22 "),
        "{new}"
    );
    // Rules of another role have no place in it.
    assert_eq!(patched(oem, Role::Witness, &rules).unwrap(), oem);
}

#[test]
fn what_cannot_be_patched_is_refused_and_says_what_to_do() {
    let rules = rules(Role::Worker, None);
    let flow = "stages: {boot: [{commands: [iptables -N HARVESTER_INPUT, iptables -A HARVESTER_INPUT -j LOG, iptables -A HARVESTER_INPUT -j DROP]}]}\n";
    let quoted = "kind: CloudInit\nmetadata: {name: x}\nspec:\n  matchSelector: {}\n  filename: x.yaml\n  contents: \"stages:\\n  boot:\\n  - commands:\\n    - iptables -N HARVESTER_INPUT\\n    - iptables -A HARVESTER_INPUT -j LOG\\n    - iptables -A HARVESTER_INPUT -j DROP\\n\"\n";
    let joined = "stages:\n  boot:\n  - commands:\n    - |\n      iptables -N HARVESTER_INPUT && \\\n      iptables -A HARVESTER_INPUT -j LOG && \\\n      iptables -A HARVESTER_INPUT -j DROP\n";
    let one = "stages:\n  boot:\n  - commands:\n    - iptables -N HARVESTER_INPUT && iptables -A HARVESTER_INPUT -j LOG && iptables -A HARVESTER_INPUT -j DROP\n";
    for text in [flow, quoted, joined, one] {
        let why = patched(text, Role::Worker, &rules).unwrap_err();
        assert!(why.contains("put the lines in by hand"), "{why}");
    }
    for text in ["", "kind: Node\n", "a: [", "\u{0}", "stages:\n  boot: []\n"] {
        assert!(patched(text, Role::Worker, &rules).is_err(), "{text:?}");
    }
}

/// Cut and garbled files are refused or patched, and nothing panics.
#[test]
fn no_broken_file_stops_a_patch_with_a_panic() {
    let rules = rules(Role::Worker, None);
    let text = page(Role::Worker);
    for cut in (0..text.len())
        .step_by(61)
        .filter(|cut| text.is_char_boundary(*cut))
    {
        let _ = patched(&text[..cut], Role::Worker, &rules);
        let mut garbled = text.clone();
        garbled.insert_str(cut, ["\n", "- ", "|", "\"", "\r"][cut % 5]);
        if let Ok(new) = patched(&garbled, Role::Worker, &rules) {
            added(&garbled, &new);
        }
    }
}

/// Every script is one for `sh`, and nothing of a hostile log is in its commands.
#[test]
fn scripts_are_shell_and_hostile_names_stay_comments() {
    let mut log = String::new();
    for host in ["$(reboot)", "a\u{1b}[31mb", "x;halt", "`id`"] {
        log += &line(host, "192.168.122.62", "TCP", 22, 0);
        log += &line(host, "192.168.122.62", "TCP", 12_345, 10);
        log += &line(host, "192.168.122.62", "TCP", 12_345, 400);
    }
    let chain = fs::read_to_string(fixture("in-force-text/chain.save")).unwrap();
    for rules_text in [None, Some(chain.as_str())] {
        let report = report(analysis(site(Role::Worker, rules_text)), &log);
        let splits: Vec<Split> = [Family::V4, Family::V6]
            .into_iter()
            .filter_map(|f| Split::new("$(x)\n", f, None))
            .collect();
        for form in ["iptables", "cloudinit", "split-log"] {
            let text = emitted(form, &report.rules, &splits);
            for line in text.lines().filter(|line| !line.starts_with('#')) {
                assert!(!line.contains("reboot") && !line.contains("halt"), "{line}");
            }
            if form != "cloudinit" {
                let file = tempfile::NamedTempFile::new().unwrap();
                fs::write(file.path(), &text).unwrap();
                let status = Command::new("sh")
                    .arg("-n")
                    .arg(file.path())
                    .status()
                    .unwrap();
                assert!(status.success(), "{text}");
            } else {
                chain::yaml::read(&text).unwrap();
            }
        }
    }
}

/// The chain in force is judged line by line, and no order of lines or logs matters.
#[test]
fn fates_do_not_depend_on_order() {
    let chain = fs::read_to_string(fixture("in-force-text/chain.save")).unwrap();
    let mut lines: Vec<String> = Vec::new();
    for at in 0..60 {
        let port = [2112, 9796, 5900, 31_000, 22][at as usize % 5];
        let src = format!("192.168.122.{}", 62 + at % 3);
        lines.push(line("harvester1", &src, "TCP", port, at * 7));
    }
    let fates = |log: &str| -> Vec<_> {
        let report = report(analysis(site(Role::ControlPlane, Some(&chain))), log);
        let told = |f: &dropsift::finding::Finding| (f.id.clone(), f.cause.code, f.fates.clone());
        report.findings.iter().map(told).collect()
    };
    let forward = fates(&lines.concat());
    lines.reverse();
    let backward = fates(&lines.concat());
    assert_eq!(forward, backward);
    assert!(
        forward
            .iter()
            .any(|(_, cause, _)| *cause == "already-allowed")
    );
}

/// What a bundle tells counts as long as the user tells nothing of that node.
#[test]
fn the_files_of_a_bundle_are_the_chain_in_force() {
    let path = fixture("audit/clean-page-worker/91-iptables-worker.yaml");
    let resource = fs::read_to_string(path).unwrap();
    let (_, contents) = resource.split_once("contents: |\n").unwrap();
    let contents = contents.split_once("  paused").unwrap().0;
    let log = line("harvester1", "192.168.122.62", "TCP", 10_660, 0);
    let fact = || ClusterFact::Rules {
        node: "harvester1".to_owned(),
        name: "91-iptables-worker.yaml".to_owned(),
        text: contents.to_owned(),
    };
    let cause = |told: Option<&str>| {
        let mut analysis = analysis(site(Role::Worker, told));
        analysis.push(LogEvent::Learned(fact()));
        report(analysis, &log).findings[0].cause.code
    };
    assert_eq!(cause(None), "already-allowed");
    let empty = "-N HARVESTER_INPUT\n-A HARVESTER_INPUT -j LOG\n-A HARVESTER_INPUT -j DROP\n";
    assert_eq!(cause(Some(empty)), "documented-port");
}

/// A CloudInit that picks a node by its name is that node's.
#[test]
fn a_selector_by_hostname_is_for_one_node() {
    let one = |host: &str, port: u16| {
        format!(
            "---\nkind: CloudInit\nmetadata: {{name: {host}}}\nspec:\n  matchSelector:\n    kubernetes.io/hostname: {host}\n  filename: {host}.yaml\n  contents: |\n    stages:\n      boot:\n      - commands:\n        - iptables -N HARVESTER_INPUT\n        - iptables -A INPUT -i mgmt-br -j HARVESTER_INPUT\n        - iptables -A HARVESTER_INPUT -p tcp --dport {port} -j ACCEPT\n        - iptables -A HARVESTER_INPUT -j LOG --log-prefix HARVESTER_DROP_\n        - iptables -A HARVESTER_INPUT -j DROP\n"
        )
    };
    let file = one("harvester1", 22) + &one("harvester2", 9091);
    let log = line("harvester1", "192.168.122.62", "TCP", 22, 0)
        + &line("harvester2", "192.168.122.62", "TCP", 22, 1)
        + &line("harvester3", "192.168.122.62", "TCP", 22, 2);
    let report = report(analysis(site(Role::Worker, Some(&file))), &log);
    let cause = |node: &str| {
        report
            .findings
            .iter()
            .find(|f| f.node == node)
            .unwrap()
            .cause
            .code
    };
    assert_eq!(cause("harvester1"), "already-allowed");
    assert_eq!(cause("harvester2"), "documented-port");
    assert_eq!(cause("harvester3"), "documented-port");
    let new = patched(&file, Role::Worker, &report.rules).unwrap();
    let more = added(&file, &new);
    assert_eq!(more.len(), 1, "{more:?}");
    assert!(
        new.matches("--dport 22 ").count() == 2
            && new.contains(
                "9091 -j ACCEPT\n        - iptables -A HARVESTER_INPUT -p tcp --dport 22"
            )
    );
}

/// A network namespace with the page's chain in it.
struct Namespace(String);

impl Namespace {
    fn new(name: &str) -> Option<Self> {
        let name = format!("dsrules-{name}-{}", std::process::id());
        let made = Command::new("ip")
            .args(["netns", "add", &name])
            .stderr(Stdio::null())
            .status();
        if !made.is_ok_and(|status| status.success()) {
            return None;
        }
        let space = Self(name);
        space.sh("iptables -S").is_some().then_some(space)
    }

    /// What the script prints; `None` where it fails.
    fn sh(&self, script: &str) -> Option<String> {
        let file = tempfile::NamedTempFile::new().unwrap();
        fs::write(file.path(), script).unwrap();
        let path = file.path().to_str().unwrap();
        let output = Command::new("ip")
            .args(["netns", "exec", &self.0, "sh", "-eu", path])
            .output()
            .unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        output.status.success().then_some(text)
    }

    /// The rules of the node, without counters and times.
    fn save(&self) -> String {
        let text = self.sh("iptables-save").unwrap();
        text.lines()
            .filter(|line| !line.starts_with(['#', ':']))
            .collect::<Vec<_>>()
            .join("\n")
    }

    fn apply_page(&self, role: Role) {
        for command in &cloudinit::read(&page(role)).unwrap()[0].commands {
            self.sh(&command.text);
        }
    }
}

impl Drop for Namespace {
    fn drop(&mut self) {
        let _ = Command::new("ip")
            .args(["netns", "delete", &self.0])
            .status();
    }
}

fn undo(script: &str) -> String {
    let lines = script
        .lines()
        .filter_map(|line| line.strip_prefix("# undo: "));
    lines.map(|line| format!("{line} || true\n")).collect()
}

fn positions(save: &str, parts: &[&str]) -> Vec<Vec<usize>> {
    let rules: Vec<&str> = save
        .lines()
        .filter(|l| l.starts_with("-A HARVESTER_INPUT"))
        .collect();
    let of = |part: &&str| {
        let found = rules
            .iter()
            .enumerate()
            .filter(|(_, rule)| rule.contains(*part));
        found.map(|(at, _)| at).collect()
    };
    parts.iter().map(of).collect()
}

#[test]
fn the_script_runs_on_a_real_kernel_once_and_twice_and_back() {
    for role in Role::ALL {
        let Some(space) = Namespace::new("script") else {
            eprintln!(
                "skipped the_script_runs_on_a_real_kernel_once_and_twice_and_back: no network namespace"
            );
            return;
        };
        space.apply_page(role);
        let before = space.save();
        let parts = [
            "--dport 9091 ",
            "--dport 10250 ",
            "--dport 22 ",
            "--dport 8472 ",
            "-j LOG",
        ];
        for known in [false, true] {
            let dump = space.sh("iptables-save").unwrap();
            let script = emitted("iptables", &rules(role, known.then_some(&dump)), &[]);
            space.sh(&script).unwrap_or_else(|| panic!("{script}"));
            let once = space.save();
            let found = positions(&once, &parts);
            assert!(
                found[..4]
                    .iter()
                    .all(|at| at.len() == 1 && at[0] < found[4][0]),
                "{once}"
            );
            space.sh(&script).unwrap();
            let twice = positions(&space.save(), &parts);
            assert!(
                twice[..4]
                    .iter()
                    .all(|at| at.len() == 1 && at[0] < twice[4][0])
            );
            space.sh(&undo(&script)).unwrap();
            assert_eq!(space.save(), before, "{script}");
        }
    }
}

#[test]
fn the_script_cures_an_appended_copy_on_a_real_kernel() {
    let Some(space) = Namespace::new("cure") else {
        eprintln!(
            "skipped the_script_cures_an_appended_copy_on_a_real_kernel: no network namespace"
        );
        return;
    };
    space.apply_page(Role::Worker);
    // One as the page writes it, and two whose comments only the numbers can find.
    space.sh("iptables -A HARVESTER_INPUT -p tcp --dport 9091 -m comment --comment 'calico-node metrics (Prometheus)' -j ACCEPT").unwrap();
    space
        .sh("iptables -A HARVESTER_INPUT -p tcp --dport 10250 -m comment --comment mine -j ACCEPT")
        .unwrap();
    space
        .sh("iptables -A HARVESTER_INPUT -p tcp --dport 22 -j ACCEPT")
        .unwrap();
    space
        .sh("iptables -A HARVESTER_INPUT -p tcp --dport 2222 -j ACCEPT")
        .unwrap();
    let dump = space.sh("iptables-save").unwrap();
    let listing = space
        .sh("iptables -nvxL HARVESTER_INPUT --line-numbers")
        .unwrap();
    let parts = [
        "--dport 9091 ",
        "--dport 10250 ",
        "--dport 22 ",
        "--dport 8472 ",
        "-j LOG",
    ];
    let script = emitted("iptables", &rules(Role::Worker, Some(&dump)), &[]);
    let from_listing = emitted("iptables", &rules(Role::Worker, Some(&listing)), &[]);
    assert_eq!(script, from_listing);
    for run in 1..=3 {
        space.sh(&script).unwrap_or_else(|| panic!("{script}"));
        let found = positions(&space.save(), &parts);
        assert!(
            found[..4]
                .iter()
                .all(|at| at.len() == 1 && at[0] < found[4][0]),
            "run {run}: {}\n{script}",
            space.save()
        );
        // Somebody else's rule stays.
        assert_eq!(positions(&space.save(), &["--dport 2222 "])[0].len(), 1);
    }
}

#[test]
fn the_log_rule_is_split_on_a_real_kernel_and_put_back() {
    let Some(space) = Namespace::new("split") else {
        eprintln!(
            "skipped the_log_rule_is_split_on_a_real_kernel_and_put_back: no network namespace"
        );
        return;
    };
    space.apply_page(Role::Witness);
    let before = space.save();
    let dump = space.sh("iptables-save").unwrap();
    let set = chain::parse("dump", &dump).unwrap();
    let known = set.chain(Family::V4, HARVESTER);
    for chain in [None, known] {
        let split = Split::new("harvester1", Family::V4, chain).unwrap();
        // At no time is the chain without a DROP, or without a LOG.
        for command in split.commands.iter().chain(&split.undo) {
            space.sh(command).unwrap_or_else(|| panic!("{command}"));
            let save = space.save();
            let found = positions(&save, &["-j LOG", "-j DROP"]);
            assert!(found.iter().all(|at| !at.is_empty()), "{command}\n{save}");
        }
        assert_eq!(space.save(), before);
        let script = emitted("split-log", &[], &[split]);
        for _ in 0..2 {
            space.sh(&script).unwrap_or_else(|| panic!("{script}"));
            let found = positions(
                &space.save(),
                &["-j LOG", "-j DROP", "--tcp-flags", "! -p tcp"],
            );
            assert_eq!(
                found.iter().map(Vec::len).collect::<Vec<_>>(),
                [3, 1, 2, 1],
                "{}",
                space.save()
            );
        }
        let now = chain::parse("dump", &space.sh("iptables-save").unwrap()).unwrap();
        assert_eq!(
            Split::new("harvester1", Family::V4, now.chain(Family::V4, HARVESTER)),
            None
        );
        space.sh(&undo(&script)).unwrap();
        assert_eq!(space.save(), before);
    }
    // What was appended behind DROP must not come to life: then nothing is changed.
    space
        .sh("iptables -A HARVESTER_INPUT -p tcp --dport 2222 -j ACCEPT")
        .unwrap();
    let script = emitted(
        "split-log",
        &[],
        &[Split::new("harvester1", Family::V4, None).unwrap()],
    );
    let dead = space.save();
    space.sh(&script).unwrap();
    assert_eq!(space.save(), dead);
}
