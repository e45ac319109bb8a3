//! Evaluation of a packet in the chains: a [`Question`] in, an [`Outcome`] out.
//!
//! Follows `ipt_do_table()` of ip_tables.c. A match that the question leaves open counts as no match; where it alone
//! decides its rule, a note names it, and the end that the packet would otherwise have is kept beside the outcome. Each
//! chain is walked once per packet, because its result depends on the packet alone: the time is linear in the number of
//! rules.

use std::rc::Rc;

use crate::chain::matching::{Answer, answer};
use crate::chain::outcome::{ChainOutcome, Outcome, Position};
use crate::chain::question::Question;
use crate::chain::rule::{Match, Rule, Target, Test};
use crate::chain::{Chain, Family, HARVESTER, INPUT, RuleSet};

/// Entry point of an evaluation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Evaluation<'a> {
    /// Name of the first chain.
    pub chain: &'a str,
}

impl Evaluation<'static> {
    /// Entry of the kernel: the built-in chain for packets to the node itself.
    pub const FROM_INPUT: Self = Self { chain: INPUT };
    /// Entry by the documented chain, whether INPUT jumps to it or not.
    pub const FROM_HARVESTER: Self = Self { chain: HARVESTER };
}

/// Upper bound on nested jumps. The kernel refuses loops; a text may contain them.
const MAX_DEPTH: usize = 64;
/// Upper bound on the notes, on the LOG rules, and on the alternative ends kept of one packet.
const MAX_KEPT: usize = 16;

impl RuleSet {
    /// Evaluates the chains for a packet.
    pub fn evaluate(&self, question: &Question<'_>, when: Evaluation<'_>) -> Outcome {
        self.evaluate_with(question, when, None)
    }

    /// Evaluates the chains for a packet as if `rule`, which accepts, stood before a rule: its chain, and its number.
    pub fn evaluate_with(
        &self,
        question: &Question<'_>,
        when: Evaluation<'_>,
        inserted: Option<(&str, usize, &Rule)>,
    ) -> Outcome {
        let mut walk = Walk::new(self, question);
        let takes = |rule: &&Rule| {
            let is_met = |m: &Match| answer(m, question) == Answer::Yes;
            rule.matches.iter().all(is_met)
        };
        walk.inserted = inserted
            .filter(|(_, _, rule)| takes(rule))
            .and_then(|(chain, number, _)| Some((self.find(walk.family, chain)?.0, number - 1)));
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

/// Result of one chain for the packet.
#[derive(Debug, Default)]
struct Through {
    /// End of the packet; `None` where it returns to the calling chain.
    end: Option<ChainOutcome>,
    /// Alternative ends, if matches that could not be evaluated matched.
    maybe: Vec<ChainOutcome>,
    /// Whether it may also return, although `end` is set.
    may_return: bool,
    logged: Vec<Position>,
}

impl Through {
    /// Records an end of the packet; where an earlier rule has settled it, as an alternative end.
    fn end(&mut self, end: ChainOutcome) {
        if self.end.is_none() {
            self.end = Some(end);
        } else {
            keep(&mut self.maybe, end);
        }
    }

    /// Records a RETURN to the calling chain.
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
    /// Results of the chains evaluated so far, by index.
    done: Vec<Option<Rc<Through>>>,
    /// Indices of the chains on the jump stack.
    inside: Vec<usize>,
    /// Place before which the packet is accepted: the index of a chain, and of a rule in it.
    inserted: Option<(usize, usize)>,
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
            inserted: None,
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
        if depth > MAX_DEPTH || self.inside.contains(&index) {
            self.note(format!("chain `{}` leads back to itself", chain.name));
            return Rc::new(Through::default());
        }
        self.inside.push(index);
        let mut out = Through::default();
        let mut at = 0;
        loop {
            if self.inserted == Some((index, at)) {
                out.end(ChainOutcome::Accepted(chain.position(at)));
                break;
            }
            let Some(rule) = chain.rules.get(at) else {
                out.leave();
                break;
            };
            if !self.rule(chain, at, rule, depth, &mut out) {
                break;
            }
            at += 1;
        }
        self.inside.pop();
        let out = Rc::new(out);
        self.done[index] = Some(Rc::clone(&out));
        out
    }

    /// Evaluates one rule. Returns whether the packet may continue to the next rule.
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

    /// Evaluates a jump. Returns whether the packet may continue to the next rule.
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
            keep(&mut out.maybe, ChainOutcome::Untold(from));
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
            // A goto returns to the caller of this chain.
            if through.end.is_none() && sure {
                out.leave();
            } else {
                out.may_return = true;
            }
        }
        !sure || (returns && !goto)
    }

    /// Evaluates all matches of the rule; a match that is left open and decides is noted.
    fn matches(&mut self, chain: &Chain, at: usize, rule: &Rule) -> Answer {
        let mut open = None;
        // The limit of a LOG rule, or of one without a target, does not decide the packet.
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
