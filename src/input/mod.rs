//! What comes in: bytes of a log; what goes out: [`Entry`], one drop line with its time and host.
//!
//! [`scan`] nominates records in raw blocks, a [`Format`] splits the header of a nominated record, and [`anchor`]
//! decides whether the kernel message in it begins with the LOG prefix. A new format is one file and its row in
//! [`FORMATS`].

mod bare;
mod dmesg;
pub mod fact;
mod header;
mod iso;
mod journal_json;
mod message;
pub mod open;
pub mod repeats;
pub mod scan;
mod short;

use std::borrow::Cow;

use crate::time::{Stamp, Time};

pub use short::stamp as short_stamp;

/// One drop line.
#[derive(Debug)]
pub struct Entry<'a> {
    pub time: Time,
    /// Whether the log's times resolve fractions of a second.
    pub fine: bool,
    /// The log's hostname, where the form has one.
    pub host: Option<&'a str>,
    /// The kernel message, from the LOG prefix on.
    pub message: &'a str,
    /// How many lines it stands for (`message repeated N times`): 1 for most.
    pub repeats: u32,
}

/// Who wrote a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    Kernel,
    /// Somebody who says to be the kernel: `kernel[4242]:`, or a journal `_TRANSPORT` that is not `kernel`.
    Forged,
    /// Some other program.
    Other,
}

/// One record of a log, its header split off.
#[derive(Debug)]
pub struct Record<'a> {
    pub stamp: Stamp,
    pub host: Option<Cow<'a, str>>,
    pub origin: Origin,
    pub message: Cow<'a, [u8]>,
}

/// A form in which a log reaches a user.
pub struct Format {
    /// Its name, as the program that writes it calls it.
    pub code: &'static str,
    /// One line that tells what it is.
    pub title: &'static str,
    /// A record in this form; the registry test reads it back.
    pub sample: &'static str,
    /// Splits a record; `None` where it is not of this form.
    read: for<'a> fn(&'a [u8], &Prefixes) -> Option<Record<'a>>,
}

/// All forms. The order is that in which they are tried: the more particular before the more general.
pub const FORMATS: &[&Format] = &[
    &short::SHORT,
    &iso::SHORT_ISO,
    &journal_json::JSON,
    &dmesg::DMESG,
    &dmesg::DMESG_CTIME,
    &bare::BARE,
];

/// The texts of the LOG rule's `--log-prefix` that make a line a drop line.
#[derive(Debug, Clone)]
pub struct Prefixes(Vec<Vec<u8>>);

impl Prefixes {
    /// The documented prefix, and the one of an older write-up of the feature.
    pub fn documented() -> Self {
        Self(vec![
            b"HARVESTER_DROP_".to_vec(),
            b"HARVESTER_DROP: ".to_vec(),
        ])
    }

    /// Another rule's prefix.
    pub fn only(prefix: &str) -> Self {
        Self(vec![prefix.as_bytes().to_vec()])
    }

    fn at_begin_of(&self, message: &[u8]) -> Option<&[u8]> {
        let found = self.0.iter().find(|prefix| message.starts_with(prefix));
        found.map(Vec::as_slice)
    }
}

/// The format that reads `record`.
pub fn format_of(record: &[u8], prefixes: &Prefixes) -> Option<&'static Format> {
    FORMATS
        .iter()
        .copied()
        .find(|format| (format.read)(record, prefixes).is_some())
}

/// Splits `record` with the first format that takes it, beginning with the one at `*usual`, which it updates.
fn read<'a>(record: &'a [u8], prefixes: &Prefixes, usual: &mut usize) -> Option<Record<'a>> {
    if let Some(split) = (FORMATS[*usual].read)(record, prefixes) {
        return Some(split);
    }
    let (at, split) = FORMATS
        .iter()
        .enumerate()
        .find_map(|(at, format)| Some((at, (format.read)(record, prefixes)?)))?;
    *usual = at;
    Some(split)
}
