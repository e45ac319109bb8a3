//! Where a rule goes in the chain in force: before its LOG rule, and instead of the copies that do nothing.

use super::AcceptRule;
use crate::chain::{Rule, parse_rule};
use crate::site::Site;

/// Where a rule goes while the chain in force is not known: right behind the ESTABLISHED rule.
const AFTER_ESTABLISHED: usize = 2;

/// The place of a rule in a running chain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Spot {
    /// The number at which it is inserted.
    pub number: usize,
    /// The target of the rule that stands there now; `None` while the chain is not known.
    pub now: Option<String>,
    /// The numbers of its copies behind LOG or DROP, which do nothing.
    pub dead: Vec<usize>,
}

impl Default for Spot {
    fn default() -> Self {
        Self {
            number: AFTER_ESTABLISHED,
            now: None,
            dead: Vec::new(),
        }
    }
}

impl AcceptRule {
    /// What it means, to be compared with the rules of a chain.
    pub fn meaning(&self) -> Option<Rule> {
        parse_rule(&self.append()).ok().map(|(_, rule)| rule)
    }
}

/// Notes where `rule` goes in the chain in force. Gives back why it is not needed, where a live rule does the same.
pub(super) fn place(rule: &mut AcceptRule, site: &Site) -> Option<String> {
    let chains = site.in_force.of(&rule.node, rule.role, rule.family())?;
    let chain = chains.firewall()?;
    let meaning = rule.meaning()?;
    if let Some(live) = chains.set.live_cover(rule.family(), &meaning) {
        return Some(format!(
            "rule {} of {} (line {}) does what a new rule would do: none is offered",
            live.number, live.chain, live.line
        ));
    }
    let number = chains.insertion_point()?.number;
    let now = chain.rules.get(number - 1)?;
    rule.spot = Spot {
        number,
        now: Some(now.target.to_string()),
        dead: (chains.set.dead_copies(rule.family(), &meaning).iter())
            .map(|place| place.number)
            .collect(),
    };
    None
}
