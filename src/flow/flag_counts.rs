//! Lines by TCP flags in 24 bytes: seven flags in eight make a connection's life, and few flows show more.

use crate::packet::TcpFlags;

/// Different flags that are counted in place.
const KINDS: usize = 8;

/// A place that is free. It is no kind: whoever sends all flags at once is counted elsewhere.
const FREE: u8 = u8::MAX;

/// How many lines had which flags, in the order in which they came.
#[derive(Debug, Clone)]
pub(super) struct FlagCounts {
    /// The flags, in a byte.
    kinds: [u8; KINDS],
    /// Of each kind.
    lines: [u16; KINDS],
}

impl Default for FlagCounts {
    fn default() -> Self {
        Self {
            kinds: [FREE; KINDS],
            lines: [0; KINDS],
        }
    }
}

impl FlagCounts {
    /// Adds lines: how many of this kind have no room here, and are for somebody else to keep.
    #[inline]
    pub(super) fn count(&mut self, flags: TcpFlags, lines: u64) -> u64 {
        let Some(byte) = flags.byte().filter(|byte| *byte != FREE) else {
            return lines;
        };
        let Some(place) = place_of(self.kinds, byte).or_else(|| place_of(self.kinds, FREE)) else {
            return lines;
        };
        self.kinds[place] = byte;
        let sum = &mut self.lines[place];
        let all = u64::from(*sum) + lines;
        // What was here goes along, so that there is room for many more.
        let stays = if all > u64::from(u16::MAX) { 1 } else { all };
        *sum = stays as u16;
        all - stays
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (TcpFlags, u64)> + use<> {
        let counts = self.kinds.into_iter().zip(self.lines);
        counts
            .filter(|(kind, _)| *kind != FREE)
            .map(|(kind, lines)| (TcpFlags::of_byte(kind), u64::from(lines)))
    }
}

/// Where a byte first stands among eight: all are looked at at once.
#[inline]
fn place_of(bytes: [u8; KINDS], byte: u8) -> Option<usize> {
    const ONES: u64 = u64::from_le_bytes([1; KINDS]);
    let differs = u64::from_le_bytes(bytes) ^ (ONES * u64::from(byte));
    // The lowest byte that is zero gets its highest bit; borrows reach only those above.
    let equal = differs.wrapping_sub(ONES) & !differs & (ONES << 7);
    (equal != 0).then_some(equal.trailing_zeros() as usize / 8)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::{any, prop_assert_eq, proptest};

    use super::FlagCounts;
    use crate::packet::TcpFlags;

    proptest! {
        #[test]
        fn nothing_is_lost(lines in proptest::collection::vec((any::<u16>(), 1..100_000_u64), 0..40), kinds in 1..0x1ff_u16) {
            let flag = |bits: u16| (0..9).filter(|bit| bits & 1 << bit != 0).fold(TcpFlags::NONE, |flags, bit| {
                let all = [TcpFlags::AE, TcpFlags::CWR, TcpFlags::ECE, TcpFlags::URG, TcpFlags::ACK, TcpFlags::PSH, TcpFlags::RST, TcpFlags::SYN, TcpFlags::FIN];
                flags.union(all[bit])
            });
            let mut counts = FlagCounts::default();
            let (mut told, mut all) = (BTreeMap::new(), BTreeMap::new());
            for (bits, lines) in lines {
                let flags = flag(bits & kinds);
                *all.entry(flags).or_insert(0) += lines;
                *told.entry(flags).or_insert(0) += counts.count(flags, lines);
            }
            for (flags, lines) in counts.iter() {
                *told.entry(flags).or_insert(0) += lines;
            }
            prop_assert_eq!(told, all);
        }
    }
}
