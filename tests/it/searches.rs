//! The command of FIX NOW finds the place that the chain has, with the grep of this machine: `fixtures/searches.toml`.

use std::process::Command;

use dropsift::analyze::Analysis;
use dropsift::catalog::Role;
use dropsift::input::Prefixes;
use dropsift::input::reader::Reader;
use dropsift::rule::Scope;
use dropsift::site::{Provenance, Site};
use dropsift::time::{Reading, parse_rfc3339};
use serde::Deserialize;

use crate::support::piped;

const TABLE: &str = include_str!("../../fixtures/searches.toml");
const END: &str = "-m limit --limit 10/min -j LOG --log-prefix HARVESTER_DROP_";

#[derive(Deserialize)]
struct Table {
    case: Vec<Case>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    name: String,
    prefix: Option<String>,
    rules: String,
    end: Option<String>,
    before: String,
}

impl Case {
    /// The chain as `iptables -S HARVESTER_INPUT` prints it.
    fn chain(&self) -> String {
        let end = self.end.as_deref().unwrap_or(END);
        let rules = self.rules.lines().filter(|line| !line.is_empty());
        let first = "-m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT";
        let all = [first].into_iter().chain(rules).chain([end, "-j DROP"]);
        let lines: String = all
            .map(|rule| format!("-A HARVESTER_INPUT {rule}\n"))
            .collect();
        format!("-N HARVESTER_INPUT\n{lines}")
    }

    /// The commands for a missing rule: where the chain is given, and where it is not.
    fn commands(&self) -> [String; 2] {
        [true, false].map(|is_known| {
            let mut site = Site::default();
            let role = Role::ControlPlane;
            site.known.set_role(None, role, Provenance::Told);
            site.log_prefix.clone_from(&self.prefix);
            if is_known {
                let own = self.chain();
                let more = "-P INPUT ACCEPT\n-P FORWARD ACCEPT\n-P OUTPUT ACCEPT\n-N HARVESTER_DROP_QUIET\n-N DROP_SCANS\n\
                     -A INPUT -i mgmt-br -j HARVESTER_INPUT\n";
                let dump = format!("{more}{own}-A HARVESTER_DROP_QUIET -j DROP\n");
                site.in_force.tell(None, "chain", &dump, None).unwrap();
            }
            let prefix = self.prefix.as_deref().unwrap_or("HARVESTER_DROP_");
            let line = |second: u32| {
                format!(
                    "May 04 09:00:{second:02} harvester1 kernel: {prefix}IN=mgmt-br OUT= MAC=52:54:00:ab:cd:ef:52:54:00:ab:cd:\
                     ea:08:00 SRC=192.168.122.62 DST=192.168.122.61 LEN=60 TOS=0x00 PREC=0x00 TTL=64 ID=1 DF PROTO=TCP \
                     SPT=400{second:02} DPT=9796 WINDOW=64240 RES=0x00 SYN URGP=0\n"
                )
            };
            let reading = Reading {
                year: Some(2026),
                reference: parse_rfc3339("2026-12-31T00:00:00Z").unwrap(),
                offset: 0,
            };
            let prefixes = self.prefix.as_ref().map_or_else(Prefixes::documented, |own| {
                Prefixes::only(own)
            });
            let mut analysis = Analysis::new(site, Scope::Documented);
            let mut reader = Reader::new(prefixes, reading);
            reader.push((line(1) + &line(10)).as_bytes(), &mut |item| analysis.push(item));
            reader.finish(&mut |item| analysis.push(item));
            let report = analysis.report(None);
            let rule = report.rules.first();
            rule.unwrap_or_else(|| panic!("{}: no rule", self.name)).place_command()
        })
    }
}

#[test]
fn the_command_finds_the_place_in_the_chain() {
    let table: Table = toml::from_str(TABLE).unwrap();
    let mut wrong = Vec::new();
    for case in &table.case {
        let chain = case.chain();
        let [known, unknown] = case.commands();
        let found = |command: &str| {
            // The number of an earlier command must not stay.
            let script = format!(
                "chain=$(cat)\niptables() {{ printf '%s\\n' \"$chain\"; }}\nn=1\n{command}\necho \"n=$n\""
            );
            let mut shell = Command::new("sh");
            let out = piped(shell.args(["-c", &script]), &chain);
            String::from_utf8(out.stdout).unwrap().trim().to_owned()
        };
        let start = format!("-A HARVESTER_INPUT {}", case.before);
        let own = chain.lines().position(|line| line.starts_with(&start));
        let wanted = match own {
            Some(at) if !case.before.is_empty() => format!("n={}", at + 1),
            _ => "n=".to_owned(),
        };
        if found(&known) != wanted {
            wrong.push(format!("{}: {} by {known}", case.name, found(&known)));
        }
        let prefix = case.prefix.as_deref().unwrap_or("HARVESTER_DROP_");
        let mut words = prefix.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
        let word = words.find(|word| !word.is_empty()).unwrap();
        // The documented prefix is that of no other rule in the documented chain.
        let is_strict = case.prefix.is_none() || unknown.contains("-j LOG --log-prefix");
        if !is_strict || !unknown.contains(word) {
            wrong.push(format!("{}: without the chain: {unknown}", case.name));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
