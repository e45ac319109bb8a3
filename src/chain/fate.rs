//! What becomes of a dropped packet in the chain in force, kept small: one value a line.

use crate::chain::Policy;
use crate::chain::dead::Dead;
use crate::chain::evaluate::{End, Outcome, Place};

/// What becomes of a packet, in one word and by which rule.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Fate {
    /// Accepted, and no LOG rule sees it before.
    Accepted(Place),
    /// Accepted behind a LOG rule: it leaves a drop line.
    AcceptedLogged(Place),
    Dropped(Place),
    Rejected(Place),
    /// A target decides whose answer cannot be told.
    Unknown(Place),
    Policy(Policy),
    NoMatch,
}

/// What the chains in force say of a dropped packet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Judged {
    pub fate: Fate,
    /// The rules that would accept it and do not.
    pub dead: Vec<Dead>,
    /// What could not be evaluated.
    pub notes: Vec<String>,
}

impl Fate {
    pub(super) fn of(outcome: &Outcome) -> Self {
        match &outcome.end {
            End::Accepted(place) if outcome.logged.is_empty() => Self::Accepted(place.clone()),
            End::Accepted(place) => Self::AcceptedLogged(place.clone()),
            End::Dropped(place) => Self::Dropped(place.clone()),
            End::Rejected(place) => Self::Rejected(place.clone()),
            End::Unknown(place) => Self::Unknown(place.clone()),
            End::Policy(policy) => Self::Policy(*policy),
            End::NoMatch => Self::NoMatch,
        }
    }

    /// The rule that decides.
    pub const fn place(&self) -> Option<&Place> {
        match self {
            Self::Accepted(place)
            | Self::AcceptedLogged(place)
            | Self::Dropped(place)
            | Self::Rejected(place)
            | Self::Unknown(place) => Some(place),
            Self::Policy(_) | Self::NoMatch => None,
        }
    }

    /// As reports write it.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Accepted(_) => "accepted",
            Self::AcceptedLogged(_) => "accepted-logged",
            Self::Dropped(_) => "dropped",
            Self::Rejected(_) => "rejected",
            Self::Unknown(_) => "unknown",
            Self::Policy(Policy::Accept) => "policy-accept",
            Self::Policy(Policy::Drop) => "policy-drop",
            Self::NoMatch => "no-match",
        }
    }
}
