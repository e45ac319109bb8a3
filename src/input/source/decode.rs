//! Decoders: of gzip, with what may follow it, and of zstd with a bound; and of xz and bzip2 that keep all bytes before a damage. The readers of their crates drop all that a call had
//! unpacked when it met the damage, and the checksum of a block follows the block: in a small log that is everything.

use std::io::{self, BufRead, BufReader, Read};

use bzip2::Decompress;
use flate2::bufread::GzDecoder;
use liblzma::stream::{Action, CONCATENATED, Status, Stream};

/// Largest window that is accepted, as a power of two: that of `xz -9` and of `zstd --long=26`, 64 MiB. A header may
/// claim 4 GiB.
const WINDOW: u32 = 26;
/// The memory that unpacking xz may take, in bytes: the window and the state of the decoder.
const XZ_MEMORY: u64 = (1 << WINDOW) + (2 << 20);
/// Error text of zstd for a window over the bound (ZSTD_error_frameParameter_windowTooLarge).
const ZSTD_WINDOW: &str = "Frame requires too much memory for decoding";

/// Returns the error for a window over the bound, with the command that unpacks it.
fn too_wide(command: &str) -> io::Error {
    let why = format!(
        "unpacking it takes a window of more than {} MiB; unpack it first, `{command}`, and name what comes of it",
        1 << (WINDOW - 20)
    );
    io::Error::new(io::ErrorKind::OutOfMemory, why)
}

/// Unpacks gzip, members one after the other. NULs that pad a file to whole blocks are left out, as gzip does, and text that
/// was appended is kept.
pub(super) fn gzip<R: Read>(inner: R) -> impl Read {
    Gzip::Packed(Box::new(GzDecoder::new(BufReader::new(inner))))
}

enum Gzip<R> {
    Packed(Box<GzDecoder<BufReader<R>>>),
    Text(BufReader<R>),
    Over,
}

impl<R: Read> Gzip<R> {
    /// Returns what follows the member whose data ended.
    fn next(packed: GzDecoder<BufReader<R>>) -> io::Result<Self> {
        let mut rest = packed.into_inner();
        loop {
            let bytes = rest.fill_buf()?;
            let nuls = bytes.iter().take_while(|byte| **byte == 0).count();
            match bytes.get(nuls) {
                None if nuls == 0 => return Ok(Self::Over),
                None => rest.consume(nuls),
                Some(0x1f) => {
                    rest.consume(nuls);
                    return Ok(Self::Packed(Box::new(GzDecoder::new(rest))));
                }
                Some(first) if is_text(*first) => {
                    rest.consume(nuls);
                    return Ok(Self::Text(rest));
                }
                Some(_) => {
                    let why = "what follows is neither gzip nor text";
                    return Err(io::Error::new(io::ErrorKind::InvalidData, why));
                }
            }
        }
    }
}

/// Whether a log of text may begin with `byte`.
const fn is_text(byte: u8) -> bool {
    byte.is_ascii_graphic() || byte.is_ascii_whitespace() || byte == 0xef
}

impl<R: Read> Read for Gzip<R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        loop {
            match self {
                Self::Packed(packed) => {
                    let read = packed.read(buf)?;
                    if read > 0 || buf.is_empty() {
                        return Ok(read);
                    }
                }
                Self::Text(text) => return text.read(buf),
                Self::Over => return Ok(0),
            }
            if let Self::Packed(packed) = std::mem::replace(self, Self::Over) {
                *self = Self::next(*packed)?;
            }
        }
    }
}

/// Unpacks zstd, frames one after the other.
pub(super) fn zstd<R: Read>(inner: R) -> io::Result<impl Read + use<R>> {
    let mut stream = zstd::stream::read::Decoder::new(inner)?;
    stream.window_log_max(WINDOW)?;
    Ok(Bounded(stream))
}

/// A zstd decoder that reports a window over the bound with a remedy.
struct Bounded<R>(R);

impl<R: Read> Read for Bounded<R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        self.0.read(buf).map_err(|why| {
            if why.to_string() == ZSTD_WINDOW {
                too_wide("zstd -d --long=31 FILE")
            } else {
                why
            }
        })
    }
}

/// Result of one call of a decoder.
struct Step {
    taken: u64,
    made: u64,
    /// Whether the packed data ended.
    ended: io::Result<bool>,
}

/// Packed bytes of `inner`, unpacked.
pub(super) struct Decoder<R, F> {
    inner: BufReader<R>,
    step: F,
    /// Error to return after all bytes before it were handed out.
    failed: Option<io::Error>,
    ended: bool,
}

impl<R: Read, F> Decoder<R, F> {
    fn new(inner: R, step: F) -> Self {
        Self {
            inner: BufReader::new(inner),
            step,
            failed: None,
            ended: false,
        }
    }
}

/// Unpacks xz: all filters and checks, and streams one after the other.
pub(super) fn xz<R: Read>(inner: R) -> io::Result<impl Read + use<R>> {
    let mut stream = Stream::new_stream_decoder(XZ_MEMORY, CONCATENATED)?;
    Ok(Decoder::new(
        inner,
        move |packed: &[u8], room: &mut [u8]| {
            let before = (stream.total_in(), stream.total_out());
            // Only the end of the input shows that no further stream follows.
            let action = if packed.is_empty() {
                Action::Finish
            } else {
                Action::Run
            };
            let ended = stream.process(packed, room, action);
            Step {
                taken: stream.total_in() - before.0,
                made: stream.total_out() - before.1,
                ended: ended
                    .map(|status| status == Status::StreamEnd)
                    .map_err(|why| match why {
                        liblzma::stream::Error::MemLimit => too_wide("xz -d FILE"),
                        why => why.into(),
                    }),
            }
        },
    ))
}

/// Unpacks bzip2, streams one after the other.
pub(super) fn bzip2<R: Read>(inner: R) -> impl Read {
    let mut stream = Decompress::new(false);
    let mut between = false;
    Decoder::new(inner, move |packed: &[u8], room: &mut [u8]| {
        if between && packed.is_empty() {
            return Step {
                taken: 0,
                made: 0,
                ended: Ok(true),
            };
        }
        if std::mem::take(&mut between) {
            stream = Decompress::new(false);
        }
        let before = (stream.total_in(), stream.total_out());
        let status = stream.decompress(packed, room);
        between = matches!(status, Ok(bzip2::Status::StreamEnd));
        Step {
            taken: stream.total_in() - before.0,
            made: stream.total_out() - before.1,
            ended: status.map(|_| false).map_err(io::Error::from),
        }
    })
}

impl<R: Read, F: FnMut(&[u8], &mut [u8]) -> Step> Read for Decoder<R, F> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        while !self.ended && !buf.is_empty() {
            if let Some(why) = self.failed.take() {
                return Err(why);
            }
            let packed = self.inner.fill_buf()?;
            let is_last = packed.is_empty();
            let step = (self.step)(packed, buf);
            self.inner.consume(step.taken as usize);
            match step.ended {
                Ok(ended) => self.ended = ended,
                Err(why) if step.made == 0 => return Err(why),
                Err(why) => self.failed = Some(why),
            }
            if step.made > 0 {
                return Ok(step.made as usize);
            }
            if step.taken == 0 && !self.ended {
                let (kind, why) = if is_last {
                    (io::ErrorKind::UnexpectedEof, "its end is missing")
                } else {
                    (io::ErrorKind::InvalidData, "it leads nowhere")
                };
                return Err(io::Error::new(kind, why));
            }
        }
        Ok(0)
    }
}
