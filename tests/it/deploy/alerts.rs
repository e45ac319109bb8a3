//! The shipped alerts on a real Prometheus and Alertmanager: a missing rule becomes a message that reaches a receiver
//! through a route which asks for the namespace, and its end does too.

use std::cell::Cell;
use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use dropsift::time::{SECOND, Time};
use serde_json::Value;

use super::operators::{alertmanager, prometheus, rule_file};
use super::receiver::Receiver;
use super::{FOLDER, dashboards, yaml};
use crate::support::daemon::{Daemon, Process, ask, free_port, sum, wait};
use crate::support::has;

/// A log that a node writes, and the run that follows it.
struct Node {
    name: &'static str,
    role: &'static str,
    address: &'static str,
    log: PathBuf,
    /// By how much the times in the log lie behind the clock, in microseconds.
    lag: Cell<i64>,
}

impl Node {
    fn new(folder: &Path, name: &'static str, role: &'static str, address: &'static str) -> Self {
        let log = folder.join(format!("{name}.log"));
        File::create(&log).unwrap();
        Self {
            name,
            role,
            address,
            log,
            lag: Cell::new(0),
        }
    }

    /// Appends kernel messages of this moment, or of an earlier one where the log lags.
    fn write(&self, messages: &[String]) {
        let time = Time(now() - self.lag.get());
        let mut log = OpenOptions::new().append(true).open(&self.log).unwrap();
        for message in messages {
            writeln!(log, "{time} {} kernel: {message}", self.name).unwrap();
        }
    }

    /// Three neighbours try to open a connection to a port.
    fn is_asked_for(&self, port: u16) {
        self.write(&[60, 61, 62].map(|peer: u8| {
            let tcp = format!("SPT=400{peer} DPT={port} WINDOW=64240 RES=0x00 SYN URGP=0");
            self.packet(peer, &tcp)
        }));
    }

    fn packet(&self, peer: u8, tcp: &str) -> String {
        format!(
            "HARVESTER_DROP_IN=mgmt-br OUT= MAC=52:54:00:ab:cd:ef:52:54:00:ab:cd:ea:08:00 SRC=192.168.122.{peer} \
             DST={} LEN=40 TOS=0x00 PREC=0x00 TTL=64 ID=1 DF PROTO=TCP {tcp}",
            self.address
        )
    }

    fn follow(&self, address: &str, options: &[&str]) -> Daemon {
        let role = format!("{}={}", self.name, self.role);
        let log = self.log.to_str().unwrap();
        let mut args = vec!["--no-report", log, "--role", &role];
        args.extend(options);
        Daemon::start(address, &args)
    }
}

fn now() -> i64 {
    std::time::UNIX_EPOCH.elapsed().unwrap().as_micros() as i64
}

/// Prometheus and Alertmanager with the shipped files.
struct Stack {
    prometheus: String,
    alertmanager: String,
    _processes: [Process; 2],
}

impl Stack {
    fn start(folder: &Path, targets: &[(&str, &str)], receiver: &Receiver) -> Self {
        let shipped = |name: &str| yaml(&Path::new(FOLDER).join("monitoring").join(name));
        let ports = [free_port(), free_port()];
        let mut config = shipped("alertmanagerconfig.yaml");
        // As its comment says: the receiver is the reader's to fill in.
        config["spec"]["receivers"][0]["webhookConfigs"] = serde_json::json!([{"url": format!("http://{}/", receiver.address), "sendResolved": true}]);
        for (name, content) in [
            ("alertmanager.yaml", alertmanager(&config)),
            ("rules.yaml", rule_file(&shipped("prometheusrule.yaml"))),
            (
                "prometheus.yaml",
                prometheus(&shipped("podmonitor.yaml"), targets, ports[1]),
            ),
        ] {
            fs::write(folder.join(name), content.to_string()).unwrap();
        }
        for (tool, words) in [
            ("promtool", "check config prometheus.yaml"),
            ("amtool", "check-config alertmanager.yaml"),
        ] {
            let checked = Command::new(tool)
                .args(words.split(' '))
                .current_dir(folder)
                .output()
                .unwrap();
            assert!(checked.status.success(), "{tool}: {checked:?}");
        }
        let listen = |port: u16| format!("--web.listen-address=127.0.0.1:{port}");
        let processes = [
            (
                "prometheus",
                vec![
                    "--config.file=prometheus.yaml".to_owned(),
                    "--storage.tsdb.path=series".to_owned(),
                    "--rules.alert.resend-delay=1s".to_owned(),
                    listen(ports[0]),
                ],
            ),
            (
                "prometheus-alertmanager",
                vec![
                    "--config.file=alertmanager.yaml".to_owned(),
                    "--storage.path=notices".to_owned(),
                    // It is alone.
                    "--cluster.listen-address=".to_owned(),
                    listen(ports[1]),
                ],
            ),
        ]
        .map(|(program, args)| {
            let log = File::create(folder.join(format!("{program}.log"))).unwrap();
            let child = Command::new(program)
                .args(args)
                .current_dir(folder)
                .env("GOMAXPROCS", "1")
                .stdin(Stdio::null())
                .stdout(Stdio::null())
                .stderr(log)
                .spawn();
            Process(child.unwrap())
        });
        let stack = Self {
            prometheus: format!("127.0.0.1:{}", ports[0]),
            alertmanager: format!("127.0.0.1:{}", ports[1]),
            _processes: processes,
        };
        for server in [&stack.prometheus, &stack.alertmanager] {
            wait("a server that is ready", || {
                let answer = ask(server, "GET /-/ready HTTP/1.0\r\n\r\n").ok()?;
                answer.contains(" 200 OK").then_some(())
            });
        }
        stack
    }

    fn json(address: &str, path: &str) -> Value {
        let answer = ask(address, &format!("GET {path} HTTP/1.0\r\nHost: x\r\n\r\n")).unwrap();
        let (_, body) = answer.split_once("\r\n\r\n").unwrap();
        serde_json::from_str(body).unwrap_or_else(|why| panic!("{path}: {why}: {answer}"))
    }

    /// Returns the series that an expression gives.
    fn query(&self, expression: &str) -> Vec<Value> {
        let coded: String = expression
            .bytes()
            .map(|byte| format!("%{byte:02x}"))
            .collect();
        let answer = Self::json(&self.prometheus, &format!("/api/v1/query?query={coded}"));
        assert_eq!(answer["status"], "success", "{expression}: {answer}");
        answer["data"]["result"].as_array().unwrap().clone()
    }

    /// Waits until an alert of a node is held back by another one.
    fn wait_inhibited(&self, alert: &str, node: &str) {
        wait(&format!("{alert} of {node}, inhibited"), || {
            let alerts = Self::json(&self.alertmanager, "/api/v2/alerts");
            let mut all = alerts.as_array().unwrap().iter();
            let it =
                all.find(|a| a["labels"]["alertname"] == alert && a["labels"]["node"] == node)?;
            let by = it["status"]["inhibitedBy"].as_array().unwrap();
            (it["status"]["state"] == "suppressed" && !by.is_empty()).then_some(())
        });
    }
}

/// The finding of the port that stays closed is accepted by the stanza that the program prints.
fn accept(node: &Node, port: &str, config: &Path) {
    let program = env!("CARGO_BIN_EXE_dropsift");
    let role = format!("{}={}", node.name, node.role);
    let run = |args: &[&str]| {
        let output = Command::new(program)
            .args(args)
            .args(["--role", &role])
            .arg(&node.log)
            .output()
            .unwrap();
        String::from_utf8(output.stdout).unwrap()
    };
    let report: Value = serde_json::from_str(&run(&["-o", "json", "--port", port])).unwrap();
    let id = report["findings"][0]["id"].as_str().unwrap();
    let end = Command::new("date")
        .args(["-u", "-d", "30 days", "+%F"])
        .output()
        .unwrap();
    let end = String::from_utf8(end.stdout).unwrap();
    let stanza = run(&[
        "accept",
        id,
        "--reason",
        "closed on purpose",
        "--end",
        end.trim(),
    ]);
    assert!(stanza.contains("[[accept]]"), "{stanza}");
    fs::write(config, stanza).unwrap();
}

#[test]
fn a_missing_rule_reaches_a_receiver_and_its_end_does_too() {
    if ![
        "prometheus",
        "prometheus-alertmanager",
        "promtool",
        "amtool",
    ]
    .iter()
    .all(|tool| has(tool))
    {
        return;
    }
    let temporary = tempfile::tempdir().unwrap();
    let folder = temporary.path();
    let worker = Node::new(folder, "worker", "worker", "192.168.122.63");
    worker.lag.set(120 * SECOND);
    let server = Node::new(folder, "server", "control-plane", "192.168.122.64");
    let told = Node::new(folder, "told", "worker", "192.168.122.65");
    let found = Node::new(folder, "found", "worker", "192.168.122.66");
    // An upgrade that the user told, which goes on, and one that only the log shows: answers that are reset, of several
    // services of two nodes.
    let since = now() - 3600 * SECOND;
    let window = format!("{}..", Time(since));
    let mut wave = Vec::new();
    for service in [2379, 6443, 9345, 10250] {
        for peer in [61, 62] {
            let tcp = format!("SPT={service} DPT=4{peer}00 WINDOW=0 RES=0x00 RST URGP=0");
            wave.push(found.packet(peer, &tcp));
        }
    }
    found.write(&wave);
    let of_worker = worker.follow("0", &["--settle", "5s"]);
    let of_server = server.follow("0", &[]);
    let of_told = told.follow("0", &["--upgrade", &window]);
    let of_found = found.follow("0", &[]);
    let targets = [
        ("pod-worker", &of_worker.address[..]),
        ("pod-server", &of_server.address),
        ("pod-told", &of_told.address),
        ("pod-found", &of_found.address),
    ];
    let receiver = Receiver::start();
    let stack = Stack::start(folder, &targets, &receiver);

    worker.is_asked_for(9796);
    told.is_asked_for(9796);
    found.is_asked_for(9796);
    server.is_asked_for(2112);
    // Opened on workers only by the documentation, while its pod runs on control-plane too.
    server.is_asked_for(10660);
    let missing = |node| {
        [
            ("alertname", "HarvesterFirewallRuleMissing"),
            ("node", node),
        ]
    };
    let decide = [
        ("alertname", "HarvesterFirewallNeedsDecision"),
        ("port", "10660"),
    ];
    wait("the alert of the worker", || {
        worker.is_asked_for(9796);
        let told = receiver.told();
        let mut fired = told.iter().filter(|(_, fires)| *fires);
        fired
            .any(|(labels, _)| labels["node"] == "worker")
            .then_some(())
    });
    let first = receiver.told();
    let (labels, _) = first.iter().find(|t| t.0["node"] == "worker").unwrap();
    for (label, value) in [
        ("alertname", "HarvesterFirewallRuleMissing"),
        ("namespace", "cattle-monitoring-system"),
        ("severity", "critical"),
        ("port", "9796"),
        ("role", "worker"),
    ] {
        assert_eq!(
            labels.get(label).map(String::as_str),
            Some(value),
            "{label}"
        );
    }
    receiver.wait(&missing("server"), true);
    receiver.wait(&decide, true);
    // A window that only the log shows holds nothing back; one that was told does.
    assert!(
        !stack
            .query("dropsift_upgrade_window{node='found',origin='found'} == 1")
            .is_empty()
    );
    receiver.wait(&missing("found"), true);
    stack.wait_inhibited("HarvesterFirewallRuleMissing", "told");

    // Nobody asks the worker any more: its log comes to this moment without another drop.
    worker.lag.set(0);
    worker.write(&["mgmt-br: port 1(eno1) entered forwarding state".to_owned()]);
    receiver.wait(&missing("worker"), false);

    let config = folder.join("accepted.toml");
    accept(&server, "2112", &config);
    let address = of_server.address.clone();
    drop(of_server);
    let of_server = server.follow(&address, &["--config", config.to_str().unwrap()]);
    receiver.wait(&missing("server"), false);
    let page = of_server.series(|page| sum(page, "dropsift_accepted_findings", &[]) > 0.0);
    assert_eq!(
        sum(&page, "dropsift_findings", &["cause=\"documented-port\""]),
        0.0
    );
    receiver.wait(&decide, true);

    let told = receiver.told();
    assert!(
        told.iter().all(|(labels, _)| labels["node"] != "told"),
        "{told:?}"
    );
    let about_windows = |labels: &std::collections::BTreeMap<String, String>| {
        labels["alertname"] == "HarvesterFirewallUpgradeWindow"
    };
    assert!(!told.iter().any(|(labels, _)| about_windows(labels)));
    // No rule fails on real series.
    let rules = Stack::json(&stack.prometheus, "/api/v1/rules");
    for rule in rules["data"]["groups"][0]["rules"].as_array().unwrap() {
        assert_eq!(rule["health"], "ok", "{rule}");
    }
    dashboards::each_panel_has_series(|expression| stack.query(expression).len());
}

/// By Prometheus' own tool: which series become which alert, and when.
#[test]
fn alerts_fire_when_they_should() {
    if !has("promtool") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let rules = yaml(&Path::new(FOLDER).join("monitoring/prometheusrule.yaml"));
    fs::write(folder.path().join("rules.yaml"), rules["spec"].to_string()).unwrap();
    fs::copy(
        "fixtures/deploy/alerts.yaml",
        folder.path().join("alerts.yaml"),
    )
    .unwrap();
    for words in ["check rules rules.yaml", "test rules alerts.yaml"] {
        let output = Command::new("promtool")
            .args(words.split(' '))
            .current_dir(folder.path())
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        let out = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success(), "{words}: {out}{said}");
    }
}
