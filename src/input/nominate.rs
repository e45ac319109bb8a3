//! The searches that nominate: they find, in raw blocks, the few places that are worth a look.

use std::sync::{Arc, OnceLock};

use aho_corasick::packed::{MatchKind, Searcher};
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

/// A place in a text that is worth a look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Spot {
    pub(super) hit: Hit,
    pub(super) start: usize,
    pub(super) end: usize,
}

/// How syslogd counts a message that came again.
pub(super) const REPEAT: &str = "last message repeated ";

/// The rarest part of a literal, where that is not its begin: the vectorised search looks at three bytes of each place,
/// and ` ke` stands in each line of the kernel. Measured on a log with 2 % drop lines: 0.05 s a GiB instead of 0.36.
const RARE: &[(&str, &str)] = &[
    (" kernel messages", "ssage"),
    (" messages suppressed", "ssage"),
    ("last message repeated ", "ssage"),
    (" callbacks suppressed", "uppress"),
    ("Suppressed ", "uppress"),
    ("setting system clock to ", "clock to "),
    ("audit: type=2000 audit(", "=2000 audit("),
    (" [s=", "[s="),
];

/// Finds hits.
#[derive(Debug, Clone)]
pub(super) struct Nominator {
    /// Plain texts only; `None` where a prefix is too short for it, or the processor too old.
    quick: Option<Arc<Quick>>,
    /// Also finds a prefix that a terminal's colours cut through, and one written as an array of byte values.
    loose: Arc<Loose>,
}

/// Finds the rare parts of literals.
#[derive(Debug)]
struct Quick {
    searcher: Searcher,
    /// For each part: the literals that have it, where in them it stands, and what they stand for.
    literals: Vec<Vec<(Vec<u8>, usize, Hit)>>,
}

/// The expression, which is built when it is first needed: that takes most of a millisecond, and a plain log of lines never
/// needs it.
#[derive(Debug)]
struct Loose {
    prefixes: Vec<Vec<u8>>,
    built: OnceLock<Regex>,
}

impl Loose {
    fn get(&self) -> &Regex {
        let forms = |prefix: &Vec<u8>| {
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
        self.built
            .get_or_init(|| expression(self.prefixes.iter().flat_map(forms)))
    }
}

/// One search of a [`Nominator`].
#[derive(Clone, Copy)]
pub(super) enum Search<'n> {
    #[expect(private_interfaces, reason = "nobody else looks into it")]
    Quick(&'n Quick),
    Loose(&'n Regex),
}

impl Nominator {
    /// The searches for `prefixes`, which keep them for whoever asks next.
    pub(super) fn new(prefixes: &Prefixes) -> Self {
        let built = || Self::build(prefixes);
        prefixes.searches.get_or_init(built).clone()
    }

    fn build(prefixes: &Prefixes) -> Self {
        Self {
            quick: Quick::new(prefixes).map(Arc::new),
            loose: Arc::new(Loose {
                prefixes: prefixes.texts.clone(),
                built: OnceLock::new(),
            }),
        }
    }

    /// The search for a block: the fast one, unless a terminal's `colours` may be in it.
    pub(super) fn for_block(&self, colours: bool) -> Search<'_> {
        match &self.quick {
            Some(quick) if !colours => Search::Quick(quick),
            _ => Search::Loose(self.loose.get()),
        }
    }

    /// The search for one record that spans lines.
    pub(super) fn for_record(&self) -> Search<'_> {
        Search::Loose(self.loose.get())
    }
}

impl Search<'_> {
    /// The first place in `text` from `from` on.
    pub(super) fn find_at(self, text: &[u8], from: usize) -> Option<Spot> {
        match self {
            Self::Loose(expression) => {
                let found = expression.find_at(text, from)?;
                Some(Spot {
                    hit: kind(found.as_bytes()),
                    start: found.start(),
                    end: found.end(),
                })
            }
            Self::Quick(quick) => quick.find_at(text, from),
        }
    }

    /// Whether the text has no colours, and its lines can be taken as they stand.
    pub(super) const fn is_plain(self) -> bool {
        matches!(self, Self::Quick(_))
    }
}

impl Quick {
    fn new(prefixes: &Prefixes) -> Option<Self> {
        let mut parts: Vec<Vec<u8>> = Vec::new();
        let mut literals: Vec<Vec<(Vec<u8>, usize, Hit)>> = Vec::new();
        let mut add = |literal: &[u8], part: &[u8], hit| {
            let at = memchr::memmem::find(literal, part)?;
            let place = parts.iter().position(|known| known == part);
            let place = place.unwrap_or_else(|| {
                parts.push(part.to_vec());
                literals.push(Vec::new());
                parts.len() - 1
            });
            literals[place].push((literal.to_vec(), at, hit));
            Some(())
        };
        for prefix in &prefixes.texts {
            let bytes: Vec<String> = prefix.iter().map(u8::to_string).collect();
            add(prefix, prefix, Hit::Prefix)?;
            for bytes in [bytes.join(","), bytes.join(", ")] {
                add(bytes.as_bytes(), bytes.as_bytes(), Hit::Prefix)?;
            }
        }
        for literal in fixed() {
            let rare = RARE.iter().find(|(whole, _)| *whole == literal);
            let part = rare.map_or(literal, |(_, part)| part);
            add(
                literal.as_bytes(),
                part.as_bytes(),
                kind(literal.as_bytes()),
            )?;
        }
        // Its vectors need three bytes.
        if parts.iter().any(|part| part.len() < 3) {
            return None;
        }
        let searcher = aho_corasick::packed::Config::new()
            .match_kind(MatchKind::LeftmostFirst)
            .builder()
            .extend(&parts)
            .build()?;
        Some(Self { searcher, literals })
    }

    fn find_at(&self, text: &[u8], mut from: usize) -> Option<Spot> {
        while from < text.len() {
            let span = aho_corasick::Span::from(from..text.len());
            let found = self.searcher.find_in(text, span)?;
            let spots = self.literals[found.pattern().as_usize()].iter();
            let spot = spots
                .filter_map(|(literal, at, hit)| {
                    let start = found.start().checked_sub(*at)?;
                    text[start..].starts_with(literal).then_some(Spot {
                        hit: *hit,
                        start,
                        end: start + literal.len(),
                    })
                })
                .min_by_key(|spot| spot.start);
            if spot.is_some() {
                return spot;
            }
            from = found.start() + 1;
        }
        None
    }
}

/// What the text of a hit stands for.
fn kind(text: &[u8]) -> Hit {
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

/// What is looked for besides prefixes: what stands in tables.
fn fixed() -> impl Iterator<Item = &'static str> {
    let notices = notice::ROWS.iter().map(|row| row.literal);
    notices
        .chain(clock::DATES.iter().copied())
        .chain(framing::OPENINGS.iter().copied())
        .chain([REPEAT])
}

/// All that is looked for: `prefixes` in the forms given, and what stands in tables.
fn expression(prefixes: impl Iterator<Item = String>) -> Regex {
    let alternatives: Vec<String> = prefixes.chain(fixed().map(regex::escape)).collect();
    RegexBuilder::new(&alternatives.join("|"))
        .unicode(false)
        .build()
        .unwrap_or_else(|_| unreachable!("escaped text is an expression"))
}
