//! Rules that speak of a packet's port and of its sender: whether only the sender keeps the packet out.

use std::rc::Rc;

use crate::chain::evaluate::Evaluation;
use crate::chain::matching::{Answer, answer};
use crate::chain::outcome::{Narrowed, Position};
use crate::chain::question::Question;
use crate::chain::rule::{Match, Rule, Target};
use crate::chain::{Chain, Family, RuleSet};

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
        let family = Family::of(&question.packet);
        let Some((at, chain)) = self.find(family, when.chain) else {
            return Narrow::default();
        };
        let mut walk = Walk {
            set: self,
            question,
            family,
            done: vec![None; self.chains().len()],
            inside: Vec::new(),
            steps: 0,
        };
        let way = walk.chain(at, chain);
        let mut out = Narrow {
            steps: walk.steps,
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
            let Some((fails, source)) = self.but_for_source(rule) else {
                continue;
            };
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

    /// Where all matches but those of the source take the packet: whether one of those does not, and all of them as text.
    fn but_for_source(&self, rule: &Rule) -> Option<(bool, Option<String>)> {
        let mut fails = false;
        for m in &rule.matches {
            match answer(m, self.question) {
                Answer::Yes => {}
                _ if is_of_source(m) => fails = true,
                _ => return None,
            }
        }
        Some((fails, rule.source()))
    }
}

fn is_of_source(m: &Match) -> bool {
    m.test.is_of_source()
}

/// How many ends of ways one chain keeps.
const MAX_FOUND: usize = 64;

fn keep_found(way: &mut Way, found: Found) {
    if way.found.len() < MAX_FOUND {
        way.found.push(found);
    }
}
