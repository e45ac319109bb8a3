//! The JSON of a report inside a page.

use std::fmt;
use std::io;

use crate::report::Report;
use crate::report::json::report_v1;
use crate::report::json_write::write_json;

/// The JSON of a report, which a template may write as it is: nothing of it ends the element that it stands in.
pub(super) struct Embedded<'r>(pub(super) &'r Report);

impl fmt::Display for Embedded<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_json(&report_v1(self.0), &mut Escaping(f)).map_err(|_| fmt::Error)
    }
}

/// Writer of JSON that escapes `<`, `>` and `&`, which stand only in strings there.
struct Escaping<'a, 'f>(&'a mut fmt::Formatter<'f>);

impl io::Write for Escaping<'_, '_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let text = str::from_utf8(bytes).map_err(io::Error::other)?;
        let mut rest = text;
        while let Some(at) = rest.find(['<', '>', '&']) {
            let (clean, marked) = rest.split_at(at);
            write!(self.0, "{clean}\\u{:04x}", marked.as_bytes()[0]).map_err(io::Error::other)?;
            rest = &marked[1..];
        }
        self.0.write_str(rest).map_err(io::Error::other)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
