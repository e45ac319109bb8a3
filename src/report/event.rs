//! What a live run tells while it goes on.

use super::{Report, Warning};
use crate::cause::Cause;
use crate::finding::Finding;
use crate::rule::AcceptRule;
use crate::time::Time;

/// What happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EventKind {
    Opened,
    Changed,
    Updated,
    Settled,
    Reopened,
    Saturated,
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

    /// As reports write it.
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
    /// The log's time of it.
    pub time: Time,
    pub finding: Option<&'a Finding>,
    /// The cause before it changed.
    pub was: Option<&'static Cause>,
    /// The ids of findings whose flows this one has taken.
    pub replaces: Vec<String>,
    pub rule: Option<&'a AcceptRule>,
    pub warning: Option<&'a Warning>,
    pub report: Option<&'a Report>,
}

impl<'a> Event<'a> {
    /// An event that tells nothing yet.
    pub const fn of(kind: EventKind, time: Time) -> Self {
        Self {
            kind,
            time,
            finding: None,
            was: None,
            replaces: Vec::new(),
            rule: None,
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
