//! Fast path: reads the drop lines of a block ahead of the log's reader, on any thread. Its only entry is [`scan`].
//! Lines that it leaves are read by the reader; without this module the reader reads all of them, slower.
//!
//! A line passes the stages of the slow path that do not depend on neighbouring lines: parsed, classified, its packet
//! summarised. A test below checks that readers with and without it report the same events.

mod head;

use std::ops::Range;

use super::event::DropLine;
use super::format::text::{trim, uptime_of};
use super::format::{self, Prefixes, cri};
use super::framing;
use super::message::{Class, classify, unescaped};
use super::scan::{Besides, Scan};
use super::search::{Hit, HitLines, Search};
use crate::packet::{PacketSummary, Unparsed};
use crate::time::Time;

/// Finds the lines of `block`, complete lines, that have hits, and parses those that are self-contained drop lines.
pub(super) fn scan(block: &[u8], search: &Search, prefixes: &Prefixes, scan: &mut Scan) {
    let colours = scan.begin(block);
    let finder = search.of_text(colours);
    let mut lines = HitLines::new(finder, block);
    while let Some(line) = lines.next_line() {
        let may = line.first.hit == Hit::Prefix && finder.is_plain();
        if !may || read(block, &line.line, prefixes, scan).is_none() {
            let found = lines.rest(&line);
            scan.found(line.line, found);
            continue;
        }
        lines.skip(&line.line);
        // Drop lines come one after the other: the next need not be searched for.
        while let Some(line) = lines.following()
            && usual(block, &line, prefixes, scan).is_some()
        {
            lines.skip(&line);
        }
    }
}

/// Parses a self-contained drop line; `None` for any other line, or if something is unusual.
fn read(block: &[u8], line: &Range<usize>, prefixes: &Prefixes, scan: &mut Scan) -> Option<()> {
    usual(block, line, prefixes, scan).or_else(|| other(block, line, prefixes, scan))
}

/// Parses a drop line whose head is read at one look.
#[inline]
fn usual(block: &[u8], line: &Range<usize>, prefixes: &Prefixes, scan: &mut Scan) -> Option<()> {
    let text = std::str::from_utf8(block.get(line.clone())?).ok()?;
    let head = head::head(text, prefixes)?;
    let drop = DropLine {
        time: Time::UNKNOWN,
        fine: head.stamp.is_fine(),
        host: Some(head.host),
        message: head.message.as_bytes(),
        packet: packet(head.message),
        monotonic: head.uptime,
        repeats: Besides::NOTHING.repeats,
    };
    let besides = Besides {
        uptime: head.uptime,
        monotonic: head.uptime,
        ..Besides::NOTHING
    };
    scan.read(block, line.clone(), head.stamp, besides, &drop);
    Some(())
}

/// Returns the packet, or why it cannot be judged.
#[inline]
fn packet(message: &str) -> Result<PacketSummary<'_>, Unparsed> {
    PacketSummary::ordered(message).map_or_else(|| PacketSummary::read(message), Ok)
}

/// Reads a line of any form.
#[inline(never)]
fn other(block: &[u8], line: &Range<usize>, prefixes: &Prefixes, scan: &mut Scan) -> Option<()> {
    let raw = trim(block.get(line.clone())?);
    // Lines that open another framing, or may continue in the next line.
    if framing::opening(&block[line.start..]).is_some() || cri::part(raw).is_some() {
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
    let packet = packet(std::str::from_utf8(message).ok()?);
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
    scan.read(block, line.clone(), record.stamp, besides, &drop);
    Some(())
}
