//! A log of any form: the same items however its bytes come, and every line accounted for.

use super::Dice;
use super::seen::{Seen, scanned, scanned_slowly};

/// Larger than a line may be before it is looked at as something else.
const LONG: usize = 80 << 10;

/// Lines in any form.
pub fn scan(data: &[u8]) {
    let mut dice = Dice::of(data);
    let (whole, told) = scanned([data]);
    assert_eq!(whole.ends(), 1);
    assert!(
        whole.all_lines <= data.len() as u64,
        "{} lines",
        whole.all_lines
    );
    // The fast path decides nothing.
    same((&whole, &told), scanned_slowly([data]));
    let most = [1, 7, 100, 4096][dice.roll(4)];
    same((&whole, &told), scanned(dice.cuts(data, most)));
    // What is long is read in a way of its own. That a way takes more than its share of time, only length shows.
    if dice.roll(32) == 0 && !data.is_empty() {
        let long = data.repeat((LONG / data.len()).clamp(1, 300));
        let cuts = dice.cuts(&long, 50_000);
        let (whole, told) = scanned([&long[..]]);
        same((&whole, &told), scanned(cuts));
    }
}

fn same((whole, told): (&Seen, &String), (cut, told_cut): (Seen, String)) {
    let (whole, cut) = (whole.records(), cut.records());
    for (whole, cut) in whole.iter().zip(&cut) {
        assert_eq!(whole, cut);
    }
    assert_eq!(whole.len(), cut.len());
    assert_eq!(told, &told_cut);
}

/// JSON, documents, exports and datagrams: the same as of lines.
pub fn document(data: &[u8]) {
    scan(data);
}
