//! Faults of a text: a line that would be refused, or that is not followed.

use std::fmt;

/// A line that iptables would refuse, or that was not understood.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// Line number, from 1.
    pub line: usize,
    pub text: String,
    /// Whether iptables, the shell or the API would refuse it; otherwise it may be right, and is not followed here.
    pub refused: bool,
}

impl Fault {
    /// Creates a fault for a line that would be refused.
    pub fn new(line: usize, text: impl Into<String>) -> Self {
        Self {
            line,
            text: text.into(),
            refused: true,
        }
    }

    /// Creates a fault for a line that is not followed here.
    pub fn unfollowed(line: usize, text: impl Into<String>) -> Self {
        Self {
            refused: false,
            ..Self::new(line, text)
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}: {}", self.line, self.text)
    }
}
