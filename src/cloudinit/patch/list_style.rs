//! Style of the commands of a CloudInit around its LOG rule: indentation, list style and quotes.

use crate::chain::Rule;
use crate::cloudinit::Resource;
use crate::cloudinit::yaml::Style;

/// Style of the items in the list of commands.
pub(super) struct ListStyle {
    /// The line before which new ones go, from 0.
    pub(super) at: usize,
    /// Text before the command: spaces, dash, spaces; inside a block of shell lines only spaces.
    pub(super) lead: String,
    dash: bool,
    quote: Option<char>,
}

impl ListStyle {
    /// Determines the insertion point before `stop`, and the style of the items there.
    ///
    /// # Errors
    /// The line number and the reason, where no line can be inserted.
    pub(super) fn of(
        resource: &Resource,
        stop: &Rule,
        lines: &[&str],
    ) -> Result<Self, (usize, &'static str)> {
        let item = (resource.commands.iter())
            .rfind(|command| command.line <= stop.line)
            .ok_or((stop.line, "the command of the LOG rule was not found"))?;
        let line = |at: usize| lines.get(at).copied().unwrap_or_default();
        let begins = (item.script().first_line()).is_none_or(|first| first == stop.line);
        if item.style == Style::Literal && !begins {
            let at = stop.line - 1;
            let before = line(at.saturating_sub(1)).trim_end();
            if ["\\", "&&", "||", "|"]
                .iter()
                .any(|end| before.ends_with(end))
            {
                return Err((stop.line, "the LOG rule is the middle of a longer command"));
            }
            let text = line(at);
            let lead = text[..text.len() - text.trim_start().len()].to_owned();
            return Ok(Self {
                at: above_comments(lines, at, &lead),
                lead,
                dash: false,
                quote: None,
            });
        }
        let mut at = item.line - 1;
        if matches!(item.style, Style::Literal | Style::Folded) {
            at = at.saturating_sub(1);
        }
        while at > 0 && line(at).trim().is_empty() {
            at -= 1;
        }
        let text = line(at).trim_end();
        let spaces = &text[..text.len() - text.trim_start().len()];
        let Some(rest) = text.trim_start().strip_prefix('-') else {
            return Err((
                at + 1,
                "the commands are not written as a list of one line each",
            ));
        };
        let gap = &rest[..rest.len() - rest.trim_start().len()];
        let gap = if gap.is_empty() { " " } else { gap };
        Ok(Self {
            at: above_comments(lines, at, spaces),
            lead: format!("{spaces}-{gap}"),
            dash: true,
            quote: (rest.trim_start().chars().next()).filter(|c| matches!(c, '\'' | '"')),
        })
    }

    /// Returns a command as a line, without its line end.
    pub(super) fn write(&self, command: &str) -> String {
        let text = match self.quote {
            _ if !self.dash => command.to_owned(),
            Some('"') => format!("\"{}\"", command.replace('\\', "\\\\").replace('"', "\\\"")),
            None if !command.contains(": ") && !command.contains(" #") => command.to_owned(),
            _ => format!("'{}'", command.replace('\'', "''")),
        };
        format!("{}{text}", self.lead)
    }
}

/// Moves above the comments directly above line `at` with the same indentation, because they belong to it.
fn above_comments(lines: &[&str], at: usize, indent: &str) -> usize {
    let comment = |line: &str| {
        line.strip_prefix(indent)
            .is_some_and(|rest| rest.starts_with('#') && !rest.starts_with("#!"))
    };
    let above = lines[..at.min(lines.len())]
        .iter()
        .rev()
        .take_while(|line| comment(line));
    at - above.count()
}
