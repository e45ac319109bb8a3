//! A stream with lookahead.

use std::io::Read;

use super::chain::Bytes;

/// Bytes read at once.
const BLOCK: usize = 256 << 10;

/// The bytes of a stream from the object at hand on.
pub(super) struct Ahead<R> {
    inner: R,
    /// Bytes that were read ahead, from `start` on, which is at the offset `from` of the stream.
    ahead: Vec<u8>,
    start: usize,
    from: u64,
    ended: bool,
    broken: Option<String>,
}

impl<R: Read> Ahead<R> {
    pub(super) const fn new(inner: R) -> Self {
        Self {
            inner,
            ahead: Vec::new(),
            start: 0,
            from: 0,
            ended: false,
            broken: None,
        }
    }

    /// Reads until there are `wanted` bytes, or the stream ends.
    fn fill(&mut self, wanted: usize) {
        while self.ahead.len() - self.start < wanted && !self.ended {
            if self.start > 0 {
                self.ahead.drain(..self.start);
                self.start = 0;
            }
            let had = self.ahead.len();
            let missing = (wanted - had).max(BLOCK) as u64;
            // Reads as much as is available, whatever size an object claims.
            let read = self
                .inner
                .by_ref()
                .take(missing)
                .read_to_end(&mut self.ahead);
            self.ended = ((self.ahead.len() - had) as u64) < missing;
            // The bytes read before count; the stream ends here.
            if let Err(why) = read {
                self.ended = true;
                self.broken = Some(why.to_string());
            }
        }
    }
}

impl<R: Read> Bytes for Ahead<R> {
    fn bytes(&mut self, at: u64, length: usize) -> &[u8] {
        let skipped = at.saturating_sub(self.from) as usize;
        self.fill(skipped.saturating_add(length));
        let there = self.ahead.get(self.start + skipped..).unwrap_or_default();
        &there[..there.len().min(length)]
    }

    fn release(&mut self, at: u64) {
        while self.from < at {
            let missing = at - self.from;
            // Bytes that were not looked at are read and discarded, a block at a time.
            if self.ahead.len() == self.start {
                self.fill(BLOCK.min(missing as usize));
            }
            let there = (self.ahead.len() - self.start) as u64;
            if there == 0 {
                // The stream ended before this offset, and so there are no bytes.
                self.from = at;
                return;
            }
            self.start += there.min(missing) as usize;
            self.from += there.min(missing);
        }
    }

    fn broken(&mut self) -> Option<String> {
        self.broken.take()
    }
}
