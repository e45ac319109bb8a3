//! What stops a run ([`Error`], fatal) and what only costs a line ([`Skip`], counted).

use std::fmt;

/// Something that stops the reading of an input, or the run. Each text ends in what to do.
#[derive(Debug)]
pub enum Error {
    /// A file that cannot be opened or read.
    Input { name: String, why: std::io::Error },
    /// An input that was opened and cannot be read as what it is.
    Unreadable { name: String, why: String },
    /// An option whose value is not of its form.
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

/// The system's words for `why` without its number, and what to do: for the usual ones what mends them, else `advice`.
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
            // What is no error of the system has its advice already.
            let Some(number) = why.raw_os_error() else {
                return text;
            };
            let words = text.strip_suffix(&format!(" (os error {number})"));
            return format!("{}; {advice}", words.unwrap_or(&text).to_lowercase());
        }
    };
    hint.to_owned()
}

/// Why a line that looked like a drop line was not judged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Skip {
    /// A drop line that could not be parsed; the text says what is missing.
    Unreadable(String),
    /// The text of a drop line that did not come from the kernel.
    Untrusted(&'static str),
}

/// `text` with every byte that could steer a terminal, or change the reading direction, as an escape.
///
/// Log text is written by whoever can send a packet or a log line.
pub fn printable(text: &str) -> String {
    // Nearly all texts are ASCII without anything of that.
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

/// `name` as one printable word. Names of nodes and chains have no spaces; in one that has, they would let a text break
/// where its author wants, so that the next line looks like a command of ours.
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

/// Whether `c` could steer a terminal or hide text: control characters (C0, DEL, C1), line separators, bidi marks and invisible format characters.
pub fn is_hostile(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{00AD}' | '\u{061C}' | '\u{180E}' | '\u{200B}'..='\u{200F}' | '\u{2028}'..='\u{202E}'
            | '\u{2060}'..='\u{206F}' | '\u{FEFF}' | '\u{FFF9}'..='\u{FFFB}' | '\u{E0000}'..='\u{E007F}')
}

#[cfg(test)]
mod tests {
    use super::{printable, printable_name};

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
