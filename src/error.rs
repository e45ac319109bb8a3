//! Errors that stop a run ([`Error`], fatal) and faults that cost one line ([`Skip`], counted).

use std::fmt;
use std::sync::LazyLock;

use regex::Regex;

/// An error that stops the reading of an input, or the run. Each text ends in the remedy.
#[derive(Debug)]
pub enum Error {
    /// A file that cannot be opened or read.
    Input { name: String, why: std::io::Error },
    /// A part of an input that journald put aside as damaged, and of which nothing can be read.
    Aside { name: String },
    /// An input that was opened and cannot be parsed.
    Unreadable { name: String, why: String },
    /// An option whose value is malformed.
    Usage(String),
    /// The output cannot be written.
    Output(std::io::Error),
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Input { name, why } => {
                let words = plain(
                    why,
                    "what came before counts; read a copy, made by `dd conv=noerror`, for the rest",
                );
                write!(f, "cannot read `{}`: {words}", printable(name))
            }
            Self::Aside { name } => write!(
                f,
                "nothing of `{}` can be read: its header is destroyed, and journald has put it aside; remove it, or leave that to \
                 `journalctl --vacuum-time=30d`, which removes all that is older",
                printable(name)
            ),
            Self::Unreadable { name, why } => {
                write!(f, "cannot read `{}`: {}", printable(name), printable(why))
            }
            Self::Usage(text) => write!(f, "{}", printable(text)),
            Self::Output(why) => {
                let words = plain(why, "what was written is not whole; write elsewhere");
                write!(f, "cannot write the output: {words}")
            }
        }
    }
}

impl std::error::Error for Error {}

impl Error {
    /// Whether it is worth a warning only, where the rest of the input could be read.
    pub const fn is_aside(&self) -> bool {
        matches!(self, Self::Aside { .. })
    }
}

/// Returns the system's description of `why` without its number, and the remedy: a specific one for the usual errors,
/// else `advice`.
fn plain(why: &std::io::Error, advice: &str) -> String {
    use std::io::ErrorKind;
    let hint = match why.kind() {
        ErrorKind::NotFound => "no such file; check the path",
        ErrorKind::PermissionDenied => "permission denied; run as a user who may read it",
        ErrorKind::IsADirectory => "it is a directory; name the files in it",
        ErrorKind::StorageFull => "no space left; free some, or write elsewhere",
        ErrorKind::QuotaExceeded => "the quota is used up; free some, or write elsewhere",
        ErrorKind::FileTooLarge => {
            "the file may not grow larger; raise the limit, or write elsewhere"
        }
        _ => {
            let text = printable(&why.to_string());
            // Errors that are not the system's contain their advice already.
            let Some(number) = why.raw_os_error() else {
                return text;
            };
            let words = text.strip_suffix(&format!(" (os error {number})"));
            return format!("{}; {advice}", words.unwrap_or(&text).to_lowercase());
        }
    };
    hint.to_owned()
}

/// Reason why a line that looked like a drop line was not judged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Skip {
    /// A drop line that could not be parsed, with the reason.
    Unreadable(String),
    /// The text of a drop line that did not come from the kernel.
    Untrusted(&'static str),
}

/// Escapes every character of `text` that could steer a terminal, or change the reading direction.
///
/// Log text is untrusted: it may come from any sender of a packet or of a log line.
pub fn printable(text: &str) -> String {
    // Fast path: nearly all texts are printable ASCII.
    if text.bytes().all(|b| (b' '..=b'~').contains(&b)) {
        return text.to_owned();
    }
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if is_hostile(c) {
            out.extend(c.escape_unicode());
        } else {
            out.push(c);
        }
    }
    out
}

/// Escapes `name` as one printable word. Names of nodes and chains have no spaces; a space would let a forged name break
/// the line, so that the next one looks like a command of this program.
pub fn printable_name(name: &str) -> String {
    let mut out = String::with_capacity(name.len());
    for c in name.chars() {
        if is_hostile(c) || c.is_whitespace() {
            out.extend(c.escape_unicode());
        } else {
            out.push(c);
        }
    }
    out
}

/// Control and format characters, separators and characters without a glyph, by their properties in the Unicode
/// Character
/// Database; two symbols without ink, the blank Braille pattern and the null notehead, have no property of their own.
static UNSEEN: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(r"[\p{Cc}\p{Cf}\p{Z}\p{Default_Ignorable_Code_Point}\x{2800}\x{1D159}]").ok()
});

/// Whether `c` could steer a terminal or hide text: control and format characters, and whatever is invisible or blank but the
/// space itself.
pub fn is_hostile(c: char) -> bool {
    if c.is_ascii() {
        return c.is_ascii_control();
    }
    let unseen = UNSEEN.as_ref();
    unseen.is_none_or(|unseen| unseen.is_match(c.encode_utf8(&mut [0; 4])))
}

#[cfg(test)]
mod tests {
    use super::{is_hostile, printable, printable_name};

    /// Covers each kind of characters without ink in the Unicode Character Database: fillers, selectors, joiners,
    /// spaces, script controls, tags.
    #[test]
    fn nothing_unseen_passes() {
        for c in "\u{115f}\u{1160}\u{3164}\u{ffa0}\u{fe0f}\u{e0100}\u{34f}\u{17b4}\u{180b}\u{180f}\u{2800}\u{a0}\u{2003}\u{3000}\
                  \u{1680}\u{85}\u{ad}\u{600}\u{70f}\u{1bca0}\u{13430}\u{1d173}\u{1d159}\u{e0001}\u{e0fff}\u{2065}\u{fff0}\u{2028}"
            .chars()
        {
            assert!(is_hostile(c), "U+{:04X}", u32::from(c));
        }
        for c in "a~ é\u{301}ẞ한漢ب☃\u{1f600}".chars() {
            assert!(!is_hostile(c), "U+{:04X}", u32::from(c));
        }
    }

    #[test]
    fn nothing_that_steers_a_terminal_passes() {
        assert_eq!(
            printable("a\x1b[31mb\u{202e}c\u{9b}d\n"),
            "a\\u{1b}[31mb\\u{202e}c\\u{9b}d\\u{a}"
        );
        assert_eq!(printable("mgmt-br.2025 ü"), "mgmt-br.2025 ü");
        assert_eq!(
            printable_name("a iptables\u{a0}-F\n"),
            "a\\u{20}iptables\\u{a0}-F\\u{a}"
        );
    }
}
