//! What docs/deploy/ has: each file is what its reader takes, and speaks of options and metrics that there are.

mod alerts;
mod cluster;
mod dashboards;
mod node;
mod operators;
mod receiver;
mod schemas;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use crate::support::daemon::{Daemon, get, sum};

const FOLDER: &str = "docs/deploy";

/// Returns the YAML files below `folder`, in order.
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

/// Returns the documents of a YAML file.
fn documents(path: &Path) -> Vec<Value> {
    let text = fs::read_to_string(path).unwrap();
    serde_saphyr::from_multiple(&text).unwrap_or_else(|why| panic!("{}: {why}", path.display()))
}

/// Returns the one document of a YAML file.
fn yaml(path: &Path) -> Value {
    let [document] = documents(path).try_into().unwrap();
    document
}

#[test]
fn every_file_is_an_object_and_every_resource_is_there() {
    let files = yaml_files(Path::new(FOLDER));
    assert!(files.len() >= 16);
    for (file, object) in files.iter().flat_map(|file| {
        documents(file)
            .into_iter()
            .map(move |object| (file, object))
    }) {
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
    assert_eq!(security["privileged"], false);
    assert_eq!(
        pod["securityContext"]["seccompProfile"]["type"],
        "RuntimeDefault"
    );
    for volume in pod["volumes"].as_array().unwrap() {
        // A folder that is created there makes journald keep its journal.
        let is_kept = volume["hostPath"]["path"] == "/var/log/journal";
        assert!(
            !is_kept || volume["hostPath"]["type"] == "Directory",
            "{volume}"
        );
    }
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

/// Returns the page of a run on a log with all there is.
fn page() -> String {
    let log = "fixtures/set-a/limited.log";
    let run = Daemon::start("0", &["--no-report", log]);
    run.series(|series| sum(series, "dropsift_lines_total", &[]) >= 135.0);
    get(&run.address, "/metrics")
}

/// Returns the names of this program's metrics in an expression.
fn metrics_in(expression: &str) -> impl Iterator<Item = &str> {
    let words = expression.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
    words.filter(|word| word.starts_with("dropsift_"))
}

#[test]
fn alerts_and_panels_speak_of_metrics_that_there_are() {
    let rules = yaml(&Path::new(FOLDER).join("monitoring/prometheusrule.yaml"));
    let mut asked: Vec<String> = Vec::new();
    for rule in rules["spec"]["groups"][0]["rules"].as_array().unwrap() {
        // Without it an alert reaches nobody on Harvester.
        assert_eq!(
            rule["labels"]["namespace"], "cattle-monitoring-system",
            "{rule}"
        );
        asked.push(rule["expr"].as_str().unwrap().to_owned());
    }
    let panels = dashboards::expressions().into_iter();
    asked.extend(panels.map(|(_, expression)| expression));
    let page = page();
    let metrics: BTreeSet<&str> = asked.iter().flat_map(|text| metrics_in(text)).collect();
    assert!(metrics.len() >= 12, "{metrics:?}");
    for metric in metrics {
        assert!(
            page.contains(&format!("\n{metric}{{")),
            "no metric {metric}"
        );
    }
}

/// The table of metrics in README.md: names, types and labels, no more and no fewer.
#[test]
fn the_table_of_metrics_is_what_a_page_has() {
    let readme = fs::read_to_string(Path::new(FOLDER).join("README.md")).unwrap();
    let mut written = BTreeSet::new();
    for row in readme.lines().filter(|row| row.starts_with("| `dropsift_")) {
        let cells: Vec<&str> = row.split('|').map(str::trim).collect();
        let labels = cells[3]
            .split(',')
            .map(|label| label.trim().trim_matches('`'));
        let labels: BTreeSet<String> = labels.map(str::to_owned).collect();
        written.insert((
            cells[1].trim_matches('`').to_owned(),
            cells[2].to_owned(),
            labels,
        ));
    }
    let page = page();
    let mut served = BTreeSet::new();
    let mut kind = "";
    for line in page.lines() {
        if let Some(told) = line.strip_prefix("# TYPE ") {
            kind = told.rsplit(' ').next().unwrap();
        }
        let Some((name, rest)) = line.split_once('{') else {
            continue;
        };
        let labels = rest
            .split("\",")
            .map(|label| label.split('=').next().unwrap());
        let labels: BTreeSet<String> = labels.map(str::to_owned).collect();
        served.insert((name.to_owned(), kind.to_owned(), labels));
    }
    assert_eq!(written, served);
}
