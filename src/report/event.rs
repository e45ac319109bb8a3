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
    /// A finding has another cause or rule, or stands for others that are no more.
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
    /// The finding as it is now; `None` for a change after which nothing stands for the ids of `replaces`.
    pub finding: Option<&'a Finding>,
    /// The cause before the change, of the finding or of the first that it replaces.
    pub was: Option<&'static Cause>,
    /// The ids that are no finding any more: their flows belong to this one.
    pub replaces: Vec<String>,
    /// The rules that would accept the finding.
    pub rules: Vec<&'a AcceptRule>,
    pub warning: Option<&'a Warning>,
    pub report: Option<&'a Report>,
}

impl<'a> Event<'a> {
    /// An event without any content.
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
        }
    }

    /// The report at the end of a live log.
    pub fn report(report: &'a Report) -> Self {
        let end = report.span.map_or(Time::UNKNOWN, |(_, last)| last);
        Self {
            report: Some(report),
            ..Self::of(EventKind::Report, end)
        }
    }
}
