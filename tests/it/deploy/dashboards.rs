//! The dashboard: its panels ask for what there is.

use std::fs;
use std::path::Path;

use serde_json::Value;

use super::FOLDER;

/// Returns the panels' titles and expressions, with what Grafana puts in place of its variables.
pub(super) fn expressions() -> Vec<(String, String)> {
    let path = Path::new(FOLDER).join("dashboard/dropsift.json");
    let dashboard: Value = serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap();
    let mut all = Vec::new();
    for panel in dashboard["panels"].as_array().unwrap() {
        // The data source of rancher-monitoring.
        assert_eq!(panel["datasource"]["uid"], "prometheus", "{panel}");
        for target in panel["targets"].as_array().unwrap() {
            let expression = target["expr"].as_str().unwrap();
            let expression = expression
                .replace("$node", ".*")
                .replace("$__rate_interval", "20s");
            assert!(!expression.contains('$'), "{expression}");
            all.push((panel["title"].as_str().unwrap().to_owned(), expression));
        }
    }
    assert!(all.len() >= 12);
    all
}

/// Checks by `count`, which asks Prometheus, that no panel stays empty.
pub(super) fn each_panel_has_series(count: impl Fn(&str) -> usize) {
    for (title, expression) in expressions() {
        assert!(count(&expression) > 0, "{title}: {expression}");
    }
}
