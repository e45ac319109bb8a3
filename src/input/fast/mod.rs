//! Fast path: reads the drop lines of a block ahead of the log's reader, on any thread. Its only entry is [`scan`].
//! Lines that it leaves are read by the reader; without this module the reader reads all of them, slower.
//!
//! A line passes the stages of the slow path that do not depend on neighbouring lines: parsed, classified, its packet
//! summarised. A test below checks that readers with and without it report the same events.

mod head;

use super::event::DropLine;
use super::format::text::{trim, uptime_of};
use super::format::{self, Prefixes, cri};
use super::framing;
use super::message::{Class, classify, unescaped};
use super::scan::{Besides, Scan};
use super::search::{Hit, HitLine, HitLines, Search};
use crate::packet::{PacketSummary, Unparsed};
use crate::time::Time;

/// Finds the lines of `block`, complete lines, that have hits, and parses those that are self-contained drop lines.
pub(super) fn scan(block: &[u8], search: &Search, prefixes: &Prefixes, scan: &mut Scan) {
    let colours = scan.begin(block);
    let finder = search.of_text(colours);
    let mut lines = HitLines::new(finder, block);
    while let Some(line) = lines.next_line() {
        let may = line.first.hit == Hit::Prefix && finder.is_plain();
        if may && read(block, &line, prefixes, scan).is_some() {
            lines.skip(&line);
        } else {
            let found = lines.rest(&line);
            scan.found(line.line, found);
        }
    }
}

/// Parses a self-contained drop line; `None` for any other line, or if something is unusual.
fn read(block: &[u8], hit: &HitLine, prefixes: &Prefixes, scan: &mut Scan) -> Option<()> {
    let raw = trim(block.get(hit.line.clone())?);
    if let Some(head) = head::head(raw, prefixes) {
        let besides = Besides {
            uptime: head.uptime,
            monotonic: head.uptime,
            ..Besides::NOTHING
        };
        let drop = DropLine {
            time: Time::UNKNOWN,
            fine: head.stamp.is_fine(),
            host: Some(head.host),
            message: head.message,
            packet: packet(head.message)?,
            monotonic: besides.monotonic,
            repeats: besides.repeats,
        };
        scan.read(block, hit.line.clone(), head.stamp, besides, &drop);
        return Some(());
    }
    other(block, raw, hit, prefixes, scan)
}

/// Returns the packet, or why it cannot be judged; `None` where the message is no text.
#[inline]
fn packet(message: &[u8]) -> Option<Result<PacketSummary<'_>, Unparsed>> {
    match PacketSummary::ordered(message) {
        Some(packet) => Some(Ok(packet)),
        None => Some(PacketSummary::read(std::str::from_utf8(message).ok()?)),
    }
}

/// Reads a line of any form.
#[inline(never)]
fn other(
    block: &[u8],
    raw: &[u8],
    hit: &HitLine,
    prefixes: &Prefixes,
    scan: &mut Scan,
) -> Option<()> {
    // Lines that open another framing, or may continue in the next line.
    if framing::opening(&block[hit.line.start..]).is_some() || cri::part(raw).is_some() {
        return None;
    }
    let record = format::read(raw, prefixes)?;
    if record.after.is_some() {
        return None;
    }
    let text = unescaped(&record.message);
    let Class::Drop { message, repeats } = classify(record.origin, &text, true, prefixes) else {
        return None;
    };
    let packet = packet(message)?;
    let uptime = record.uptime.or_else(|| uptime_of(&record.message).0);
    let besides = Besides {
        uptime,
        monotonic: record.monotonic.or(uptime),
        late: record.late,
        boot: record.boot,
        repeats,
    };
    let drop = DropLine {
        time: Time::UNKNOWN,
        fine: record.is_fine(),
        host: record.host.as_deref(),
        message,
        packet,
        monotonic: besides.monotonic,
        repeats,
    };
    scan.read(block, hit.line.clone(), record.stamp, besides, &drop);
    Some(())
}
