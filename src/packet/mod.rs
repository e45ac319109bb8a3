//! One packet as the kernel's netfilter LOG target prints it: text in, [`Packet`] out, and the same text back.
//!
//! Follows `net/netfilter/nf_log_syslog.c`. Knows nothing of time, nodes or Harvester.

use std::net::IpAddr;

/// Which TCP flags a line shows, in the order in which the kernel prints them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct TcpFlags(u16);

impl TcpFlags {
    pub const AE: Self = Self(1 << 0);
    pub const CWR: Self = Self(1 << 1);
    pub const ECE: Self = Self(1 << 2);
    pub const URG: Self = Self(1 << 3);
    pub const ACK: Self = Self(1 << 4);
    pub const PSH: Self = Self(1 << 5);
    pub const RST: Self = Self(1 << 6);
    pub const SYN: Self = Self(1 << 7);
    pub const FIN: Self = Self(1 << 8);

    /// Whether all of `other` are set.
    pub const fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// The flags of both.
    pub const fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

/// What judging needs of a packet, without a heap allocation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Brief<'a> {
    /// `IN=`, the interface that the packet came in by.
    pub interface: &'a str,
    pub src: IpAddr,
    pub dst: IpAddr,
    /// `None` where the line says none (an IPv4 AH fragment, a cut line).
    pub proto: Option<u8>,
    pub spt: Option<u16>,
    pub dpt: Option<u16>,
    /// `None` for all but TCP.
    pub flags: Option<TcpFlags>,
    /// The ICMP or ICMPv6 type.
    pub icmp_type: Option<u8>,
    pub shape: Shape,
    pub cast: Cast,
}

/// How much of the packet a line shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Shape {
    /// All that judging needs.
    Whole,
    /// A later fragment: it has no ports.
    Fragment,
    /// Cut, or `INCOMPLETE [n bytes]`, before the last field that judging needs.
    Truncated,
}

/// To whom a packet was sent, by its destination MAC or its destination address, whichever says so.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Cast {
    Unicast,
    Broadcast,
    Multicast,
}
