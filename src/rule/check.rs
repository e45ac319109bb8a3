//! Search for suggested rules in a running chain, and whether they are live there.

use super::AcceptRule;
use crate::chain::{ActiveChains, Origin, RuleSet, Sought};

/// State of a suggested rule in a chain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// A live rule accepts all packets of the suggestion.
    Live,
    /// The chain contains the rule, and no packet reaches it.
    Dead,
    Absent,
    /// A CloudInit has it live, which is in force from the next boot on.
    NextBoot,
    /// No chain of the node is known.
    Unknown,
}

impl State {
    pub const ALL: [Self; 5] = [
        Self::Live,
        Self::Dead,
        Self::Absent,
        Self::NextBoot,
        Self::Unknown,
    ];

    /// Returns the state as reports write it.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Live => "live",
            Self::Dead => "dead",
            Self::Absent => "absent",
            Self::NextBoot => "next-boot",
            Self::Unknown => "unknown",
        }
    }
}

/// A suggested rule and its state in a chain.
#[derive(Debug, Clone)]
pub struct Checked<'a> {
    pub rule: &'a AcceptRule,
    pub state: State,
    /// The chain and the number of the rule that decides.
    pub at: Option<(String, usize)>,
}

/// Searches each rule in the chain of its node. `prefixes` are the possible starts of the LOG rule's prefix.
pub fn check<'a>(
    rules: &'a [AcceptRule],
    chains: &ActiveChains,
    prefixes: &[String],
) -> Vec<Checked<'a>> {
    let of = |rule: &'a AcceptRule| {
        let known = chains.of(&rule.node, rule.role, rule.family);
        // A rule that is live only under some conditions is not reported as live.
        let set = known.map(|chains| {
            let is_live = |set: &&RuleSet| matches!(rule.seek(set, prefixes), Sought::Live(_));
            chains
                .ways()
                .find(|set| !is_live(set))
                .unwrap_or(chains.set)
        });
        let (state, at) = match set {
            None => (State::Unknown, None),
            Some(set) => match rule.seek(set, prefixes) {
                Sought::Live(at) => {
                    let at = (at.chain.name.clone(), at.number);
                    let is_running = known.is_none_or(|chains| chains.origin != Origin::NextBoot);
                    let state = if is_running {
                        State::Live
                    } else {
                        State::NextBoot
                    };
                    (state, Some(at))
                }
                Sought::At(_) | Sought::Nowhere => {
                    let own = set.chains().iter().filter(|c| c.family == rule.family);
                    let mut copies = own.filter_map(|chain| {
                        let at = chain.rules.iter().position(|r| r.means(&rule.rule))?;
                        Some((chain.name.clone(), at + 1))
                    });
                    match copies.next() {
                        None => (State::Absent, None),
                        dead => (State::Dead, dead),
                    }
                }
            },
        };
        Checked { rule, state, at }
    };
    rules.iter().map(of).collect()
}
