//! Search for the insertion point of a rule: the walk of a new connection from INPUT to the LOG or the DROP that it
//! reaches.
//!
//! The script of `dropsift rules` makes the same walk on the node, where only a shell and awk can be relied on
//! (`rule/script/walk.awk`). `tests/it/walks.rs` compares both on many chains.

use crate::chain::{
    AddressType, Chain, Family, INPUT, Match, Policy, Ports, Rule, RuleSet, Side, States, Target,
    Test,
};
use crate::net::PortRange;

/// Upper bound on nested jumps; the kernel's own stack is smaller.
const MAX_DEPTH: usize = 32;

/// Result of the search.
#[derive(Debug, Clone)]
pub enum Sought<'a> {
    /// A live rule accepts all of its packets already.
    Live(Place<'a>),
    /// The rule is inserted before this one.
    At(Place<'a>),
    /// No chain that INPUT reaches drops its packets.
    Nowhere,
}

/// Position in a chain.
#[derive(Debug, Clone, Copy)]
pub struct Place<'a> {
    pub chain: &'a Chain,
    /// Rule number, from 1; one more than the number of rules where the policy drops.
    pub number: usize,
}

impl<'a> Place<'a> {
    /// Returns the rule at the position.
    pub fn rule(&self) -> Option<&'a Rule> {
        self.chain.rules.get(self.number - 1)
    }
}

/// Share of the wanted packets that a rule matches: all, some, or none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Takes {
    None,
    Some,
    All,
}

/// A rule as it applies to the wanted packets.
struct Met {
    takes: Takes,
    /// Whether a limit or a conntrack state lets some of the packets pass by.
    partly: bool,
}

/// Walk of the wanted packets through the chains.
struct Walk<'w, 'a> {
    set: &'a RuleSet,
    family: Family,
    wanted: &'w Rule,
    interface: &'w str,
    is_log: &'w dyn Fn(&Rule) -> bool,
    /// Whether jumps are followed that match only some of the packets.
    narrow_jumps: bool,
    /// Whether the interface of any rule counts as the packets'.
    any_interface: bool,
    /// Jump stack: the chains on the way, each with the index of the jump in it.
    way: Vec<(&'a Chain, usize)>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum End {
    Accept,
    Log,
    Drop,
}

impl RuleSet {
    /// Searches the insertion point of a rule whose packets arrive on `interface`, which is empty where it is not known.
    /// `is_log` recognises the LOG rule for dropped packets.
    pub fn seek(
        &self,
        family: Family,
        rule: &Rule,
        interface: &str,
        is_log: &dyn Fn(&Rule) -> bool,
    ) -> Sought<'_> {
        let input = self
            .chain(family, INPUT)
            .filter(|chain| chain.line > 0 || !chain.rules.is_empty());
        match input.or_else(|| self.firewall(family)) {
            Some(entry) => seek(self, entry, rule, interface, is_log),
            None => Sought::Nowhere,
        }
    }

    /// Searches as [`RuleSet::seek`] does, in a text that may be only a part of a node's chains: where INPUT does not
    /// lead to the chain that filters, the walk begins there.
    pub fn seek_in_part(
        &self,
        family: Family,
        rule: &Rule,
        interface: &str,
        is_log: &dyn Fn(&Rule) -> bool,
    ) -> Sought<'_> {
        match (
            self.seek(family, rule, interface, is_log),
            self.firewall(family),
        ) {
            (Sought::Nowhere, Some(entry)) => seek(self, entry, rule, interface, is_log),
            (found, _) => found,
        }
    }
}

/// Walks from the chain `entry` on, for each interpretation of uncertain jumps and interfaces.
fn seek<'a>(
    set: &'a RuleSet,
    entry: &'a Chain,
    rule: &Rule,
    interface: &str,
    is_log: &dyn Fn(&Rule) -> bool,
) -> Sought<'a> {
    let mut first: Option<(End, Walk<'_, 'a>)> = None;
    for mode in 0..4 {
        let mut walk = Walk {
            set,
            family: entry.family,
            wanted: rule,
            interface,
            is_log,
            narrow_jumps: mode % 2 == 1,
            any_interface: mode > 1,
            way: Vec::new(),
        };
        let found = walk.from(entry);
        match found {
            Some(End::Accept) if first.is_none() || mode == 1 => return walk.answer(End::Accept),
            Some(End::Log) => return walk.answer(End::Log),
            Some(end) if first.is_none() => first = Some((end, walk)),
            _ => {}
        }
    }
    first.map_or(Sought::Nowhere, |(end, walk)| walk.answer(end))
}

impl<'a> Walk<'_, 'a> {
    fn from(&mut self, entry: &'a Chain) -> Option<End> {
        self.chain(entry).or_else(|| {
            self.way = vec![(entry, entry.rules.len())];
            (entry.policy == Some(Policy::Drop)).then_some(End::Drop)
        })
    }

    fn chain(&mut self, chain: &'a Chain) -> Option<End> {
        if self.way.len() > MAX_DEPTH {
            return None;
        }
        self.way.push((chain, 0));
        let found = self.rules(chain);
        if found.is_none() {
            self.way.pop();
        }
        found
    }

    fn rules(&mut self, chain: &'a Chain) -> Option<End> {
        for (at, rule) in chain.rules.iter().enumerate() {
            if let Some(last) = self.way.last_mut() {
                last.1 = at;
            }
            if (self.is_log)(rule) {
                if self.is_of_its_own(chain, at) {
                    continue;
                }
                return Some(End::Log);
            }
            let met = self.meets(rule);
            let all = met.takes == Takes::All;
            let stops = matches!(rule.target, Target::Drop | Target::Reject(_));
            match &rule.target {
                Target::Accept if all && !met.partly => return Some(End::Accept),
                Target::Return if all && !met.partly => return None,
                _ if stops && all && !has_limit(rule) => return Some(End::Drop),
                target => {
                    let Some(to) = target.chain().and_then(|n| self.set.chain(self.family, n))
                    else {
                        continue;
                    };
                    if all && !has_limit(rule) {
                        if let Some(end) = self.chain(to) {
                            return Some(end);
                        }
                        if matches!(target, Target::Goto(_)) {
                            return None;
                        }
                    } else if self.narrow_jumps && met.takes != Takes::None {
                        let depth = self.way.len();
                        match self.chain(to) {
                            Some(end) if end != End::Drop && self.ends_in_filter() => {
                                return Some(end);
                            }
                            _ => self.way.truncate(depth),
                        }
                    }
                }
            }
        }
        None
    }

    /// Whether a LOG belongs to a DROP of the same packets behind it, which are not the wanted ones.
    fn is_of_its_own(&self, chain: &Chain, at: usize) -> bool {
        let key = |rule: &Rule| -> Vec<Match> {
            let kept = |m: &&Match| !matches!(m.test, Test::Limit { .. });
            rule.matches.iter().filter(kept).cloned().collect()
        };
        let own = key(&chain.rules[at]);
        self.meets(&chain.rules[at]).takes != Takes::All
            && (chain.rules[at + 1..].iter())
                .take_while(|rule| key(rule) == own)
                .any(|rule| matches!(rule.target, Target::Drop | Target::Reject(_)))
    }

    /// Whether the walk ended in a chain that decides on some and then logs the others.
    fn ends_in_filter(&self) -> bool {
        self.way.last().is_some_and(|(chain, at)| {
            let accepts = (chain.rules.get(*at)).is_some_and(|rule| rule.target == Target::Accept);
            (accepts || !only_drops(chain, *at))
                && chain.rules[*at..].iter().any(|rule| (self.is_log)(rule))
        })
    }

    fn answer(&self, end: End) -> Sought<'a> {
        let place = |step: &(&'a Chain, usize)| Place {
            chain: step.0,
            number: step.1 + 1,
        };
        let Some(last) = self.way.last() else {
            return Sought::Nowhere;
        };
        if end == End::Accept {
            return Sought::Live(place(last));
        }
        let shared = |chain: &Chain| {
            (self.set.chains().iter())
                .filter(|hook| matches!(hook.name.as_str(), "FORWARD" | "OUTPUT"))
                .any(|hook| self.leads(hook, chain, 0))
        };
        let fits = |(chain, at): &&(&Chain, usize)| !shared(chain) && !only_drops(chain, *at);
        let depth = (self.way.iter().rposition(|step| fits(&step))).unwrap_or(0);
        Sought::At(place(&self.way[depth]))
    }

    /// Whether a chain leads to another one by jumps.
    fn leads(&self, from: &Chain, to: &Chain, depth: usize) -> bool {
        depth < MAX_DEPTH
            && (from.rules.iter())
                .filter_map(|rule| self.set.chain(self.family, rule.target.chain()?))
                .any(|next| next.name == to.name || self.leads(next, to, depth + 1))
    }

    fn meets(&self, rule: &Rule) -> Met {
        let mut met = Met {
            takes: Takes::All,
            partly: has_limit(rule),
        };
        for m in &rule.matches {
            let takes = self.takes(m);
            met.partly |= matches!(m.test, Test::State(_) | Test::TcpFlags { .. }) && !m.negated;
            met.takes = met.takes.min(takes);
        }
        met
    }

    fn takes(&self, m: &Match) -> Takes {
        let all_if = |yes: bool| if yes { Takes::All } else { Takes::None };
        let takes = match &m.test {
            Test::Protocol(number) => match self.wanted.protocol() {
                None => Takes::Some,
                Some(wanted) => all_if(wanted == *number),
            },
            Test::Ports(ports, ranges) => match port_of(self.wanted, *ports) {
                None => Takes::Some,
                Some(wanted) => range_takes(ranges, wanted),
            },
            Test::Net(Side::Source, net) => match self.wanted.source_net() {
                None => Takes::Some,
                Some(own) if net.contains(&own) => Takes::All,
                Some(own) if own.contains(net) => Takes::Some,
                Some(_) => Takes::None,
            },
            Test::Interface(Side::Source, name) => self.interface_takes(name, m.negated),
            Test::State(states) => {
                if states.contains(States::NEW) {
                    if m.negated { Takes::Some } else { Takes::All }
                } else if states.contains(States::INVALID) || states.contains(States::UNTRACKED) {
                    Takes::Some
                } else {
                    Takes::None
                }
            }
            // `--syn`: packets that open a connection.
            Test::TcpFlags {
                mask: 0x17,
                set: 0x02,
            } if !m.negated => Takes::All,
            Test::Limit { .. } => return Takes::All,
            Test::AddressType(Side::Destination, types) if types.contains(&AddressType::Local) => {
                Takes::All
            }
            _ => Takes::Some,
        };
        match takes {
            Takes::Some => Takes::Some,
            takes => all_if((takes == Takes::All) != m.negated),
        }
    }

    fn interface_takes(&self, name: &str, negated: bool) -> Takes {
        let is_it = match name.strip_suffix('+') {
            Some(start) => self.interface.starts_with(start),
            None => name == self.interface,
        };
        let unknown = self.interface.is_empty() || self.any_interface;
        // An assumed interface matches with and without `!`.
        if is_it || (unknown && name != "lo" && !negated) {
            Takes::All
        } else {
            Takes::None
        }
    }
}

/// Whether only LOG rules precede an index: the chain only logs and drops.
fn only_drops(chain: &Chain, at: usize) -> bool {
    !chain.rules[..at.min(chain.rules.len())].iter().any(|rule| {
        let target = &rule.target;
        target.chain().is_some()
            || matches!(
                target,
                Target::Accept | Target::Return | Target::Drop | Target::Reject(_)
            )
    })
}

fn has_limit(rule: &Rule) -> bool {
    rule.has(|test| matches!(test, Test::Limit { .. }))
}

fn port_of(rule: &Rule, side: Ports) -> Option<PortRange> {
    rule.matches.iter().find_map(|m| match &m.test {
        Test::Ports(ports, ranges) if *ports == side => ranges.first().copied(),
        _ => None,
    })
}

fn range_takes(ranges: &[PortRange], wanted: PortRange) -> Takes {
    let overlaps = |range: &PortRange| range.first <= wanted.last && wanted.first <= range.last;
    let holds = |range: &PortRange| range.first <= wanted.first && wanted.last <= range.last;
    if ranges.iter().any(holds) {
        Takes::All
    } else if ranges.iter().any(overlaps) {
        Takes::Some
    } else {
        Takes::None
    }
}
