//! Lines that cannot be read: counted, and said with the reason and the cure.

use super::{Analysis, text};
use crate::packet::Unparsed;

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
        let unread = self.unread.entry(format!("{why}{cure}")).or_default();
        unread.add(|| text(line));
        self.refuse(true, why.to_owned(), line);
    }
}
