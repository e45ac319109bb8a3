//! Binary journals: whatever is in them, they are read to their end, and the same however their bytes come.

use std::hash::Hasher;
use std::io::{Cursor, Write};

use dropsift::input::source::{read_file, read_stream};

use super::Dice;
use super::seen::{self, Dribble, options};

/// What a journal begins with (`journal-def.h`).
const MAGIC: &[u8] = b"LPKSHHRH";
/// The least that an entry takes.
const ENTRY: usize = 64;

/// A journal, as it is, and with its hashes set right, so that what is in it is read.
pub fn journal(data: &[u8]) {
    let mut dice = Dice::of(data);
    one(data, &mut dice);
    if let Some(mended) = mended(data) {
        one(&mended, &mut dice);
    }
}

fn one(data: &[u8], dice: &mut Dice) {
    let whole = Cursor::new(data.to_vec());
    let (seen, told) = seen::of(|sink| read_stream("a journal", whole, &options(), sink));
    if data.starts_with(MAGIC) {
        let entries = seen.all_lines as usize;
        assert!(entries <= data.len() / ENTRY, "{entries} entries");
    }
    let pieces = Dribble {
        bytes: data.to_vec(),
        at: 0,
        most: 1 + dice.roll(1000),
    };
    let (again, told_again) = seen::of(|sink| read_stream("a journal", pieces, &options(), sink));
    assert_eq!((seen.records(), &told), (again.records(), &told_again));
    assert!(!data.starts_with(MAGIC) || seen.all_lines == again.all_lines);
    if data.starts_with(MAGIC) {
        let mut file = tempfile::NamedTempFile::new().expect("a file can be made");
        file.write_all(data).expect("a file can be written");
        let (sought, _) = seen::of(|sink| read_file(file.path(), &options(), sink));
        // What nobody unpacks from a stream is read from a file.
        let is_foreign = data.get(12).is_none_or(|flags| flags & 3 != 0);
        assert!(is_foreign || sought.all_lines == seen.all_lines);
    }
}

/// The same journal with the hashes of its fields set right, as far as its objects can be followed.
fn mended(data: &[u8]) -> Option<Vec<u8>> {
    const HASH: usize = 16;
    let number = |bytes: &[u8], at: usize| {
        let eight = bytes.get(at..at.checked_add(8)?)?.try_into().ok()?;
        Some(u64::from_le_bytes(eight))
    };
    if !data.starts_with(MAGIC) {
        return None;
    }
    let compact = data.get(12)? & 16 != 0;
    let key = (number(data, 24)?, number(data, 32)?);
    let mut at = usize::try_from(number(data, 88)?).ok()?;
    let mut out = data.to_vec();
    while let Some(size) = number(data, at.checked_add(8)?) {
        let Ok(size) = usize::try_from(size) else {
            break;
        };
        let Some(object) = at.checked_add(size).and_then(|end| data.get(at..end)) else {
            break;
        };
        // A field that is not packed.
        if let (Some([1, 0]), Some(payload)) =
            (object.get(..2), object.get(if compact { 72 } else { 64 }..))
        {
            #[expect(
                deprecated,
                reason = "the journal's hash is SipHash-2-4, which std has under this name only"
            )]
            let mut hasher = std::hash::SipHasher::new_with_keys(key.0, key.1);
            hasher.write(payload);
            out[at + HASH..at + HASH + 8].copy_from_slice(&hasher.finish().to_le_bytes());
        }
        at += size.next_multiple_of(8).max(HASH);
    }
    (out != data).then_some(out)
}
