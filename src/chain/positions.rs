//! The order in a chain: what stands before LOG and DROP and works, what stands behind and is dead, and what they counted.

use crate::catalog::LOG_PREFIX;
use crate::chain::outcome::Position;
use crate::chain::rule::{Log, Match, Rule, Target, Test};
use crate::chain::{Chain, Family, HARVESTER, INPUT, Policy, RuleSet};

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

    pub(in crate::chain) fn position(&self, at: usize) -> Position {
        Position {
            chain: self.name.clone(),
            number: at + 1,
            line: self.rules.get(at).map_or(self.line, |rule| rule.line),
        }
    }

    /// The first rule that does what `rule` does before LOG and DROP.
    pub fn live_copy(&self, rule: &Rule) -> Option<Position> {
        let from = self.insert_number().unwrap_or(usize::MAX);
        (self.rules.iter().enumerate())
            .filter(|(_, known)| known.means(rule))
            .map(|(at, _)| self.position(at))
            .find(|position| position.number < from)
    }

    /// What the LOG rules of the drop log counted: those with its prefix, or all where none has it.
    pub fn log_packets(&self) -> Option<Counted> {
        let has_prefix =
            |rule: &Rule| matches!(&rule.target, Target::Log(log) if is_documented(log));
        self.sum(|_, rule| has_prefix(rule))
            .or_else(|| self.sum(|_, rule| matches!(rule.target, Target::Log(_))))
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
    /// Notes what rules ask for, once all are there.
    pub(crate) fn finished(mut self) -> Self {
        self.asks_detail = (self.chains.iter())
            .flat_map(|chain| &chain.rules)
            .flat_map(|rule| &rule.matches)
            .any(|m| m.test.asks_detail());
        self.has_documented_log = (self.chains.iter())
            .flat_map(|chain| &chain.rules)
            .any(|rule| matches!(&rule.target, Target::Log(log) if is_documented(log)));
        self
    }

    /// Whether the rule logs what is to be dropped: by the documented prefix where any rule has it, else by taking all.
    pub fn is_drop_log(&self, rule: &Rule) -> bool {
        match &rule.target {
            Target::Log(log) if self.has_documented_log => is_documented(log),
            Target::Log(_) => rule.is_unconditional(),
            _ => false,
        }
    }

    /// The places of the chains that packets reach from a built-in chain, in the order in which its rules lead there.
    pub(in crate::chain) fn reached(&self, family: Family, hook: &str) -> Vec<usize> {
        let mut out = Vec::new();
        let mut seen = vec![false; self.chains.len()];
        let mut next: Vec<usize> = self
            .find(family, hook)
            .map(|(at, _)| at)
            .into_iter()
            .collect();
        while let Some(at) = next.pop() {
            if std::mem::replace(&mut seen[at], true) {
                continue;
            }
            out.push(at);
            let jumps = self.chains[at].rules.iter().rev();
            let to = jumps.filter_map(|rule| self.find(family, rule.target.chain()?));
            next.extend(to.map(|(to, _)| to).filter(|to| !seen[*to]));
        }
        out
    }

    /// The chains that packets reach from a chain, itself the first.
    pub fn reached_from(&self, family: Family, chain: &str) -> Vec<&Chain> {
        (self.reached(family, chain).into_iter())
            .map(|at| &self.chains[at])
            .collect()
    }

    /// The chain that is meant to filter, whether or not packets come so far, and where it begins to log or to drop. Where a
    /// rule goes is for [`RuleSet::seek`] to say.
    fn insertion(&self, family: Family) -> Option<(usize, usize)> {
        let reached = self.reached(family, INPUT);
        let all = || (0..self.chains.len()).filter(|at| self.chains[*at].family == family);
        let log = |at: &usize| {
            let rules = &self.chains[*at].rules;
            rules.iter().any(|rule| self.is_drop_log(rule))
        };
        let stops = |at: &usize| self.chains[*at].stop_number().is_some();
        let harvester = || self.find(family, HARVESTER).map(|(at, _)| at);
        let found = (reached.iter().copied().find(log))
            .or_else(harvester)
            .or_else(|| reached.iter().copied().find(stops))
            .or_else(|| all().find(|at| log(at) && self.chains[*at].policy.is_none()));
        let Some(mut at) = found else {
            // All of an interface is dropped in INPUT, or the policy drops what falls out of it.
            let (at, input) = self.find(family, INPUT)?;
            let by_interface = |rule: &Rule| {
                let only = |m: &Match| matches!(m.test, Test::Interface(..)) && !m.negated;
                matches!(rule.target, Target::Drop | Target::Reject(_))
                    && rule.matches.iter().all(only)
            };
            if let Some(stop) = input.rules.iter().rposition(by_interface) {
                return Some((at, stop + 1));
            }
            return (input.policy == Some(Policy::Drop)).then_some((at, input.rules.len() + 1));
        };
        let mut number = self.stops_at(at);
        let others: Vec<usize> = ["FORWARD", "OUTPUT"]
            .iter()
            .flat_map(|hook| self.reached(family, hook))
            .collect();
        for _ in 0..self.chains.len() {
            let chain = &self.chains[at];
            let begins = (chain.rules.iter().take(number.saturating_sub(1)))
                .all(|rule| matches!(rule.target, Target::Log(_) | Target::None));
            let shared = others.contains(&at);
            // The documented chain is one that filters, whatever it lacks.
            let only_logs = begins && !chain.rules.is_empty() && chain.name != HARVESTER;
            if chain.policy.is_some() || !(only_logs || shared) {
                break;
            }
            let jump = reached.iter().find_map(|above| {
                let jumps = |rule: &Rule| rule.target.chain() == Some(&chain.name);
                Some((
                    *above,
                    self.chains[*above].rules.iter().position(jumps)? + 1,
                ))
            });
            let Some(above) = jump else { break };
            (at, number) = above;
            if !shared {
                break;
            }
        }
        Some((at, number))
    }

    /// The number at which a chain begins to log or to drop all that comes so far; behind its last rule where it does not.
    fn stops_at(&self, at: usize) -> usize {
        let chain = &self.chains[at];
        let log = (chain.rules.iter()).position(|rule| self.is_drop_log(rule));
        (log.map(|at| at + 1).into_iter())
            .chain(chain.stop_number())
            .min()
            .unwrap_or(chain.rules.len() + 1)
    }

    /// The chain that filters the node: the one that new rules go into.
    pub fn firewall(&self, family: Family) -> Option<&Chain> {
        self.insertion(family).map(|(at, _)| &self.chains[at])
    }

    /// Whether it decides on what comes in: a chain that filters the node, or a policy or a rule of INPUT that may stop a
    /// packet.
    pub fn filters(&self, family: Family) -> bool {
        let stops = |at: usize| {
            let mut rules = self.chains[at].rules.iter();
            rules.any(|rule| matches!(rule.target, Target::Drop | Target::Reject(_)))
        };
        self.firewall(family).is_some() || self.reached(family, INPUT).into_iter().any(stops)
    }

    /// Whether it says what becomes of what comes in: a dump of INPUT in which nothing stops a packet says that the chain is
    /// gone.
    pub fn decides(&self, family: Family) -> bool {
        let is_dump = |chain: &Chain| chain.line > 0 && chain.policy.is_some();
        self.filters(family) || self.chain(family, INPUT).is_some_and(is_dump)
    }

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
}

/// Whether a LOG rule has the documented prefix, or that of an older write-up.
fn is_documented(log: &Log) -> bool {
    log.prefix.starts_with(LOG_PREFIX.trim_end_matches('_'))
}
