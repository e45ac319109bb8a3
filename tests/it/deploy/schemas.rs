//! The objects are of their kinds: by the fields that are written down here, by kustomize, and by the definitions and the
//! validators of others where those are there.

#![allow(clippy::print_stderr, reason = "what is left out is named")]

use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};

use super::{FOLDER, documents, yaml, yaml_files};
use crate::schema::check;
use crate::support::has;

/// Returns the custom resources, each with its file.
fn custom_resources() -> Vec<(String, Value)> {
    let mut all = Vec::new();
    for file in yaml_files(Path::new(FOLDER)) {
        for object in documents(&file) {
            let group = object["apiVersion"].as_str().unwrap();
            if group.contains('.') && !group.starts_with("kustomize.") {
                all.push((file.display().to_string(), object));
            }
        }
    }
    all
}

#[test]
fn custom_resources_have_the_fields_of_their_kind() {
    let kinds = yaml(Path::new("fixtures/deploy/kinds.yaml"));
    let all = custom_resources();
    assert!(all.len() >= 9);
    for (file, object) in &all {
        let schema = &kinds[object["kind"].as_str().unwrap()];
        assert!(schema.is_object(), "{file}: {}", object["kind"]);
        check(object, schema, schema, file);
    }
}

/// By the CustomResourceDefinitions of those who read them, in a folder that DROPSIFT_CRDS names.
#[test]
fn custom_resources_pass_their_definitions() {
    let Some(folder) = std::env::var_os("DROPSIFT_CRDS") else {
        return eprintln!(
            "left out: no CustomResourceDefinitions; DROPSIFT_CRDS names a folder of them"
        );
    };
    assert!(has("check-jsonschema"), "pip install check-jsonschema");
    let definitions: Vec<Value> = yaml_files(Path::new(&folder))
        .iter()
        .flat_map(|file| documents(file))
        .collect();
    let temporary = tempfile::tempdir().unwrap();
    for (file, object) in custom_resources() {
        let definition = definitions
            .iter()
            .find(|one| one["spec"]["names"]["kind"] == object["kind"]);
        let Some(definition) = definition else {
            eprintln!("left out: {file}, no definition of {}", object["kind"]);
            continue;
        };
        let group = definition["spec"]["group"].as_str().unwrap();
        let mut versions = definition["spec"]["versions"].as_array().unwrap().iter();
        let is_its = |version: &&Value| {
            object["apiVersion"] == format!("{group}/{}", version["name"].as_str().unwrap())
        };
        let version = versions.find(is_its).unwrap();
        let mut schema = version["schema"]["openAPIV3Schema"].clone();
        close(&mut schema);
        schema["properties"]["metadata"] = json!({"type": "object"});
        let [schema_file, object_file] =
            ["schema.json", "object.json"].map(|name| temporary.path().join(name));
        fs::write(&schema_file, schema.to_string()).unwrap();
        fs::write(&object_file, object.to_string()).unwrap();
        let checked = Command::new("check-jsonschema")
            .arg("--schemafile")
            .args([&schema_file, &object_file])
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&checked.stderr);
        let out = String::from_utf8_lossy(&checked.stdout);
        assert!(checked.status.success(), "{file}: {out}{said}");
    }
}

/// Refuses keys that an object's schema does not name: an API server drops them without a word. Leaves out expressions that
/// only Go's library reads.
fn close(schema: &mut Value) {
    match schema {
        Value::Object(words) => {
            let is_open = words.contains_key("x-kubernetes-preserve-unknown-fields")
                || words.contains_key("additionalProperties");
            if words.get("properties").is_some_and(Value::is_object) && !is_open {
                words.insert("additionalProperties".to_owned(), false.into());
            }
            let is_go = |rule: &Value| rule.as_str().is_some_and(|text| text.contains("(?i)"));
            if words.get("pattern").is_some_and(is_go) {
                words.remove("pattern");
            }
            words.values_mut().for_each(close);
        }
        Value::Array(all) => all.iter_mut().for_each(close),
        _ => {}
    }
}

/// Returns what kustomize makes of a folder.
fn kustomized(folder: &str) -> Vec<Value> {
    let output = Command::new("kubectl")
        .args(["kustomize", folder])
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{folder}: {said}");
    let text = String::from_utf8(output.stdout).unwrap();
    serde_saphyr::from_multiple(&text).unwrap()
}

#[test]
fn kustomize_makes_whole_objects() {
    if !has("kubectl") {
        return;
    }
    for role in ["control-plane", "worker", "witness"] {
        let [daemon] = kustomized(&format!("{FOLDER}/overlays/{role}"))
            .try_into()
            .unwrap();
        assert_eq!(daemon["metadata"]["name"], format!("dropsift-{role}"));
        assert_eq!(daemon["metadata"]["namespace"], "cattle-monitoring-system");
        let template = &daemon["spec"]["template"];
        // Three DaemonSets must not take each other's pods.
        let selector = &daemon["spec"]["selector"]["matchLabels"];
        assert_eq!(selector["dropsift/role"], role);
        assert_eq!(selector, &template["metadata"]["labels"]);
        let container = &template["spec"]["containers"][0];
        assert_eq!(container["env"], json!([{"name": "ROLE", "value": role}]));
        // The patch has left the base as it was.
        assert_eq!(container["args"][0], "--journal");
        assert_eq!(container["volumeMounts"].as_array().unwrap().len(), 3);
    }
    for (folder, namespace, count) in [
        ("monitoring", "cattle-monitoring-system", 3),
        ("dashboard", "cattle-dashboards", 1),
        ("logging", "cattle-logging-system", 2),
    ] {
        let objects = kustomized(&format!("{FOLDER}/{folder}"));
        assert_eq!(objects.len(), count, "{folder}");
        for object in &objects {
            assert_eq!(object["metadata"]["namespace"], namespace, "{folder}");
        }
        if folder == "dashboard" {
            assert_eq!(objects[0]["metadata"]["labels"]["grafana_dashboard"], "1");
            let text = objects[0]["data"]["dropsift.json"].as_str().unwrap();
            assert!(serde_json::from_str::<Value>(text).unwrap()["panels"].is_array());
        }
    }
}

/// By the schemas of Kubernetes that the package kubernetes-validate has, of the oldest and the newest release of Harvester.
#[test]
fn the_pods_are_as_kubernetes_wants_them() {
    if !has("kubectl") || !has("kubernetes-validate") {
        return;
    }
    let temporary = tempfile::tempdir().unwrap();
    for folder in [
        "overlays/control-plane",
        "overlays/worker",
        "overlays/witness",
        "dashboard",
    ] {
        let objects = kustomized(&format!("{FOLDER}/{folder}"));
        let path = temporary.path().join("object.yaml");
        fs::write(&path, objects[0].to_string()).unwrap();
        for version in ["1.29", "1.35"] {
            let checked = Command::new("kubernetes-validate")
                .args(["--strict", "-k", version])
                .arg(&path)
                .output()
                .unwrap();
            let said = String::from_utf8_lossy(&checked.stderr);
            let out = String::from_utf8_lossy(&checked.stdout);
            assert!(checked.status.success(), "{folder}: {out}{said}");
        }
    }
}
