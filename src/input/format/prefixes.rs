//! The texts of the LOG rule's `--log-prefix` that make a line a drop line.

use std::sync::{Arc, OnceLock};

use memchr::memmem::Finder;

use super::spelt::{ends_within_word, is_spelt_in};
use super::unseen::behind_changed;
use crate::input::search::Search;

/// Prefixes, and the search for them.
#[derive(Debug, Clone)]
pub struct Prefixes {
    pub(in crate::input) texts: Vec<Vec<u8>>,
    are_documented: bool,
    /// Searches for each text.
    finders: Arc<[Finder<'static>]>,
    /// Built on demand: that takes milliseconds, and a bundle has hundreds of logs. Clones share it.
    search: Arc<OnceLock<Search>>,
}

impl Prefixes {
    /// The documented prefix.
    pub const DOCUMENTED: &str = "HARVESTER_DROP_";

    fn new(texts: Vec<Vec<u8>>, are_documented: bool) -> Self {
        let finders = (texts.iter()).map(|text| Finder::new(text).into_owned());
        Self {
            finders: finders.collect(),
            texts,
            are_documented,
            search: Arc::default(),
        }
    }

    /// Creates the documented prefix, and the one of an older write-up of the feature.
    pub fn documented() -> Self {
        let texts = [Self::DOCUMENTED.as_bytes(), b"HARVESTER_DROP: "];
        Self::new(texts.map(<[u8]>::to_vec).to_vec(), true)
    }

    /// Creates the prefixes for another rule's prefix alone.
    pub fn only(prefix: &str) -> Self {
        Self::new(vec![prefix.as_bytes().to_vec()], false)
    }

    /// Whether these are the documented prefixes, which look like no header of a form. A configured one may.
    pub(in crate::input) const fn are_documented(&self) -> bool {
        self.are_documented
    }

    /// Returns the search for the prefixes and other texts, which `build` creates once.
    pub(in crate::input) fn search(&self, build: impl FnOnce(&[Vec<u8>]) -> Search) -> Search {
        self.search.get_or_init(|| build(&self.texts)).clone()
    }

    /// Returns the offset of the first prefix in `text`.
    pub(in crate::input) fn find(&self, text: &[u8]) -> Option<usize> {
        let places = self.texts.iter();
        places
            .filter_map(|prefix| memchr::memmem::find(text, prefix))
            .min()
    }

    /// Whether a drop line begins anywhere in `text`.
    pub(in crate::input) fn begin_in(&self, text: &[u8]) -> bool {
        self.finders.iter().any(|finder| {
            let mut all = finder.find_iter(text);
            all.any(|at| text[at + finder.needle().len()..].starts_with(b"IN="))
        })
    }

    /// Returns the offset of the first prefix in `text` behind which a drop line goes on, with its `IN=` as it is, or escaped
    /// or marked. The prefix alone is only a word, as commands and rules have it; the end of a longer word is another rule's.
    pub(in crate::input) fn begin_of(&self, text: &[u8]) -> Option<usize> {
        let places = self.finders.iter().filter_map(|finder| {
            finder.find_iter(text).find(|at| {
                goes_on(&text[at + finder.needle().len()..]) && !ends_within_word(&text[..*at])
            })
        });
        places.min()
    }

    /// Whether a drop line begins `text` whose prefix or `IN=` has something unseen in it or before it.
    pub(in crate::input) fn is_changed_in(&self, text: &[u8]) -> bool {
        (self.texts.iter())
            .any(|prefix| behind_changed(text, prefix.iter().chain(b"IN=")).is_some())
    }

    /// Whether `text`, the prefix of a LOG rule's line, is one of these that was changed on its way: signs of an escape or of
    /// a markup stand before its words or between them, or its begin was cut off with the line before.
    pub(in crate::input) fn is_mangled(&self, text: &[u8]) -> bool {
        self.texts.iter().any(|prefix| {
            // Within a word: a whole one may be another rule's prefix.
            let is_cut = text.len() > 1 && prefix.strip_suffix(text).is_some_and(ends_in_word);
            // Behind a header of no known form.
            let (_, word) = split_word(text);
            let is_changed = behind_changed(word, prefix.iter()).is_some_and(<[u8]>::is_empty);
            is_cut || is_changed || is_marked(text, prefix)
        })
    }

    /// Whether a drop line begins `text` whose prefix was changed or cut on its way.
    pub(in crate::input) fn is_mangled_in(&self, text: &[u8]) -> bool {
        self.is_changed_in(text)
            || is_cut_field(text)
            || self.is_spelt_in(text)
            || rule_prefix(text).is_some_and(|prefix| self.is_mangled(prefix))
    }

    /// Whether `text` has the words of a drop line, however they are joined.
    pub(in crate::input) fn is_spelt_in(&self, text: &[u8]) -> bool {
        self.are_documented && is_spelt_in(text)
    }

    /// Whether such a line begins `text` without a program's name before it, and without an indentation.
    pub(super) fn is_mangled_at_begin(&self, text: &[u8]) -> bool {
        let prefix = rule_prefix(text).unwrap_or(text).trim_ascii_end();
        let is_named = memchr::memmem::find(prefix, b": ").is_some();
        let is_indented = text.first().is_some_and(u8::is_ascii_whitespace);
        !is_named && !is_indented && self.is_mangled_in(text)
    }

    /// Whether one of these stands in the end of `before` and the begin of `line`, between which a line was wrapped.
    pub(in crate::input) fn is_wrapped(&self, before: &[u8], line: &[u8]) -> bool {
        /// The first part is a word of its own.
        const MIN: usize = 4;
        // As quoted-printable and shells mark it, and with an indentation.
        let before = before.strip_suffix(b"=").unwrap_or(before);
        let before = before.strip_suffix(b"\\").unwrap_or(before);
        let line = line.trim_ascii_start();
        self.texts.iter().any(|prefix| {
            let mut cuts = MIN..prefix.len();
            cuts.any(|at| line.starts_with(&prefix[at..]) && before.ends_with(&prefix[..at]))
        })
    }

    /// Returns the prefix that `message` begins with.
    pub(in crate::input) fn at_begin_of(&self, message: &[u8]) -> Option<&[u8]> {
        // Most lines begin with it. Its length is known here, so that no call compares it.
        let documented = Self::DOCUMENTED.as_bytes();
        if self.are_documented && message.starts_with(documented) {
            return Some(documented);
        }
        let found = self.texts.iter().find(|text| message.starts_with(text));
        found.map(Vec::as_slice)
    }
}

/// Returns the prefix of a LOG rule's line: the text before an `IN=` with an interface and ` OUT=` behind it.
pub(in crate::input) fn rule_prefix(line: &[u8]) -> Option<&[u8]> {
    /// `IFNAMSIZ - 1`.
    const MAX_INTERFACE: usize = 15;
    let out = memchr::memmem::find(line, b" OUT=")?;
    let interface = memchr::memmem::rfind(&line[..out], b"IN=")?;
    let name = &line[interface + 3..out];
    let is_name = name.len() <= MAX_INTERFACE && !name.iter().any(u8::is_ascii_whitespace);
    is_name.then(|| &line[..interface])
}

/// Whether the line begins within an `IN=`: its prefix was cut off with the line before.
fn is_cut_field(line: &[u8]) -> bool {
    let name = line.strip_prefix(b"N").unwrap_or(line);
    name.starts_with(b"=") && rule_prefix(&[b"IN", name].concat()).is_some_and(<[u8]>::is_empty)
}

/// Splits off what stands behind the last blank of `text`.
fn split_word(text: &[u8]) -> (&[u8], &[u8]) {
    let begin = memchr::memrchr(b' ', text).map_or(0, |blank| blank + 1);
    text.split_at(begin)
}

/// Whether a text begins with `IN=`, as it is, with its sign escaped, `IN&#x3D;`, `IN%3D`, `IN\u003d`, or as a key of JSON.
pub(in crate::input) fn is_field(text: &[u8]) -> bool {
    const SIGNS: [&[u8]; 11] = [
        b"=",
        // A collector made a field of it.
        b"\":",
        b"&#x3d;",
        b"&#61;",
        b"&equals;",
        b"%3d",
        b"#075",
        b"x3d",
        b"u003d",
        b"u{3d}",
        b"075",
    ];
    let Some(sign) = text.strip_prefix(b"IN") else {
        return false;
    };
    let marks = sign.iter().take_while(|b| **b == b'\\').count();
    let escaped = &sign[marks..];
    SIGNS.iter().any(|known| {
        let begin = escaped.get(..known.len());
        // Behind a backslash, or several where the text was escaped again.
        let is_whole = marks > 0 || !known[0].is_ascii_alphanumeric();
        is_whole && begin.is_some_and(|begin| begin.eq_ignore_ascii_case(known))
    })
}

/// Whether a drop line goes on behind its prefix, with or without marks before its `IN=`.
fn goes_on(rest: &[u8]) -> bool {
    /// The longest mark that is looked for: `</strong></span>`.
    const MAX_MARK: usize = 16;
    let is_marked = || {
        let window = &rest[..rest.len().min(MAX_MARK)];
        let end = window.iter().position(u8::is_ascii_whitespace);
        let places = 1..=end.unwrap_or(window.len());
        rest.first().is_some_and(|first| MARKS.contains(first))
            && places.filter_map(|at| rest.get(at..)).any(is_field)
    };
    is_field(rest) || is_marked()
}

/// Bytes that escapes and markup begin with, and few prefixes have.
const MARKS: &[u8] = b"&%\\*<>`~^#";

fn ends_in_word(text: &[u8]) -> bool {
    text.last().is_some_and(u8::is_ascii_alphanumeric)
}

/// Whether `text` has the words of `prefix` in their order, and marks that no prefix of its kind has.
fn is_marked(text: &[u8], prefix: &[u8]) -> bool {
    /// The longest escape of one character: `&lowbar;`.
    const MAX_ESCAPE: usize = 8;
    // Brackets are in many prefixes, and in colours and times with a digit behind them.
    let has_marks = |text: &[u8]| {
        text.iter().any(|b| MARKS.contains(b))
            || memchr::memchr_iter(b'[', text).any(|at| {
                let inside = text[at + 1..].trim_ascii_start();
                inside.first().is_some_and(u8::is_ascii_digit)
            })
    };
    let mut words = (prefix.split(|b| !b.is_ascii_alphanumeric()))
        .filter(|word| !word.is_empty())
        .peekable();
    if words.peek().is_none() {
        return false;
    }
    let mut rest = text;
    let mut is_marked = false;
    for (number, word) in words.enumerate() {
        let Some(at) = memchr::memmem::find(rest, word) else {
            return false;
        };
        if number > 0 && at > MAX_ESCAPE {
            return false;
        }
        is_marked |= has_marks(&rest[..at]);
        rest = &rest[at + word.len()..];
    }
    rest.len() <= MAX_ESCAPE && (is_marked || has_marks(rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_prefix_alone_is_a_word() {
        let prefixes = Prefixes::documented();
        for drop in [
            "HARVESTER_DROP_IN=a",
            "x HARVESTER_DROP: IN=a",
            "grep HARVESTER_DROP_ x; HARVESTER_DROP_IN=a",
            "HARVESTER_DROP_IN&#x3D;a",
            "HARVESTER_DROP_IN%3Da",
            "HARVESTER_DROP_IN\\u003da",
            "HARVESTER_DROP_</b>IN=a",
            "HARVESTER_DROP_^[[0;1;39mIN=a",
            "a\\nHARVESTER_DROP_IN=a",
            "a\\u000aHARVESTER_DROP_IN=a",
            "a#012HARVESTER_DROP_IN=a",
            "a%20HARVESTER_DROP_IN=a",
        ] {
            assert!(prefixes.begin_of(drop.as_bytes()).is_some(), "{drop}");
        }
        for word in [
            "",
            "HARVESTER_DROP_",
            "HARVESTER_DROP_I",
            "grep HARVESTER_DROP_ IN=a",
            "\"HARVESTER_DROP_\" --log-level 4",
            "FULL_HARVESTER_DROP_IN=a",
            "HARVESTER_DROP_VM_IN=a",
            "HARVESTER_DROP_INPUT",
        ] {
            assert!(prefixes.begin_of(word.as_bytes()).is_none(), "{word}");
        }
    }

    #[test]
    fn a_mangled_prefix_is_told_from_another_rules() {
        let prefixes = Prefixes::documented();
        for mangled in [
            "**HARVESTER_DROP**_",
            "HARVESTER\\_DROP\\_",
            "HARVESTER&#95;DROP&#95;",
            "HARVESTER&lowbar;DROP&lowbar;",
            "HARVESTER%5FDROP%5F",
            "HARVESTER\\u005fDROP\\u005f",
            "[0;1;39mHARVESTER_DROP_",
            "^[[0;1;39mHARVESTER_DROP_",
            "<em>HARVESTER_DROP_",
            "[  123.456789]HARVESTER_DROP_",
            "VESTER_DROP_",
            "P_",
            "HARV\u{200b}ESTER_DROP_",
            "2026-05-04 of no form: HARV\u{200b}ESTER_DROP_",
        ] {
            assert!(prefixes.is_mangled(mangled.as_bytes()), "{mangled}");
        }
        for other in [
            "",
            "_",
            "FULL_HARVESTER_DROP_",
            "FULL_HARV\u{200b}ESTER_DROP_",
            "HARV\u{200b}ESTER_DROP_VM_",
            "Фильтр_HARVESTER_DROP_",
            "H\u{410}RVESTER_DROP_",
            "HARVESTER_VM_DROP_",
            "HARVESTER-DROP-",
            "[UFW BLOCK] ",
            "HARVESTER_DROP_VM_",
            "DROP ",
            "DROP_",
            "[HARVESTER_DROP] ",
        ] {
            assert!(!prefixes.is_mangled(other.as_bytes()), "{other}");
        }
    }
}
