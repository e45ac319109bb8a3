//! Events of a live log: the changes between two reports.

use super::{Report, Warning};
use crate::cause::Cause;
use crate::finding::Finding;
use crate::rule::AcceptRule;
use crate::time::Time;

/// Kind of an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EventKind {
    /// A finding is new.
    Opened,
    /// A finding has another cause or rule, or replaces others that no longer exist.
    Changed,
    /// The numbers of a finding grew, and nothing else changed.
    Updated,
    /// A finding was quiet for the settling time.
    Settled,
    /// A finding that had settled came back.
    Reopened,
    /// The limit of a node's LOG rule hid lines.
    Saturated,
    /// The log ended.
    Report,
}

impl EventKind {
    pub const ALL: [Self; 7] = [
        Self::Opened,
        Self::Changed,
        Self::Updated,
        Self::Settled,
        Self::Reopened,
        Self::Saturated,
        Self::Report,
    ];

    /// Returns the kind as reports write it.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Opened => "opened",
            Self::Changed => "changed",
            Self::Updated => "updated",
            Self::Settled => "settled",
            Self::Reopened => "reopened",
            Self::Saturated => "saturated",
            Self::Report => "report",
        }
    }
}

/// A live event.
pub struct Event<'a> {
    pub kind: EventKind,
    /// Log time of the event.
    pub time: Time,
    /// Finding in its present state; `None` for a change after which no finding replaces the ids of `replaces`.
    pub finding: Option<&'a Finding>,
    /// The cause before the change, of the finding or of the first that it replaces.
    pub was: Option<&'static Cause>,
    /// Ids of findings that no longer exist, since this one holds their flows.
    pub replaces: Vec<String>,
    /// The rules that would accept the finding.
    pub rules: Vec<&'a AcceptRule>,
    pub warning: Option<&'a Warning>,
    pub report: Option<&'a Report>,
    /// The filters of the run: what they leave out makes no event.
    pub filters: &'a [String],
}

impl<'a> Event<'a> {
    /// Creates an event without any content.
    pub const fn of(kind: EventKind, time: Time) -> Self {
        Self {
            kind,
            time,
            finding: None,
            was: None,
            replaces: Vec::new(),
            rules: Vec::new(),
            warning: None,
            report: None,
            filters: &[],
        }
    }

    /// Creates the event of the report at the end of a live log.
    pub fn report(report: &'a Report) -> Self {
        let end = report.end().unwrap_or(Time::UNKNOWN);
        Self {
            report: Some(report),
            filters: &report.filters,
            ..Self::of(EventKind::Report, end)
        }
    }
}
