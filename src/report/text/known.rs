//! Accepted findings, one row each.

use std::io;

use super::evidence::evidence;
use super::label::Sections;
use super::page::{DIM, Page, glued};
use super::review::ports_glued;
use super::words::{drops, many, peers, reason};
use crate::error::{printable, printable_name};
use crate::finding::Finding;

/// The most findings that are written one by one.
const MAX_ROWS: usize = 20;

/// Writes the accepted findings, each with its reason and end.
pub(super) fn known(page: &mut Page<'_>, sections: &Sections<'_>) -> io::Result<()> {
    let found = &sections.known;
    if found.is_empty() {
        return Ok(());
    }
    let title = format!("ACCEPTED AS IT IS ({})", found.len());
    page.heading(
        DIM,
        &title,
        "known to the team: no rule is offered, and it does not count",
    )?;
    for finding in found.iter().take(MAX_ROWS) {
        let service = finding
            .service
            .map_or_else(String::new, |service| format!(" {}", printable(service)));
        let text = format!(
            "{}{service} on {}, {} ({}), {} from {}: {}",
            ports_glued(finding),
            printable_name(&finding.node),
            finding.verdict().code(),
            reason(finding),
            glued(&many(finding.logged, "drop")),
            peers(finding),
            words(finding),
        );
        page.paragraph("  ", "    ", &text)?;
    }
    if let Some((_, rest)) = found
        .split_at_checked(MAX_ROWS)
        .filter(|(_, rest)| !rest.is_empty())
    {
        let text = format!(
            "{} more, {}: `-o json` has them",
            rest.len(),
            many(drops(rest), "drop")
        );
        page.paragraph("  ", "    ", &text)?;
    }
    evidence(page, found)
}

/// Until when and why a finding is accepted.
pub(super) fn words(finding: &Finding) -> String {
    finding
        .accepted
        .as_ref()
        .map_or_else(String::new, |accepted| {
            printable(&format!("{}: {}", accepted.words(), accepted.reason))
        })
}
