//! Decoders of gzip, zstd, xz and bzip2 that keep the bytes before a damage. The readers of their crates drop all that a
//! call had unpacked when it met the damage, and the checksum of a block follows the block: in a small log that is
//! everything.

use std::io::{self, BufRead, BufReader, Read};

use flate2::bufread::GzDecoder;
use flate2::{Crc, FlushDecompress};
use liblzma::stream::{Action, CONCATENATED, Stream};
use zstd::stream::raw::{DParameter, InBuffer, Operation, OutBuffer};

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

/// The window of deflate, in bytes: miniz_oxide hands out up to as many at once, and only once.
const DEFLATE_WINDOW: usize = 32 << 10;
/// Room in bytes that bzip2 gets in one call: where it meets a damage in the middle of a block (`BZ_GET_FAST_C`), it does not
/// say how much of it is filled.
const BZIP2_ROOM: usize = 4 << 10;
/// Length of the header of a zstd block, in bytes, and of a whole one (RFC 8878).
const ZSTD_HEAD: usize = 3;
const ZSTD_BLOCK: usize = (128 << 10) + ZSTD_HEAD;
/// Length in bytes of what zstd takes first of a frame (`ZSTD_startingInputLength`).
const ZSTD_BEGIN: usize = 5;

/// Result of one call of a decoder.
struct Step {
    taken: u64,
    made: u64,
    /// Whether the packed data ended.
    ended: io::Result<bool>,
}

/// Unpacks packed bytes, none at the end of the input, into a room.
type Unpack = dyn FnMut(&[u8], &mut [u8]) -> Step + Send;

/// Packed bytes of `inner`, unpacked.
pub(super) struct Decoder<R> {
    inner: BufReader<R>,
    step: Box<Unpack>,
    /// Error to return after all bytes before it were handed out.
    failed: Option<io::Error>,
    ended: bool,
}

impl<R> Decoder<R> {
    fn new(
        inner: BufReader<R>,
        step: impl FnMut(&[u8], &mut [u8]) -> Step + Send + 'static,
    ) -> Self {
        Self {
            inner,
            step: Box::new(step),
            failed: None,
            ended: false,
        }
    }
}

impl<R: Read> Read for Decoder<R> {
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

/// Unpacks gzip, members one after the other. NULs that pad a file to whole blocks are left out, as gzip does, and text that
/// was appended is kept.
pub(super) fn gzip<R: Read>(inner: R) -> io::Result<Gzip<R>> {
    Ok(Gzip::Member(Member::new(BufReader::new(inner))?))
}

pub(super) enum Gzip<R> {
    Member(Member<R>),
    Text(BufReader<R>),
    Over,
}

/// A member of gzip, behind its header.
pub(super) struct Member<R> {
    data: BufReader<Decoder<R>>,
    /// The checksum and the length of what was unpacked.
    crc: Crc,
}

impl<R: Read> Member<R> {
    fn new(inner: BufReader<R>) -> io::Result<Self> {
        // It parses the header, of which it holds the error back.
        let mut gzip = GzDecoder::new(inner);
        if gzip.header().is_none() {
            gzip.read_exact(&mut [0])?;
        }
        let data = Decoder::new(gzip.into_inner(), deflate());
        Ok(Self {
            data: BufReader::with_capacity(DEFLATE_WINDOW, data),
            crc: Crc::new(),
        })
    }

    /// Checks what was unpacked, and returns what follows the member.
    fn end(self) -> io::Result<BufReader<R>> {
        let mut rest = self.data.into_inner().inner;
        let mut told = [0; 8];
        rest.read_exact(&mut told)?;
        let (sum, length) = (self.crc.sum(), self.crc.amount());
        if told != (u64::from(sum) | u64::from(length) << 32).to_le_bytes() {
            return Err(damaged("its checksum does not match"));
        }
        Ok(rest)
    }
}

impl<R: Read> Gzip<R> {
    /// Returns what follows the member whose data ended.
    fn next(member: Member<R>) -> io::Result<Self> {
        let mut rest = member.end()?;
        loop {
            let bytes = rest.fill_buf()?;
            let nuls = bytes.iter().take_while(|byte| **byte == 0).count();
            match bytes.get(nuls) {
                None if nuls == 0 => return Ok(Self::Over),
                None => rest.consume(nuls),
                Some(0x1f) => {
                    rest.consume(nuls);
                    return Ok(Self::Member(Member::new(rest)?));
                }
                Some(first) if is_text(*first) => {
                    rest.consume(nuls);
                    return Ok(Self::Text(rest));
                }
                Some(_) => return Err(damaged("what follows is neither gzip nor text")),
            }
        }
    }
}

impl<R: Read> Read for Gzip<R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        loop {
            match self {
                Self::Member(member) => {
                    let read = member.data.read(buf)?;
                    member.crc.update(&buf[..read]);
                    if read > 0 || buf.is_empty() {
                        return Ok(read);
                    }
                }
                Self::Text(text) => return text.read(buf),
                Self::Over => return Ok(0),
            }
            if let Self::Member(member) = std::mem::replace(self, Self::Over) {
                *self = Self::next(member)?;
            }
        }
    }
}

/// Unpacks the data of a member of gzip.
fn deflate() -> impl FnMut(&[u8], &mut [u8]) -> Step + Send {
    let mut stream = flate2::Decompress::new(false);
    move |packed, room| {
        let before = (stream.total_in(), stream.total_out());
        let status = stream.decompress(packed, room, FlushDecompress::None);
        Step {
            taken: stream.total_in() - before.0,
            made: stream.total_out() - before.1,
            ended: status
                .map(|status| status == flate2::Status::StreamEnd)
                .map_err(io::Error::from),
        }
    }
}

/// Whether a log of text may begin with `byte`.
const fn is_text(byte: u8) -> bool {
    byte.is_ascii_graphic() || byte.is_ascii_whitespace() || byte == 0xef
}

fn damaged(why: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, why)
}

/// Unpacks zstd, frames one after the other.
pub(super) fn zstd<R: Read>(inner: R) -> io::Result<Decoder<R>> {
    let mut stream = zstd::stream::raw::Decoder::new()?;
    stream.set_parameter(DParameter::WindowLogMax(WINDOW))?;
    // As much as it takes for a block: of several, those before a damaged one would be dropped. It asks for a block together
    // with the header behind it, which may be the damage.
    let mut wanted = ZSTD_BEGIN;
    let (mut between, mut is_full) = (false, false);
    let step = move |packed: &[u8], room: &mut [u8]| {
        let space = room.len();
        // All of a frame came out where its end was told.
        let (is_held, is_end) = (is_full && !between, between && packed.is_empty());
        let mut input = InBuffer::around(&packed[..packed.len().min(wanted)]);
        let mut output = OutBuffer::around(room);
        let mut run = |input: &mut InBuffer<'_>| {
            stream.run(input, &mut output).map(|more| {
                between = more == 0;
                wanted = match more {
                    0 => ZSTD_BEGIN,
                    1..=ZSTD_HEAD => more,
                    _ => more - ZSTD_HEAD,
                };
                output.pos()
            })
        };
        // What the room before did not hold comes alone: the damage may lie behind it.
        let mut made = Ok(0);
        if is_held {
            made = run(&mut InBuffer::around(&[]));
        }
        if matches!(made, Ok(0)) && !is_end {
            made = run(&mut input);
        }
        is_full = output.pos() == space;
        Step {
            taken: input.pos() as u64,
            made: output.pos() as u64,
            ended: made.map(|_| is_end).map_err(|why| {
                if why.to_string() == ZSTD_WINDOW {
                    too_wide("zstd -d --long=31 FILE")
                } else {
                    why
                }
            }),
        }
    };
    let inner = BufReader::with_capacity(ZSTD_BLOCK, inner);
    Ok(Decoder::new(inner, step))
}

/// Unpacks xz: all filters and checks, and streams one after the other.
pub(super) fn xz<R: Read>(inner: R) -> io::Result<Decoder<R>> {
    let mut stream = Stream::new_stream_decoder(XZ_MEMORY, CONCATENATED)?;
    Ok(Decoder::new(
        BufReader::new(inner),
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
                    .map(|status| status == liblzma::stream::Status::StreamEnd)
                    .map_err(|why| match why {
                        liblzma::stream::Error::MemLimit => too_wide("xz -d FILE"),
                        why => why.into(),
                    }),
            }
        },
    ))
}

/// Unpacks bzip2, streams one after the other. Up to [`BZIP2_ROOM`] bytes before a damage may be lost.
pub(super) fn bzip2<R: Read>(inner: R) -> BufReader<Decoder<R>> {
    let mut stream = bzip2::Decompress::new(false);
    let mut between = false;
    let decoder = Decoder::new(
        BufReader::new(inner),
        move |packed: &[u8], room: &mut [u8]| {
            if between && packed.is_empty() {
                return Step {
                    taken: 0,
                    made: 0,
                    ended: Ok(true),
                };
            }
            if std::mem::take(&mut between) {
                stream = bzip2::Decompress::new(false);
            }
            let before = (stream.total_in(), stream.total_out());
            let room_len = room.len().min(BZIP2_ROOM);
            let status = stream.decompress(packed, &mut room[..room_len]);
            between = matches!(status, Ok(bzip2::Status::StreamEnd));
            Step {
                taken: stream.total_in() - before.0,
                made: stream.total_out() - before.1,
                ended: status.map(|_| false).map_err(io::Error::from),
            }
        },
    );
    BufReader::with_capacity(BZIP2_ROOM, decoder)
}
