//! Entries of an export of the journal. What lies in an entry whose lengths do not fit, as those of a text that was converted
//! or edited, may be anybody's.

use super::{Cut, MAX_RECORD};
use crate::input::format::export::{self, Step};

/// The state behind an entry whose lengths do not fit.
pub(in crate::input) struct Torn {
    /// How the entries of its journal begin; nothing where they have no cursor.
    cursor: Vec<u8>,
    /// Whether a value of it was skipped, and ends here if its length fits.
    at_end: bool,
    /// Whether the loss was said.
    pub(in crate::input) is_told: bool,
}

impl Torn {
    /// Creates the state for the entry at the start of `text`; `at_end` states that a value of it was skipped.
    pub(in crate::input) fn new(text: &[u8], at_end: bool) -> Self {
        Self {
            cursor: export::cursor(text).to_vec(),
            at_end,
            is_told: at_end,
        }
    }

    /// Goes on behind a part that was lost.
    pub(in crate::input) const fn go_on(&mut self, is_told: bool) {
        self.at_end = false;
        self.is_told |= is_told;
    }

    /// Splits off what lies before the next entry.
    pub(super) fn cut(&self, text: &[u8], last: bool) -> Cut {
        if self.at_end && text.first() == Some(&b'\n') {
            return Cut::Lost(1, true);
        }
        if let Some(at) = export::next_entry(text, &self.cursor) {
            return Cut::Lost(at, true);
        }
        if last {
            return Cut::Lost(text.len(), false);
        }
        // Whole lines, but for those that may be the blank one before a cursor.
        let lines = text.len().saturating_sub(self.cursor.len() + 3);
        match memchr::memrchr(b'\n', &text[..lines]) {
            Some(end) => Cut::Lost(end + 1, false),
            None if text.len() > MAX_RECORD => Cut::Lost(lines, false),
            None => Cut::More(0),
        }
    }
}

/// Splits off the entry at the start of `text`.
pub(super) fn entry(text: &[u8], resume: usize, last: bool) -> Cut {
    let mut at = resume;
    loop {
        match export::step(&text[at..]) {
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
            Step::Broken if export::is_binary(&text[at..]) => return Cut::Torn,
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
/// another entry of the journal must follow.
fn ended(text: &[u8], at: usize, len: usize, last: bool) -> Cut {
    let end = at + len;
    let blanks = text[end..].iter().take_while(|b| b"\r\n".contains(b));
    let behind = &text[end + blanks.count()..];
    let begins = export::begins(text);
    let follows = begins.clone().any(|begin| behind.starts_with(begin));
    let may_follow = begins.clone().any(|begin| begin.starts_with(behind));
    if follows || !export::has_binary(&text[..at]) {
        Cut::Record(end)
    } else if may_follow && !last {
        Cut::More(at)
    } else if may_follow {
        Cut::Record(end)
    } else {
        Cut::Torn
    }
}
