//! Tokenizer for lines in which fields may be missing: tokens between blanks, and the numbers in them.

use nom::Parser;
use nom::bytes::complete::{tag, take_till1, take_while, take_while_m_n};
use nom::character::complete::char;
use nom::combinator::{all_consuming, map_res};
use nom::error::Error;
use nom::sequence::{delimited, preceded};

/// Upper bound on the digits of an options field: more than the kernel writes, 80 digits for 40 bytes.
const MAX_OPTIONS: usize = 256;

/// Keeps the first readable value of a key that occurs twice.
pub(super) fn first<T>(slot: &mut Option<T>, value: Option<T>) {
    if slot.is_none() {
        *slot = value;
    }
}

/// Text between two blanks: `KEY=value`, `KEY:value`, or a word.
#[derive(Clone, Copy)]
pub(super) struct Token<'a> {
    /// Key with its `=` or `:`; a word is all key.
    pub(super) key: &'a str,
    pub(super) value: &'a str,
    /// Whether text follows the token, so that its value cannot have been cut.
    pub(super) ended: bool,
    /// Text from the first byte of the token to the end of the line.
    tail: &'a str,
}

impl Token<'_> {
    /// Whether the value was elided with `...`.
    pub(super) fn elided(&self) -> bool {
        self.value.contains("...") || self.value.contains('…')
    }
}

/// Position in the line.
#[derive(Clone, Copy)]
pub(super) struct Cursor<'a> {
    rest: &'a str,
}

impl<'a> Cursor<'a> {
    /// Creates a cursor at the start of `text`.
    pub(super) const fn new(text: &'a str) -> Self {
        Self { rest: text }
    }

    /// Returns the next token. Inside the brackets of an ICMP error `]` ends a token, and is one.
    pub(super) fn token(&mut self, quoted: bool) -> Option<Token<'a>> {
        let (tail, _) = take_while::<_, _, Error<&str>>(blank)
            .parse(self.rest)
            .ok()?;
        let (rest, text) = if quoted && tail.starts_with(']') {
            (&tail[1..], &tail[..1])
        } else {
            take_till1::<_, _, Error<&str>>(|c| blank(c) || (quoted && c == ']'))
                .parse(tail)
                .ok()?
        };
        self.rest = rest;
        let key = text.find(['=', ':']).map_or(text.len(), |at| at + 1);
        let (key, value) = text.split_at(key);
        Some(Token {
            key,
            value,
            ended: !rest.is_empty(),
            tail,
        })
    }

    /// Moves back to just behind the bracket that begins `token`.
    pub(super) fn enter(&mut self, token: &Token<'a>) {
        self.rest = token.tail.strip_prefix('[').unwrap_or(token.tail);
    }

    /// Parses ` [n bytes]` after `INCOMPLETE`, before any other bracket is looked at.
    pub(super) fn bytes(&mut self) -> Option<u32> {
        let number = nom::character::complete::u32;
        self.accept(delimited(tag(" ["), number, tag(" bytes]")))
    }

    /// ` (…)` behind `OPT`.
    pub(super) fn options(&mut self) -> Option<&'a str> {
        let inside = take_while_m_n(0, MAX_OPTIONS, |c| c != ')' && c != ']');
        self.accept(delimited(tag(" ("), inside, char(')')))
    }

    /// ` Ext Hdr n` behind `Unknown`.
    pub(super) fn extension(&mut self) -> Option<u8> {
        self.accept(preceded(tag(" Ext Hdr "), nom::character::complete::u8))
    }

    fn accept<T>(
        &mut self,
        mut parser: impl Parser<&'a str, Output = T, Error = Error<&'a str>>,
    ) -> Option<T> {
        let (rest, value) = parser.parse(self.rest).ok()?;
        self.rest = rest;
        Some(value)
    }
}

fn blank(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\r' | '\n')
}

/// Whether a byte parts tokens.
pub(super) fn is_blank(byte: u8) -> bool {
    blank(char::from(byte))
}

fn whole<'a, T>(
    parser: impl Parser<&'a str, Output = T, Error = Error<&'a str>>,
    text: &'a str,
) -> Option<T> {
    let (_, value) = all_consuming(parser).parse(text).ok()?;
    Some(value)
}

pub(super) fn dec8(text: &str) -> Option<u8> {
    whole(nom::character::complete::u8, text)
}

pub(super) fn dec16(text: &str) -> Option<u16> {
    whole(nom::character::complete::u16, text)
}

pub(super) fn dec32(text: &str) -> Option<u32> {
    whole(nom::character::complete::u32, text)
}

pub(super) fn dec64(text: &str) -> Option<u64> {
    whole(nom::character::complete::u64, text)
}

/// Whether a number of 8 bits that ends the line may be the begin of a longer one. The kernel pads none with zeros.
pub(super) const fn may_go_on(number: u8) -> bool {
    matches!(number, 1..=25)
}

/// Hex digits alone, as in `POINTER=` and the `ID:` of IPv6.
pub(super) fn hex32(text: &str) -> Option<u32> {
    let digits = take_while_m_n(1, 8, |c: char| c.is_ascii_hexdigit());
    whole(
        map_res(digits, |digits| u32::from_str_radix(digits, 16)),
        text,
    )
}

pub(super) fn hex16(text: &str) -> Option<u16> {
    hex32(text)?.try_into().ok()
}

/// Hex digits behind `0x`.
pub(super) fn prefixed32(text: &str) -> Option<u32> {
    hex32(text.strip_prefix("0x")?)
}

pub(super) fn prefixed8(text: &str) -> Option<u8> {
    prefixed32(text)?.try_into().ok()
}
