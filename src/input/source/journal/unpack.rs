//! Decompression of the values of DATA objects, within bounds.

use std::io;

use liblzma::stream::{Action, Status, Stream};
use zstd::stream::raw::{DParameter, Decoder, InBuffer, Operation, OutBuffer};
use zstd::zstd_safe::get_frame_content_size;

use super::object::{LZ4, XZ, ZSTD, u64_at};

/// The longest value that is unpacked; no message of the kernel is longer than 2 KiB.
pub(super) const MAX_VALUE: usize = 64 << 10;
/// Window of a zstd frame without a stated length: 8 MiB.
const WINDOW_LOG: u32 = 23;
/// Upper bound on the memory of an xz decoder, in bytes; journald's dictionary is 1 MiB.
const XZ_MEMORY: u64 = 16 << 20;

/// A value without its compression.
pub(super) enum Unpacked<'a> {
    Whole(&'a [u8]),
    /// A value longer than [`MAX_VALUE`]; its start, which may be empty.
    Begin(&'a [u8]),
    Damaged,
}

/// Decoders, created on demand, and a buffer for one value.
#[derive(Default)]
pub(super) struct Unpacker {
    zstd: Option<Decoder<'static>>,
    room: Vec<u8>,
}

impl Unpacker {
    /// Unpacks `packed`, the stored value of a DATA object with these `flags`.
    pub(super) fn unpack<'a>(&'a mut self, flags: u8, packed: &'a [u8]) -> Unpacked<'a> {
        if flags == 0 {
            return match packed.get(..MAX_VALUE) {
                Some(begin) if packed.len() > MAX_VALUE => Unpacked::Begin(begin),
                _ => Unpacked::Whole(packed),
            };
        }
        self.room.resize(MAX_VALUE + 1, 0);
        let length = match flags {
            ZSTD => self.zstd(packed),
            LZ4 => self.lz4(packed),
            XZ => self.xz(packed),
            _ => None,
        };
        match length {
            Some(length) if length > MAX_VALUE => Unpacked::Begin(&self.room[..MAX_VALUE]),
            Some(length) => Unpacked::Whole(&self.room[..length]),
            None => Unpacked::Damaged,
        }
    }

    /// Returns the start of the value that `packed` is the start of; empty where it cannot be told.
    pub(super) fn begin<'a>(&'a mut self, flags: u8, packed: &'a [u8]) -> &'a [u8] {
        if flags != ZSTD {
            return match flags {
                0 => &packed[..packed.len().min(MAX_VALUE)],
                // Of lz4 and xz a part is not unpacked.
                _ => &[],
            };
        }
        self.room.resize(MAX_VALUE + 1, 0);
        let decoder = match &mut self.zstd {
            Some(decoder) => decoder,
            none => match window_bounded() {
                Ok(made) => none.insert(made),
                Err(_) => return &[],
            },
        };
        if decoder.reinit().is_err() {
            return &[];
        }
        let mut input = InBuffer::around(packed);
        let mut output = OutBuffer::around(&mut self.room[..MAX_VALUE]);
        loop {
            let before = (input.pos(), output.pos());
            let ended = decoder.run(&mut input, &mut output);
            if ended.is_err() || before == (input.pos(), output.pos()) {
                break;
            }
        }
        let length = output.pos();
        &self.room[..length]
    }

    /// One frame, as `ZSTD_compress` writes it: with its length before it.
    fn zstd(&mut self, packed: &[u8]) -> Option<usize> {
        let told = get_frame_content_size(packed).ok()?;
        let decoder = match &mut self.zstd {
            Some(decoder) => decoder,
            none => none.insert(window_bounded().ok()?),
        };
        decoder.reinit().ok()?;
        let mut input = InBuffer::around(packed);
        let mut output = OutBuffer::around(&mut self.room[..]);
        loop {
            let before = (input.pos(), output.pos());
            let rest = match decoder.run(&mut input, &mut output) {
                Ok(rest) => rest,
                // A window that is too large belongs to a value that is too large.
                Err(_) if told.is_some_and(|told| told > 1 << WINDOW_LOG) => {
                    self.room[..=MAX_VALUE].fill(0);
                    return Some(MAX_VALUE + 1);
                }
                Err(_) => return None,
            };
            if output.pos() > MAX_VALUE {
                return Some(output.pos());
            }
            if rest == 0 {
                return (input.pos() == packed.len()).then_some(output.pos());
            }
            if before == (input.pos(), output.pos()) {
                return None;
            }
        }
    }

    /// Unpacks an LZ4 block that follows its unpacked length in 64 bits (systemd, `compress_blob_lz4`). Returns the
    /// length.
    fn lz4(&mut self, packed: &[u8]) -> Option<usize> {
        let block = packed.get(8..)?;
        let told = u64_at(packed, 0);
        // One byte of a block unpacks to at most 255.
        if told > (block.len() as u64).saturating_mul(255) {
            return None;
        }
        if told > MAX_VALUE as u64 {
            self.room[..=MAX_VALUE].fill(0);
            return Some(MAX_VALUE + 1);
        }
        let room = &mut self.room[..told as usize];
        let length = lz4_flex::block::decompress_into(block, room).ok()?;
        (length as u64 == told).then_some(length)
    }

    /// Unpacks an `.xz` stream without a check. Returns the length.
    fn xz(&mut self, packed: &[u8]) -> Option<usize> {
        let mut stream = Stream::new_stream_decoder(XZ_MEMORY, 0).ok()?;
        loop {
            let (read, written) = (stream.total_in() as usize, stream.total_out() as usize);
            let status = stream.process(&packed[read..], &mut self.room[written..], Action::Run);
            let length = stream.total_out() as usize;
            if length > MAX_VALUE {
                return Some(length);
            }
            match status {
                Ok(Status::StreamEnd) => {
                    return (stream.total_in() as usize == packed.len()).then_some(length);
                }
                Ok(_) if (read, written) != (stream.total_in() as usize, length) => {}
                _ => return None,
            }
        }
    }
}

fn window_bounded() -> io::Result<Decoder<'static>> {
    let mut decoder = Decoder::new()?;
    decoder.set_parameter(DParameter::WindowLogMax(WINDOW_LOG))?;
    Ok(decoder)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn unpacked(flags: u8, packed: &[u8]) -> Option<Vec<u8>> {
        match Unpacker::default().unpack(flags, packed) {
            Unpacked::Whole(plain) => Some(plain.to_vec()),
            Unpacked::Begin(begin) => Some(begin.to_vec()),
            Unpacked::Damaged => None,
        }
    }

    /// `MESSAGE=` and 60 letters a as an LZ4 block: a literal run, a match of offset 1, and the last literals.
    fn lz4(length: u64) -> Vec<u8> {
        let mut packed = length.to_le_bytes().to_vec();
        packed.extend(b"\x9fMESSAGE=a\x01\x00\x23\x50aaaaa");
        packed
    }

    #[test]
    fn lz4_blocks_have_their_length_before_them() {
        let plain = [&b"MESSAGE="[..], &[b'a'; 60]].concat();
        assert_eq!(unpacked(LZ4, &lz4(68)), Some(plain));
        assert_eq!(unpacked(LZ4, &lz4(67)), None, "the length is another");
        assert_eq!(unpacked(LZ4, &lz4(u64::MAX)), None);
        assert_eq!(unpacked(LZ4, b"short"), None);
    }

    #[test]
    fn what_is_longer_than_any_message_is_cut() {
        let plain = [&b"MESSAGE="[..], &vec![b'a'; 3 << 20]].concat();
        let packed = zstd::bulk::compress(&plain, 1).unwrap();
        assert_eq!(unpacked(ZSTD, &packed), Some(plain[..MAX_VALUE].to_vec()));
        // A part of what is packed tells the start as well.
        let mut state = 1_u64;
        let noise = (0..400_000).map(|_| {
            // xorshift64: nothing of it comes again, so that it stays as long.
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            state as u8
        });
        let long: Vec<u8> = b"MESSAGE=".iter().copied().chain(noise).collect();
        let packed = zstd::bulk::compress(&long, 1).unwrap();
        assert!(packed.len() > 200_000);
        let mut unpacker = Unpacker::default();
        assert_eq!(
            unpacker.begin(ZSTD, &packed[..160 << 10]),
            &long[..MAX_VALUE]
        );
        let short = zstd::bulk::compress(&plain[..70], 1).unwrap();
        assert_eq!(unpacked(ZSTD, &short), Some(plain[..70].to_vec()));
        assert_eq!(unpacked(ZSTD, &short[..short.len() - 1]), None);
        assert_eq!(unpacked(ZSTD, &[&short[..], b"more"].concat()), None);
    }
}
