//! Drop lines on their way from a scanner to whoever judges them.

use super::Entry;
use super::survey::{Found, Survey};

/// Drop lines, one or more, in their order.
#[derive(Debug, Clone, Copy)]
pub enum Drops<'a> {
    Read(&'a [Entry<'a>]),
    Surveyed(Surveyed<'a>),
}

/// Drop lines where a survey left them: an entry is put together when somebody asks for it, so that what a usual line tells is
/// written once.
#[derive(Debug, Clone, Copy)]
pub struct Surveyed<'a> {
    pub(super) text: &'a [u8],
    pub(super) survey: &'a Survey,
    pub(super) found: &'a [Found],
}

impl<'a> Surveyed<'a> {
    /// The entry at a place.
    #[inline(always)]
    pub fn entry(&self, at: usize) -> Option<Entry<'a>> {
        match self.found.get(at)? {
            Found::Drop(ready) => Some(self.survey.entry(self.text, ready)),
            Found::Spot(_) => None,
        }
    }
}

impl<'a> Drops<'a> {
    /// How many they are.
    pub const fn len(&self) -> usize {
        match self {
            Self::Read(entries) => entries.len(),
            Self::Surveyed(surveyed) => surveyed.found.len(),
        }
    }

    /// Whether there is none.
    pub const fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether the packets of all were read.
    pub fn are_read(&self) -> bool {
        match self {
            Self::Read(entries) => entries.iter().all(|entry| entry.packet.is_some()),
            Self::Surveyed(surveyed) => surveyed.found.iter().all(Found::is_read),
        }
    }

    /// The entries one by one.
    pub fn iter(&self) -> impl Iterator<Item = Entry<'a>> + use<'a> {
        let drops = *self;
        (0..self.len()).filter_map(move |at| match drops {
            Self::Read(entries) => entries.get(at).copied(),
            Self::Surveyed(surveyed) => surveyed.entry(at),
        })
    }

    /// The first of them, and the others.
    pub fn split_first(self) -> Option<(Entry<'a>, Self)> {
        Some(match self {
            Self::Read(entries) => {
                let (first, others) = entries.split_first()?;
                (*first, Self::Read(others))
            }
            Self::Surveyed(surveyed) => {
                let first = surveyed.entry(0)?;
                let found = &surveyed.found[1..];
                (first, Self::Surveyed(Surveyed { found, ..surveyed }))
            }
        })
    }
}
