//! Positioned reads of a journal file through a window onto it.

use std::fs::File;
use std::io;
use std::sync::Arc;

/// Alignment of windows: the page size.
const PAGE: u64 = 4096;
/// Offset of file pages within memory pages: copies whose source and target differ by less than 32 bytes modulo 4096, as
/// with memory from `malloc`, suffer 4K aliasing (measured: 0.7 s/GiB instead of 0.23).
const PLACE: usize = 80;

/// A part of a file in memory.
#[derive(Debug)]
pub(super) struct Window {
    /// `None` while it is closed.
    file: Option<Arc<File>>,
    /// Length of the file when it was opened; later bytes are not read.
    end: u64,
    /// Buffer; from `lead` on it contains `filled` bytes of the file from offset `from`.
    room: Vec<u8>,
    lead: usize,
    from: u64,
    filled: usize,
    /// Bytes read at once.
    block: usize,
    /// Bytes kept before the offset that is asked for.
    back: usize,
    broken: Option<String>,
}

impl Window {
    /// Creates a window of `block` bytes onto the first `end` bytes of `file`, with `back` of them before the offset
    /// asked for.
    pub(super) const fn new(file: Arc<File>, end: u64, block: usize, back: usize) -> Self {
        Self {
            file: Some(file),
            end,
            room: Vec::new(),
            lead: 0,
            from: 0,
            filled: 0,
            block,
            back,
            broken: None,
        }
    }

    /// Whether all of `at..at + length`, as far as the file has it, is in memory.
    pub(super) fn holds(&self, at: u64, length: usize) -> bool {
        let until = (at.saturating_add(length as u64)).min(self.end);
        at >= self.from && until <= self.from + self.filled as u64
    }

    /// Reads `file` from now on.
    pub(super) fn open(&mut self, file: Arc<File>) {
        self.file = Some(file);
    }

    /// Frees the memory, and closes the file.
    pub(super) fn close(&mut self) {
        self.room = Vec::new();
        self.lead = 0;
        self.filled = 0;
        self.file = None;
    }

    /// Moves the window so that it shows the `length` bytes at `at`, which the file has.
    fn read(&mut self, at: u64, length: usize) {
        let from = at.saturating_sub(self.back as u64) / PAGE * PAGE;
        let wanted = (at + length as u64).max(from + self.block as u64);
        let until = wanted.next_multiple_of(PAGE).min(self.end);
        // Bytes that are in memory already are moved, not read again.
        let mut filled = 0;
        if (self.from..self.from + self.filled as u64).contains(&from) {
            let moved = (from - self.from) as usize;
            let kept = self.lead + moved..self.lead + self.filled;
            self.room.copy_within(kept, self.lead);
            filled = self.filled - moved;
        }
        let size = (until - from) as usize;
        if self.room.len() < self.lead + size {
            self.grow(size, filled);
        }
        let room = &mut self.room[self.lead..];
        while filled < size {
            let read = match &self.file {
                Some(file) => read_at(file, &mut room[filled..size], from + filled as u64),
                None => Err(io::Error::other("it is closed")),
            };
            match read {
                Ok(0) => break,
                Ok(read) => filled += read,
                Err(why) if why.kind() == io::ErrorKind::Interrupted => {}
                Err(why) => {
                    self.broken = Some(why.to_string());
                    break;
                }
            }
        }
        self.from = from;
        self.filled = filled;
        if filled < size {
            // The file was truncated, or cannot be read: it ends here.
            self.end = from + filled as u64;
        }
    }

    /// Enlarges the buffer to `size` bytes, the first `filled` of which are kept.
    fn grow(&mut self, size: usize, filled: usize) {
        let mut room = vec![0; size + PAGE as usize];
        let lead = (PLACE + PAGE as usize - room.as_ptr().addr() % PAGE as usize) % PAGE as usize;
        let kept = &self.room[self.lead..self.lead + filled];
        room[lead..lead + filled].copy_from_slice(kept);
        self.room = room;
        self.lead = lead;
    }

    /// Returns the `length` bytes at `at`; fewer where the file ends, or breaks.
    #[inline]
    pub(super) fn bytes(&mut self, at: u64, length: usize) -> &[u8] {
        if self.shown(at).len() < length {
            self.show(at, length);
        }
        let shown = self.shown(at);
        &shown[..shown.len().min(length)]
    }

    /// Returns the bytes from `at` on that are in memory.
    #[inline]
    fn shown(&self, at: u64) -> &[u8] {
        let shown = &self.room[self.lead..self.lead + self.filled];
        // An offset before the window is beyond its end.
        let start = usize::try_from(at.wrapping_sub(self.from)).unwrap_or(usize::MAX);
        shown.get(start..).unwrap_or_default()
    }

    /// Moves the window so that it shows the `length` bytes at `at`, as far as the file has them.
    #[inline(never)]
    fn show(&mut self, at: u64, length: usize) {
        let there = self.end.saturating_sub(at).min(length as u64) as usize;
        if there > 0 && !self.holds(at, there) {
            self.read(at, there);
        }
    }

    /// Takes the read error that ended the bytes; `None` at the end of the file.
    pub(super) fn broken(&mut self) -> Option<String> {
        self.broken.take()
    }
}

#[cfg(unix)]
pub(super) fn read_at(file: &File, bytes: &mut [u8], at: u64) -> io::Result<usize> {
    std::os::unix::fs::FileExt::read_at(file, bytes, at)
}

#[cfg(windows)]
pub(super) fn read_at(file: &File, bytes: &mut [u8], at: u64) -> io::Result<usize> {
    std::os::windows::fs::FileExt::seek_read(file, bytes, at)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_shows_the_file_wherever_it_is_moved_to() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        let whole: Vec<u8> = (0..100_000_u32).map(|n| (n * 7 / 3) as u8).collect();
        std::fs::write(&path, &whole).unwrap();
        let file = Arc::new(File::open(&path).unwrap());
        let mut window = Window::new(file, whole.len() as u64 - 10, 8192, 1000);
        let all = &whole[..whole.len() - 10];
        for n in 0..3000_usize {
            let at = (n * n * 7919) % (all.len() + 100);
            let length = 1 + n * 31 % 20_000;
            let told = all.get(at..).unwrap_or_default();
            let told = &told[..told.len().min(length)];
            assert_eq!(window.bytes(at as u64, length), told, "{at} {length}");
        }
    }

    #[test]
    fn a_file_that_was_cut_meanwhile_ends() {
        let file = Arc::new(tempfile::tempfile().unwrap());
        file.set_len(5000).unwrap();
        let mut window = Window::new(file, 10_000, 4096, 0);
        assert_eq!(window.bytes(4999, 10).len(), 1);
        assert_eq!(window.bytes(7000, 10).len(), 0);
        assert_eq!(window.bytes(0, 10).len(), 10);
    }
}
