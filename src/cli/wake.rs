//! Events that wake the loop of a live run.

use std::fs::File;
use std::io;

use crate::input::source::Room;

/// An event, and the number of its input.
pub(super) type Told = (u32, Wake);

/// Event that wakes the loop.
pub(super) enum Wake {
    /// A block, the number of its bytes that were read, and how many were there behind it.
    Block(Room, usize, u64),
    /// The first bytes of a standard input of plain lines: the rest is read from there.
    Plain(Vec<u8>),
    /// An archive or a journal, which is read as a whole.
    Whole(File),
    Failed(io::Error),
    /// Whether a file that is followed is there.
    Up(bool),
    End,
    Interrupted,
}
