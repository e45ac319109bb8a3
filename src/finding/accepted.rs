//! That a finding was accepted as it is.

use crate::date::Date;

/// Why and until when a finding stays as it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Accepted {
    pub reason: String,
    /// The last day on which it holds, in UTC.
    pub until: Date,
    /// The file and line that says so; `None` where a report told it.
    pub origin: Option<String>,
}

impl Accepted {
    /// How long it holds and where that stands, in a few words.
    pub fn words(&self) -> String {
        match &self.origin {
            Some(origin) => format!("accepted until {} at {origin}", self.until),
            None => format!("accepted until {}", self.until),
        }
    }
}
