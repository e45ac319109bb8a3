//! Reads what is unpacked on a thread of its own, a few blocks ahead of the one that reads the lines: unpacking a log takes as
//! long as reading it, or longer.

use std::io::{self, ErrorKind, Read};
use std::panic::resume_unwind;
use std::sync::mpsc::sync_channel;
use std::thread;

use super::BLOCK;
use super::room::Room;

/// Bytes after which a stream is worth a thread.
pub(super) const WORTH: usize = 2 << 20;
/// Blocks that are unpacked ahead of the one that is read.
const AHEAD: usize = 4;

/// Passes the blocks of `stream` to `take` to its end. Returns `None`, with nothing read, where no thread pays or none can be
/// started.
pub(super) fn read(
    stream: &mut (dyn Read + Send),
    mut take: impl FnMut(&[u8]),
) -> Option<io::Result<()>> {
    if !thread::available_parallelism().is_ok_and(|threads| threads.get() > 1) {
        return None;
    }
    let (send, blocks) = sync_channel(AHEAD);
    let (give_back, spare) = sync_channel::<Room>(AHEAD);
    let unpack = move || {
        let mut end = None;
        while end.is_none() {
            let mut room = spare.try_recv().unwrap_or_else(|_| Room::new(BLOCK, 0));
            let mut filled = 0;
            // Decoders hand out less at a time, and waking the other thread costs as much as reading that.
            while end.is_none() && filled < BLOCK {
                match stream.read(&mut room.bytes_mut()[filled..]) {
                    Ok(0) => end = Some(Ok(())),
                    Ok(read) => filled += read,
                    Err(why) if why.kind() == ErrorKind::Interrupted => {}
                    Err(why) => end = Some(Err(why)),
                }
            }
            if send.send((room, filled)).is_err() {
                break;
            }
        }
        end.unwrap_or(Ok(()))
    };
    thread::scope(|scope| {
        let unpacking = thread::Builder::new().spawn_scoped(scope, unpack).ok()?;
        for (room, filled) in blocks {
            take(&room.bytes()[..filled]);
            // The thread may have ended.
            let _ = give_back.try_send(room);
        }
        let end = unpacking.join();
        Some(end.unwrap_or_else(|panic| resume_unwind(panic)))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A stream that hands out few bytes at a time, is interrupted now and then, and breaks where they end.
    struct Breaking<'b> {
        left: &'b [u8],
        is_due: bool,
    }

    impl Read for Breaking<'_> {
        fn read(&mut self, room: &mut [u8]) -> io::Result<usize> {
            self.is_due = !self.is_due;
            if self.is_due {
                return Err(ErrorKind::Interrupted.into());
            }
            if self.left.is_empty() {
                return Err(io::Error::other("cut off"));
            }
            let most = room.len().min(10_007);
            self.left.read(&mut room[..most])
        }
    }

    #[test]
    fn what_came_before_a_damage_comes_in_order() {
        for length in [0, 1, BLOCK - 1, BLOCK, BLOCK + 1, 9 * BLOCK + 5] {
            let bytes: Vec<u8> = (0..length).map(|at| (at % 251) as u8).collect();
            let mut came = Vec::new();
            let mut stream = Breaking {
                left: &bytes,
                is_due: false,
            };
            if let Some(end) = read(&mut stream, |block| came.extend_from_slice(block)) {
                assert_eq!(end.unwrap_err().to_string(), "cut off");
                assert!(came == bytes, "{length}");
            }
            came.clear();
            if let Some(end) = read(&mut &bytes[..], |block| came.extend_from_slice(block)) {
                end.unwrap();
                assert!(came == bytes, "{length}");
            }
        }
    }
}
