//! Writer of one line of JSON without bytes that could steer a terminal.

use std::borrow::Cow;
use std::io::{self, Write};

use serde::{Deserialize, Serialize};
use serde_json::ser::{CharEscape, Formatter};

use crate::error::is_hostile;

/// Who wrote a document.
#[derive(Serialize, Deserialize, schemars::JsonSchema)]
pub(super) struct ToolV1<'a> {
    name: Cow<'a, str>,
    pub(super) version: Cow<'a, str>,
}

impl ToolV1<'static> {
    pub(super) const THIS: Self = Self {
        name: Cow::Borrowed("dropsift"),
        version: Cow::Borrowed(env!("CARGO_PKG_VERSION")),
    };
}

/// How much of a document is written at once, in bytes: one of many findings is never in memory as a whole.
const AT_ONCE: usize = 64 << 10;

/// Writes `value` and a newline. What is short is written at once, or not at all; a part of a longer one is no JSON, and does
/// not look whole.
pub(super) fn write_line(value: &impl Serialize, out: &mut dyn Write) -> io::Result<()> {
    let mut out = io::BufWriter::with_capacity(AT_ONCE, out);
    write_json(value, &mut out)?;
    out.write_all(b"\n")?;
    out.flush()
}

/// Writes `value` in pieces, each of which is UTF-8.
pub(super) fn write_json(value: &impl Serialize, out: &mut impl Write) -> io::Result<()> {
    value.serialize(&mut serde_json::Serializer::with_formatter(out, Tame))?;
    Ok(())
}

/// Formatter for compact JSON that escapes characters which could steer a terminal.
struct Tame;

impl Formatter for Tame {
    fn write_string_fragment<W: ?Sized + Write>(
        &mut self,
        out: &mut W,
        text: &str,
    ) -> io::Result<()> {
        // Most text is ASCII, of which a fragment has no control character: those are escapes of JSON.
        if text.bytes().all(|byte| (b' '..=b'~').contains(&byte)) {
            return out.write_all(text.as_bytes());
        }
        let mut clean = 0;
        for (at, c) in text.char_indices().filter(|(_, c)| is_hostile(*c)) {
            out.write_all(&text.as_bytes()[clean..at])?;
            let mut units = [0; 2];
            for unit in c.encode_utf16(&mut units) {
                write!(out, "\\u{unit:04x}")?;
            }
            clean = at + c.len_utf8();
        }
        out.write_all(&text.as_bytes()[clean..])
    }

    fn write_char_escape<W: ?Sized + Write>(
        &mut self,
        out: &mut W,
        escape: CharEscape,
    ) -> io::Result<()> {
        serde_json::ser::CompactFormatter.write_char_escape(out, escape)
    }
}
