//! One-word label of a finding, for the sections of a report, the rows of a live run and its status line.

use std::collections::{BTreeMap, BTreeSet};

use anstyle::Style as Ansi;

use super::page::{DIM, color};
use super::words::{drops, many, sort_by_node, what};
use crate::cause::Verdict;
use crate::finding::Finding;
use crate::report::Report;
use crate::rule::{Disposition, RULE_IN_FORCE};

/// Label of a finding: the action that it needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(in crate::report) enum Label {
    Missing,
    Decide,
    Review,
    Leave,
    Noise,
    /// Accepted as it is.
    Known,
}

impl Label {
    pub(in crate::report) fn of(finding: &Finding, report: &Report) -> Self {
        if finding.accepted.is_some() {
            return Self::Known;
        }
        match finding.verdict() {
            Verdict::MissingRule => {
                let mut rules = report.rules_of(finding).peekable();
                // Without a rule, it is there in vain, or the log does not show for whom it is to be.
                let is_there = || finding.evidence.iter().any(|t| t.name == RULE_IN_FORCE);
                let decides = match rules.peek() {
                    Some(_) => rules.all(|rule| rule.disposition == Disposition::Review),
                    None => !is_there(),
                };
                if decides { Self::Decide } else { Self::Missing }
            }
            Verdict::Review => Self::Review,
            Verdict::LeaveDropped => Self::Leave,
            Verdict::FalsePositive => Self::Noise,
        }
    }

    pub(in crate::report) const fn word(self) -> &'static str {
        match self {
            Self::Missing => "MISSING",
            Self::Decide => "DECIDE",
            Self::Review => "REVIEW",
            Self::Leave => "leave",
            Self::Noise => "noise",
            Self::Known => "known",
        }
    }

    pub(in crate::report) const fn color(self) -> Ansi {
        color(match self {
            Self::Known => return DIM,
            Self::Missing | Self::Decide => Verdict::MissingRule,
            Self::Review => Verdict::Review,
            Self::Leave => Verdict::LeaveDropped,
            Self::Noise => Verdict::FalsePositive,
        })
    }
}

/// Findings of a report by the action that they need; each is in one section.
pub(in crate::report) struct Sections<'r> {
    pub(in crate::report) missing: Vec<&'r Finding>,
    pub(in crate::report) decide: Vec<&'r Finding>,
    pub(in crate::report) review: Vec<&'r Finding>,
    /// False positives.
    pub(in crate::report) noise: Vec<&'r Finding>,
    /// Drops that are correct.
    pub(in crate::report) leave: Vec<&'r Finding>,
    /// Accepted findings.
    pub(in crate::report) known: Vec<&'r Finding>,
}

impl<'r> Sections<'r> {
    pub(in crate::report) fn of(report: &'r Report) -> Self {
        let mut sections = Self {
            missing: Vec::new(),
            decide: Vec::new(),
            review: Vec::new(),
            noise: Vec::new(),
            leave: Vec::new(),
            known: Vec::new(),
        };
        for finding in &report.findings {
            let section = match Label::of(finding, report) {
                Label::Missing => &mut sections.missing,
                Label::Decide => &mut sections.decide,
                Label::Review => &mut sections.review,
                Label::Noise => &mut sections.noise,
                Label::Leave => &mut sections.leave,
                Label::Known => &mut sections.known,
            };
            section.push(finding);
        }
        for section in [
            &mut sections.missing,
            &mut sections.decide,
            &mut sections.review,
            &mut sections.noise,
            &mut sections.leave,
            &mut sections.known,
        ] {
            sort_by_node(section);
        }
        sections
    }

    /// Returns the number of drops that need no action.
    pub(in crate::report) fn nothing(&self) -> u64 {
        drops(&self.noise) + drops(&self.leave)
    }
}

/// Returns the number of rules that `findings` need: a rule that serves several findings, or that several nodes lack,
/// counts once.
pub(in crate::report) fn rules(findings: &[&Finding], report: &Report) -> u64 {
    let keys = findings.iter().map(|finding| rule_key(finding, report));
    keys.collect::<BTreeSet<_>>().len() as u64
}

/// Family, protocol and ports of the first rule that would accept a finding; of one without, its own.
fn rule_key(finding: &Finding, report: &Report) -> (bool, String, Option<String>) {
    let (name, ports) = match report.rules_of(finding).next() {
        Some(rule) => (
            rule.proto_name(),
            rule.dport().map(|ports| ports.to_string()),
        ),
        None => (what(finding), None),
    };
    (finding.key.v6, name, ports)
}

/// Returns findings by the rule that would accept them, whatever the node, in the order of their ports.
pub(in crate::report) fn by_rule<'r>(
    report: &Report,
    found: &[&'r Finding],
) -> Vec<Vec<&'r Finding>> {
    let mut rules: BTreeMap<(bool, String, Option<String>), Vec<&Finding>> = BTreeMap::new();
    for &finding in found {
        let key = rule_key(finding, report);
        rules.entry(key).or_default().push(finding);
    }
    let mut rules: Vec<Vec<&Finding>> = rules.into_values().collect();
    let key = |f: &Finding| (f.key.v6, f.key.proto, f.port);
    rules.sort_by_key(|same| same.first().map(|first| key(first)));
    rules
}

/// Returns the number of rules that need the user's decision.
pub(in crate::report) fn decisions(report: &Report) -> u64 {
    rules(&Sections::of(report).decide, report)
}

/// Returns the status line of a live run: `rate` are the drops of the last minute.
pub fn status(report: &Report, rate: u64, columns: usize) -> String {
    let count = |wanted: Label| {
        let findings = report.findings.iter();
        findings
            .filter(|finding| Label::of(finding, report) == wanted)
            .count()
    };
    let end = report.end().filter(|end| end.is_dated());
    let at = end.map_or_else(String::new, |end| format!("{}  ", end.clock()));
    let drops = many(report.tally.drops, "drop");
    let hit = report
        .nodes
        .iter()
        .any(|node| node.saturated.as_ref().is_some_and(|s| !s.is_empty()));
    let limit = if hit { " · LOG limit hit" } else { "" };
    let filters = if report.is_filtered() {
        " · filters on"
    } else {
        ""
    };
    let text = format!(
        "[{at}{drops}, {rate}/min · {} · missing {}, decide {}, review {}{filters}{limit}]",
        many(report.nodes.len() as u64, "node"),
        count(Label::Missing),
        count(Label::Decide),
        count(Label::Review),
    );
    // A line that reaches the last column would wrap.
    text.chars().take(columns.saturating_sub(1)).collect()
}
