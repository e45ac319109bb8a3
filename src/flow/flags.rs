//! Lines of a flow by their TCP flags. The usual kinds have a place in the flow itself, so that a line touches no further
//! memory: to wait for that is a tenth of a line's time.

use crate::packet::TcpFlags;

/// Kinds with a place in a flow, those of ECN (RFC 3168) and urgent data with them.
const KINDS: [TcpFlags; 14] = {
    use TcpFlags as F;
    const ACK: TcpFlags = F::ACK;
    const PUSHED: TcpFlags = ACK.union(F::PSH);
    [
        F::SYN,
        F::SYN.union(F::ECE).union(F::CWR),
        F::SYN.union(ACK),
        F::SYN.union(ACK).union(F::ECE),
        ACK,
        ACK.union(F::ECE),
        ACK.union(F::CWR),
        PUSHED,
        PUSHED.union(F::CWR),
        PUSHED.union(F::URG),
        PUSHED.union(F::FIN),
        ACK.union(F::FIN),
        ACK.union(F::RST),
        F::RST,
    ]
};

/// Place of each set of flags; for most of them, one behind the last.
const PLACES: [u8; TcpFlags::COMBINATIONS] = {
    let mut places = [KINDS.len() as u8; TcpFlags::COMBINATIONS];
    let mut place = 0;
    while place < KINDS.len() {
        places[KINDS[place].index()] = place as u8;
        place += 1;
    }
    places
};

/// Lines by TCP flags, as far as they lie in the flow.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct FlagCounts([u16; KINDS.len()]);

impl FlagCounts {
    /// Adds lines. Returns the number of those that have to be counted elsewhere.
    #[inline]
    pub(super) fn add(&mut self, flags: TcpFlags, lines: u64) -> u64 {
        let place = PLACES[flags.index()];
        let Some(known) = self.0.get_mut(usize::from(place)) else {
            return lines;
        };
        let sum = u64::from(*known) + lines;
        let (kept, others) = u16::try_from(sum).map_or((0, sum), |sum| (sum, 0));
        *known = kept;
        others
    }

    /// Returns the lines that lie in the flow, by their flags.
    pub(super) fn iter(&self) -> impl Iterator<Item = (TcpFlags, u64)> {
        let all = KINDS.into_iter().zip(self.0.map(u64::from));
        all.filter(|(_, lines)| *lines > 0)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::{prop_assert_eq, prop_oneof, proptest};

    use super::FlagCounts;
    use crate::packet::TcpFlags;

    proptest! {
        #[test]
        fn each_line_is_counted_once(lines in proptest::collection::vec((0..12_usize, prop_oneof![8 => 1..3_u64, 1 => 60_000..200_000_u64]), 0..60)) {
            let (mut counts, mut elsewhere, mut wanted) = (FlagCounts::default(), BTreeMap::new(), BTreeMap::new());
            for (kind, lines) in lines {
                let names = ["AE", "PSH", "ACK", "URG"].into_iter().enumerate().filter(|(at, _)| kind >> at & 1 == 1);
                let names = names.filter_map(|(_, name)| TcpFlags::from_name(name));
                let flags = names.fold(TcpFlags::NONE, TcpFlags::union);
                *wanted.entry(flags).or_default() += lines;
                let others = counts.add(flags, lines);
                if others > 0 {
                    *elsewhere.entry(flags).or_default() += others;
                }
            }
            for (flags, lines) in counts.iter() {
                *elsewhere.entry(flags).or_insert(0) += lines;
            }
            prop_assert_eq!(elsewhere, wanted);
        }
    }
}
