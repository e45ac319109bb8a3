//! Rules that speak of a packet's port and of its sender: whether only the sender keeps the packet out.

use std::rc::Rc;

use crate::chain::evaluate::Evaluation;
use crate::chain::matching::{Answer, answer};
use crate::chain::outcome::{Narrowed, Position};
use crate::chain::question::Question;
use crate::chain::rule::{Match, Rule, Side, Target, Test};
use crate::chain::{Chain, Family, RuleSet};
use crate::net::IpNet;

/// How many rules are kept of one packet, and how deep jumps may nest.
const MAX_KEPT: usize = 8;
const DEEPEST: usize = 64;

/// A rule on the way of a packet that names its port and treats it by its sender, or stops it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PortRule {
    pub position: Position,
    /// The sources that it asks for, as iptables writes them; `None` where it takes all.
    pub source: Option<String>,
    /// Whether it accepts; else it drops or rejects.
    pub accepts: bool,
}

/// What was found on the ways of a packet.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Narrow {
    /// What keeps it out, where its source is all that does: the chain accepts its like from elsewhere.
    pub kept_out: Vec<Narrowed>,
    /// The rules that name its port and ask for a source, or stop it.
    pub port_rules: Vec<PortRule>,
    /// How many rules were asked.
    pub steps: u64,
}

impl RuleSet {
    /// The rules that treat the packet's port by its sender. A rule, or a jump on the way to it, must name the port: one
    /// that takes every port of a network says nothing of this one.
    pub fn narrow(&self, question: &Question<'_>, when: Evaluation<'_>) -> Narrow {
        let Some((way, steps)) = self.way(question, when, &|m, _| m.test.is_of_source()) else {
            return Narrow::default();
        };
        let mut out = Narrow {
            steps,
            ..Narrow::default()
        };
        for found in way.found.iter().filter(|found| found.names_port) {
            if found.accepts
                && let Some(narrowed) = &found.by
            {
                keep(&mut out.kept_out, narrowed.clone());
            }
            if found.source.is_some() || !found.accepts {
                keep(
                    &mut out.port_rules,
                    PortRule {
                        position: found.position.clone(),
                        source: found.source.clone(),
                        accepts: found.accepts,
                    },
                );
            }
        }
        out
    }

    /// Whether some sender that the rules have in mind gets in: one of a network, a set or a range that they name, but not
    /// of those that `others` has. A match that nothing answers is taken as met where its rule names the port. Also how many
    /// rules were asked.
    pub fn accepts_somebody(
        &self,
        question: &Question<'_>,
        when: Evaluation<'_>,
        others: &dyn Fn(&IpNet) -> bool,
    ) -> (bool, u64) {
        let aside = |m: &Match, answer: Answer| match &m.test {
            Test::Net(Side::Source, net) => !others(net),
            // Those of documented ports are known: a name that is not is of another.
            Test::Unknown(module, _) if matches!(module.as_str(), "port" | "row") => false,
            test => test.is_of_source() || answer == Answer::CannotTell,
        };
        let Some((way, steps)) = self.way(question, when, &aside) else {
            return (false, 0);
        };
        let accepts = |found: &Found| found.accepts && (found.names_port || !found.open);
        (way.found.iter().any(accepts), steps)
    }

    fn way(
        &self,
        question: &Question<'_>,
        when: Evaluation<'_>,
        aside: &dyn Fn(&Match, Answer) -> bool,
    ) -> Option<(Rc<Way>, u64)> {
        let family = Family::of(&question.packet);
        let (at, chain) = self.find(family, when.chain)?;
        let mut walk = Walk {
            set: self,
            question,
            aside,
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

/// A rule that decides, with what stands in the way to it.
#[derive(Debug, Clone, PartialEq)]
struct Found {
    position: Position,
    accepts: bool,
    source: Option<String>,
    names_port: bool,
    /// Whether a match that asks for something else than the source was left aside.
    open: bool,
    /// The first match of the source that fails on the way.
    by: Option<Narrowed>,
}

/// What a chain has for the packet, its sources left aside.
#[derive(Debug, Default)]
struct Way {
    found: Vec<Found>,
    /// Whether the packet comes back.
    returns: bool,
}

struct Walk<'a> {
    set: &'a RuleSet,
    question: &'a Question<'a>,
    /// Whether a match that does not take the packet is left aside.
    aside: &'a dyn Fn(&Match, Answer) -> bool,
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
        if self.inside.len() > DEEPEST || self.inside.contains(&index) {
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
        // What stopped the packet so far for its source alone.
        let mut stopped: Option<Narrowed> = None;
        for (at, rule) in chain.rules.iter().enumerate() {
            self.steps += 1;
            let Some((fails, open)) = self.but_for_aside(rule) else {
                continue;
            };
            let source = rule.source();
            let position = || chain.position(at);
            let narrowed = |source: &Option<String>| {
                source.as_ref().map(|source| Narrowed {
                    position: position(),
                    source: source.clone(),
                })
            };
            let decides = |accepts: bool, by: Option<Narrowed>| Found {
                position: position(),
                accepts,
                source: source.clone(),
                names_port: rule.names_port(),
                open,
                by,
            };
            match &rule.target {
                Target::Accept => {
                    let by = if fails { narrowed(&source) } else { None };
                    keep_found(&mut way, decides(true, by.or_else(|| stopped.clone())));
                    if !fails {
                        return way;
                    }
                }
                Target::Drop | Target::Reject(_) => {
                    keep_found(&mut way, decides(false, None));
                    match (fails, &source) {
                        (false, None) => return way,
                        (false, Some(_)) if stopped.is_none() => stopped = narrowed(&source),
                        _ => {}
                    }
                }
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
                        if fails {
                            found.by = found.by.or_else(|| narrowed(&source));
                        }
                        if source.is_some() {
                            found.source = found.source.or_else(|| source.clone());
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

    /// Where all matches take the packet but those that are left aside: whether there is one, and whether one asks for
    /// something else than the source.
    fn but_for_aside(&self, rule: &Rule) -> Option<(bool, bool)> {
        let (mut fails, mut open) = (false, false);
        for m in &rule.matches {
            match answer(m, self.question) {
                Answer::Yes => {}
                other if (self.aside)(m, other) => {
                    fails = true;
                    open |= !m.test.is_of_source();
                }
                _ => return None,
            }
        }
        Some((fails, open))
    }
}

/// How many ends of ways one chain keeps.
const MAX_FOUND: usize = 64;

fn keep_found(way: &mut Way, found: Found) {
    if way.found.len() < MAX_FOUND {
        way.found.push(found);
    }
}
