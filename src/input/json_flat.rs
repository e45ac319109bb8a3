//! The usual object of a journal: one level, strings for values, nothing escaped, no space between. `serde_json` reads all
//! others, and a test holds that both read the same.

use memchr::{memchr, memchr_iter};

use super::json_value::Parts;

impl<'a> Parts<'a> {
    /// Reads the object in `text` if it is a usual one.
    pub(super) fn usual(text: &'a [u8]) -> Option<Self> {
        let inner = text.strip_prefix(b"{\"")?.strip_suffix(b"\"}")?;
        if !is_plain(inner) {
            return None;
        }
        let mut parts = Self::default();
        let mut quotes = memchr_iter(b'"', inner);
        let mut begin = 0;
        loop {
            let key = inner.get(begin..quotes.next()?)?;
            begin += key.len() + 3;
            if inner.get(begin - 3..begin) != Some(b"\":\"") || quotes.next() != Some(begin - 1) {
                return None;
            }
            let end = quotes.next().unwrap_or(inner.len());
            let value = inner.get(begin..end)?;
            // A name may hold names of objects.
            if memchr(b'.', key).is_some() {
                return None;
            }
            parts.put_field(std::str::from_utf8(key).ok()?, value);
            if end == inner.len() {
                return Some(parts);
            }
            begin = end + 3;
            if inner.get(end..begin) != Some(b"\",\"") || quotes.next() != Some(begin - 1) {
                return None;
            }
        }
    }
}

/// Whether `text` is of printable ASCII without a backslash.
pub(super) fn is_plain(text: &[u8]) -> bool {
    let plain = |byte: &u8| matches!(byte, b' '..=b'~') & (*byte != b'\\');
    // In one loop without a way out, which is what compilers make vectors of.
    text.iter().fold(true, |all, byte| all & plain(byte))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{prop_assert, prop_assert_eq, proptest};

    use super::Parts;

    /// As journalctl writes an entry of the kernel.
    const ENTRY: &str = r#"{"__CURSOR":"s=4f;i=1;b=0a","_TRANSPORT":"kernel","PRIORITY":"4","MESSAGE":"HARVESTER_DROP_IN=mgmt-br OUT= SRC=192.168.122.62 ","_HOSTNAME":"harvester1","_BOOT_ID":"0a1b","__REALTIME_TIMESTAMP":"1776852001123456"}"#;

    #[test]
    fn an_entry_of_the_journal_is_usual() {
        assert!(Parts::usual(ENTRY.as_bytes()).is_some());
        for other in [
            r#"{"MESSAGE":"a\u0041"}"#,
            r#"{"MESSAGE":null,"PRIORITY":"4"}"#,
            r#"{"a.MESSAGE":"b"}"#,
            r#"{"MESSAGE":"ü"}"#,
            r#"{"MESSAGE": "b"}"#,
            r#"{"a":"b"},{"c":"d"}"#,
        ] {
            assert!(Parts::usual(other.as_bytes()).is_none(), "{other}");
        }
    }

    proptest! {
        #[test]
        fn the_usual_object_is_read_as_any_other(
            edits in proptest::collection::vec((0..ENTRY.len(), 0..12_usize, r#""|\\|","|":"|\{|\}|"\}|\.|[a-zA-Z_]|\PC|\x00|MESSAGE|","_TRANSPORT":"x"#), 0..4),
        ) {
            let mut text = ENTRY.as_bytes().to_vec();
            for (at, cut, over) in edits {
                let at = at.min(text.len());
                let end = (at + cut).min(text.len());
                text.splice(at..end, over.bytes());
            }
            if let Some(parts) = Parts::usual(&text) {
                prop_assert_eq!(Some(parts), Parts::any(&text));
            } else {
                prop_assert!(text != ENTRY.as_bytes());
            }
        }
    }
}
