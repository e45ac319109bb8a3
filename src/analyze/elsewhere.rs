//! Texts of drop lines that were not judged: where no kernel message begins, or that cannot be read.

use crate::error::printable;
use crate::report::Warning;

/// Texts of drop lines of one of these kinds.
#[derive(Debug, Clone, Default)]
pub(super) struct Elsewhere {
    lines: u64,
    sample: String,
}

impl Elsewhere {
    /// Takes a record that has such a text; `shown` returns it as text.
    pub(super) fn add(&mut self, shown: impl FnOnce() -> String) {
        self.lines += 1;
        if self.sample.is_empty() {
            self.sample = shown();
        }
    }

    /// Warns of the LOG prefix where no kernel message begins.
    pub(super) fn warning(&self) -> Option<Warning> {
        let text = format!(
            "the LOG prefix stands where no kernel message begins, in {}, not judged: {}. Save the log in a form that keeps the \
             kernel's message as it is, such as `journalctl -k -o short-precise`",
            self.lines(),
            self.sample()
        );
        (self.lines > 0).then(|| Warning::new("prefix-elsewhere", None, text))
    }

    /// Warns of lines that could not be read because of `why`.
    pub(super) fn unread(&self, why: &str) -> Warning {
        let text = format!(
            "{} could not be read: {}; {why}",
            self.lines(),
            self.sample()
        );
        Warning::new("lines-unreadable", None, text)
    }

    fn lines(&self) -> String {
        match self.lines {
            1 => "1 line".to_owned(),
            n => format!("{n} lines"),
        }
    }

    fn sample(&self) -> String {
        const MAX_SAMPLE: usize = 160;
        let sample: String = printable(&self.sample).chars().take(MAX_SAMPLE).collect();
        format!("`{sample}`")
    }
}
