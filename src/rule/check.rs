//! Search for suggested rules in a running chain, and whether they are live there.

use super::AcceptRule;
use super::packets::packets;
use crate::chain::{ActiveChains, Chains, Origin, Question, Sought};
use crate::finding::Finding;

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
    /// No chain of the node is known, or not the one that filters it; or a rule before it may stop the packets, which
    /// depends on a match that cannot be evaluated, such as the members of a set.
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

/// Searches each rule, which `findings` ask for, in the chain of its node. `prefixes` are the possible starts of the LOG
/// rule's prefix.
pub fn check<'a>(
    rules: &'a [AcceptRule],
    findings: &[Finding],
    chains: &ActiveChains,
    prefixes: &[String],
) -> Vec<Checked<'a>> {
    let of = |rule: &'a AcceptRule| {
        let own = findings.iter().filter(|f| f.rules.contains(&rule.id));
        let known = chains.of(&rule.node, rule.role, rule.family);
        let (state, at) = known.map_or((State::Unknown, None), |chains| {
            let packets: Vec<Question<'_>> =
                own.flat_map(|f| packets(f, rule, chains.set)).collect();
            state(rule, &packets, &chains, prefixes)
        });
        Checked { rule, state, at }
    };
    rules.iter().map(of).collect()
}

/// Returns the state of a rule for `packets`: it is live where the chains accept all of them, and it is there for each,
/// whichever way unknown conditions go.
fn state(
    rule: &AcceptRule,
    packets: &[Question<'_>],
    chains: &Chains<'_>,
    prefixes: &[String],
) -> (State, Option<(String, usize)>) {
    let each = || match packets {
        [] => vec![None],
        all => all.iter().map(Some).collect(),
    };
    let (mut live, mut open) = (None, None);
    for (packet, set) in
        (each().into_iter()).flat_map(|one| chains.ways().map(move |set| (one, set)))
    {
        let Sought::Live(at) = rule.seek(set, prefixes, packet) else {
            let own = set.chains().iter().filter(|c| c.family == rule.family);
            let copy = own.into_iter().find_map(|chain| {
                let at = chain.rules.iter().position(|r| r.means(&rule.rule))?;
                Some((chain.name.clone(), at + 1))
            });
            let state = match copy {
                Some(_) => State::Dead,
                // A listing of INPUT alone lacks the chain that the rule may be in.
                None if !set.shows_filter(rule.family) => State::Unknown,
                None => State::Absent,
            };
            // Where it is there for other packets, the rule that drops this one decides.
            let stop = packet.filter(|_| live.is_some()).and_then(|packet| {
                let end = chains.stops(packet, None)?;
                end.position().map(|at| (at.chain.clone(), at.number))
            });
            return (state, copy.map(|copy| stop.unwrap_or(copy)));
        };
        live = live.or(Some((at.chain.name.clone(), at.number)));
        if at.chain.references == Some(0) {
            return (State::Dead, live);
        }
        if let Some(end) = packet.and_then(|packet| chains.stops(packet, None)) {
            let stop = end.position().map(|at| (at.chain.clone(), at.number));
            return (State::Dead, stop.or(live));
        }
        open = open.or_else(|| chains.may_stop_before(packet?));
    }
    if let Some(at) = open {
        return (State::Unknown, Some((at.chain, at.number)));
    }
    match chains.origin {
        Origin::NextBoot => (State::NextBoot, live),
        Origin::Running(_) => (State::Live, live),
    }
}
