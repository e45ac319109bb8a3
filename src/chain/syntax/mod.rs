//! The forms in which iptables prints chains, and the arguments that they share with its commands.

pub(in crate::chain) mod arguments;
mod blocks;
mod extensions;
mod form;
pub(in crate::chain) mod listing;
pub(in crate::chain) mod reader;
pub(in crate::chain) mod save;
mod table_text;
mod values;
mod words;

pub use form::{Form, detect};

/// Removes the traces of pasting from a line: its indentation, and the `> ` of a quoted mail.
pub(in crate::chain) fn bare_line(line: &str) -> &str {
    line.trim_matches(|c: char| c.is_whitespace() || c == '\0')
        .trim_start_matches("> ")
        .trim_start()
}
