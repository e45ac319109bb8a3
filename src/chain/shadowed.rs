//! Rules that would accept a packet and do not: behind LOG or DROP, for another interface, or in a chain that no jump
//! reaches.

use std::fmt;

use crate::catalog::Role;
use crate::chain::matching::{Answer, answer};
use crate::chain::outcome::Position;
use crate::chain::question::Question;
use crate::chain::rule::{Rule, Side, Target, Test};
use crate::chain::{Family, RuleSet};

/// A rule that would accept a packet, and the reason why it does not.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Shadowed {
    pub position: Position,
    pub why: Why,
}

/// Reason why a rule does not accept the packets that it is meant for.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Why {
    BehindDrop,
    BehindLog,
    /// The rule, or the jump to its chain, matches another interface.
    Interface(String),
    /// An earlier rule ends the traversal, or no jump leads to the rule.
    NotReached,
    /// The rule belongs to another role.
    Role(Role),
}

/// Upper bound on the rules kept of one packet.
const MAX: usize = 4;

impl RuleSet {
    /// Returns the ACCEPT rules of the firewall chain whose matches, apart from the interface, are true and that do not
    /// accept.
    pub(super) fn dead_accepts(&self, question: &Question<'_>) -> Vec<Shadowed> {
        let family = Family::of(&question.packet);
        let Some(chain) = self.firewall(family) else {
            return Vec::new();
        };
        let stop = chain.stop_number().unwrap_or(usize::MAX);
        let log = (chain.rules.iter())
            .position(|rule| self.is_drop_log(rule))
            .map_or(usize::MAX, |at| at + 1);
        let accepts = (chain.rules.iter().enumerate())
            .filter(|(_, rule)| rule.target == Target::Accept)
            .filter(|(_, rule)| !rule.matches.is_empty() && matches_elsewhere(rule, question));
        accepts
            .map(|(at, rule)| {
                let number = at + 1;
                let why = match other_interface(rule, question) {
                    _ if number > stop => Why::BehindDrop,
                    _ if number > log => Why::BehindLog,
                    Some(name) => Why::Interface(name),
                    None => match self.jump_interface(&chain.name, family, question) {
                        Some(name) => Why::Interface(name),
                        None => Why::NotReached,
                    },
                };
                Shadowed {
                    position: chain.position(at),
                    why,
                }
            })
            .take(MAX)
            .collect()
    }

    /// Returns the interface that the jump to `chain` matches, where it is not the packet's.
    fn jump_interface(
        &self,
        chain: &str,
        family: Family,
        question: &Question<'_>,
    ) -> Option<String> {
        let jumps = |rule: &&Rule| rule.target.chain() == Some(chain);
        let input = self.chain(family, super::INPUT)?;
        let mut wrong =
            (input.rules.iter().filter(jumps)).map(|rule| other_interface(rule, question));
        let first = wrong.next()?;
        if wrong.any(|other| other.is_none()) {
            return None;
        }
        first
    }
}

/// Whether all matches, apart from the interface's, are true for the packet.
fn matches_elsewhere(rule: &Rule, question: &Question<'_>) -> bool {
    (rule.matches.iter())
        .filter(|m| !matches!(m.test, Test::Interface(..)))
        .all(|m| answer(m, question) == Answer::Yes)
}

/// Returns the interface that a rule matches, where the packet arrived on another.
fn other_interface(rule: &Rule, question: &Question<'_>) -> Option<String> {
    rule.matches.iter().find_map(|m| match &m.test {
        Test::Interface(Side::Source, name) if answer(m, question) == Answer::No => {
            Some(if m.negated {
                format!("! {name}")
            } else {
                name.clone()
            })
        }
        _ => None,
    })
}

impl fmt::Display for Why {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::BehindDrop => f.write_str("stands behind DROP and is never reached"),
            Self::BehindLog => f.write_str("stands behind LOG, so the packet is logged as dropped"),
            Self::Interface(name) => write!(f, "is for packets that come in by {name}"),
            Self::NotReached => f.write_str("is not reached by the packet"),
            Self::Role(role) => write!(f, "is in the rules of {role} nodes"),
        }
    }
}
