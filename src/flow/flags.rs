//! Lines of a flow by their TCP flags. The kinds that most flows have lie in the flow itself, so that a line touches no further
//! memory: to wait for that is a tenth of a line's time.

use crate::packet::TcpFlags;

/// Number of kinds that lie in the flow. A connection that was forgotten shows five or six.
const KINDS: usize = 8;

/// Lines by TCP flags, as far as they lie in the flow.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct FlagCounts {
    kinds: [TcpFlags; KINDS],
    /// A kind without lines is free; those behind it are, too.
    lines: [u8; KINDS],
}

impl FlagCounts {
    /// Adds lines. Returns the number of those that have to be counted elsewhere.
    #[inline]
    pub(super) fn add(&mut self, flags: TcpFlags, lines: u64) -> u64 {
        // The first place that is theirs or free. Which it is, is a matter of chance, so that no branch depends on it.
        let mut at = KINDS;
        for place in (0..KINDS).rev() {
            let fits = (self.kinds[place] == flags) | (self.lines[place] == 0);
            at = if fits { place } else { at };
        }
        let Some(kind) = self.kinds.get_mut(at) else {
            return lines;
        };
        *kind = flags;
        let sum = u64::from(self.lines[at]) + lines;
        // The kind keeps its place, so that one of its lines stays.
        let (kept, others) = u8::try_from(sum).map_or((1, sum - 1), |sum| (sum, 0));
        self.lines[at] = kept;
        others
    }

    /// Returns the lines that lie in the flow, by their flags.
    pub(super) fn iter(&self) -> impl Iterator<Item = (TcpFlags, u64)> {
        let all = self.kinds.into_iter().zip(self.lines.map(u64::from));
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
                let names = ["AE", "CWR", "ECE", "URG"].into_iter().enumerate().filter(|(at, _)| kind >> at & 1 == 1);
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
