//! Search for suggested rules in a running chain, and whether they are live there.

use std::net::IpAddr;

use super::AcceptRule;
use crate::chain::{
    ActiveChains, INPUT, Match, Origin, Ports, Rule, RuleSet, Side, Sought, Target, Test,
};
use crate::finding::Finding;

/// State of a suggested rule in a chain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// A live rule accepts all packets of the suggestion.
    Live,
    /// The chain contains the rule, and no packet reaches it.
    Dead,
    Absent,
    /// A CloudInit has it live, which is in force from the next boot on.
    NextBoot,
    /// No chain of the node is known, or not the one that filters it.
    Unknown,
}

impl State {
    pub const ALL: [Self; 5] = [
        Self::Live,
        Self::Dead,
        Self::Absent,
        Self::NextBoot,
        Self::Unknown,
    ];

    /// Returns the state as reports write it.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Live => "live",
            Self::Dead => "dead",
            Self::Absent => "absent",
            Self::NextBoot => "next-boot",
            Self::Unknown => "unknown",
        }
    }
}

/// A suggested rule and its state in a chain.
#[derive(Debug, Clone)]
pub struct Checked<'a> {
    pub rule: &'a AcceptRule,
    pub state: State,
    /// The chain and the number of the rule that decides.
    pub at: Option<(String, usize)>,
}

/// Searches each rule, which `findings` ask for, in the chain of its node. `prefixes` are the possible starts of the LOG
/// rule's prefix.
pub fn check<'a>(
    rules: &'a [AcceptRule],
    findings: &[Finding],
    chains: &ActiveChains,
    prefixes: &[String],
) -> Vec<Checked<'a>> {
    let peers = |rule: &AcceptRule| -> Vec<IpAddr> {
        let own = findings.iter().filter(|f| f.rules.contains(&rule.id));
        own.flat_map(|f| f.peers.iter().copied()).collect()
    };
    let of = |rule: &'a AcceptRule| {
        let known = chains.of(&rule.node, rule.role, rule.family);
        // A rule that is live only under some conditions is not reported as live.
        let set = known.map(|chains| {
            let is_live = |set: &&RuleSet| matches!(rule.seek(set, prefixes), Sought::Live(_));
            chains
                .ways()
                .find(|set| !is_live(set))
                .unwrap_or(chains.set)
        });
        let (state, at) = match set {
            None => (State::Unknown, None),
            Some(set) => match rule.seek(set, prefixes) {
                Sought::Live(at) => {
                    let at = (at.chain.name.clone(), at.number);
                    if let Some(stop) = stopped_before(set, &at, rule, &peers(rule)) {
                        return Checked {
                            rule,
                            state: State::Dead,
                            at: Some(stop),
                        };
                    }
                    let chain = set.chain(rule.family, &at.0);
                    if chain.is_some_and(|chain| chain.references == Some(0)) {
                        return Checked {
                            rule,
                            state: State::Dead,
                            at: Some(at),
                        };
                    }
                    let is_running = known.is_none_or(|chains| chains.origin != Origin::NextBoot);
                    let state = if is_running {
                        State::Live
                    } else {
                        State::NextBoot
                    };
                    (state, Some(at))
                }
                Sought::At(_) | Sought::Nowhere => {
                    let own = set.chains().iter().filter(|c| c.family == rule.family);
                    let mut copies = own.filter_map(|chain| {
                        let at = chain.rules.iter().position(|r| r.means(&rule.rule))?;
                        Some((chain.name.clone(), at + 1))
                    });
                    match copies.next() {
                        None if !set.shows_filter(rule.family) => (State::Unknown, None),
                        None => (State::Absent, None),
                        dead => (State::Dead, dead),
                    }
                }
            },
        };
        Checked { rule, state, at }
    };
    rules.iter().map(of).collect()
}

/// Returns the first rule before the live one, `at`, that stops some of the peers that asked: in its chain, or in INPUT
/// before the jump.
fn stopped_before(
    set: &RuleSet,
    at: &(String, usize),
    rule: &AcceptRule,
    peers: &[IpAddr],
) -> Option<(String, usize)> {
    let (chain, number) = at;
    let own = set.chain(rule.family, chain)?.rules.get(..number - 1)?;
    let input = set.chain(rule.family, INPUT).filter(|_| chain != INPUT);
    let input = input.map_or(&[][..], |input| &input.rules[..]);
    let jump = (input.iter()).position(|one| one.target.chain().is_some_and(|to| to == chain));
    let before = &input[..jump.unwrap_or_default()];
    [(INPUT, before), (chain, own)]
        .into_iter()
        .find_map(|(name, rules)| {
            let stops = |one: &Rule| stops(one, rule, peers);
            Some((name.to_owned(), rules.iter().position(stops)? + 1))
        })
}

/// Whether a rule stops packets of `peers` that `wanted` is to accept, whatever else they are.
fn stops(rule: &Rule, wanted: &AcceptRule, peers: &[IpAddr]) -> bool {
    let matches = |m: &Match| {
        let is_met = match &m.test {
            Test::Protocol(number) => wanted.rule.protocol() == Some(*number),
            Test::Ports(Ports::Destination, ranges) => {
                let ports = wanted.dport();
                ports.is_some_and(|ports| ranges.iter().any(|range| range.overlaps(ports)))
            }
            // Some peer is in it, or of a negated one outside.
            Test::Net(Side::Source, net) => {
                return peers.iter().any(|peer| net.contains(peer) != m.negated);
            }
            Test::Interface(Side::Source, name) => *name == wanted.interface,
            _ => return false,
        };
        is_met != m.negated
    };
    matches!(rule.target, Target::Drop | Target::Reject(_)) && rule.matches.iter().all(matches)
}

/// Returns what the chains of a node say of the port of `wanted` in another way than it would, in words.
pub(super) fn other_rule(set: &RuleSet, wanted: &AcceptRule) -> Option<String> {
    let ports = wanted.dport()?;
    let is_other = |rule: &Rule| {
        let does = matches!(
            rule.target,
            Target::Accept | Target::Drop | Target::Reject(_)
        );
        let is_of_port = rule.protocol() == wanted.rule.protocol()
            && (rule.dports()).is_some_and(|all| all.iter().any(|range| range.overlaps(ports)));
        does && is_of_port && !rule.covers(&wanted.rule)
    };
    let own = set
        .chains()
        .iter()
        .filter(|chain| chain.family == wanted.family);
    own.flat_map(|chain| chain.rules.iter().zip(1..).map(move |rule| (chain, rule)))
        .find(|(_, (rule, _))| is_other(rule))
        .map(|(chain, (rule, number))| {
            let does = if rule.target == Target::Accept {
                "accepts"
            } else {
                "stops"
            };
            let matches: Vec<String> = rule.matches.iter().map(ToString::to_string).collect();
            format!(
                "rule {number} of {} {does} this port with `{}`",
                chain.name,
                matches.join(" ")
            )
        })
}
