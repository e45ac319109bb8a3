//! What docs/deploy/ has: each file is what its reader takes, and speaks of options and metrics that there are.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use crate::support::has;

const FOLDER: &str = "docs/deploy";

fn yaml_files(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(yaml_files(&path));
        } else if path.extension().is_some_and(|end| end == "yaml") {
            files.push(path);
        }
    }
    files.sort();
    files
}

fn yaml(path: &Path) -> Value {
    let text = fs::read_to_string(path).unwrap();
    serde_saphyr::from_str(&text).unwrap_or_else(|why| panic!("{}: {why}", path.display()))
}

#[test]
fn every_file_is_an_object_and_every_resource_is_there() {
    let files = yaml_files(Path::new(FOLDER));
    assert!(files.len() >= 11);
    for file in files {
        let object = yaml(&file);
        assert!(object["apiVersion"].is_string(), "{}", file.display());
        assert!(object["kind"].is_string(), "{}", file.display());
        let folder = file.parent().unwrap();
        let named = object["resources"].as_array().into_iter().flatten();
        let patches = object["patches"].as_array().into_iter().flatten();
        for name in named.chain(patches.map(|patch| &patch["path"])) {
            let path = folder.join(name.as_str().unwrap());
            assert!(path.exists(), "{}: {name}", file.display());
        }
    }
}

/// The least that a pod which reads a journal needs.
#[test]
fn the_pod_has_no_more_rights_than_it_needs() {
    let daemon = yaml(&Path::new(FOLDER).join("base/daemonset.yaml"));
    let pod = &daemon["spec"]["template"]["spec"];
    assert_eq!(pod["automountServiceAccountToken"], false);
    assert_eq!(pod["hostNetwork"], false);
    let container = &pod["containers"][0];
    let security = &container["securityContext"];
    assert_eq!(security["readOnlyRootFilesystem"], true);
    assert_eq!(security["allowPrivilegeEscalation"], false);
    assert_eq!(security["capabilities"]["drop"][0], "ALL");
    assert!(security["privileged"].is_null());
    for mount in container["volumeMounts"].as_array().unwrap() {
        assert_eq!(mount["readOnly"], true, "{mount}");
    }
    let help = Command::new(env!("CARGO_BIN_EXE_dropsift"))
        .arg("--help")
        .output()
        .unwrap();
    let help = String::from_utf8(help.stdout).unwrap();
    for argument in container["args"].as_array().unwrap() {
        let option = argument.as_str().unwrap().split('=').next().unwrap();
        assert!(help.contains(option), "no option {option}");
    }
}

#[test]
fn alerts_speak_of_metrics_that_there_are() {
    let source = include_str!("../../src/report/metrics.rs");
    let rules = yaml(&Path::new(FOLDER).join("monitoring/prometheusrule.yaml"));
    let mut metrics = BTreeSet::new();
    for rule in rules["spec"]["groups"][0]["rules"].as_array().unwrap() {
        // Without it an alert reaches nobody on Harvester.
        assert_eq!(
            rule["labels"]["namespace"], "cattle-monitoring-system",
            "{rule}"
        );
        let expr = rule["expr"].as_str().unwrap();
        let words = expr.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
        metrics.extend(
            words
                .filter(|word| word.starts_with("dropsift_"))
                .map(str::to_owned),
        );
    }
    assert!(metrics.len() >= 5);
    for metric in metrics {
        let name = metric.trim_end_matches("_total");
        assert!(
            source.contains(&format!("\"{name}\"")),
            "no metric {metric}"
        );
    }
}

/// By Prometheus' own tool, where it is there.
#[test]
fn alerts_fire_when_they_should() {
    if !has("promtool") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let rules = yaml(&Path::new(FOLDER).join("monitoring/prometheusrule.yaml"));
    let spec = serde_json::to_string(&rules["spec"]).unwrap();
    fs::write(folder.path().join("rules.yaml"), spec).unwrap();
    fs::copy(
        "fixtures/deploy/alerts.yaml",
        folder.path().join("alerts.yaml"),
    )
    .unwrap();
    for words in [
        ["check", "rules", "rules.yaml"],
        ["test", "rules", "alerts.yaml"],
    ] {
        let output = Command::new("promtool")
            .args(words)
            .current_dir(folder.path())
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        let out = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success(), "{words:?}: {out}{said}");
    }
}
