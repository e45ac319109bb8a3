//! `dropsift diff`: new, gone and changed findings, and the notes on differences that are not the cluster's.

use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::support::dropsift;

fn diff(folder: &Path, args: &[&str]) -> (Option<i32>, Value) {
    let output = dropsift(
        folder,
        &[&["diff", "--year", "2026", "-o", "json"], args].concat(),
    );
    let value = serde_json::from_slice(&output.stdout);
    let value = value.unwrap_or_else(|_| panic!("{}", String::from_utf8_lossy(&output.stderr)));
    (output.status.code(), value)
}

/// SYNs of one node, `PEER PORT`, a minute apart from `from` on.
fn log(from: u32, lines: &[&str]) -> String {
    let line = |(at, text): (usize, &&str)| {
        let (peer, port) = text.split_once(' ').unwrap();
        let minute = from as usize + at;
        // Outsiders come by the router.
        let from_mac = if peer.starts_with("10.") { "01" } else { "e3" };
        format!(
            "May 05 {:02}:{:02}:00.000000 harvester1 kernel: HARVESTER_DROP_IN=mgmt-br OUT= \
             MAC=52:54:00:ab:cd:ef:52:54:00:ab:cd:{from_mac}:08:00 SRC={peer} DST=192.168.122.61 LEN=60 TOS=0x00 PREC=0x00 TTL=64 ID={at} DF \
             PROTO=TCP SPT={} DPT={port} WINDOW=64240 RES=0x00 SYN URGP=0 \n",
            minute / 60,
            minute % 60,
            40000 + at
        )
    };
    lines.iter().enumerate().map(line).collect()
}

fn names(value: &Value, key: &str) -> Vec<String> {
    let all = value[key].as_array().unwrap().iter();
    all.map(|one| {
        let finding = match key {
            "new" | "gone" => &one["finding"],
            _ => &one["now"],
        };
        format!(
            "{} {}",
            finding["verdict"].as_str().unwrap(),
            finding["port"]
        )
    })
    .collect()
}

fn doubts(value: &Value, key: &str) -> Vec<String> {
    let all = value[key].as_array().unwrap().iter();
    all.flat_map(|one| {
        one["doubts"]
            .as_array()
            .unwrap()
            .iter()
            .map(|d| d["code"].as_str().unwrap().to_owned())
    })
    .collect()
}

#[test]
fn on_the_limited_and_the_full_log_it_names_what_the_limit_hid() {
    let set_a = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/set-a");
    let (code, value) = diff(&set_a, &["limited.log", "full.log"]);
    assert_eq!(code, Some(0), "no missing rule is new");
    let new = value["new"].as_array().unwrap();
    assert!(!new.is_empty());
    for one in new {
        let codes: Vec<&Value> = one["doubts"]
            .as_array()
            .unwrap()
            .iter()
            .map(|d| &d["code"])
            .collect();
        assert!(codes.iter().any(|code| *code == "log-saturated"), "{one}");
    }
    assert_eq!(
        value["gone"].as_array().unwrap().len(),
        0,
        "the full log has all that the limited one has"
    );
    // All that changed is the scan, of which the limited log shows too little.
    for one in value["changed"].as_array().unwrap() {
        assert_eq!(one["now"]["cause"], "scan", "{one}");
    }
    // The truth: each pair of node and cause of the full log that the limited one lacks was dropped unlogged.
    let back = diff(&set_a, &["full.log", "limited.log"]).1;
    for one in back["gone"].as_array().unwrap() {
        assert!(
            !one["doubts"].as_array().unwrap().is_empty(),
            "never plainly gone: {one}"
        );
    }
    assert_eq!(back["new"].as_array().unwrap().len(), 0);
    let text = String::from_utf8(
        dropsift(
            &set_a,
            &["diff", "--year", "2026", "limited.log", "full.log"],
        )
        .stdout,
    )
    .unwrap();
    assert!(text.starts_with("No missing rule is new."), "{text}");
    assert!(
        text.lines().all(|line| line.chars().count() <= 80),
        "{text}"
    );
}

#[test]
fn new_gone_changed_and_still_there() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    let before = log(
        540,
        &[
            "192.168.122.63 2112",
            "192.168.122.63 6443",
            "192.168.122.63 5900",
            "192.168.122.63 2112",
            "192.168.122.63 6443",
        ],
    );
    let after = log(
        600,
        &[
            "192.168.122.63 2112",
            "192.168.122.62 9345",
            "192.168.122.63 5900",
            "192.168.122.63 5900",
            "192.168.122.63 2112",
        ],
    );
    fs::write(root.join("b.log"), before).unwrap();
    fs::write(root.join("a.log"), after).unwrap();
    let (code, value) = diff(root, &["--role", "control-plane", "b.log", "a.log"]);
    assert_eq!(code, Some(1));
    assert_eq!(names(&value, "new"), ["missing-rule 9345"]);
    assert_eq!(names(&value, "gone"), ["missing-rule 6443"]);
    assert_eq!(names(&value, "same"), ["missing-rule 2112"]);
    assert_eq!(
        names(&value, "changed"),
        ["missing-rule 5900"],
        "one attempt was a review"
    );
    assert_eq!(value["summary"]["new_missing"], 2);
    assert_eq!(
        doubts(&value, "gone"),
        Vec::<String>::new(),
        "the later log is as long, and of the same node"
    );
    // The result is the same for reports, and for a report and a log.
    for (name, log) in [("b.json", "b.log"), ("a.json", "a.log")] {
        let report = dropsift(
            root,
            &[
                "--year",
                "2026",
                "--role",
                "control-plane",
                "-o",
                "json",
                log,
            ],
        );
        fs::write(root.join(name), report.stdout).unwrap();
    }
    for pair in [
        ["b.json", "a.json"],
        ["b.json", "a.log"],
        ["b.log", "a.json"],
    ] {
        let (code, other) = diff(root, &["--role", "control-plane", pair[0], pair[1]]);
        assert_eq!(code, Some(1), "{pair:?}");
        for key in ["new", "gone", "same", "changed"] {
            assert_eq!(names(&other, key), names(&value, key), "{pair:?} {key}");
        }
    }
    let nothing = diff(root, &["b.log", "b.log"]);
    assert_eq!(nothing.0, Some(0));
    assert_eq!(
        nothing.1["new"].as_array().unwrap().len() + nothing.1["gone"].as_array().unwrap().len(),
        0
    );
    // What is accepted is no news that counts.
    fs::write(
        root.join("d.toml"),
        "[[accept]]\nverdict = \"missing-rule\"\nproto = \"tcp\"\nport = 9345\nreason = \"r\"\nuntil = 2026-12-31\n\n[[accept]]\nverdict = \
         \"missing-rule\"\nproto = \"tcp\"\nport = 5900\nreason = \"r\"\nuntil = 2026-12-31\n",
    )
    .unwrap();
    let now = [
        "--now",
        "2026-05-05T12:00:00Z",
        "--config",
        "d.toml",
        "b.log",
        "a.log",
    ];
    assert_eq!(diff(root, &now).0, Some(0));
}

#[test]
fn gone_is_not_said_where_the_later_log_could_not_show_it() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    let seldom: Vec<&str> = std::iter::once("192.168.122.63 2112")
        .chain(std::iter::repeat_n("192.168.122.63 6443", 59))
        .collect();
    fs::write(root.join("long.log"), log(540, &seldom)).unwrap();
    fs::write(
        root.join("short.log"),
        log(700, &["192.168.122.63 6443", "192.168.122.63 6443"]),
    )
    .unwrap();
    fs::write(
        root.join("other.log"),
        log(700, &["192.168.122.63 6443"]).replace("harvester1", "harvester2"),
    )
    .unwrap();
    fs::write(
        root.join("none.log"),
        "May 05 12:00:00.000000 harvester1 kernel: eth0: link up\n",
    )
    .unwrap();
    for (after, code) in [
        ("short.log", "too-short"),
        ("other.log", "node-absent"),
        ("none.log", "no-drops"),
    ] {
        let (_, value) = diff(root, &["long.log", after]);
        assert!(
            doubts(&value, "gone").iter().any(|doubt| doubt == code),
            "{after}: {:?}",
            doubts(&value, "gone")
        );
    }
}

#[test]
fn what_the_options_made_differ_is_said() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    fs::write(
        root.join("k.log"),
        log(
            540,
            &["192.168.122.63 2112", "10.9.0.5 9100", "10.9.0.5 9100"],
        ),
    )
    .unwrap();
    let report = |name: &str, args: &[&str]| {
        let output = dropsift(
            root,
            &[&["--year", "2026", "-o", "json", "k.log"], args].concat(),
        );
        fs::write(root.join(name), output.stdout).unwrap();
    };
    report("cp.json", &["--role", "control-plane"]);
    report("worker.json", &["--role", "worker"]);
    report(
        "inside.json",
        &[
            "--role",
            "control-plane",
            "--node-net",
            "10.9.0.0/24",
            "--node-net",
            "192.168.122.0/24",
        ],
    );
    let (_, role) = diff(root, &["cp.json", "worker.json"]);
    assert_eq!(role["notes"][0]["code"], "role-differs");
    let what: Vec<&str> = role["changed"][0]["what"]
        .as_array()
        .unwrap()
        .iter()
        .map(|w| w["code"].as_str().unwrap())
        .collect();
    assert!(
        what.contains(&"role") && what.contains(&"verdict"),
        "{what:?}"
    );
    // Other networks make other ids of the same drops: that is no new finding.
    let (code, moved) = diff(root, &["cp.json", "inside.json"]);
    assert_eq!(names(&moved, "new"), Vec::<String>::new());
    assert_eq!(names(&moved, "gone"), Vec::<String>::new());
    assert_eq!(moved["changed"][0]["what"][0]["code"], "id");
    assert_eq!(code, Some(1), "it counts now, and did not before");
}

#[test]
fn what_cannot_be_compared_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    fs::write(root.join("k.log"), log(540, &["192.168.122.63 2112"])).unwrap();
    for args in [
        &["diff", "k.log"][..],
        &["diff", "-", "-"],
        &["diff", "k.log", "absent.log"],
        &["diff", "--journal", "k.log", "k.log"],
    ] {
        let output = dropsift(root, args);
        assert_eq!(output.status.code(), Some(2), "{args:?}");
    }
    fs::write(root.join("prose"), "nothing\nof a log\n").unwrap();
    assert_eq!(
        dropsift(root, &["diff", "--year", "2026", "k.log", "prose"])
            .status
            .code(),
        Some(3)
    );
}
