//! Text as Markdown: nothing of it becomes markup, a mention or a link.

use crate::error::printable;

/// Writes `text` as a code span, in which only its own end means anything.
pub(super) fn code(text: &str) -> String {
    let text = printable(text);
    if text.trim().is_empty() {
        return text;
    }
    let fence = "`".repeat(longest_run(&text) + 1);
    let pad = match text.starts_with('`') || text.ends_with('`') {
        true => " ",
        false => "",
    };
    format!("{fence}{pad}{text}{pad}{fence}")
}

/// Writes `lines` as a block of code.
pub(super) fn block(language: &str, lines: &str) -> String {
    let fence = "`".repeat(longest_run(lines).max(2) + 1);
    let lines: Vec<String> = lines.lines().map(printable).collect();
    format!("{fence}{language}\n{}\n{fence}\n", lines.join("\n"))
}

fn longest_run(text: &str) -> usize {
    let runs = text.split(|c| c != '`');
    runs.map(str::len).max().unwrap_or(0)
}

/// Writes a sentence: what stands between backticks, and each word that could be more than text, is a code span.
pub(super) fn prose(text: &str) -> String {
    let text = printable(text);
    let words = |text: &str| text.split(' ').map(word).collect::<Vec<_>>().join(" ");
    let parts: Vec<&str> = text.split('`').collect();
    if !is_quoted(&parts) {
        return words(&text);
    }
    let parts = parts.iter().enumerate();
    let parts = parts.map(|(place, part)| match place % 2 {
        0 => words(part),
        _ => code(part),
    });
    parts.collect()
}

/// Whether each second part stands between backticks as a word of its own: code spans that touch would be one.
fn is_quoted(parts: &[&str]) -> bool {
    let last = parts.len() - 1;
    let is_apart = |(place, part): (usize, &&str)| {
        let is_end = part.is_empty() && (place == 0 || place == last);
        let begins = place == 0 || is_end || part.starts_with([' ', ',', '.', ';', ':', ')']);
        let ends = place == last || is_end || part.ends_with([' ', '(']);
        begins && ends
    };
    last.is_multiple_of(2) && parts.iter().enumerate().step_by(2).all(is_apart)
}

/// Writes a cell of a table.
pub(super) fn cell(markdown: &str) -> String {
    markdown.replace('|', "\\|")
}

fn word(word: &str) -> String {
    // Punctuation around a word stays outside its code.
    let is_around = |c: char| {
        matches!(
            c,
            '(' | ')' | ',' | '.' | ';' | ':' | '"' | '\'' | '?' | '!'
        )
    };
    let core = word.trim_matches(is_around);
    if core.is_empty() {
        return if word.len() > 3 {
            code(word)
        } else {
            word.to_owned()
        };
    }
    if !means_more(core) {
        return word.to_owned();
    }
    match word.split_once(core) {
        Some((before, after)) => format!("{before}{}{after}", code(core)),
        None => code(word),
    }
}

/// Whether a word could be markup, a mention, a link, a reference or an emoji.
fn means_more(word: &str) -> bool {
    let is_plain = |c: char| c.is_alphanumeric() || "/%+-=.,:;()'\"?!✓✗·×".contains(c);
    if !word.chars().all(is_plain) {
        return true;
    }
    let lower = word.to_ascii_lowercase();
    let is_link =
        lower.contains("://") || lower.starts_with("www.") || lower.starts_with("mailto:");
    let is_reference = lower.starts_with("gh-");
    let is_rule = word.chars().all(|c| "+-=".contains(c));
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    let is_item = word.strip_suffix([')', '.']).is_some_and(is_number);
    let is_hex = word.len() >= 7 && word.bytes().all(|b| b.is_ascii_hexdigit()) && !is_number(word);
    let names: Vec<&str> = word.split(':').collect();
    let inner = names
        .get(1..names.len().saturating_sub(1))
        .unwrap_or_default();
    let is_emoji = inner
        .iter()
        .any(|name| !(is_number(name) && name.len() == 2));
    is_link || is_reference || is_rule || is_item || is_hex || is_emoji
}

#[cfg(test)]
mod tests {
    use super::{block, cell, code, prose};

    #[test]
    fn own_words_stay_as_they_are() {
        for text in [
            "2 rules are missing, 1 needs your decision.",
            "VXLAN (Flannel/Canal)",
            "10:02:00 to 10:03:29 looks like an upgrade",
            "64 % of the time on harvester1",
            "tcp/2112 on harvester1 (a guess): 9 drops",
        ] {
            assert_eq!(prose(text), text);
        }
    }

    #[test]
    fn what_could_be_more_than_text_is_code() {
        for (text, written) in [
            ("see `dropsift -v` for it", "see `dropsift -v` for it"),
            ("ask @admin, or #12", "ask `@admin`, or `#12`"),
            (
                "<img src=x> and </details>",
                "`<img` `src=x>` and `</details>`",
            ),
            ("(https://x.y/z)", "(`https://x.y/z`)"),
            (
                "www.x.y a:+1:b fd00::61 gh-12",
                "`www.x.y` `a:+1:b` `fd00::61` `gh-12`",
            ),
            ("a|b *c* _d_ [e](f)", "`a|b` `*c*` `_d_` `[e](f`)"),
            ("--- 1) +", "`---` 1) `+`"),
            ("one ` alone", "one `` ` `` alone"),
            ("`a` b", "`a` b"),
            ("c `a`", "c `a`"),
            ("(`a`).", "(`a`)."),
            ("a`$(b`$c", "``a`$(b`$c``"),
            ("`a``b`", "``` `a``b` ```"),
            ("`$(a b)`c d`${e}", "`` `$(a `` ``b)`c`` ``d`${e}``"),
            ("a\nb\u{202e}c", "`a\\u{a}b\\u{202e}c`"),
        ] {
            assert_eq!(prose(text), written, "{text}");
        }
        assert_eq!(code("a`b``c"), "```a`b``c```");
        assert_eq!(code("`a`"), "`` `a` ``");
        assert_eq!(cell(&code("a|b")), "`a\\|b`");
        assert_eq!(block("sh", "a\nb```c"), "````sh\na\nb```c\n````\n");
    }
}
