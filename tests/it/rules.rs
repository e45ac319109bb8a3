//! Rules with the chain in force: patches keep every other byte, scripts run on a real kernel, no order of lines matters.
#![allow(clippy::unwrap_used, clippy::print_stderr, reason = "these are tests")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use dropsift::analyze::Analysis;
use dropsift::catalog::Role;
use dropsift::chain::{Family, HARVESTER};
use dropsift::cloudinit;
use dropsift::input::Prefixes;
use dropsift::input::event::ClusterFact;
use dropsift::input::event::LogEvent;
use dropsift::input::reader::Reader;
use dropsift::report::Report;
use dropsift::rule::{AcceptRule, CloudInitFile, EMITTERS, Offer, Scope, Split};
use dropsift::site::{Provenance, Site};
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
    let mut site = Site::default();
    site.known.set_role(None, role, Provenance::Told);
    if let Some(rules) = rules {
        site.in_force.tell(None, "rules", rules, None).unwrap();
    }
    site
}

/// Returns the rules for a node of the role whose chain accepts nothing: documented ports, and an unlisted one.
fn rules(role: Role, in_force: Option<&str>) -> Vec<AcceptRule> {
    let mut log = String::new();
    for (at, port) in [(0, 9091), (10, 10250), (20, 22)] {
        log += &line("harvester1", "192.168.122.62", "TCP", port, at);
    }
    log += &line("harvester1", "192.168.122.62", "UDP", 8472, 30);
    for at in [40, 300] {
        log += &line("harvester1", "192.168.122.63", "TCP", 12_345, at);
    }
    report(analysis(site(role, in_force)), &log).rules.into()
}

fn emitted(form: &str, rules: &[AcceptRule], splits: &[Split]) -> String {
    let emitter = EMITTERS
        .iter()
        .find(|emitter| emitter.code == form)
        .unwrap();
    let offer = Offer {
        rules,
        splits,
        prefixes: &Site::default().log_prefixes(),
        file: None,
        no_rule: "No rule to add.",
        no_split: "No rule to split.",
        diff: false,
    };
    let mut out = Vec::new();
    (emitter.emit)(&offer, &mut out).unwrap();
    String::from_utf8(out).unwrap()
}

/// Returns the page's file of a role without some of its rules.
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
        role: Some(role),
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
            let set = cloudinit::boot(std::slice::from_ref(resource), |_| true);
            assert!(set.faults.is_empty(), "{:?}", set.faults);
            let firewall = set.chain(Family::V4, HARVESTER).unwrap();
            for rule in rules.iter().take(4) {
                assert!(firewall.live_copy(&rule.rule).is_some());
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
    let joined = "stages:\n  boot:\n  - commands:\n    - |\n      iptables -N HARVESTER_INPUT && \\\n      iptables -A HARVESTER_INPUT -j LOG && \\\n      iptables -A HARVESTER_INPUT -j DROP\n";
    let one = "stages:\n  boot:\n  - commands:\n    - iptables -N HARVESTER_INPUT && iptables -A HARVESTER_INPUT -j LOG && iptables -A HARVESTER_INPUT -j DROP\n";
    for text in [flow, joined, one] {
        let why = patched(text, Role::Worker, &rules).unwrap_err();
        assert!(why.contains("put the lines in by hand"), "{why}");
    }
    for text in ["", "kind: Node\n", "a: [", "\u{0}", "stages:\n  boot: []\n"] {
        assert!(patched(text, Role::Worker, &rules).is_err(), "{text:?}");
    }
}

/// A CloudInit whose contents are no block of lines is written as an object, with the documented chain and the rules.
#[test]
fn contents_on_one_line_quoted_and_as_json_come_out_as_an_object() {
    let role = Role::Worker;
    let rules = rules(role, None);
    let page = page(role);
    let value: serde_json::Value = serde_saphyr::from_str(&page).unwrap();
    let contents = value["spec"]["contents"].as_str().unwrap();
    let stages: serde_json::Value = serde_saphyr::from_str(contents).unwrap();
    let with = |contents: String| {
        let (head, _) = page.split_once("  contents: |").unwrap();
        format!("{head}  contents: {contents}\n  paused: false\n")
    };
    let quoted = with(serde_json::to_string(contents).unwrap());
    let flow = with(format!("'{}'", stages.to_string().replace('\'', "''")));
    let json = value.to_string();
    let pretty = serde_json::to_string_pretty(&value).unwrap();
    let list = format!(
        "apiVersion: v1\nkind: List\nitems:\n- kind: Node\n  metadata: {{name: a}}\n- {json}\n"
    );
    for (name, old, adds) in [
        ("quoted", quoted, 5),
        ("on one line", flow, 4),
        ("JSON", json, 5),
        ("indented JSON", pretty, 5),
        ("in a list", list, 5),
    ] {
        let file = CloudInitFile {
            name: "file.yaml",
            text: &old,
            role: None,
        };
        let new = file
            .patched(&rules)
            .unwrap_or_else(|why| panic!("{name}: {why}"));
        assert!(new.anew && new.added == adds, "{name}: {new:?}");
        assert!(
            new.notes
                .iter()
                .any(|note| note.contains("kubectl apply -f"))
        );
        let object: serde_json::Value = serde_saphyr::from_str(&new.text).unwrap();
        let object = match object["items"].get(1) {
            Some(second) => second,
            None => &object,
        };
        assert_eq!(object["metadata"], value["metadata"], "{name}");
        assert_eq!(
            object["spec"]["matchSelector"],
            value["spec"]["matchSelector"]
        );
        let resource = &cloudinit::read(&object.to_string()).unwrap()[0];
        let set = cloudinit::boot(std::slice::from_ref(resource), |_| true);
        let firewall = set.chain(Family::V4, HARVESTER).unwrap();
        for rule in rules.iter().take(4) {
            assert!(firewall.live_copy(&rule.rule).is_some(), "{name}");
        }
    }
}

/// A file gets the rules of nodes whose role is known to be its own; an assumed role needs the user's confirmation.
#[test]
fn a_patch_takes_the_rules_of_its_own_nodes_alone() {
    let mut site = Site::default();
    site.known
        .set_role(Some("harvester1"), Role::Worker, Provenance::Told);
    site.known
        .set_role(Some("harvester2"), Role::ControlPlane, Provenance::Told);
    let log = line("harvester1", "192.168.122.62", "TCP", 22, 0)
        + &line("harvester2", "192.168.122.62", "TCP", 2112, 1)
        + &line("harvester3", "192.168.122.62", "TCP", 22, 2);
    let all: Vec<AcceptRule> = report(analysis(site), &log).rules.into();
    let text = page(Role::Worker);
    let file = CloudInitFile {
        name: "file.yaml",
        text: &text,
        role: None,
    };
    let why = file.patched(&all).unwrap_err().to_string();
    assert!(
        why.contains("--role harvester3=ROLE") && !why.contains("harvester1"),
        "{why}"
    );
    let known: Vec<AcceptRule> = all.into_iter().filter(|rule| rule.role_known).collect();
    let new = file.patched(&known).unwrap();
    assert_eq!(new.added, 1, "{}", new.text);
    let notes = new.notes.join("\n");
    assert!(
        notes.contains(
            "left out, since file.yaml is not for control-plane nodes: harvester2/tcp/2112"
        ),
        "{notes}"
    );
    // A rule that is left out is never reported as done.
    let other: Vec<AcceptRule> = known
        .into_iter()
        .filter(|rule| rule.node == "harvester2")
        .collect();
    let new = file.patched(&other).unwrap();
    assert_eq!(new.text, text);
    let notes = new.notes.join("\n");
    assert!(
        notes.contains("no line was added") && !notes.contains("nothing to add"),
        "{notes}"
    );
    // A stages file does not state the role of its node.
    let stages = CloudInitFile {
        name: "91.yaml",
        text: "stages:\n  boot:\n  - commands:\n    - iptables -N HARVESTER_INPUT\n    - iptables -A HARVESTER_INPUT -j LOG\n    - iptables -A HARVESTER_INPUT -j DROP\n",
        role: None,
    };
    let why = stages.patched(&other).unwrap_err().to_string();
    assert!(why.contains("--role ROLE"), "{why}");
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
    let chain = fs::read_to_string(fixture("cli/report/in-force-text/chain.save")).unwrap();
    for rules_text in [None, Some(chain.as_str())] {
        let report = report(analysis(site(Role::Worker, rules_text)), &log);
        assert!(!report.rules.is_empty());
        let splits: Vec<Split> = [Family::V4, Family::V6]
            .into_iter()
            .map(|family| Split {
                node: "$(reboot)\n".to_owned(),
                family,
                interface: "eth0;halt".to_owned(),
            })
            .collect();
        for form in ["iptables", "cloudinit", "split-log"] {
            let text = emitted(form, &report.rules, &splits);
            for line in text.lines().filter(|line| !line.starts_with('#')) {
                assert!(
                    !line.contains("(reboot") && !line.contains(";halt"),
                    "{line}"
                );
            }
            if form == "cloudinit" {
                cloudinit::yaml::read(&text).unwrap();
                continue;
            }
            for shell in ["dash", "bash"] {
                let file = tempfile::NamedTempFile::new().unwrap();
                fs::write(file.path(), &text).unwrap();
                let status = Command::new(shell).arg("-n").arg(file.path()).status();
                assert!(status.is_ok_and(|status| status.success()), "{text}");
            }
        }
    }
}

/// The chain in force is judged line by line, and no order of lines or logs matters.
#[test]
fn fates_do_not_depend_on_order() {
    let chain = fs::read_to_string(fixture("cli/report/in-force-text/chain.save")).unwrap();
    let mut lines: Vec<String> = Vec::new();
    for at in 0..60 {
        let port = [2112, 9796, 5900, 31_000, 22][at as usize % 5];
        let src = format!("192.168.122.{}", 62 + at % 3);
        lines.push(line("harvester1", &src, "TCP", port, at * 7));
    }
    let outcomes = |log: &str| -> Vec<_> {
        let report = report(analysis(site(Role::ControlPlane, Some(&chain))), log);
        let told =
            |f: &dropsift::finding::Finding| (f.id.clone(), f.cause.code, f.outcomes.clone());
        report.findings.iter().map(told).collect()
    };
    let forward = outcomes(&lines.concat());
    lines.reverse();
    let backward = outcomes(&lines.concat());
    assert_eq!(forward, backward);
    assert!(
        forward
            .iter()
            .any(|(_, cause, _)| *cause == "already-allowed")
    );
}

/// The files of a bundle are the chain of the next boot: the finding stays, with its rule; a running chain takes
/// precedence.
#[test]
fn the_files_of_a_bundle_are_the_chain_of_the_next_boot() {
    let path = fixture("audit/clean-page-worker/91-iptables-worker.yaml");
    let resource = fs::read_to_string(path).unwrap();
    let resource = serde_saphyr::from_str::<serde_json::Value>(&resource).unwrap();
    let contents = resource["spec"]["contents"].as_str().unwrap();
    let log = line("harvester1", "192.168.122.62", "TCP", 10_660, 0);
    let fact = || ClusterFact::Rules {
        nodes: vec!["harvester1".to_owned()],
        name: "91-iptables-worker.yaml".to_owned(),
        text: contents.to_owned(),
        is_on_disk: true,
    };
    let judged = |running: Option<&str>| {
        let mut analysis = analysis(site(Role::Worker, running));
        analysis.push(LogEvent::Learned {
            fact: fact(),
            by: Provenance::Bundle,
        });
        let report = report(analysis, &log);
        let finding = &report.findings[0];
        let next_boot = finding
            .evidence
            .iter()
            .any(|test| test.name == "rule-at-next-boot");
        (finding.cause.code, report.rules.len(), next_boot)
    };
    assert_eq!(judged(None), ("documented-port", 1, true));
    let empty = "-N HARVESTER_INPUT\n-A HARVESTER_INPUT -j LOG\n-A HARVESTER_INPUT -j DROP\n";
    assert_eq!(judged(Some(empty)), ("documented-port", 1, false));
    let open = empty.replacen(
        "-A",
        "-A HARVESTER_INPUT -p tcp --dport 10660 -j ACCEPT\n-A",
        1,
    );
    assert_eq!(judged(Some(&open)), ("already-allowed", 0, false));
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
    let has_it = |node: &str| {
        let finding = report.findings.iter().find(|f| f.node == node).unwrap();
        assert_eq!(finding.cause.code, "documented-port");
        finding
            .evidence
            .iter()
            .any(|test| test.name == "rule-at-next-boot")
    };
    assert!(has_it("harvester1") && !has_it("harvester2") && !has_it("harvester3"));
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
