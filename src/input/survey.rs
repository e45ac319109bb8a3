//! What a look at whole lines finds without knowing what stood before them: so it can be taken on any thread, and
//! [`super::scan::Scanner`] takes the surveys of a log in its order.
//!
//! A usual drop line is read to its end here; whatever needs the state of a log stays a [`Spot`].

use std::ops::Range;

use memchr::{memchr, memchr_iter, memrchr};

use super::lines::trim;
use super::message::{Anchored, anchor, unescaped, uptime_of};
use super::nominate::{Hit, Nominator, Spot};
use super::{Layer, Origin, Prefixes, Record, cri, framing, read};
use crate::packet::Brief;
use crate::time::Stamp;

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
            Self::Drop(ready) => ready.start,
        }
    }
}

/// A drop line that was read; texts are places in the text.
#[derive(Debug)]
pub(super) struct Ready {
    /// Where its prefix was found.
    start: usize,
    pub(super) line: Range<u32>,
    stamp: Stamp,
    pub(super) uptime: Option<i64>,
    late: i64,
    boot: Option<u64>,
    host: Option<Range<u32>>,
    message: Range<u32>,
    pub(super) repeats: u32,
    interface: Range<u32>,
    brief: Option<Brief<'static>>,
}

impl Ready {
    /// The record around the message.
    pub(super) fn record<'t>(&self, text: &'t [u8]) -> Record<'t> {
        let host = self.host.clone().map(|host| str_at(text, host).into());
        Record {
            late: self.late,
            boot: self.boot,
            ..Record::new(self.stamp, host, Origin::Kernel, (&[][..]).into())
        }
    }

    pub(super) fn message<'t>(&self, text: &'t [u8]) -> &'t str {
        str_at(text, self.message.clone())
    }

    pub(super) fn brief<'t>(&self, text: &'t [u8]) -> Option<Brief<'t>> {
        Some(Brief {
            interface: str_at(text, self.interface.clone()),
            ..self.brief?
        })
    }
}

fn str_at(text: &[u8], at: Range<u32>) -> &str {
    std::str::from_utf8(&text[at.start as usize..at.end as usize]).unwrap_or_default()
}

/// Where `part` lies in `text`, if it is a part of it.
fn place(text: &[u8], part: &[u8]) -> Option<Range<u32>> {
    let start = part.as_ptr().addr().checked_sub(text.as_ptr().addr())?;
    let end = start + part.len();
    (end <= text.len()).then_some(start as u32..end as u32)
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
        survey.found.clear();
        survey.lines = memchr_iter(b'\n', text).count() as u64;
        let search = self.nominator.for_block(text);
        let mut from = 0;
        while from <= text.len()
            && let Some(spot) = search.find_at(text, from)
        {
            if spot.hit == Hit::Prefix
                && search.is_plain()
                && let Some(ready) = self.ready(text, spot.start)
            {
                from = (ready.line.end as usize).max(spot.start + 1);
                survey.found.push(Found::Drop(ready));
                continue;
            }
            // What opens another framing may overlap what closes the line before.
            let behind = spot.end - usize::from(spot.hit == Hit::Opening && spot.end > 0);
            // An empty prefix is found anywhere.
            from = behind.max(spot.start + 1);
            survey.found.push(Found::Spot(spot));
        }
    }

    /// The drop line around `at`, where it is a usual one: on a line of its own, with nothing in it that would have to be
    /// written anew.
    fn ready(&self, text: &[u8], at: usize) -> Option<Ready> {
        let begin = memrchr(b'\n', &text[..at]).map_or(0, |at| at + 1);
        let end = memchr(b'\n', &text[at..]).map_or(text.len(), |end| at + end);
        let raw = trim(&text[begin..end]);
        if framing::opening(&text[begin..]).is_some() || cri::part(raw).is_some() {
            return None;
        }
        let (_, record) = read(raw, Layer::outermost(&self.prefixes))?;
        if record.after.is_some() {
            return None;
        }
        let text_of = unescaped(&record.message);
        let Anchored::Drop { message, repeats } = anchor(record.origin, &text_of, &self.prefixes)
        else {
            return None;
        };
        let message = place(text, message)?;
        let host = match &record.host {
            Some(host) => Some(place(text, host.as_bytes())?),
            None => None,
        };
        let words =
            std::str::from_utf8(&text[message.start as usize..message.end as usize]).ok()?;
        let brief = Brief::usual(words);
        Some(Ready {
            start: at,
            line: begin as u32..end as u32,
            stamp: record.stamp,
            uptime: record.uptime.or_else(|| uptime_of(&record.message).0),
            late: record.late,
            boot: record.boot,
            host,
            message,
            repeats,
            interface: brief
                .and_then(|brief| place(text, brief.interface.as_bytes()))
                .unwrap_or_default(),
            brief: brief.map(|brief| Brief {
                interface: "",
                ..brief
            }),
        })
    }
}
