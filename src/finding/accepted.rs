//! Acceptance of a finding.

use crate::date::Date;

/// Reason and end of an acceptance.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Accepted {
    pub reason: String,
    /// The last day on which it holds, in UTC.
    pub until: Date,
    /// File and line of the acceptance; `None` if it was read from a report.
    pub origin: Option<String>,
}

impl Accepted {
    /// Describes the end and the position of the acceptance.
    pub fn words(&self) -> String {
        match &self.origin {
            Some(origin) => format!("accepted until {} at {origin}", self.until),
            None => format!("accepted until {}", self.until),
        }
    }
}
