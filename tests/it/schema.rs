//! What the program writes as JSON is as its schema says: the golden reports and events, key by key.
//!
//! The check knows the words of JSON Schema that the schemas use, and stops at any other.

use std::fs;
use std::path::Path;

use dropsift::report::json_schema::SCHEMAS;
use serde_json::Value;

fn schema(code: &str) -> Value {
    let schema = SCHEMAS.iter().find(|schema| schema.code == code).unwrap();
    let mut bytes = Vec::new();
    schema.write(&mut bytes).unwrap();
    serde_json::from_slice(&bytes).unwrap()
}

/// The golden outputs whose arguments ask for JSON, a document a line.
fn documents(name: &str) -> Vec<Value> {
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures");
    let text = fs::read_dir(fixtures)
        .unwrap()
        .map(|entry| fs::read_to_string(entry.unwrap().path().join("stdout")).unwrap_or_default());
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
fn check(value: &Value, schema: &Value, root: &Value, at: &str) {
    for (word, rule) in schema.as_object().unwrap() {
        match word.as_str() {
            "$ref" => {
                let pointer = rule.as_str().unwrap().trim_start_matches('#');
                check(value, root.pointer(pointer).unwrap(), root, at);
            }
            "anyOf" => {
                let null = rule.as_array().unwrap().iter();
                let of = null.filter(|one| (one["type"] == "null") == value.is_null());
                for one in of {
                    check(value, one, root, at);
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
            "$schema" | "$defs" | "title" | "description" | "format" => {}
            other => panic!("the check does not know `{other}`"),
        }
    }
}

fn is_of(value: &Value, types: &Value) -> bool {
    let is = |name: &Value| match name.as_str().unwrap() {
        "object" => value.is_object(),
        "array" => value.is_array(),
        "string" => value.is_string(),
        "integer" => value.is_u64() || value.is_i64(),
        "boolean" => value.is_boolean(),
        "null" => value.is_null(),
        other => panic!("the check does not know the type `{other}`"),
    };
    match types {
        Value::Array(any) => any.iter().any(is),
        one => is(one),
    }
}
