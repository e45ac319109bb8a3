//! Differences between two reports.

mod text;

use super::{Report, Warning};
use crate::cause::Verdict;
use crate::finding::Finding;

pub use text::text;
pub(super) use text::{doubts, headline, side};

/// A finding that one of the reports alone has, and why that may not mean that anything changed.
pub struct Alone<'r> {
    pub finding: &'r Finding,
    pub doubts: Vec<Doubtful>,
}

/// Reason why the other report may lack a finding although nothing changed.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Doubtful {
    /// Kebab-case.
    pub code: &'static str,
    /// A clause.
    pub text: String,
}

/// A finding that both reports have, in another way.
pub struct Changed<'r> {
    pub was: &'r Finding,
    pub now: &'r Finding,
    /// Changed properties, each with a kebab-case code and a clause.
    pub what: Vec<Doubtful>,
}

/// Differences between two reports.
pub struct Diff<'r> {
    pub before: &'r Report,
    pub after: &'r Report,
    pub new: Vec<Alone<'r>>,
    pub gone: Vec<Alone<'r>>,
    pub changed: Vec<Changed<'r>>,
    pub same: Vec<(&'r Finding, &'r Finding)>,
    /// Reasons why the reports may differ although nothing changed in the cluster.
    pub notes: Vec<Warning>,
}

impl Diff<'_> {
    /// Returns the findings that count now and did not before: new ones of these verdicts, and those that changed into
    /// one.
    pub fn fails(&self, verdicts: &[Verdict]) -> usize {
        let counts =
            |finding: &Finding| finding.accepted.is_none() && verdicts.contains(&finding.verdict());
        let new = self
            .new
            .iter()
            .filter(|alone| counts(alone.finding))
            .count();
        let turned = self
            .changed
            .iter()
            .filter(|one| counts(one.now) && !counts(one.was));
        new + turned.count()
    }
}
