//! Container logs: a long line is written in parts, all but the last of which are marked as partial.

use std::ops::Range;

use super::MAX_RECORD;
use crate::input::format::cri::part;
use crate::input::format::text::trim;

/// Joins the parts of a container's line around `line`. Returns the text, and the end of the last part in `text`; `None`
/// where `line` is complete.
pub(in crate::input) fn join(text: &[u8], line: Range<usize>) -> Option<(usize, Vec<u8>)> {
    let part_at = |range: Range<usize>| part(trim(&text[range]));
    let this = part_at(line.clone())?;
    let mut begin = line.start;
    while let Some(before) = begin.checked_sub(1) {
        let from = memchr::memrchr(b'\n', &text[..before]).map_or(0, |at| at + 1);
        match part_at(from..before) {
            Some(part) if part.partial && part.stream == this.stream => begin = from,
            _ => break,
        }
    }
    if begin == line.start && !this.partial {
        return None;
    }
    let mut joined = Vec::new();
    let mut at = begin;
    let mut last = line.end;
    while at < text.len() && joined.len() <= MAX_RECORD {
        let end = memchr::memchr(b'\n', &text[at..]).map_or(text.len(), |end| at + end);
        let line = trim(&text[at..end]);
        let Some(part) = part(line).filter(|part| part.stream == this.stream) else {
            break;
        };
        if joined.is_empty() {
            // The time and the stream of the first part apply to all.
            let head = line.len() - part.text.len();
            joined.extend_from_slice(&line[..head]);
        }
        joined.extend_from_slice(part.text);
        last = last.max(end);
        at = end + 1;
        if !part.partial {
            break;
        }
    }
    Some((last, joined))
}
