//! What lies behind the end of a journal in its file.

use std::fs::File;
use std::sync::Arc;

use super::growing::read_header;
use super::window::read_at;
use crate::input::source::bounds::size as amount;

/// Bytes compared at once.
const BLOCK: usize = 64 << 10;

/// Describes what lies behind the journal in the first `length` bytes of `file`; `None` where that is nothing, or zeros, which
/// journald adds to a file before its header counts them.
pub(super) fn behind(file: &Arc<File>, length: u64) -> Option<String> {
    let mut end = read_header(file, length).ok()?.end;
    while end < length && !is_zero(file, end, length) {
        // Only what was written before the header counted it is foreign: journald may go on meanwhile.
        let now = read_header(file, length).ok()?.end;
        if now <= end {
            return Some(format!(
                "{} behind the end of the journal, at byte {end}, are not read: if another log was appended to it, name each \
                 as an input of its own",
                amount(length - end)
            ));
        }
        end = now;
    }
    None
}

/// Whether the bytes from `at` to `end` are zeros, as far as they can be read.
fn is_zero(file: &Arc<File>, mut at: u64, end: u64) -> bool {
    let zeros = vec![0; BLOCK];
    let mut block = zeros.clone();
    while at < end {
        let wanted = usize::try_from(end - at).map_or(BLOCK, |left| left.min(BLOCK));
        match read_at(file, &mut block[..wanted], at) {
            Ok(0) => return true,
            Ok(n) if block[..n] == zeros[..n] => at += n as u64,
            Ok(_) | Err(_) => return false,
        }
    }
    true
}
