//! Runs the table of judgements, `fixtures/judgement/*.toml`: a small log and the expected report.
//!
//! The README there describes the format. All failures are printed together, each with the source of its expectation.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde::Deserialize;
use serde_json::Value;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    case: Vec<Case>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    name: String,
    source: String,
    #[serde(default)]
    comment: String,
    #[serde(default)]
    args: Vec<String>,
    /// The input, unless `inputs` names some of `files`.
    #[serde(default)]
    log: Option<String>,
    /// Files beside it, by name: chains, further logs.
    #[serde(default)]
    files: BTreeMap<String, String>,
    #[serde(default)]
    inputs: Vec<String>,
    /// The exit code.
    #[serde(default)]
    exit: Option<i32>,
    /// Texts that no finding's evidence may contain.
    #[serde(default)]
    absent_evidence: Vec<String>,
    #[serde(default)]
    finding: Vec<Finding>,
    #[serde(default)]
    rule: Vec<Rule>,
    #[serde(default)]
    warnings: Vec<String>,
    #[serde(default)]
    absent_warnings: Vec<String>,
    #[serde(default)]
    open: Vec<String>,
}

#[derive(Deserialize, Debug)]
#[serde(deny_unknown_fields)]
struct Finding {
    node: Option<String>,
    proto: Option<String>,
    port: Option<u16>,
    ports: Option<Vec<u16>>,
    direction: Option<String>,
    verdict: Option<String>,
    cause: Option<String>,
    logged: Option<u64>,
    attempts: Option<u64>,
    state: Option<String>,
    peers: Option<Vec<String>>,
    /// Texts that its evidence must contain, each in one of the tests.
    #[serde(default)]
    evidence: Vec<String>,
    #[serde(default)]
    open: Vec<String>,
}

#[derive(Deserialize, Debug)]
#[serde(deny_unknown_fields)]
struct Rule {
    node: Option<String>,
    proto: Option<String>,
    ports: Option<String>,
    disposition: Option<String>,
    source: Option<String>,
}

#[test]
fn every_case_is_judged_as_its_source_says() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/judgement");
    let mut files: Vec<PathBuf> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|e| e == "toml"))
        .collect();
    files.sort();
    let mut failures = String::new();
    let (mut cases, mut failed) = (0, 0);
    for file in files {
        let table: Table = toml::from_str(&fs::read_to_string(&file).unwrap())
            .unwrap_or_else(|why| panic!("{}: {why}", file.display()));
        for case in table.case {
            cases += 1;
            let wrong = run(&case);
            if !wrong.is_empty() {
                failed += 1;
                let name = file.file_name().unwrap().to_string_lossy();
                let _ = writeln!(
                    failures,
                    "\n{name}: {} ({}) {}\n{wrong}",
                    case.name, case.source, case.comment
                );
            }
        }
    }
    assert!(cases >= 60, "only {cases} cases were found");
    assert!(
        failures.is_empty(),
        "{failed} of {cases} cases fail:\n{failures}"
    );
}

/// Returns the failures of the case; empty where there are none.
fn run(case: &Case) -> String {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in &case.files {
        fs::write(folder.path().join(name), text).unwrap();
    }
    let mut inputs = case.inputs.clone();
    if let Some(log) = &case.log {
        fs::write(folder.path().join("in.log"), log).unwrap();
        inputs.push("in.log".to_owned());
    }
    let output = Command::new(env!("CARGO_BIN_EXE_dropsift"))
        .args(["--year", "2026", "-o", "json"])
        .args(&case.args)
        .args(&inputs)
        .current_dir(folder.path())
        .output()
        .unwrap();
    let Ok(report) = serde_json::from_slice::<Value>(&output.stdout) else {
        return format!("  no report: {}", String::from_utf8_lossy(&output.stderr));
    };
    let mut wrong = String::new();
    if case
        .exit
        .is_some_and(|exit| output.status.code() != Some(exit))
    {
        let _ = writeln!(wrong, "  exit code {:?}", output.status.code());
    }
    let said = evidence(&report["findings"]);
    for absent in case
        .absent_evidence
        .iter()
        .filter(|text| said.contains(*text))
    {
        let _ = writeln!(wrong, "  some evidence says {absent:?}");
    }
    let mut left: Vec<&Value> = report["findings"].as_array().unwrap().iter().collect();
    for expected in &case.finding {
        match left.iter().position(|found| fits(expected, found)) {
            Some(at) => drop(left.remove(at)),
            None => drop(writeln!(wrong, "  expected {expected:?}")),
        }
    }
    for found in left {
        let mut short = found.clone();
        short.as_object_mut().unwrap().retain(|key, _| {
            !["evidence", "sample", "first", "last", "id"].contains(&key.as_str())
        });
        let _ = writeln!(wrong, "  found {short}");
    }
    if !case.open.iter().any(|key| key == "rules") {
        let mut left: Vec<&Value> = report["rules"].as_array().unwrap().iter().collect();
        for expected in &case.rule {
            match left.iter().position(|found| rule_fits(expected, found)) {
                Some(at) => drop(left.remove(at)),
                None => drop(writeln!(wrong, "  expected {expected:?}")),
            }
        }
        for found in left {
            let _ = writeln!(wrong, "  found {found}");
        }
    }
    let codes: Vec<&str> = report["warnings"]
        .as_array()
        .unwrap()
        .iter()
        .map(|w| w["code"].as_str().unwrap())
        .collect();
    for code in &case.warnings {
        if !codes.contains(&code.as_str()) {
            let _ = writeln!(wrong, "  expected the warning {code}");
        }
    }
    for code in &case.absent_warnings {
        if codes.contains(&code.as_str()) {
            let _ = writeln!(wrong, "  found the warning {code}");
        }
    }
    wrong
}

/// Returns all texts of evidence below a value.
fn evidence(value: &Value) -> String {
    match value {
        Value::Array(values) => values.iter().map(evidence).collect(),
        Value::Object(keys) => match (&keys.get("evidence"), &keys.get("text")) {
            (Some(tests), _) => evidence(tests),
            (None, Some(text)) => format!("{}\n", text.as_str().unwrap_or_default()),
            (None, None) => String::new(),
        },
        _ => String::new(),
    }
}

fn fits(expected: &Finding, found: &Value) -> bool {
    let open = |key: &str| expected.open.iter().any(|o| o == key);
    let same = |key: &str, value: Option<Value>| {
        open(key) || value.is_none_or(|value| found[key] == value)
    };
    let sorted = |values: &[String]| {
        let mut values = values.to_vec();
        values.sort();
        values
    };
    let found_peers: Vec<String> = found["peers"]
        .as_array()
        .unwrap()
        .iter()
        .map(|p| p.as_str().unwrap().to_owned())
        .collect();
    same("node", expected.node.clone().map(Value::from))
        && same("proto", expected.proto.clone().map(Value::from))
        && same("port", Some(expected.port.map_or(Value::Null, Value::from)))
        && same("ports", expected.ports.clone().map(Value::from))
        && same("direction", expected.direction.clone().map(Value::from))
        && same("verdict", expected.verdict.clone().map(Value::from))
        && same("cause", expected.cause.clone().map(Value::from))
        && same("logged", expected.logged.map(Value::from))
        && same("attempts", expected.attempts.map(Value::from))
        && same("state", expected.state.clone().map(Value::from))
        && expected
            .evidence
            .iter()
            .all(|text| evidence(found).contains(text))
        && expected
            .peers
            .as_ref()
            .is_none_or(|peers| sorted(peers) == sorted(&found_peers))
}

fn rule_fits(expected: &Rule, found: &Value) -> bool {
    let null_if_empty = |text: &String| {
        if text.is_empty() {
            Value::Null
        } else {
            Value::from(text.clone())
        }
    };
    let same = |key: &str, value: Option<Value>| value.is_none_or(|value| found[key] == value);
    same("node", expected.node.clone().map(Value::from))
        && same("proto", expected.proto.clone().map(Value::from))
        && same("ports", expected.ports.as_ref().map(null_if_empty))
        && same("disposition", expected.disposition.clone().map(Value::from))
        && same("source", expected.source.as_ref().map(null_if_empty))
}
