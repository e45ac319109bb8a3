//! Search of a journal's raw bytes for a LOG prefix, and from there for the value that contains it and the entries of
//! that value. Compressed values are not found.

use std::fs::File;
use std::sync::Arc;

use memchr::memmem::Finder;

use super::header::Header;
use super::index::Links;
use super::object::{DATA, Head};
use super::proof::Name;
use super::unpack::MAX_VALUE;
use super::window::Window;

/// Bytes searched at once: as many as stay in the processor's cache.
const BLOCK: usize = 128 << 10;
/// Bytes searched before a block, for the start of the value that contains a hit.
const APART: usize = 8 << 10;
/// Upper bound on the bytes of a name with its `=`.
const NAME: usize = 65;
/// Size of a file, in bytes, from which a second thread pays.
const STRIPE: u64 = 16 << 20;
/// Upper bound on the entries that are looked up one by one.
const MAX_FOUND: usize = 1 << 18;

/// Finds the entries whose values contain `text`, in the file's first `end` bytes; `None` where they are too many or the
/// structures are inconsistent.
pub(super) fn entries(
    file: &Arc<File>,
    header: &Header,
    end: u64,
    text: &[u8],
    threads: u64,
) -> Option<Vec<u64>> {
    let stripes = (end / STRIPE).clamp(1, threads);
    let stripe = (end / stripes).next_multiple_of(BLOCK as u64);
    let search = |n: u64| {
        let mut search = Search {
            header,
            window: Window::new(Arc::clone(file), end, BLOCK, 0),
            apart: Window::new(Arc::clone(file), end, APART, APART),
            looked: 0,
            found: Vec::new(),
        };
        let from = (n * stripe).max(header.begin);
        search.stripe(text, from, ((n + 1) * stripe).min(end))?;
        Some(search.found)
    };
    let mut found = std::thread::scope(|scope| {
        let others: Vec<_> = (1..stripes)
            .map(|n| {
                let beside = std::thread::Builder::new().spawn_scoped(scope, move || search(n));
                beside.map_err(|_| n)
            })
            .collect();
        let mut all = search(0);
        for other in others {
            let found = match other {
                Ok(thread) => thread.join().ok().flatten(),
                // No thread could be started.
                Err(n) => search(n),
            };
            all = all.zip(found).map(|(mut all, found)| {
                all.extend(found);
                all
            });
        }
        all
    })?;
    found.sort_unstable();
    found.dedup();
    Some(found)
}

struct Search<'h> {
    header: &'h Header,
    window: Window,
    /// Window onto the bytes before the block.
    apart: Window,
    /// Offset before which no value begins that could contain a further hit.
    looked: u64,
    found: Vec<u64>,
}

impl Search<'_> {
    /// Searches for `text` where it begins in `from..to`.
    fn stripe(&mut self, text: &[u8], from: u64, to: u64) -> Option<()> {
        let finder = Finder::new(text);
        let mut at = from;
        while at < to {
            // Aligned with the blocks of the window, which begin at pages.
            let until = (at / BLOCK as u64 + 1) * BLOCK as u64;
            let length = (until.min(to) - at) as usize + text.len() - 1;
            let block = self.window.bytes(at, length);
            match finder.find(block) {
                Some(hit) => at = self.hit(at + hit as u64, text.len())?,
                None => at = until,
            }
        }
        Some(())
    }

    /// Adds the entries of the value that contains the hit at `hit`. Returns the offset at which the search continues.
    fn hit(&mut self, hit: u64, length: usize) -> Option<u64> {
        let Some((at, head)) = self.value(hit, length) else {
            return Some(hit + 1);
        };
        let end = at + head.size;
        let payload = self.header.form.payload();
        if head.flags == 0 {
            let window = if self.window.holds(at, payload + 8) {
                &mut self.window
            } else {
                &mut self.apart
            };
            let object = window.bytes(at, payload + 8);
            let is_message = object.get(payload..) == Some(b"MESSAGE=");
            let links = Links::of(object);
            if is_message && links.count > 0 {
                if self.found.len() as u64 + links.count > MAX_FOUND as u64 {
                    return None;
                }
                links.entries(&mut self.apart, self.header, &mut self.found)?;
            }
        }
        Some(end.max(hit + 1))
    }

    /// Returns the DATA object that contains the `length` bytes at `hit`: the nearest one before it.
    fn value(&mut self, hit: u64, length: usize) -> Option<(u64, Head)> {
        let payload = self.header.form.payload();
        let last = hit.checked_sub(payload as u64 + 1)? / 8 * 8;
        // An object that did not reach the hit before does not reach this one.
        let first = last
            .saturating_sub(MAX_VALUE as u64)
            .max(self.header.begin)
            .max(self.looked);
        self.looked = last + 8;
        let mut at = last;
        while at >= first {
            let window = if self.window.holds(at, payload + NAME) {
                &mut self.window
            } else {
                &mut self.apart
            };
            let begin = window.bytes(at, payload + NAME);
            let head = Head::parse(begin).filter(|head| head.kind == DATA);
            if let Some(head) = head
                && at + head.size >= hit + length as u64
                && (head.flags != 0 || Name::split(&begin[payload..]).is_some())
            {
                return Some((at, head));
            }
            at = at.checked_sub(8)?;
        }
        None
    }
}
