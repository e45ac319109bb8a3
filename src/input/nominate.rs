//! The expressions that nominate: they find, in raw blocks, the few places that are worth a look.

use regex::bytes::{Regex, RegexBuilder};

use super::{Prefixes, clock, framing, notice};

/// What was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Hit {
    /// A LOG prefix.
    Prefix,
    /// The words of a notice, by its place in [`notice::ROWS`].
    Notice(usize),
    /// The kernel's date of its own boot.
    Date,
    /// `last message repeated N times`.
    Repeat,
    /// What may begin records of another framing, in the line that holds the hit's end.
    Opening,
}

/// How syslogd counts a message that came again.
pub(super) const REPEAT: &str = "last message repeated ";

/// Finds hits.
pub(super) struct Nominator {
    /// Plain texts only, which is fast.
    quick: Regex,
    /// Also finds a prefix that a terminal's colours cut through, and one written as an array of byte values.
    loose: Regex,
}

impl Nominator {
    pub(super) fn new(prefixes: &Prefixes) -> Self {
        let quick = |prefix: &Vec<u8>| {
            let bytes: Vec<String> = prefix.iter().map(u8::to_string).collect();
            [escaped(prefix), bytes.join(",")]
        };
        let loose = |prefix: &Vec<u8>| {
            let bytes: Vec<String> = prefix.iter().map(u8::to_string).collect();
            let letters: Vec<String> = String::from_utf8_lossy(prefix)
                .chars()
                .map(|letter| regex::escape(letter.encode_utf8(&mut [0; 4])))
                .collect();
            [
                letters.join(r"(?:\x1b\[[0-9;:]*[A-Za-z])*"),
                bytes.join(r"(?:\x1b\[[0-9;:]*[A-Za-z])*,(?:\s|\x1b\[[0-9;:]*[A-Za-z])*"),
            ]
        };
        Self {
            quick: expression(prefixes.0.iter().flat_map(quick)),
            loose: expression(prefixes.0.iter().flat_map(loose)),
        }
    }

    /// The expression for a block: the fast one, unless a terminal's colours are in it.
    pub(super) fn for_block(&self, block: &[u8]) -> &Regex {
        if memchr::memchr(0x1b, block).is_some() {
            &self.loose
        } else {
            &self.quick
        }
    }

    /// The expression for one record that spans lines.
    pub(super) const fn for_record(&self) -> &Regex {
        &self.loose
    }
}

/// What the text of a hit stands for.
pub(super) fn kind(text: &[u8]) -> Hit {
    if let Some(at) = notice::ROWS
        .iter()
        .position(|row| row.literal.as_bytes() == text)
    {
        return Hit::Notice(at);
    }
    let is = |literals: &[&str]| literals.iter().any(|l| l.as_bytes() == text);
    if is(clock::DATES) {
        Hit::Date
    } else if text == REPEAT.as_bytes() {
        Hit::Repeat
    } else if is(framing::OPENINGS) {
        Hit::Opening
    } else {
        Hit::Prefix
    }
}

/// All that is looked for: `prefixes` in the forms given, and what stands in tables.
fn expression(prefixes: impl Iterator<Item = String>) -> Regex {
    let notices = notice::ROWS.iter().map(|row| row.literal);
    let fixed = notices
        .chain(clock::DATES.iter().copied())
        .chain(framing::OPENINGS.iter().copied())
        .chain([REPEAT])
        .map(regex::escape);
    let alternatives: Vec<String> = prefixes.chain(fixed).collect();
    RegexBuilder::new(&alternatives.join("|"))
        .unicode(false)
        .build()
        .unwrap_or_else(|_| unreachable!("escaped text is an expression"))
}

fn escaped(text: &[u8]) -> String {
    regex::escape(&String::from_utf8_lossy(text))
}
