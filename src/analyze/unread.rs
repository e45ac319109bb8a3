//! Lines that cannot be read: counted, and said with the reason and the cure.

use super::Analysis;
use crate::packet::Unparsed;
use crate::report::Warning;

/// What may have changed a message, and the cure.
const MANGLED: &str = ". If mail, a terminal or a page wrapped, cut or encoded it, save the log anew: `journalctl -k -o short-precise`";

impl Analysis {
    /// Counts a line that cannot be read.
    pub(super) fn unreadable(&mut self, why: &str, line: &[u8]) {
        self.unread(why, "", line);
    }

    /// Counts a message of which the packet cannot be read.
    pub(super) fn mangled(&mut self, why: Unparsed, message: &[u8]) {
        self.unread(&why.to_string(), MANGLED, message);
    }

    fn unread(&mut self, why: &str, cure: &str, line: &[u8]) {
        *self.unread.entry(format!("{why}{cure}")).or_default() += 1;
        self.refuse(true, why.to_owned(), line);
    }

    /// Warns of the lines that could not be read. It shows none: an attacker may have written it, and a command in it would
    /// stand where those of this program stand.
    pub(super) fn unread_warnings(&self) -> impl Iterator<Item = Warning> {
        self.unread.iter().map(|(why, lines)| {
            let these = match lines {
                1 => "1 line".to_owned(),
                n => format!("{n} lines"),
            };
            let text = format!("{these} could not be read (-v shows them): {why}");
            Warning::new("lines-unreadable", None, text)
        })
    }
}
