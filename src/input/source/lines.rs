//! Lines of a text: in blocks as they come, in stripes where it is a large file, ahead where it is unpacked.

use std::fs::File;
use std::io::{self, ErrorKind, Seek, SeekFrom};

use super::hint::Hint;
use super::room::{PAGE, Room};
use super::unpack::Peeked;
use super::{BLOCK, BLOCK_OF_A_PIPE, Opening, ahead, stripes};
use crate::input::reader::{Reader, Scanner};

impl Opening<'_, '_, '_> {
    /// Reads the lines of a plain text, in blocks as they come.
    pub(super) fn lines(
        &mut self,
        name: &str,
        peeked: Peeked<'_>,
        depth: u32,
        reader: &mut Reader,
        mut whole: Option<&File>,
    ) {
        let (head, mut stream) = peeked.into_block();
        let mut filled = head.len();
        let is_pipe = depth == 0 && whole.is_none();
        let size = if is_pipe { BLOCK_OF_A_PIPE } else { BLOCK };
        let mut block = Room::new(size, filled.next_multiple_of(PAGE) - filled);
        let mut hint = Hint::default();
        let mut head = Some(head);
        let mut unpacked = 0;
        loop {
            if filled > 0 {
                let lines = head.as_deref().unwrap_or(&block.bytes()[..filled]);
                self.push(lines, depth, reader, &mut hint);
                if let (Some(file), Some(scanner)) = (whole.take(), reader.scanner())
                    && hint.is_settled()
                    && let Err(why) = self.striped(file, reader, &scanner)
                {
                    self.failed(name, why);
                    break;
                }
            }
            head = None;
            unpacked += filled * usize::from(depth > 0);
            if unpacked >= ahead::WORTH && reader.is_known() {
                unpacked = 0;
                let end = ahead::read(&mut *stream, |lines| {
                    self.push(lines, depth, reader, &mut hint);
                });
                if let Some(end) = end {
                    end.unwrap_or_else(|why| self.failed(name, why));
                    break;
                }
            }
            match stream.read(block.bytes_mut()) {
                Ok(0) => break,
                Ok(n) => filled = n,
                Err(why) if why.kind() == ErrorKind::Interrupted => filled = 0,
                Err(why) => {
                    self.failed(name, why);
                    break;
                }
            }
        }
        if let Some(lacking) = hint.told() {
            self.failed(name, lacking);
        }
        // Bytes that follow in the same log begin a new line.
        reader.end_part(self.sink);
    }

    /// Pushes a block of lines.
    fn push(&mut self, lines: &[u8], depth: u32, reader: &mut Reader, hint: &mut Hint) {
        hint.push(lines);
        reader.push(lines, self.sink);
        let is_log = reader.is_known() && memchr::memchr(b'\n', lines).is_some();
        if depth > 0 && !is_log {
            self.bounds.hollow(lines.len());
        }
    }

    /// Reports a file of `size` bytes that was truncated while it was read, as log rotation by copying does.
    pub(super) fn check_size(&mut self, name: &str, mut file: &File, size: u64) {
        let (Ok(read), Ok(now)) = (file.stream_position(), file.metadata()) else {
            return;
        };
        // The files of /sys and /proc do not have the size that they state, and keep stating it.
        if read < size && now.len() < size {
            let text = format!(
                "it was cut while it was read: {read} of its {size} bytes came, and count; read a copy of it, or the \
                 rotated file"
            );
            self.failed(name, io::Error::other(text));
        }
    }

    /// Reads as much of `file` as possible in stripes, and leaves its position at the rest; `false` where it is too
    /// small.
    fn striped(
        &mut self,
        mut file: &File,
        reader: &mut Reader,
        scanner: &Scanner,
    ) -> io::Result<bool> {
        let size = file.metadata()?.len();
        let here = file.stream_position()?;
        if !stripes::is_worth(here, size) {
            return Ok(false);
        }
        let again = reader.give_back();
        self.bounds.put_back(again);
        let from = here - again as u64;
        let rest = stripes::read(file, from..size, reader, scanner, self.sink, &self.bounds);
        file.seek(SeekFrom::Start(rest)).map(|_| true)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::input::Prefixes;
    use crate::input::event::LogEvent;
    use crate::input::source::{Options, Progress};
    use crate::time::{Reading, Time};

    /// Reading a file that was opened for writing fails, as on a device that broke.
    #[test]
    #[cfg(unix)]
    fn stripes_end_where_reading_fails() {
        let folder = tempfile::tempdir().unwrap();
        let file = File::create(folder.path().join("kernel.log")).unwrap();
        file.set_len(16 << 20).unwrap();
        let options = Options {
            prefixes: Prefixes::documented(),
            reading: Reading {
                year: None,
                reference: Time(0),
                offset: 0,
            },
            progress: Progress::default(),
            since: None,
        };
        let mut reader = Reader::new(options.prefixes.clone(), options.reading);
        let mut sink = |_: LogEvent<'_>| {};
        reader.push(b"-- No entries --\n", &mut sink);
        let mut opening = Opening::new(&options, &mut sink);
        let Some(scanner) = reader.scanner() else {
            return;
        };
        assert!(opening.striped(&file, &mut reader, &scanner).is_ok());
        // The position is at the start, and reading in sequence shows the error.
        assert_eq!((&file).stream_position().unwrap(), 0);
    }
}
