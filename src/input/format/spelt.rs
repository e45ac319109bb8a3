//! The documented prefix as filters, pages and exports spell it: what stands between its words, and between `IN` and what
//! follows, is anybody's.

use memchr::memmem;

/// The words of a drop line in their order, and one of its addresses; a filter may write all in small letters.
const WORDS: [[&str; 5]; 2] = [
    ["HARVESTER", "DROP", "IN", "SRC", "DST"],
    ["harvester", "drop", "in", "src", "dst"],
];
/// The longest escape of one character: `&lowbar;`.
const MAX_BETWEEN: usize = 8;

/// Whether `text` has the words of a drop line, however they are joined.
pub(super) fn is_spelt_in(text: &[u8]) -> bool {
    WORDS.iter().any(|[name, drop, field, src, dst]| {
        memmem::find_iter(text, name).any(|at| {
            let dropped = behind(&text[at + name.len()..], drop);
            let behind = dropped.and_then(|rest| behind(rest, field));
            // `FULL_HARVESTER_DROP_` is another rule's, and `INPUT` a chain.
            let is_field = |rest: &[u8]| !rest.first().is_some_and(u8::is_ascii_alphanumeric);
            !ends_within_word(&text[..at])
                && behind.filter(|rest| is_field(rest)).is_some_and(|rest| {
                    [src, dst]
                        .iter()
                        .any(|word| memmem::find(rest, word.as_bytes()).is_some())
                })
        })
    })
}

/// Returns what stands behind `word` at the start of `text`, where before it stand signs or an escape alone: another word makes it
/// another rule's prefix.
fn behind<'t>(text: &'t [u8], word: &str) -> Option<&'t [u8]> {
    let near = &text[..text.len().min(MAX_BETWEEN + word.len())];
    let at = memmem::find(near, word.as_bytes())?;
    let is_escape = near.first().is_some_and(|first| b"\\%&#".contains(first));
    let is_joined = is_escape || !near[..at].iter().any(u8::is_ascii_alphanumeric);
    is_joined.then(|| &text[at + word.len()..])
}

/// Whether a text ends within a word. The letter or the digits of an escape, such as `\n`, `\u000a`, `#012` or `%20`, are none.
pub(super) fn ends_within_word(text: &[u8]) -> bool {
    let Some(last) = text.last() else {
        return false;
    };
    let is_escape = |len: usize, mark: &[u8]| {
        let begin = text.len().checked_sub(len);
        begin.is_some_and(|begin| text[begin..].starts_with(mark))
    };
    let escapes: [(usize, &[u8]); 5] =
        [(2, b"\\"), (4, b"\\x"), (6, b"\\u"), (4, b"#0"), (3, b"%")];
    let is_word = last.is_ascii_alphanumeric() || matches!(last, b'_' | b'-');
    is_word && !escapes.iter().any(|(len, mark)| is_escape(*len, mark))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_drop_line_is_told_however_it_is_spelt() {
        for drop in [
            "<b>HARVESTER_DROP_IN</b>=a SRC=b",
            "@x@HARVESTER_DROP_IN@/kibana-highlighted-field@=a SRC=b",
            "HARVESTER\\_DROP\\_IN\\=a DST\\=b",
            "HARVESTER\\u005fDROP\\u005fIN\\u003da SRC\\u003db",
            "HARVESTER%5FDROP%5FIN%3Da SRC%3Db",
            "HARVESTER&lowbar;DROP&lowbar;IN&equals;a SRC&equals;b",
            "HARVESTER_DROP_IN = a SRC = b",
            "HARVESTER_DROP_IN\u{ff1d}a SRC\u{ff1d}b",
            "HARVESTER_DROP_IN: a SRC: b",
            "{\"HARVESTER_DROP_IN\":\"a\",\"SRC\":\"b\"}",
            "harvester_drop_in=a src=b",
        ] {
            assert!(is_spelt_in(drop.as_bytes()), "{drop}");
        }
        for other in [
            "",
            "FULL_HARVESTER_DROP_IN</b>=a SRC=b",
            "iptables -A HARVESTER_INPUT -j LOG --log-prefix HARVESTER_DROP_ --log-level 4",
            "-A HARVESTER_INPUT -s 10.0.0.0/8 -j DROP",
            "harvester1 kernel: drop in a src",
            "HARVESTER_DROP_IN",
            "HARVESTER_DROP_INPUT SRC=a",
            "HARVESTER_DROP_VM_IN=a SRC=b",
            "HARVESTER_VM_DROP_IN=a SRC=b",
        ] {
            assert!(!is_spelt_in(other.as_bytes()), "{other}");
        }
    }
}
