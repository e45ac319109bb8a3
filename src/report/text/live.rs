//! Live events for people, a line each.

use std::io::{self, Write};

use anstyle::AnsiColor;

use super::page::{DIM, Page, color};
use super::{many, peers, render, what};
use crate::error::{printable, printable_name};
use crate::report::{Event, EventKind, Style};
use crate::rule::Disposition;

/// Writes a live event as one line, and the rule of a missing one as a second.
pub fn event(event: &Event<'_>, style: Style, out: &mut dyn Write) -> io::Result<()> {
    let mut page = Page {
        out,
        style,
        one_day: true,
    };
    if let Some(report) = event.report {
        page.line("")?;
        return render(report, style, page.out);
    }
    let at = if event.time.is_dated() {
        event.time.clock()
    } else if event.time.is_known() {
        event.time.to_string()
    } else {
        String::new()
    };
    let at = page.paint(DIM, &at);
    if let Some(warning) = event.warning {
        let tag = page.paint(AnsiColor::Yellow.on_default().bold(), "WARNING");
        return page.line(&format!("{at} {tag} {}", printable(&warning.text)));
    }
    let Some(finding) = event.finding else {
        return Ok(());
    };
    let verdict = page.paint(color(finding.verdict()), finding.verdict().code());
    let service = finding
        .service
        .map_or_else(String::new, |s| format!(" {s}"));
    let news = match event.kind {
        EventKind::Opened => String::new(),
        EventKind::Changed => {
            let was = event.was.map_or("", |cause| cause.verdict.code());
            format!("changed (was {was}) ")
        }
        kind => format!("{} ", kind.code()),
    };
    page.line(&format!(
        "{at} {verdict} {news}{} {}{service} from {}: {}, {}",
        printable_name(&finding.node),
        what(finding),
        peers(finding),
        many(finding.logged, "line"),
        finding.cause.summary,
    ))?;
    if let Some(rule) = event
        .rule
        .filter(|_| matches!(event.kind, EventKind::Opened | EventKind::Changed))
    {
        let mark = if rule.disposition == Disposition::Review {
            "# decide first: "
        } else {
            ""
        };
        page.line(&format!("         {}", rule.place_command()))?;
        page.line(&format!("         {mark}{}", rule.insert()))?;
    }
    page.out.flush()
}
