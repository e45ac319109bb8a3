//! The writer of one page: colours, paragraphs, tables and times.

use std::io::{self, Write};

use anstyle::{AnsiColor, Style as Ansi};

use crate::cause::{Test, Verdict};
use crate::error::printable;
use crate::report::Style;
use crate::report::table::{Column, GLUE, fitted};
use crate::time::Time;

pub(in crate::report) const BOLD: Ansi = Ansi::new().bold();
pub(in crate::report) const DIM: Ansi = Ansi::new().dimmed();

/// Returns the colour of a verdict; the word stands beside it.
pub(in crate::report) const fn color(verdict: Verdict) -> Ansi {
    let color = match verdict {
        Verdict::MissingRule => AnsiColor::Red,
        Verdict::Review => AnsiColor::Yellow,
        Verdict::LeaveDropped => AnsiColor::Blue,
        Verdict::FalsePositive => AnsiColor::Green,
    };
    color.on_default().bold()
}

/// The writer of one page.
pub(in crate::report) struct Page<'o> {
    pub(in crate::report) out: &'o mut dyn Write,
    pub(in crate::report) style: Style,
    /// Whether all times lie on one day, which the headline mentions.
    pub(in crate::report) one_day: bool,
}

impl Page<'_> {
    pub(in crate::report) fn paint(&self, ansi: Ansi, text: &str) -> String {
        if self.style.color {
            format!("{ansi}{text}{ansi:#}")
        } else {
            text.to_owned()
        }
    }

    pub(in crate::report) fn line(&mut self, text: &str) -> io::Result<()> {
        writeln!(self.out, "{text}")
    }

    /// Writes `text` as a paragraph whose lines begin with `first` and then `rest`. Words and texts between backticks
    /// are not broken.
    pub(in crate::report) fn paragraph(
        &mut self,
        first: &str,
        rest: &str,
        text: &str,
    ) -> io::Result<()> {
        let one_line = text.is_ascii()
            && first.len() + text.len() <= self.style.width
            && !text.bytes().any(|b| b.is_ascii_control())
            && !text.ends_with(' ');
        if one_line && first.is_ascii() {
            return writeln!(self.out, "{first}{text}");
        }
        let width = self.style.width.saturating_sub(rest.len());
        let options = textwrap::Options::new(self.style.width)
            .initial_indent(first)
            .subsequent_indent(rest)
            .break_words(false)
            .word_splitter(textwrap::WordSplitter::NoHyphenation);
        for line in textwrap::wrap(&quotes_glued(text, width), options) {
            writeln!(self.out, "{}", line.replace(GLUE, " "))?;
        }
        Ok(())
    }

    /// Writes a table; where the page is too narrow for it, a paragraph for each row.
    pub(in crate::report) fn table(
        &mut self,
        columns: &[(&str, Column)],
        rows: &[Vec<String>],
        indent: usize,
    ) -> io::Result<()> {
        if let Some(text) = fitted(columns, rows, self.style.width, indent) {
            let has_header = columns.iter().any(|(title, _)| !title.is_empty());
            let Some((header, rest)) = text.split_once('\n').filter(|_| has_header) else {
                return self.out.write_all(text.as_bytes());
            };
            let (pad, titles) = header.split_at(header.len() - header.trim_start().len());
            let titles = self.paint(BOLD, titles);
            return write!(self.out, "{pad}{titles}\n{rest}");
        }
        let (first, rest) = (" ".repeat(indent), " ".repeat(indent + 2));
        for row in rows {
            let cells = row.iter().zip(columns).filter(|(cell, _)| *cell != "-");
            let cells = cells.map(|(cell, (title, kind))| match kind {
                Column::Number if !title.is_empty() => format!("{cell} {}", title.to_lowercase()),
                Column::Words => cell.clone(),
                _ => glued(cell),
            });
            let text: Vec<String> = cells.collect();
            self.paragraph(&first, &rest, &text.join("  "))?;
        }
        Ok(())
    }

    /// Returns the mark before a test: whether it was met.
    pub(super) const fn mark(&self, met: bool) -> &'static str {
        match (self.style.unicode, met) {
            (true, true) => "✓",
            (true, false) => "✗",
            (false, true) => "+",
            (false, false) => "-",
        }
    }

    /// Writes a test: whether it was met, and its fact.
    pub(super) fn test(&mut self, test: &Test) -> io::Result<()> {
        let first = format!("      {} ", self.mark(test.met));
        self.paragraph(&first, "        ", &printable(&test.text))
    }

    pub(in crate::report) fn heading(
        &mut self,
        ansi: Ansi,
        title: &str,
        tail: &str,
    ) -> io::Result<()> {
        writeln!(self.out)?;
        let painted = self.paint(ansi, title);
        if tail.is_empty() {
            return self.line(&painted);
        }
        self.paragraph("", "  ", &format!("{painted}  {tail}"))
    }
}

/// Returns `text` with no-break spaces.
pub(super) fn glued(text: &str) -> String {
    text.replace(' ', &GLUE.to_string())
}

/// Returns `text` with spaces in the place of no-break spaces.
pub(in crate::report) fn unglued(text: &str) -> String {
    text.replace(GLUE, " ")
}

/// Returns `text` with the parts between backticks glued, where they fit into `width` columns.
fn quotes_glued(text: &str, width: usize) -> String {
    let parts = text.split('`').enumerate();
    let parts = parts.map(|(place, part)| match place % 2 {
        1 if textwrap::core::display_width(part) + 2 <= width => glued(part),
        _ => part.to_owned(),
    });
    parts.collect::<Vec<_>>().join("`")
}

impl Page<'_> {
    /// Returns a time, as short as the page's day allows; empty where it is not known.
    pub(super) fn moment(&self, time: Time) -> String {
        moment(time, self.one_day)
    }
}

/// Returns a time, without its day where all are of one; empty where it is not known.
pub(in crate::report) fn moment(time: Time, one_day: bool) -> String {
    if !time.is_known() {
        String::new()
    } else if !time.is_dated() {
        time.to_string()
    } else if one_day {
        time.clock()
    } else {
        let (_, month, day) = time.date();
        format!("{month:02}-{day:02} {}", time.clock())
    }
}
