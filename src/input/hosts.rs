//! What is known of the hosts of a log, and its drop lines: when each last logged, and in which boot.

use super::drops::Drops;
use super::notice::NoticeKind;
use super::scan::{Item, Sink};
use super::{Entry, Record};
use crate::eights::same;
use crate::hints::Hints;
use crate::packet::Brief;
use crate::time::{SECOND, Time};

/// How many hosts of one log are told apart.
const MOST_HOSTS: usize = 64;
/// Two CPUs, or two senders, may be out of order by so much.
const DISORDER: i64 = 2 * SECOND;

/// What is known of a host.
#[derive(Debug)]
struct Seen {
    host: Option<Box<str>>,
    boot: Option<u64>,
    last: Time,
    /// Whether its records were in order so far; a reversed log never is.
    forward: bool,
}

/// The hosts of one log.
#[derive(Debug, Default)]
pub(super) struct Hosts {
    seen: Vec<Seen>,
    hints: Hints,
    /// A boot was told, and no drop line since.
    pub(super) booted: bool,
}

/// What a record tells of its message.
pub(super) struct Told<'a> {
    pub(super) received: Time,
    pub(super) host: Option<&'a str>,
    pub(super) boot: Option<u64>,
    /// How much earlier the kernel wrote it, in microseconds.
    pub(super) late: i64,
    pub(super) fine: bool,
    pub(super) monotonic: Option<i64>,
}

impl<'a> Told<'a> {
    pub(super) fn of(record: &'a Record<'_>, received: Time, uptime: Option<i64>) -> Self {
        Self {
            received,
            host: record.host.as_deref(),
            boot: record.boot,
            late: record.late,
            fine: record.stamp.is_fine() || record.after.is_some(),
            monotonic: record.monotonic.or(uptime),
        }
    }
}

/// What a drop line tells of its host besides.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(super) struct News {
    rebooted: bool,
    /// By how many seconds its clock was set back.
    back: Option<u64>,
}

impl News {
    pub(super) const NONE: Self = Self {
        rebooted: false,
        back: None,
    };

    /// Tells it before the line at `time`.
    pub(super) fn tell(self, time: Time, host: Option<&str>, sink: &mut Sink<'_>) {
        let boot = self.rebooted.then_some((NoticeKind::Boot, 1));
        let back = self.back.map(|back| (NoticeKind::TimeBack, back));
        for (kind, count) in boot.into_iter().chain(back) {
            sink(Item::Notice {
                kind,
                time,
                host,
                count,
            });
        }
    }
}

impl Hosts {
    /// The names of those with a drop line, where there are several.
    pub(super) fn several(&self) -> Vec<Box<str>> {
        if self.seen.len() < 2 {
            return Vec::new();
        }
        self.seen
            .iter()
            .filter_map(|seen| seen.host.clone())
            .collect()
    }

    /// Takes a drop line, which stands for so many (`repeats`).
    pub(super) fn drop_line(
        &mut self,
        told: &Told<'_>,
        message: &[u8],
        packet: Option<Brief<'_>>,
        repeats: u32,
        sink: &mut Sink<'_>,
    ) {
        let place = self.place(told.host);
        let (time, news) = self.follow(told, place);
        news.tell(time, told.host, sink);
        let entry = Entry {
            time,
            fine: told.fine,
            host: told.host,
            message,
            packet: packet.as_ref(),
            interface: packet.map_or("", |packet| packet.interface),
            repeats,
            monotonic: told.monotonic,
        };
        sink(Item::Drops(Drops::Read(&[entry])));
    }

    /// The place of a host; the next one for a host that is not known.
    pub(super) fn place(&mut self, host: Option<&str>) -> u16 {
        let known = |seen: &Seen| match (&seen.host, host) {
            (Some(known), Some(host)) => same(known.as_bytes(), host.as_bytes()),
            (known, host) => known.is_none() && host.is_none(),
        };
        let name = host.unwrap_or_default().as_bytes();
        let mut place = self.hints.of(name);
        if !self.seen.get(place).is_some_and(known) {
            place = self.seen.iter().position(known).unwrap_or(self.seen.len());
            self.hints.note(name, place);
        }
        place as u16
    }

    /// Whether the next line of the host that has a place, at `time`, tells no more than that the log goes on, as most lines do;
    /// then that is kept.
    #[inline]
    pub(super) fn goes_on(&mut self, place: u16, time: Time) -> bool {
        let Some(seen) = self.seen.get_mut(usize::from(place)) else {
            return false;
        };
        let later = seen.last.is_dated() && time > seen.last;
        if later {
            seen.forward = true;
            seen.last = time;
            self.booted = false;
        }
        later
    }

    /// Keeps what is known of the host of a drop line, which has a place: when the kernel wrote the line, and whether it tells of another boot or
    /// of a clock set back.
    #[inline(never)]
    pub(super) fn follow(&mut self, told: &Told<'_>, place: u16) -> (Time, News) {
        let time = if told.received.is_dated() {
            Time(told.received.0.saturating_sub(told.late))
        } else {
            told.received
        };
        let news = self.news(told, place, time);
        self.booted = false;
        (time, news)
    }

    #[inline(always)]
    fn news(&mut self, told: &Told<'_>, place: u16, time: Time) -> News {
        let boot = told.boot;
        let booted = self.booted;
        let Some(seen) = self.seen.get_mut(usize::from(place)) else {
            if self.seen.len() < MOST_HOSTS {
                self.seen.push(Seen {
                    host: told.host.map(Into::into),
                    boot,
                    last: time,
                    forward: false,
                });
            }
            return News::NONE;
        };
        let mut news = News::NONE;
        if boot.is_some() && boot != seen.boot {
            news.rebooted = seen.boot.is_some() && !booted;
            seen.boot = boot;
        }
        if seen.last.is_dated() && time.is_dated() && time != seen.last {
            let back = seen.last.since(time);
            if seen.forward && back > DISORDER {
                news.back = Some((back / SECOND).unsigned_abs());
            }
            seen.forward = back < 0;
        }
        seen.last = time;
        news
    }
}
