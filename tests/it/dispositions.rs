//! No rule is `documented` unless all conditions are met. Random logs nearly meet each condition: an assumed role, a
//! lone stranger, a narrower rule, one packet of a pod, a neighbour behind the outsiders' router, IPv6.

use std::net::IpAddr;

use dropsift::analyze::Analysis;
use dropsift::catalog::{Role, documented};
use dropsift::input::Prefixes;
use dropsift::input::reader::Reader;
use dropsift::report::Report;
use dropsift::rule::{AcceptRule, Disposition, Scope};
use dropsift::site::{Provenance, Site};
use proptest::prelude::*;

use crate::properties::READING;

/// Ports: 22, 9091, 10250 and udp/8472 are documented for every role, 2379 and 10250 only for nodes as peers, and 10660
/// and 8181 for no peer on a control-plane node.
const PORTS: [(&str, u16); 9] = [
    ("TCP", 22),
    ("TCP", 443),
    ("TCP", 2112),
    ("TCP", 2379),
    ("TCP", 9091),
    ("TCP", 10250),
    ("TCP", 10660),
    ("TCP", 8181),
    ("UDP", 8472),
];
const ROUTER: &str = "52:54:00:00:00:fe";

#[derive(Debug, Clone)]
struct Ask {
    peer: &'static str,
    port: (&'static str, u16),
    /// Seconds at which it asks anew.
    times: Vec<u32>,
    by_router: bool,
}

fn ask() -> impl Strategy<Value = Ask> {
    (
        prop_oneof![
            3 => Just("192.168.122.63"),
            2 => Just("192.168.122.200"),
            2 => Just("203.0.113.9"),
            2 => Just("10.9.0.5"),
            2 => Just("10.52.7.9"),
            1 => Just("fd00:122::63"),
        ],
        prop::sample::select(&PORTS[..]),
        prop_oneof![
            Just(vec![0]),
            Just(vec![0, 20]),
            Just(vec![0, 30, 60]),
            Just(vec![0, 30, 61]),
            Just(vec![0, 200, 400]),
        ],
        any::<bool>(),
    )
        .prop_map(|(peer, port, times, by_router)| Ask {
            peer,
            port,
            times,
            // The frames of one outsider come by one router.
            by_router: match peer {
                "203.0.113.9" => true,
                "10.9.0.5" => false,
                _ => by_router,
            },
        })
}

/// Knowledge of the running chain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Chain {
    Unknown,
    Plain,
    /// Every port above has a rule for 172.16.0.0/12.
    Narrowed,
    NextBoot,
}

fn chain_text(chain: Chain) -> Option<String> {
    let narrowed: String = PORTS
        .iter()
        .map(|(proto, port)| {
            let proto = proto.to_lowercase();
            format!("-A HARVESTER_INPUT -s 172.16.0.0/12 -p {proto} -m {proto} --dport {port} -j ACCEPT\n")
        })
        .collect();
    let rules = match chain {
        Chain::Unknown => return None,
        Chain::NextBoot => {
            return Some(
                "apiVersion: node.harvesterhci.io/v1beta1\nkind: CloudInit\nmetadata:\n  name: a\nspec:\n  matchSelector: {}\n  \
                 filename: 91-a\n  contents: |\n    stages:\n      boot:\n        - commands:\n            - iptables -N HARVESTER_INPUT\n            \
                 - iptables -A INPUT -i mgmt-br -j HARVESTER_INPUT\n            - iptables -A HARVESTER_INPUT -j LOG --log-prefix HARVESTER_DROP_\n            \
                 - iptables -A HARVESTER_INPUT -j DROP\n"
                    .to_owned(),
            );
        }
        Chain::Plain => "",
        Chain::Narrowed => &narrowed,
    };
    Some(format!(
        "*filter\n:INPUT ACCEPT [0:0]\n:HARVESTER_INPUT - [0:0]\n-A INPUT -i mgmt-br -j HARVESTER_INPUT\n{rules}-A HARVESTER_INPUT -j \
         LOG --log-prefix HARVESTER_DROP_\n-A HARVESTER_INPUT -j DROP\nCOMMIT\n"
    ))
}

fn line(ask: &Ask, attempt: usize, second: u32) -> String {
    let mac = if ask.by_router {
        ROUTER
    } else {
        "52:54:00:00:00:63"
    };
    let (proto, port) = ask.port;
    let spt = 41_000 + attempt;
    let rest = if proto == "TCP" {
        "WINDOW=64240 RES=0x00 SYN URGP=0 "
    } else {
        "LEN=40 "
    };
    let (dst, header) = if ask.peer.contains(':') {
        ("fd00:122::61", "LEN=80 TC=0 HOPLIMIT=64 FLOWLBL=0")
    } else {
        ("192.168.122.61", "LEN=60 TOS=0x00 PREC=0x00 TTL=64 ID=1 DF")
    };
    format!(
        "2026-04-22T10:{:02}:{:02}.000000+00:00 harvester1 kernel: HARVESTER_DROP_IN=mgmt-br OUT= MAC=52:54:00:ab:cd:ef:{mac}:08:00 \
         SRC={} DST={dst} {header} PROTO={proto} SPT={spt} DPT={port} {rest}\n",
        second / 60,
        second % 60,
        ask.peer,
    )
}

fn judged(asks: &[Ask], role: Option<Role>, chain: Chain) -> Report {
    let mut site = Site::default();
    if let Some(role) = role {
        site.known.set_role(None, role, Provenance::Told);
    }
    if let Some(text) = chain_text(chain) {
        site.in_force.tell(None, "chain", &text, None).unwrap();
    }
    let mut analysis = Analysis::new(site, Scope::Documented);
    let mut scanner = Reader::new(Prefixes::documented(), READING);
    let mut lines: Vec<(u32, String)> = Vec::new();
    for ask in asks {
        for (attempt, second) in ask.times.iter().enumerate() {
            lines.push((*second, line(ask, attempt, *second)));
        }
    }
    lines.sort();
    let log: String = lines.into_iter().map(|(_, line)| line).collect();
    scanner.push(log.as_bytes(), &mut |item| analysis.push(item));
    scanner.finish(&mut |item| analysis.push(item));
    analysis.report(None)
}

fn is_inside(peer: &str) -> bool {
    ["192.168.122.", "10.52."]
        .iter()
        .any(|net| peer.starts_with(net))
}

/// Returns the condition that an active rule violates, judged by the inputs.
fn objection(
    rule: &AcceptRule,
    asks: &[Ask],
    role: Option<Role>,
    chain: Chain,
) -> Option<&'static str> {
    let number = rule.rule.protocol();
    let is_pod_rule = rule.dport().is_none();
    let own: Vec<&Ask> = asks
        .iter()
        .filter(|ask| !ask.peer.contains(':'))
        .filter(|ask| {
            let proto = if ask.port.0 == "TCP" { 6 } else { 17 };
            if is_pod_rule {
                return ask.peer.starts_with("10.52.")
                    && documented(rule.role, proto, ask.port.1).is_none();
            }
            number == Some(proto) && rule.dport().is_some_and(|ports| ports.contains(ask.port.1))
        })
        .collect();
    if is_pod_rule {
        let attempts: usize = own.iter().map(|ask| ask.times.len()).sum();
        return (attempts < 2).then_some("the pod rule of one attempt");
    }
    let proto = number.unwrap_or_default();
    let port = own.first().map_or(0, |ask| ask.port.1);
    if documented(rule.role, proto, port).is_none() {
        return Some("no line of the documentation");
    }
    let for_all = Role::ALL
        .iter()
        .all(|role| documented(*role, proto, port).is_some());
    if role.is_none() && !for_all {
        return Some("the role is a guess");
    }
    if chain == Chain::Narrowed {
        return Some("a narrower rule");
    }
    let outsiders_by_router = asks
        .iter()
        .any(|ask| ask.by_router && !is_inside(ask.peer) && !ask.peer.contains(':'));
    let genuine = |ask: &&&Ask| {
        is_inside(ask.peer)
            && !(ask.peer.starts_with("192.168.122.") && ask.by_router && outsiders_by_router)
    };
    if own.iter().any(|ask| genuine(&ask)) {
        return None;
    }
    let nodes_alone = [2379, 10250, 8472].contains(&port);
    let back = |ask: &&&Ask| {
        !is_inside(ask.peer)
            && ask.times.len() >= 3
            && ask
                .times
                .last()
                .zip(ask.times.first())
                .is_some_and(|(last, first)| last - first > 60)
    };
    if !nodes_alone && chain == Chain::Plain && own.iter().any(|ask| back(&ask)) {
        return None;
    }
    Some(
        "nobody inside, and no outsider who came back to a port for all under a chain that is known",
    )
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn no_active_rule_without_what_the_contract_lists(
        asks in prop::collection::vec(ask(), 1..5),
        role in prop_oneof![1 => Just(None), 2 => Just(Some(Role::ControlPlane)), 1 => Just(Some(Role::Worker))],
        chain in prop_oneof![Just(Chain::Unknown), Just(Chain::Plain), Just(Chain::Narrowed), Just(Chain::NextBoot)],
    ) {
        let report = judged(&asks, role, chain);
        for rule in report.rules.iter().filter(|rule| rule.disposition == Disposition::Documented) {
            let objection = objection(rule, &asks, role, chain);
            prop_assert!(objection.is_none(), "{}: {}", rule.id, objection.unwrap_or_default());
        }
    }
}

/// The property has something to look at: such logs do make active rules.
#[test]
fn a_neighbours_syn_makes_an_active_rule() {
    let asks = [Ask {
        peer: "192.168.122.63",
        port: ("TCP", 2112),
        times: vec![0],
        by_router: false,
    }];
    let peer: IpAddr = "192.168.122.63".parse().unwrap();
    let report = judged(&asks, Some(Role::ControlPlane), Chain::Unknown);
    assert_eq!(report.findings[0].peers, [peer]);
    assert_eq!(report.rules[0].disposition, Disposition::Documented);
}
