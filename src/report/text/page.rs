//! The writer of one page: colours, paragraphs and times.

use std::io::{self, Write};

use anstyle::{AnsiColor, Style as Ansi};

use crate::cause::{Test, Verdict};
use crate::error::printable;
use crate::report::Style;
use crate::time::Time;

pub(in crate::report) const BOLD: Ansi = Ansi::new().bold();
pub(in crate::report) const DIM: Ansi = Ansi::new().dimmed();

/// The colour of a verdict; the word stands beside it.
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
    /// Whether all times lie on one day, which the headline names.
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

    /// Writes `text` as a paragraph whose lines begin with `first` and then `rest`.
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
        let options = textwrap::Options::new(self.style.width)
            .initial_indent(first)
            .subsequent_indent(rest)
            .break_words(false)
            .word_splitter(textwrap::WordSplitter::NoHyphenation);
        for line in textwrap::wrap(text, options) {
            writeln!(self.out, "{line}")?;
        }
        Ok(())
    }

    /// Writes a test: whether it was met, and its fact.
    pub(super) fn test(&mut self, test: &Test) -> io::Result<()> {
        let mark = if test.met { "yes" } else { "no " };
        let first = format!("      {mark} ");
        self.paragraph(&first, "          ", &printable(&test.text))
    }

    pub(in crate::report) fn heading(
        &mut self,
        ansi: Ansi,
        title: &str,
        tail: &str,
    ) -> io::Result<()> {
        let title = self.paint(ansi, title);
        writeln!(self.out, "\n{title}  {tail}")
    }
}

impl Page<'_> {
    /// From when to when, as short as the page's day allows.
    pub(in crate::report) fn span(&self, first: Time, last: Time) -> String {
        let shown = |time: Time| {
            if !time.is_dated() {
                time.to_string()
            } else if self.one_day {
                time.clock()
            } else {
                let (_, month, day) = time.date();
                format!("{month:02}-{day:02} {}", time.clock())
            }
        };
        if !first.is_known() {
            String::new()
        } else if first == last {
            shown(first)
        } else if first.is_dated() && first.date() == last.date() {
            format!("{} to {}", shown(first), last.clock())
        } else {
            format!("{} to {}", shown(first), shown(last))
        }
    }
}
