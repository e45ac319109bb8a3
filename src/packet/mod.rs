//! One packet as the kernel's netfilter LOG target prints it: text in, [`Packet`] out, and the same text back.
//!
//! Follows `net/netfilter/nf_log_syslog.c`. Knows nothing of time, nodes or Harvester.
//!
//! A text that the kernel wrote in full is reproduced byte for byte. A text that was cut or elided is parsed as far as
//! it goes: [`Packet::truncated`] says whether a missing field is needed.

pub mod datagram;
mod display;
mod field;
mod flags;
mod frame;
mod ip;
mod ip_header;
mod line;
pub mod link;
mod parse;
pub mod proto;
#[cfg(test)]
mod roundtrip;
mod summary;
mod tokens;

use std::fmt;

use crate::packet::datagram::Datagram;
use crate::packet::link::Link;

pub use crate::packet::flags::TcpFlags;
pub use crate::packet::proto::{proto_name, proto_number};
pub use crate::packet::summary::{Hook, PacketSummary, PktType, Shape};

/// One line of the LOG target, borrowed from its text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Packet<'a> {
    /// Text before `IN=`, unchanged.
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
    /// Whether the line ends, or the kernel wrote `TRUNCATED`, before the last field that judging needs. `INCOMPLETE [n
    /// bytes]` does not count: see [`Datagram::is_incomplete`].
    pub truncated: bool,
}

/// Reason why a text cannot be parsed as a packet.
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
    /// A word between `RES=` and `URGP=` that is no TCP flag.
    UnknownFlag,
    /// Malformed value of a key that judging needs, such as a port above 65535.
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
            Self::UnknownFlag => f.write_str("a word among the TCP flags that is none"),
            Self::Unreadable(key) => write!(f, "unreadable value of `{key}`"),
        }
    }
}

impl std::error::Error for Unparsed {}

impl Packet<'_> {
    /// Returns the Ethernet address of the receiver, where the line shows an Ethernet header.
    pub fn dst_mac(&self) -> Option<[u8; 6]> {
        self.link.destination().map(|mac| mac.0)
    }
}

#[cfg(test)]
mod tests {
    use crate::packet::link::Mac;
    use crate::packet::{Packet, PktType};

    #[test]
    fn address_and_frame_each_say_to_whom() {
        let station = "82:1a:8b:97:1c:c2:5e:79:47:e0:ad:01:08:00";
        let all = "ff:ff:ff:ff:ff:ff:5e:79:47:e0:ad:01:08:00";
        let group = "01:00:5e:00:00:01:5e:79:47:e0:ad:01:08:00";
        let vlan = "ff:ff:ff:ff:ff:ff:5e:79:47:e0:ad:01:81:00:45:fc:02:1c";
        for (mac, dst, cast, frame) in [
            (station, "10.0.0.2", PktType::Unicast, PktType::Unicast),
            (all, "10.0.0.255", PktType::Unicast, PktType::Broadcast),
            (all, "224.0.0.1", PktType::Multicast, PktType::Broadcast),
            (group, "10.0.0.2", PktType::Unicast, PktType::Multicast),
            (station, "224.0.0.18", PktType::Multicast, PktType::Unicast),
            (
                station,
                "255.255.255.255",
                PktType::Broadcast,
                PktType::Unicast,
            ),
            ("...", "10.0.0.2", PktType::Unicast, PktType::Unicast),
            // Not Ethernet: four bytes, or an IP header.
            (
                "ff:ff:ff:ff",
                "10.0.0.2",
                PktType::Unicast,
                PktType::Unicast,
            ),
            (vlan, "10.0.0.2", PktType::Unicast, PktType::Broadcast),
            (&vlan[..47], "10.0.0.2", PktType::Unicast, PktType::Unicast),
        ] {
            let text = format!("IN=a OUT= MAC={mac} SRC=10.0.0.1 DST={dst} LEN=32 PROTO=2 ");
            let brief = Packet::parse(&text).unwrap().summary();
            assert_eq!((brief.cast, brief.frame), (cast, frame), "{text}");
        }
        let text = "IN=a OUT= MACSRC=0e:00:00:00:00:01 MACDST=33:33:00:00:00:01 MACPROTO=86dd SRC=fe80::1 DST=fe80::2 LEN=32 PROTO=59 ";
        let packet = Packet::parse(text).unwrap();
        assert_eq!(packet.summary().frame, PktType::Multicast);
        assert_eq!(packet.dst_mac(), Some([0x33, 0x33, 0, 0, 0, 1]));
        assert_eq!(
            packet.link.destination(),
            Some(Mac([0x33, 0x33, 0, 0, 0, 1]))
        );
    }
}
