//! Pages of the handbook that the program carries: causes and ports.

use std::io::{self, Write};

use super::commands::broken;
use super::explain::capital;
use super::page::{BOLD, DIM, Page, color};
use crate::catalog::common_name;
use crate::cause::Cause;
use crate::chain::quoted;
use crate::error::printable;
use crate::packet::proto_number;
use crate::report::Style;
use crate::report::ports::{PortList, Row, short_roles};

fn page<'o>(style: Style, out: &'o mut dyn Write) -> Page<'o> {
    Page {
        out,
        style,
        one_day: false,
    }
}

/// Writes a list of causes.
pub(super) fn list(causes: &[&Cause], style: Style, out: &mut dyn Write) -> io::Result<()> {
    let mut page = page(style, out);
    page.paragraph(
        "",
        "",
        "The causes, in the order in which they are tried; the first that matches wins.",
    )?;
    page.line("")?;
    for cause in causes {
        let code = page.paint(color(cause.verdict), &format!("{:<16}", cause.code));
        let first = format!("  {code} {:<15}", cause.verdict.code());
        let rest = " ".repeat(34);
        page.paragraph(&first, &rest, cause.summary)?;
    }
    page.line("")?;
    page.paragraph("", "", "`dropsift explain CAUSE` says more of one.")
}

/// Writes the page of a cause.
pub(super) fn cause(cause: &Cause, style: Style, out: &mut dyn Write) -> io::Result<()> {
    let mut page = page(style, out);
    let code = page.paint(color(cause.verdict), cause.code);
    page.line(&format!("{code}  {}", cause.verdict.code()))?;
    page.paragraph("", "", &format!("{}.", capital(cause.summary)))?;
    for (title, text) in [
        ("WHAT IT IS", cause.what),
        ("HOW IT IS RECOGNISED", cause.told),
        ("WHAT TO DO", cause.todo),
    ] {
        let title = page.paint(BOLD, title);
        page.line(&format!("\n{title}"))?;
        page.paragraph("  ", "  ", text)?;
    }
    for (takes, title) in [(true, "EXAMPLES"), (false, "NOT THIS CAUSE")] {
        let title = page.paint(BOLD, title);
        page.line(&format!("\n{title}"))?;
        let mut between = false;
        for example in cause.examples.iter().filter(|e| e.takes == takes) {
            if std::mem::replace(&mut between, true) {
                page.line("")?;
            }
            for line in example.log.lines() {
                page.paragraph("  ", "    ", line)?;
            }
        }
    }
    Ok(())
}

/// Writes the page of a port: every row that says something of it.
pub(super) fn ports(rows: &[Row], style: Style, out: &mut dyn Write) -> io::Result<()> {
    let mut page = page(style, out);
    for (place, row) in rows.iter().enumerate() {
        if place > 0 {
            page.line("")?;
        }
        self::row(&mut page, row)?;
    }
    if rows.iter().all(|row| row.rules.is_empty()) {
        return Ok(());
    }
    page.line("")?;
    page.paragraph(
        "",
        "",
        "A rule has to stand before the LOG rule. On a running chain it acts at once, and is gone after a reboot. A line of the \
         CloudInit resource of the role, before its LOG line, acts from the next boot on. The documented chain is one of IPv4.",
    )
}

/// Writes how a port or a protocol that no list contains is judged.
pub(in crate::report) fn unlisted(
    list: &PortList<'_>,
    style: Style,
    out: &mut dyn Write,
) -> io::Result<()> {
    page(style, out).paragraph("", "", &unlisted_text(list))
}

/// Says how a port or a protocol that no list contains is judged.
pub(in crate::report) fn unlisted_text(list: &PortList<'_>) -> String {
    let asked = printable(list.asked);
    if let Some((role, others)) = &list.elsewhere {
        let command = printable(&quoted(list.asked));
        return format!(
            "No list mentions {asked} for a {role} node; it is listed for {}. `dropsift ports {command}` shows the rows.",
            others.join(" and ")
        );
    }
    let known = asked
        .split_once('/')
        .and_then(|(proto, port)| common_name(proto_number(proto)?, port.parse().ok()?));
    let known = known.map_or_else(String::new, |name| format!(" It is known as {name}."));
    format!(
        "No list mentions {asked}: neither the documentation nor the catalogue.{known} Requests to such a port are unlisted-port \
         where they come again from inside, single-attempt where one came, and outside-peer from outside. A protocol other than \
         TCP, UDP and ICMP is other-protocol."
    )
}

fn row(page: &mut Page<'_>, row: &Row) -> io::Result<()> {
    let port = match &row.ports {
        Some(ports) => format!("{}/{ports}", row.proto),
        None => row.proto.clone(),
    };
    let port = page.paint(BOLD, &port);
    page.line(&format!("{port}  {}", row.service))?;
    let told = match row.standing {
        "up-to-v1.8" => Some(
            "only the tables up to v1.8 have it: it identifies the sender of a reply, and opens nothing",
        ),
        "note" => Some("a range too wide to decide anything"),
        _ => None,
    };
    let opened = match &row.documented[..] {
        [] => "no role".to_owned(),
        roles => short_roles(roles),
    };
    let lines = [
        ("component", row.component),
        ("runs on", Some(short_roles(&row.roles)).as_deref()),
        ("reached by", row.reach),
        ("addon", row.addon),
        ("opened for", Some(opened.as_str())),
        ("standing", told),
        ("note", Some(row.note).filter(|note| !note.is_empty())),
        ("source", Some(row.source)),
    ]
    .map(|(name, text)| (name, text.map(str::to_owned)));
    for (name, text) in lines {
        if let Some(text) = text {
            page.paragraph(&format!("  {name:<11}"), "             ", &text)?;
        }
    }
    for rule in &row.rules {
        let roles = page.paint(DIM, &format!("documented for {}", rule.roles.join(", ")));
        page.line(&format!("  {roles}"))?;
        page.line("    on a running chain, in one shell:")?;
        for command in [&rule.place, &rule.insert] {
            for line in broken(command, page.style.width.saturating_sub(6)) {
                page.line(&format!("      {line}"))?;
            }
        }
        page.line("    in the CloudInit:")?;
        page.line(&format!("      - {}", rule.cloudinit))?;
    }
    Ok(())
}
