//! Findings that the log alone does not settle, and correct drops: one row for each finding, a few rows for many of one
//! cause.

use std::cmp::Reverse;
use std::io;

use super::evidence::evidence;
use super::label::Sections;
use super::page::{Page, color, glued};
use super::words::{drops, many, node_or_number, peers, reason, what};
use crate::cause::{Cause, Verdict};
use crate::error::{printable, printable_name};
use crate::finding::Finding;
use crate::report::table::Column;

/// The most findings of one cause that are written one by one.
const MAX_ALIKE: usize = 8;
/// Number of findings of such a cause that are written: those with the most drops.
const SHOWN: usize = 5;

/// Writes the findings to review, and once for each cause how to settle it.
pub(super) fn review(page: &mut Page<'_>, sections: &Sections<'_>) -> io::Result<()> {
    let found = &sections.review;
    if found.is_empty() {
        return Ok(());
    }
    let title = format!("REVIEW ({})", found.len());
    let tail = "too little in the log to tell";
    page.heading(color(Verdict::Review), &title, tail)?;
    let kinds = alike(found);
    rows(page, &kinds, 2)?;
    for kind in &kinds {
        page.paragraph("  > ", "    ", &advice(kind[0].cause))?;
    }
    evidence(page, found)
}

/// Returns how to settle a finding of a cause, in a sentence.
pub(in crate::report) fn advice(cause: &Cause) -> String {
    let first = cause.todo.split_once(". ").map(|(first, _)| first);
    let advice = first.unwrap_or(cause.todo).trim_end_matches('.');
    format!("{advice}.")
}

/// Returns the findings by their cause, in the order of the first of each.
pub(in crate::report) fn alike<'r>(found: &[&'r Finding]) -> Vec<Vec<&'r Finding>> {
    let mut kinds: Vec<Vec<&'r Finding>> = Vec::new();
    for &finding in found {
        match kinds
            .iter_mut()
            .find(|kind| kind[0].cause.code == finding.cause.code)
        {
            Some(kind) => kind.push(finding),
            None => kinds.push(vec![finding]),
        }
    }
    kinds
}

/// Writes a row for each finding: service, place, number, and reason; the rest of many of one cause is summed up in one
/// row.
pub(super) fn rows(page: &mut Page<'_>, kinds: &[Vec<&Finding>], indent: usize) -> io::Result<()> {
    let columns = [
        ("", Column::Words),
        ("", Column::Whole),
        ("", Column::Number),
        ("", Column::Words),
    ];
    let mut cells = Vec::new();
    for kind in kinds {
        let most = if kind.len() > MAX_ALIKE {
            SHOWN
        } else {
            kind.len()
        };
        let (shown, rest) = most_drops(kind, most);
        for finding in shown {
            let service = finding
                .service
                .map_or_else(String::new, |s| format!(" {}", printable(s)));
            cells.push(vec![
                format!("{}{service}", ports_glued(finding)),
                printable_name(&finding.node),
                glued(&many(finding.logged, "drop")),
                format!("{}, from {}", reason(finding), peers(finding)),
            ]);
        }
        if !rest.is_empty() {
            cells.push(vec![
                format!("{} more", rest.len()),
                glued(&node_or_number(&rest)),
                glued(&many(drops(&rest), "drop")),
                reason(rest[0]).to_owned(),
            ]);
        }
    }
    page.table(&columns, &cells, indent)
}

/// Returns the `most` findings with the most drops, in the order that they had, and the others by their drops.
pub(super) fn most_drops<'r>(
    found: &[&'r Finding],
    most: usize,
) -> (Vec<&'r Finding>, Vec<&'r Finding>) {
    let mut by_drops: Vec<usize> = (0..found.len()).collect();
    by_drops.sort_by_key(|place| Reverse(found[*place].logged));
    let rest = by_drops.split_off(most.min(by_drops.len()));
    by_drops.sort_unstable();
    let of = |places: Vec<usize>| places.into_iter().map(|place| found[place]).collect();
    (of(by_drops), of(rest))
}

/// Protocol and port as one word; of several ports each.
pub(super) fn ports_glued(finding: &Finding) -> String {
    match finding.ports.len() {
        0..=2 => glued(&what(finding)),
        _ => what(finding),
    }
}
