//! What the operators of rancher-monitoring make of the files in docs/deploy/monitoring: configurations of Prometheus and
//! Alertmanager, with waits that a test can spare.

use serde_json::{Value, json};

/// Namespace to which the files are applied, as its kustomization says.
pub(super) const NAMESPACE: &str = "cattle-monitoring-system";

/// Seconds that a wait of the shipped files takes in a test: one for each five minutes, at least one.
fn shortened(wait: &str) -> String {
    let minutes: u64 = wait.strip_suffix('m').unwrap().parse().unwrap();
    format!("{}s", (minutes / 5).max(1))
}

/// Returns the rule file of a PrometheusRule.
pub(super) fn rule_file(rule: &Value) -> Value {
    let mut spec = rule["spec"].clone();
    for group in spec["groups"].as_array_mut().unwrap() {
        for rule in group["rules"].as_array_mut().unwrap() {
            if let Some(wait) = rule["for"].as_str() {
                rule["for"] = shortened(wait).into();
            }
        }
    }
    spec
}

/// Returns the configuration of Prometheus with the endpoint of a PodMonitor. Each target is a pod of that name.
pub(super) fn prometheus(monitor: &Value, targets: &[(&str, &str)], alertmanager: u16) -> Value {
    let endpoint = &monitor["spec"]["podMetricsEndpoints"][0];
    let name = monitor["metadata"]["name"].as_str().unwrap();
    let pods = targets.iter().map(|(pod, address)| {
        json!({"targets": [address], "labels": {"namespace": NAMESPACE, "pod": pod, "endpoint": endpoint["port"]}})
    });
    json!({
        "global": {"scrape_interval": "1s", "evaluation_interval": "1s"},
        "rule_files": ["rules.yaml"],
        "alerting": {"alertmanagers": [
            {"static_configs": [{"targets": [format!("127.0.0.1:{alertmanager}")]}]}
        ]},
        "scrape_configs": [{
            "job_name": format!("{NAMESPACE}/{name}"),
            "honor_labels": endpoint["honorLabels"],
            "metrics_path": endpoint["path"],
            "static_configs": pods.collect::<Vec<_>>(),
        }],
    })
}

/// Returns the configuration of Alertmanager with an AlertmanagerConfig: each name gets the object's before it, and the
/// route and the inhibitions ask for its namespace too (prometheus-operator, pkg/alertmanager/amcfg.go).
pub(super) fn alertmanager(config: &Value) -> Value {
    let name = config["metadata"]["name"].as_str().unwrap();
    let spec = &config["spec"];
    let mut own = route(&spec["route"], name);
    let asked = own["matchers"].as_array_mut().unwrap();
    asked.push(of_namespace());
    own["continue"] = true.into();
    let receivers = spec["receivers"].as_array().unwrap().iter();
    let mut receivers: Vec<Value> = receivers
        .map(|receiver| {
            let hooks = receiver["webhookConfigs"].as_array().into_iter().flatten();
            let hooks = hooks
                .map(|hook| json!({"url": hook["url"], "send_resolved": hook["sendResolved"]}));
            json!({
                "name": namespaced(&receiver["name"], name),
                "webhook_configs": hooks.collect::<Vec<_>>(),
            })
        })
        .collect();
    receivers.push(json!({"name": "null"}));
    let inhibitions = spec["inhibitRules"].as_array().unwrap().iter().map(|rule| {
        let of = |side: &str| {
            let mut all = matchers(&rule[side]);
            all.push(of_namespace());
            all
        };
        json!({
            "source_matchers": of("sourceMatch"),
            "target_matchers": of("targetMatch"),
            "equal": rule["equal"],
        })
    });
    json!({
        "route": {
            "receiver": "null",
            "group_wait": "1s",
            "group_interval": "1s",
            "repeat_interval": "1h",
            "routes": [own],
        },
        "receivers": receivers,
        "inhibit_rules": inhibitions.collect::<Vec<_>>(),
    })
}

fn route(told: &Value, name: &str) -> Value {
    let inner = told["routes"].as_array().into_iter().flatten();
    let mut route = json!({
        "receiver": namespaced(&told["receiver"], name),
        "matchers": matchers(&told["matchers"]),
        "routes": inner.map(|told| route(told, name)).collect::<Vec<_>>(),
    });
    if !told["groupBy"].is_null() {
        route["group_by"] = told["groupBy"].clone();
    }
    route
}

fn matchers(told: &Value) -> Vec<Value> {
    let texts = told.as_array().unwrap().iter().map(|one| {
        let word = |key: &str| one[key].as_str().unwrap();
        format!("{}{}\"{}\"", word("name"), word("matchType"), word("value")).into()
    });
    texts.collect()
}

fn of_namespace() -> Value {
    format!("namespace=\"{NAMESPACE}\"").into()
}

fn namespaced(told: &Value, name: &str) -> String {
    format!("{NAMESPACE}/{name}/{}", told.as_str().unwrap())
}
