//! Text answers of `explain`.

use std::io::{self, Write};

use super::{explain, pages};
use crate::report::Style;
use crate::report::explain::Explanation;

/// Writes an answer of `explain`.
pub(in crate::report) fn explanation(
    answer: &Explanation<'_>,
    style: Style,
    out: &mut dyn Write,
) -> io::Result<()> {
    match answer {
        Explanation::Causes(causes) => pages::list(causes, style, out),
        Explanation::Cause(cause, rows) => {
            pages::cause(cause, style, out)?;
            if !rows.is_empty() {
                writeln!(out)?;
            }
            pages::ports(rows, style, out)
        }
        Explanation::Ports(list) if list.rows.is_empty() => pages::unlisted(list, style, out),
        Explanation::Ports(list) => pages::ports(list.rows, style, out),
        Explanation::Line(Ok(explained)) => explain::line(explained, style, out),
        // The error is on stderr.
        Explanation::Line(Err(_)) => Ok(()),
        Explanation::Streamed(answer, before) => {
            if *before > 0 {
                writeln!(out)?;
            }
            match answer {
                Ok(explained) => explain::line(explained, style, out),
                Err(why) => explain::refusal(why, out),
            }
        }
    }
}
