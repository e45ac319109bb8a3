//! Drop lines grouped: packets in, [`Flow`]s out. A flow is node, interface, protocol, peer, service port and direction.
//!
//! The content of a flow does not depend on the order in which its lines came, so logs of several nodes, reversed logs
//! and stripes of one file can be added up.

mod attempts;
mod bounds;
mod classify;
mod collect;
mod evidence;
mod flags;
mod key;
mod lifeline;
mod marks;
mod merge;
mod names;
mod outcomes;
mod places;
mod quota;
mod sum;

use std::net::IpAddr;
use std::sync::Arc;

use smallvec::SmallVec;

use crate::packet::TcpFlags;
use crate::time::Time;

use flags::FlagCounts;

pub use attempts::{ATTEMPT, attempts, begins, bursts};
pub use bounds::folded_network;
pub use classify::{
    EPHEMERAL, LOOPBACK, NEIGHBOUR_DISCOVERY, RESERVED_CLIENTS, classify, datagram,
};
pub use collect::{CountedDrop, Flows, UNKNOWN};
pub use evidence::NodeEvidence;
pub use key::FlowKey;
pub use marks::{Mark, MarksByFlow};
pub use outcomes::{ChainOutcomes, PeerClass};

/// Direction of a flow, as in conntrack.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Direction {
    /// Towards the service on this node.
    Original,
    /// Return traffic of a service on the peer.
    Reply,
    /// The log does not show the direction.
    Unknown,
}

impl Direction {
    pub const ALL: [Self; 3] = [Self::Original, Self::Reply, Self::Unknown];

    /// Returns the direction as reports write it.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Original => "original",
            Self::Reply => "reply",
            Self::Unknown => "unknown",
        }
    }
}

/// Kind of a packet, as far as the packet alone settles it: each kind has its own flows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    Plain,
    Truncated,
    Fragment,
    BogusFlags,
    Broadcast,
    Multicast,
    SynAck,
    /// Logged in FORWARD.
    Forward,
    /// Logged in OUTPUT.
    Output,
    /// A broadcast frame, to an address that may be this node's or the broadcast address of its subnet.
    BroadcastFrame,
    /// A multicast frame, to such an address.
    MulticastFrame,
    /// Came in by the loopback: the node sent it to itself.
    Loopback,
}

impl Kind {
    pub const ALL: [Self; 12] = [
        Self::Plain,
        Self::Truncated,
        Self::Fragment,
        Self::BogusFlags,
        Self::Broadcast,
        Self::Multicast,
        Self::SynAck,
        Self::Forward,
        Self::Output,
        Self::BroadcastFrame,
        Self::MulticastFrame,
        Self::Loopback,
    ];

    /// Returns the kind as finding ids contain it.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Plain => "plain",
            Self::Truncated => "truncated",
            Self::Fragment => "fragment",
            Self::BogusFlags => "bogus-flags",
            Self::Broadcast => "broadcast",
            Self::Multicast => "multicast",
            Self::SynAck => "syn-ack",
            Self::Forward => "forward",
            Self::Output => "output",
            Self::BroadcastFrame => "broadcast-frame",
            Self::MulticastFrame => "multicast-frame",
            Self::Loopback => "loopback",
        }
    }

    /// Whether the line was logged elsewhere than in INPUT.
    pub const fn is_elsewhere(self) -> bool {
        matches!(self, Self::Forward | Self::Output)
    }

    /// Whether only the frame went to a group.
    pub const fn is_group_frame(self) -> bool {
        matches!(self, Self::BroadcastFrame | Self::MulticastFrame)
    }
}

/// The ports of a flow, as far as one packet tells them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Ports {
    /// The protocol has none, or they cannot be read.
    None,
    /// The service's port, on this node or, for a reply, on the peer.
    Service { port: u16, reply: bool },
    /// Both ports: only the whole log can show which is the service's.
    Pair { spt: u16, dpt: u16 },
}

/// Lines by value, in order; most flows have one value or two.
pub type Counts<T> = SmallVec<[(T, u64); 2]>;

/// Upper bound on the destinations of group frames that are told apart.
pub const MAX_DESTINATIONS: usize = 5;

/// Parts of the key that were folded because of the bounds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Folded {
    No,
    /// The ports were folded: the peer tried too many.
    Ports,
    /// The peer was folded into a network, and perhaps the ports too.
    Peers,
}

/// What the lines of one flow add up to. Each line adds to one, and there are more than a processor's caches hold: the sums
/// are one line of such a cache.
#[derive(Debug, Clone)]
#[repr(align(64))]
pub struct Flow {
    /// Number of lines logged: a lower bound, since the LOG rule is limited.
    pub logged: u64,
    pub first: Time,
    pub last: Time,
    flags: FlagCounts,
    pub folded: Folded,
    /// Number of its lines that are kept one by one.
    marks: u16,
    pub detail: Box<Detail>,
}

const _: () = assert!(size_of::<Flow>() == 64);

/// A flow as reports see it.
#[derive(Debug, Clone, Copy)]
pub struct Seen<'a> {
    pub key: FlowKey,
    pub flow: &'a Flow,
    /// Lines one by one, as many as are kept.
    pub marks: &'a [Mark],
}

impl Seen<'_> {
    /// Returns the ports of this node that the lines went to.
    pub fn local_ports(&self) -> impl Iterator<Item = u16> + use<'_> {
        let (fixed, marks) = match self.key.ports {
            Ports::Pair { dpt, .. } => (Some(dpt), None),
            Ports::Service { port, reply: false } => (Some(port), None),
            Ports::Service { reply: true, .. } => (None, Some(self.marks)),
            Ports::None => (None, None),
        };
        let marks = marks.into_iter().flatten().map(|mark| mark.port);
        fixed.into_iter().chain(marks)
    }
}

/// Sums to which few lines of a flow add. They are stored separately, so that the sums of each line are close together.
#[derive(Debug, Clone)]
pub struct Detail {
    /// Lines by TCP flags that do not lie in the flow itself.
    flags: Counts<TcpFlags>,
    /// Lines by ICMP type; empty for other protocols.
    pub icmp_types: Counts<u8>,
    /// Destinations of lines in group frames, and of VRRP to its group, in order; [`MAX_DESTINATIONS`] of them may stand for
    /// more.
    pub destinations: SmallVec<[IpAddr; 1]>,
    /// The earliest line.
    pub sample: Box<str>,
    /// Outcomes of its lines in the running chain, where that chain is known.
    pub outcomes: Option<Arc<ChainOutcomes>>,
}

impl Flow {
    /// Lines by TCP flags, in order; none for other protocols.
    pub fn flags(&self) -> impl Iterator<Item = (TcpFlags, u64)> {
        let mut all = self.detail.flags.clone();
        for (flags, lines) in self.flags.iter() {
            sum::count(&mut all, flags, lines);
        }
        all.into_iter()
    }

    /// Counts the lines whose flags satisfy `test`.
    pub fn lines_with(&self, test: impl Fn(TcpFlags) -> bool) -> u64 {
        let all = self.flags.iter().chain(self.detail.flags.iter().copied());
        all.filter(|(flags, _)| test(*flags))
            .map(|(_, lines)| lines)
            .sum()
    }

    /// Adds the destination of a line in a group frame.
    fn note_destination(&mut self, address: IpAddr) {
        let known = &mut self.detail.destinations;
        if known.len() < MAX_DESTINATIONS
            && let Err(at) = known.binary_search(&address)
        {
            known.insert(at, address);
        }
    }

    #[inline]
    fn count_flags(&mut self, flags: TcpFlags, lines: u64) {
        let others = self.flags.add(flags, lines);
        if others > 0 {
            sum::count(&mut self.detail.flags, flags, others);
        }
    }
}
