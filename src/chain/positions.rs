//! Positions in a chain: live rules before LOG and DROP, dead ones behind them, and the counters of these two.

use crate::catalog::LOG_PREFIX;
use crate::chain::evaluate::Evaluation;
use crate::chain::outcome::Position;
use crate::chain::rule::{Log, Match, Rule, Target, Test};
use crate::chain::{Chain, Family, HARVESTER, INPUT, Policy, RuleSet};

/// A sum of counters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Counted {
    pub packets: u64,
    /// Whether the number is exact: false where a counter has a K, M, G or T form.
    pub exact: bool,
}

impl Chain {
    /// Returns the number of the first LOG rule for dropped packets: one whose only match is a limit, else any LOG
    /// followed by a DROP.
    pub fn log_rule_number(&self) -> Option<usize> {
        let is_log = |rule: &Rule| matches!(rule.target, Target::Log(_));
        let plain = self
            .rules
            .iter()
            .position(|rule| is_log(rule) && rule.is_unconditional());
        let stop = self.stop_number().unwrap_or(usize::MAX);
        let first = self.rules.iter().position(is_log);
        // The split LOG rules are `--syn`, `! -p tcp` and `! --syn` before DROP: the first of them counts.
        let run = first.filter(|first| {
            self.rules
                .iter()
                .skip(*first)
                .take(stop.saturating_sub(first + 1))
                .all(is_log)
        });
        run.or(plain).map(|at| at + 1)
    }

    /// Returns the number of the first unconditional DROP or REJECT, behind which no rule is reached.
    pub fn stop_number(&self) -> Option<usize> {
        let stops = |rule: &Rule| {
            matches!(rule.target, Target::Drop | Target::Reject(_)) && rule.matches.is_empty()
        };
        self.rules.iter().position(stops).map(|at| at + 1)
    }

    /// Returns the number at which new rules are inserted: that of LOG, else of DROP.
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

    /// Returns the first rule before LOG and DROP that has the same meaning as `rule`.
    pub fn live_copy(&self, rule: &Rule) -> Option<Position> {
        let from = self.insert_number().unwrap_or(usize::MAX);
        (self.rules.iter().enumerate())
            .filter(|(_, known)| known.means(rule))
            .map(|(at, _)| self.position(at))
            .find(|position| position.number < from)
    }

    /// Sums the packet counters of the drop log's LOG rules: those with its prefix, or all where none has it.
    pub fn log_packets(&self) -> Option<Counted> {
        let has_prefix =
            |rule: &Rule| matches!(&rule.target, Target::Log(log) if is_documented(log));
        self.sum(|_, rule| has_prefix(rule))
            .or_else(|| self.sum(|_, rule| matches!(rule.target, Target::Log(_))))
    }

    /// Sums the packet counters of the DROP and REJECT rules behind the first LOG.
    pub fn drop_packets(&self) -> Option<Counted> {
        let from = self.log_rule_number().unwrap_or(0);
        self.sum(|number, rule| {
            number >= from && matches!(rule.target, Target::Drop | Target::Reject(_))
        })
    }

    /// Returns the number of drops that left no line: DROP packets less LOG packets.
    pub fn unlogged(&self) -> Option<Counted> {
        let (dropped, logged) = (self.drop_packets()?, self.log_packets()?);
        Some(Counted {
            packets: dropped.packets.saturating_sub(logged.packets),
            exact: dropped.exact && logged.exact,
        })
    }

    /// Sums the packet counters of the wanted rules; `None` where there are none, or one has no counters.
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
    /// Completes the set: derives the flags that depend on all rules.
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

    /// Whether the rule logs dropped packets: it has the documented prefix, if any rule has it; otherwise it is
    /// unconditional.
    pub fn is_drop_log(&self, rule: &Rule) -> bool {
        match &rule.target {
            Target::Log(log) if self.has_documented_log => is_documented(log),
            Target::Log(_) => rule.is_unconditional(),
            _ => false,
        }
    }

    /// Returns the indices of the chains reached from a built-in chain, in the order of its jumps.
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

    /// Returns the chains reached from a chain, beginning with the chain itself.
    pub fn reached_from(&self, family: Family, chain: &str) -> Vec<&Chain> {
        (self.reached(family, chain).into_iter())
            .map(|at| &self.chains[at])
            .collect()
    }

    /// Returns the chain that is meant to filter, whether or not packets reach it, and its first LOG or DROP rule. The
    /// insertion point of a rule is determined by [`RuleSet::seek`].
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
            // INPUT drops all packets of an interface, or its policy drops the packets that reach its end.
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
            // The documented chain always counts as one that filters, even if it lacks rules.
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

    /// Returns the number of the rule at which a chain logs or drops all remaining packets; the number behind its last
    /// rule if there is none.
    fn stops_at(&self, at: usize) -> usize {
        let chain = &self.chains[at];
        let log = (chain.rules.iter()).position(|rule| self.is_drop_log(rule));
        (log.map(|at| at + 1).into_iter())
            .chain(chain.stop_number())
            .min()
            .unwrap_or(chain.rules.len() + 1)
    }

    /// Returns the chain that filters the node: the one into which new rules are inserted.
    pub fn firewall(&self, family: Family) -> Option<&Chain> {
        self.insertion(family).map(|(at, _)| &self.chains[at])
    }

    /// Whether the set filters incoming packets: it has a chain that filters the node, or a rule of INPUT or of a chain
    /// reached from it may stop a packet.
    pub fn filters(&self, family: Family) -> bool {
        let stops = |at: usize| {
            let mut rules = self.chains[at].rules.iter();
            rules.any(|rule| matches!(rule.target, Target::Drop | Target::Reject(_)))
        };
        self.firewall(family).is_some() || self.reached(family, INPUT).into_iter().any(stops)
    }

    /// Whether the chain that filters the node is in the text, where there is one: a listing of INPUT alone leads to chains
    /// that it does not have.
    pub fn shows_filter(&self, family: Family) -> bool {
        let leads_out = |at: usize| {
            let jumps = self.chains[at].rules.iter();
            let mut targets = jumps.filter_map(|rule| rule.target.chain());
            targets.any(|name| self.chain(family, name).is_none())
        };
        let is_missed = || self.reached(family, INPUT).into_iter().any(leads_out);
        self.firewall(family)
            .is_some_and(|chain| chain.policy.is_none())
            || !is_missed()
    }

    /// Returns the entry of packets: INPUT, as in the kernel, where the text has it; else the chain that filters.
    pub fn entry(&self, family: Family) -> Evaluation<'_> {
        let input = self
            .chain(family, INPUT)
            .filter(|chain| chain.line > 0 || !chain.rules.is_empty());
        let other = || self.firewall(family).map_or(INPUT, |chain| &chain.name);
        Evaluation {
            chain: input.map_or_else(other, |_| INPUT),
        }
    }

    /// Whether the set determines the outcome of incoming packets: a dump of INPUT in which no rule stops a packet shows
    /// that the chain is gone.
    pub fn decides(&self, family: Family) -> bool {
        let is_dump = |chain: &Chain| chain.line > 0 && chain.policy.is_some();
        self.filters(family) || self.chain(family, INPUT).is_some_and(is_dump)
    }

    /// Inserts a rule at a number of a chain, as `-I` does; does nothing if there is no such chain or number.
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
