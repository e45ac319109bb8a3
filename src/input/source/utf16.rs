//! Decoder from UTF-16, in which PowerShell redirects output, to UTF-8.

use std::io::{self, BufReader, Read};

/// Bytes of a line that show whether it is UTF-16: of ASCII, each second one is a NUL, and hardly any other text in UTF-16
/// has this many bytes of ASCII.
const SAMPLE: usize = 32;

/// Encoding of the current line.
enum Line {
    /// Not known yet, with the bytes so far.
    Begun(Vec<u8>),
    Wide,
    /// ASCII or UTF-8, as another program appends.
    Narrow,
}

/// Decodes a stream of UTF-16 to UTF-8. Lines that are not UTF-16 are kept as they are.
pub(super) struct Utf8<R> {
    inner: BufReader<R>,
    /// Whether the lower byte of a unit comes first.
    low_first: bool,
    /// First byte of a unit whose second has not come yet.
    half: Option<u8>,
    /// First unit of a surrogate pair whose second has not come yet.
    high: Option<u16>,
    line: Line,
    /// Decoded bytes that were not handed out yet.
    made: Vec<u8>,
    at: usize,
}

impl<R: Read> Utf8<R> {
    pub(super) fn new(inner: R, low_first: bool) -> Self {
        Self {
            inner: BufReader::new(inner),
            low_first,
            half: None,
            high: None,
            line: Line::Begun(Vec::new()),
            made: Vec::new(),
            at: 0,
        }
    }

    fn byte(&mut self, byte: u8) {
        match &mut self.line {
            Line::Begun(bytes) => {
                bytes.push(byte);
                let is_wide = byte == 0 || !byte.is_ascii();
                if is_wide || bytes.len() == SAMPLE {
                    self.decide(is_wide);
                }
            }
            Line::Wide => self.wide(byte),
            Line::Narrow => {
                self.made.push(byte);
                if byte == b'\n' {
                    self.line = Line::Begun(Vec::new());
                }
            }
        }
    }

    /// Decodes the begun line.
    fn decide(&mut self, is_wide: bool) {
        let line = if is_wide { Line::Wide } else { Line::Narrow };
        if let Line::Begun(bytes) = std::mem::replace(&mut self.line, line) {
            bytes.into_iter().for_each(|byte| self.byte(byte));
        }
    }

    fn wide(&mut self, byte: u8) {
        let Some(first) = self.half.take() else {
            self.half = Some(byte);
            return;
        };
        let unit = if self.low_first {
            u16::from_le_bytes([first, byte])
        } else {
            u16::from_be_bytes([first, byte])
        };
        if unit == u16::from(b'\n') {
            self.line = Line::Begun(Vec::new());
        }
        let is_high = (0xd800..0xdc00).contains(&unit);
        let pair = self
            .high
            .take()
            .into_iter()
            .chain([unit].into_iter().filter(|_| !is_high));
        self.high = is_high.then_some(unit);
        for letter in char::decode_utf16(pair) {
            let letter = letter.unwrap_or(char::REPLACEMENT_CHARACTER);
            let mut room = [0; 4];
            self.made
                .extend_from_slice(letter.encode_utf8(&mut room).as_bytes());
        }
    }
}

impl<R: Read> Read for Utf8<R> {
    fn read(&mut self, room: &mut [u8]) -> io::Result<usize> {
        let mut block = [0; 4096];
        while self.at == self.made.len() {
            self.made.clear();
            self.at = 0;
            let filled = self.inner.read(&mut block)?;
            if filled == 0 {
                while matches!(&self.line, Line::Begun(bytes) if !bytes.is_empty()) {
                    self.decide(false);
                }
                if self.made.is_empty() {
                    return Ok(0);
                }
            }
            for byte in &block[..filled] {
                self.byte(*byte);
            }
        }
        let ready = &self.made[self.at..];
        let length = ready.len().min(room.len());
        room[..length].copy_from_slice(&ready[..length]);
        self.at += length;
        Ok(length)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pairs_and_halves_come_in_any_pieces() {
        let text = "May 04 é 😀\r\n";
        let mut wide: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
        // A first half alone, and an odd byte.
        wide.extend(0xd83d_u16.to_le_bytes());
        wide.extend([b'x', 0, b'y']);
        let mut read = String::new();
        Utf8::new(&wide[..], true)
            .read_to_string(&mut read)
            .unwrap();
        assert_eq!(read, format!("{text}\u{fffd}x"));
        let mut wide: Vec<u8> = text.encode_utf16().flat_map(u16::to_be_bytes).collect();
        // Lines that another program appended, and then the first again.
        wide.extend_from_slice(b"May 05\n\nMay 04 09:58:10 harvester1 kernel: x\n");
        wide.extend(text.encode_utf16().flat_map(u16::to_be_bytes));
        wide.extend_from_slice(b"Y\nZ");
        let text = format!("{text}May 05\n\nMay 04 09:58:10 harvester1 kernel: x\n{text}Y\nZ");
        let mut small = Utf8::new(&wide[..], false);
        let mut all = Vec::new();
        let mut one = [0; 1];
        while small.read(&mut one).unwrap() == 1 {
            all.push(one[0]);
        }
        assert_eq!(String::from_utf8(all).unwrap(), text);
    }
}
