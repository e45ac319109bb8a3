//! Fields of a packet that judging needs.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::packet::Packet;
use crate::packet::datagram::Transport;
use crate::packet::flags::TcpFlags;
use crate::packet::link::Mac;

/// Fields of a packet that judging needs, without a heap allocation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PacketSummary<'a> {
    /// `IN=`, the interface that the packet came in by.
    pub interface: &'a str,
    pub src: IpAddr,
    /// The unspecified address (`0.0.0.0`, `::`) where the line is cut before it; such a line is `Truncated`.
    pub dst: IpAddr,
    /// `None` where the line says none (an IPv4 AH fragment, a cut line).
    pub proto: Option<u8>,
    pub spt: Option<u16>,
    pub dpt: Option<u16>,
    /// `None` for all but TCP, and where the line does not show all of them.
    pub flags: Option<TcpFlags>,
    /// The ICMP or ICMPv6 type.
    pub icmp_type: Option<u8>,
    pub shape: Shape,
    pub hook: Hook,
    /// Packet type by the destination address.
    pub cast: PktType,
    /// Packet type by the destination MAC of the frame; [`PktType::Unicast`] where the line shows none.
    pub frame: PktType,
    /// Whether the line shows to which hardware address the frame went.
    pub has_mac: bool,
    /// Whether TCP or UDP carries data: a payload behind the longest header that a bare ACK has.
    pub data: bool,
}

/// The netfilter hook that logged a packet, by which of `IN=` and `OUT=` have a name (`nf_log_dump_packet_common()`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Hook {
    /// `IN=` alone: INPUT, or PREROUTING before it.
    Input,
    /// Both `IN=` and `OUT=`: FORWARD.
    Forward,
    /// No `IN=`: OUTPUT, or POSTROUTING behind it.
    Output,
}

impl Hook {
    /// Returns the hook of a line, by which names it has. An elided line may lack `OUT=` itself.
    pub(super) const fn of(has_in: bool, has_out: bool) -> Self {
        match (has_in, has_out) {
            (true, false) => Self::Input,
            (true, true) => Self::Forward,
            (false, _) => Self::Output,
        }
    }
}

/// Completeness of the packet in a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Shape {
    /// All fields that judging needs.
    Whole,
    /// A later fragment: it has no ports.
    Fragment,
    /// Cut, or `INCOMPLETE [n bytes]`, before the last field that judging needs.
    Truncated,
}

/// Packet type, as `-m pkttype` defines it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum PktType {
    Unicast,
    Broadcast,
    Multicast,
}

impl PktType {
    /// Classifies a destination address. A subnet's broadcast address cannot be told from a unicast address and counts
    /// as one.
    pub(super) fn of_address(dst: Option<IpAddr>) -> Self {
        match dst {
            Some(dst) if dst.is_multicast() => Self::Multicast,
            Some(IpAddr::V4(Ipv4Addr::BROADCAST)) => Self::Broadcast,
            _ => Self::Unicast,
        }
    }

    /// Classifies the destination MAC of a frame.
    pub(super) fn of_frame(receiver: Option<Mac>) -> Self {
        match receiver {
            Some(Mac::BROADCAST) => Self::Broadcast,
            Some(mac) if mac.is_group() => Self::Multicast,
            _ => Self::Unicast,
        }
    }
}

impl PacketSummary<'_> {
    /// Returns the summary without the name of its interface, which borrows nothing.
    pub(crate) fn without_interface(self) -> PacketSummary<'static> {
        PacketSummary {
            interface: "",
            ..self
        }
    }
}

impl<'a> Packet<'a> {
    /// Returns the fields that judging needs. The ports are the packet's own, never those of a packet that an ICMP error
    /// quotes.
    pub fn summary(&self) -> PacketSummary<'a> {
        let datagram = &self.datagram;
        let unspecified = match datagram.src {
            IpAddr::V4(_) => IpAddr::V4(Ipv4Addr::UNSPECIFIED),
            IpAddr::V6(_) => IpAddr::V6(Ipv6Addr::UNSPECIFIED),
        };
        let shape = self.shape();
        let (spt, dpt, flags, icmp_type) = match &datagram.transport {
            // A later fragment has none of these fields, whatever text follows in a garbled line.
            _ if shape == Shape::Fragment => (None, None, None, None),
            Transport::Tcp(tcp) => (tcp.spt, tcp.dpt, tcp.flags, None),
            Transport::Udp(udp) => (udp.spt, udp.dpt, None, None),
            Transport::Icmp(icmp) => (None, None, None, icmp.kind),
            Transport::None | Transport::Spi(_) => (None, None, None, None),
        };
        PacketSummary {
            interface: self.interface,
            src: datagram.src,
            dst: datagram.dst.unwrap_or(unspecified),
            proto: datagram.protocol(),
            spt,
            dpt,
            flags,
            icmp_type,
            shape,
            hook: Hook::of(
                !self.interface.is_empty(),
                self.out.is_some_and(|out| !out.is_empty()),
            ),
            cast: PktType::of_address(datagram.dst),
            frame: PktType::of_frame(self.link.destination()),
            has_mac: self.link.destination().is_some(),
            data: shape == Shape::Whole && datagram.carries_data(),
        }
    }

    /// Returns the completeness of the packet in the line.
    pub fn shape(&self) -> Shape {
        if self.truncated || self.datagram.is_incomplete() {
            Shape::Truncated
        } else if self.datagram.is_later_fragment() {
            Shape::Fragment
        } else {
            Shape::Whole
        }
    }
}
