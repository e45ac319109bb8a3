//! Reader of the JSON that most records of a log are: an object of ASCII in one line, without escapes, arrays and
//! fractions, in which each string ends at the next quote. What it leaves is for serde_json, and both find the same.

use super::super::json_fields::{OBJECTS, Within};
use super::{MAX_DEPTH, Object, named};

/// Number of bytes that are looked at together: the compiler makes vectors of them.
const CHUNK: usize = 64;

/// Reads the object that `text` consists of into `object`; `None` for any other text, of which `object` may have a part.
pub(super) fn read<'a>(text: &'a [u8], object: &mut Object<'a>) -> Option<()> {
    // As signed numbers, what is no ASCII is below the space as well.
    let is_plain = |byte: &u8| (byte.cast_signed() >= 0x20) & (*byte != b'\\');
    let is_all = |chunk: &[u8]| chunk.iter().fold(true, |all, byte| all & is_plain(byte));
    if !text.chunks(CHUNK).all(is_all) {
        return None;
    }
    let mut plain = Plain { rest: text, object };
    plain.mark(b'{')?;
    plain.fields(Some(Within::Record), 0)?;
    plain.rest.is_empty().then_some(())
}

/// An object that is read.
struct Plain<'o, 'a> {
    rest: &'a [u8],
    object: &'o mut Object<'a>,
}

impl<'a> Plain<'_, 'a> {
    /// Reads an object behind its bracket. Its fields count where their context is known.
    fn fields(&mut self, within: Option<Within>, depth: u8) -> Option<()> {
        if self.mark(b'}').is_some() {
            return Some(());
        }
        loop {
            self.mark(b'"')?;
            let key = self.string()?;
            self.mark(b':')?;
            let (row, object) = within.map_or((None, None), |within| named(within, key));
            if depth == 0 {
                self.object.objects |= object.map_or(0, |at| 1 << at);
            }
            let value = self.value(object.map(|at| OBJECTS[at].1), depth + 1)?;
            match (row, value) {
                (Some(row), Some(value)) => self.object.put(row, value.into()),
                (Some(row), None) => self.object.put_object(row),
                (None, _) => {}
            }
            if self.mark(b',').is_none() {
                return self.mark(b'}');
            }
        }
    }

    /// Reads a value. Returns its text, which an object and a boolean have none of, as [`super::Inside`] does.
    #[inline]
    fn value(&mut self, within: Option<Within>, depth: u8) -> Option<Option<&'a [u8]>> {
        if self.mark(b'"').is_some() {
            return self.string().map(Some);
        }
        if self.mark(b'{').is_none() {
            return self.word();
        }
        if depth > 2 * MAX_DEPTH {
            return None;
        }
        self.fields(within.filter(|_| depth < MAX_DEPTH), depth)?;
        Some(None)
    }

    /// Reads a whole number, or a value that has a name.
    fn word(&mut self) -> Option<Option<&'a [u8]>> {
        /// What has this many digits fits into 64 bits.
        const MAX_DIGITS: usize = 19;
        for (name, value) in [("null", Some(&b""[..])), ("true", None), ("false", None)] {
            if let Some(rest) = self.rest.strip_prefix(name.as_bytes()) {
                self.rest = rest;
                return Some(value);
            }
        }
        let digits = self.rest.iter().take_while(|b| b.is_ascii_digit()).count();
        let is_long = self.rest.first() != Some(&b'0') && (2..=MAX_DIGITS).contains(&digits);
        let (number, rest) = self.rest.split_at(digits);
        self.rest = rest;
        (digits == 1 || is_long).then_some(Some(number))
    }

    /// Reads the string behind a quote.
    #[inline]
    fn string(&mut self) -> Option<&'a [u8]> {
        let (text, rest) = self.rest.split_at_checked(quote(self.rest)?)?;
        self.rest = rest.get(1..)?;
        Some(text)
    }

    /// Splits off `mark`, with the spaces before it.
    #[inline]
    fn mark(&mut self, mark: u8) -> Option<()> {
        while let [first, rest @ ..] = self.rest {
            if *first == mark {
                self.rest = rest;
                return Some(());
            }
            if *first != b' ' {
                break;
            }
            self.rest = rest;
        }
        None
    }
}

/// Returns the offset of the first quote in a text of ASCII.
#[inline]
fn quote(text: &[u8]) -> Option<usize> {
    const EACH: u64 = u64::from_le_bytes([1; 8]);
    // Most strings have two or three words of eight bytes: these take less than to call a search.
    let mut from = 0;
    for word in text.as_chunks().0.iter().take(4) {
        // A byte is 0 for a quote, and gets its upper bit for any other.
        let others = (u64::from_le_bytes(*word) ^ (EACH * u64::from(b'"'))) + EACH * 0x7f;
        let quotes = !others & (EACH * 0x80);
        if quotes != 0 {
            return Some(from + (quotes.trailing_zeros() / 8) as usize);
        }
        from += 8;
    }
    memchr::memchr(b'"', &text[from..]).map(|at| from + at)
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::{Just, Strategy, prop_assert_eq, prop_oneof, proptest};
    use proptest::sample::select;

    use super::{Object, quote, read};
    use crate::input::format::FORMATS;
    use crate::input::format::json_fields::{FIELDS, OBJECTS};

    fn key() -> impl Strategy<Value = &'static str> {
        let fields = FIELDS.iter().map(|field| field.name);
        let objects = OBJECTS.iter().map(|(name, _)| *name);
        prop_oneof![
            select(fields.collect::<Vec<_>>()),
            select(objects.collect::<Vec<_>>()),
            select(vec![
                "",
                "__CURSOR",
                "log.syslog.facility.code",
                "log.syslog",
                "a.host",
                "host.name.",
                "\\u0068ost",
                "höst",
            ]),
        ]
    }

    /// A value, of which some are none.
    fn value() -> impl Strategy<Value = String> {
        let simple = select(vec![
            "\"a\"",
            "\"\"",
            "\"b \x7f\"",
            "\"a\\n\"",
            "\"é\"",
            "\"\t\"",
            "\"",
            "0",
            "7",
            "255",
            "01",
            "-1",
            "1.5",
            "1e3",
            "1776852001123456",
            "9999999999999999999",
            "18446744073709551615",
            "99999999999999999999",
            "true",
            "false",
            "null",
            "tru",
            "[1]",
            "[]",
            "{}",
            "{",
            "",
        ]);
        let simple = simple.prop_map(str::to_owned);
        simple.prop_recursive(8, 64, 4, |inner| {
            let space = || prop_oneof![9 => Just(""), 1 => Just(" "), 1 => Just("\n")];
            let field = (key(), space(), inner).prop_map(|(key, space, value)| {
                format!("{space}\"{key}\"{space}:{space}{value}{space}")
            });
            (
                vec(field, 0..6),
                prop_oneof![9 => Just("}"), 1 => Just(",}"), 1 => Just("")],
            )
                .prop_map(|(fields, end)| format!("{{{}{end}", fields.join(",")))
        })
    }

    proptest! {
        #[test]
        fn what_is_plain_is_what_serde_json_reads(text in value()) {
            let (mut object, mut parsed) = (Object::default(), Object::default());
            if read(text.as_bytes(), &mut object).is_some() {
                prop_assert_eq!(parsed.parse(&text), Some(()));
                prop_assert_eq!(format!("{object:?}"), format!("{parsed:?}"));
            }
        }
    }

    #[test]
    fn the_first_quote_is_found_wherever_it_stands() {
        for at in 0..40 {
            for behind in 0..20 {
                let text = format!("{}\"{}", "!".repeat(at), "\"\x7f ".repeat(behind));
                assert_eq!(quote(text.as_bytes()), Some(at));
            }
            assert_eq!(quote("#\x7f".repeat(at).as_bytes()), None);
        }
    }

    #[test]
    fn records_are_plain() {
        for code in ["json", "elastic", "loki"] {
            let format = FORMATS.iter().find(|format| format.code == code).unwrap();
            let is_plain = read(format.sample.as_bytes(), &mut Object::default()).is_some();
            assert!(is_plain, "{code}");
        }
    }
}
