//! The report for people: one headline; missing rules with the command to paste; what to review; what was right to drop;
//! false positives folded to a row for each service and node.

mod commands;
pub mod explain;
mod label;
mod live;
mod missing;
mod noise;
mod page;
pub mod pages;
mod review;
mod row;

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Write};

use anstyle::AnsiColor;

use super::{Renderer, Report, Style, table::table};
use crate::beside::{WORTH_A_THREAD, beside};
use crate::cause::Verdict;
use crate::error::{printable, printable_name};
use crate::finding::Finding;
use crate::packet::proto_name;
use crate::rule::Disposition;
use crate::time::Time;
use commands::splits;
use page::color;

pub use label::status;
pub use live::LiveText;
pub use noise::HELD;
pub(super) use page::Page;

pub(super) static TEXT: Renderer = Renderer {
    code: "text",
    title: "for people: the answer first, then why",
    render,
    events: Some(super::Events::Rows),
};

/// So many peers are shown of one finding.
const MOST_PEERS: usize = 4;
/// So many ports are shown of one scan.
const MOST_PORTS: usize = 8;

fn render(report: &Report, style: Style, out: &mut dyn Write) -> io::Result<()> {
    let one_day = report
        .span
        .is_none_or(|(first, last)| first.is_dated() && first.date() == last.date());
    let mut page = Page {
        out,
        style,
        one_day,
    };
    headline(&mut page, report)?;
    for warning in &report.warnings {
        let tag = page.paint(AnsiColor::Yellow.on_default().bold(), "WARNING");
        page.line("")?;
        let text = format!("{tag} {}.", printable(&warning.text));
        page.paragraph("", "        ", &text)?;
    }
    let parts = |write: &[Part]| -> io::Result<Vec<u8>> {
        let mut text = Vec::new();
        let out = &mut text;
        let mut page = Page {
            out,
            style,
            one_day,
        };
        write.iter().try_for_each(|part| part(&mut page, report))?;
        Ok(text)
    };
    let (one, other) = beside(
        report.findings.len() * A_FINDING >= WORTH_A_THREAD,
        || parts(&[missing::missing, review::review]),
        || parts(&[left, false_positives, splits]),
    );
    page.out.write_all(&one?)?;
    page.out.write_all(&other?)
}

/// Writes a part of the report.
type Part = fn(&mut Page<'_>, &Report) -> io::Result<()>;
/// What it costs to write of a finding, in flows to judge.
const A_FINDING: usize = 4;

fn of<'r>(report: &'r Report, verdict: Verdict) -> Vec<&'r Finding> {
    let wanted = |f: &&'r Finding| f.verdict() == verdict;
    report.findings.iter().filter(wanted).collect()
}

fn lines(findings: &[&Finding]) -> u64 {
    findings.iter().map(|f| f.logged).sum()
}

/// `1 rule`, `2 rules`.
pub(in crate::report) fn many(number: u64, one: &str) -> String {
    format!("{number} {one}{}", if number == 1 { "" } else { "s" })
}

fn headline(page: &mut Page<'_>, report: &Report) -> io::Result<()> {
    let drops = report.tally.drops;
    // A rule that several nodes lack is one rule.
    let with = |disposition| {
        let rules = report
            .rules
            .iter()
            .filter(move |r| r.disposition == disposition);
        rules
            .map(|rule| rule.append())
            .collect::<BTreeSet<_>>()
            .len() as u64
    };
    let (documented, decide) = (with(Disposition::Documented), with(Disposition::Review));
    let lacking: BTreeSet<&str> = report.rules.iter().map(|rule| rule.node.as_str()).collect();
    let on = match lacking.len() {
        0 | 1 => String::new(),
        nodes => format!(" on {nodes} nodes"),
    };
    let false_positives = lines(&of(report, Verdict::FalsePositive));
    let reviews = of(report, Verdict::Review).len() as u64;
    let mut parts = Vec::new();
    let missing = of(report, Verdict::MissingRule).len();
    let ansi = if missing > 0 {
        color(Verdict::MissingRule)
    } else if reviews > 0 {
        color(Verdict::Review)
    } else {
        color(Verdict::FalsePositive)
    };
    let has = |code: &str| report.warnings.iter().any(|w| w.code == code);
    let answer = match (drops, documented, decide) {
        (0, ..) if report.tally.unreadable > 0 => "No drop line could be read.".to_owned(),
        (0, ..) if report.unknown_inputs > 0 => "Nothing was judged.".to_owned(),
        (0, ..) => "No drop lines.".to_owned(),
        _ if report.filtered && report.findings.is_empty() => {
            "No finding passes the filters.".to_owned()
        }
        (_, 0, 0) if has("established-rule-suspect") => {
            "Answers to this cluster's own connections are dropped: the ESTABLISHED rule may be missing; see the warning.".to_owned()
        }
        (_, 0, 0) if has("documented-rule-absent") => {
            "A documented rule is absent; see the warning.".to_owned()
        }
        (_, 0, 0) if has("scan-documented") => {
            "No rule is shown to be missing, but a scan met documented ports; see the warning.".to_owned()
        }
        (_, 0, 0) if missing > 0 => {
            "What is missing is in the chain, and the packets do not reach it.".to_owned()
        }
        (_, 0, 0) if reviews > 0 => format!(
            "No rule is shown to be missing; {} to review.",
            many(reviews, "finding")
        ),
        (_, 0, 0) => "No rule is missing.".to_owned(),
        (_, 0, n) => format!(
            "{} may be missing{on}: look at {}.",
            many(n, "rule"),
            if n == 1 { "it" } else { "them" }
        ),
        (_, n, 0) => format!("{} missing{on}.", is_are(n, "documented rule")),
        (_, n, m) => format!(
            "{} missing{on}, and {} may be.",
            is_are(n, "documented rule"),
            many(m, "more rule")
        ),
    };
    if report.filtered {
        parts.push("Filters are on: only the findings that they name are shown.".to_owned());
    }
    let answer = page.paint(ansi, &answer);
    page.paragraph("", "", &answer)?;
    if drops > 0 && report.filtered {
        parts.push(format!("{} in all.", many(drops, "drop line")));
    } else if drops > 0 {
        let lines = many(drops, "drop line");
        let which = if drops == 1 { "of it" } else { "of them" };
        parts.push(match false_positives {
            0 => format!("{lines}, none {which} a false positive."),
            n if n == drops => format!("{lines}, all false positives."),
            1 => format!("{lines}, 1 {which} a false positive."),
            n => format!("{lines}, {n} {which} false positives."),
        });
    }
    if let Some((first, last)) = report.span.filter(|(first, _)| first.is_dated()) {
        let (year, month, day) = first.date();
        parts.push(if page.one_day {
            format!(
                "{year}-{month:02}-{day:02}, {} UTC.",
                page.span(first, last)
            )
        } else {
            format!("{first} to {last}.")
        });
    }
    page.paragraph("", "", &parts.join(" "))
}

fn is_are(number: u64, one: &str) -> String {
    format!(
        "{} {}",
        many(number, one),
        if number == 1 { "is" } else { "are" }
    )
}

fn nodes<'r>(findings: &[&'r Finding]) -> Vec<&'r str> {
    let mut names: Vec<&str> = findings.iter().map(|f| f.node.as_str()).collect();
    names.sort_unstable();
    names.dedup();
    names
}

/// What a finding is about: protocol and port, service and cause.
fn title(finding: &Finding) -> String {
    let service = finding
        .service
        .map_or_else(String::new, |s| format!("  {s}"));
    format!("{}{service}  [{}]", what(finding), finding.cause.code)
}

/// How much of it came, from whom and when.
fn facts(page: &Page<'_>, finding: &Finding) -> String {
    let mut facts = vec![many(finding.logged, "line")];
    if finding.attempts > 0 {
        facts.push(many(finding.attempts, "attempt"));
    }
    facts.push(format!("from {}", peers(finding)));
    facts.push(page.span(finding.first, finding.last));
    facts.push(finding.state.code().to_owned());
    facts.retain(|fact| !fact.is_empty());
    facts.join(", ")
}

/// A finding in full: what, how much, and the tests.
fn entry(page: &mut Page<'_>, finding: &Finding) -> io::Result<()> {
    let title = page.paint(color(finding.verdict()), &title(finding));
    page.line(&format!("    {title}"))?;
    let facts = facts(page, finding);
    page.paragraph("      ", "      ", &facts)?;
    for test in &finding.evidence {
        page.test(test)?;
    }
    Ok(())
}

/// Protocol and port, as `tcp/2112`.
pub(in crate::report) fn what(finding: &Finding) -> String {
    let mut text = match finding.key.proto {
        Some(number) => proto_name(number).into_owned(),
        None => "no protocol".to_owned(),
    };
    if finding.key.v6 {
        text.push_str(" (IPv6)");
    }
    match (finding.port, &finding.ports[..]) {
        (Some(port), _) if finding.key.v6 => format!("{text} port {port}"),
        (Some(port), _) => format!("{text}/{port}"),
        (None, []) => text,
        (None, ports) => {
            let mut shown: Vec<String> =
                ports.iter().take(MOST_PORTS).map(u16::to_string).collect();
            if ports.len() > MOST_PORTS {
                shown.push(format!("{} more", ports.len() - MOST_PORTS));
            }
            format!("{text} {}", shown.join(", "))
        }
    }
}

pub(in crate::report) fn peers(finding: &Finding) -> String {
    let mut shown: Vec<String> = finding
        .peers
        .iter()
        .map(ToString::to_string)
        .chain(finding.networks.iter().map(ToString::to_string))
        .take(MOST_PEERS)
        .collect();
    let all = finding.peers.len() + finding.networks.len();
    if all > MOST_PEERS {
        shown.push(format!("{} more", all - MOST_PEERS));
    }
    shown.join(", ")
}

fn left(page: &mut Page<'_>, report: &Report) -> io::Result<()> {
    let found = of(report, Verdict::LeaveDropped);
    if found.is_empty() {
        return Ok(());
    }
    page.heading(
        color(Verdict::LeaveDropped),
        "LEAVE DROPPED",
        "the firewall did its job",
    )?;
    let rows = found
        .iter()
        .map(|f| {
            let why = format!("{}: {}", f.cause.code, f.cause.summary);
            vec![
                printable_name(&f.node),
                what(f),
                f.logged.to_string(),
                peers(f),
                why,
            ]
        })
        .collect();
    let header = ["NODE", "TRAFFIC", "LINES", "FROM", "WHY"];
    let text = table(&header, rows, page.style.width, 2);
    write!(page.out, "{text}")
}

/// A node and a service: protocol, port and name.
type Row<'r> = (&'r str, Option<u8>, Option<u16>, String);

/// What false positives of one node and service add up to.
struct Folded {
    lines: u64,
    peers: Vec<std::net::IpAddr>,
    first: Time,
    last: Time,
    states: Vec<&'static str>,
}

fn false_positives(page: &mut Page<'_>, report: &Report) -> io::Result<()> {
    let found = of(report, Verdict::FalsePositive);
    if found.is_empty() {
        return Ok(());
    }
    let absent = found.iter().any(|f| f.absent_rule.is_some());
    let tail = if absent {
        "return traffic that lost its conntrack state; see the warning on an absent rule"
    } else {
        "no rule is missing: return traffic that lost its conntrack state"
    };
    page.heading(color(Verdict::FalsePositive), "FALSE POSITIVES", tail)?;
    let mut rows: BTreeMap<Row<'_>, Folded> = BTreeMap::new();
    for f in &found {
        let from = match f.service {
            Some(service) => format!("{} {service}", what(f)),
            None => what(f),
        };
        let row = rows
            .entry((&f.node, f.key.proto, f.port, from))
            .or_insert_with(|| Folded {
                lines: 0,
                peers: Vec::new(),
                first: f.first,
                last: f.last,
                states: Vec::new(),
            });
        row.lines += f.logged;
        row.peers.extend(&f.peers);
        row.first = row.first.min(f.first);
        row.last = row.last.max(f.last);
        row.states.push(f.state.code());
    }
    let rows = rows
        .into_iter()
        .map(|((node, _, _, from), mut row)| {
            row.peers.sort_unstable();
            row.peers.dedup();
            row.states.sort_unstable();
            row.states.dedup();
            vec![
                printable_name(node),
                from,
                row.lines.to_string(),
                row.peers.len().to_string(),
                page.span(row.first, row.first),
                page.span(row.last, row.last),
                row.states.join(", "),
            ]
        })
        .collect();
    let header = [
        "NODE",
        "REPLIES OF",
        "LINES",
        "PEERS",
        "FIRST",
        "LAST",
        "STATE",
    ];
    let text = table(&header, rows, page.style.width, 2);
    write!(page.out, "{text}")
}
