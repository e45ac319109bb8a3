//! What the chains do with a packet: a [`Question`] in, an [`Outcome`] out.
//!
//! Follows `ipt_do_table()` of ip_tables.c. A match that the question does not answer does not match, and a note names it
//! where all other matches of its rule do; what would become of the packet if it did is kept beside the outcome. Each chain
//! is walked once for one packet, since what it does depends on the packet alone: so the time is linear in the rules.

use std::rc::Rc;

use crate::chain::matching::{Answer, answer};
use crate::chain::outcome::{ChainOutcome, Outcome, Position};
use crate::chain::question::Question;
use crate::chain::rule::{Rule, Target, Test};
use crate::chain::{Chain, Family, HARVESTER, INPUT, RuleSet};

/// Where a packet enters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Evaluation<'a> {
    /// The chain that it enters by.
    pub chain: &'a str,
}

impl Evaluation<'static> {
    /// As the kernel does: by the built-in chain for packets to the node itself.
    pub const FROM_INPUT: Self = Self { chain: INPUT };
    /// By the chain of the documentation, whether INPUT leads there or not.
    pub const FROM_HARVESTER: Self = Self { chain: HARVESTER };
}

/// Jumps nest so deep at most. The kernel refuses loops; a text may have them.
const DEEPEST: usize = 64;
/// How many notes, LOG rules and other ends are kept of one packet.
const MAX_KEPT: usize = 16;

impl RuleSet {
    /// What the chains do with a packet.
    pub fn evaluate(&self, question: &Question<'_>, when: Evaluation<'_>) -> Outcome {
        let mut walk = Walk::new(self, question);
        let Some((at, chain)) = self.find(walk.family, when.chain) else {
            return Outcome {
                end: ChainOutcome::NoMatch,
                logged: Vec::new(),
                notes: vec![format!(
                    "there is no chain `{}` for {}",
                    when.chain,
                    walk.family.tool()
                )],
                maybe: Vec::new(),
                returned: None,
                steps: 0,
            };
        };
        let through = walk.chain(at, chain, 0);
        let policy = || {
            chain
                .policy
                .map_or(ChainOutcome::NoMatch, ChainOutcome::Policy)
        };
        let mut maybe = through.maybe.clone();
        let end = match &through.end {
            Some(end) => {
                if through.may_return {
                    keep(&mut maybe, policy());
                }
                end.clone()
            }
            None => policy(),
        };
        let end = match end {
            ChainOutcome::Accepted(position) if !through.logged.is_empty() => {
                ChainOutcome::AcceptedLogged(position)
            }
            end => end,
        };
        maybe.retain(|other| *other != end);
        Outcome {
            end,
            logged: through.logged.clone(),
            notes: walk.notes,
            maybe,
            returned: walk.returned,
            steps: walk.steps,
        }
    }
}

/// What a chain does with the packet.
#[derive(Debug, Default)]
struct Through {
    /// `None` where the packet returns.
    end: Option<ChainOutcome>,
    /// Ends that it has instead, were what could not be evaluated to match.
    maybe: Vec<ChainOutcome>,
    /// Whether it returns then, though `end` is something else.
    may_return: bool,
    logged: Vec<Position>,
}

impl Through {
    /// Ends the way of the packet; where that was settled before, only of one that went another way.
    fn end(&mut self, end: ChainOutcome) {
        if self.end.is_none() {
            self.end = Some(end);
        } else {
            keep(&mut self.maybe, end);
        }
    }

    /// Returns to the chain before.
    fn leave(&mut self) {
        self.may_return |= self.end.is_some();
    }
}

/// Adds to a short list without repeats.
fn keep<T: PartialEq>(list: &mut Vec<T>, one: T) {
    if list.len() < MAX_KEPT && !list.contains(&one) {
        list.push(one);
    }
}

struct Walk<'a> {
    set: &'a RuleSet,
    question: &'a Question<'a>,
    family: Family,
    /// Each chain that was walked.
    done: Vec<Option<Rc<Through>>>,
    /// The chains that the packet is in.
    inside: Vec<usize>,
    notes: Vec<String>,
    /// The first RETURN that the packet met.
    returned: Option<Position>,
    steps: u64,
}

impl<'a> Walk<'a> {
    fn new(set: &'a RuleSet, question: &'a Question<'a>) -> Self {
        Self {
            set,
            question,
            family: Family::of(&question.packet),
            done: vec![None; set.chains().len()],
            inside: Vec::new(),
            notes: Vec::new(),
            returned: None,
            steps: 0,
        }
    }

    fn note(&mut self, text: String) {
        keep(&mut self.notes, text);
    }

    fn chain(&mut self, index: usize, chain: &Chain, depth: usize) -> Rc<Through> {
        if let Some(known) = &self.done[index] {
            return Rc::clone(known);
        }
        if depth > DEEPEST || self.inside.contains(&index) {
            self.note(format!("chain `{}` leads back to itself", chain.name));
            return Rc::new(Through::default());
        }
        self.inside.push(index);
        let mut out = Through::default();
        let mut at = 0;
        while let Some(rule) = chain.rules.get(at)
            && self.rule(chain, at, rule, depth, &mut out)
        {
            at += 1;
        }
        if at == chain.rules.len() {
            out.leave();
        }
        self.inside.pop();
        let out = Rc::new(out);
        self.done[index] = Some(Rc::clone(&out));
        out
    }

    /// Puts the packet to one rule; whether it may go on to the next.
    fn rule(
        &mut self,
        chain: &Chain,
        at: usize,
        rule: &Rule,
        depth: usize,
        out: &mut Through,
    ) -> bool {
        self.steps += 1;
        let sure = match self.matches(chain, at, rule) {
            Answer::No => return true,
            Answer::Yes => true,
            Answer::CannotTell => false,
        };
        let end = match &rule.target {
            Target::None => return true,
            Target::Other(name, _)
                if !matches!(name.as_str(), "QUEUE" | "NFQUEUE" | "SYNPROXY") =>
            {
                return true;
            }
            Target::Log(_) => {
                if sure && out.end.is_none() && self.set.is_drop_log(rule) {
                    keep(&mut out.logged, chain.position(at));
                }
                return true;
            }
            Target::Return => {
                if sure {
                    self.returned.get_or_insert_with(|| chain.position(at));
                    out.leave();
                } else {
                    out.may_return = true;
                }
                return !sure;
            }
            Target::Jump(name) | Target::Goto(name) => {
                let goto = matches!(rule.target, Target::Goto(_));
                return self.jump(chain.position(at), name, (sure, goto), depth, out);
            }
            Target::Accept => ChainOutcome::Accepted(chain.position(at)),
            Target::Drop => ChainOutcome::Dropped(chain.position(at)),
            Target::Reject(_) => ChainOutcome::Rejected(chain.position(at)),
            Target::Other(..) | Target::Unread => ChainOutcome::Unknown(chain.position(at)),
        };
        if sure {
            out.end(end);
        } else {
            keep(&mut out.maybe, end);
        }
        !sure
    }

    /// Sends the packet to another chain; whether it may come back to the next rule.
    fn jump(
        &mut self,
        from: Position,
        name: &str,
        (sure, goto): (bool, bool),
        depth: usize,
        out: &mut Through,
    ) -> bool {
        let Some((index, next)) = self.set.find(self.family, name) else {
            self.note(format!(
                "chain `{name}` is not in the text; taken as if it returned"
            ));
            keep(&mut out.maybe, ChainOutcome::Unknown(from));
            if goto && sure {
                out.leave();
            }
            return !(goto && sure);
        };
        let through = self.chain(index, next, depth + 1);
        for other in &through.maybe {
            keep(&mut out.maybe, other.clone());
        }
        let settled = out.end.is_some();
        match &through.end {
            Some(end) if sure => out.end(end.clone()),
            Some(end) => keep(&mut out.maybe, end.clone()),
            None => {}
        }
        if sure && !settled {
            for position in &through.logged {
                keep(&mut out.logged, position.clone());
            }
        }
        let returns = through.end.is_none() || through.may_return;
        if goto && returns {
            // It leaves this chain as well.
            if through.end.is_none() && sure {
                out.leave();
            } else {
                out.may_return = true;
            }
        }
        !sure || (returns && !goto)
    }

    /// Whether all matches of the rule match; notes what cannot be told where that decides.
    fn matches(&mut self, chain: &Chain, at: usize, rule: &Rule) -> Answer {
        let mut open = None;
        // An own LOG rule's limit decides nothing.
        let limits = !matches!(rule.target, Target::Log(_) | Target::None);
        for m in &rule.matches {
            match answer(m, self.question) {
                Answer::Yes => {}
                Answer::No => return Answer::No,
                Answer::CannotTell if matches!(m.test, Test::Limit { .. }) && !limits => {}
                Answer::CannotTell => {
                    open.get_or_insert(m);
                }
            }
        }
        let Some(m) = open else {
            return Answer::Yes;
        };
        // Printing it takes longer than all else here.
        if self.notes.len() == MAX_KEPT {
            return Answer::CannotTell;
        }
        self.note(format!(
            "rule {} of {} ({}): `{m}` cannot be told from a log line; taken as no match",
            at + 1,
            chain.name,
            rule.target
        ));
        Answer::CannotTell
    }
}
