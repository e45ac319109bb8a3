//! What a live run calls a finding in one word, and its status line, which counts them.

use anstyle::Style as Ansi;

use super::many;
use super::page::color;
use crate::cause::Verdict;
use crate::finding::Finding;
use crate::report::Report;
use crate::rule::Disposition;

/// What a row says a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Label {
    Missing,
    Decide,
    Review,
    Leave,
    Noise,
}

impl Label {
    pub(super) fn of(finding: &Finding, report: &Report) -> Self {
        match finding.verdict() {
            Verdict::MissingRule => {
                let mut rules = finding
                    .rules
                    .iter()
                    .filter_map(|id| report.rule(id))
                    .peekable();
                let decides = rules.peek().is_some()
                    && rules.all(|rule| rule.disposition == Disposition::Review);
                if decides { Self::Decide } else { Self::Missing }
            }
            Verdict::Review => Self::Review,
            Verdict::LeaveDropped => Self::Leave,
            Verdict::FalsePositive => Self::Noise,
        }
    }

    pub(super) const fn word(self) -> &'static str {
        match self {
            Self::Missing => "MISSING",
            Self::Decide => "DECIDE",
            Self::Review => "REVIEW",
            Self::Leave => "leave",
            Self::Noise => "noise",
        }
    }

    pub(super) const fn color(self) -> Ansi {
        color(match self {
            Self::Missing | Self::Decide => Verdict::MissingRule,
            Self::Review => Verdict::Review,
            Self::Leave => Verdict::LeaveDropped,
            Self::Noise => Verdict::FalsePositive,
        })
    }
}

/// The status line of a live run: `rate` are the drops of the last minute.
pub fn status(report: &Report, rate: u64, columns: usize) -> String {
    let count = |wanted: Label| {
        let findings = report.findings.iter();
        findings
            .filter(|finding| Label::of(finding, report) == wanted)
            .count()
    };
    let end = report.span.map(|(_, end)| end).filter(|end| end.is_dated());
    let at = end.map_or_else(String::new, |end| format!("{}  ", end.clock()));
    let drops = many(report.tally.drops, "drop");
    let hit = report
        .nodes
        .iter()
        .any(|node| node.saturated.as_ref().is_some_and(|s| !s.is_empty()));
    let limit = if hit { " · LOG limit hit" } else { "" };
    let text = format!(
        "[{at}{drops}, {rate}/min · {} · missing {}, decide {}, review {}{limit}]",
        many(report.nodes.len() as u64, "node"),
        count(Label::Missing),
        count(Label::Decide),
        count(Label::Review),
    );
    // A line that reaches the last column would wrap.
    text.chars().take(columns.saturating_sub(1)).collect()
}
