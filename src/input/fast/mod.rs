//! Fast path: reads the drop lines of a block ahead of the log's reader, on any thread. Its only entry is [`scan`].
//! Lines that it leaves are read by the reader; without this module the reader reads all of them, slower.
//!
//! A line passes the stages of the slow path that do not depend on neighbouring lines: parsed, classified, its packet
//! summarised. A test below checks that readers with and without it report the same events.

mod head;

use std::ops::Range;

use super::format::text::{bare, trim, uptime_of};
use super::format::{self, Origin, Prefixes};
use super::framing;
use super::message::{Class, classify, further_lines, unescaped};
use super::scan::{Besides, Parsed, Scan};
use super::search::{Hit, HitLines, Search};
use crate::packet::{PacketSummary, Unparsed};

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
        lines.skip(line.line.end);
        // Drop lines come one after the other: the next need not be searched for.
        while let Some(begin) = lines.following()
            && let Some(end) = usual(block, begin, prefixes, scan)
        {
            lines.skip(end);
        }
    }
}

/// Parses a self-contained drop line; `None` for any other line, or if something is unusual.
fn read(block: &[u8], line: &Range<usize>, prefixes: &Prefixes, scan: &mut Scan) -> Option<()> {
    match usual(block, line.start, prefixes, scan) {
        Some(_) => Some(()),
        None => other(block, line, prefixes, scan),
    }
}

/// Parses a drop line that the kernel printed whole, and whose head is read at one look. Returns its end: where it ends is
/// known when it is read, and no byte that ends a line is in it.
#[inline]
fn usual(block: &[u8], begin: usize, prefixes: &Prefixes, scan: &mut Scan) -> Option<usize> {
    let head = head::head(block.get(begin..)?, prefixes)?;
    let (rest, (interface, packet)) = PacketSummary::leading(head.packet)?;
    let behind = match rest {
        [] | [b'\n', ..] => rest,
        [b'\r'] | [b'\r', b'\n', ..] => &rest[1..],
        _ => return None,
    };
    let end = block.len() - behind.len();
    let parsed = Parsed {
        line: begin..end,
        stamp: head.stamp,
        host: Some(head.host),
        message: &head.message[..head.message.len() - rest.len()],
        packet: Ok(packet),
        interface,
        besides: Besides {
            uptime: head.uptime,
            monotonic: head.uptime,
            ..Besides::NOTHING
        },
    };
    scan.read(block, &parsed)?;
    Some(end)
}

/// Reads a line of any form.
#[inline(never)]
fn other(block: &[u8], line: &Range<usize>, prefixes: &Prefixes, scan: &mut Scan) -> Option<()> {
    let raw = trim(block.get(line.clone())?);
    // Lines that open another framing, or may continue in the next line.
    if framing::opening(&block[line.start..]).is_some() || framing::may_be_part(block, line.clone())
    {
        return None;
    }
    let record = format::read(raw, prefixes)?;
    if record.after.is_some() {
        return None;
    }
    let text = unescaped(&record.message);
    let Dropped {
        message,
        repeats,
        interface,
        packet,
    } = whole(record.origin, &text, prefixes)
        .or_else(|| classified(record.origin, &text, prefixes))?;
    let uptime = record.uptime.or_else(|| uptime_of(&record.message).0);
    let parsed = Parsed {
        line: line.clone(),
        stamp: record.stamp,
        host: record.host.as_deref().map(str::as_bytes),
        message,
        packet,
        interface,
        besides: Besides {
            uptime,
            monotonic: record.monotonic.or(uptime),
            late: record.late,
            boot: record.boot,
            repeats,
            zone_name: record.zone_name,
        },
    };
    scan.read(block, &parsed)
}

/// A drop line's message.
struct Dropped<'m> {
    message: &'m [u8],
    repeats: u32,
    interface: &'m [u8],
    /// Packet without the name of its interface, or why it cannot be judged.
    packet: Result<PacketSummary<'static>, Unparsed>,
}

/// Reads a message that the kernel printed whole: what is read to its end has neither further lines nor other drop lines
/// in it.
fn whole<'m>(origin: Origin, text: &'m [u8], prefixes: &Prefixes) -> Option<Dropped<'m>> {
    if origin != Origin::Kernel || !prefixes.are_documented() {
        return None;
    }
    let message = bare(text);
    let behind = &message[prefixes.at_begin_of(message)?.len()..];
    let ([], (interface, packet)) = PacketSummary::leading(behind.strip_prefix(b"IN=")?)? else {
        return None;
    };
    Some(Dropped {
        message,
        repeats: 1,
        interface,
        packet: Ok(packet),
    })
}

/// Reads any other message of one line.
fn classified<'m>(origin: Origin, text: &'m [u8], prefixes: &Prefixes) -> Option<Dropped<'m>> {
    if !further_lines(text).is_empty() {
        return None;
    }
    let Class::Drop { message, repeats } = classify(origin, text, true, prefixes) else {
        return None;
    };
    let packet = PacketSummary::read(simdutf8::basic::from_utf8(message).ok()?);
    let interface = packet.map_or("", |packet| packet.interface);
    Some(Dropped {
        message,
        repeats,
        interface: interface.as_bytes(),
        packet: packet.map(PacketSummary::without_interface),
    })
}
