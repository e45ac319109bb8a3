//! The TCP flags of a line, in the order of the kernel's `nf_log_dump_tcp_header()`.

use std::fmt;

/// Set of the TCP flags that a line shows; [`fmt::Display`] prints them in the kernel's order.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct TcpFlags(u16);

const NAMES: [(TcpFlags, &str); 9] = [
    (TcpFlags::AE, "AE"),
    (TcpFlags::CWR, "CWR"),
    (TcpFlags::ECE, "ECE"),
    (TcpFlags::URG, "URG"),
    (TcpFlags::ACK, "ACK"),
    (TcpFlags::PSH, "PSH"),
    (TcpFlags::RST, "RST"),
    (TcpFlags::SYN, "SYN"),
    (TcpFlags::FIN, "FIN"),
];

impl TcpFlags {
    pub const NONE: Self = Self(0);
    pub const AE: Self = Self(1 << 0);
    pub const CWR: Self = Self(1 << 1);
    pub const ECE: Self = Self(1 << 2);
    pub const URG: Self = Self(1 << 3);
    pub const ACK: Self = Self(1 << 4);
    pub const PSH: Self = Self(1 << 5);
    pub const RST: Self = Self(1 << 6);
    pub const SYN: Self = Self(1 << 7);
    pub const FIN: Self = Self(1 << 8);
    /// Number of sets of flags.
    pub const COMBINATIONS: usize = 1 << NAMES.len();

    /// Returns the flag that the kernel prints as `name`.
    pub fn from_name(name: &str) -> Option<Self> {
        NAMES
            .iter()
            .find(|(_, known)| *known == name)
            .map(|(flag, _)| *flag)
    }

    /// Whether all of `other` are set.
    pub const fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// Returns the union of the flags.
    pub const fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Returns the flags of `self` that are not in `other`.
    pub const fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    /// Returns the number of the set among [`Self::COMBINATIONS`].
    #[inline]
    pub const fn index(self) -> usize {
        self.0 as usize % Self::COMBINATIONS
    }

    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// SYN without ACK: the packet opens a connection, whatever CWR and ECE say.
    pub const fn is_syn(self) -> bool {
        self.contains(Self::SYN) && !self.contains(Self::ACK)
    }

    /// SYN with ACK (printed `ACK SYN`): the packet answers a SYN.
    pub const fn is_syn_ack(self) -> bool {
        self.contains(Self::SYN) && self.contains(Self::ACK)
    }

    /// Whether conntrack accepts the combination: `tcp_valid_flags[]` of `nf_conntrack_proto_tcp.c`, looked up after
    /// PSH, ECE and CWR are masked (and never with AE).
    #[inline]
    pub const fn valid(self) -> bool {
        const VALID: [TcpFlags; 9] = [
            TcpFlags::SYN,
            TcpFlags::SYN.union(TcpFlags::URG),
            TcpFlags::SYN.union(TcpFlags::ACK),
            TcpFlags::RST,
            TcpFlags::RST.union(TcpFlags::ACK),
            TcpFlags::FIN.union(TcpFlags::ACK),
            TcpFlags::FIN.union(TcpFlags::ACK).union(TcpFlags::URG),
            TcpFlags::ACK,
            TcpFlags::ACK.union(TcpFlags::URG),
        ];
        const MASKED: TcpFlags = TcpFlags::AE
            .union(TcpFlags::ECE)
            .union(TcpFlags::CWR)
            .union(TcpFlags::PSH);
        /// One bit for each combination: a table, because every TCP drop line is checked.
        const TABLE: [u64; 8] = {
            let mut table = [0; 8];
            let mut mix = 0;
            while mix < 512 {
                let mut at = 0;
                while at < VALID.len() {
                    if TcpFlags(mix).without(MASKED).0 == VALID[at].0 {
                        table[mix as usize / 64] |= 1 << (mix % 64);
                    }
                    at += 1;
                }
                mix += 1;
            }
            table
        };
        TABLE[self.index() / 64] >> (self.index() % 64) & 1 == 1
    }

    /// Returns the names of the flags that are set, in the order in which the kernel prints them.
    pub fn names(self) -> impl Iterator<Item = &'static str> {
        NAMES
            .into_iter()
            .filter(move |(flag, _)| self.contains(*flag))
            .map(|(_, name)| name)
    }
}

impl fmt::Display for TcpFlags {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, name) in self.names().enumerate() {
            if place > 0 {
                f.write_str(" ")?;
            }
            f.write_str(name)?;
        }
        Ok(())
    }
}

impl fmt::Debug for TcpFlags {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TcpFlags({self})")
    }
}

#[cfg(test)]
mod tests {
    use crate::packet::TcpFlags;

    #[test]
    fn valid_flags_are_those_of_conntrack() {
        let (syn, ack, rst, fin, urg) = (
            TcpFlags::SYN,
            TcpFlags::ACK,
            TcpFlags::RST,
            TcpFlags::FIN,
            TcpFlags::URG,
        );
        let valid = [
            syn,
            syn.union(urg),
            syn.union(ack),
            rst,
            rst.union(ack),
            fin.union(ack),
            fin.union(ack).union(urg),
            ack,
            ack.union(urg),
        ];
        for bits in 0u8..32 {
            let mix = [syn, ack, rst, fin, urg]
                .into_iter()
                .enumerate()
                .filter(|(place, _)| bits >> place & 1 == 1)
                .fold(TcpFlags::NONE, |mix, (_, flag)| mix.union(flag));
            for masked in [
                TcpFlags::NONE,
                TcpFlags::PSH,
                TcpFlags::ECE,
                TcpFlags::CWR,
                TcpFlags::AE,
            ] {
                assert_eq!(mix.union(masked).valid(), valid.contains(&mix), "{mix}");
            }
        }
        assert!(syn.union(TcpFlags::CWR).is_syn() && !syn.union(ack).is_syn());
        assert!(syn.union(ack).is_syn_ack() && !ack.is_syn_ack());
        assert_eq!(syn.union(ack).to_string(), "ACK SYN");
        assert_eq!(format!("{:?}", ack.union(rst)), "TcpFlags(ACK RST)");
        assert_eq!(TcpFlags::from_name("DF"), None);
    }
}
