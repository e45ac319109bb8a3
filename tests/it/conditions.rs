//! Conditions that a CloudInit's text does not settle are taken as neither met nor unmet: `fixtures/conditions.toml`, by
//! every command that reads a chain.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde::Deserialize;

const TABLE: &str = include_str!("../../fixtures/conditions.toml");

#[derive(Deserialize)]
struct Table {
    case: Vec<Case>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    name: String,
    /// Whether the rule is there whichever way the conditions go.
    has: bool,
    /// The condition that a warning names.
    names: Option<String>,
    /// Items of the list of commands.
    commands: String,
}

impl Case {
    fn yaml(&self) -> String {
        format!(
            "apiVersion: node.harvesterhci.io/v1beta1
kind: CloudInit
metadata: {{name: fw}}
spec:
  matchSelector: {{node-role.kubernetes.io/control-plane: \"true\"}}
  filename: 91-fw.yaml
  contents: |
    stages:
      boot:
        - name: fw
          commands:
            - iptables -N HARVESTER_INPUT
            - iptables -A INPUT -i mgmt-br -j HARVESTER_INPUT
            - iptables -A HARVESTER_INPUT -m conntrack --ctstate ESTABLISHED,RELATED -j ACCEPT
{}
            - iptables -A HARVESTER_INPUT -m limit --limit 10/min -j LOG --log-prefix HARVESTER_DROP_
            - iptables -A HARVESTER_INPUT -j DROP
",
            self.commands.trim_start_matches('\n')
        )
    }
}

fn log() -> String {
    let line = |second: u32| {
        format!(
            "May 04 09:58:{second} harvester1 kernel: HARVESTER_DROP_IN=mgmt-br OUT= MAC=52:54:00:ab:cd:ef:52:54:00:ab:cd:ea:\
             08:00 SRC=192.168.122.63 DST=192.168.122.61 LEN=60 TOS=0x00 PREC=0x00 TTL=64 ID=1 DF PROTO=TCP SPT=400{second} \
             DPT=2112 WINDOW=64240 RES=0x00 SYN URGP=0\n"
        )
    };
    line(10) + &line(40)
}

fn run(folder: &Path, args: &[&str]) -> (String, String) {
    let Output { stdout, stderr, .. } = Command::new(env!("CARGO_BIN_EXE_dropsift"))
        .args(args)
        .env("COLUMNS", "200")
        .current_dir(folder)
        .output()
        .unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (text(stdout), text(stderr))
}

/// Creates a folder with the file of a case and the log.
fn folder(name: &str, file: &str, text: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    fs::create_dir_all(&folder).unwrap();
    fs::write(folder.join(file), text).unwrap();
    fs::write(folder.join("in.log"), log()).unwrap();
    folder
}

fn cases() -> Vec<Case> {
    toml::from_str::<Table>(TABLE).unwrap().case
}

const COMMON: [&str; 5] = ["--role", "control-plane", "--year", "2026", "in.log"];

/// Number of rules in a text that accept the port.
fn accepts(text: &str) -> usize {
    text.matches("--dport 2112 -m comment").count()
}

#[test]
fn a_patch_adds_what_is_there_one_way_only_and_names_the_condition() {
    for case in cases() {
        let name = &case.name;
        let folder = folder("conditions-patch", "fw.yaml", &case.yaml());
        let patch = |file| {
            let args = [&["rules", "--format", "cloudinit-patch", file][..], &COMMON].concat();
            run(&folder, &args)
        };
        let (new, said) = patch("fw.yaml");
        assert_eq!(accepts(&new) == 0, case.has, "{name}: {said}{new}");
        assert_eq!(said.contains("nothing to add"), case.has, "{name}: {said}");
        if let Some(condition) = &case.names {
            let named = format!("one way only, since whether `{condition}`");
            let among = format!("and `{condition}`");
            assert!(
                said.contains(&named) || said.contains(&among),
                "{name}: {said}"
            );
        }
        // The new file has it whichever way they go.
        fs::write(folder.join("new.yaml"), &new).unwrap();
        let (again, said) = patch("new.yaml");
        assert!(
            again == new && said.contains("nothing to add"),
            "{name}: {said}"
        );
    }
}

#[test]
fn an_object_is_patched_as_its_block_of_lines_is() {
    for case in cases() {
        let value: serde_json::Value = serde_saphyr::from_str(&case.yaml()).unwrap();
        let folder = folder("conditions-object", "fw.json", &value.to_string());
        let args = [
            &["rules", "--format", "cloudinit-patch", "fw.json"][..],
            &COMMON,
        ]
        .concat();
        let (new, said) = run(&folder, &args);
        let adds = new.contains("--dport 2112 -m comment");
        assert_eq!(adds, !case.has, "{}: {said}{new}", case.name);
    }
}

#[test]
fn checks_reports_and_simulations_take_no_condition_as_met() {
    for case in cases() {
        let name = &case.name;
        let folder = folder("conditions-asked", "fw.yaml", &case.yaml());
        let with = |first: &[&str]| run(&folder, &[first, &COMMON].concat()).0;
        let checked = with(&["rules", "--check", "--rules", "fw.yaml"]);
        assert_eq!(
            checked.starts_with("next-boot"),
            case.has,
            "{name}: {checked}"
        );
        let simulated = with(&["simulate", "--rules", "fw.yaml"]);
        let accepted = simulated.contains("ACCEPTED FROM THE NEXT BOOT ON");
        assert_eq!(accepted, case.has, "{name}: {simulated}");
        let report = with(&["--rules", "fw.yaml", "-o", "json"]);
        assert!(report.contains("\"missing-rule\""), "{name}: {report}");
        let is_due = report.contains("rule-at-next-boot");
        assert_eq!(is_due, case.has, "{name}: {report}");
        if let Some(condition) = &case.names {
            let said = simulated.contains(condition.as_str());
            assert!(said, "{name}: {simulated}");
            let (audited, _) = run(&folder, &["audit", "--role", "control-plane", "fw.yaml"]);
            let named = format!("whether `{condition}` holds cannot be known here");
            assert!(audited.contains(&named), "{name}: {audited}");
            assert!(report.contains("rule-on-condition"), "{name}: {report}");
        }
    }
}
