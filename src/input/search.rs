//! Search of raw blocks for the few places that may matter: most bytes of a log are not drop lines.
//!
//! The texts to search for are given by [`super::reader`].

use std::ops::Range;
use std::sync::{Arc, OnceLock};

use aho_corasick::packed::{MatchKind, Searcher};
use memchr::{memchr, memrchr};
use regex::bytes::{Regex, RegexBuilder};

/// Meaning of a text that was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Hit {
    /// A LOG prefix.
    Prefix,
    /// The words of a notice.
    Notice,
    /// The kernel's date of its own boot.
    Date,
    /// `last message repeated N times`.
    Repeat,
    /// The words of any LOG rule's line.
    Rule,
    /// A text that may open another framing, in the line that contains the end of the hit.
    Opening,
}

/// A text to search for besides the prefixes.
#[derive(Debug, Clone, Copy)]
pub(super) struct Literal {
    pub(super) text: &'static str,
    /// Rarest part of the text, at least three bytes long, for the vectorised search, which compares three bytes at each
    /// position: ` ke` occurs in each line of the kernel. Measured on a log with 2 % drop lines: 0.05 s/GiB instead of
    /// 0.36.
    pub(super) rare: &'static str,
    pub(super) hit: Hit,
}

/// Position of a hit in a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Spot {
    pub(super) hit: Hit,
    pub(super) start: usize,
    pub(super) end: usize,
}

/// Kinds of hits that a record has.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(super) struct Found {
    pub(super) prefix: bool,
    pub(super) notice: bool,
    pub(super) date: bool,
    pub(super) repeat: bool,
    pub(super) rule: bool,
    pub(super) opening: bool,
}

impl Found {
    /// A prefix, and nothing else.
    pub(super) const PREFIX: Self = Self {
        prefix: true,
        notice: false,
        date: false,
        repeat: false,
        rule: false,
        opening: false,
    };

    pub(super) const fn add(&mut self, hit: Hit) {
        match hit {
            Hit::Prefix => self.prefix = true,
            Hit::Notice => self.notice = true,
            Hit::Date => self.date = true,
            Hit::Repeat => self.repeat = true,
            Hit::Rule => self.rule = true,
            Hit::Opening => self.opening = true,
        }
    }
}

/// ` OUT=` as an array of byte values, as `journalctl -o json` writes a message with a byte that cannot be printed.
const RULE_BYTES: &str = "32,79,85,84,61";

/// Search for prefixes and literals. Clones share the compiled searchers.
#[derive(Debug, Clone)]
pub(super) struct Search {
    /// Search for plain texts; `None` where a prefix is too short for it, or the processor too old.
    quick: Option<Arc<Quick>>,
    /// Search that also finds a prefix interrupted by a terminal's colours, and one written as an array of byte values.
    loose: Arc<Loose>,
}

/// Finds the rare parts of literals.
#[derive(Debug)]
struct Quick {
    searcher: Searcher,
    /// For each part: the literals that contain it, its offset in them, and their meaning.
    literals: Vec<Vec<(Vec<u8>, usize, Hit)>>,
}

/// Regular expression, compiled on demand: that takes most of a millisecond, and a plain log of lines never needs it.
#[derive(Debug)]
struct Loose {
    prefixes: Vec<Vec<u8>>,
    literals: Vec<Literal>,
    built: OnceLock<Regex>,
}

/// Variant of the search.
#[derive(Clone, Copy)]
pub(super) enum Finder<'s> {
    #[expect(private_interfaces, reason = "nobody else looks into it")]
    Quick(&'s Quick),
    #[expect(private_interfaces, reason = "nobody else looks into it")]
    Loose(&'s Regex, &'s Loose),
}

impl Search {
    pub(super) fn new(prefixes: &[Vec<u8>], literals: Vec<Literal>) -> Self {
        Self {
            quick: Quick::new(prefixes, &literals).map(Arc::new),
            loose: Arc::new(Loose {
                prefixes: prefixes.to_vec(),
                literals,
                built: OnceLock::new(),
            }),
        }
    }

    /// Returns the variant for text: the fast one, unless it may contain a terminal's `colours`.
    pub(super) fn of_text(&self, colours: bool) -> Finder<'_> {
        match &self.quick {
            Some(quick) if !colours => Finder::Quick(quick),
            _ => self.of_record(),
        }
    }

    /// Returns the variant for one record of any form.
    pub(super) fn of_record(&self) -> Finder<'_> {
        Finder::Loose(self.loose.get(), &self.loose)
    }
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
        let texts = self
            .literals
            .iter()
            .map(|literal| regex::escape(literal.text));
        let all = || {
            self.prefixes
                .iter()
                .flat_map(forms)
                .chain(texts)
                .chain([RULE_BYTES.replace(',', r",\s*") + r"\b"])
                .collect::<Vec<_>>()
        };
        self.built.get_or_init(|| {
            RegexBuilder::new(&all().join("|"))
                .unicode(false)
                .build()
                .unwrap_or_else(|_| unreachable!("escaped text is an expression"))
        })
    }

    /// Returns the meaning of a text that the expression found: anything but a literal is a prefix.
    fn hit(&self, text: &[u8]) -> Hit {
        let digits = text.iter().filter(|b| !b.is_ascii_whitespace());
        if digits.eq(RULE_BYTES.as_bytes()) {
            return Hit::Rule;
        }
        let literal = (self.literals.iter()).find(|literal| literal.text.as_bytes() == text);
        literal.map_or(Hit::Prefix, |literal| literal.hit)
    }
}

impl Finder<'_> {
    /// Returns the first hit in `text` from `from` on.
    pub(super) fn find_at(self, text: &[u8], from: usize) -> Option<Spot> {
        match self {
            Self::Loose(expression, loose) => {
                let found = expression.find_at(text, from)?;
                Some(Spot {
                    hit: loose.hit(found.as_bytes()),
                    start: found.start(),
                    end: found.end(),
                })
            }
            Self::Quick(quick) => quick.find_at(text, from),
        }
    }

    /// Returns all hits of a record.
    pub(super) fn found_in(self, record: &[u8]) -> Found {
        let mut found = Found::default();
        let mut from = 0;
        while from <= record.len()
            && let Some(spot) = self.find_at(record, from)
        {
            found.add(spot.hit);
            from = spot.end.max(spot.start + 1);
        }
        found
    }

    /// Whether the text has no colours, so that its lines can be used verbatim.
    pub(super) const fn is_plain(self) -> bool {
        matches!(self, Self::Quick(_))
    }
}

impl Quick {
    fn new(prefixes: &[Vec<u8>], fixed: &[Literal]) -> Option<Self> {
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
        for prefix in prefixes {
            let bytes: Vec<String> = prefix.iter().map(u8::to_string).collect();
            add(prefix, prefix, Hit::Prefix)?;
            for bytes in [bytes.join(","), bytes.join(", ")] {
                add(bytes.as_bytes(), bytes.as_bytes(), Hit::Prefix)?;
            }
        }
        for Literal { text, rare, hit } in fixed {
            add(text.as_bytes(), rare.as_bytes(), *hit)?;
        }
        for separator in [",", ", "] {
            let bytes = RULE_BYTES.replace(',', separator);
            // From the second comma on: digits with a comma behind them are in many lines.
            let rare = bytes.match_indices(',').nth(1).map_or(0, |(at, _)| at);
            add(bytes.as_bytes(), &bytes.as_bytes()[rare..], Hit::Rule)?;
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
        let first = from;
        while from < text.len() {
            let span = aho_corasick::Span::from(from..text.len());
            let found = self.searcher.find_in(text, span)?;
            let spots = self.literals[found.pattern().as_usize()].iter();
            let spot = spots
                .filter_map(|(literal, at, hit)| {
                    let start = found
                        .start()
                        .checked_sub(*at)
                        .filter(|start| *start >= first)?;
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

/// A line that has a hit.
#[derive(Debug)]
pub(super) struct HitLine {
    /// Range of the line, without its line end.
    pub(super) line: Range<usize>,
    /// First hit of the line.
    pub(super) first: Spot,
}

/// Iterator over the lines of a text that have hits.
pub(super) struct HitLines<'s, 't> {
    finder: Finder<'s>,
    text: &'t [u8],
    from: usize,
    /// Hit in a later line, if it was found already.
    next: Option<Spot>,
    /// End of the last line.
    done: usize,
}

impl<'s, 't> HitLines<'s, 't> {
    pub(super) const fn new(finder: Finder<'s>, text: &'t [u8]) -> Self {
        Self {
            finder,
            text,
            from: 0,
            next: None,
            done: 0,
        }
    }

    /// Returns the next hit that counts, and its line.
    fn spot(&mut self) -> Option<(Spot, Range<usize>)> {
        loop {
            let spot = match self.next.take() {
                Some(spot) => spot,
                None if self.from <= self.text.len() => {
                    self.finder.find_at(self.text, self.from)?
                }
                None => return None,
            };
            let is_opening = spot.hit == Hit::Opening;
            let line = self.line_of(spot);
            // A match over several lines belongs to no line, and an empty prefix is found after each line as well.
            let is_over_lines = line.end < spot.end;
            let is_done = self.done > 0 && spot.start <= self.done;
            if !is_opening && (is_over_lines || is_done) {
                self.from = spot.start + 1;
                continue;
            }
            return Some((spot, line));
        }
    }

    /// Returns the range of the line that contains a hit.
    fn line_of(&self, spot: Spot) -> Range<usize> {
        let begins_before = spot.hit == Hit::Opening && self.text.get(spot.start) == Some(&b'\n');
        let inside = spot.start + usize::from(begins_before);
        let begin = memrchr(b'\n', &self.text[..inside]).map_or(0, |at| at + 1);
        let end = memchr(b'\n', &self.text[inside..]).map_or(self.text.len(), |at| inside + at);
        begin..end
    }

    /// Returns the next line that has a hit.
    pub(super) fn next_line(&mut self) -> Option<HitLine> {
        let (first, line) = self.spot()?;
        self.from = first.end.max(first.start + 1);
        Some(HitLine { line, first })
    }

    /// Skips the line that ends at `end`, whatever further hits it has. A text that opens another framing may begin with its line end.
    pub(super) fn skip(&mut self, end: usize) {
        self.from = self.from.max(end);
        self.done = end;
    }

    /// Returns where the line behind the one that was skipped last begins, whether or not it has a hit; `None` at the end.
    pub(super) fn following(&self) -> Option<usize> {
        let begin = self.done + 1;
        (begin < self.text.len()).then_some(begin)
    }

    /// Collects all hits of a line, and moves behind it.
    pub(super) fn rest(&mut self, line: &HitLine) -> Found {
        let mut found = Found::default();
        found.add(line.first.hit);
        self.from = first_behind(line);
        while let Some(spot) = (self.from <= self.text.len())
            .then(|| self.finder.find_at(self.text, self.from))
            .flatten()
        {
            let is_next = spot.start >= line.line.end;
            if is_next {
                self.next = Some(spot);
                break;
            }
            found.add(spot.hit);
            self.from = spot.end.max(spot.start + 1);
        }
        self.done = line.line.end;
        self.from = self.from.max(line.line.end);
        found
    }
}

/// Returns the offset from which the search continues after the first hit of a line. A text that opens another framing
/// may overlap the end of the line before.
fn first_behind(line: &HitLine) -> usize {
    let Spot { hit, start, end } = line.first;
    let behind = end - usize::from(hit == Hit::Opening && end > 0);
    behind.max(start + 1)
}
