//! The tests of findings, which are shown where the reader asks for them.

use std::io;

use super::page::{Page, color};
use super::words::{state, traffic};
use crate::error::printable_name;
use crate::finding::Finding;

/// Upper bound on the findings of one section whose tests are shown.
const MAX_FINDINGS: usize = 50;

/// Writes the tests of `findings`, with the codes of their causes.
pub(super) fn evidence(page: &mut Page<'_>, findings: &[&Finding]) -> io::Result<()> {
    if !page.style.evidence {
        return Ok(());
    }
    for finding in findings.iter().take(MAX_FINDINGS) {
        let title = format!(
            "{}  {}  [{}]  {}",
            printable_name(&finding.node),
            traffic(finding),
            finding.cause.code,
            finding.id
        );
        let title = page.paint(color(finding.verdict()), &title);
        page.paragraph("    ", "      ", &title)?;
        let last = page.moment(finding.last);
        page.paragraph("      ", "      ", &state(finding, &last))?;
        for test in &finding.evidence {
            page.test(test)?;
        }
    }
    match findings.len().saturating_sub(MAX_FINDINGS) {
        0 => Ok(()),
        more => page.paragraph(
            "    ",
            "    ",
            &format!("{more} more: `-o json` has their tests"),
        ),
    }
}
