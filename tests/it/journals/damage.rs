//! Damage of a journal that is read by its index: nothing is lost silently, and little besides the damaged part.

use super::ways::container_log;
use super::{journal, objects, told_number};
use crate::support::{Dice, read};

/// Returns the objects of type `kind`, and the size of each.
fn of_kind(bytes: &[u8], all: &[usize], kind: u8) -> Vec<(usize, usize)> {
    let size = |at: usize| u64::from_le_bytes(bytes[at + 8..at + 16].try_into().unwrap()) as usize;
    let found = all.iter().filter(|&&at| bytes[at] == kind);
    found.map(|&at| (at, size(at))).collect()
}

#[test]
fn what_the_index_loses_the_walk_finds() {
    let folder = tempfile::tempdir().unwrap();
    let Some(path) = journal(folder.path(), "large.journal", &container_log(33_000), "") else {
        return;
    };
    let whole = std::fs::read(&path).unwrap();
    let all = objects(&whole);
    let undamaged = read(&path);
    assert_eq!(undamaged.errors, [""; 0]);
    let mut dice = Dice(7);
    let kinds: Vec<Vec<(usize, usize)>> = (0..8).map(|kind| of_kind(&whole, &all, kind)).collect();
    let drops: Vec<usize> = memchr::memmem::find_iter(&whole, b"=HARVESTER_DROP_").collect();
    let rounds = told_number("DROPSIFT_MUTATIONS").unwrap_or(24);
    for round in 0..rounds {
        let mut bytes = whole.clone();
        let what = match round % 8 {
            // A field, the transport's field, an array, or an entry of any program.
            kind @ (0..=2) => {
                let kind = [2, 6, 3][kind];
                let (at, size) = kinds[kind][dice.roll(kinds[kind].len())];
                let at = at + dice.roll(size);
                bytes[at] ^= 1 << dice.roll(8);
                format!("bit at {at}, in an object of type {kind}")
            }
            // The values that all share are among the first.
            3 => {
                let (at, size) = kinds[1][dice.roll(12)];
                let at = at + dice.roll(size);
                bytes[at] ^= 1 << dice.roll(8);
                format!("bit at {at}, in an early value")
            }
            4 => {
                let at = drops[dice.roll(drops.len())] + dice.roll(200);
                bytes[at] ^= 1 << dice.roll(8);
                format!("bit at {at}, in a drop line")
            }
            5 => {
                let at = drops[dice.roll(drops.len())] / 4096 * 4096;
                bytes[at..at + 4096].fill(0);
                format!("no page at {at}, where a drop line was")
            }
            6 => {
                let at = all[all.len() / 2] + dice.roll(1 << 20);
                bytes.truncate(at);
                format!("cut at {at}")
            }
            _ => {
                // Behind the signature that makes it a journal.
                let at = 8 + dice.roll(232);
                bytes[at] = dice.roll(256) as u8;
                format!("header at {at}")
            }
        };
        std::fs::write(&path, &bytes).unwrap();
        let seen = read(&path);
        let lost: Vec<_> = undamaged
            .drops
            .iter()
            .filter(|drop| !seen.drops.contains(drop))
            .collect();
        let is_told = !seen.errors.is_empty();
        let first = lost.first();
        assert!(
            is_told || first.is_none(),
            "silent: {what}, {} lost, {} untrusted, {} there: {first:?}; {:?}",
            lost.len(),
            seen.untrusted.len(),
            seen.drops.len(),
            seen.drops.first()
        );
        // Without its host a line is another; a cut takes the rest.
        let is_whole = seen.drops.len() + 25 >= undamaged.drops.len();
        let is_refused = round % 8 == 7 && seen.summary.lines == 0 && is_told;
        assert!(
            is_whole || round % 8 == 6 || is_refused,
            "{what}: {} drops, {:?}",
            seen.drops.len(),
            seen.errors
        );
        assert!(
            seen.drops.len() <= undamaged.drops.len() + usize::from(round % 8 < 4) * 200,
            "{what}"
        );
    }
}
