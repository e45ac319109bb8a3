//! Text report of the differences: the answer, then new, gone and changed findings, and the reasons for doubt.

use std::io::{self, Write};

use anstyle::{AnsiColor, Style as Ansi};

use super::{Alone, Diff};
use crate::cause::Verdict;
use crate::error::{printable, printable_name};
use crate::finding::{Finding, State};
use crate::report::table::Column;
use crate::report::text::{BOLD, Page, color, many, peers, reason, source_and_span, what};
use crate::report::{Report, Style};

/// The most findings of one section that are written one by one.
const MAX_ROWS: usize = 30;

/// Returns the answer in a sentence or two.
pub(in crate::report) fn headline(diff: &Diff<'_>) -> String {
    let missing = diff.fails(&[Verdict::MissingRule]) as u64;
    let answer = match missing {
        0 if diff.after.is_filtered() => {
            "No missing rule is new among what the filters let through".to_owned()
        }
        0 => "No missing rule is new".to_owned(),
        1 => "1 missing rule is new".to_owned(),
        n => format!("{n} missing rules are new"),
    };
    let counts = [
        (diff.new.len(), "new"),
        (diff.gone.len(), "gone"),
        (diff.changed.len(), "changed"),
        (diff.same.len(), "still there"),
    ];
    if counts.iter().all(|(number, _)| *number == 0) {
        let is_filtered = [diff.before, diff.after].map(Report::is_filtered);
        return match is_filtered {
            [false, false] => format!("{answer}: neither report has a finding."),
            _ => format!("{answer}: neither report has a finding that passes the filters."),
        };
    }
    let counts: Vec<String> = (counts.iter())
        .map(|(number, word)| format!("{number} {word}"))
        .collect();
    let unsure = |all: &[Alone<'_>]| all.iter().filter(|one| !one.doubts.is_empty()).count();
    let (new, gone) = (unsure(&diff.new), unsure(&diff.gone));
    let doubt = match (new, gone) {
        (0, 0) => String::new(),
        _ => {
            let mut said = Vec::new();
            if new > 0 {
                said.push(format!("{new} of the new may have been there before"));
            }
            if gone > 0 {
                said.push(format!("{gone} of the gone may still be there"));
            }
            format!(" But {}.", said.join(", and "))
        }
    };
    format!("{answer}. Findings: {}.{doubt}", counts.join(", "))
}

/// Writes it for people.
pub fn text(diff: &Diff<'_>, style: Style, out: &mut dyn Write) -> io::Result<()> {
    let mut page = Page {
        out,
        style,
        one_day: true,
    };
    let page = &mut page;
    let ansi = color(match diff.fails(&[Verdict::MissingRule]) {
        0 => Verdict::FalsePositive,
        _ => Verdict::MissingRule,
    });
    let answer = page.paint(ansi, &headline(diff));
    page.paragraph("", "", &answer)?;
    page.paragraph("before: ", "        ", &side(diff.before))?;
    page.paragraph("after:  ", "        ", &side(diff.after))?;
    alone(page, "NEW", color(Verdict::MissingRule), &diff.new)?;
    alone(page, "GONE", color(Verdict::FalsePositive), &diff.gone)?;
    changed(page, diff)?;
    same(page, diff)?;
    if diff.notes.is_empty() {
        return Ok(());
    }
    page.heading(
        AnsiColor::Yellow.on_default().bold(),
        "CAUTION",
        "what differs beside the cluster",
    )?;
    for note in &diff.notes {
        page.paragraph("  ! ", "    ", &printable(&note.text))?;
    }
    Ok(())
}

/// Describes the input of one side.
pub(in crate::report) fn side(report: &Report) -> String {
    let tally = report.tally;
    let left_out = match tally.filtered {
        0 => String::new(),
        drops => format!(" ({drops} left out by the filters)"),
    };
    format!(
        "{}, {}{left_out}",
        source_and_span(report),
        many(tally.drops - tally.filtered, "drop")
    )
}

fn alone(page: &mut Page<'_>, title: &str, ansi: Ansi, found: &[Alone<'_>]) -> io::Result<()> {
    if found.is_empty() {
        return Ok(());
    }
    page.heading(ansi, &format!("{title} ({})", found.len()), "")?;
    for one in found.iter().take(MAX_ROWS) {
        line(page, one.finding)?;
    }
    if found.len() > MAX_ROWS {
        page.line(&format!(
            "  {} more: `-o json` has them",
            found.len() - MAX_ROWS
        ))?;
    }
    for text in doubts(found) {
        page.paragraph("  ? ", "    ", &text)?;
    }
    Ok(())
}

/// Returns each reason for doubt once, with the findings that it holds for.
pub(in crate::report) fn doubts(found: &[Alone<'_>]) -> Vec<String> {
    let mut reasons: Vec<(&str, Vec<String>)> = Vec::new();
    for one in found {
        for doubt in &one.doubts {
            let name = format!(
                "{} on {}",
                what(one.finding),
                printable_name(&one.finding.node)
            );
            match reasons.iter_mut().find(|(text, _)| *text == doubt.text) {
                Some((_, names)) => names.push(name),
                None => reasons.push((&doubt.text, vec![name])),
            }
        }
    }
    let reasons = reasons.into_iter().map(|(text, names)| {
        let whose = match names.len() {
            all if all == found.len() && all > 1 => "all of them".to_owned(),
            0..=3 => names.join(", "),
            more => format!("{}, {} and {} more", names[0], names[1], more - 2),
        };
        format!("{}: {whose}", printable(text))
    });
    reasons.collect()
}

/// Writes a finding with all that tells it apart.
fn line(page: &mut Page<'_>, finding: &Finding) -> io::Result<()> {
    let accepted = match &finding.accepted {
        Some(accepted) => format!(", {}", accepted.words()),
        None => String::new(),
    };
    let text = format!(
        "{:<14}  {} on {}, {} from {}: {}{accepted}",
        finding.verdict().code(),
        named(finding),
        printable_name(&finding.node),
        many(finding.logged, "drop"),
        peers(finding),
        reason(finding),
    );
    page.paragraph("  ", "                  ", &printable(&text))
}

/// Port and service.
fn named(finding: &Finding) -> String {
    match finding.service {
        Some(service) => format!("{} {service}", what(finding)),
        None => what(finding),
    }
}

/// Returns a verdict, and that it is accepted.
fn verdict(finding: &Finding) -> String {
    match finding.accepted {
        Some(_) => format!("{}*", finding.verdict().code()),
        None => finding.verdict().code().to_owned(),
    }
}

fn changed(page: &mut Page<'_>, diff: &Diff<'_>) -> io::Result<()> {
    if diff.changed.is_empty() {
        return Ok(());
    }
    page.heading(BOLD, &format!("CHANGED ({})", diff.changed.len()), "")?;
    for one in diff.changed.iter().take(MAX_ROWS) {
        let said: Vec<&str> = one.what.iter().map(|what| what.text.as_str()).collect();
        let text = format!(
            "{} on {}, from {}: {}",
            what(one.now),
            printable_name(&one.now.node),
            peers(one.now),
            printable(&said.join("; "))
        );
        page.paragraph("  ", "    ", &text)?;
    }
    match diff.changed.len().saturating_sub(MAX_ROWS) {
        0 => Ok(()),
        more => page.line(&format!("  {more} more: `-o json` has them")),
    }
}

fn same(page: &mut Page<'_>, diff: &Diff<'_>) -> io::Result<()> {
    if diff.same.is_empty() {
        return Ok(());
    }
    page.heading(
        BOLD,
        &format!("STILL THERE ({})", diff.same.len()),
        "drops before > after",
    )?;
    let columns = [
        ("VERDICT", Column::Whole),
        ("PORT", Column::Words),
        ("NODE", Column::Whole),
        ("DROPS", Column::Whole),
        ("", Column::Whole),
    ];
    let rows = diff.same.iter().take(MAX_ROWS).map(|(was, now)| {
        let state = match now.state {
            State::Settled => "stopped",
            State::Ongoing | State::Unproven => "",
        };
        vec![
            verdict(now),
            printable(&named(now)),
            printable_name(&now.node),
            format!("{} > {}", was.logged, now.logged),
            state.to_owned(),
        ]
    });
    let rows: Vec<Vec<String>> = rows.collect();
    page.table(&columns, &rows, 2)?;
    if diff.same.len() > MAX_ROWS {
        page.line(&format!(
            "  {} more: `-o json` has them",
            diff.same.len() - MAX_ROWS
        ))?;
    }
    if diff.same.iter().any(|(_, now)| now.accepted.is_some()) {
        page.line("  * accepted as it is")?;
    }
    Ok(())
}
