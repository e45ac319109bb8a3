//! The order in a chain: what stands before LOG and DROP and works, what stands behind and is dead, and what they counted.

use crate::chain::evaluate::Place;
use crate::chain::rule::{Rule, Target};
use crate::chain::{Chain, Family, RuleSet};

/// A sum of counters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Counted {
    pub packets: u64,
    /// Not from K, M, G or T forms.
    pub exact: bool,
}

impl Chain {
    /// The number of the first rule that logs what is to be dropped: a LOG that asks nothing but a limit, else any LOG
    /// with a DROP behind it.
    pub fn log_rule_number(&self) -> Option<usize> {
        let is_log = |rule: &Rule| matches!(rule.target, Target::Log(_));
        let plain = self
            .rules
            .iter()
            .position(|rule| is_log(rule) && rule.is_unconditional());
        let stop = self.stop_number().unwrap_or(usize::MAX);
        let first = self.rules.iter().position(is_log);
        // The split form has `--syn`, `! -p tcp` and `! --syn` rules before DROP: the first of them.
        let run = first.filter(|first| {
            self.rules
                .iter()
                .skip(*first)
                .take(stop.saturating_sub(first + 1))
                .all(is_log)
        });
        run.or(plain).map(|at| at + 1)
    }

    /// The number of the first rule behind which nothing is reached: an unconditional DROP or REJECT.
    pub fn stop_number(&self) -> Option<usize> {
        let stops = |rule: &Rule| {
            matches!(rule.target, Target::Drop | Target::Reject(_)) && rule.matches.is_empty()
        };
        self.rules.iter().position(stops).map(|at| at + 1)
    }

    /// Where new rules go: the number of LOG, else of DROP.
    pub fn insert_number(&self) -> Option<usize> {
        self.log_rule_number()
            .into_iter()
            .chain(self.stop_number())
            .min()
    }

    pub(in crate::chain) fn place(&self, at: usize) -> Place {
        Place {
            chain: self.name.clone(),
            number: at + 1,
            line: self.rules.get(at).map_or(self.line, |rule| rule.line),
        }
    }

    /// The rules that do what `rule` does, told by meaning, behind LOG or DROP.
    pub fn dead_copies(&self, rule: &Rule) -> Vec<Place> {
        let from = self.insert_number().unwrap_or(usize::MAX);
        self.copies(rule)
            .filter(|place| place.number > from)
            .collect()
    }

    /// The first rule that does what `rule` does before LOG and DROP.
    pub fn live_copy(&self, rule: &Rule) -> Option<Place> {
        let from = self.insert_number().unwrap_or(usize::MAX);
        self.copies(rule).find(|place| place.number < from)
    }

    /// The first rule before LOG and DROP that does for all packets of `rule` what `rule` does: its copy, or a wider one.
    pub fn live_cover(&self, rule: &Rule) -> Option<Place> {
        let live = self.insert_number().map_or(usize::MAX, |from| from - 1);
        (self.rules.iter().take(live))
            .position(|known| known.covers(rule))
            .map(|at| self.place(at))
    }

    fn copies<'a>(&'a self, rule: &'a Rule) -> impl Iterator<Item = Place> + 'a {
        self.rules
            .iter()
            .enumerate()
            .filter(|(_, known)| known.means(rule))
            .map(|(at, _)| self.place(at))
    }

    /// What the LOG rules counted.
    pub fn log_packets(&self) -> Option<Counted> {
        self.sum(|_, rule| matches!(rule.target, Target::Log(_)))
    }

    /// What the DROP and REJECT rules behind the first LOG counted.
    pub fn drop_packets(&self) -> Option<Counted> {
        let from = self.log_rule_number().unwrap_or(0);
        self.sum(|number, rule| {
            number >= from && matches!(rule.target, Target::Drop | Target::Reject(_))
        })
    }

    /// Drops that left no line: DROP packets less LOG packets.
    pub fn unlogged(&self) -> Option<Counted> {
        let (dropped, logged) = (self.drop_packets()?, self.log_packets()?);
        Some(Counted {
            packets: dropped.packets.saturating_sub(logged.packets),
            exact: dropped.exact && logged.exact,
        })
    }

    /// `None` where no such rule is there, or one has no counters.
    fn sum(&self, wanted: impl Fn(usize, &Rule) -> bool) -> Option<Counted> {
        let mut out: Option<Counted> = None;
        for (at, rule) in self.rules.iter().enumerate() {
            if !wanted(at + 1, rule) {
                continue;
            }
            let counters = rule.counters?;
            let sum = out.get_or_insert(Counted {
                packets: 0,
                exact: true,
            });
            sum.packets = sum.packets.saturating_add(counters.packets);
            sum.exact &= counters.exact;
        }
        out
    }
}

impl RuleSet {
    /// Puts a rule at a number of a chain, as `-I` does; nothing where there is no such place.
    pub fn insert_rule(&mut self, family: Family, chain: &str, number: usize, rule: &Rule) {
        if let Some(chain) = self.chain_mut(family, chain)
            && (1..=chain.rules.len() + 1).contains(&number)
        {
            let rule = Rule {
                line: 0,
                ..rule.clone()
            };
            chain.rules.insert(number - 1, rule);
        }
    }

    /// The number of the LOG rule in the chain.
    pub fn log_rule_number(&self, family: Family, chain: &str) -> Option<usize> {
        self.chain(family, chain)?.log_rule_number()
    }

    /// In the chain that filters the node, the rules that do what `rule` does behind LOG or DROP.
    pub fn dead_copies(&self, family: Family, rule: &Rule) -> Vec<Place> {
        self.firewall(family)
            .map(|chain| chain.dead_copies(rule))
            .unwrap_or_default()
    }
}
