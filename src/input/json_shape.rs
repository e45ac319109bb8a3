//! The keys of the objects before: journalctl writes most entries of a log with the same keys in the same order, so that the
//! next one is read by comparing what stands between its values.
//!
//! What is remembered was read by [`Parts::usual`] once, and a property test holds that reading with a memory says the same.

use memchr::memchr;

use super::json_flat::is_plain;
use super::json_names::{NAMES, Part};
use super::json_value::{Parts, row_of};
use crate::eights::begins;

/// So many shapes are remembered.
const MOST: usize = 4;
/// An object with more keys is none of a journal.
const MOST_KEYS: usize = 64;

/// The shapes of objects.
#[derive(Debug, Default)]
pub(super) struct Shapes {
    known: Vec<Vec<Field>>,
    /// The one that fitted last, and the one to forget next.
    last: usize,
    oldest: usize,
}

/// A key and what surrounds it, from behind the value before to the begin of its own.
#[derive(Debug)]
struct Field {
    text: Box<[u8]>,
    /// The row of [`NAMES`] that it has, and what it is.
    part: Option<(u8, Part)>,
}

impl Shapes {
    /// Reads the object in `text` if it is a usual one.
    pub(super) fn read<'a>(&mut self, text: &'a [u8]) -> Option<Parts<'a>> {
        if !text.starts_with(b"{\"") || !is_plain(text) {
            return None;
        }
        let count = self.known.len();
        for at in (self.last..count).chain(0..self.last) {
            if let Some(parts) = fit(&self.known[at], text) {
                self.last = at;
                return Some(parts);
            }
        }
        let parts = Parts::usual(text)?;
        let shape = shape(text)?;
        if count < MOST {
            self.known.push(shape);
            self.last = count;
        } else {
            self.known[self.oldest] = shape;
            self.last = self.oldest;
            self.oldest = (self.oldest + 1) % MOST;
        }
        Some(parts)
    }
}

/// The parts of `text`, if it has these keys and no others.
fn fit<'a>(shape: &[Field], text: &'a [u8]) -> Option<Parts<'a>> {
    let mut parts = Parts::default();
    let mut rest = text;
    for field in shape {
        if !begins(rest, &field.text) {
            return None;
        }
        rest = &rest[field.text.len()..];
        let (value, behind) = rest.split_at(memchr(b'"', rest)?);
        if let Some((rank, part)) = field.part {
            parts.put(rank, part, value.into());
        }
        rest = behind;
    }
    (rest == b"\"}").then_some(parts)
}

/// The keys of an object that [`Parts::usual`] reads.
fn shape(text: &[u8]) -> Option<Vec<Field>> {
    let mut shape = Vec::new();
    let mut rest = text;
    while rest != b"\"}" {
        // `{"key":"` or `","key":"`.
        let key = rest
            .strip_prefix(b"{\"")
            .or_else(|| rest.strip_prefix(b"\",\""))?;
        let name = &key[..memchr(b'"', key)?];
        let text = &rest[..rest.len() - key.len() + name.len() + b"\":\"".len()];
        let row = row_of("", std::str::from_utf8(name).ok()?);
        shape.push(Field {
            text: text.into(),
            part: row.map(|at| (at as u8, NAMES[at].part)),
        });
        rest = &rest[text.len()..];
        rest = &rest[memchr(b'"', rest)?..];
    }
    (shape.len() <= MOST_KEYS).then_some(shape)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{prop_assert_eq, proptest};

    use super::{Parts, Shapes};

    proptest! {
        #[test]
        fn what_objects_before_had_changes_nothing(
            objects in proptest::collection::vec(
                proptest::collection::vec((r#"MESSAGE|_HOSTNAME|_TRANSPORT|PRIORITY|a"#, r#"[a-z"]{0,3}"#), 0..4),
                1..8,
            ),
        ) {
            let mut shapes = Shapes::default();
            for fields in objects {
                let fields: Vec<_> = fields.iter().map(|(key, value)| format!("\"{key}\":\"{value}\"")).collect();
                let object = format!("{{{}}}", fields.join(","));
                prop_assert_eq!(shapes.read(object.as_bytes()), Parts::usual(object.as_bytes()), "{}", object);
            }
        }
    }
}
