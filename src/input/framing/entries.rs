//! Entries of an export of the journal. What lies in an entry whose lengths do not fit, as those of a text that was converted
//! or edited, may be anybody's.

use super::{Cut, MAX_RECORD};
use crate::input::format::export::{self, Step};

/// The state behind an entry whose lengths do not fit, or within one that is too long.
pub(in crate::input) struct Torn {
    /// How the entries of its journal begin; nothing where they have no cursor.
    cursor: Vec<u8>,
    place: Place,
    /// Whether the loss was said.
    pub(in crate::input) is_told: bool,
}

/// What stands next in such an entry.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    /// The line end of a value that was skipped, if its length fits.
    Value,
    /// Its further fields, which are left out too: what decides of the entry may have stood before them.
    Fields,
    /// Anything.
    Lost,
}

impl Torn {
    /// Creates the state for the entry at the start of `text`, whose lengths do not fit.
    pub(in crate::input) fn new(text: &[u8]) -> Self {
        Self {
            cursor: export::cursor(text).to_vec(),
            place: Place::Lost,
            is_told: false,
        }
    }

    /// Creates the state for the entry at the start of `text`, of which a value is too long, and was told.
    pub(in crate::input) fn too_long(text: &[u8]) -> Self {
        Self {
            place: Place::Fields,
            is_told: true,
            ..Self::new(text)
        }
    }

    /// Goes on behind a part that was lost.
    pub(in crate::input) const fn go_on(&mut self, is_told: bool) {
        self.place = Place::Lost;
        self.is_told |= is_told;
    }

    /// Goes on behind fields, or behind a value that is skipped.
    pub(in crate::input) const fn pass(&mut self, is_skipped: bool) {
        self.place = if is_skipped {
            Place::Value
        } else {
            Place::Fields
        };
    }

    /// Splits off what lies before the next entry that is not taken for a sender's text. `resume` is as far as the entries behind a
    /// blank line are known to follow each other.
    pub(super) fn cut(&self, text: &[u8], resume: usize, last: bool) -> Cut {
        if let Some(cut) = self.fields(text) {
            return if last && matches!(cut, Cut::More(_) | Cut::Skip(_)) {
                Cut::Lost(text.len(), false)
            } else {
                cut
            };
        }
        if let Some(at) = export::next_entry(text, &self.cursor) {
            return match chain(text, resume.max(at), at, &self.cursor, last) {
                Chain::Whole => Cut::Lost(at, true),
                Chain::Broken(len) => Cut::Lost(len, false),
                // The blank line before it stays.
                Chain::More(_) if at > BLANK => Cut::Lost(at - BLANK, false),
                Chain::More(resume) => Cut::More(resume),
            };
        }
        if last {
            return Cut::Lost(text.len(), false);
        }
        // Whole lines, but for those that may be the blank one before a cursor.
        let lines = text.len().saturating_sub(self.cursor.len() + BLANK);
        match memchr::memrchr(b'\n', &text[..lines]) {
            Some(end) => Cut::Lost(end + 1, false),
            None if text.len() > MAX_RECORD => Cut::Lost(lines, false),
            None => Cut::More(0),
        }
    }

    /// Splits off further fields of an entry that is too long; `None` where none stand there.
    fn fields(&self, text: &[u8]) -> Option<Cut> {
        let mut at = match (self.place, text.first()) {
            (Place::Lost, _) => return None,
            (Place::Fields, _) => 0,
            (Place::Value, Some(b'\n')) => 1,
            (Place::Value, Some(_)) => return None,
            (Place::Value, None) => return Some(Cut::More(0)),
        };
        loop {
            match export::step(&text[at..]) {
                Step::Field { len, .. } => at += len,
                Step::End(len) => return Some(Cut::Lost(at + len, true)),
                Step::Long(len) if len > MAX_RECORD as u64 => {
                    return Some(Cut::Skip((at as u64).saturating_add(len) - 1));
                }
                _ if at > 0 => return Some(Cut::Fields(at)),
                Step::More | Step::Long(_) => return Some(Cut::More(0)),
                Step::Broken => return None,
            }
        }
    }
}

/// The longest end of a line with a blank one.
const BLANK: usize = 3;

/// Entries that follow each other for so many bytes are taken for the journal's, and are carried until then.
const MAX_CHAIN: usize = MAX_RECORD / 4;

/// How the entries behind one whose lengths do not fit follow each other.
enum Chain {
    /// To the end of the log, or for long.
    Whole,
    /// Up to this offset, behind which stands no entry that is surely whole: trusted fields of the entry in whose value these
    /// lie, or another one whose lengths do not fit, which may lie there too.
    Broken(usize),
    /// More text decides, from this offset of an entry on.
    More(usize),
}

/// Follows the entries at `at`, of which the first begins at `first`.
fn chain(text: &[u8], mut at: usize, first: usize, cursor: &[u8], last: bool) -> Chain {
    while at - first <= MAX_CHAIN {
        let rest = &text[at..];
        if rest.is_empty() && last {
            return Chain::Whole;
        }
        if !rest.starts_with(cursor) {
            let may_come = !last && cursor.starts_with(rest);
            return if may_come {
                Chain::More(at)
            } else {
                Chain::Broken(at)
            };
        }
        let mut end = at;
        loop {
            match export::step(&text[end..]) {
                Step::Field {
                    is_binary: false,
                    len,
                    ..
                } => end += len,
                Step::End(len) => {
                    end += len;
                    break;
                }
                Step::More if !last && text.len() - at <= MAX_CHAIN => return Chain::More(at),
                Step::Field { .. } | Step::Long(_) | Step::More | Step::Broken => {
                    return Chain::Broken(end.max(at + 1));
                }
            }
        }
        at = end;
    }
    Chain::Whole
}

/// Splits off the entry at the start of `text`.
pub(super) fn entry(text: &[u8], resume: usize, last: bool) -> Cut {
    let mut at = resume;
    loop {
        let rest = &text[at..];
        let step = match export::step(rest) {
            Step::More
                if last && memchr::memchr(b'\n', rest).is_none() && !export::is_begun(rest) =>
            {
                Step::Broken
            }
            step => step,
        };
        match step {
            // The blank line before it was removed; no sender can write such a field.
            Step::Field {
                key: b"__CURSOR",
                is_binary: false,
                ..
            } if at > 0 => return whole(text, at),
            Step::Field { len, .. } => at += len,
            Step::End(len) => return ended(text, at, len, last),
            Step::Long(len) if (at as u64).saturating_add(len) > MAX_RECORD as u64 => {
                return Cut::Skip((at as u64).saturating_add(len) - 1);
            }
            Step::Broken if at == 0 => return Cut::Leave,
            Step::Broken if export::is_binary(rest) => return Cut::Torn,
            Step::Broken => return whole(text, at),
            Step::More | Step::Long(_) if !last => return Cut::More(at),
            Step::Long(_) => return Cut::Torn,
            Step::More => {
                return match whole(text, at) {
                    Cut::Record(_) => Cut::Record(text.len()),
                    torn => torn,
                };
            }
        }
    }
}

/// Returns the entry that ends at `end` without a blank line, unless lengths in it may be wrong.
fn whole(text: &[u8], end: usize) -> Cut {
    if export::has_binary(&text[..end]) {
        Cut::Torn
    } else {
        Cut::Record(end)
    }
}

/// Returns the entry whose blank line, of `len` bytes, is at `at`. A wrong length may end it within a value: where it has any,
/// another entry of the journal must follow, and behind that one more.
fn ended(text: &[u8], at: usize, len: usize, last: bool) -> Cut {
    let end = at + len;
    if !export::has_binary(&text[..at]) {
        return Cut::Record(end);
    }
    let next = end + blanks(&text[end..]);
    let followed = match follows(text, next, last) {
        Follows::Yes => behind_entry(text, next, last).map_or(Follows::More, |behind| {
            behind.map_or(Follows::No, |behind| follows(text, behind, last))
        }),
        other => other,
    };
    match followed {
        Follows::More if !last => Cut::More(at),
        Follows::Yes | Follows::More => Cut::Record(end),
        Follows::No => Cut::Torn,
    }
}

enum Follows {
    Yes,
    No,
    /// What came may be the begin of one.
    More,
}

/// Whether an entry of the journal of `text` begins at `at`; the end of the log is as good.
fn follows(text: &[u8], at: usize, last: bool) -> Follows {
    let behind = text.get(at..).unwrap_or_default();
    let mut begins = export::begins(text);
    if begins.clone().any(|begin| behind.starts_with(begin)) {
        Follows::Yes
    } else if !begins.any(|begin| begin.starts_with(behind)) {
        Follows::No
    } else if last {
        Follows::Yes
    } else {
        Follows::More
    }
}

/// Returns where what stands behind the entry at `at` begins; `Some(None)` where it is broken, and `None` where more of it
/// has to come.
fn behind_entry(text: &[u8], mut at: usize, last: bool) -> Option<Option<usize>> {
    let begin = at;
    loop {
        match export::step(text.get(at..).unwrap_or_default()) {
            Step::Field { key, .. } if key == b"__CURSOR" && at > begin => return Some(Some(at)),
            Step::Field { len, .. } => at += len,
            Step::End(len) => {
                at += len;
                return Some(Some(at + blanks(&text[at..])));
            }
            // A log may end within an entry, and one that is too long is told for itself.
            Step::Long(_) | Step::More if last || text.len() - begin > MAX_RECORD => {
                return Some(Some(text.len()));
            }
            Step::Long(len) if len > MAX_RECORD as u64 => return Some(Some(begin)),
            Step::Long(_) | Step::More => return None,
            Step::Broken => return Some(None),
        }
    }
}

/// Returns the length of the blank lines at the start of `text`.
fn blanks(text: &[u8]) -> usize {
    text.iter().take_while(|b| b"\r\n".contains(b)).count()
}
