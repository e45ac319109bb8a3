//! Rules that match a packet's port with further conditions: whether only the source address keeps the packet out, and
//! which rules a new one for the port would override.

use std::rc::Rc;

use crate::chain::evaluate::Evaluation;
use crate::chain::matching::{Answer, answer};
use crate::chain::outcome::{Narrowed, Position};
use crate::chain::question::Question;
use crate::chain::rule::{Match, Ports, Rule, States, Target, Test};
use crate::chain::{Chain, Family, RuleSet};

/// Upper bound on the rules kept of one packet, and on nested jumps.
const MAX_KEPT: usize = 8;
const MAX_DEPTH: usize = 64;

/// A rule that accepts the packet's port on further conditions, or stops it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PortRule {
    pub position: Position,
    /// Matches besides protocol and port, as iptables prints them; `None` where there are none.
    pub narrowed_by: Option<String>,
    /// Whether the rule accepts; otherwise it drops or rejects.
    pub accepts: bool,
}

/// Rules that accept packets of this kind from other sources.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Narrow {
    /// Rules that accept such a packet from other sources, where its source alone keeps it out.
    pub kept_out: Vec<Narrowed>,
    /// Rules that accept packets to all ports, or most, from other sources.
    pub wide: Vec<Narrowed>,
    /// Number of rules evaluated.
    pub steps: u64,
}

impl RuleSet {
    /// Finds the rules that accept such packets from other sources: those that name the port, or to which a jump leads
    /// that does, and apart from them those for all ports of a network, which are weaker evidence for this one. None where
    /// a match that stays open may mean that a rule is for this very source: a set, a list of `recent`, a limit.
    pub fn narrow(&self, question: &Question<'_>, when: Evaluation<'_>) -> Narrow {
        // A MAC address is no network address: another interface card may belong to the same machine.
        let aside = |m: &Match, answer: Answer| {
            let is_of_net = m.test.is_of_source() && !matches!(m.test, Test::MacSource(_));
            is_of_net || answer == Answer::CannotTell
        };
        let Some((way, steps)) = self.way(question, when, &aside, false) else {
            return Narrow::default();
        };
        let mut out = Narrow {
            steps,
            ..Narrow::default()
        };
        let (mut is_own, mut may_be) = (false, false);
        for found in &way.found {
            // Nothing on the way to it surely fails: it may be for this very source.
            if !found.kept_out && !found.aside.is_empty() {
                may_be = true;
                is_own |= found.names_port;
                continue;
            }
            if let Some(narrowed) = found.by.as_ref().filter(|_| !found.open) {
                let list = if found.names_port {
                    &mut out.kept_out
                } else {
                    &mut out.wide
                };
                keep(list, narrowed.clone());
            }
        }
        if may_be {
            out.wide.clear();
        }
        if is_own {
            out.kept_out.clear();
        }
        out
    }

    /// Finds the rules, reached from a chain, that accept the packet's port on a condition that this packet does not
    /// meet, or that stop the port: a rule for all sources would override them.
    pub fn port_rules(&self, question: &Question<'_>, when: Evaluation<'_>) -> Vec<PortRule> {
        let mut found = Vec::new();
        let family = Family::of(&question.packet);
        if let Some((at, _)) = self.find(family, when.chain) {
            let mut seen = vec![false; self.chains().len()];
            self.port_rules_in(at, (question, family), &[], &mut seen, &mut found);
        }
        found
    }

    fn port_rules_in<'a>(
        &'a self,
        at: usize,
        (question, family): (&Question<'_>, Family),
        jump: &[&'a Match],
        seen: &mut [bool],
        found: &mut Vec<PortRule>,
    ) {
        let chain = &self.chains()[at];
        if std::mem::replace(&mut seen[at], true) || found.len() == MAX_KEPT {
            return;
        }
        for (place, rule) in chain.rules.iter().enumerate() {
            // A port of the sender's narrows a rule as its address does.
            let is_port = |m: &Match| {
                let sender = matches!(m.test, Test::Ports(Ports::Source, _));
                !sender && matches!(m.test, Test::Protocol(_) | Test::Ports(..))
            };
            let ours = |m: &Match| !is_port(m) || answer(m, question) == Answer::Yes;
            if !rule.matches.iter().all(ours) {
                continue;
            }
            // Matches that keep this packet out, of the jumps on the way or of this rule.
            let fails = |m: &&Match| !is_port(m) && answer(m, question) != Answer::Yes;
            let own = rule.matches.iter().filter(fails);
            let conditions: Vec<&Match> = jump.iter().copied().chain(own).collect();
            let names_port = rule.names_port() || jump.iter().any(|m| is_port(m));
            let text: Vec<String> = (conditions.iter())
                .filter(|m| !is_port(m))
                .map(ToString::to_string)
                .collect();
            let accepts = rule.target == Target::Accept;
            // A rule for return traffic opens no port.
            let opens = |m: &Match| match &m.test {
                Test::State(states) => m.negated || states.contains(States::NEW),
                _ => true,
            };
            if accepts && !conditions.iter().all(|m| opens(m)) {
                continue;
            }
            let stops = matches!(rule.target, Target::Drop | Target::Reject(_));
            if let Some(name) = rule.target.chain()
                && let Some((next, _)) = self.find(family, name)
            {
                let named = rule
                    .matches
                    .iter()
                    .filter(|m| is_port(m) && rule.names_port());
                let way: Vec<&Match> = conditions.iter().copied().chain(named).collect();
                self.port_rules_in(next, (question, family), &way, seen, found);
            } else if names_port && (stops || accepts && !text.is_empty()) {
                keep(
                    found,
                    PortRule {
                        position: chain.position(place),
                        narrowed_by: (!text.is_empty()).then(|| text.join(" ")),
                        accepts,
                    },
                );
            }
        }
    }

    /// Finds what the acceptance of the packet depends on: for each rule that may accept it, the matches on the way there
    /// that its sender's address leaves open, none where it is surely accepted. A match that stays open counts as met
    /// where it tests the sender, or its rule names the port. Also returns the number of rules evaluated.
    pub fn accepted_if(
        &self,
        question: &Question<'_>,
        when: Evaluation<'_>,
    ) -> (Vec<(Position, Vec<Match>)>, u64) {
        let aside = |m: &Match, answer: Answer| match &m.test {
            // The names of documented ports are known here, so an unknown name is of another port.
            Test::Unknown(module, _) if matches!(module.as_str(), "port" | "row") => false,
            // An address is known, but whom a list or a set has is not.
            Test::Unknown(module, _) if m.test.is_of_source() || module == "recent:" => true,
            _ => answer == Answer::CannotTell,
        };
        let Some((way, steps)) = self.way(question, when, &aside, true) else {
            return (Vec::new(), 0);
        };
        let accepts = |found: &&Found| found.names_port || !found.open;
        let accepting = way.found.iter().filter(accepts);
        let ways = accepting.map(|found| (found.position.clone(), found.aside.clone()));
        (ways.collect(), steps)
    }

    fn way(
        &self,
        question: &Question<'_>,
        when: Evaluation<'_>,
        aside: &dyn Fn(&Match, Answer) -> bool,
        of_sender: bool,
    ) -> Option<(Rc<Way>, u64)> {
        let family = Family::of(&question.packet);
        let (at, chain) = self.find(family, when.chain)?;
        let mut walk = Walk {
            set: self,
            question,
            aside,
            of_sender,
            family,
            done: vec![None; self.chains().len()],
            inside: Vec::new(),
            steps: 0,
        };
        let way = walk.chain(at, chain);
        Some((way, walk.steps))
    }
}

fn keep<T: PartialEq>(list: &mut Vec<T>, one: T) {
    if list.len() < MAX_KEPT && !list.contains(&one) {
        list.push(one);
    }
}

/// A rule that accepts, and the source match that fails on the way to it.
#[derive(Debug, Clone, PartialEq)]
struct Found {
    position: Position,
    names_port: bool,
    /// Whether a match that was set aside tests more than the source.
    open: bool,
    /// Matches that were set aside on the way.
    aside: Vec<Match>,
    /// Whether one of them surely fails, or the packet is surely stopped before.
    kept_out: bool,
    /// First source match that fails on the way.
    by: Option<Narrowed>,
}

/// Accepting rules of a chain for the packet, with its source matches set aside.
#[derive(Debug, Default)]
struct Way {
    found: Vec<Found>,
    /// Whether the packet returns from the chain.
    returns: bool,
}

struct Walk<'a> {
    set: &'a RuleSet,
    question: &'a Question<'a>,
    /// Whether a match that fails or stays open is set aside.
    aside: &'a dyn Fn(&Match, Answer) -> bool,
    /// Whether the packet is of this sender alone, so that a rule that stops it by its source ends the walk.
    of_sender: bool,
    family: Family,
    done: Vec<Option<Rc<Way>>>,
    inside: Vec<usize>,
    steps: u64,
}

impl Walk<'_> {
    fn chain(&mut self, index: usize, chain: &Chain) -> Rc<Way> {
        if let Some(known) = &self.done[index] {
            return Rc::clone(known);
        }
        if self.inside.len() > MAX_DEPTH || self.inside.contains(&index) {
            return Rc::new(Way {
                returns: true,
                ..Way::default()
            });
        }
        self.inside.push(index);
        let way = Rc::new(self.rules(chain));
        self.inside.pop();
        self.done[index] = Some(Rc::clone(&way));
        way
    }

    fn rules(&mut self, chain: &Chain) -> Way {
        let mut way = Way::default();
        // First rule that stopped the packet by its source alone.
        let mut stopped: Option<Narrowed> = None;
        for (at, rule) in chain.rules.iter().enumerate() {
            self.steps += 1;
            let Some(aside) = self.but_for_aside(rule) else {
                continue;
            };
            let fails = !aside.is_empty();
            let open = aside.iter().any(|m| !m.test.is_of_source());
            let is_refused = |m: &Match| answer(m, self.question) == Answer::No;
            let kept_out = stopped.is_some() || aside.iter().any(is_refused);
            let source = if self.of_sender { None } else { rule.source() };
            let position = || chain.position(at);
            let narrowed = |source: &Option<String>| {
                source.as_ref().map(|source| Narrowed {
                    position: position(),
                    accepts: !matches!(rule.target, Target::Drop | Target::Reject(_)),
                    source: source.clone(),
                })
            };
            match &rule.target {
                Target::Accept => {
                    let by = if fails { narrowed(&source) } else { None };
                    keep_found(
                        &mut way,
                        Found {
                            position: position(),
                            names_port: rule.names_port(),
                            open,
                            aside,
                            kept_out,
                            by: by.or_else(|| stopped.clone()),
                        },
                    );
                    if !fails {
                        return way;
                    }
                }
                Target::Drop | Target::Reject(_) => match (fails, &source) {
                    (false, None) => return way,
                    (false, Some(_)) if stopped.is_none() => stopped = narrowed(&source),
                    _ => {}
                },
                Target::Return => {
                    if !fails && source.is_none() {
                        way.returns = true;
                        return way;
                    }
                    way.returns = true;
                }
                Target::Jump(name) | Target::Goto(name) => {
                    let Some((index, next)) = self.set.find(self.family, name) else {
                        continue;
                    };
                    let goto = matches!(rule.target, Target::Goto(_));
                    let sub = self.chain(index, next);
                    for found in &sub.found {
                        let mut found = found.clone();
                        found.names_port |= rule.names_port();
                        found.open |= open;
                        found.kept_out |= kept_out;
                        found.aside.extend(aside.iter().cloned());
                        if fails {
                            found.by = found.by.or_else(|| narrowed(&source));
                        }
                        found.by = found.by.or_else(|| stopped.clone());
                        keep_found(&mut way, found);
                    }
                    if !fails && (goto || !sub.returns) {
                        way.returns |= goto && sub.returns;
                        return way;
                    }
                }
                Target::None | Target::Log(_) | Target::Other(..) | Target::Unread => {}
            }
        }
        way.returns = true;
        way
    }

    /// Evaluates a rule with the set-aside matches ignored, and returns these; `None` where another match fails.
    fn but_for_aside(&self, rule: &Rule) -> Option<Vec<Match>> {
        let mut aside = Vec::new();
        for m in &rule.matches {
            match answer(m, self.question) {
                Answer::Yes => {}
                other if (self.aside)(m, other) => aside.push(m.clone()),
                _ => return None,
            }
        }
        Some(aside)
    }
}

/// Upper bound on the accepting rules kept of one chain.
const MAX_FOUND: usize = 64;

fn keep_found(way: &mut Way, found: Found) {
    if way.found.len() < MAX_FOUND {
        way.found.push(found);
    }
}
