//! Inputs that are packed: the same from a pipe and from a file, and never more than a bounded number of bytes.

use std::io::{Cursor, Read, Write};
use std::time::{Duration, UNIX_EPOCH};

use dropsift::input::source::{Hint, Live, peel, read_file, read_stream};

use super::Dice;
use super::seen::{self, Dribble, READING, options};

/// More lines than that take seconds where the program is checked at each step.
const MANY: u64 = 50_000;

/// Size in bytes of a block of text.
const BLOCK: usize = 256 << 10;

/// Anything, packed or not.
pub fn unpack(data: &[u8]) {
    let mut dice = Dice::of(data);
    let whole = || Cursor::new(data.to_vec());
    let mut file = tempfile::NamedTempFile::new().unwrap();
    let name = file.path().display().to_string();
    let (seen, told) = seen::of(|sink| read_stream(&name, whole(), &options(), sink));
    // A bomb is let off once.
    if seen.all_lines > MANY {
        return;
    }
    // The file has the time that the reading is told.
    file.write_all(data).unwrap();
    let time = UNIX_EPOCH + Duration::from_micros(READING.reference.0 as u64);
    file.as_file().set_modified(time).unwrap();
    let again = seen::of(|sink| read_file(file.path(), &options(), sink));
    same((&seen, &told), (&again.0, &again.1));
    let pieces = Dribble {
        bytes: data.to_vec(),
        at: 0,
        most: 1 + dice.roll(100),
    };
    let again = seen::of(|sink| read_stream(&name, pieces, &options(), sink));
    same((&seen, &told), (&again.0, &again.1));
    live(data, &seen, &told);
}

/// Of sound bytes the same comes out in every way, and of damaged ones too. Zip and bzip2 alone hand out more or less of what
/// stands before a damage, in which another packing may find one first.
fn same(one: (&seen::Seen, &String), other: (&seen::Seen, &String)) {
    let is_rough = |told: &String| told.contains("unzip -t") || told.contains("bzip2 -t");
    assert_eq!(one.1.contains('\n'), other.1.contains('\n'));
    if !is_rough(one.1) && !is_rough(other.1) {
        assert_eq!((one.0.records(), one.1), (other.0.records(), other.1));
        return;
    }
    // The last line may be torn, and the end of the log comes after it.
    let sure = one.0.items.len().min(other.0.items.len());
    let sure = sure.saturating_sub(2);
    assert_eq!(one.0.items[..sure], other.0.items[..sure]);
}

/// Of a stream that is followed, the lines are those of the same stream read to its end.
fn live(data: &[u8], seen: &seen::Seen, told: &String) {
    let live = peel(Cursor::new(data.to_vec()), &options()).ok();
    let Some(mut lines) = live.and_then(Live::lines) else {
        return;
    };
    let mut text = Vec::new();
    // What came before a failure counts.
    let failed = lines.read_to_end(&mut text).is_err();
    if !text.is_empty() && !text.ends_with(b"\n") {
        text.push(b'\n');
    }
    // In blocks, as it comes: of one block, a line of more than 1 MiB is read too.
    let live = seen::scanned(text.chunks(BLOCK));
    let mut hint = Hint::default();
    hint.push(&text);
    let lacks = hint.told();
    assert!(
        lacks
            .as_ref()
            .is_none_or(|why| told.contains(&why.to_string()))
    );
    // It fails in words of its own, and who follows a stream looks for the hint.
    let live_told = if failed || lacks.is_some() {
        told
    } else {
        &live.1
    };
    same((&live.0, live_told), (seen, told));
}
