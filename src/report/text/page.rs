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
        let is_plain = |text: &str| text.bytes().all(|b| (b' '..=b'~').contains(&b));
        if is_plain(text) && is_plain(first) && is_plain(rest) {
            if first.len() + text.len() <= self.style.width && !text.ends_with(' ') {
                return writeln!(self.out, "{first}{text}");
            }
            let mut indent = first;
            for line in plain_lines(text, self.style.width, first.len(), rest.len()) {
                writeln!(self.out, "{indent}{line}")?;
                indent = rest;
            }
            return Ok(());
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

/// ASCII `text` in lines of so much `width`, less the indent of the `first` line and of the `rest`: as textwrap does it, for
/// which a property test stands, without asking what each character is.
fn plain_lines(text: &str, width: usize, first: usize, rest: usize) -> Vec<&str> {
    let mut lines = Vec::new();
    let (mut begin, mut at) = (0, 0);
    let mut width_left = width.saturating_sub(first);
    while at < text.len() {
        let is_space = |b: u8| b == b' ';
        let word = text.bytes().skip(at).position(is_space);
        let word = word.unwrap_or(text.len() - at);
        if at > begin && at + word - begin > width_left {
            lines.push(text[begin..at].trim_end_matches(' '));
            begin = at;
            width_left = width.saturating_sub(rest);
        }
        at += word;
        at += text[at..].len() - text[at..].trim_start_matches(' ').len();
    }
    lines.push(text[begin..].trim_end_matches(' '));
    lines
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

#[cfg(test)]
mod tests {
    use proptest::prelude::{prop_assert_eq, proptest};

    use super::plain_lines;

    proptest! {
        #[test]
        fn ascii_is_wrapped_as_textwrap_does(text in "([ ]{0,3}[a-z,]{0,12}){1,20}", width in 10..60_usize, first in 0..12_usize, rest in 0..12_usize) {
            let (one, other) = (">".repeat(first), ">".repeat(rest));
            let options = textwrap::Options::new(width)
                .initial_indent(&one)
                .subsequent_indent(&other)
                .break_words(false)
                .word_splitter(textwrap::WordSplitter::NoHyphenation);
            let told = textwrap::wrap(&text, options);
            let lines = plain_lines(&text, width, first, rest);
            let indents = std::iter::once(&one).chain(std::iter::repeat(&other));
            let lines: Vec<String> = indents.zip(lines).map(|(indent, line)| format!("{indent}{line}")).collect();
            proptest::prop_assume!(!text.is_empty());
            prop_assert_eq!(lines, told);
        }
    }
}
