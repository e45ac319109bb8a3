//! A rule goes into the chains that dropped the packets, and is live where it lets them in: `fixtures/places.toml`.

use dropsift::analyze::{Analysis, with_suggested};
use dropsift::catalog::Role;
use dropsift::input::Prefixes;
use dropsift::input::reader::Reader;
use dropsift::report::Report;
use dropsift::rule::{AcceptRule, Checked, Disposition, Scope, State, check};
use dropsift::site::{Provenance, Site};
use dropsift::time::{Reading, parse_rfc3339};
use serde::Deserialize;

const TABLE: &str = include_str!("../../fixtures/places.toml");

#[derive(Deserialize)]
struct Table {
    case: Vec<Case>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    name: String,
    rules: String,
    packets: Vec<String>,
    #[serde(default)]
    active: Vec<String>,
    #[serde(default)]
    review: Vec<String>,
    accepted: bool,
}

impl Case {
    /// The chains as `iptables -S` prints them; a rule with `-I` is the first of its chain.
    fn dump(&self) -> String {
        let of = |start: &'static str| {
            self.rules
                .lines()
                .filter(move |line| line.starts_with(start))
        };
        let mut text = of("-P").collect::<Vec<_>>().join("\n");
        if text.is_empty() {
            text += "-P INPUT ACCEPT";
        }
        text += "\n-P FORWARD ACCEPT\n-P OUTPUT ACCEPT\n-N CA\n-N CB\n-N LD\n";
        let first = of("-I").map(|rule| rule.replacen("-I", "-A", 1));
        let own: Vec<String> = of("-N").map(str::to_owned).chain(first).collect();
        own.iter().for_each(|line| text += &format!("{line}\n"));
        for chain in ["CA", "CB", "LD"] {
            if chain != "LD" {
                text +=
                    &format!("-A {chain} -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT\n");
            }
            text += &format!(
                "-A {chain} -m limit --limit 10/min -j LOG --log-prefix HARVESTER_DROP_\n-A {chain} -j DROP\n"
            );
        }
        of("-A").for_each(|line| text += &format!("{line}\n"));
        text
    }

    fn log(&self) -> String {
        let lines = self.packets.iter().enumerate();
        let of = |(at, packet): (usize, &String)| {
            let words: Vec<&str> = packet.splitn(4, ' ').collect();
            let (proto, port) = words[1].split_once('/').unwrap();
            let end = match proto {
                "tcp" => "WINDOW=64240 RES=0x00 SYN URGP=0 ",
                _ => "LEN=40 ",
            };
            let more = words.get(3).unwrap_or(&"");
            let line = |second: usize| {
                format!(
                    "May 04 09:{:02}:{:02} harvester1 kernel: HARVESTER_DROP_IN={} OUT= MAC=52:54:00:ab:cd:ef:52:54:00:ab:\
                     cd:ea:08:00 SRC={} DST=192.168.122.61 LEN=60 TOS=0x00 PREC=0x00 TTL=64 ID=1 DF PROTO={} SPT=400{second:02} \
                     DPT={port} {end}{more}\n",
                    second / 60,
                    second % 60,
                    words[2],
                    words[0],
                    proto.to_uppercase()
                )
            };
            line(30 * at) + &line(30 * at + 9)
        };
        lines.map(of).collect()
    }

    fn site(&self) -> Site {
        let mut site = Site::default();
        let role = Role::ControlPlane;
        site.known.set_role(None, role, Provenance::Told);
        site.in_force
            .tell(None, "chain", &self.dump(), None)
            .unwrap();
        site
    }

    fn report(&self, site: Site) -> Report {
        let mut analysis = Analysis::new(site, Scope::Documented);
        let reading = Reading {
            year: Some(2026),
            reference: parse_rfc3339("2026-12-31T00:00:00Z").unwrap(),
            offset: 0,
        };
        let mut reader = Reader::new(Prefixes::documented(), reading);
        reader.push(self.log().as_bytes(), &mut |item| analysis.push(item));
        reader.finish(&mut |item| analysis.push(item));
        analysis.report(None)
    }
}

fn chains(rules: &[AcceptRule], disposition: Disposition) -> Vec<&str> {
    let own = rules.iter().filter(|rule| rule.disposition == disposition);
    let mut all: Vec<&str> = own.map(|rule| rule.place.chain.as_str()).collect();
    all.sort_unstable();
    all
}

#[test]
fn a_rule_goes_into_the_chains_that_dropped_the_packets() {
    let table: Table = toml::from_str(TABLE).unwrap();
    let mut wrong = Vec::new();
    for case in &table.case {
        let site = case.site();
        let report = case.report(site.clone());
        let active: Vec<AcceptRule> = (report.rules.iter())
            .filter(|rule| rule.disposition == Disposition::Documented)
            .cloned()
            .collect();
        let got = [Disposition::Documented, Disposition::Review].map(|d| chains(&report.rules, d));
        let prefixes = site.log_prefixes();
        let changed = with_suggested(&site, &report.nodes, &active);
        // As `--check` does: the rules that the log alone asks for.
        let told = case.report(Site {
            in_force: Default::default(),
            ..site.clone()
        });
        let states = |site: &Site| -> Vec<State> {
            let all = check(&told.rules, &told.findings, &site.in_force, &prefixes);
            all.iter().map(|one: &Checked<'_>| one.state).collect()
        };
        let (before, after) = (states(&site), states(&changed));
        let all_live = after.iter().all(|state| *state == State::Live);
        let right = got
            == [&case.active, &case.review]
                .map(|all| all.iter().map(String::as_str).collect::<Vec<_>>())
            && all_live == case.accepted
            && !before.contains(&State::Live);
        if !right {
            wrong.push(format!("{}: {got:?}, {before:?}, {after:?}", case.name));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
