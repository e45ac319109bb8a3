//! Lines by TCP flags in 48 bytes: seven flags in eight make a connection's life, and few flows show more.

use crate::packet::TcpFlags;

/// So many different flags have room.
const KINDS: usize = 8;

/// How many lines had which flags, in the order in which they came.
#[derive(Debug, Clone, Default)]
pub(super) struct FlagCounts {
    kinds: [TcpFlags; KINDS],
    /// Of each kind; 0 where the place is free.
    lines: [u32; KINDS],
}

impl FlagCounts {
    /// Adds lines; `false` where there is no room for them.
    #[inline]
    pub(super) fn count(&mut self, flags: TcpFlags, lines: u64) -> bool {
        for (kind, sum) in self.kinds.iter_mut().zip(&mut self.lines) {
            if *sum == 0 {
                *kind = flags;
            }
            if *kind == flags {
                let more = u32::try_from(u64::from(*sum) + lines);
                return more.map(|more| *sum = more).is_ok();
            }
        }
        false
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (TcpFlags, u64)> + use<> {
        let counts = self.kinds.into_iter().zip(self.lines);
        counts
            .map(|(flags, lines)| (flags, u64::from(lines)))
            .filter(|(_, lines)| *lines > 0)
    }
}

#[cfg(test)]
mod tests {
    use super::FlagCounts;
    use crate::packet::TcpFlags;

    #[test]
    fn what_has_no_room_is_refused_and_nothing_is_lost() {
        let mut counts = FlagCounts::default();
        let most = u64::from(u32::MAX);
        assert!(counts.count(TcpFlags::NONE, most - 1));
        assert!(counts.count(TcpFlags::SYN, 2));
        assert!(counts.count(TcpFlags::NONE, 1));
        assert!(!counts.count(TcpFlags::NONE, 1));
        assert!(!counts.count(TcpFlags::ACK, most + 1));
        let told: Vec<_> = counts.iter().collect();
        assert_eq!(told, [(TcpFlags::NONE, most), (TcpFlags::SYN, 2)]);
    }
}
