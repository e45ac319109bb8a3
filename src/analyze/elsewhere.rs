//! Texts of drop lines where no kernel message begins.

use crate::error::printable;
use crate::report::Warning;

/// Texts of drop lines that an input contains elsewhere than at the start of a kernel message.
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

    /// Warns of them.
    pub(super) fn warning(&self) -> Option<Warning> {
        const MAX_SAMPLE: usize = 160;
        if self.lines == 0 {
            return None;
        }
        let sample: String = printable(&self.sample).chars().take(MAX_SAMPLE).collect();
        let text = format!(
            "the LOG prefix stands where no kernel message begins, in {}, not judged: `{sample}`. Cut off what a relay \
             put before it, or save the log in a form that keeps the kernel's message as it is, such as \
             `journalctl -k -o short-precise`",
            match self.lines {
                1 => "1 line".to_owned(),
                n => format!("{n} lines"),
            }
        );
        Some(Warning::new("prefix-elsewhere", None, text))
    }
}
