//! A nominated record in, items out: reads it, dates it, and decides what it is.

use super::clock::Clock;
use super::document::{Document, Event};
use super::header::digits;
use super::hosts::{Hosts, News, Told};
use super::message::{Anchored, anchor, bare, plain, unescaped, uptime_of};
use super::nominate::{Nominator, REPEAT};
use super::notice::{self, NoticeKind, Row};
use super::scan::{Item, Sink};
use super::survey::{Aside, Ready, Survey};
use super::{Layer, Origin, Prefixes, Record, read};
use crate::hints::Lately;
use crate::packet::Usual;
use crate::time::{Reading, Stamp, Time};

/// The judge of one log.
#[derive(Debug)]
pub(super) struct Judge {
    prefixes: Prefixes,
    pub(super) clock: Clock,
    pub(super) known: bool,
    hosts: Hosts,
    packets: Usual,
}

impl Judge {
    pub(super) fn new(prefixes: Prefixes, reading: Reading) -> Self {
        Self {
            prefixes,
            clock: Clock::new(reading),
            known: false,
            hosts: Hosts::default(),
            packets: Usual::default(),
        }
    }

    /// The record in `raw`.
    pub(super) fn read<'a>(&self, raw: &'a [u8]) -> Option<Record<'a>> {
        read(raw, Layer::outermost(&self.prefixes)).map(|(_, record)| record)
    }

    /// The time of `raw`, where it tells one.
    pub(super) fn time(&mut self, raw: &[u8]) -> Option<Time> {
        self.time_if(raw, |_| true)
    }

    /// The same where it does not count from the record before, so that it may be looked at again.
    pub(super) fn own_time(&mut self, raw: &[u8]) -> Option<Time> {
        self.time_if(raw, |record| record.after.is_none())
    }

    fn time_if(&mut self, raw: &[u8], takes: impl Fn(&Record<'_>) -> bool) -> Option<Time> {
        let plain = plain(raw);
        let record = self.read(&plain).filter(takes)?;
        Some(self.clock.resolve(&record)).filter(|time| time.is_known())
    }

    /// Judges a record that holds a LOG prefix; `false` if it is no record, but a document that holds some.
    pub(super) fn prefixed(&mut self, raw: &[u8], sink: &mut Sink<'_>) -> bool {
        // Colours are taken off for reading only: a binary value's length counts them.
        let plain = match raw.first() {
            Some(b'_') => raw.into(),
            _ => plain(raw),
        };
        if let Some(record) = self.read(&plain) {
            self.known = true;
            self.judge(&record, raw, sink);
        } else if raw.first().is_some_and(u8::is_ascii_whitespace) {
            sink(Item::Untrusted {
                record: raw,
                why: "stands in a continuation line, which the kernel does not write",
            });
        } else if holds_records(&plain) {
            return false;
        } else if !self.prefixes.is_in_longer(&plain) {
            sink(Item::Unreadable {
                record: raw,
                why: "what stands before the kernel's message is of no known form",
            });
        }
        true
    }

    fn judge(&mut self, record: &Record<'_>, raw: &[u8], sink: &mut Sink<'_>) {
        let text = unescaped(&record.message);
        match anchor(record.origin, &text, &self.prefixes) {
            Anchored::Drop { message, repeats } => {
                let uptime = record.uptime.or_else(|| uptime_of(&record.message).0);
                let received = self.clock.resolve_at(record.stamp, record.after, uptime);
                let told = Told::of(record, received);
                self.drop_line(&told, message, repeats, sink);
            }
            Anchored::Other => _ = self.clock.resolve(record),
            Anchored::Untrusted(why) => {
                self.clock.resolve(record);
                sink(Item::Untrusted { record: raw, why });
            }
        }
    }

    /// Dates a drop line that `survey` read already: what it tells of its host besides. `hosts` knows those of the lines before
    /// in `survey`.
    #[inline]
    pub(super) fn ready<'a>(
        &mut self,
        survey: &'a Survey,
        ready: &mut Ready,
        hosts: &mut Lately<'a>,
    ) -> News {
        self.known = true;
        if let Some(aside) = survey.aside(ready) {
            return self.ready_aside(survey, ready, aside);
        }
        ready.time = self.clock.resolve_at(ready.stamp, None, None);
        let place = match survey.host(ready) {
            Some(host) => hosts.number(host, |host| self.hosts.place(Some(host))),
            None => self.hosts.place(None),
        };
        if self.hosts.goes_on(place, ready.time) {
            return News::NONE;
        }
        let told = Told {
            received: ready.time,
            host: survey.host(ready),
            boot: None,
            late: 0,
            fine: ready.fine,
        };
        self.hosts.follow(&told, place).1
    }

    /// The same of a line that tells something besides.
    #[inline(never)]
    fn ready_aside(&mut self, survey: &Survey, ready: &mut Ready, aside: &Aside) -> News {
        let told = Told {
            received: self.clock.resolve_at(ready.stamp, None, aside.uptime),
            host: survey.host(ready),
            boot: aside.boot,
            late: aside.late,
            fine: ready.fine,
        };
        let place = self.hosts.place(told.host);
        let (time, news) = self.hosts.follow(&told, place);
        ready.time = time;
        news
    }

    fn drop_line(&mut self, told: &Told<'_>, message: &[u8], repeats: u32, sink: &mut Sink<'_>) {
        let text = String::from_utf8_lossy(message);
        let packet = self.packets.brief(text.trim_end_matches(['\r', '\n']));
        self.hosts
            .drop_line(told, text.as_bytes(), packet, repeats, sink);
    }

    /// Judges a record that holds the words of a notice; whether it is one.
    pub(super) fn notice(&mut self, row: &Row, raw: &[u8], sink: &mut Sink<'_>) -> bool {
        let plain = plain(raw);
        let Some(record) = self.read(&plain).or_else(|| unheaded(&plain)) else {
            return false;
        };
        let Some(mut count) = notice::count(row, &record, bare(&record.message), &plain) else {
            return false;
        };
        if row.kind == NoticeKind::Boot {
            self.clock.begin_boot();
            if std::mem::replace(&mut self.hosts.booted, true) {
                // The journal's own mark told it already; the kernel's first line tells host and time.
                count = 0;
            }
        }
        let time = self.clock.resolve(&record);
        sink(Item::Notice {
            kind: row.kind,
            time,
            host: record.host.as_deref(),
            count,
        });
        true
    }

    /// Judges a record of a binary journal, which has no text around its message.
    pub(super) fn journal_record(
        &mut self,
        record: &Record<'_>,
        identifier: &str,
        sink: &mut Sink<'_>,
    ) {
        if self.prefixes.at_begin_of(&record.message).is_some() {
            return self.judge(record, &record.message, sink);
        }
        // Most records hold nothing of all that is looked for, which one search tells.
        let nominator = Nominator::new(&self.prefixes);
        if (nominator.for_block(false).find_at(&record.message, 0)).is_none() {
            return;
        }
        let holds = |text: &[u8]| memchr::memmem::find(&record.message, text).is_some();
        if self.prefixes.texts.iter().any(|prefix| holds(prefix)) {
            return self.judge(record, &record.message, sink);
        }
        for row in notice::ROWS
            .iter()
            .filter(|row| holds(row.literal.as_bytes()))
        {
            let raw = [identifier.as_bytes(), b": ", &record.message].concat();
            if let Some(mut count) = notice::count(row, record, &record.message, &raw) {
                // As in `notice`: a drop line of another boot has told it, or will.
                if row.kind == NoticeKind::Boot && std::mem::replace(&mut self.hosts.booted, true) {
                    count = 0;
                }
                let time = self.clock.resolve(record);
                let host = record.host.as_deref();
                sink(Item::Notice {
                    kind: row.kind,
                    time,
                    host,
                    count,
                });
            }
        }
    }

    /// Learns the date of the boot from a record that holds the kernel's words for it.
    pub(super) fn date(&mut self, raw: &[u8]) {
        let plain = plain(raw);
        if let Some(record) = self.read(&plain) {
            self.clock.learn(&record, &record.message);
        }
    }

    /// Judges a `last message repeated N times`, which counts if the line `before` is a drop line: whether it does.
    pub(super) fn repeat(&mut self, raw: &[u8], before: &[u8], sink: &mut Sink<'_>) -> bool {
        let Some(at) = memchr::memmem::find(raw, REPEAT.as_bytes()) else {
            return false;
        };
        let mut rest = &raw[at + REPEAT.len()..];
        let Some(times) = digits(&mut rest, 1, 9).filter(|times| *times > 0) else {
            return false;
        };
        // Old daemons write no tag there.
        let mut header = raw[..at].trim_ascii_end().to_vec();
        header.extend_from_slice(if header.ends_with(b":") {
            b" "
        } else {
            b" last: "
        });
        let (Some(record), Some(last)) = (self.read(&header), self.read(before)) else {
            return false;
        };
        let text = unescaped(&last.message);
        if record.host == last.host
            && let Anchored::Drop { message, .. } = anchor(last.origin, &text, &self.prefixes)
        {
            let time = self.clock.resolve(&record);
            let times = u32::try_from(times).unwrap_or(u32::MAX);
            self.drop_line(&Told::of(&record, time), message, times, sink);
            return true;
        }
        false
    }
}

/// Whether `line` is a document with records inside.
fn holds_records(line: &[u8]) -> bool {
    if !matches!(line.first(), Some(b'{' | b'[')) {
        return false;
    }
    match Document::default().next(line) {
        Event::Record(from, to) => to - from < line.trim_ascii().len(),
        Event::End(_) | Event::Broken(_) | Event::More => false,
    }
}

/// A line without a header, as `-o cat` and `dmesg -t` write it.
fn unheaded(raw: &[u8]) -> Option<Record<'_>> {
    (!raw.first()?.is_ascii_whitespace())
        .then(|| Record::new(Stamp::None, None, Origin::Kernel, raw.into()))
}
