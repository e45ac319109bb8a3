//! Lines that cannot be read: counted, and said with the reason and the cure.

use super::Analysis;
use crate::packet::Unparsed;
use crate::report::Warning;

/// Who may have written a line that is not the kernel's, and the cure.
const RELAYED: &str = ". Where a relay or a tool put its own words before the kernel's message, save the log without it: \
                       `journalctl -k -o short-precise`";

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

    /// Counts a line that looks like a drop line and is not the kernel's.
    pub(super) fn untrusted(&mut self, why: &'static str, line: &[u8]) {
        *self.distrusted.entry(why).or_default() += 1;
        self.refuse(false, why.to_owned(), line);
    }

    fn unread(&mut self, why: &str, cure: &str, line: &[u8]) {
        *self.unread.entry(format!("{why}{cure}")).or_default() += 1;
        self.refuse(true, why.to_owned(), line);
    }

    /// Warns of the lines that could not be read, and of those that are not the kernel's. It shows none: an attacker may have
    /// written it, and a command in it would stand where those of this program stand.
    pub(super) fn unread_warnings(&self) -> impl Iterator<Item = Warning> {
        let unread = self.unread.iter().map(|(why, lines)| {
            let text = format!(
                "{} could not be read (-v shows them): {why}",
                these(*lines, "line", "lines")
            );
            Warning::new("lines-unreadable", None, text)
        });
        let distrusted = self.distrusted.iter().map(|(why, lines)| {
            let text = format!(
                "{} not judged (-v shows them): {why}{RELAYED}",
                these(
                    *lines,
                    "line looks like a drop line and is",
                    "lines look like drop lines and are"
                )
            );
            Warning::new("lines-untrusted", None, text)
        });
        unread.chain(distrusted)
    }
}

fn these(lines: u64, one: &str, several: &str) -> String {
    match lines {
        1 => format!("1 {one}"),
        n => format!("{n} {several}"),
    }
}
