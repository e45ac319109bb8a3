//! The program's JSON conforms to its schema: the golden reports and events, key by key.
//!
//! The check implements the keywords of JSON Schema that the schemas use, and fails on any other.

use std::fs::{self, File};
use std::path::Path;
use std::process::{Command, Stdio};

use dropsift::report::json_schema::SCHEMAS;
use serde_json::Value;

use crate::support::files;

fn schema(code: &str) -> Value {
    let schema = SCHEMAS.iter().find(|schema| schema.code == code).unwrap();
    let mut bytes = Vec::new();
    schema.write(&mut bytes).unwrap();
    serde_json::from_slice(&bytes).unwrap()
}

/// Returns the golden outputs in the schema `name`, a document a line.
fn documents(name: &str) -> Vec<Value> {
    let outputs = files("fixtures/cli").into_iter();
    let outputs = outputs.filter(|path| path.ends_with("stdout"));
    let text = outputs.map(|path| fs::read_to_string(path).unwrap());
    text.flat_map(|text| {
        let lines: Vec<Value> = text
            .lines()
            .filter_map(|line| serde_json::from_str(line).ok())
            .collect();
        lines
    })
    .filter(|document| document["schema"] == name)
    .collect()
}

#[test]
fn reports_are_as_their_schema_says() {
    let schema = schema("report");
    let documents = documents("dropsift/report/v1");
    assert!(documents.iter().any(|d| d["findings"][0].is_object()));
    for document in &documents {
        check(document, &schema, &schema, "report");
    }
}

#[test]
fn events_are_as_their_schema_says() {
    let schema = schema("event");
    let documents = documents("dropsift/event/v1");
    for kind in ["opened", "report"] {
        assert!(documents.iter().any(|d| d["event"] == kind), "no {kind}");
    }
    for document in &documents {
        check(document, &schema, &schema, "event");
    }
}

/// Every subcommand that answers as JSON, in `fixtures/`: the schema of its answers, and its arguments.
const ANSWERS: [(&str, &[&str]); 15] = [
    (
        "report",
        &["-o", "json", "--year", "2026", "set-a/limited.log"],
    ),
    (
        "report",
        &[
            "-o",
            "json",
            "--year",
            "2026",
            "--upgrade",
            "..2026-04-22T10:05:00Z",
            "set-a/limited.log",
        ],
    ),
    (
        "event",
        &[
            "-o",
            "ndjson",
            "--no-report",
            "--year",
            "2026",
            "set-a/limited.log",
        ],
    ),
    (
        "rules",
        &["rules", "-o", "json", "--year", "2026", "set-a/limited.log"],
    ),
    (
        "chain",
        &[
            "chain",
            "-o",
            "json",
            "--role",
            "worker",
            "cli/report/in-force-text/chain.save",
        ],
    ),
    (
        "simulate",
        &[
            "simulate",
            "-o",
            "json",
            "--with-suggested",
            "--rules",
            "cli/report/in-force-text/chain.save",
            "cli/report/in-force-text/input.log",
        ],
    ),
    (
        "audit",
        &[
            "audit",
            "-o",
            "json",
            "--role",
            "worker",
            "cli/report/in-force-text/chain.save",
        ],
    ),
    (
        "explain",
        &[
            "explain",
            "-o",
            "json",
            "HARVESTER_DROP_IN=mgmt-br ... SRC=192.168.122.63 DST=192.168.122.61 ... PROTO=TCP SPT=40000 DPT=2112 ... SYN URGP=0",
        ],
    ),
    (
        "report",
        &[
            "-o",
            "json",
            "--year",
            "2026",
            "--now",
            "2026-05-05T12:00:00Z",
            "--config",
            "config/dropsift.toml",
            "set-a/limited.log",
        ],
    ),
    (
        "diff",
        &[
            "diff",
            "-o",
            "json",
            "--year",
            "2026",
            "--role",
            "control-plane",
            "set-a/limited.log",
            "set-a/full.log",
        ],
    ),
    (
        "config",
        &[
            "config",
            "-o",
            "json",
            "--now",
            "2026-05-05T12:00:00Z",
            "--config",
            "config/dropsift.toml",
            "--node",
            "harvester1=192.168.122.61",
        ],
    ),
    ("causes", &["explain", "-o", "json", "list"]),
    ("causes", &["explain", "-o", "json", "scan"]),
    ("ports", &["ports", "-o", "json"]),
    ("ports", &["explain", "-o", "json", "tcp/2379"]),
];

/// Runs the program and returns the documents that it writes to stdout, one a line.
fn answers(args: &[&str], stdin: Option<&Path>) -> Vec<Value> {
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures");
    let stdin = stdin.map_or_else(Stdio::null, |path| File::open(path).unwrap().into());
    let output = Command::new(env!("CARGO_BIN_EXE_dropsift"))
        .args(args)
        .current_dir(fixtures)
        .stdin(stdin)
        .output()
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let documents: Vec<Value> = text
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(!documents.is_empty(), "{args:?} says nothing: {said}");
    documents
}

#[test]
fn answers_of_every_subcommand_are_as_their_schema_says() {
    for (code, args) in ANSWERS {
        let schema = schema(code);
        for document in answers(args, None) {
            assert_eq!(
                document["schema"],
                format!("dropsift/{code}/v1"),
                "{args:?}"
            );
            check(&document, &schema, &schema, code);
        }
    }
    let stream =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/cli/explain/stream-json/stdin");
    let schema = schema("answer");
    for document in answers(&["explain", "-", "-o", "json"], Some(&stream)) {
        check(&document, &schema, &schema, "answer");
    }
}

#[test]
fn each_document_has_a_schema_of_its_own_name() {
    for documented in SCHEMAS {
        let schema = schema(documented.code);
        assert_eq!(
            schema["$id"],
            format!("urn:dropsift:{}:v1", documented.code)
        );
        // No key of a report is ever absent.
        let optional = documented.code == "report"
            && schema["required"].as_array().unwrap().len()
                != schema["properties"].as_object().unwrap().len();
        assert!(!optional, "{schema}");
    }
}

#[test]
fn a_report_accounts_for_its_inputs_windows_and_findings() {
    let args = [
        "-o",
        "json",
        "--year",
        "2026",
        "--role",
        "harvester3=worker",
        "--upgrade",
        "..2026-04-22T10:05:00Z",
        "--port",
        "2112",
        "set-a/limited.log",
        "absent.log",
    ];
    let report = &answers(&args, None)[0];
    assert_eq!(
        report["windows"],
        serde_json::json!([{"from": null, "to": "2026-04-22T10:05:00Z", "origin": "told"}])
    );
    let inputs = report["inputs"].as_array().unwrap();
    assert_eq!(
        (&inputs[0]["name"], &inputs[0]["drops"], &inputs[0]["error"]),
        (&"set-a/limited.log".into(), &135.into(), &Value::Null)
    );
    assert!(
        inputs[1]["error"]
            .as_str()
            .unwrap()
            .contains("no such file"),
        "{inputs:?}"
    );
    let findings = report["findings"].as_array().unwrap();
    let logged: u64 = findings
        .iter()
        .map(|finding| finding["logged"].as_u64().unwrap())
        .sum();
    assert_eq!(logged + report["tally"]["filtered"].as_u64().unwrap(), 135);
    assert_eq!(
        report["summary"]["verdicts"]["missing-rule"],
        findings.len()
    );
    // Its role is a guess, so its rule is to be decided on.
    assert_eq!(
        (&report["summary"]["decisions"], &findings[0]["role_known"]),
        (&1.into(), &false.into())
    );
    assert!(
        findings[0]["text"]
            .as_str()
            .unwrap()
            .starts_with("tcp/2112 kube-vip Prometheus metrics on harvester1: ")
    );
    assert_eq!(
        (&findings[0]["accepted"], &findings[0]["replaces"]),
        (&Value::Null, &Value::Array(Vec::new()))
    );
}

#[test]
fn rules_and_chains_are_as_their_schemas_say() {
    for (code, list) in [("rules", "checks"), ("chain", "wider")] {
        let schema = schema(code);
        let documents = documents(&format!("dropsift/{code}/v1"));
        assert!(documents.iter().any(|d| d[list][0].is_object()), "{code}");
        for document in &documents {
            check(document, &schema, &schema, code);
        }
    }
}

#[test]
fn the_check_finds_what_is_wrong() {
    let schema = schema("report");
    let good = &documents("dropsift/report/v1")[0];
    let broken: [fn(&mut Value); 4] = [
        |document| document["tally"]["lines"] = "many".into(),
        |document| document["surplus"] = 1.into(),
        |document| drop(document.as_object_mut().unwrap().remove("span")),
        |document| document["schema"] = "dropsift/report/v2".into(),
    ];
    for breaks in broken {
        let mut document = good.clone();
        breaks(&mut document);
        let caught = std::panic::catch_unwind(|| check(&document, &schema, &schema, "report"));
        assert!(caught.is_err(), "{document}");
    }
}

/// Stops where `value` is not as `schema` says. An object may have no key that its schema does not name.
pub(crate) fn check(value: &Value, schema: &Value, root: &Value, at: &str) {
    for (word, rule) in schema.as_object().unwrap() {
        match word.as_str() {
            "$ref" => {
                check(value, resolved(schema, root), root, at);
            }
            "anyOf" => {
                let mut any = rule.as_array().unwrap().iter();
                if value.is_null() {
                    assert!(any.any(|one| one["type"] == "null"), "{at} is null");
                } else {
                    // Of several object schemas, the one whose required keys are present.
                    let meant = |one: &&Value| {
                        let one = resolved(one, root);
                        let keys = one["required"].as_array().into_iter().flatten();
                        one["type"] != "null"
                            && keys
                                .map(|key| key.as_str().unwrap())
                                .all(|key| value.get(key).is_some())
                    };
                    let meant = any
                        .find(meant)
                        .unwrap_or_else(|| panic!("{at} is none of {rule}: {value}"));
                    check(value, meant, root, at);
                }
            }
            "type" => assert!(is_of(value, rule), "{at} is no {rule}: {value}"),
            "const" => assert_eq!(value, rule, "{at}"),
            "enum" => assert!(
                rule.as_array().unwrap().contains(value),
                "{at} is none of {rule}: {value}"
            ),
            "minimum" => assert!(value.as_f64().is_none_or(|n| n >= rule.as_f64().unwrap())),
            "maximum" => assert!(value.as_f64().is_none_or(|n| n <= rule.as_f64().unwrap())),
            "items" => {
                for (place, item) in value.as_array().into_iter().flatten().enumerate() {
                    check(item, rule, root, &format!("{at}[{place}]"));
                }
            }
            "required" => {
                for key in rule.as_array().unwrap() {
                    let there = value.get(key.as_str().unwrap()).is_some();
                    assert!(there, "{at} has no {key}");
                }
            }
            "properties" => {
                for (key, inner) in value.as_object().unwrap() {
                    let at = format!("{at}.{key}");
                    let rule = rule.get(key).unwrap_or_else(|| panic!("{at} is not named"));
                    check(inner, rule, root, &at);
                }
            }
            "additionalProperties" => {
                for (key, inner) in value.as_object().unwrap() {
                    check(inner, rule, root, &format!("{at}.{key}"));
                }
            }
            "$schema" | "$id" | "$defs" | "title" | "description" | "format" => {}
            other => panic!("the check does not know `{other}`"),
        }
    }
}

/// Returns a schema, or the one to which its `$ref` points.
fn resolved<'s>(schema: &'s Value, root: &'s Value) -> &'s Value {
    let pointer = schema["$ref"].as_str();
    pointer.map_or(schema, |pointer| {
        root.pointer(pointer.trim_start_matches('#')).unwrap()
    })
}

fn is_of(value: &Value, types: &Value) -> bool {
    let is = |name: &Value| match name.as_str().unwrap() {
        "object" => value.is_object(),
        "array" => value.is_array(),
        "string" => value.is_string(),
        "integer" => value.is_u64() || value.is_i64(),
        "number" => value.is_number(),
        "boolean" => value.is_boolean(),
        "null" => value.is_null(),
        other => panic!("the check does not know the type `{other}`"),
    };
    match types {
        Value::Array(any) => any.iter().any(is),
        one => is(one),
    }
}
