//! What runs on a node without Kubernetes: units, the CloudInit that installs them, and node-problem-detector's plugin.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use serde_json::Value;

use super::{FOLDER, documents, yaml};
use crate::support::daemon::{Process, wait};
use crate::support::{has, sample_journal};

/// The role's label of the CloudInit resources in the documentation.
const ROLES: [&str; 3] = ["control-plane", "worker", "witness"];

fn of_node(name: &str) -> String {
    fs::read_to_string(Path::new(FOLDER).join("node").join(name)).unwrap()
}

/// Returns the selector of the documentation's CloudInit for a role.
fn documented_selector(role: &str) -> Value {
    let path = format!("fixtures/audit/node-without-rules/91-iptables-{role}.yaml");
    yaml(Path::new(&path))["spec"]["matchSelector"].clone()
}

#[test]
fn pods_and_units_have_the_role_by_whose_labels_the_rules_are_installed() {
    let drop_ins = documents(&Path::new(FOLDER).join("node/cloudinit.yaml"));
    for role in ROLES {
        let selector = documented_selector(role);
        let overlay = format!("{FOLDER}/overlays/{role}/role.yaml");
        let pod = &yaml(Path::new(&overlay))["spec"]["template"]["spec"];
        assert_eq!(pod["nodeSelector"], selector, "{role}");
        assert_eq!(pod["containers"][0]["env"][0]["value"], role);
        let own = drop_ins.iter().find(|one| {
            let contents = one["spec"]["contents"].as_str().unwrap();
            contents.contains(&format!("Environment=ROLE=--role={role}\n"))
        });
        assert_eq!(own.unwrap()["spec"]["matchSelector"], selector, "{role}");
    }
    let witness = yaml(&Path::new(FOLDER).join("overlays/witness/role.yaml"));
    let toleration = &witness["spec"]["template"]["spec"]["tolerations"][0];
    assert_eq!(toleration["key"], "node-role.kubernetes.io/etcd");
    assert_eq!(toleration["effect"], "NoExecute");
}

#[test]
fn the_cloudinit_writes_the_unit_and_no_program() {
    let mut names = Vec::new();
    let mut written = BTreeMap::new();
    for object in documents(&Path::new(FOLDER).join("node/cloudinit.yaml")) {
        // The webhook of Harvester refuses other endings, and a name that is taken.
        let name = object["spec"]["filename"].as_str().unwrap().to_owned();
        assert!(name.ends_with(".yaml") && !names.contains(&name), "{name}");
        names.push(name);
        let contents: Value =
            serde_saphyr::from_str(object["spec"]["contents"].as_str().unwrap()).unwrap();
        let stages = contents["stages"].as_object().unwrap();
        assert_eq!(stages.keys().collect::<Vec<_>>(), ["initramfs"]);
        for step in stages["initramfs"].as_array().unwrap() {
            assert!(step["downloads"].is_null() && step["commands"].is_null());
            for file in step["files"].as_array().unwrap() {
                let path = file["path"].as_str().unwrap();
                assert!(
                    path.starts_with("/etc/systemd/system/dropsift.service"),
                    "{path}"
                );
                written.insert(
                    path.to_owned(),
                    file["content"].as_str().unwrap().to_owned(),
                );
            }
            let enabled = &step["systemctl"]["enable"];
            assert!(enabled.is_null() || enabled[0] == "dropsift.service");
        }
    }
    assert_eq!(
        written["/etc/systemd/system/dropsift.service"],
        of_node("dropsift.service")
    );
}

/// By systemd's own tool. Its scale goes from 0 to 10.
#[test]
fn the_units_are_sound_and_expose_little() {
    if !has("systemd-analyze") {
        return;
    }
    let temporary = tempfile::tempdir().unwrap();
    let program = env!("CARGO_BIN_EXE_dropsift");
    let units = [
        "dropsift.service",
        "dropsift-check.service",
        "dropsift-check.timer",
    ];
    for unit in units {
        let text = of_node(unit).replace("/usr/local/bin/dropsift", program);
        fs::write(temporary.path().join(unit), text).unwrap();
    }
    let analyze = |args: &[&str]| {
        Command::new("systemd-analyze")
            .args(args)
            .current_dir(temporary.path())
            .output()
            .unwrap()
    };
    for unit in units {
        let path = temporary.path().join(unit).display().to_string();
        let verified = analyze(&["verify", "--man=no", &path]);
        let said = String::from_utf8_lossy(&verified.stderr);
        assert!(
            verified.status.success() && said.is_empty(),
            "{unit}: {said}"
        );
        if unit.ends_with(".service") {
            let output = analyze(&[
                "security",
                "--offline=yes",
                "--threshold=30",
                "--no-pager",
                &path,
            ]);
            let said = String::from_utf8_lossy(&output.stdout);
            assert!(output.status.success(), "{unit}: {said}");
        }
    }
}

/// Returns the system calls of a group of systemd's, those of the groups in it too.
fn system_calls(group: &str) -> BTreeSet<String> {
    let output = Command::new("systemd-analyze")
        .args(["--no-pager", "syscall-filter", group])
        .output()
        .unwrap();
    assert!(output.status.success(), "{group}: {output:?}");
    let text = String::from_utf8(output.stdout).unwrap();
    let mut calls = BTreeSet::new();
    for word in text.lines().skip(1).map(str::trim) {
        if word.starts_with('@') {
            calls.extend(system_calls(word));
        } else if !word.is_empty() && !word.starts_with('#') {
            calls.insert(word.to_owned());
        }
    }
    calls
}

/// A program under strace, which goes on where strace alone is ended.
struct Traced {
    strace: Process,
    trace: PathBuf,
}

impl Traced {
    /// Sends a signal to the program; whether that was possible.
    fn signal(&self, name: &str) -> bool {
        // The first call is that of the program's own process.
        let trace = fs::read_to_string(&self.trace).unwrap_or_default();
        let process = trace.split(' ').next().unwrap_or_default();
        let ended = Command::new("kill")
            .args([name, process])
            .stderr(Stdio::null())
            .status();
        !process.is_empty() && ended.is_ok_and(|status| status.success())
    }
}

impl Drop for Traced {
    fn drop(&mut self) {
        if self.strace.0.try_wait().is_ok_and(|ended| ended.is_none()) {
            self.signal("-KILL");
        }
    }
}

/// A call that the filter refuses ends the program at once.
#[test]
fn the_units_let_the_program_make_its_system_calls() {
    if !has("systemd-analyze") || !has("strace") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    fs::create_dir(path("journal")).unwrap();
    fs::write(path("journal/system.journal"), sample_journal()).unwrap();
    let [trace, cursor, events] = ["trace", "cursor", "events"].map(path);
    let child = Command::new("strace")
        .args(["-f", "-qq", "-o"])
        .arg(&trace)
        .arg(env!("CARGO_BIN_EXE_dropsift"))
        .args([
            "--follow",
            "--output",
            "ndjson",
            "--no-report",
            "--cursor-file",
        ])
        .args([&cursor, &path("journal")])
        .stdout(fs::File::create(&events).unwrap())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut traced = Traced {
        strace: Process(child),
        trace: trace.clone(),
    };
    // A stop before the journal is read keeps the cursor as it is.
    wait("the event and the cursor", || {
        let has_event = fs::read_to_string(&events).is_ok_and(|text| text.contains("\"opened\""));
        let has_cursor = fs::metadata(&cursor).is_ok_and(|meta| meta.len() > 0);
        (has_event && has_cursor).then_some(())
    });
    assert!(traced.signal("-TERM") && traced.strace.0.wait().unwrap().code().is_some());
    assert!(fs::read_to_string(&events).unwrap().contains("\"opened\""));
    let text = fs::read_to_string(&trace).unwrap();
    let made: BTreeSet<&str> = text
        .lines()
        .filter_map(|line| Some(line.split_once(' ')?.1.trim_start().split_once('(')?.0))
        .filter(|name| {
            name.bytes()
                .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_')
        })
        .collect();
    assert!(
        made.contains("openat") && made.contains("renameat"),
        "{made:?}"
    );
    for unit in ["dropsift.service", "dropsift-check.service"] {
        let mut allowed = BTreeSet::new();
        for line in of_node(unit).lines() {
            let Some(filter) = line.strip_prefix("SystemCallFilter=") else {
                continue;
            };
            let groups = filter.trim_start_matches('~').split(' ').map(system_calls);
            for calls in groups {
                if filter.starts_with('~') {
                    allowed.retain(|call| !calls.contains(call));
                } else {
                    allowed.extend(calls);
                }
            }
        }
        // What systemd always lets through.
        allowed.extend(system_calls("@default"));
        let refused: Vec<_> = made
            .iter()
            .filter(|call| !allowed.contains(**call))
            .collect();
        assert!(refused.is_empty(), "{unit} refuses {refused:?}");
    }
}

/// Runs the plugin's command on a log in place of the journal.
fn plugin(args: &[&str], log: &str) -> Output {
    Command::new(env!("CARGO_BIN_EXE_dropsift"))
        .args(args)
        .arg(log)
        .output()
        .unwrap()
}

/// The protocol of node-problem-detector's custom plugins: 0 is well, 1 is a problem, all else unknown; the message is the
/// first 80 bytes of stdout.
#[test]
fn the_plugin_says_in_80_bytes_what_is_wrong() {
    let config: Value = serde_json::from_str(&of_node("node-problem-detector.json")).unwrap();
    assert_eq!(config["plugin"], "custom");
    let rule = &config["rules"][0];
    assert_eq!(rule["condition"], config["conditions"][0]["type"]);
    let args: Vec<&str> = rule["args"]
        .as_array()
        .unwrap()
        .iter()
        .map(|arg| arg.as_str().unwrap())
        .collect();
    assert_eq!(args, ["-q", "--journal", "--since", "5m"]);
    let most = config["pluginConfig"]["max_output_length"]
        .as_u64()
        .unwrap();
    assert_eq!(most, 80);
    let quiet =
        "2026-04-22T10:00:00+00:00 h1 kernel: mgmt-br: port 1(eno1) entered forwarding state\n";
    let folder = tempfile::tempdir().unwrap();
    let log = folder.path().join("quiet.log");
    fs::write(&log, quiet).unwrap();
    let mut codes = Vec::new();
    for log in [
        "fixtures/set-a/limited.log",
        "fixtures/set-a/full.log",
        "fixtures/cli/report/scan/input.log",
        "fixtures/cli/report/unreadable-only/input.log",
        "fixtures/cli/report/many-nodes/input.log",
        log.to_str().unwrap(),
        "absent.log",
    ] {
        let output = plugin(&["-q"], log);
        let code = output.status.code().unwrap();
        codes.push(code);
        let out = String::from_utf8(output.stdout).unwrap();
        let first = out.lines().next().unwrap_or_default();
        assert!(first.len() <= 80, "{log}: {first}");
        // What it does not find out is no answer, and what it finds is a sentence.
        assert!(code > 1 || first.ends_with('.'), "{log}: {code} {first}");
    }
    assert!(codes.contains(&0) && codes.contains(&1) && codes.contains(&2) && codes.contains(&3));
}

/// The command itself, on the journal of this machine, whatever that has.
#[test]
fn the_plugin_reads_the_journal_of_this_machine() {
    let output = Command::new(env!("CARGO_BIN_EXE_dropsift"))
        .args(["-q", "--journal", "--since", "5m"])
        .output()
        .unwrap();
    let first = String::from_utf8(output.stdout).unwrap();
    let first = first.lines().next().unwrap_or_default().to_owned();
    assert!(first.len() <= 80, "{first}");
    // A machine without a journal is no machine on which nothing is missing.
    let said = String::from_utf8_lossy(&output.stderr);
    match output.status.code() {
        Some(0 | 1) => assert!(first.ends_with('.'), "{first}"),
        code => assert!(
            code == Some(2) && said.contains("journal"),
            "{code:?} {said}"
        ),
    }
}
