//! Acceptances: the table of cases in fixtures/accept, the output of `dropsift accept`, and live events.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde::Deserialize;
use serde_json::Value;

use crate::support::piped;

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
    args: Vec<String>,
    now: Option<String>,
    config: String,
    lines: Vec<String>,
    exit: i32,
    accepted: Vec<String>,
    until: Option<String>,
    reason: Option<String>,
    rules: Option<Vec<String>>,
    #[serde(default)]
    warnings: Vec<String>,
    #[serde(default)]
    absent: Vec<String>,
    #[serde(default)]
    says: Vec<String>,
    #[serde(default)]
    never: Vec<String>,
}

/// Drop lines in the form of the README there.
fn log(lines: &[String]) -> String {
    let line = |(at, text): (usize, &String)| {
        let [node, peer, what, spt] = text.split(' ').collect::<Vec<_>>()[..] else {
            panic!("{text}")
        };
        let (proto, port) = what.split_once('/').unwrap();
        let own = 60 + node.trim_start_matches("harvester").parse::<u8>().unwrap();
        let tail = match proto {
            "tcp" => format!("PROTO=TCP SPT={spt} DPT={port} WINDOW=64240 RES=0x00 SYN URGP=0 "),
            "udp" => format!("PROTO=UDP SPT={spt} DPT={port} LEN=40 "),
            _ => format!("PROTO=ICMP TYPE={port} CODE=0 ID={spt} SEQ=1 "),
        };
        format!(
            "May 05 09:{:02}:{:02}.000000 {node} kernel: HARVESTER_DROP_IN=mgmt-br OUT= \
             MAC=52:54:00:ab:cd:{own:02}:52:54:00:ab:cd:e3:08:00 SRC={peer} DST=192.168.122.{own} LEN=60 TOS=0x00 PREC=0x00 TTL=64 \
             ID={} DF {tail}\n",
            at / 6,
            at % 6 * 10,
            at + 1
        )
    };
    lines.iter().enumerate().map(line).collect()
}

fn dropsift(folder: &Path, args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_dropsift"))
        .args(args)
        .current_dir(folder)
        .env_remove("DROPSIFT_CONFIG")
        .output()
        .unwrap()
}

/// Runs a case and returns its faults; empty if there are none.
fn run(case: &Case) -> Vec<String> {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("d.toml"), &case.config).unwrap();
    fs::write(folder.path().join("in.log"), log(&case.lines)).unwrap();
    let now = case.now.as_deref().unwrap_or("2026-05-05T12:00:00Z");
    let mut args = vec![
        "--year", "2026", "--now", now, "--config", "d.toml", "in.log",
    ];
    args.extend(case.args.iter().map(String::as_str));
    let text = dropsift(folder.path(), &args);
    args.extend(["-o", "json"]);
    let output = dropsift(folder.path(), &args);
    let Ok(report) = serde_json::from_slice::<Value>(&output.stdout) else {
        return vec![format!(
            "no report: {}",
            String::from_utf8_lossy(&output.stderr)
        )];
    };
    let mut wrong = Vec::new();
    for (form, code) in [("json", output.status.code()), ("text", text.status.code())] {
        if code != Some(case.exit) {
            wrong.push(format!("{form} exits with {code:?}, not {}", case.exit));
        }
    }
    let findings = report["findings"].as_array().unwrap();
    let accepted: Vec<&Value> = findings
        .iter()
        .filter(|f| !f["accepted"].is_null())
        .collect();
    let names: Vec<String> = accepted
        .iter()
        .map(|f| {
            let port = f["port"]
                .as_u64()
                .map_or_else(String::new, |port| format!("/{port}"));
            format!(
                "{} {}{port}",
                f["node"].as_str().unwrap(),
                f["proto"].as_str().unwrap()
            )
        })
        .collect();
    if names != case.accepted {
        wrong.push(format!("accepted are {names:?}"));
    }
    if report["summary"]["accepted"] != accepted.len() {
        wrong.push("the summary counts them wrong".to_owned());
    }
    for (key, wanted) in [("until", &case.until), ("reason", &case.reason)] {
        if let Some(wanted) = wanted
            && accepted[0]["accepted"][key] != wanted.as_str()
        {
            wrong.push(format!("{key} is {}", accepted[0]["accepted"][key]));
        }
    }
    if let Some(wanted) = &case.rules {
        let rules = report["rules"].as_array().unwrap();
        let rules: Vec<String> = rules
            .iter()
            .map(|rule| {
                format!(
                    "{} {}",
                    rule["id"].as_str().unwrap(),
                    rule["disposition"].as_str().unwrap()
                )
            })
            .collect();
        if rules != *wanted {
            wrong.push(format!("rules are {rules:?}"));
        }
    }
    let codes: Vec<&str> = report["warnings"]
        .as_array()
        .unwrap()
        .iter()
        .map(|w| w["code"].as_str().unwrap())
        .collect();
    wrong.extend(
        case.warnings
            .iter()
            .filter(|code| !codes.contains(&code.as_str()))
            .map(|code| format!("no {code}: {codes:?}")),
    );
    wrong.extend(
        case.absent
            .iter()
            .filter(|code| codes.contains(&code.as_str()))
            .map(|code| format!("has {code}")),
    );
    let text = String::from_utf8(text.stdout).unwrap();
    let words = text.split_whitespace().collect::<Vec<_>>().join(" ");
    wrong.extend(
        case.says
            .iter()
            .filter(|part| !words.contains(part.as_str()))
            .map(|part| format!("does not say `{part}`:\n{text}")),
    );
    wrong.extend(
        case.never
            .iter()
            .filter(|part| words.contains(part.as_str()))
            .map(|part| format!("says `{part}`:\n{text}")),
    );
    let long = text
        .lines()
        .find(|line| line.chars().count() > 80 && !line.contains("iptables"));
    wrong.extend(long.map(|line| format!("is wider than 80 columns: {line}")));
    wrong
}

#[test]
fn every_case_is_accepted_or_counts() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/accept");
    let mut files: Vec<PathBuf> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|e| e == "toml"))
        .collect();
    files.sort();
    let (mut cases, mut failures) = (0, Vec::new());
    for file in files {
        let table: Table = toml::from_str(&fs::read_to_string(&file).unwrap())
            .unwrap_or_else(|why| panic!("{}: {why}", file.display()));
        for case in table.case {
            cases += 1;
            failures.extend(
                run(&case)
                    .into_iter()
                    .map(|why| format!("{} ({}): {why}", case.name, case.source)),
            );
        }
    }
    assert!(cases >= 20, "only {cases} cases");
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

fn vnc(peers: &[&str]) -> String {
    let lines: Vec<String> = (peers.iter().enumerate())
        .map(|(n, peer)| format!("harvester1 {peer} tcp/5900 {}", 40000 + n))
        .collect();
    log(&lines)
}

const NOW: [&str; 4] = ["--year", "2026", "--now", "2026-05-05T12:00:00Z"];

/// The output of `accept` is read back, and covers only that finding, without further peers.
#[test]
fn what_accept_prints_covers_that_finding() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    let other = log(&[
        "harvester2 192.168.122.201 tcp/5900 50001".to_owned(),
        "harvester2 192.168.122.201 tcp/5900 50002".to_owned(),
    ]);
    fs::write(
        root.join("in.log"),
        vnc(&["192.168.122.200", "192.168.122.200"]) + &other,
    )
    .unwrap();
    let report = dropsift(root, &[&NOW[..], &["-o", "json", "in.log"]].concat());
    let report: Value = serde_json::from_slice(&report.stdout).unwrap();
    let finding = &report["findings"]
        .as_array()
        .unwrap()
        .iter()
        .find(|f| f["node"] == "harvester1")
        .unwrap();
    let id = finding["id"].as_str().unwrap();
    let hostile = "closed \"on purpose\" \\ 'for good' ☃";
    let before: Vec<_> = fs::read_dir(root)
        .unwrap()
        .map(|e| e.unwrap().file_name())
        .collect();
    let stanza = dropsift(
        root,
        &[
            &[
                "accept",
                &id[..6],
                "--reason",
                hostile,
                "--end",
                "2026-12-31",
            ],
            &NOW[..],
            &["in.log"],
        ]
        .concat(),
    );
    assert_eq!(
        stanza.status.code(),
        Some(0),
        "{}",
        String::from_utf8_lossy(&stanza.stderr)
    );
    let after: Vec<_> = fs::read_dir(root)
        .unwrap()
        .map(|e| e.unwrap().file_name())
        .collect();
    assert_eq!(before, after, "nothing is written");
    fs::write(root.join("d.toml"), &stanza.stdout).unwrap();
    let again = dropsift(
        root,
        &[&NOW[..], &["--config", "d.toml", "-o", "json", "in.log"]].concat(),
    );
    let again: Value = serde_json::from_slice(&again.stdout).unwrap();
    for finding in again["findings"].as_array().unwrap() {
        if finding["id"] == id {
            assert_eq!(finding["accepted"]["reason"], hostile);
        } else {
            assert!(finding["accepted"].is_null());
        }
    }
    // A further peer is another matter.
    fs::write(
        root.join("in.log"),
        vnc(&["192.168.122.200", "192.168.122.77"]),
    )
    .unwrap();
    let third = dropsift(
        root,
        &[&NOW[..], &["--config", "d.toml", "-o", "json", "in.log"]].concat(),
    );
    assert_eq!(third.status.code(), Some(1));
    assert!(
        String::from_utf8(third.stdout)
            .unwrap()
            .contains("acceptance-partial")
    );
}

/// The name of a node is untrusted: the writer of the log chooses it.
#[test]
fn hostile_names_are_quoted_in_the_stanza() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    let name = "x\"]\n[[accept]]\nverdict = \"missing-rule\"\u{1b}[31m\u{202e}";
    let message = "HARVESTER_DROP_IN=mgmt-br OUT= MAC=52:54:00:ab:cd:ef:52:54:00:ab:cd:e3:08:00 SRC=192.168.122.63 DST=192.168.122.61 \
                   LEN=60 TOS=0x00 PREC=0x00 TTL=64 ID=1 DF PROTO=TCP SPT=40000 DPT=6443 WINDOW=64240 RES=0x00 SYN URGP=0";
    let entry = serde_json::json!({"__REALTIME_TIMESTAMP": "1777971600000000", "_TRANSPORT": "kernel", "_HOSTNAME": name, "MESSAGE": message});
    fs::write(root.join("in.json"), format!("{entry}\n")).unwrap();
    let report = dropsift(root, &[&NOW[..], &["-o", "json", "in.json"]].concat());
    let report: Value = serde_json::from_slice(&report.stdout).unwrap();
    let id = report["findings"][0]["id"].as_str().unwrap();
    let stanza = dropsift(
        root,
        &[
            &["accept", id, "--reason", "r", "--end", "2026-12-31"],
            &NOW[..],
            &["in.json"],
        ]
        .concat(),
    );
    let text = String::from_utf8(stanza.stdout).unwrap();
    assert_eq!(
        text.matches("[[accept]]").count(),
        2,
        "one of them is a name:\n{text}"
    );
    assert!(
        text.chars().all(|c| c == '\n' || !c.is_control()),
        "{text:?}"
    );
    fs::write(root.join("d.toml"), &text).unwrap();
    let again = dropsift(
        root,
        &[&NOW[..], &["--config", "d.toml", "-o", "json", "in.json"]].concat(),
    );
    assert_eq!(
        again.status.code(),
        Some(0),
        "{}",
        String::from_utf8_lossy(&again.stderr)
    );
    let again: Value = serde_json::from_slice(&again.stdout).unwrap();
    assert_eq!(again["findings"][0]["accepted"]["reason"], "r");
}

#[test]
fn live_events_carry_the_acceptance_and_no_command_stands_below() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    fs::write(
        root.join("d.toml"),
        "[[accept]]\nverdict = \"missing-rule\"\nproto = \"tcp\"\nport = 2112\nreason = \"metrics stay closed\"\nuntil = 2026-12-31\n",
    )
    .unwrap();
    let run = |form: &str| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_dropsift"));
        command
            .args(NOW)
            .args([
                "-f",
                "-o",
                form,
                "--role",
                "control-plane",
                "--config",
                "d.toml",
                "-",
            ])
            .current_dir(root)
            .env("COLUMNS", "80");
        let line = log(&["harvester1 192.168.122.63 tcp/2112 40001".to_owned()]);
        let output = piped(&mut command, line);
        assert_eq!(output.status.code(), Some(0));
        String::from_utf8(output.stdout).unwrap()
    };
    let events = run("ndjson");
    let opened: Value = serde_json::from_str(events.lines().next().unwrap()).unwrap();
    assert_eq!(opened["event"], "opened");
    assert_eq!(opened["finding"]["accepted"]["until"], "2026-12-31");
    assert_eq!(opened["rules"], serde_json::json!([]));
    let text = run("text");
    assert!(
        text.contains("known") && text.contains("metrics stay closed"),
        "{text}"
    );
    assert!(
        !text.contains("iptables") && !text.contains("MISSING"),
        "{text}"
    );
}

/// `rules`, `rules --check` and `simulate` do as the report: no rule, no exit 1, and it is said.
#[test]
fn rules_and_simulate_leave_closed_what_was_accepted() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    fs::write(
        root.join("in.log"),
        log(&["harvester1 192.168.122.63 tcp/2112 40001".to_owned()]),
    )
    .unwrap();
    fs::write(
        root.join("d.toml"),
        "[[accept]]\nverdict = \"missing-rule\"\nproto = \"tcp\"\nport = 2112\nreason = \"metrics stay closed\"\nuntil = 2026-12-31\n",
    )
    .unwrap();
    fs::write(
        root.join("chain"),
        "*filter\n:INPUT ACCEPT [0:0]\n:HARVESTER_INPUT - [0:0]\n-A INPUT -j HARVESTER_INPUT\n-A HARVESTER_INPUT -m limit --limit 10/min \
         -j LOG --log-prefix HARVESTER_DROP_\n-A HARVESTER_INPUT -j DROP\nCOMMIT\n",
    )
    .unwrap();
    let all = [&NOW[..], &["--role", "control-plane", "--config", "d.toml"]].concat();
    let script = dropsift(root, &[&["rules"], &all[..], &["in.log"]].concat());
    assert_eq!(script.status.code(), Some(0));
    let said = String::from_utf8(script.stderr).unwrap();
    assert!(
        said.contains("accepted until 2026-12-31") && said.contains("no rule is offered"),
        "{said}"
    );
    assert!(!String::from_utf8(script.stdout).unwrap().contains("2112"));
    let check = dropsift(
        root,
        &[
            &["rules", "--check", "--rules", "chain"],
            &all[..],
            &["in.log"],
        ]
        .concat(),
    );
    assert_eq!(check.status.code(), Some(0));
    let simulated = dropsift(
        root,
        &[
            &["simulate", "--rules", "chain", "-o", "json"],
            &all[..],
            &["in.log"],
        ]
        .concat(),
    );
    assert_eq!(simulated.status.code(), Some(0));
    let simulated: Value = serde_json::from_slice(&simulated.stdout).unwrap();
    assert_eq!(
        simulated["findings"][0]["accepted"]["reason"],
        "metrics stay closed"
    );
}

/// A flag stands against the file, the environment names a file as the option does, and `config` says which held.
#[test]
fn flags_stand_against_the_file_and_config_says_from_where() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    fs::write(
        root.join("d.toml"),
        "[cluster]\nnode-net = [\"10.0.0.0/24\"]\nprefix = \"FW_\"\nsettle = \"7min\"\n\n[[node]]\nname = \"harvester1\"\nrole = \"worker\"\n",
    )
    .unwrap();
    let config = |args: &[&str], set: Option<&str>| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_dropsift"));
        command
            .args(["config", "-o", "json"])
            .args(args)
            .current_dir(root)
            .env_remove("DROPSIFT_CONFIG");
        command.envs(set.map(|value| ("DROPSIFT_CONFIG", value)));
        let output = command.output().unwrap();
        assert_eq!(
            output.status.code(),
            Some(0),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
        serde_json::from_slice::<Value>(&output.stdout).unwrap()
    };
    let setting = |held: &Value, name: &str| {
        let all = held["settings"].as_array().unwrap();
        let one = all.iter().find(|one| one["name"] == name).unwrap();
        format!(
            "{} {} {}",
            one["values"][0].as_str().unwrap(),
            one["origin"].as_str().unwrap(),
            one["place"].as_str().unwrap()
        )
    };
    let by_file = config(&["--config", "d.toml"], None);
    assert_eq!(setting(&by_file, "prefix"), "FW_ config d.toml:3");
    assert_eq!(setting(&by_file, "settle"), "7min config d.toml:4");
    assert_eq!(setting(&by_file, "limit"), "10/min:5 assumed the default");
    assert_eq!(by_file["nodes"][0]["role"], "worker");
    assert_eq!(by_file["nodes"][0]["place"], "d.toml:8");
    let by_flag = config(
        &[
            "--config",
            "d.toml",
            "--prefix",
            "X_",
            "--role",
            "harvester1=witness",
            "--node-net",
            "10.9.0.0/24",
        ],
        None,
    );
    assert_eq!(setting(&by_flag, "prefix"), "X_ told --prefix");
    assert_eq!(setting(&by_flag, "node-net"), "10.9.0.0/24 told --node-net");
    assert_eq!(by_flag["nodes"][0]["role"], "witness");
    assert_eq!(config(&[], Some("d.toml")), by_file);
    assert!(config(&[], Some(""))["file"].is_null());
    assert!(config(&[], None)["file"].is_null(), "never discovered");
}
