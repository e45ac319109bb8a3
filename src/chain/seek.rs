//! Search for the insertion point of a rule: the walk of a new connection from INPUT to the LOG or the DROP that it
//! reaches.
//!
//! The script of `dropsift rules` makes the same walk on the node, where only a shell and awk can be relied on
//! (`rule/script/walk.awk`). `tests/it/walks.rs` compares both on many chains.

use crate::chain::matching::{Answer, answer};
use crate::chain::question::Question;
use crate::chain::takes::{Met, Packets, Takes, has_limit};
use crate::chain::{Chain, Family, INPUT, Match, Policy, Rule, RuleSet, Target, Test};

/// Upper bound on nested jumps; the kernel's own stack is smaller.
const MAX_DEPTH: usize = 32;

/// Result of the search.
#[derive(Debug, Clone)]
pub enum Sought<'a> {
    /// A live rule accepts all of its packets already.
    Live(Place<'a>),
    /// The rule is inserted before this one.
    At(Place<'a>),
    /// This rule drops the known packet, and is narrower than the wanted one: the administrator's choice.
    Stopped(Place<'a>),
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

/// What is known of the packets that a rule is to accept, beside its matches.
#[derive(Debug, Clone, Copy, Default)]
pub struct Arrival<'w> {
    /// Interface on which they arrive; empty where it is not known.
    pub interface: &'w str,
    /// One of them, whose way is followed: it settles jumps that only some packets of the rule take.
    pub packet: Option<&'w Question<'w>>,
    /// Chain that drops them: a rule for them belongs into no other.
    pub within: Option<&'w str>,
}

impl<'w> From<&'w str> for Arrival<'w> {
    fn from(interface: &'w str) -> Self {
        Self {
            interface,
            ..Self::default()
        }
    }
}

/// Walk of the wanted packets through the chains.
struct Walk<'w, 'a> {
    set: &'a RuleSet,
    family: Family,
    wanted: &'w Rule,
    arrival: Arrival<'w>,
    is_log: &'w dyn Fn(&Rule) -> bool,
    /// Whether jumps are followed that match only some of the packets.
    narrow_jumps: bool,
    /// Whether the interface of any rule counts as the packets'.
    any_interface: bool,
    /// Jump stack: the chains on the way, each with the index of the jump in it.
    way: Vec<(&'a Chain, usize)>,
    /// Places to which jumps of only some of the packets lead; `None` where they are not collected.
    branches: Option<Vec<(&'a str, usize)>>,
    /// Whether a RETURN for only some of the packets was met in the chain.
    leaves: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum End {
    Accept,
    Log,
    Drop,
    /// A rule for the known packet drops it.
    Stopped,
    /// In another chain than the wanted one.
    Elsewhere,
}

impl RuleSet {
    /// Searches the insertion point of a rule. `is_log` recognises the LOG rule for dropped packets.
    pub fn seek<'w>(
        &self,
        family: Family,
        rule: &'w Rule,
        arrival: impl Into<Arrival<'w>>,
        is_log: &'w dyn Fn(&Rule) -> bool,
    ) -> Sought<'_> {
        match self.start(family) {
            Some(entry) => seek(self, entry, rule, arrival.into(), is_log),
            None => Sought::Nowhere,
        }
    }

    /// Whether packets of the rule are dropped in one place, and others in another or nowhere, since only some of them
    /// take a jump.
    pub fn parts(
        &self,
        family: Family,
        rule: &Rule,
        interface: &str,
        is_log: &dyn Fn(&Rule) -> bool,
    ) -> bool {
        let Some(entry) = self.start(family) else {
            return false;
        };
        let mut walk = Walk::new(self, family, rule, interface.into(), is_log);
        walk.branches = Some(Vec::new());
        let end = walk.from(entry);
        let last = end.and_then(|end| walk.branch(end));
        let mut all = walk.branches.unwrap_or_default();
        all.extend(last);
        all.iter().any(|place| *place != all[0])
    }

    pub(in crate::chain) fn start(&self, family: Family) -> Option<&Chain> {
        let input = self
            .chain(family, INPUT)
            .filter(|chain| chain.line > 0 || !chain.rules.is_empty());
        input.or_else(|| self.firewall(family))
    }

    /// Searches as [`RuleSet::seek`] does, in a text that may be only a part of a node's chains: where INPUT does not
    /// lead to the chain that filters, the walk begins there.
    pub fn seek_in_part<'w>(
        &self,
        family: Family,
        rule: &'w Rule,
        arrival: impl Into<Arrival<'w>>,
        is_log: &'w dyn Fn(&Rule) -> bool,
    ) -> Sought<'_> {
        let arrival = arrival.into();
        match (
            self.seek(family, rule, arrival, is_log),
            self.firewall(family),
        ) {
            (Sought::Nowhere, Some(entry)) => seek(self, entry, rule, arrival, is_log),
            (found, _) => found,
        }
    }
}

/// Walks from the chain `entry` on, for each interpretation of uncertain jumps and interfaces.
fn seek<'a>(
    set: &'a RuleSet,
    entry: &'a Chain,
    rule: &Rule,
    arrival: Arrival<'_>,
    is_log: &dyn Fn(&Rule) -> bool,
) -> Sought<'a> {
    let mut first: Option<(End, Walk<'_, 'a>)> = None;
    for mode in 0..4 {
        let mut walk = Walk::new(set, entry.family, rule, arrival, is_log);
        walk.narrow_jumps = mode % 2 == 1;
        walk.any_interface = mode > 1;
        // Of a known chain the first jump to it counts, whoever takes it.
        if arrival.within.is_some() && !walk.narrow_jumps {
            continue;
        }
        let found = walk.from(entry);
        match found {
            Some(End::Accept) if first.is_none() || mode == 1 => return walk.answer(End::Accept),
            Some(End::Log) => return walk.answer(End::Log),
            Some(End::Stopped) if mode < 2 => return walk.answer(End::Stopped),
            Some(End::Elsewhere) => {}
            Some(end) if first.is_none() => first = Some((end, walk)),
            _ => {}
        }
    }
    first.map_or(Sought::Nowhere, |(end, walk)| walk.answer(end))
}

impl<'w, 'a> Walk<'w, 'a> {
    const fn new(
        set: &'a RuleSet,
        family: Family,
        wanted: &'w Rule,
        arrival: Arrival<'w>,
        is_log: &'w dyn Fn(&Rule) -> bool,
    ) -> Self {
        Self {
            set,
            family,
            wanted,
            arrival,
            is_log,
            narrow_jumps: false,
            any_interface: false,
            way: Vec::new(),
            branches: None,
            leaves: false,
        }
    }
}

impl<'a> Walk<'_, 'a> {
    fn from(&mut self, entry: &'a Chain) -> Option<End> {
        self.chain(entry).or_else(|| {
            self.way = vec![(entry, entry.rules.len())];
            (entry.policy == Some(Policy::Drop)).then(|| self.counted(End::Drop))
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
                return Some(self.counted(End::Log));
            }
            let met = self.meets(rule);
            let all = met.takes == Takes::All;
            let stops = matches!(rule.target, Target::Drop | Target::Reject(_));
            let packet = self.is_met(rule);
            match &rule.target {
                Target::Accept if all && !met.partly => return Some(self.counted(End::Accept)),
                Target::Return if packet.unwrap_or(all && !met.partly) => return None,
                Target::Return => self.leaves |= packet.is_none() && met.takes == Takes::Some,
                _ if stops && packet == Some(true) && !all => return Some(End::Stopped),
                _ if stops && all && !has_limit(rule) && packet != Some(false) => {
                    return Some(self.counted(End::Drop));
                }
                target => {
                    let Some(to) = target.chain().and_then(|n| self.set.chain(self.family, n))
                    else {
                        continue;
                    };
                    let depth = self.way.len();
                    if packet.unwrap_or(all && !has_limit(rule)) {
                        let before = std::mem::take(&mut self.leaves);
                        let end = self.chain(to);
                        let left = std::mem::replace(&mut self.leaves, before);
                        match end {
                            // Some of the packets came back, and go on here.
                            Some(end) if left && self.passes(end) => {
                                let branch = self.branch(end).filter(|_| end == End::Log);
                                self.branches.iter_mut().for_each(|all| all.extend(branch));
                                self.way.truncate(depth);
                                if matches!(target, Target::Goto(_)) {
                                    self.leaves = true;
                                    return Some(end);
                                }
                            }
                            // The jump is to a chain that only logs and drops, for packets like the known one.
                            Some(End::Log | End::Drop) if !all && self.only_drops_from(depth) => {
                                self.way.truncate(depth);
                                return Some(End::Stopped);
                            }
                            Some(end) => return Some(end),
                            None if matches!(target, Target::Goto(_)) => return None,
                            None => {}
                        }
                    } else if packet.is_none()
                        && (self.narrow_jumps || self.branches.is_some())
                        && met.takes != Takes::None
                    {
                        let end = self.chain(to);
                        let within = self.arrival.within.is_some();
                        match end {
                            Some(End::Elsewhere | End::Stopped) | None => {}
                            Some(end) if within => return Some(end),
                            Some(end) if self.branches.is_some() => {
                                let is_place = end == End::Log && !self.only_drops_from(depth);
                                let branch = self.branch(end).filter(|_| is_place);
                                self.branches.iter_mut().for_each(|all| all.extend(branch));
                            }
                            Some(end) if end != End::Drop && self.ends_in_filter() => {
                                return Some(end);
                            }
                            Some(_) => {}
                        }
                        self.way.truncate(depth);
                    }
                }
            }
        }
        None
    }

    fn meets(&self, rule: &Rule) -> Met {
        let packets = Packets {
            wanted: self.wanted,
            interface: self.arrival.interface,
            any_interface: self.any_interface,
        };
        packets.meets(rule)
    }

    /// Whether the known packet meets the rule; `None` where it is not known, or its line does not settle it.
    fn is_met(&self, rule: &Rule) -> Option<bool> {
        let packet = self.arrival.packet.filter(|_| !self.any_interface)?;
        let mut met = Some(true);
        for m in &rule.matches {
            match answer(m, packet) {
                Answer::Yes => {}
                Answer::No => return Some(false),
                Answer::CannotTell => met = None,
            }
        }
        met
    }

    /// Whether the walk goes on behind an end of only some of the packets.
    fn passes(&self, end: End) -> bool {
        self.branches.is_some() || self.arrival.within.is_some() && end == End::Elsewhere
    }

    /// Returns `end`, or [`End::Elsewhere`] where it is not in the wanted chain.
    fn counted(&self, end: End) -> End {
        let Some(within) = self.arrival.within else {
            return end;
        };
        let at = match end {
            End::Accept => self.way.last(),
            _ => self.way.get(self.place()),
        };
        if at.is_some_and(|(chain, _)| chain.name == within) {
            end
        } else {
            End::Elsewhere
        }
    }

    /// Returns where some of the packets end, by a LOG or accepted.
    fn branch(&self, end: End) -> Option<(&'a str, usize)> {
        let (chain, at) = match end {
            End::Log => self.way.get(self.place())?,
            End::Accept => self.way.last()?,
            End::Drop | End::Stopped | End::Elsewhere => return None,
        };
        Some((chain.name.as_str(), *at))
    }

    /// Whether the chains of the way from `depth` on only log and drop.
    fn only_drops_from(&self, depth: usize) -> bool {
        (self.way.iter().skip(depth)).all(|(chain, at)| only_drops(chain, *at))
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
        match end {
            End::Accept => Sought::Live(place(last)),
            End::Stopped => Sought::Stopped(place(last)),
            End::Elsewhere => Sought::Nowhere,
            End::Log | End::Drop => Sought::At(place(&self.way[self.place()])),
        }
    }

    /// Returns the index in the way of the chain that a rule goes into: none that other hooks share, or that only logs
    /// and drops.
    fn place(&self) -> usize {
        let shared = |chain: &Chain| {
            (self.set.chains().iter())
                .filter(|hook| matches!(hook.name.as_str(), "FORWARD" | "OUTPUT"))
                .any(|hook| self.leads(hook, chain, 0))
        };
        let fits = |(chain, at): &&(&Chain, usize)| !shared(chain) && !only_drops(chain, *at);
        (self.way.iter().rposition(|step| fits(&step))).unwrap_or(0)
    }

    /// Whether a chain leads to another one by jumps.
    fn leads(&self, from: &Chain, to: &Chain, depth: usize) -> bool {
        depth < MAX_DEPTH
            && (from.rules.iter())
                .filter_map(|rule| self.set.chain(self.family, rule.target.chain()?))
                .any(|next| next.name == to.name || self.leads(next, to, depth + 1))
    }
}

/// Whether only LOG rules precede an index: the chain only logs and drops.
pub(in crate::chain) fn only_drops(chain: &Chain, at: usize) -> bool {
    !chain.rules[..at.min(chain.rules.len())].iter().any(|rule| {
        let target = &rule.target;
        target.chain().is_some()
            || matches!(
                target,
                Target::Accept | Target::Return | Target::Drop | Target::Reject(_)
            )
    })
}
