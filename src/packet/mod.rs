//! One packet as the kernel's netfilter LOG target prints it: text in, [`Packet`] out, and the same text back.
//!
//! Follows `net/netfilter/nf_log_syslog.c`. Knows nothing of time, nodes or Harvester.
//!
//! A text that the kernel wrote in full comes back byte for byte. A text that was cut or elided is read as far as
//! it goes: [`Packet::truncated`] says whether what is missing is needed.

pub mod datagram;
mod emit;
mod flags;
mod header;

pub mod link;
mod parse;
mod place;
pub mod proto;
mod read;
#[cfg(test)]
mod roundtrip;
mod usual;

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::packet::datagram::{Datagram, Transport};
use crate::packet::link::{Link, Mac};

pub use crate::packet::flags::TcpFlags;
pub use crate::packet::proto::{proto_name, proto_number};
pub use crate::packet::usual::Usual;
pub(crate) use crate::packet::usual::{ENDS, Frame, ends_key};

/// One line of the LOG target, borrowed from its text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Packet<'a> {
    /// All that stands before `IN=`, as it stands.
    pub prefix: &'a str,
    /// `IN=`, empty for a locally generated packet.
    pub interface: &'a str,
    /// `None` only in an elided line.
    pub out: Option<&'a str>,
    pub physin: Option<&'a str>,
    pub physout: Option<&'a str>,
    pub link: Link<'a>,
    pub datagram: Datagram<'a>,
    pub uid: Option<u32>,
    pub gid: Option<u32>,
    pub mark: Option<u32>,
    /// The line ends, or the kernel wrote `TRUNCATED`, before the last field that judging needs.
    /// `INCOMPLETE [n bytes]` is not meant here: see [`Datagram::is_incomplete`].
    pub truncated: bool,
}

/// Why a text is no packet that can be judged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Unparsed {
    /// No `IN=` with an interface name.
    NoInterface,
    /// `dump_arp_packet()` wrote it.
    Arp,
    /// `ebt_log.c` wrote it.
    Ebtables,
    /// `nf_log_unknown_packet()` wrote it: a link header, and no IP.
    NotIp,
    /// `SRC=` is missing, cut or elided.
    NoSource,
    /// The value of a key that judging needs is garbage, such as a port above 65535.
    Unreadable(&'static str),
}

impl fmt::Display for Unparsed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoInterface => f.write_str("no `IN=` of a netfilter LOG line"),
            Self::Arp => f.write_str("an ARP packet"),
            Self::Ebtables => f.write_str("a line of ebtables"),
            Self::NotIp => f.write_str("not an IP packet"),
            Self::NoSource => f.write_str("no readable `SRC=`"),
            Self::Unreadable(key) => write!(f, "unreadable value of `{key}`"),
        }
    }
}

impl std::error::Error for Unparsed {}

/// What judging needs of a packet, without a heap allocation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Brief<'a> {
    /// `IN=`, the interface that the packet came in by.
    pub interface: &'a str,
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
    pub hook: Hook,
    /// By its destination address.
    pub cast: Cast,
    /// By the destination MAC of its frame, [`Cast::Unicast`] where the line shows none.
    pub frame: Cast,
    /// Whether TCP or UDP carries data: a payload behind the longest header that a bare ACK has.
    pub data: bool,
}

/// The netfilter hook that logged a packet, by which of `IN=` and `OUT=` have a name (`nf_log_dump_packet_common()`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Hook {
    /// `IN=` alone: INPUT, or PREROUTING before it.
    Input,
    /// Both: FORWARD.
    Forward,
    /// No `IN=`: OUTPUT, or POSTROUTING behind it.
    Output,
}

impl Hook {
    /// The hook of a line; `out` is empty where an elided line lacks it.
    pub const fn of(interface: &str, out: &str) -> Self {
        match (interface.is_empty(), out.is_empty()) {
            (false, true) => Self::Input,
            (false, false) => Self::Forward,
            (true, _) => Self::Output,
        }
    }
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

/// To whom a packet was sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Cast {
    Unicast,
    Broadcast,
    Multicast,
}

impl<'a> Packet<'a> {
    /// What judging needs. The ports are the packet's own, never those of a packet that an ICMP error quotes.
    pub fn brief(&self) -> Brief<'a> {
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
        Brief {
            interface: self.interface,
            src: datagram.src,
            dst: datagram.dst.unwrap_or(unspecified),
            proto: datagram.protocol(),
            spt,
            dpt,
            flags,
            icmp_type,
            shape,
            hook: Hook::of(self.interface, self.out.unwrap_or_default()),
            cast: cast(datagram.dst),
            frame: self.frame(),
            data: shape == Shape::Whole && datagram.carries_data(),
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

    /// To whom the frame was sent.
    pub fn frame(&self) -> Cast {
        match self.link.destination() {
            Some(Mac::BROADCAST) => Cast::Broadcast,
            Some(mac) if mac.is_group() => Cast::Multicast,
            _ => Cast::Unicast,
        }
    }

    /// The Ethernet address of the receiver, where the line shows an Ethernet header.
    pub fn dst_mac(&self) -> Option<[u8; 6]> {
        self.link.destination().map(|mac| mac.0)
    }
}

/// To whom a packet with this destination address was sent. The broadcast address of a subnet looks like a station's.
pub(crate) fn cast(dst: Option<IpAddr>) -> Cast {
    match dst {
        Some(dst) if dst.is_multicast() => Cast::Multicast,
        Some(IpAddr::V4(Ipv4Addr::BROADCAST)) => Cast::Broadcast,
        _ => Cast::Unicast,
    }
}

#[cfg(test)]
mod tests {
    use crate::packet::link::Mac;
    use crate::packet::{Cast, Packet};

    #[test]
    fn address_and_frame_each_say_to_whom() {
        let station = "82:1a:8b:97:1c:c2:5e:79:47:e0:ad:01:08:00";
        let all = "ff:ff:ff:ff:ff:ff:5e:79:47:e0:ad:01:08:00";
        let group = "01:00:5e:00:00:01:5e:79:47:e0:ad:01:08:00";
        let vlan = "ff:ff:ff:ff:ff:ff:5e:79:47:e0:ad:01:81:00:45:fc:02:1c";
        for (mac, dst, cast, frame) in [
            (station, "10.0.0.2", Cast::Unicast, Cast::Unicast),
            (all, "10.0.0.255", Cast::Unicast, Cast::Broadcast),
            (all, "224.0.0.1", Cast::Multicast, Cast::Broadcast),
            (group, "10.0.0.2", Cast::Unicast, Cast::Multicast),
            (station, "224.0.0.18", Cast::Multicast, Cast::Unicast),
            (station, "255.255.255.255", Cast::Broadcast, Cast::Unicast),
            ("...", "10.0.0.2", Cast::Unicast, Cast::Unicast),
            // Not Ethernet: four bytes, or an IP header.
            ("ff:ff:ff:ff", "10.0.0.2", Cast::Unicast, Cast::Unicast),
            (vlan, "10.0.0.2", Cast::Unicast, Cast::Broadcast),
            (&vlan[..47], "10.0.0.2", Cast::Unicast, Cast::Unicast),
        ] {
            let text = format!("IN=a OUT= MAC={mac} SRC=10.0.0.1 DST={dst} LEN=32 PROTO=2 ");
            let brief = Packet::parse(&text).unwrap().brief();
            assert_eq!((brief.cast, brief.frame), (cast, frame), "{text}");
        }
        let text = "IN=a OUT= MACSRC=0e:00:00:00:00:01 MACDST=33:33:00:00:00:01 MACPROTO=86dd SRC=fe80::1 DST=fe80::2 LEN=32 PROTO=59 ";
        let packet = Packet::parse(text).unwrap();
        assert_eq!(packet.brief().frame, Cast::Multicast);
        assert_eq!(packet.dst_mac(), Some([0x33, 0x33, 0, 0, 0, 1]));
        assert_eq!(
            packet.link.destination(),
            Some(Mac([0x33, 0x33, 0, 0, 0, 1]))
        );
    }
}
