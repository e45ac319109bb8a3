//! The text that `kubectl` printed, as a stream: without its messages, in valid UTF-8, and in parts of one notation each.

use std::io::{self, BufRead, BufReader, Read};

use super::sniff::is_message;

/// Bytes of a line that are looked at together.
const PART: u64 = 64 << 10;
/// Bytes of the start of the text that are kept, which tell why it has no objects.
const MAX_HEAD: usize = 64 << 10;
/// Messages of `kubectl` that are kept.
const MAX_MESSAGES: usize = 5;

/// A saved text while it is read.
pub(super) struct Saved<R> {
    text: BufReader<R>,
    /// The part of a line that is handed out next, from `at` on.
    part: Vec<u8>,
    at: usize,
    /// Bytes of a character that the next part completes.
    cut: Vec<u8>,
    is_in_line: bool,
    is_skipped: bool,
    /// Whether a line of three hyphens ends the document at hand.
    is_json: bool,
    has_ended: bool,
    /// The first bytes, with all messages.
    pub(super) head: Vec<u8>,
    /// The first errors of `kubectl`.
    pub(super) said: Vec<String>,
    /// The error that ended the text.
    pub(super) failed: Option<io::Error>,
}

/// Notation of a part of the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Notation {
    Json,
    Yaml,
}

impl<R: Read> Saved<R> {
    pub(super) fn new(text: R) -> Self {
        Self {
            text: BufReader::with_capacity(PART as usize, text),
            part: Vec::new(),
            at: 0,
            cut: Vec::new(),
            is_in_line: false,
            is_skipped: false,
            is_json: false,
            has_ended: false,
            head: Vec::new(),
            said: Vec::new(),
            failed: None,
        }
    }

    /// Goes on to the next object. Returns its notation; `None` at the end. YAML goes on to the end of the text.
    pub(super) fn next(&mut self) -> Option<Notation> {
        (self.is_json, self.has_ended) = (false, false);
        loop {
            let rest = &self.part[self.at..];
            let blank = rest.iter().take_while(|b| b.is_ascii_whitespace()).count();
            match rest.get(blank) {
                Some(b'{') => {
                    self.is_json = true;
                    return Some(Notation::Json);
                }
                // Behind it there may be JSON.
                Some(_) if rest.trim_ascii() == b"---" => self.at = self.part.len(),
                Some(_) => return Some(Notation::Yaml),
                None => self.at = self.part.len(),
            }
            if !self.fill() {
                return None;
            }
        }
    }

    /// Reads the next part of a line that is no message. Returns whether there is one.
    fn fill(&mut self) -> bool {
        while self.failed.is_none() && !self.has_ended {
            self.at = 0;
            self.part.clear();
            self.part.append(&mut self.cut);
            let begins = !self.is_in_line;
            let had = self.part.len();
            match self
                .text
                .by_ref()
                .take(PART)
                .read_until(b'\n', &mut self.part)
            {
                Ok(_) => {}
                Err(why) => self.failed = Some(why),
            }
            if self.part.is_empty() {
                return false;
            }
            let is_last = self.part.len() == had;
            self.is_in_line = !self.part.ends_with(b"\n");
            if self.head.is_empty() && self.part.starts_with(b"\xef\xbb\xbf") {
                self.part.drain(..3);
            }
            let room = MAX_HEAD - self.head.len();
            self.head
                .extend_from_slice(&self.part[..self.part.len().min(room)]);
            if begins {
                self.is_skipped = is_message(&self.part);
                if self.is_skipped
                    && self.part.starts_with(b"Error")
                    && self.said.len() < MAX_MESSAGES
                {
                    let line = String::from_utf8_lossy(self.part.trim_ascii_end());
                    self.said.push(line.chars().take(200).collect());
                }
            }
            if self.is_skipped {
                continue;
            }
            self.mend(is_last);
            if begins && self.is_json && self.part.trim_ascii_end() == b"---" {
                // What follows may be of the other notation.
                self.has_ended = true;
                return false;
            }
            return true;
        }
        false
    }

    /// Replaces what is no UTF-8, but keeps the start of a character that the next part may complete.
    fn mend(&mut self, is_last: bool) {
        let Err(why) = std::str::from_utf8(&self.part) else {
            return;
        };
        if why.error_len().is_none() && self.is_in_line && !is_last {
            self.cut = self.part.split_off(why.valid_up_to());
            return;
        }
        let mut text = String::from_utf8_lossy(&self.part).into_owned();
        if self.is_in_line && !is_last && text.ends_with('\u{fffd}') {
            let rest = self.part.len() - 1;
            if self.part[rest] >= 0xc0 {
                // It may begin a character.
                self.cut = vec![self.part[rest]];
                text.pop();
            }
        }
        self.part = text.into_bytes();
    }
}

impl<R: Read> Read for Saved<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        if self.at == self.part.len() && !self.fill() {
            self.part.clear();
            self.at = 0;
            return Ok(0);
        }
        let rest = &self.part[self.at..];
        let length = rest.len().min(out.len());
        out[..length].copy_from_slice(&rest[..length]);
        self.at += length;
        Ok(length)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &[u8]) -> (Vec<(Notation, String)>, Vec<String>) {
        let mut saved = Saved::new(text);
        let mut parts = Vec::new();
        while let Some(notation) = saved.next() {
            let mut part = String::new();
            saved.read_to_string(&mut part).unwrap();
            parts.push((notation, part));
        }
        (parts, saved.said)
    }

    #[test]
    fn messages_are_no_part_of_the_objects() {
        let text =
            b"\xef\xbb\xbfError from server (Forbidden): x\na: 1\nWarning: old\n---\nb: \xff2";
        let (parts, said) = read(text);
        assert_eq!(
            parts,
            [(Notation::Yaml, "a: 1\n---\nb: \u{fffd}2".to_owned())]
        );
        assert_eq!(said, ["Error from server (Forbidden): x"]);
    }

    #[test]
    fn three_hyphens_end_json_alone() {
        let (parts, _) = read(b"---\n{\n}\n---\n {}\n---\na: 1\n---\nb: 2\n");
        let kinds: Vec<_> = parts.iter().map(|(notation, _)| *notation).collect();
        assert_eq!(kinds, [Notation::Json, Notation::Json, Notation::Yaml]);
        assert_eq!(parts[2].1, "a: 1\n---\nb: 2\n");
        assert_eq!(read(b"\n\n---\n").0, []);
    }

    #[test]
    fn a_character_may_lie_across_two_parts() {
        for before in PART as usize - 3..=PART as usize {
            let line = format!("{}\u{1f600}\u{e9}x", "a".repeat(before));
            let (parts, _) = read(line.as_bytes());
            assert_eq!(parts, [(Notation::Yaml, line)], "{before}");
        }
    }
}
