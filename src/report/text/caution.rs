//! Cautions, which may change the answer: subject, number, and remedy.

use std::io;

use anstyle::AnsiColor;

use super::answer::IN_SENTENCE;
use super::explain::capital;
use super::fixes::again;
use super::page::Page;
use super::words::{few, many};
use crate::error::{printable, printable_name};
use crate::node_names::natural;
use crate::report::{NodeReport, Report};
use crate::time::MINUTE;

/// Warnings of one code that are written one by one; of more the first of them.
const MAX_ALIKE: usize = 3;
/// Upper bound on the nodes whose share of the time is written.
const MAX_SHARES: usize = 5;
/// Codes that come first, because they may invert the answer.
const FIRST: [&str; 3] = [
    "established-rule-suspect",
    "documented-rule-absent",
    "scan-documented",
];
/// Code of the warning that is written once for all nodes, from the report.
const SATURATED: &str = "log-saturated";

/// A caution, and the words of the command that cures it, where there is one.
pub(in crate::report) struct Caution {
    pub(in crate::report) text: String,
    pub(in crate::report) cure: Vec<String>,
}

/// Writes the cautions, which may change the answer.
pub(super) fn caution(page: &mut Page<'_>, report: &Report) -> io::Result<()> {
    let all = cautions(report);
    if all.is_empty() {
        return Ok(());
    }
    page.heading(AnsiColor::Yellow.on_default().bold(), "CAUTION", "")?;
    for caution in all {
        page.paragraph("  ! ", "    ", &caution.text)?;
        if !caution.cure.is_empty() {
            super::commands::words(page, 6, &caution.cure)?;
        }
    }
    Ok(())
}

/// Returns the cautions: of many of one kind the first.
pub(in crate::report) fn cautions(report: &Report) -> Vec<Caution> {
    let mut codes: Vec<&str> = report.warnings.iter().map(|warning| warning.code).collect();
    codes.dedup();
    // The first sentence contains it already.
    codes.retain(|code| !IN_SENTENCE.contains(code) || report.tally.drops > 0);
    let mut cautions = Vec::new();
    let rank = |code: &&str| match *code {
        SATURATED => FIRST.len(),
        code => FIRST
            .iter()
            .position(|first| *first == code)
            .unwrap_or(FIRST.len() + 1),
    };
    codes.sort_by_key(rank);
    for code in codes {
        if code == SATURATED {
            cautions.push(saturated(report));
            continue;
        }
        let own = report
            .warnings
            .iter()
            .filter(|warning| warning.code == code);
        let own: Vec<_> = own.collect();
        let shown = if own.len() > MAX_ALIKE { 1 } else { own.len() };
        for warning in &own[..shown] {
            let mut text = capital(&printable(&warning.text));
            let more = own[shown..]
                .iter()
                .filter_map(|warning| warning.node.as_deref());
            let more: Vec<&str> = more.collect();
            if !more.is_empty() {
                text = format!("{text}. The same on {}", few(more));
            } else if shown < own.len() {
                text = format!("{text}. {} more of the kind: -o json", own.len() - shown);
            }
            let cure = Vec::new();
            cautions.push(Caution { text, cure });
        }
    }
    cautions
}

/// Returns the time for which the limit hid drops on a node, in percent of the log's time; `None` where it hid none.
pub(in crate::report) fn share(node: &NodeReport, whole: i64) -> Option<i64> {
    let stretches = node.saturated.as_ref().filter(|own| !own.is_empty())?;
    let hidden: i64 = stretches.iter().map(|one| one.to.since(one.from)).sum();
    Some(
        (hidden.saturating_mul(100))
            .saturating_add(whole / 2)
            .checked_div(whole)
            .unwrap_or(100)
            .clamp(1, 100),
    )
}

fn saturated(report: &Report) -> Caution {
    let whole = report.span.map_or(0, |(first, last)| last.since(first));
    let nodes = report.nodes.iter();
    let mut shares: Vec<(&str, i64)> = nodes
        .filter_map(|node| Some((node.node.as_str(), share(node, whole)?)))
        .collect();
    shares.sort_by(|(a, one), (b, other)| other.cmp(one).then_with(|| natural(a, b)));
    let mut on: Vec<String> = Vec::new();
    for (place, (node, share)) in shares.iter().take(MAX_SHARES).enumerate() {
        let time = if place == 0 { " of the time" } else { "" };
        on.push(format!("{share} %{time} on {}", printable_name(node)));
    }
    if shares.len() > MAX_SHARES {
        let more = many((shares.len() - MAX_SHARES) as u64, "more node");
        on.push(format!("less on {more}"));
    }
    let rate = match report.limit.refill {
        refill if refill > 0 && MINUTE % refill == 0 => format!(" ({}/min)", MINUTE / refill),
        _ => String::new(),
    };
    let mut again = again(report, &["rules", "--format split-log"]);
    // Its rules accept nothing.
    again.words.retain(|word| !word.starts_with("--scope "));
    let text = format!(
        "The LOG limit{rate} was used up {}: counts are minimums, and a rule that is not listed may be missing too. Cure{}:",
        on.join(", "),
        again.first()
    );
    let cure = again.words;
    Caution { text, cure }
}
