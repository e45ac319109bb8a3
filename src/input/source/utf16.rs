//! Decoder from UTF-16, in which PowerShell redirects output, to UTF-8.

use std::io::{self, BufReader, Read};

/// Decodes a stream of UTF-16 to UTF-8.
pub(super) struct Utf8<R> {
    inner: BufReader<R>,
    /// Whether the lower byte of a unit comes first.
    low_first: bool,
    /// First byte of a unit whose second has not come yet.
    half: Option<u8>,
    /// First unit of a surrogate pair whose second has not come yet.
    high: Option<u16>,
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
            made: Vec::new(),
            at: 0,
        }
    }

    fn byte(&mut self, byte: u8) {
        let Some(first) = self.half.take() else {
            self.half = Some(byte);
            return;
        };
        let unit = if self.low_first {
            u16::from_le_bytes([first, byte])
        } else {
            u16::from_be_bytes([first, byte])
        };
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
                return Ok(0);
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
        let wide: Vec<u8> = text.encode_utf16().flat_map(u16::to_be_bytes).collect();
        let mut small = Utf8::new(&wide[..], false);
        let mut all = Vec::new();
        let mut one = [0; 1];
        while small.read(&mut one).unwrap() == 1 {
            all.push(one[0]);
        }
        assert_eq!(String::from_utf8(all).unwrap(), text);
    }
}
