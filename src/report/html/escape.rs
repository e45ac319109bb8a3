//! Escapes of values in templates: of HTML, and of characters that hide or reorder text.

use std::fmt::{self, Write};

use askama::filters::{Escaper, Html};

use crate::error::printable;

/// Escapes log text, which is hostile: nothing of it becomes markup, and nothing of it is invisible.
#[derive(Debug, Clone, Copy)]
pub(in crate::report) struct LogText;

impl Escaper for LogText {
    fn write_escaped_str<W: Write>(&self, dest: W, text: &str) -> fmt::Result {
        Html.write_escaped_str(dest, &printable(text))
    }
}
