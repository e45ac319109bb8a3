//! The hint of journalctl that its user may not read the messages of the system.

use std::io;

use memchr::memmem;

/// What journalctl begins with (systemd, src/shared/logs-show.c and journal-util.c).
const HINTS: [&[u8]; 2] = [
    b"Hint: You are currently not seeing messages from ",
    b"No journal files were opened due to insufficient permissions",
];
/// Lines at the start of a log among which the hint stands, and the most bytes that they may have.
const LINES: usize = 5;
const BYTES: usize = 4096;
/// What a line of the kernel has in each form of journalctl that has lines.
const KERNEL: &[u8] = b" kernel: ";

/// Whether a log has the hint, and no line of the kernel: the log is told as it comes, in parts that end anywhere.
#[derive(Debug)]
pub enum Hint {
    /// The start of the log so far.
    Open(Vec<u8>),
    /// The hint was there, and no line of the kernel so far; the last bytes.
    Given(Vec<u8>),
    /// There was none, or the log has lines of the kernel.
    None,
}

impl Default for Hint {
    /// A log of which nothing has come.
    fn default() -> Self {
        Self::Open(Vec::new())
    }
}

impl Hint {
    /// Whether it takes no further bytes to tell.
    pub(super) const fn is_settled(&self) -> bool {
        matches!(self, Self::None)
    }

    /// Takes the next bytes of the log.
    pub fn push(&mut self, bytes: &[u8]) {
        match self {
            Self::Open(begin) => {
                let room = BYTES.saturating_sub(begin.len());
                begin.extend_from_slice(&bytes[..bytes.len().min(room)]);
                let mut lines = begin.split(|byte| *byte == b'\n').take(LINES);
                if lines.any(|line| HINTS.iter().any(|hint| line.starts_with(hint))) {
                    let begin = std::mem::take(begin);
                    *self = Self::Given(begin);
                    // Of the bytes, some stand in the start already.
                    self.push(bytes);
                } else if begin.len() == BYTES
                    || begin.iter().filter(|byte| **byte == b'\n').count() >= LINES
                {
                    *self = Self::None;
                }
            }
            Self::Given(last) => {
                last.extend_from_slice(&bytes[..bytes.len().min(KERNEL.len())]);
                if [&last[..], bytes]
                    .into_iter()
                    .any(|part| memmem::find(part, KERNEL).is_some())
                {
                    *self = Self::None;
                    return;
                }
                last.extend_from_slice(bytes.get(KERNEL.len()..).unwrap_or_default());
                let old = last.len().saturating_sub(KERNEL.len());
                last.drain(..old);
            }
            Self::None => {}
        }
    }

    /// Returns what to say of the log, which has ended.
    pub fn told(self) -> Option<io::Error> {
        let text = "journalctl says that it lacks the messages of the system, and so all of the kernel: its user may not \
                    read them. Save it as root: `sudo journalctl -k -o short-precise`";
        matches!(self, Self::Given(_)).then(|| io::Error::other(text))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whether the hint is told of a log that comes in parts of so many bytes.
    fn is_told(log: &str, most: usize) -> bool {
        let mut hint = Hint::default();
        for part in log.as_bytes().chunks(most) {
            hint.push(part);
        }
        hint.told().is_some()
    }

    #[test]
    fn it_is_told_however_the_bytes_come() {
        const HINT: &str =
            "Hint: You are currently not seeing messages from other users and the system.\n";
        const LINE: &str = "May 05 04:41:02 harvester1 sshd[1]: Accepted publickey\n";
        const KERNEL: &str = "May 05 04:41:02 harvester1 kernel: HARVESTER_DROP_IN=a\n";
        let long = "x".repeat(5_000);
        for (log, should) in [
            (HINT.to_owned(), true),
            (HINT.trim_end().to_owned(), true),
            (HINT.repeat(3) + &LINE.repeat(300), true),
            ("-- Logs begin at Mon --\n".to_owned() + HINT, true),
            (HINT.to_owned() + &LINE.repeat(300) + KERNEL, false),
            (HINT.to_owned() + KERNEL + &LINE.repeat(300), false),
            (LINE.repeat(5) + HINT, false),
            (long + "\n" + HINT, false),
            (format!("{LINE}a program said: {HINT}"), false),
            (String::new(), false),
        ] {
            for most in [1, 7, 60, 4096, 1 << 20] {
                assert_eq!(is_told(&log, most), should, "{most}: {log}");
            }
        }
    }
}
