//! Characters that are not seen in a text, and the escapes that stand for them: what copies, editors and terminals add to a
//! line, within its words too.

use crate::error::is_hostile;

/// Returns what stands behind `word` in `text`, which begins with it; letters of `word` may have something unseen between
/// them, and at least one has, or the first has it before it. A blank of the word may be missing: a no-break one may stand
/// for it.
pub(super) fn behind_changed<'t, 'w>(
    text: &'t [u8],
    word: impl Iterator<Item = &'w u8>,
) -> Option<&'t [u8]> {
    let mut rest = text;
    let mut is_changed = false;
    for (number, letter) in word.enumerate() {
        while let Some(length) = control_sequence(rest) {
            rest = &rest[length..];
            is_changed = true;
        }
        while rest.first() != Some(letter) && *letter != b' ' {
            if rest.first() == Some(&b' ') && (is_changed || number == 0) {
                rest = &rest[1..];
            } else {
                rest = &rest[control_sequence(rest).or_else(|| unseen(rest))?..];
                is_changed = true;
            }
        }
        rest = rest.strip_prefix(&[*letter]).unwrap_or(rest);
    }
    while let Some(length) = control_sequence(rest).or_else(|| unseen(rest)) {
        rest = &rest[length..];
        is_changed = true;
    }
    is_changed.then_some(rest)
}

/// Returns `text` without the characters at its end that are not seen, such as a mark of direction.
pub(in crate::input) fn without_unseen_end(mut text: &[u8]) -> &[u8] {
    while let Some(last) = text.last() {
        if matches!(last, b' '..=b'~') {
            break;
        }
        let is_begin = |at: &usize| text[*at] & 0xc0 != 0x80;
        let begin = (text.len().saturating_sub(4)..text.len()).rfind(is_begin);
        let letter = begin.and_then(|begin| str::from_utf8(&text[begin..]).ok());
        match letter.and_then(|letter| letter.chars().next()) {
            Some(c) if is_hostile(c) => text = &text[..text.len() - c.len_utf8()],
            _ => break,
        }
    }
    text
}

/// Returns the length of what stands at the start of `text` and is not seen: a character, a byte that is none, an escape, or
/// a time, which some programs write before each part of a line.
fn unseen(text: &[u8]) -> Option<usize> {
    match text.first()? {
        b' '..=b'~' => escape(text).or_else(|| time(text)),
        byte if byte.is_ascii() => Some(1),
        byte => {
            let length = (byte.leading_ones() as usize).clamp(1, 4);
            let letter = text.get(..length).map(str::from_utf8);
            match letter.and_then(|letter| letter.ok()?.chars().next()) {
                Some(c) => (is_hostile(c) || c == char::REPLACEMENT_CHARACTER).then_some(length),
                None => Some(1),
            }
        }
    }
}

/// Returns the length of the control sequence (ECMA-48, CSI) at the start of `text`, such as a colour, in which the escape
/// may be written in any way.
fn control_sequence(text: &[u8]) -> Option<usize> {
    const ESCAPES: &[&str] = &[
        "\x1b",
        "^[",
        "ESC",
        "\\e",
        "\\x1b",
        "\\033",
        "\\33",
        "\\u001b",
        "\\u{1b}",
        "\\U0000001b",
        "#033",
        "<1b>",
        "<ESC>",
        "<U+001B>",
        "%1b",
        "=1b",
        "&#27;",
        "&#x1b;",
        "?",
        "\u{241b}",
        "\u{fffd}",
    ];
    let bare = text
        .strip_prefix(b"\\")
        .filter(|rest| rest.starts_with(b"\\"));
    let bare = bare.unwrap_or(text);
    let is_begin = |escape: &&&str| {
        let begin = bare.get(..escape.len());
        begin.is_some_and(|begin| begin.eq_ignore_ascii_case(escape.as_bytes()))
    };
    let escape = ESCAPES.iter().find(is_begin)?;
    let rest = bare[escape.len()..].strip_prefix(b"[")?;
    let is_parameter = |b: &u8| b.is_ascii_digit() || b";:?".contains(b);
    let parameters = rest.iter().take_while(|b| is_parameter(b)).count();
    let end = rest.get(parameters).filter(|b| b.is_ascii_alphabetic())?;
    // A bracket behind a character that nobody knows may be of the word.
    if matches!(*escape, "?" | "\u{fffd}") && parameters == 0 && !b"mK".contains(end) {
        return None;
    }
    Some(text.len() - rest.len() + parameters + 1)
}

fn time(text: &[u8]) -> Option<usize> {
    const FORM: &[u8] = b"0000-00-00T00:00:00";
    let is_alike = |(byte, form): (&u8, &u8)| match form {
        b'0' => byte.is_ascii_digit(),
        form => byte == form,
    };
    let stamp = text.get(..FORM.len())?;
    let is_stamp = stamp.iter().zip(FORM).all(is_alike);
    let end = text.iter().position(|b| *b == b' ')?;
    is_stamp.then_some(end)
}

/// Returns the length of the escape at the start of `text`: of rsyslog, `cat -v`, `less`, C, JSON, HTML, RFC 3986, RFC 2045;
/// a question mark stands where there was nothing to convert it to.
fn escape(text: &[u8]) -> Option<usize> {
    /// The longest name of an entity: `&ZeroWidthSpace;`.
    const MAX_NAME: usize = 24;
    let closed = |end: u8| {
        let inside = text.iter().skip(1).take(MAX_NAME);
        let length = inside.take_while(|b| b.is_ascii_alphanumeric() || b"#+".contains(b));
        let length = 1 + length.count();
        (length > 1 && text.get(length) == Some(&end)).then_some(length + 1)
    };
    let all = |from: usize, count: usize, is: fn(&u8) -> bool| {
        let digits = text.get(from..from + count);
        digits
            .is_some_and(|digits| digits.iter().all(is))
            .then_some(from + count)
    };
    let is_octal = |b: &u8| matches!(b, b'0'..=b'7');
    match text {
        [b'?', ..] => Some(1),
        [b'#', ..] => all(1, 3, is_octal),
        [b'%' | b'=', ..] => all(1, 2, u8::is_ascii_hexdigit),
        [b'&', ..] => closed(b';'),
        [b'<', ..] => closed(b'>'),
        [b'^', b'?'..=b'_', ..] => Some(2),
        [b'M', b'-', b'^', _, ..] => Some(4),
        [b'M', b'-', _, ..] => Some(3),
        [b'\\', kind, ..] => match kind {
            b'x' => all(2, 2, u8::is_ascii_hexdigit),
            b'u' if text.get(2) == Some(&b'{') => {
                let end = text.iter().take(MAX_NAME).position(|b| *b == b'}')?;
                Some(end + 1)
            }
            b'u' => all(2, 4, u8::is_ascii_hexdigit),
            b'U' => all(2, 8, u8::is_ascii_hexdigit),
            b'\\' => Some(1),
            b'a' | b'b' | b'e' | b'f' | b'n' | b'r' | b't' | b'v' => Some(2),
            _ => all(1, 3, is_octal).or_else(|| all(1, 1, is_octal)),
        },
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::{behind_changed, without_unseen_end};

    #[test]
    fn what_is_unseen_at_the_end_comes_off() {
        for (text, seen) in [
            ("URGP=0\u{200b}\u{feff}", "URGP=0"),
            ("URGP=0 \0", "URGP=0 "),
            ("URGP=0", "URGP=0"),
            ("\u{444}", "\u{444}"),
            ("\u{200b}", ""),
        ] {
            assert_eq!(without_unseen_end(text.as_bytes()), seen.as_bytes());
        }
        assert_eq!(
            without_unseen_end(b"a\x80\x80\x80\x80\x80"),
            b"a\x80\x80\x80\x80\x80"
        );
    }

    #[test]
    fn what_is_unseen_is_left_out() {
        for added in [
            "\u{200b}",
            "\u{feff}",
            "\u{ad}",
            "\u{2060}",
            "\u{202e}",
            "\u{2066}",
            "\u{a0}",
            "\u{fffd}",
            "\0",
            "\t",
            "\x7f",
            "#000",
            "#342#200#213",
            "\\u200b",
            "\\x00",
            "\\0",
            "\\000",
            "\\\\u200b",
            "\\u{200b}",
            "\\U0000200b",
            "<U+200B>",
            "<feff>",
            "M-bM-^@M-^K",
            "^@",
            "&#8203;",
            "&nbsp;",
            "&ZeroWidthSpace;",
            "%E2%80%8B",
            "=E2=80=8B",
            "?",
            "^[[01;31m^[[K",
            "ESC[mESC[K",
            "\\e[0m",
            "\\x1b[1m",
            "\\u001b[38;5;1m",
            "\\\\u001b[m",
            "#033[K",
            "\u{241b}[1m",
            "2026-05-04T09:58:10.2Z ",
        ] {
            for text in [
                format!("{added}DROP: IN="),
                format!("{added} DROP: IN="),
                format!("DR{added}OP: IN="),
                format!("DROP:{added}IN="),
                format!("DROP: {added}IN="),
                format!("DROP: I{added}N="),
            ] {
                let behind = behind_changed(text.as_bytes(), b"DROP: IN=".iter());
                assert_eq!(behind, Some(&b""[..]), "{text:?}");
            }
        }
        for bytes in [
            &b"DR\xffOP: IN="[..],
            b"\xe2\x80DROP: IN=",
            b"\xc2DROP: IN=",
        ] {
            assert!(behind_changed(bytes, b"DROP: IN=".iter()).is_some());
        }
        for text in [
            "DROP: IN=",
            " DROP: IN=",
            "DROP:IN=",
            "VM_DROP: IN=",
            "DRÖP: IN=",
            "DR\u{410}OP: IN=",
            "DR\u{301}OP: IN=",
            "<DROP: IN=",
            "DR OP: IN=",
            "",
            "DR\u{200b}O",
            "DR[0mOP: IN=",
            "ESC[DROP: IN=",
        ] {
            assert_eq!(
                behind_changed(text.as_bytes(), b"DROP: IN=".iter()),
                None,
                "{text:?}"
            );
        }
    }
}
