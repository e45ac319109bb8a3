//! What a report says of a finding beside what the finding itself shows.

/// Which rules the report offered for a finding.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Reported {
    pub offers: Vec<Offered>,
    /// Whether it was accepted then, so that no rule was offered.
    pub was_accepted: bool,
}

/// A rule that a report offered. Its commands are not read: rules are made anew.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Offered {
    /// The code of why somebody has to decide on it; `None` where it could be applied as it stood.
    pub doubt: Option<String>,
    /// Whether it went into another chain than the documented one.
    pub is_elsewhere: bool,
}
