//! A live stream before it is read: what it is, with its compression taken off.

use std::io::{self, Read};

use super::Options;
use super::bounds::{self, Bounds, Counted};
use super::unpack::{self, Kind, Peeked};
use crate::input::objects::is_objects;

/// Enlarges the buffer of a pipe as far as allowed: 64 KiB of it give 1.3 GB/s, 1 MiB gives 3.9. Errors are ignored.
#[cfg(target_os = "linux")]
pub fn widen(pipe: impl std::os::fd::AsFd) {
    let _ = rustix::pipe::fcntl_setpipe_size(pipe, 1 << 20);
}

/// Does nothing, since other systems cannot resize a pipe.
#[cfg(not(target_os = "linux"))]
pub fn widen<T>(_: T) {}

/// Kind of a live stream.
pub enum Live {
    /// Plain lines: their first bytes, and the rest of the stream.
    Plain(Vec<u8>, Box<dyn Read + Send>),
    /// Compressed lines: read blocks of them, and push these through a [`Reader`].
    Lines(Box<dyn Read + Send>),
    /// A journal, an archive, reports or Kubernetes objects: give it to [`read_stream`].
    Whole(Box<dyn Read + Send>),
}

impl Live {
    /// Returns all lines of the stream; `None` where it has to be read as a whole.
    pub fn lines(self) -> Option<Box<dyn Read + Send>> {
        match self {
            Self::Plain(head, rest) => Some(Box::new(io::Cursor::new(head).chain(rest))),
            Self::Lines(lines) => Some(lines),
            Self::Whole(_) => None,
        }
    }
}

/// Detects the kind of `input` by as few of its first bytes as possible, and unpacks it.
///
/// # Errors
/// If reading fails, or it is packed too deeply.
pub fn peel(input: impl Read + Send + 'static, options: &Options) -> io::Result<Live> {
    let bounds = Bounds::new(options.progress.clone());
    let mut stream: Box<dyn Read + Send> = Box::new(Counted::new(input, bounds.clone()));
    for depth in 0..=bounds::DEPTH {
        let peeked = Peeked::new(stream, Vec::new())?;
        match peeked.kind() {
            Kind::Text if is_objects(peeked.head()) => {
                return Ok(Live::Whole(peeked.into_stream()));
            }
            Kind::Text if depth == 0 => {
                let (head, rest) = peeked.into_block();
                return Ok(Live::Plain(head, rest));
            }
            Kind::Text => return Ok(Live::Lines(peeked.into_stream())),
            Kind::Zip | Kind::Journal | Kind::Unread(_) | Kind::Own => {
                return Ok(Live::Whole(peeked.into_stream()));
            }
            Kind::Packed(codec) => {
                stream = unpack::unpack(codec, peeked.into_stream(), bounds.clone())?;
            }
        }
    }
    Err(bounds::too_deep())
}
