//! The walk that finds a rule's place in a dump (`chain/seek.rs`), and the one that the script makes on the node
//! (`rule/script/walk.awk`), on chains by chance: both must come to the same rule.

use std::fmt::Write as _;
use std::process::Command;

use dropsift::chain::{self, Arrival, Family, Sought, Target};

use crate::support::piped;

const WORDS: &str = include_str!("../../src/rule/script/words.awk");
const WALK: &str = include_str!("../../src/rule/script/walk.awk");
const CHAINS: u64 = 1200;

/// Matches of random rules, as `iptables -S` prints them.
const MATCHES: &[&str] = &[
    "",
    "",
    "",
    "-i mgmt-br ",
    "-i mgmt-br ",
    "-i storage-br ",
    "-i lo ",
    "-i mgmt+ ",
    "! -i lo ",
    "-s 203.0.113.0/24 ",
    "-s 192.168.122.62/32 ",
    "-p tcp ",
    "-p udp ",
    "! -p tcp ",
    "-p tcp -m tcp --dport 22 ",
    "-p tcp -m tcp --dport 2112 ",
    "-p tcp -m tcp --dport 2000:2200 ",
    "-p tcp -m multiport --dports 80,443,2112 ",
    "-p tcp -m multiport --dports 80,443 ",
    "-p udp -m udp --dport 8472 ",
    "-p tcp -m tcp --tcp-flags FIN,SYN,RST,ACK SYN ",
    "-p tcp -m tcp ! --tcp-flags FIN,SYN,RST,ACK SYN ",
    "-m conntrack --ctstate NEW ",
    "-m conntrack --ctstate RELATED,ESTABLISHED ",
    "-m conntrack --ctstate INVALID ",
    "-m conntrack ! --ctstate NEW ",
    "-m limit --limit 10/min ",
    "-m comment --comment \"a -j LOG \\\"b\\\" c\" ",
    "-m pkttype --pkt-type broadcast ",
    "-m addrtype --dst-type LOCAL ",
    "-m mark --mark 0x1/0xff ",
];
const TARGETS: &[&str] = &[
    "-j ACCEPT",
    "-j ACCEPT",
    "-j ACCEPT",
    "-j DROP",
    "-j REJECT --reject-with icmp-port-unreachable",
    "-j RETURN",
    "-j LOG --log-prefix HARVESTER_DROP_",
    "-j LOG --log-prefix HARVESTER_DROP_",
    "-j LOG --log-prefix \"SSH \"",
    "-j C1",
    "-j C2",
    "-g C2",
    "-j C3",
    "-j MARK --set-xmark 0x1/0xffffffff",
];
/// The rules that are looked for: protocol, port, source.
const WANTED: &[(&str, &str, &str)] = &[
    ("tcp", "2112", ""),
    ("udp", "8472", ""),
    ("tcp", "22", ""),
    ("icmp", "", ""),
    ("tcp", "2379:2380", ""),
    ("tcp", "2112", "192.168.122.62/32"),
    ("", "", "10.52.0.0/16"),
];

/// Numbers by chance, the same in every run.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, below: u64) -> u64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % below
    }

    fn of<'a>(&mut self, list: &[&'a str]) -> &'a str {
        list[self.roll(list.len() as u64) as usize]
    }
}

/// Generates random chains, as `iptables -S` prints them.
fn dump(dice: &mut Dice) -> String {
    let mut text = format!("-P INPUT {}\n", dice.of(&["ACCEPT", "ACCEPT", "DROP"]));
    text += "-P FORWARD ACCEPT\n-P OUTPUT ACCEPT\n-N C1\n-N C2\n-N C3\n";
    for (at, chain) in ["INPUT", "FORWARD", "C1", "C2", "C3"]
        .into_iter()
        .enumerate()
    {
        let rules = if chain == "FORWARD" {
            dice.roll(2)
        } else {
            dice.roll(7)
        };
        for _ in 0..rules {
            let (asks, target) = (dice.of(MATCHES), dice.of(TARGETS));
            // No jump backwards.
            let to = target.strip_prefix("-j C").or(target.strip_prefix("-g C"));
            if to.is_some_and(|to| to.parse::<usize>().is_ok_and(|to| to < at)) {
                continue;
            }
            let _ = writeln!(text, "-A {chain} {asks}{target}");
            // LOG and DROP of the same packets, as administrators write them.
            if target.contains("LOG --log-prefix HARV") && dice.roll(2) == 0 {
                let asks = if asks.contains("limit") { "" } else { asks };
                let _ = writeln!(text, "-A {chain} {asks}-j DROP");
            }
        }
    }
    text
}

/// Returns all that the script's walk says.
fn walked(
    dump: &str,
    (interface, within): (&str, &str),
    (proto, dport, source): (&str, &str, &str),
) -> String {
    let mut awk = Command::new("awk");
    awk.args(["-v", &format!("iface={interface}")])
        .args(["-v", &format!("proto={proto}")])
        .args(["-v", "sport="])
        .args(["-v", &format!("dport={dport}")])
        .args(["-v", &format!("source={source}")])
        .arg(format!("{WORDS} {WALK}"))
        .env("LOG_PREFIXES", "HARVESTER_DROP_")
        .env("WITHIN", within);
    String::from_utf8(piped(&mut awk, dump).stdout).unwrap()
}

/// Returns the answer of the script's walk: its first line that decides.
fn by_awk(dump: &str, by: (&str, &str), wanted: (&str, &str, &str)) -> String {
    let said = walked(dump, by, wanted);
    let decides =
        |line: &&str| ["ok", "put", "no", "none"].contains(&line.split(' ').next().unwrap());
    said.lines().find(decides).unwrap_or("nothing").to_owned()
}

fn in_rust(
    dump: &str,
    (interface, within): (&str, &str),
    (proto, dport, source): (&str, &str, &str),
) -> String {
    let set = chain::parse("dump", dump).unwrap();
    let mut command = "iptables -A INPUT".to_owned();
    for (option, value) in [("-s", source), ("-p", proto), ("--dport", dport)] {
        if !value.is_empty() {
            let _ = write!(command, " {option} {value}");
        }
    }
    let (_, rule) = chain::parse_rule(&format!("{command} -j ACCEPT")).unwrap();
    let is_log = |rule: &chain::Rule| matches!(&rule.target, Target::Log(log) if log.prefix.starts_with("HARVESTER_DROP_"));
    if within.is_empty() && set.parts(Family::V4, &rule, interface, &is_log) {
        return "parts".to_owned();
    }
    let arrival = Arrival {
        interface,
        packet: None,
        within: Some(within).filter(|chain| !chain.is_empty()),
    };
    match set.seek(Family::V4, &rule, arrival, &is_log) {
        Sought::Live(place) => format!("ok {} {}", place.chain.name, place.number),
        Sought::At(place) => {
            let only = place
                .rule()
                .and_then(chain::Rule::interface)
                .unwrap_or_default();
            format!("put {} {} {only}", place.chain.name, place.number)
        }
        Sought::Stopped(_) | Sought::Nowhere => "none".to_owned(),
    }
}

#[test]
fn the_script_and_the_dump_lead_to_the_same_place() {
    let mut dice = Dice(7);
    let (mut told, mut wrong) = ([0u32; 5], Vec::new());
    for _ in 0..CHAINS {
        let text = dump(&mut dice);
        let wanted = WANTED[dice.roll(WANTED.len() as u64) as usize];
        let interface = dice.of(&["mgmt-br", "mgmt-br", ""]);
        let within = dice.of(&["", "", "", "INPUT", "C1", "C2", "C3"]);
        let by = (interface, within);
        let awk = by_awk(&text, by, wanted);
        let kind = awk.split(' ').next().unwrap();
        // Where a rule narrows the port, the script makes no decision.
        if kind == "no" {
            told[3] += 1;
            continue;
        }
        told[["ok", "put", "none"]
            .iter()
            .position(|known| *known == kind)
            .unwrap()] += 1;
        let rust = in_rust(&text, by, wanted);
        let is_parted = awk.starts_with("none some of these packets");
        if is_parted {
            told[4] += 1;
        }
        if is_parted && rust == "parts" {
            continue;
        }
        let same = match kind {
            "none" => rust == "none",
            _ => rust.trim_end() == awk.trim_end(),
        };
        if !same {
            wrong.push(format!(
                "{wanted:?} by `{by:?}`\n awk: {awk}\nrust: {rust}\n{text}"
            ));
        }
    }
    assert!(
        wrong.is_empty(),
        "{} of {told:?}\n{}",
        wrong.len(),
        wrong[..wrong.len().min(6)].join("\n")
    );
    assert!(
        told.iter().take(3).all(|count| *count > 20) && told[4] > 0,
        "{told:?} proves little"
    );
}

/// Rules about the port 22 between ESTABLISHED and LOG, and what the script's walk answers for a new one without a source.
const DECIDED: &[(&str, &str)] = &[
    ("", "put HARVESTER_INPUT 2"),
    (
        "-p tcp -m tcp --dport 22 -m hashlimit --hashlimit-upto 3/min --hashlimit-mode srcip --hashlimit-name ssh -j ACCEPT",
        "no rule 2 ",
    ),
    (
        "-p tcp -m tcp --dport 22 -m limit --limit 3/min -j ACCEPT",
        "no rule 2 ",
    ),
    (
        "-p tcp -m tcp --dport 22 -m connlimit --connlimit-above 3 --connlimit-mask 32 --connlimit-saddr -j REJECT",
        "no rule 2 ",
    ),
    (
        "-p tcp -m tcp --dport 22 -m recent --rcheck --name A --mask 255.255.255.255 --rsource -j ACCEPT",
        "no rule 2 ",
    ),
    (
        "-d 10.115.1.11/32 -p tcp -m tcp --dport 22 -j ACCEPT",
        "no rule 2 ",
    ),
    (
        "-p tcp -m multiport --dports 20:25,80 -m mark --mark 0x1 -j ACCEPT",
        "no rule 2 ",
    ),
    ("-p tcp -m multiport --ports 22 -j ACCEPT", "no rule 2 "),
    (
        "-p tcp -m tcp --dport 22 -m time --timestart 08:00:00 --timestop 09:00:00 -j ACCEPT",
        "no rule 2 ",
    ),
    (
        "-p tcp -m tcp --sport 1024:65535 --dport 22 -j ACCEPT",
        "no rule 2 ",
    ),
    ("-p tcp -m tcp --dport 1:1023 -j DROP", "no rule 2 "),
    (
        "! -s 10.0.0.0/8 -p tcp -m tcp --dport 22 -j DROP",
        "no rule 2 ",
    ),
    (
        "-s 10.0.0.0/8 -j C1\n-A C1 -p tcp -m tcp --dport 22 -j ACCEPT",
        "no rule 1 of C1 ",
    ),
    (
        "-m set --match-set trusted src -j C1\n-A C1 -p tcp -m multiport --dports 22,443 -j ACCEPT",
        "no rule 1 of C1 ",
    ),
    (
        "-m mark --mark 0x1 -j C1\n-A C1 -j C2\n-A C2 -p tcp -m tcp --dport 22 -j ACCEPT",
        "no rule 1 of C2 ",
    ),
    (
        "-p tcp -m tcp --dport 22 -j C1\n-A C1 -m recent --rcheck --name A --rsource -j ACCEPT",
        "no rule 1 of C1 ",
    ),
    (
        "-s 10.0.0.0/8 -j C1\n-A C1 -p tcp -m tcp --dport 222 -j ACCEPT",
        "put HARVESTER_INPUT 3",
    ),
    (
        "-p tcp -m tcp --dport 222 -m mark --mark 0x1 -j ACCEPT",
        "put HARVESTER_INPUT 3",
    ),
    (
        "-p udp -m udp --dport 22 -m mark --mark 0x1 -j ACCEPT",
        "put HARVESTER_INPUT 3",
    ),
    ("-s 10.9.0.0/16 -j DROP", "put HARVESTER_INPUT 3"),
    (
        "-i eth7 -p tcp -m tcp --dport 22 -j DROP",
        "put HARVESTER_INPUT 3",
    ),
    (
        "-p tcp -m tcp --dport 1:1023 -j ACCEPT",
        "ok HARVESTER_INPUT 2",
    ),
];

#[test]
fn the_script_leaves_what_somebody_decided_about_the_port() {
    let mut wrong = Vec::new();
    for (rules, wanted) in DECIDED {
        let own = if rules.is_empty() {
            String::new()
        } else {
            format!("-A HARVESTER_INPUT {rules}\n")
        };
        let text = format!(
            "-P INPUT ACCEPT\n-P FORWARD ACCEPT\n-P OUTPUT ACCEPT\n-N C1\n-N C2\n-N HARVESTER_INPUT\n-A INPUT -i mgmt-br -j \
             HARVESTER_INPUT\n-A HARVESTER_INPUT -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT\n{own}\
             -A HARVESTER_INPUT -m limit --limit 10/min -j LOG --log-prefix HARVESTER_DROP_\n-A HARVESTER_INPUT -j DROP\n"
        );
        let said = by_awk(&text, ("mgmt-br", ""), ("tcp", "22", ""));
        if !said.starts_with(wanted) {
            wrong.push(format!("{rules}\n  {said}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Only a copy that no packet reaches is dead: one between LOG and DROP accepts.
#[test]
fn a_copy_between_log_and_drop_is_not_dead() {
    for (end, dead) in [
        ("-j DROP", ""),
        (
            "-j DROP\n-A INPUT -p tcp -m tcp --dport 22 -j ACCEPT",
            "dead INPUT 4\n",
        ),
    ] {
        let dump = format!(
            "-P INPUT ACCEPT\n-A INPUT -j LOG --log-prefix HARVESTER_DROP_\n-A INPUT -p tcp -m tcp --dport 22 -j ACCEPT\n\
             -A INPUT {end}\n"
        );
        let said = walked(&dump, ("mgmt-br", ""), ("tcp", "22", ""));
        let found: String = said
            .split_inclusive('\n')
            .filter(|line| line.starts_with("dead"))
            .collect();
        assert_eq!(found, dead, "{said}");
    }
}
