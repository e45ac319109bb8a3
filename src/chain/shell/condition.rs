//! Conditions that a text does not settle: how a run takes them, and what they are called.

use crate::chain::shell::fault::Fault;

/// How a run takes the conditions that cannot be known. Two conditions of one text are one: they hold together.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Assume {
    /// None of them holds.
    #[default]
    None,
    All,
    Only(String),
    AllBut(String),
}

/// A condition that cannot be known, and on which commands of a firewall depend.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Condition {
    pub line: usize,
    /// As it is written.
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
    /// What is said of it.
    pub fn fault(&self) -> Fault {
        let text = &self.text;
        Fault::unfollowed(
            self.line,
            format!("whether `{text}` holds cannot be known here, and rules depend on it"),
        )
    }
}
