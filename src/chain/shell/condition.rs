//! Conditions that a text does not settle, and the values assumed for them.

use crate::chain::shell::fault::Fault;

/// Assumed values of unknown conditions in a run. Conditions of the same text have the same value.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Assume {
    /// No condition holds.
    #[default]
    None,
    All,
    Only(String),
    AllBut(String),
}

/// An unknown condition on which firewall commands depend.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Condition {
    pub line: usize,
    /// Text of the condition, as in the script.
    pub text: String,
}

impl Assume {
    pub(super) fn holds(&self, text: &str) -> bool {
        match self {
            Self::None => false,
            Self::All => true,
            Self::Only(one) => one == text,
            Self::AllBut(one) => one != text,
        }
    }
}

impl Condition {
    /// Returns the fault that reports the condition.
    pub fn fault(&self) -> Fault {
        let text = &self.text;
        Fault::unfollowed(
            self.line,
            format!("whether `{text}` holds cannot be known here, and rules depend on it"),
        )
    }
}
