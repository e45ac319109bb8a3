//! Output of a format: a record with its header split off, before it is classified.

use std::borrow::Cow;

use super::json_object::Object;
use super::prefixes::Prefixes;
use crate::time::Stamp;

/// Origin of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Origin {
    Kernel,
    /// A sender that claims to be the kernel: `kernel[4242]:`, or a journal `_TRANSPORT` that is not `kernel`.
    Forged,
    /// systemd-journald, about the journal.
    Journald,
    /// journalctl, in a line of its own.
    Journalctl,
    /// Some other program.
    Other,
    /// Nobody that the header names: it is of no known form.
    Unclear,
}

/// One record of a log, its header split off.
#[derive(Debug)]
pub(crate) struct Record<'a> {
    pub(crate) stamp: Stamp,
    /// Microseconds since boot, where the record has them in addition to a date.
    pub(crate) uptime: Option<i64>,
    /// Microseconds since the record before, where the record has no other time.
    pub(crate) after: Option<i64>,
    /// The monotonic time of its reception, in microseconds since boot, beside a date: a step of the clock does not move it.
    pub(crate) monotonic: Option<i64>,
    /// Microseconds by which the kernel wrote the message before its stamp, the time of reception.
    pub(crate) late: i64,
    /// Whether its stamp has the name of a zone that is not UTC: several zones may have one name.
    pub(crate) zone_name: bool,
    pub(crate) host: Option<Cow<'a, str>>,
    pub(crate) origin: Origin,
    /// Hash of the journal's `_BOOT_ID`.
    pub(crate) boot: Option<u64>,
    pub(crate) message: Cow<'a, [u8]>,
}

impl<'a> Record<'a> {
    /// Creates a record with a header of the usual parts. A host without a name is none.
    pub(crate) fn new(
        stamp: Stamp,
        host: Option<Cow<'a, str>>,
        origin: Origin,
        message: Cow<'a, [u8]>,
    ) -> Self {
        Self {
            stamp,
            uptime: None,
            after: None,
            monotonic: None,
            late: 0,
            zone_name: false,
            host: host.filter(|host| !host.is_empty()),
            origin,
            boot: None,
            message,
        }
    }

    /// Whether its time resolves fractions of a second.
    pub(crate) const fn is_fine(&self) -> bool {
        self.stamp.is_fine() || self.after.is_some()
    }

    /// Converts the record to one that borrows nothing.
    pub(super) fn into_owned(self) -> Record<'static> {
        Record {
            stamp: self.stamp,
            uptime: self.uptime,
            after: self.after,
            monotonic: self.monotonic,
            late: self.late,
            zone_name: self.zone_name,
            host: self.host.map(|host| host.into_owned().into()),
            origin: self.origin,
            boot: self.boot,
            message: self.message.into_owned().into(),
        }
    }

    /// Sets the time of the record to that of its wrapper, unless the record has a date: the wrapper may be a copy made
    /// later.
    pub(super) fn timed(mut self, outer: Stamp) -> Self {
        match self.stamp {
            Stamp::None => self.stamp = outer,
            _ if outer.is_none() => {}
            Stamp::Unread | Stamp::NoSuchDay => self.stamp = outer,
            Stamp::Uptime { micros } => {
                self.uptime = Some(micros);
                self.stamp = outer;
            }
            Stamp::Dated { .. } | Stamp::Zoneless { .. } | Stamp::Yearless { .. } => {}
        }
        if !outer.is_none() {
            self.after = None;
        }
        self
    }
}

/// A form in which a log reaches a user.
pub struct Format {
    /// Name of the format, as the program that writes it calls it.
    pub code: &'static str,
    /// Description in one line.
    pub title: &'static str,
    /// A record in this form; the registry test reads it back.
    pub sample: &'static str,
    /// The bytes that a record may begin with; any, where there are none.
    pub(super) begins: &'static [u8],
    pub(super) read: Read,
}

/// Parser of a format.
pub(super) enum Read {
    /// Splits a record; `None` where it is not of this form.
    Text(for<'a> fn(&'a [u8], Layer<'_>) -> Option<Record<'a>>),
    /// Whether a JSON object is of this format: all objects share one parser.
    Json(fn(&Object<'_>) -> bool),
}

/// Upper bound on nested formats: a container's log of a collector's JSON of a syslog line, and one more.
const MAX_DEPTH: u8 = 4;

/// Context of a parser: the prefixes, and the number of formats that wrap the text.
#[derive(Clone, Copy)]
pub(crate) struct Layer<'p> {
    pub(super) prefixes: &'p Prefixes,
    pub(super) depth: u8,
    /// Reads a text in any form.
    any: for<'a> fn(&'a [u8], Layer<'_>) -> Option<Record<'a>>,
}

impl<'p> Layer<'p> {
    pub(super) const fn outermost(
        prefixes: &'p Prefixes,
        any: for<'a> fn(&'a [u8], Layer<'_>) -> Option<Record<'a>>,
    ) -> Self {
        Self {
            prefixes,
            depth: 0,
            any,
        }
    }

    /// Reads the text that a format has unwrapped.
    pub(super) fn inner<'a>(self, text: &'a [u8]) -> Option<Record<'a>> {
        if self.depth == MAX_DEPTH {
            return None;
        }
        let layer = Self {
            depth: self.depth + 1,
            ..self
        };
        (self.any)(text, layer)
    }
}
