//! Search for what an administrator has narrowed or closed: rules for some of the packets that a wanted rule would accept.

use crate::chain::rule::{Match, Ports, Rule, Side, States, Target, Test};
use crate::chain::seek::only_drops;
use crate::chain::takes::{Packets, Takes, has_limit};
use crate::chain::{Chain, ChainOutcome, Chains, Family, Position, Question, RuleSet};
use crate::error::{printable, printable_name};

/// Upper bound on nested jumps, and on the rules that are looked at for one wanted rule.
const MAX_DEPTH: usize = 32;
const MAX_STEPS: usize = 500_000;

/// A rule for packets that a wanted rule would accept, which accepts only some of them, or stops some.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Narrowing {
    pub position: Position,
    /// Whether it accepts; otherwise it drops or rejects.
    pub accepts: bool,
    /// Matches of the rule and of the jumps to it, as iptables prints them.
    pub matches: String,
}

impl Narrowing {
    /// Describes what the rule does: `accepts only some of its packets, with ...`.
    pub fn does(&self) -> String {
        let does = if self.accepts {
            "accepts only some"
        } else {
            "stops some"
        };
        format!(
            "{does} of the packets in question, with `{}`",
            printable(&self.matches)
        )
    }

    /// Describes the rule in a clause.
    pub fn told(&self) -> String {
        let (number, chain) = (self.position.number, printable_name(&self.position.chain));
        format!("rule {number} of {chain} {}", self.does())
    }
}

impl RuleSet {
    /// Returns the first rule about the ports of `wanted` that a new connection may reach, and that accepts fewer of its
    /// packets, or stops some. For a rule without ports: about its protocol, or within its source. `interface` is where
    /// the packets arrive; empty where it is not known. None where a later rule accepts all of them as it is.
    pub fn narrowing(&self, family: Family, wanted: &Rule, interface: &str) -> Option<Narrowing> {
        let mut search = Search {
            set: self,
            family,
            packets: Packets {
                wanted,
                interface,
                any_interface: interface.is_empty(),
            },
            inside: Vec::new(),
            steps: 0,
            found: None,
        };
        let entry = self.start(family)?;
        search.chain(entry, &Way::default());
        // A text may be only a part of a node's chains, without the jump from INPUT.
        if let Some(firewall) = self.firewall(family).filter(|_| search.found.is_none()) {
            search.chain(firewall, &Way::default());
        }
        search.found
    }
}

impl Chains<'_> {
    /// Returns the first rule for fewer of the packets that `wanted` would accept, for each outcome of unknown conditions.
    pub fn narrowing(&self, wanted: &Rule, interface: &str) -> Option<Narrowing> {
        self.ways()
            .find_map(|set| set.narrowing(self.family, wanted, interface))
    }

    /// Returns the first rule that may stop a packet before the chains accept it: that depends on a match that stays open. A
    /// packet of the log came past a rule without a LOG before it.
    pub fn may_stop_before(&self, question: &Question<'_>) -> Option<Position> {
        self.ways().find_map(|set| {
            let outcome = set.evaluate(question, set.entry(self.family));
            let is_logged = |at: &&Position| {
                let before = set.chain(self.family, &at.chain).into_iter();
                let mut before = before.flat_map(|chain| chain.rules.iter().take(at.number - 1));
                before.any(|rule| matches!(rule.target, Target::Log(_)))
            };
            let stops = outcome.maybe.iter().filter(|end| end.stops());
            let mut stops = stops.filter_map(ChainOutcome::position);
            stops.find(is_logged).cloned()
        })
    }
}

struct Search<'s> {
    set: &'s RuleSet,
    family: Family,
    packets: Packets<'s>,
    /// Chains on the way.
    inside: Vec<&'s str>,
    steps: usize,
    found: Option<Narrowing>,
}

/// Jumps that lead to a chain.
#[derive(Default)]
struct Way {
    /// Their matches, apart from interfaces.
    matches: Vec<Match>,
    /// Whether only some of the wanted packets take them.
    partly: bool,
}

impl<'s> Search<'s> {
    /// Searches a chain. Returns whether no packet that comes to it comes back from it.
    fn chain(&mut self, chain: &'s Chain, way: &Way) -> bool {
        if self.inside.len() == MAX_DEPTH || self.inside.contains(&chain.name.as_str()) {
            return false;
        }
        self.inside.push(&chain.name);
        let ends = self.rules(chain, way);
        self.inside.pop();
        ends
    }

    fn rules(&mut self, chain: &'s Chain, way: &Way) -> bool {
        for (at, rule) in chain.rules.iter().enumerate() {
            self.steps += 1;
            if self.steps > MAX_STEPS {
                return true;
            }
            let takes = self.packets.meets(rule).takes;
            if takes == Takes::None || is_no_opening(rule) {
                continue;
            }
            let all = takes == Takes::All && !has_limit(rule);
            match &rule.target {
                Target::Accept if all && !way.partly => {
                    // They get in as it is.
                    self.found = self.found.take().filter(|found| !found.accepts);
                    return true;
                }
                Target::Accept | Target::Drop | Target::Reject(_) => {
                    self.decides(chain, at, way);
                    if all {
                        return true;
                    }
                }
                Target::Return if all => return false,
                target => {
                    let next = target.chain().and_then(|n| self.set.chain(self.family, n));
                    let Some(next) = next else { continue };
                    let is_place = |m: &&Match| !matches!(m.test, Test::Interface(..));
                    let own = rule.matches.iter().filter(is_place);
                    let matches = way.matches.iter().chain(own).cloned();
                    let partly = way.partly || !all;
                    let way = Way {
                        matches: matches.collect(),
                        partly,
                    };
                    let ends = self.chain(next, &way);
                    if all && (ends || matches!(target, Target::Goto(_))) {
                        return ends;
                    }
                }
            }
        }
        false
    }

    /// Records the rule of a chain that accepts or stops wanted packets, if it was made for such packets.
    fn decides(&mut self, chain: &Chain, at: usize, way: &Way) {
        let rule = &chain.rules[at];
        // The end of a chain that decides on others before is for what none of its rules is about.
        let is_end = rule.matches.is_empty() && !only_drops(chain, at);
        if self.found.is_some() || is_end {
            return;
        }
        let whole = Rule {
            matches: way.matches.iter().chain(&rule.matches).cloned().collect(),
            ..Rule::default()
        };
        let accepts = rule.target == Target::Accept;
        if is_about(&whole, self.packets.wanted) && !(accepts && self.is_for_all(&whole)) {
            let words: Vec<String> = whole.matches.iter().map(ToString::to_string).collect();
            self.found = Some(Narrowing {
                position: chain.position(at),
                accepts,
                matches: words.join(" "),
            });
        }
    }

    /// Whether the rule is for some of the wanted ports, but for all packets to them.
    fn is_for_all(&self, rule: &Rule) -> bool {
        let has_ports = names_ports(self.packets.wanted);
        let is_port = |m: &Match| {
            has_ports && !m.negated && matches!(m.test, Test::Ports(Ports::Destination, _))
        };
        let is_all = |m: &Match| is_port(m) || self.packets.takes(m) == Takes::All;
        !has_limit(rule) && rule.matches.iter().all(is_all)
    }
}

fn names_ports(rule: &Rule) -> bool {
    rule.has(|test| matches!(test, Test::Ports(Ports::Destination, _)))
}

/// Whether the rule is for return traffic or invalid packets.
fn is_no_opening(rule: &Rule) -> bool {
    rule.has(|test| matches!(test, Test::State(states) if !states.contains(States::NEW)))
}

/// Whether the rule was made for packets like the wanted ones, and not for all.
fn is_about(rule: &Rule, wanted: &Rule) -> bool {
    let within = |m: &Match| {
        wanted.source_net().is_some_and(|own| match &m.test {
            Test::Net(Side::Source, net) => own.contains(net),
            Test::IpRange(Side::Source, first, _) => own.contains(first),
            _ => false,
        })
    };
    if names_ports(wanted) {
        rule.names_port()
    } else if wanted.protocol().is_some() {
        rule.protocol() == wanted.protocol()
    } else {
        rule.matches.iter().any(within)
    }
}
