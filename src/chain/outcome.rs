//! Outcome of a packet in a chain.

use crate::chain::Policy;

/// A rule's position: its chain, its number from 1, its line in the file.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Position {
    pub chain: String,
    pub number: usize,
    /// Line number, from 1; 0 for a rule that is in no file.
    pub line: usize,
}

/// End of a packet's way through the chains, with the rule that decides.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ChainOutcome {
    /// Accepted, and no LOG rule sees it before.
    Accepted(Position),
    /// Accepted after a LOG rule matched: the packet leaves a drop line.
    AcceptedLogged(Position),
    Dropped(Position),
    Rejected(Position),
    /// A target decides whose verdict cannot be known (NFQUEUE).
    Unknown(Position),
    /// The jump leads to a chain that is not in the text, and no rule of the text decides.
    Untold(Position),
    /// A rule about the packet's port stops it, or a later one accepts it: that depends on a match that stays open.
    MayStop(Position),
    /// No rule decides: the policy of the built-in chain applies.
    Policy(Policy),
    /// No rule decides, and the entry chain is user-defined, or does not exist.
    NoMatch,
    /// Not evaluated, because the bound on rules evaluated in one run was reached.
    NotAsked,
}

/// A rule by which only its source keeps a packet out: it accepts other sources, or drops this one.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Narrowed {
    /// The rule that tests the source, or the jump that leads to it.
    pub position: Position,
    /// Whether the rule, or what its jump leads to, accepts those that it matches; otherwise it drops them.
    pub accepts: bool,
    /// Source match of the rule, as iptables prints it: `-s 10.0.0.0/8`.
    pub source: String,
}

/// Outcome of a packet, with the alternatives that stay open.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    pub end: ChainOutcome,
    /// The LOG rules that it passes on its way.
    pub logged: Vec<Position>,
    /// Matches that could not be evaluated, and so counted as no match.
    pub notes: Vec<String>,
    /// Alternative ends, if matches that could not be evaluated matched.
    pub maybe: Vec<ChainOutcome>,
    /// The first RETURN rule that it meets.
    pub returned: Option<Position>,
    /// Number of rules evaluated.
    pub steps: u64,
}

impl Outcome {
    /// Whether the packet is accepted, whichever way open matches go.
    pub fn surely_accepted(&self) -> bool {
        self.end.lets_in() && self.maybe.iter().all(ChainOutcome::lets_in)
    }

    /// Whether the packet is stopped, whichever way open matches go.
    pub fn surely_stopped(&self) -> bool {
        self.end.stops() && self.maybe.iter().all(ChainOutcome::stops)
    }

    /// Returns the outcome as far as the text shows it: where only the policy or nothing decides, and a jump led to a chain
    /// that is not in the text, that chain may decide.
    pub(in crate::chain) fn only_as_shown(mut self) -> Self {
        let is_left = matches!(self.end, ChainOutcome::Policy(_) | ChainOutcome::NoMatch);
        let is_untold = |other: &&ChainOutcome| matches!(other, ChainOutcome::Untold(_));
        // The documented jump is the last of INPUT.
        if let Some(untold) = self.maybe.iter().rfind(is_untold).filter(|_| is_left) {
            self.end = untold.clone();
        }
        self
    }

    /// Whether it is accepted, and no LOG rule sees it before: such a packet leaves no drop line.
    pub const fn accepted_unlogged(&self) -> bool {
        matches!(self.end, ChainOutcome::Accepted(_))
    }
}

impl ChainOutcome {
    /// Whether the packet gets in, logged or not.
    pub const fn lets_in(&self) -> bool {
        matches!(
            self,
            Self::Accepted(_) | Self::AcceptedLogged(_) | Self::Policy(Policy::Accept)
        )
    }

    /// Whether the packet stays out.
    pub const fn stops(&self) -> bool {
        matches!(
            self,
            Self::Dropped(_) | Self::Rejected(_) | Self::Policy(Policy::Drop)
        )
    }

    /// Whether the text does not show what becomes of the packet.
    pub const fn is_open(&self) -> bool {
        matches!(
            self,
            Self::Unknown(_) | Self::Untold(_) | Self::MayStop(_) | Self::NotAsked
        )
    }

    /// Returns the rule that decides.
    pub const fn position(&self) -> Option<&Position> {
        match self {
            Self::Accepted(position)
            | Self::AcceptedLogged(position)
            | Self::Dropped(position)
            | Self::Rejected(position)
            | Self::Unknown(position)
            | Self::Untold(position)
            | Self::MayStop(position) => Some(position),
            Self::Policy(_) | Self::NoMatch | Self::NotAsked => None,
        }
    }

    /// Describes the outcome in a sentence: `accepted by rule 4 of HARVESTER_INPUT`.
    pub fn told(&self) -> String {
        let what = match self {
            Self::Accepted(_) => "accepted",
            Self::AcceptedLogged(_) => "logged and accepted",
            Self::Dropped(_) => "dropped",
            Self::Rejected(_) => "rejected",
            Self::Unknown(_) => "decided",
            Self::Untold(_) => "led out of the text",
            Self::MayStop(_) => "perhaps stopped",
            Self::Policy(Policy::Accept) => return "accepted by the policy".to_owned(),
            Self::Policy(Policy::Drop) => return "dropped by the policy".to_owned(),
            Self::NoMatch | Self::NotAsked => return "met by no rule".to_owned(),
        };
        match self.position() {
            Some(at) => format!("{what} by rule {} of {}", at.number, at.chain),
            None => what.to_owned(),
        }
    }

    /// Returns the outcome as reports write it.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Accepted(_) => "accepted",
            Self::AcceptedLogged(_) => "accepted-logged",
            Self::Dropped(_) => "dropped",
            Self::Rejected(_) => "rejected",
            Self::Unknown(_) => "unknown",
            Self::Untold(_) => "untold",
            Self::MayStop(_) => "may-stop",
            Self::Policy(Policy::Accept) => "policy-accept",
            Self::Policy(Policy::Drop) => "policy-drop",
            Self::NoMatch => "no-match",
            Self::NotAsked => "not-asked",
        }
    }
}
