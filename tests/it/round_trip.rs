//! A report that is read again has the exit code and the verdicts of its log, in each form that can be read.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use serde_json::Value;

use crate::support::{files, logs};

const MESSAGE: &str = "HARVESTER_DROP_IN=mgmt-br OUT= MAC=52:54:00:ab:cd:ef:52:54:00:ab:cd:ea:08:00 SRC=192.168.122.63 DST=192.168.122.61 LEN=60 TOS=0x00 PREC=0x00 TTL=64 ID=1 DF PROTO=TCP SPT=40000 DPT=2112 WINDOW=64240 RES=0x00 SYN URGP=0";
const FIXED: [&str; 4] = ["--year", "2026", "--now", "2026-12-31T00:00:00Z"];
/// The forms of a report that are read again.
const FORMS: [&str; 3] = ["json", "ndjson", "html"];

/// A log, with its options and the files that these name.
struct Row {
    name: String,
    args: Vec<String>,
    files: BTreeMap<String, String>,
    inputs: Vec<PathBuf>,
}

fn strings(value: Option<&toml::Value>) -> Vec<String> {
    let all = value.and_then(toml::Value::as_array).into_iter().flatten();
    all.map(|one| one.as_str().unwrap().to_owned()).collect()
}

/// Returns the logs of the fixtures, those of the tables of judgements, and those of the table of forms.
fn rows() -> Vec<Row> {
    let mut rows: Vec<Row> = (logs().into_iter())
        .map(|log| Row {
            name: log.display().to_string(),
            args: Vec::new(),
            files: BTreeMap::new(),
            inputs: vec![log],
        })
        .collect();
    for (folder, key) in [("fixtures/judgement", "case"), ("fixtures/read", "log")] {
        for file in files(folder) {
            if file.extension().is_none_or(|end| end != "toml") {
                continue;
            }
            let table: toml::Value = toml::from_str(&fs::read_to_string(&file).unwrap()).unwrap();
            for case in table[key].as_array().unwrap() {
                if case.get("encoding").is_some() {
                    continue;
                }
                let mut own = BTreeMap::new();
                for (name, text) in case
                    .get("files")
                    .and_then(toml::Value::as_table)
                    .into_iter()
                    .flatten()
                {
                    own.insert(name.clone(), text.as_str().unwrap().to_owned());
                }
                let mut inputs = strings(case.get("inputs"));
                if let Some(log) = case.get("log").or_else(|| case.get("text")) {
                    let other = MESSAGE.replace("40000", "40001");
                    let log = log
                        .as_str()
                        .unwrap()
                        .replace("{M}", MESSAGE)
                        .replace("{N}", &other);
                    own.insert("in.log".to_owned(), log);
                    inputs.push("in.log".to_owned());
                }
                rows.push(Row {
                    name: format!("{}: {}", file.display(), case["name"].as_str().unwrap()),
                    args: strings(case.get("args")),
                    files: own,
                    inputs: inputs.into_iter().map(PathBuf::from).collect(),
                });
            }
        }
    }
    rows
}

fn run(folder: &Path, args: &[&str], stdin: Option<&[u8]>) -> Output {
    let input = folder.join("stdin");
    fs::write(&input, stdin.unwrap_or_default()).unwrap();
    Command::new(env!("CARGO_BIN_EXE_dropsift"))
        .args(FIXED)
        .arg("-q")
        .args(args)
        .current_dir(folder)
        .stdin(fs::File::open(&input).unwrap())
        .stderr(Stdio::piped())
        .output()
        .unwrap()
}

/// Returns each finding with its verdict and cause, and each rule with its commands and why it is to be decided, if it is.
fn verdicts(json: &[u8]) -> Vec<String> {
    let Ok(report) = serde_json::from_slice::<Value>(json) else {
        return Vec::new();
    };
    let findings = report["findings"].as_array().unwrap();
    let is_outside = |id: &Value| {
        let mut all = findings.iter().filter(|one| one["zone"] == "outside");
        all.any(|one| one["rules"].as_array().unwrap().contains(id))
    };
    let rules = report["rules"].as_array().unwrap().iter().map(|rule| {
        let parts = ["id", "source", "chain", "insert", "undo", "cloudinit"];
        let settled = match rule["doubt"]["code"].as_str() {
            // A report is no witness of a chain that cannot be looked at: what hangs on it is left to be decided.
            Some("narrowed" | "chain-unknown" | "reported") => "hangs on the chain",
            None if is_outside(&rule["id"]) && rule["ports"] != "68" => "hangs on the chain",
            Some(code) => code,
            None => "documented",
        };
        format!(
            "{settled} {}",
            parts.map(|part| rule[part].to_string()).join(" ")
        )
    });
    let findings = findings
        .iter()
        .map(|one| format!("{} {} {}", one["id"], one["verdict"], one["cause"]));
    let mut all: Vec<String> = findings.chain(rules).collect();
    all.sort();
    all
}

/// Returns what differs between a log and the reports on it.
fn differs(row: &Row) -> Vec<String> {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in &row.files {
        fs::write(folder.path().join(name), text).unwrap();
    }
    let inputs: Vec<&str> = row
        .inputs
        .iter()
        .map(|path| path.to_str().unwrap())
        .collect();
    let args: Vec<&str> = row.args.iter().map(String::as_str).chain(inputs).collect();
    let mut wrong = Vec::new();
    let mut said = None;
    for form in FORMS {
        let first = run(folder.path(), &[&["-o", form], &args[..]].concat(), None);
        if first.stdout.is_empty() {
            continue;
        }
        let again = run(folder.path(), &["-o", "json", "-"], Some(&first.stdout));
        if first.status.code() != again.status.code() {
            let (first, then) = (first.status, again.status);
            let why = String::from_utf8_lossy(&again.stderr);
            wrong.push(format!(
                "{}: {form} ends with {first}, read again with {then}: {why}",
                row.name
            ));
        }
        let own = said.get_or_insert_with(|| verdicts(&first.stdout));
        if *own != verdicts(&again.stdout) {
            wrong.push(format!(
                "{}: {form}: {own:?}, read again {:?}",
                row.name,
                verdicts(&again.stdout)
            ));
        }
    }
    wrong
}

#[test]
fn a_report_ends_as_its_log_did() {
    let rows = rows();
    assert!(rows.len() > 700, "{}", rows.len());
    let (one, other) = rows.split_at(rows.len() / 2);
    let check = |rows: &[Row]| rows.iter().flat_map(differs).collect::<Vec<_>>();
    let wrong = std::thread::scope(|scope| {
        let other = scope.spawn(|| check(other));
        [check(one), other.join().unwrap()].concat()
    });
    assert!(
        wrong.is_empty(),
        "{} wrong:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
}

/// Logs of which nothing can be judged, each with its exit code: of no known form, unreadable, untrusted.
#[test]
fn what_was_not_judged_stays_so_among_others() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    let logs = [
        ("strange", "no log\nat all\n".to_owned()),
        (
            "unreadable",
            "May 04 09:58:10 harvester1 kernel: HARVESTER_DROP_IN=mgmt-br OUT= SR\n".to_owned(),
        ),
        (
            "untrusted",
            format!("May 04 09:58:10 harvester1 sshd[1]: {MESSAGE}\n"),
        ),
    ];
    let good = "May 04 09:58:10 harvester1 kernel: usb 1-1: new device\n";
    let ndjson = ["-o", "ndjson"];
    fs::write(at.join("good.log"), good).unwrap();
    assert_eq!(run(at, &["good.log"], None).status.code(), Some(0));
    for (name, log) in logs {
        fs::write(at.join("in.log"), log).unwrap();
        for form in FORMS {
            let report = run(at, &["-o", form, "in.log", "good.log"], None);
            assert_eq!(report.status.code(), Some(3), "{name} {form}");
            fs::write(at.join("report"), &report.stdout).unwrap();
            for args in [
                &["report"][..],
                &["good.log", "report"],
                &["-f", "report"],
                &["diff", "good.log", "report"],
                &["diff", "report", "good.log"],
                &["rules", "report"],
            ] {
                let output = run(at, args, None);
                let why = String::from_utf8_lossy(&output.stderr);
                assert_eq!(
                    output.status.code(),
                    Some(3),
                    "{name} {form} {args:?}: {why}"
                );
                assert!(
                    why.contains("nothing of `in.log` was judged"),
                    "{name} {form} {args:?}: {why}"
                );
            }
            // A report on a report.
            let second = run(at, &[&ndjson[..], &["report"]].concat(), None);
            let third = run(at, &["-"], Some(&second.stdout));
            assert_eq!(third.status.code(), Some(3), "{name} {form}");
        }
    }
}

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Changed {
    name: String,
    log: Vec<String>,
    #[serde(default)]
    args: Vec<String>,
    #[serde(default)]
    form: Option<String>,
    #[serde(default)]
    change: Vec<(String, String)>,
    #[serde(default)]
    behind: String,
    code: i32,
    #[serde(default)]
    causes: Vec<String>,
    /// Dispositions of the rules.
    rules: Option<Vec<String>>,
    /// Sources of the rules.
    sources: Option<Vec<String>>,
    warning: Option<String>,
    headline: Option<String>,
    #[serde(default)]
    says: Vec<String>,
    #[serde(default)]
    never: Vec<String>,
}

/// Returns a line of a log: node, peer, protocol and port (`/` of a request, `:` of an answer), other port, flags, minute.
fn line(text: &str) -> String {
    let words: Vec<&str> = text.split(' ').collect();
    let [node, peer, service, other, flags, minute] = words[..] else {
        panic!("{text}")
    };
    let (proto, port, is_reply) = match service.split_once('/') {
        Some((proto, port)) => (proto, port, false),
        None => service
            .split_once(':')
            .map(|(proto, port)| (proto, port, true))
            .unwrap(),
    };
    let (spt, dpt) = if is_reply {
        (port, other)
    } else {
        (other, port)
    };
    let tail = match proto {
        "udp" => "LEN=40 ".to_owned(),
        _ => format!("WINDOW=64240 RES=0x00 {flags} URGP=0 "),
    };
    let own = node.trim_start_matches("harvester");
    format!(
        "May 04 10:{minute:0>2}:00 {node} kernel: HARVESTER_DROP_IN=mgmt-br OUT= MAC=52:54:00:ab:cd:ef:52:54:00:ab:cd:ea:08:00 \
         SRC={peer} DST=192.168.122.6{own} LEN=60 TOS=0x00 PREC=0x00 TTL=64 ID=1 DF PROTO={} SPT={spt} DPT={dpt} {tail}\n",
        proto.to_uppercase()
    )
}

/// Returns the expectations of a row that are not met.
fn misread(row: &Changed) -> Vec<String> {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    let log: String = row.log.iter().map(|one| line(one)).collect();
    fs::write(at.join("in.log"), log).unwrap();
    let form = row.form.as_deref().unwrap_or("json");
    let role = if row.args.iter().any(|arg| arg == "--role") {
        &[][..]
    } else {
        &["--role", "control-plane"]
    };
    let own: Vec<&str> = row.args.iter().map(String::as_str).collect();
    let first = run(
        at,
        &[&["-o", form], role, &own[..], &["in.log"]].concat(),
        None,
    );
    let mut text = String::from_utf8(first.stdout).unwrap();
    if !row.change.is_empty() {
        let mut report: Value = serde_json::from_str(&text).unwrap();
        for (pointer, value) in &row.change {
            let place = report.pointer_mut(pointer);
            *place.unwrap_or_else(|| panic!("{}: {pointer}", row.name)) =
                serde_json::from_str(value).unwrap();
        }
        let schema = report.as_object_mut().unwrap().remove("schema").unwrap();
        text = format!("{{\"schema\":{schema},{}", &report.to_string()[1..]);
    }
    text.push_str(&row.behind);
    fs::write(at.join("report"), text).unwrap();
    let again = run(at, &["-o", "json", "report"], None);
    let why = String::from_utf8_lossy(&again.stderr).into_owned();
    let mut wrong = Vec::new();
    let mut check = |what: &str, is: bool, said: String| {
        if !is {
            wrong.push(format!("{}: {what}: {said}", row.name));
        }
    };
    check(
        "code",
        again.status.code() == Some(row.code),
        format!("{} {why}", again.status),
    );
    for said in &row.says {
        check("says", why.contains(said), why.clone());
    }
    let report: Value = serde_json::from_slice(&again.stdout).unwrap_or_default();
    let all = |list: &str, key: &str| -> Vec<String> {
        let list = report[list].as_array().into_iter().flatten();
        let mut all: Vec<String> = list
            .map(|one| {
                one[key]
                    .as_str()
                    .map_or_else(|| one[key].to_string(), str::to_owned)
            })
            .collect();
        all.sort();
        all
    };
    let same = |wanted: &Option<Vec<String>>, is: Vec<String>| {
        wanted.as_ref().is_none_or(|wanted| *wanted == is)
    };
    check(
        "causes",
        row.causes == all("findings", "cause"),
        format!("{:?}", all("findings", "cause")),
    );
    check(
        "rules",
        same(&row.rules, all("rules", "disposition")),
        report["rules"].to_string(),
    );
    check(
        "sources",
        same(&row.sources, all("rules", "source")),
        report["rules"].to_string(),
    );
    if let Some(code) = &row.warning {
        check(
            "warning",
            all("warnings", "code").contains(code),
            report["warnings"].to_string(),
        );
    }
    if let Some(begin) = &row.headline {
        let said = report["summary"]["text"]
            .as_str()
            .unwrap_or_default()
            .to_owned();
        check("headline", said.starts_with(begin), said);
    }
    for form in ["text", "json", "html", "markdown"] {
        for args in [
            &["-o", form, "report"][..],
            &["-v", "-o", form, "report"],
            &["rules", "report"],
        ] {
            let output = run(at, args, None);
            let said = String::from_utf8_lossy(&output.stdout).into_owned()
                + &String::from_utf8_lossy(&output.stderr);
            check(
                "never",
                !row.never.iter().any(|text| said.contains(text)),
                said,
            );
        }
    }
    wrong
}

#[test]
fn what_was_changed_by_hand_is_judged_anew() {
    #[derive(serde::Deserialize)]
    struct Table {
        case: Vec<Changed>,
    }
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/reports/changed.toml");
    let table: Table = toml::from_str(&fs::read_to_string(path).unwrap()).unwrap();
    assert!(table.case.len() > 30);
    let wrong: Vec<String> = table.case.iter().flat_map(misread).collect();
    assert!(
        wrong.is_empty(),
        "{} wrong:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
}

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Merged {
    name: String,
    logs: Vec<Vec<String>>,
    #[serde(default)]
    first: Vec<String>,
    #[serde(default)]
    args: Vec<String>,
    #[serde(default)]
    chain: String,
    code: i32,
    causes: Vec<String>,
    /// Codes of the doubts of the rules.
    doubts: Vec<String>,
    /// Code of a warning that is given, and of one that is not.
    warning: Option<String>,
    never: Option<String>,
}

#[test]
fn reports_that_are_read_together_say_no_more_than_their_lines() {
    #[derive(serde::Deserialize)]
    struct Table {
        case: Vec<Merged>,
    }
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/reports/merged.toml");
    let table: Table = toml::from_str(&fs::read_to_string(path).unwrap()).unwrap();
    for case in &table.case {
        let folder = tempfile::tempdir().unwrap();
        let at = folder.path();
        fs::write(at.join("chain"), &case.chain).unwrap();
        let mut args: Vec<String> = ["-o", "json"].map(str::to_owned).to_vec();
        args.extend_from_slice(&case.args);
        for (number, log) in case.logs.iter().enumerate() {
            let log: String = log.iter().map(|one| line(one)).collect();
            fs::write(at.join("in.log"), log).unwrap();
            let first: Vec<&str> = case.first.iter().map(String::as_str).collect();
            let report = run(at, &[&["-o", "json", "in.log"], &first[..]].concat(), None);
            fs::write(at.join(format!("{number}.json")), report.stdout).unwrap();
            args.push(format!("{number}.json"));
        }
        let args: Vec<&str> = args.iter().map(String::as_str).collect();
        let output = run(at, &args, None);
        let report: Value = serde_json::from_slice(&output.stdout).unwrap();
        let codes = |list: &str, key: &str| -> Vec<String> {
            let list = report[list].as_array().unwrap().iter();
            let code = |one: &Value| match one.pointer(key) {
                Some(Value::String(code)) => code.clone(),
                _ => "null".to_owned(),
            };
            let mut all: Vec<String> = list.map(code).collect();
            all.sort();
            all
        };
        let name = &case.name;
        assert_eq!(codes("findings", "/cause"), case.causes, "{name}");
        assert_eq!(codes("rules", "/doubt/code"), case.doubts, "{name}");
        assert_eq!(output.status.code(), Some(case.code), "{name}");
        let warnings = codes("warnings", "/code");
        let is_given = |code: &Option<String>| code.as_ref().map(|code| warnings.contains(code));
        assert_ne!(is_given(&case.warning), Some(false), "{name}: {warnings:?}");
        assert_ne!(is_given(&case.never), Some(true), "{name}: {warnings:?}");
    }
}

/// A report beside the log that it is on: the account on stderr and the tally are one.
#[test]
fn the_account_is_the_tally() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    let log = line("harvester1 192.168.122.63 tcp/2112 40000 SYN 0")
        + "May 04 10:05:00 harvester1 kernel: usb 1-1: x\n";
    fs::write(at.join("a.log"), log).unwrap();
    fs::write(
        at.join("b.log"),
        line("harvester2 192.168.122.63 tcp/2112 40000 SYN 0"),
    )
    .unwrap();
    for name in ["a", "b"] {
        let report = run(at, &["-o", "json", &format!("{name}.log")], None);
        fs::write(at.join(format!("{name}.json")), report.stdout).unwrap();
    }
    for (inputs, lines, drops) in [
        (&["a.log"][..], 2, 1),
        (&["a.json"], 2, 1),
        (&["a.json", "a.log"], 3, 1),
        (&["a.json", "b.log"], 3, 2),
        (&["a.json", "b.json", "b.log", "a.log"], 5, 2),
    ] {
        let output = Command::new(env!("CARGO_BIN_EXE_dropsift"))
            .args(FIXED)
            .args(["-o", "json"])
            .args(inputs)
            .current_dir(at)
            .output()
            .unwrap();
        let (said, report) = (
            String::from_utf8(output.stderr).unwrap(),
            String::from_utf8(output.stdout).unwrap(),
        );
        let report: Value = serde_json::from_str(&report).unwrap();
        let tally = |key: &str| report["tally"][key].as_u64().unwrap();
        assert_eq!(
            (tally("drops"), tally("lines") <= lines),
            (drops, true),
            "{inputs:?}: {}",
            report["tally"]
        );
        let account = format!(
            "{} lines: {} drop lines, {} other",
            tally("lines"),
            tally("drops"),
            tally("other")
        );
        assert!(said.contains(&account), "{inputs:?}: {account}:\n{said}");
    }
}
