//! A pipe of our own, into which what lies in the input's pipe is moved page by page, without a copy.
//!
//! A pipe has one lock, and who copies holds it. So whoever writes would wait while we copy, and we while it does; what
//! lies apart is copied without keeping anybody waiting. Measured with `cat` of 1 GiB: 0.29 s, where reading directly takes
//! 0.31 to 0.35.

use std::fs::File;
use std::io::{self, PipeReader, PipeWriter, Read};

use rustix::io::Errno;
use rustix::pipe::{SpliceFlags, splice};

use crate::input::open::widen;

/// The pipe, which is empty between two reads.
pub(super) struct Apart {
    reader: PipeReader,
    writer: PipeWriter,
}

impl Apart {
    pub(super) fn new() -> io::Result<Self> {
        let (reader, writer) = io::pipe()?;
        widen(&writer);
        Ok(Self { reader, writer })
    }

    /// Reads what lies in `from`, as much as `block` holds; 0 at its end. `None` where it cannot be moved, as from a terminal:
    /// then nothing was taken.
    pub(super) fn read(&mut self, from: &File, block: &mut [u8]) -> Option<io::Result<usize>> {
        let moved = splice(
            from,
            None,
            &self.writer,
            None,
            block.len(),
            SpliceFlags::NONBLOCK,
        );
        match moved {
            Ok(moved) => Some(self.reader.read_exact(&mut block[..moved]).map(|()| moved)),
            Err(why @ (Errno::INTR | Errno::AGAIN)) => Some(Err(why.into())),
            Err(_) => None,
        }
    }
}
