//! What judging needs of a packet.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::packet::Packet;
use crate::packet::datagram::Transport;
use crate::packet::flags::TcpFlags;
use crate::packet::link::Mac;

/// What judging needs of a packet, without a heap allocation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PacketSummary<'a> {
    /// `IN=`, the interface that the packet came in by.
    pub interface: &'a str,
    /// `OUT=`: empty for a packet that passed INPUT, and where the line elides it.
    pub out: &'a str,
    /// `PHYSIN=`, the port of the bridge that the packet came in by.
    pub physin: Option<&'a str>,
    pub src: IpAddr,
    /// The unspecified address (`0.0.0.0`, `::`) where the line is cut before it; such a line is `Truncated`.
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
    pub pkttype: PktType,
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

/// To whom a packet was sent, as `-m pkttype` has it: by its destination MAC or its destination address, whichever says so.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum PktType {
    Unicast,
    Broadcast,
    Multicast,
}

impl PktType {
    /// Of a destination, and the receiver of the frame where it is known. A group address decides, since a switch or a DHCP
    /// server may send one in a frame to a single station; a unicast address gives way to the frame.
    pub(super) fn of(dst: Option<IpAddr>, receiver: Option<Mac>) -> Self {
        match (dst, receiver) {
            (Some(dst), _) if dst.is_multicast() => Self::Multicast,
            (Some(IpAddr::V4(Ipv4Addr::BROADCAST)), _) | (_, Some(Mac::BROADCAST)) => {
                Self::Broadcast
            }
            (_, Some(mac)) if mac.is_group() => Self::Multicast,
            _ => Self::Unicast,
        }
    }
}

impl<'a> Packet<'a> {
    /// What judging needs. The ports are the packet's own, never those of a packet that an ICMP error quotes.
    pub fn summary(&self) -> PacketSummary<'a> {
        let datagram = &self.datagram;
        let unspecified = match datagram.src {
            IpAddr::V4(_) => IpAddr::V4(Ipv4Addr::UNSPECIFIED),
            IpAddr::V6(_) => IpAddr::V6(Ipv6Addr::UNSPECIFIED),
        };
        let shape = self.shape();
        let (spt, dpt, flags, icmp_type) = match &datagram.transport {
            // It has none of them, whatever stands behind it in a garbled line.
            _ if shape == Shape::Fragment => (None, None, None, None),
            Transport::Tcp(tcp) => (tcp.spt, tcp.dpt, tcp.flags, None),
            Transport::Udp(udp) => (udp.spt, udp.dpt, None, None),
            Transport::Icmp(icmp) => (None, None, None, icmp.kind),
            Transport::None | Transport::Spi(_) => (None, None, None, None),
        };
        PacketSummary {
            interface: self.interface,
            out: self.out.unwrap_or_default(),
            physin: self.physin,
            src: datagram.src,
            dst: datagram.dst.unwrap_or(unspecified),
            proto: datagram.protocol(),
            spt,
            dpt,
            flags,
            icmp_type,
            shape,
            pkttype: PktType::of(datagram.dst, self.link.destination()),
        }
    }

    /// How much of the packet the line shows.
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
