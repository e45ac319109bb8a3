//! What a look at whole lines finds without knowing what stood before them: so it can be taken on any thread, and
//! [`super::scan::Scanner`] takes the surveys of a log in its order.
//!
//! A usual drop line is read to its end here; whatever needs the state of a log stays a [`Spot`].

use std::ops::Range;

use memchr::{memchr, memrchr};

use super::heads::Heads;
use super::json_shape::Shapes;
use super::lines::trim;
use super::message::{Anchored, anchor, unescaped, uptime_of};
use super::nominate::{Hit, Nominator, Spot};
use super::words::{Word, Words};
use super::{Entry, Layer, Prefixes, cri, framing, json, read, short};
use crate::packet::{Brief, Usual};
use crate::time::{Stamp, Time};

/// Takes surveys.
#[derive(Debug, Clone)]
pub(super) struct Surveyor {
    pub(super) nominator: Nominator,
    prefixes: Prefixes,
}

/// What was found in a text.
#[derive(Debug, Default)]
pub(super) struct Survey {
    /// How many line ends it has.
    pub(super) lines: u64,
    pub(super) found: Vec<Found>,
    /// What some lines tell besides.
    asides: Vec<Aside>,
    words: Words,
    shapes: Shapes,
    /// What the lines before, of whatever text, began with, and held.
    heads: Heads,
    packets: Usual,
}

/// One place.
#[derive(Debug)]
pub(super) enum Found {
    Spot(Spot),
    Drop(Ready),
}

impl Found {
    pub(super) const fn start(&self) -> usize {
        match self {
            Self::Spot(spot) => spot.start,
            Self::Drop(ready) => ready.start as usize,
        }
    }

    /// Whether it is a drop line whose packet was read.
    pub(super) const fn is_read(&self) -> bool {
        matches!(self, Self::Drop(ready) if ready.packet.is_some())
    }
}

/// A drop line that was read; texts are places in the text.
#[derive(Debug)]
pub(super) struct Ready {
    /// Where its prefix was found.
    start: u32,
    /// Where its line ends.
    pub(super) end: u32,
    pub(super) stamp: Stamp,
    /// Whether the stamp resolves fractions of a second.
    pub(super) fine: bool,
    /// Unknown until somebody who knows the log dates it.
    pub(super) time: Time,
    host: Option<Word>,
    message: Range<u32>,
    interface: Word,
    /// The packet without the name of its interface.
    pub(super) packet: Option<Brief<'static>>,
    /// The place behind its own in [`Survey::asides`], 0 where it has none.
    aside: u32,
}

/// What few forms tell of a drop line besides.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Aside {
    pub(super) uptime: Option<i64>,
    pub(super) monotonic: Option<i64>,
    pub(super) late: i64,
    pub(super) boot: Option<u64>,
    pub(super) repeats: u32,
}

impl Aside {
    const NOTHING: Self = Self {
        uptime: None,
        monotonic: None,
        late: 0,
        boot: None,
        repeats: 1,
    };
}

impl Survey {
    /// What `ready`, which it found, tells besides; most lines tell nothing.
    #[inline]
    pub(super) fn aside(&self, ready: &Ready) -> Option<&Aside> {
        let at = (ready.aside as usize).checked_sub(1)?;
        self.asides.get(at)
    }

    #[inline]
    pub(super) fn host(&self, ready: &Ready) -> Option<&str> {
        ready.host.map(|host| self.words.get(host))
    }

    /// The entry of `ready`, which it found in `text`.
    #[inline(always)]
    pub(super) fn entry<'a>(&'a self, text: &'a [u8], ready: &'a Ready) -> Entry<'a> {
        Entry {
            time: ready.time,
            fine: ready.fine,
            host: self.host(ready),
            message: text.get(span(ready.message.clone())).unwrap_or_default(),
            packet: ready.packet.as_ref(),
            interface: match &ready.packet {
                Some(_) => self.words.get(ready.interface),
                None => "",
            },
            repeats: self.aside(ready).map_or(1, |aside| aside.repeats),
            monotonic: self.aside(ready).and_then(|aside| aside.monotonic),
        }
    }
}

const fn span(at: Range<u32>) -> Range<usize> {
    at.start as usize..at.end as usize
}

/// Where `part` lies in `text`, if it is a part of it.
fn place(text: &[u8], part: &[u8]) -> Option<Range<u32>> {
    let start = part.as_ptr().addr().checked_sub(text.as_ptr().addr())?;
    let end = start + part.len();
    (end <= text.len()).then_some(start as u32..end as u32)
}

/// How many line ends a text has, and whether a terminal's colours may be in it.
fn look(text: &[u8]) -> (u64, bool) {
    /// The second look finds so many bytes in a processor's first cache.
    const PART: usize = 16 << 10;
    let ends = |part| bytecount::count(part, b'\n') as u64;
    let has_escape = |part| memchr(0x1b, part).is_some();
    let looks = text.chunks(PART).map(|part| (ends(part), has_escape(part)));
    looks.fold((0, false), |(ends, escape), (more, here)| {
        (ends + more, escape || here)
    })
}

impl Surveyor {
    pub(super) fn new(prefixes: Prefixes) -> Self {
        Self {
            nominator: Nominator::new(&prefixes),
            prefixes,
        }
    }

    /// Surveys `text`, whole lines, into `survey`.
    pub(super) fn survey(&self, text: &[u8], survey: &mut Survey) {
        let Survey {
            found,
            asides,
            words,
            shapes,
            heads,
            packets,
            ..
        } = survey;
        found.clear();
        asides.clear();
        let mut memory = Memory {
            words,
            shapes,
            heads,
            packets,
        };
        // Where drop lines follow each other, no search is needed. None of them has colours.
        let mut from = follow(text, 0, found, &mut memory).unwrap_or(0);
        let rest = &text[from..];
        if !found.is_empty() && rest.len() <= 1 {
            survey.lines = (found.len() - 1 + rest.len()) as u64;
            return;
        }
        let (ends, colours) = look(rest);
        survey.lines = found.len().saturating_sub(1) as u64 + ends;
        let search = self.nominator.for_block(colours);
        // Up to where lines were tried: one that is not usual at one of its hits is at none.
        let mut tried = 0;
        // Where the line behind the last drop line begins.
        let mut next = None;
        while from <= text.len()
            && let Some(spot) = search.find_at(text, from)
        {
            if spot.hit == Hit::Prefix && search.is_plain() && tried <= spot.start {
                let begin = memrchr(b'\n', &text[..spot.start]).map_or(0, |at| at + 1);
                let mut read = like_those_before(text, begin, found, &mut memory);
                if read.is_some() && found.last().map(Found::start) != Some(spot.start) {
                    read = None;
                    found.pop();
                }
                if read.is_none() {
                    let end = memchr(b'\n', &text[spot.start..]);
                    tried = end.map_or(text.len(), |at| spot.start + at);
                    let line = begin..tried;
                    let ready = self.ready(text, from, line, spot.start, asides, &mut memory);
                    read = ready.map(|ready| {
                        let end = ready.end as usize;
                        found.push(Found::Drop(ready));
                        end
                    });
                }
                if let Some(mut end) = read {
                    // Where two follow each other, more may; elsewhere a look would be in vain.
                    if next == Some(begin) {
                        end = follow(text, end + 1, found, &mut memory).unwrap_or(end);
                    }
                    next = Some(end + 1);
                    from = end.max(spot.start + 1);
                    continue;
                }
            }
            // Bytes of a value over several lines, which are no line's.
            if spot.hit == Hit::Prefix && memchr(b'\n', &text[spot.start..spot.end]).is_some() {
                from = spot.start + 1;
                continue;
            }
            // What opens another framing may overlap what closes the line before.
            let behind = spot.end - usize::from(spot.hit == Hit::Opening && spot.end > 0);
            // An empty prefix is found anywhere.
            from = behind.max(spot.start + 1);
            found.push(Found::Spot(spot));
        }
    }

    /// The drop line around a hit `at` a place, which is the first one found behind `from`, where it is a usual one: on a line
    /// of its own, with nothing in it that would have to be written anew.
    fn ready(
        &self,
        text: &[u8],
        from: usize,
        Range { start: begin, end }: Range<usize>,
        at: usize,
        asides: &mut Vec<Aside>,
        memory: &mut Memory<'_>,
    ) -> Option<Ready> {
        let raw = trim(&text[begin..end]);
        if framing::opening(&text[begin..]).is_some() || cri::part(raw).is_some() {
            return None;
        }
        let layer = Layer::outermost(&self.prefixes);
        let (format, record) = match json::like_those_before(raw, memory.shapes, layer) {
            Some(record) => (&json::JSON, record),
            None => read(raw, layer)?,
        };
        if record.after.is_some() {
            return None;
        }
        let text_of = unescaped(&record.message);
        let Anchored::Drop { message, repeats } = anchor(record.origin, &text_of, &self.prefixes)
        else {
            return None;
        };
        let found = memory.packets.read(message);
        let message = place(text, message)?;
        let host = match &record.host {
            Some(host) => Some(memory.words.number(host.as_bytes())?),
            None => None,
        };
        let (interface, packet) = match found {
            Some((interface, brief)) => (memory.words.number(interface)?, Some(brief)),
            // Whoever reads it otherwise takes text.
            None => {
                std::str::from_utf8(&text[span(message.clone())]).ok()?;
                (Word::default(), None)
            }
        };
        let uptime = record.uptime.or_else(|| uptime_of(&record.message).0);
        let aside = Aside {
            uptime,
            monotonic: record.monotonic.or(uptime),
            late: record.late,
            boot: record.boot,
            repeats,
        };
        if aside != Aside::NOTHING {
            asides.push(aside);
        }
        let ready = Ready {
            start: at as u32,
            end: end as u32,
            stamp: record.stamp,
            fine: record.stamp.is_fine(),
            time: Time::UNKNOWN,
            host,
            message,
            interface,
            packet,
            aside: if aside == Aside::NOTHING {
                0
            } else {
                asides.len() as u32
            },
        };
        let alone = from <= begin && at == ready.message.start as usize && raw.len() == end - begin;
        if alone
            && ready.aside == 0
            && std::ptr::eq(format, &raw const short::SHORT)
            && let Some((interface, _)) = found
            && let Some(interface) = place(text, interface)
        {
            let length = interface.start as usize - begin;
            memory
                .heads
                .learn(&text[begin..], length, at - begin, host, ready.stamp);
        }
        Some(ready)
    }
}

/// What of the lines before may come again.
struct Memory<'m> {
    words: &'m mut Words,
    shapes: &'m mut Shapes,
    heads: &'m mut Heads,
    packets: &'m mut Usual,
}

/// Finds the drop lines that follow each other from `begin` on and are like those before: where the last of them ends, if
/// there is one.
#[inline]
fn follow(
    text: &[u8],
    mut begin: usize,
    found: &mut Vec<Found>,
    memory: &mut Memory<'_>,
) -> Option<usize> {
    let mut last = None;
    while let Some(end) = like_those_before(text, begin, found, memory) {
        last = Some(end);
        begin = end + 1;
    }
    last
}

/// Finds the drop line that begins at `begin`, where it does as those before did, and all of it is usual: where it ends.
#[inline(always)]
fn like_those_before(
    text: &[u8],
    begin: usize,
    found: &mut Vec<Found>,
    memory: &mut Memory<'_>,
) -> Option<usize> {
    let line = text.get(begin..)?;
    let head = memory.heads.read(line, memory.packets, memory.words)?;
    let body = begin + head.length;
    let start = (begin + head.message) as u32;
    let rest = text.get(body..)?;
    memory
        .packets
        .read_from_source(rest, head.frame, |brief, end| {
            let end = body + end;
            found.push(Found::Drop(Ready {
                start,
                end: end as u32,
                stamp: head.stamp,
                fine: head.stamp.is_fine(),
                time: Time::UNKNOWN,
                host: head.host,
                message: start..end as u32,
                interface: head.interface,
                packet: Some(brief),
                aside: 0,
            }));
            end
        })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{Just, Strategy, any, prop_assert_eq, prop_oneof, proptest};

    use super::*;

    const PACKET: &str = "OUT= MAC=52:54:00:ab:cd:ef:52:54:00:ab:cd:ea:08:00 SRC=192.168.122.62 DST=192.168.122.61 LEN=60 \
                          TOS=0x00 PREC=0x00 TTL=64 ID=1 DF PROTO=TCP SPT=40000 DPT=2112 WINDOW=64240 RES=0x00 SYN URGP=0 ";

    /// Lines that begin like one another, with a part written over.
    fn line() -> impl Strategy<Value = String> {
        let begin = prop_oneof![
            Just("Apr 22 10:00:01.123456 harvester1 kernel: HARVESTER_DROP_IN=mgmt-br "),
            Just("Apr 22 10:00:01 harvester1 kernel: HARVESTER_DROP_IN=mgmt-br "),
            Just("Apr 22 23:59:60.5 harvester2 kernel: HARVESTER_DROP_IN=mgmt-br "),
            Just("Apr  3 10:00:01 harvester1 kernel: HARVESTER_DROP: IN=eth0 "),
            Just("Apr 23 10:00:02 harvester1 kernel: [ 12.345678] HARVESTER_DROP_IN=mgmt-br "),
            Just("2026-04-22T10:00:01.123456+00:00 harvester1 kernel: HARVESTER_DROP_IN=mgmt-br "),
            Just("Apr 22 10:00:03 harvester1 kernel[7]: HARVESTER_DROP_IN=mgmt-br "),
            Just("[   12.345678] HARVESTER_DROP_IN=mgmt-br "),
            Just(
                r#"{"__REALTIME_TIMESTAMP":"1776852001123456","_TRANSPORT":"kernel","_HOSTNAME":"harvester1","MESSAGE":"HARVESTER_DROP_IN=mgmt-br "#
            ),
            Just(
                r#"{"_BOOT_ID":"1","__REALTIME_TIMESTAMP":"1776852001123456","_TRANSPORT":"syslog","MESSAGE":"HARVESTER_DROP_IN=mgmt-br "#
            ),
        ];
        let over = prop_oneof![
            Just(""),
            Just("\r"),
            Just("\0"),
            Just("\n"),
            Just("{\n"),
            Just(" [s="),
            Just("#012"),
            Just("HARVESTER_DROP_IN="),
            Just("kernel messages"),
            Just("\u{fc}"),
        ];
        (
            begin,
            over,
            any::<proptest::sample::Index>(),
            0..3usize,
            0..4u8,
        )
            .prop_map(|(begin, over, at, cut, spoil)| {
                let end = if begin.starts_with('{') { "\"}" } else { "" };
                let line = format!("{begin}{PACKET}{end}");
                if spoil > 0 {
                    return line;
                }
                let at = at.index(line.len());
                let end = (at + cut).min(line.len());
                format!("{}{over}{}", &line[..at], &line[end..])
            })
    }

    proptest! {
        #[test]
        fn one_look_counts_all(text in proptest::collection::vec(prop_oneof![Just(b'\n'), Just(b'a'), Just(0x1b)], 0..100), times in 0..400_usize) {
            let mut text = text.repeat(times);
            if times % 2 == 0 {
                text.retain(|byte| *byte != 0x1b);
            }
            let ends = text.iter().filter(|byte| **byte == b'\n').count() as u64;
            prop_assert_eq!(look(&text), (ends, text.contains(&0x1b)));
        }

        #[test]
        fn what_lines_before_began_with_changes_nothing(
            before in proptest::collection::vec(line(), 0..6),
            lines in proptest::collection::vec(line(), 0..6),
        ) {
            let surveyor = Surveyor::new(Prefixes::documented());
            let mut used = Survey::default();
            surveyor.survey(before.join("\n").as_bytes(), &mut used);
            let text = lines.join("\n");
            surveyor.survey(text.as_bytes(), &mut used);
            // Line by line, with no memory.
            let (mut ends, mut found) = (0, Vec::new());
            let mut begin = 0;
            for line in text.split_inclusive('\n') {
                let mut fresh = Survey::default();
                surveyor.survey(line.as_bytes(), &mut fresh);
                ends += fresh.lines;
                found.extend(fresh.found.iter().filter_map(|found| told(&fresh, found, line.as_bytes(), begin)));
                begin += line.len();
            }
            let all: Vec<_> = used.found.iter().filter_map(|found| told(&used, found, text.as_bytes(), 0)).collect();
            prop_assert_eq!(used.lines, ends);
            prop_assert_eq!(all, found, "{:?}", text);
        }
    }

    /// A drop line in words, its places counted from `begin`.
    fn told(survey: &Survey, found: &Found, text: &[u8], begin: usize) -> Option<String> {
        let Found::Drop(ready) = found else {
            return None;
        };
        Some(format!(
            "{} {} {:?} {:?} {:?}",
            begin + ready.start as usize,
            begin + ready.end as usize,
            ready.stamp,
            survey.aside(ready),
            survey.entry(text, ready),
        ))
    }
}
