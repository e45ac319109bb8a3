//! Page that is sent to many. A large one is kept packed: a report of ten thousand findings has 13 MB of text, and a twentieth
//! of that packed.

use std::io::{self, Read, Write};

/// Level of zstd: the fastest of those that are not negative.
const LEVEL: i32 = 1;

/// Text of a page.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Page {
    bytes: Vec<u8>,
    is_packed: bool,
    /// Length of the text, in bytes.
    length: u64,
}

impl Page {
    /// Creates a page of `text`, which is kept as it is.
    pub fn plain(text: Vec<u8>) -> Self {
        Self {
            length: text.len() as u64,
            bytes: text,
            is_packed: false,
        }
    }

    /// Creates a page of what `write` writes, packed while it is written.
    ///
    /// # Errors
    /// If `write` fails, or there is no memory to pack.
    pub fn packed(write: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> io::Result<Self> {
        let mut counted = Counted {
            inner: zstd::stream::write::Encoder::new(Vec::new(), LEVEL)?,
            length: 0,
        };
        write(&mut counted)?;
        let mut bytes = counted.inner.finish()?;
        bytes.shrink_to_fit();
        Ok(Self {
            bytes,
            is_packed: true,
            length: counted.length,
        })
    }

    /// Returns the length of the text, in bytes.
    pub(super) const fn length(&self) -> u64 {
        self.length
    }

    /// Writes the text.
    pub(super) fn send(&self, out: &mut impl Write) -> io::Result<()> {
        let mut text: Box<dyn Read + '_> = if self.is_packed {
            Box::new(zstd::stream::read::Decoder::with_buffer(&self.bytes[..])?)
        } else {
            Box::new(&self.bytes[..])
        };
        io::copy(&mut text, out).map(|_| ())
    }
}

/// Counts the bytes that are written.
struct Counted<W> {
    inner: W,
    length: u64,
}

impl<W: Write> Write for Counted<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.inner.write(bytes)?;
        self.length += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        // A block of the packed form would end at each flush.
        Ok(())
    }
}

#[cfg(test)]
mod tests {

    use super::Page;

    #[test]
    fn a_packed_page_is_sent_as_its_text() {
        for lines in [0, 1, 100_000] {
            let text = b"{\"node\":\"harvester1\",\"port\":2112}\n".repeat(lines);
            let packed = Page::packed(|out| {
                for piece in text.chunks(777) {
                    out.write_all(piece)?;
                    out.flush()?;
                }
                Ok(())
            });
            let packed = packed.unwrap();
            for page in [&packed, &Page::plain(text.clone())] {
                let mut sent = Vec::new();
                page.send(&mut sent).unwrap();
                assert!(sent == text && page.length() == text.len() as u64);
            }
            assert!(lines < 1_000 || packed.bytes.len() < text.len() / 20);
        }
    }
}
