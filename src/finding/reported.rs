//! Data about a finding that only its report has.

use crate::net::IpNet;

/// Rules that a report offered for a finding.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Reported {
    pub offers: Vec<Offered>,
    /// Networks of the pods that its run knew.
    pub pod_cidrs: Vec<IpNet>,
    /// Whether it was accepted then, so that no rule was offered.
    pub was_accepted: bool,
    /// Whether its facts contradict what it says.
    pub is_doubtful: bool,
}

/// A rule that a report offered. Its commands are not read: rules are made anew.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Offered {
    /// Code of the reason why it needed a decision; `None` if it could be applied as it was.
    pub doubt: Option<String>,
    /// Whether it went into another chain than the documented one.
    pub is_elsewhere: bool,
    /// Whether it accepted a source alone.
    pub is_narrow: bool,
}
