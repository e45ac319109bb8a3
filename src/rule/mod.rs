//! ACCEPT rules for the findings of a report: [`suggest`]. A rule is made only for a missing rule, never for a reply, a
//! scan, a broadcast or a single attempt.

mod accept_rule;
mod check;
mod closed;
mod disposition;
mod emit;
mod insertion_point;
mod packets;
mod patch;
mod placed;
mod recommended;
mod reported;
mod rules;
mod scope;
mod script;
mod search;
mod suggest;

pub use crate::cloudinit::patch::Patched;
pub use accept_rule::{AcceptRule, Disposition};
pub use check::{Checked, State, check};
pub use disposition::Doubt;
pub use emit::{EMITTERS, Emitter, Offer};
pub use insertion_point::InsertionPoint;
pub use patch::CloudInitFile;
pub use placed::RULE_IN_FORCE;
pub use recommended::{CHAIN_FORMS, ChainForm, Difference, Recommended};
pub use rules::Rules;
pub use scope::Scope;
pub use script::Split;
pub use suggest::suggest;
