//! A packet to be evaluated: its summary, and the fields that only the whole line shows.

use std::net::IpAddr;

use crate::chain::rule::{Side, States};
use crate::packet::datagram::{Header, Transport};
use crate::packet::{Packet, PacketSummary, Shape, TcpFlags, proto};

/// A packet to be evaluated in a chain.
#[derive(Debug, Clone)]
pub struct Question<'a> {
    pub packet: PacketSummary<'a>,
    pub detail: Detail,
    /// Conntrack state; `None` where the line does not settle it.
    pub state: Option<States>,
    pub sender: Sender,
}

/// Sender of a packet, which settles matches that depend on earlier packets and on sets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sender {
    /// Sender of a logged packet, which other packets precede; a set may contain its address.
    Logged,
    /// Cluster node that sends a single packet: limits have tokens, and a set may contain its address.
    Node,
    /// Outsider that sends a single packet: it is in no set and in no list of MAC addresses.
    Stranger,
}

/// Fields that only the whole line shows, each `None` where it does not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Detail {
    pub src_mac: Option<[u8; 6]>,
    pub dst_mac: Option<[u8; 6]>,
    /// TTL or hop limit.
    pub ttl: Option<u8>,
    /// The whole packet in bytes.
    pub length: Option<u64>,
    /// The TOS byte or the traffic class, and which of its bits the line shows.
    pub tos: Option<(u8, u8)>,
    pub mark: Option<u32>,
    pub icmp_code: Option<u8>,
}

impl<'a> Question<'a> {
    /// Creates the question for a dropped packet: it has no conntrack entry, so it is NEW, INVALID or UNTRACKED.
    pub fn dropped(packet: PacketSummary<'a>) -> Self {
        let state = state(&packet);
        Self {
            packet,
            detail: Detail::default(),
            state,
            sender: Sender::Logged,
        }
    }

    /// Creates the question for a test packet without predecessors, with the given conntrack state.
    pub fn alone(packet: PacketSummary<'a>, state: States, sender: Sender) -> Self {
        Self {
            packet,
            detail: Detail {
                // Locally administered address, which no vendor assigns.
                src_mac: (sender == Sender::Stranger).then_some([2, 0, 0, 0, 0, 1]),
                dst_mac: Some([2, 0, 0, 0, 0, 2]),
                ttl: Some(64),
                length: Some(60),
                tos: Some((0, u8::MAX)),
                mark: Some(0),
                icmp_code: Some(0),
            },
            state: Some(state),
            sender,
        }
    }

    /// Adds the fields of the whole line: `message`, as the kernel wrote it.
    #[must_use]
    pub fn with_line(mut self, message: &str) -> Self {
        if let Ok(packet) = Packet::parse(message) {
            self.detail = Detail::of(&packet);
            // The kernel prints a mark last, where there is one: that there is none shows a line that goes on to there.
            let text = message[packet.prefix.len()..].trim_end_matches(['\r', '\n']);
            if PacketSummary::ordered(text).is_some_and(|brief| brief.shape != Shape::Truncated) {
                self.detail.mark.get_or_insert(0);
            }
        }
        self
    }

    /// Returns the name of the interface that the packet came in by, unless it was elided.
    pub(super) fn interface(&self) -> Option<&'a str> {
        let name = self.packet.interface;
        (!name.contains("...") && !name.contains('…')).then_some(name)
    }

    /// Returns an address of the packet, unless the line is cut before it.
    pub(super) fn address(&self, side: Side) -> Option<IpAddr> {
        let PacketSummary {
            src, dst, shape, ..
        } = self.packet;
        match side {
            Side::Source => Some(src),
            Side::Destination if shape == Shape::Truncated && dst.is_unspecified() => None,
            Side::Destination => Some(dst),
        }
    }

    /// Whether the packet is a later fragment, unless the line is cut before it says so: `FRAG:` stands before `PROTO=`.
    pub(super) fn is_later_fragment(&self) -> Option<bool> {
        match self.packet.shape {
            Shape::Fragment => Some(true),
            Shape::Whole => Some(false),
            Shape::Truncated => self.packet.proto.map(|_| false),
        }
    }
}

impl Detail {
    /// Returns the fields that a parsed line shows.
    pub fn of(packet: &Packet<'_>) -> Self {
        // TOS= has the bits of IPTOS_TOS_MASK, PREC= those of IPTOS_PREC_MASK: the lowest is never shown.
        const SHOWN: u8 = 0x1e | 0xe0;
        let datagram = &packet.datagram;
        let (ttl, tos) = match &datagram.header {
            Header::V4(v4) => (
                v4.ttl,
                v4.tos.zip(v4.prec).map(|(tos, prec)| (tos | prec, SHOWN)),
            ),
            Header::V6(v6) => (v6.hoplimit, v6.tc.map(|tc| (tc, u8::MAX))),
        };
        let icmp_code = match &datagram.transport {
            Transport::Icmp(icmp) => icmp.code,
            _ => None,
        };
        Self {
            src_mac: packet.link.source().map(|mac| mac.0),
            dst_mac: packet.link.destination().map(|mac| mac.0),
            ttl,
            length: datagram.len,
            tos,
            mark: packet.mark,
            icmp_code,
        }
    }
}

/// Returns the conntrack state of a dropped packet, which has no entry; `None` where the line does not say.
fn state(packet: &PacketSummary<'_>) -> Option<States> {
    let kind = packet.icmp_type;
    Some(match packet.proto? {
        proto::TCP => {
            let flags = packet.flags?;
            let has = |flag| flags.contains(flag);
            let closes = has(TcpFlags::RST) || has(TcpFlags::FIN);
            // `tcp_conntracks`, column sNO: SYN and ACK begin a connection; SYN-ACK, FIN, RST and none are invalid.
            if !closes && has(TcpFlags::SYN) != has(TcpFlags::ACK) {
                States::NEW
            } else {
                States::INVALID
            }
        }
        // `valid_new` of nf_conntrack_proto_icmp.c: echo, timestamp, information and address mask requests.
        proto::ICMP => match kind? {
            8 | 13 | 15 | 17 => States::NEW,
            _ => States::INVALID,
        },
        // nf_conntrack_proto_icmpv6.c: neighbour discovery and MLD are not tracked; echo and node queries open.
        proto::ICMPV6 => match kind? {
            130..=137 | 143 => States::UNTRACKED,
            128 | 139 => States::NEW,
            _ => States::INVALID,
        },
        _ => States::NEW,
    })
}
