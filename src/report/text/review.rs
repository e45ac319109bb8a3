//! What the reader must settle: each finding in full, but of a crowd of one kind those with the most lines.

use std::collections::BTreeMap;
use std::io;

use super::page::{BOLD, Page, color};
use super::{entry, lines, many, nodes, of};
use crate::cause::Verdict;
use crate::error::printable_name;
use crate::finding::Finding;
use crate::report::Report;

pub(super) fn review(page: &mut Page<'_>, report: &Report) -> io::Result<()> {
    let found = of(report, Verdict::Review);
    if found.is_empty() {
        return Ok(());
    }
    page.heading(
        color(Verdict::Review),
        "REVIEW",
        "the log alone cannot settle it",
    )?;
    for node in nodes(&found) {
        let name = page.paint(BOLD, &printable_name(node));
        page.line(&format!("\n  {name}"))?;
        let here: Vec<&Finding> = found.iter().copied().filter(|f| f.node == node).collect();
        let crowds = crowds(&here);
        let is_told = |f: &&&Finding| crowds.get(f.cause.code).is_none_or(|c| c.tells(f));
        for finding in here.iter().filter(is_told) {
            entry(page, finding)?;
            page.paragraph("      > ", "        ", finding.cause.todo)?;
        }
        for (code, crowd) in &crowds {
            let text = format!(
                "{} more like these, with {} in all  [{code}]",
                many(crowd.others, "finding"),
                many(crowd.lines, "line"),
            );
            let text = page.paint(color(Verdict::Review), &text);
            page.line(&format!("    {text}"))?;
            let way = "They are in the JSON: -o json. To see some of them here: --port, --peer.";
            page.paragraph("      > ", "        ", way)?;
        }
    }
    Ok(())
}

/// So many findings of one cause on one node are told one by one.
const MOST_ALIKE: usize = 50;

/// More findings of one cause on one node than anybody reads: those with the most lines are told, the others are counted.
struct Crowd {
    /// The least of those that are told, by lines and id.
    least: (u64, String),
    others: u64,
    lines: u64,
}

impl Crowd {
    fn tells(&self, finding: &Finding) -> bool {
        (finding.logged, &finding.id) >= (self.least.0, &self.least.1)
    }
}

/// The crowds among the findings of one node, by cause.
fn crowds<'r>(findings: &[&'r Finding]) -> BTreeMap<&'static str, Crowd> {
    let mut causes: BTreeMap<&'static str, Vec<&'r Finding>> = BTreeMap::new();
    for &finding in findings {
        causes.entry(finding.cause.code).or_default().push(finding);
    }
    causes.retain(|_, alike| alike.len() > MOST_ALIKE);
    let crowd = |mut alike: Vec<&Finding>| {
        alike.sort_unstable_by(|a, b| (b.logged, &b.id).cmp(&(a.logged, &a.id)));
        let (told, others) = alike.split_at(MOST_ALIKE);
        let least = told.last()?;
        Some(Crowd {
            least: (least.logged, least.id.clone()),
            others: others.len() as u64,
            lines: lines(others),
        })
    };
    causes
        .into_iter()
        .filter_map(|(code, alike)| Some((code, crowd(alike)?)))
        .collect()
}
