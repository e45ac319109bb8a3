//! Text explanation of one line: the packet, the decision test by test, and the remedy.

use std::io::{self, Write};

use super::page::{BOLD, DIM, Page, color};
use super::words::what;
use crate::cause::Step;
use crate::error::{printable, printable_name};
use crate::packet::{Packet, PktType, TcpFlags, proto_name};
use crate::report::Style;
use crate::report::explain::{ALONE, Explained};
use crate::report::json_packet;
use crate::rule::Disposition;

/// Keys of the packet that have lines of their own.
const SHOWN: &[&str] = &["in", "src", "dst", "proto", "spt", "dpt", "flags"];

/// Writes all that is known of one line.
pub(super) fn line(explained: &Explained, style: Style, out: &mut dyn Write) -> io::Result<()> {
    let mut page = Page {
        out,
        style,
        one_day: false,
    };
    let title = page.paint(BOLD, "PACKET");
    page.line(&title)?;
    for (name, value) in packet_lines(explained) {
        let first = format!("  {name:<10} ");
        page.paragraph(&first, "             ", &printable(&value))?;
    }
    let title = page.paint(BOLD, "DECISION");
    page.line(&format!("\n{title}  the first cause that matches wins"))?;
    // Causes that the same tests refused share one paragraph.
    for steps in explained.steps.chunk_by(|a, b| a.tests == b.tests) {
        self::steps(&mut page, steps)?;
    }
    verdict(&mut page, explained)
}

/// Writes why a line of a stream is not explained.
pub(super) fn refusal(why: &str, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "not explained: {}", printable(why))
}

/// Returns the rows that describe the packet, each with a name and a value.
fn packet_lines(explained: &Explained) -> Vec<(&'static str, String)> {
    let Ok(packet) = explained.packet() else {
        return Vec::new();
    };
    let finding = &explained.finding;
    let mut lines = vec![(
        "node",
        format!("{} ({})", printable_name(&finding.node), finding.role),
    )];
    if explained.line.time.is_known() {
        lines.push(("time", explained.line.time.to_string()));
    }
    let brief = packet.summary();
    let end = |address: String, port: Option<u16>| match port {
        Some(port) => format!("{address} port {port}"),
        None => address,
    };
    let zone = finding.key.zone.code();
    let from = end(brief.src.to_string(), brief.spt);
    lines.push(("from", format!("{from} ({zone})")));
    if let Some(dst) = packet.datagram.dst {
        let cast = match (brief.cast, brief.frame) {
            (PktType::Broadcast, _) => " (broadcast)",
            (PktType::Multicast, _) => " (multicast)",
            (PktType::Unicast, PktType::Broadcast) => " (in a broadcast frame)",
            (PktType::Unicast, PktType::Multicast) => " (in a multicast frame)",
            (PktType::Unicast, PktType::Unicast) => "",
        };
        let to = end(dst.to_string(), brief.dpt);
        lines.push(("to", format!("{to}{cast}")));
    }
    let interface = match packet.interface {
        "" => "none: it did not come in",
        name => name,
    };
    lines.push(("interface", interface.to_owned()));
    let name = brief.proto.map(|number| proto_name(number).into_owned());
    lines.push(("protocol", name.unwrap_or_else(|| "none".to_owned())));
    if let Some(flags) = brief.flags {
        lines.push(("flags", flags_in_words(flags)));
    }
    lines.push(("fields", rest(&packet)));
    lines
}

fn rest(packet: &Packet<'_>) -> String {
    json_packet::packet(packet).words(SHOWN)
}

fn flags_in_words(flags: TcpFlags) -> String {
    let names = match flags.to_string() {
        none if none.is_empty() => "none".to_owned(),
        names => names,
    };
    let meaning = if !flags.valid() {
        "no stack sends them together"
    } else if flags.is_syn() {
        "opens a connection"
    } else if flags.is_syn_ack() {
        "answers a SYN"
    } else {
        "belongs to a connection that is open, or closes it"
    };
    format!("{names}: {meaning}")
}

/// Causes that were tried with the same tests, one in most cases.
fn steps(page: &mut Page<'_>, steps: &[Step]) -> io::Result<()> {
    const REST: &str = "                       ";
    let line = |code: &str, mark: &str| format!("  {code:<18} {mark} ");
    let codes: Vec<&str> = steps.iter().map(|step| step.cause.code).collect();
    let tests = steps.first().map_or(&[][..], |step| &step.tests);
    let mut code = codes.join(", ");
    if codes.len() > 1 {
        page.paragraph("  ", "  ", &code)?;
        code.clear();
    }
    if tests.is_empty() {
        page.paragraph(&line(&code, page.mark(false)), REST, "it does not apply")?;
    }
    for test in tests {
        let mark = page.mark(test.met);
        page.paragraph(&line(&code, mark), REST, &printable(&test.text))?;
        code.clear();
    }
    Ok(())
}

fn verdict(page: &mut Page<'_>, explained: &Explained) -> io::Result<()> {
    let finding = &explained.finding;
    let cause = finding.cause;
    let title = page.paint(BOLD, "VERDICT");
    let code = page.paint(color(cause.verdict), cause.verdict.code());
    page.line(&format!(
        "\n{title}  {code}: {} [{}]",
        what(finding),
        cause.code
    ))?;
    page.paragraph("  ", "  ", &format!("{}.", capital(cause.summary)))?;
    page.paragraph("  ", "  ", cause.what)?;
    let title = page.paint(BOLD, "WHAT TO DO");
    page.line(&format!("\n{title}"))?;
    page.paragraph("  ", "  ", cause.todo)?;
    if !explained.rules.is_empty() {
        page.line("")?;
    }
    for rule in &explained.rules {
        let (place, now, later) = (rule.place_command(), rule.insert(), rule.append());
        let decide = match rule.disposition {
            Disposition::Documented => "",
            Disposition::Review => ", if you decide so",
        };
        page.line(&format!(
            "  On the node, before the LOG rule{decide}:\n    {place}\n    {now}"
        ))?;
        let role = rule.role;
        page.line(&format!(
            "  In the CloudInit resource of {role} nodes, before its LOG line:\n    - {later}"
        ))?;
    }
    page.line("")?;
    let note = page.paint(DIM, ALONE);
    page.paragraph("", "", &note)
}

/// `text` with a capital at its start.
pub(in crate::report) fn capital(text: &str) -> String {
    let mut rest = text.chars();
    let first = rest.next().map(|c| c.to_uppercase().to_string());
    format!("{}{}", first.unwrap_or_default(), rest.as_str())
}
