//! Chains in every form: printed and read they stay the same, and any packet comes to an end in them.

use std::net::IpAddr;

use dropsift::audit::{Options, audit};
use dropsift::catalog::Role;
use dropsift::chain::{
    ActiveChains, Chain, ChainOutcome, Evaluation, Family, Policy, Position, Question, Rule,
    RuleSet, Target, Test, parse,
};
use dropsift::packet::{Hook, PacketSummary, PktType, Shape, TcpFlags};
use dropsift::report::{Audited, JSON, Style, TEXT};

use super::{Dice, listing, print, shown};

/// The chains of a text.
pub fn chain(data: &[u8]) {
    let text = &*String::from_utf8_lossy(data);
    let mut dice = Dice::of(data);
    let set = match parse("a file", text) {
        Ok(set) => set,
        Err(why) => {
            shown::plain("an error", why.to_string().into_bytes());
            audited(text, &mut dice);
            return;
        }
    };
    assert_eq!(parse("a file", text).unwrap(), set);
    for packet in packets(&mut dice) {
        evaluated(&set, &packet);
    }
    in_force(text, &mut dice);
    printed(&set);
    audited(text, &mut dice);
}

/// Packets of the kinds that rules tell apart, their ports by chance.
pub fn packets(dice: &mut Dice) -> Vec<PacketSummary<'static>> {
    let port = |dice: &mut Dice| Some([22, 80, 2112, 10250, 8472, 40000][dice.roll(6)]);
    let mut out = Vec::new();
    for (src, dst) in [
        ("192.168.122.62", "192.168.122.61"),
        ("10.52.1.7", "224.0.0.18"),
        ("fe80::1", "fe80::2"),
    ] {
        for proto in [Some(6), Some(17), Some(1), Some(58), Some(47), None] {
            let has_ports = matches!(proto, Some(6 | 17));
            let flags = ["SYN", "ACK", "RST", "FIN"][dice.roll(4)];
            out.push(PacketSummary {
                interface: ["mgmt-br", "eth0", ""][dice.roll(3)],
                src: src.parse::<IpAddr>().unwrap(),
                dst: dst.parse::<IpAddr>().unwrap(),
                proto,
                spt: port(dice).filter(|_| has_ports),
                dpt: port(dice).filter(|_| has_ports),
                flags: TcpFlags::from_name(flags).filter(|_| proto == Some(6)),
                icmp_type: Some(8).filter(|_| matches!(proto, Some(1 | 58))),
                shape: [Shape::Whole, Shape::Fragment][dice.roll(2)],
                hook: Hook::Input,
                cast: [PktType::Unicast, PktType::Multicast, PktType::Broadcast][dice.roll(3)],
                frame: [PktType::Unicast, PktType::Multicast, PktType::Broadcast][dice.roll(3)],
                has_mac: true,
                data: false,
            });
        }
    }
    out
}

/// A packet ends at a rule that is there and does what the end says.
fn evaluated(set: &RuleSet, packet: &PacketSummary<'_>) {
    let family = Family::of(packet);
    let rule = |place: &Position| {
        let chain = set.chain(family, &place.chain).expect("the chain is there");
        let rule = chain
            .rules
            .get(place.number - 1)
            .expect("the rule is there");
        assert_eq!(rule.line, place.line);
        rule
    };
    for way in [Evaluation::FROM_INPUT, Evaluation::FROM_HARVESTER] {
        let outcome = set.evaluate(&Question::dropped(*packet), way);
        match &outcome.end {
            ChainOutcome::Accepted(place) => assert_eq!(rule(place).target, Target::Accept),
            ChainOutcome::Dropped(place) => assert_eq!(rule(place).target, Target::Drop),
            ChainOutcome::Rejected(place) => {
                assert!(matches!(rule(place).target, Target::Reject(_)));
            }
            ChainOutcome::Unknown(place) => {
                assert!(matches!(rule(place).target, Target::Other(..)));
            }
            ChainOutcome::Policy(policy) => {
                let chain = set.chain(family, way.chain).expect("the chain is there");
                assert_eq!(chain.policy, Some(*policy));
            }
            ChainOutcome::NoMatch => {}
            ChainOutcome::AcceptedLogged(place) => assert_eq!(rule(place).target, Target::Accept),
            ChainOutcome::Untold(_) | ChainOutcome::MayStop(_) | ChainOutcome::NotAsked => {
                panic!("it was evaluated")
            }
        }
        for place in &outcome.logged {
            assert!(matches!(rule(place).target, Target::Log(_)));
        }
    }
}

/// As the chain in force of nodes.
fn in_force(text: &str, dice: &mut Dice) {
    let mut in_force = ActiveChains::default();
    let told = in_force.tell(None, "a file", text, None);
    if let Err(why) = told {
        shown::plain("an error", why.to_string().into_bytes());
        return;
    }
    for packet in packets(dice) {
        for role in Role::ALL {
            if let Some(chains) = in_force.of("node", role, Family::of(&packet)) {
                let judged = chains.judge(Question::dropped(packet), "");
                assert!(judged.notes.len() <= 16 && judged.dead.len() < 100);
            }
            in_force.unlogged("node", role, true);
        }
    }
}

/// What was read, printed in each form that has words for it, is read as the same.
fn printed(set: &RuleSet) {
    let names = |chain: &Chain| (chain.family, chain.name.clone());
    let mut all: Vec<_> = set.chains().iter().map(names).collect();
    all.sort();
    all.dedup();
    if all.len() < set.chains().len()
        || set.chains().is_empty()
        || set.chains().iter().any(is_mixed)
    {
        return;
    }
    same("iptables-save", set, print::saved(set));
    let family = set.chains()[0].family;
    if set.chains().iter().any(|chain| chain.family != family) {
        return;
    }
    // What tells of which family a text is that does not say it.
    let shows = |rule: &Rule| {
        let is_v6 = |test: &Test| match test {
            Test::Net(_, net) => !net.addr().is_ipv4(),
            Test::Protocol(58) => true,
            _ => false,
        };
        rule.matches.iter().any(|m| is_v6(&m.test))
    };
    let mut rules = set.chains().iter().flat_map(|chain| &chain.rules);
    let shown = rules.clone().any(shows);
    let text = print::specification(set).filter(|text| !text.contains("ip6tables"));
    let built_in = |chain: &Chain| ["INPUT", "FORWARD", "OUTPUT"].contains(&&*chain.name);
    // No tool prints `-N INPUT`, or a policy of a chain that is not built in.
    let has_policies = (set.chains().iter()).all(|chain| built_in(chain) == chain.policy.is_some());
    if shown == (family == Family::V6) && has_policies {
        same("iptables -S", set, text);
    }
    if family == Family::V4 || rules.next().is_some() {
        same("iptables -L", set, listing::listing(set));
    }
    if has_policies {
        same("a script", set, print::script(set));
    }
}

/// Whether a chain has addresses of the other family, which no tool makes.
fn is_mixed(chain: &Chain) -> bool {
    let is_other = |test: &Test| matches!(test, Test::Net(_, net) if net.addr().is_ipv4() != (chain.family == Family::V4));
    (chain.rules.iter()).any(|rule| rule.matches.iter().any(|m| is_other(&m.test)))
}

fn same(form: &str, set: &RuleSet, text: Option<String>) {
    let Some(text) = text else {
        return;
    };
    let again = match parse(form, &text) {
        Ok(again) => again,
        Err(why) => panic!("{form} is not read back: {why}\n{text}"),
    };
    // A jump to a chain that is not there, which a dump may have, no tool makes.
    if form == "a script" && !again.faults.is_empty() {
        return;
    }
    assert_eq!(again.faults, [], "{form}:\n{text}");
    let (read, meant) = (bare(&again), bare(set));
    assert_eq!(read.len(), meant.len(), "{form}:\n{text}");
    for (read, meant) in read.iter().zip(&meant) {
        assert_eq!(read, meant, "{form}:\n{text}");
    }
}

type Bare = (Family, String, Option<Policy>, Option<Rule>);

/// Chains and rules as far as they do not depend on the form: no lines and counters, and no built-in chain as it is before
/// any command.
fn bare(set: &RuleSet) -> Vec<Bare> {
    let mut chains: Vec<&Chain> = (set.chains().iter())
        .filter(|chain| !chain.rules.is_empty() || chain.policy != Some(Policy::Accept))
        .collect();
    chains.sort_by_key(|chain| (chain.family, &chain.name));
    let mut out: Vec<Bare> = Vec::new();
    for chain in chains {
        out.push((chain.family, chain.name.clone(), chain.policy, None));
        for rule in &chain.rules {
            let rule = Rule {
                line: 0,
                counters: None,
                inserted: false,
                ..rule.clone()
            };
            out.push((chain.family, chain.name.clone(), chain.policy, Some(rule)));
        }
    }
    out
}

/// The check of the text for a role, in both forms.
pub fn audited(text: &str, dice: &mut Dice) {
    let role = Role::ALL[dice.roll(3)];
    let findings = audit(role, &[("a file", text)], &Options::default());
    // To YAML a carriage return ends a line too.
    let lines = text.lines().count() + text.matches('\r').count();
    for finding in &findings {
        assert!(finding.line <= lines + 1, "{finding:?} of {lines} lines");
    }
    let audited = Audited {
        role,
        files: vec!["a file"],
        findings: &findings,
    };
    let style = Style::plain(80);
    let mut out = Vec::new();
    JSON.audit.unwrap()(&audited, style, &mut out).unwrap();
    shown::json("the audit", out);
    let mut out = Vec::new();
    TEXT.audit.unwrap()(&audited, style, &mut out).unwrap();
    shown::plain("the audit", out);
}
