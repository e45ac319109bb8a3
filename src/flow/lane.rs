//! What one packet tells of its flow: its kind, and its service port as far as the tables decide it.
//!
//! What only the whole log decides stays a pair of ports; `cause::scene` settles it.

use super::{Kind, Ports};
use crate::catalog::{
    Role, Strength, is_dhcp_reply, is_dhcp_request, listed, symmetric_udp, well_known_udp,
};
use crate::packet::proto;
use crate::packet::{PacketSummary, PktType, Shape, TcpFlags};

/// Ports above this one are those of clients: "above 1023", since random source ports leave the kernel's
/// `ip_local_port_range`.
pub const EPHEMERAL: u16 = 1023;

/// Neighbour discovery: ICMPv6 router and neighbour solicitation and advertisement, redirect (RFC 4861, 4).
const NEIGHBOUR_DISCOVERY: std::ops::RangeInclusive<u8> = 133..=137;

/// The kind and the ports of `packet`, seen on a node of `role`.
#[inline]
pub fn lane(packet: &PacketSummary<'_>, role: Role) -> (Kind, Ports) {
    match packet.shape {
        Shape::Truncated => return (Kind::Truncated, Ports::None),
        Shape::Fragment => return (Kind::Fragment, Ports::None),
        Shape::Whole => {}
    }
    let ports = packet.spt.zip(packet.dpt);
    let kind = match packet.pkttype {
        PktType::Broadcast => Kind::Broadcast,
        PktType::Multicast => Kind::Multicast,
        PktType::Unicast => Kind::Plain,
    };
    let to = |(_, dpt)| service(dpt, false);
    match (packet.flags, ports) {
        (Some(flags), _) if !flags.valid() => (Kind::BogusFlags, ports.map_or(Ports::None, to)),
        (Some(flags), Some((spt, dpt))) if kind == Kind::Plain => segment(flags, spt, dpt, role),
        (Some(_), _) => (kind, ports.map_or(Ports::None, to)),
        (None, _) => datagram(packet, ports, kind, role),
    }
}

const fn service(port: u16, reply: bool) -> Ports {
    Ports::Service { port, reply }
}

/// A packet of another protocol than TCP, sent to whom `kind` says.
fn datagram(
    packet: &PacketSummary<'_>,
    ports: Option<(u16, u16)>,
    kind: Kind,
    role: Role,
) -> (Kind, Ports) {
    let number = packet.proto.unwrap_or_default();
    let Some((spt, dpt)) = ports else {
        let neighbours = number == proto::ICMPV6
            && packet
                .icmp_type
                .is_some_and(|t| NEIGHBOUR_DISCOVERY.contains(&t));
        // These go to groups, and are judged by what they are.
        if neighbours || number == proto::VRRP {
            return (Kind::Plain, Ports::None);
        }
        return (kind, Ports::None);
    };
    if is_dhcp_reply(number, spt, dpt) {
        return (Kind::Plain, service(dpt, false));
    }
    // No node is a DHCP server: a request is for somebody else, to whomever it is addressed.
    if is_dhcp_request(number, spt, dpt) {
        return (Kind::Broadcast, service(dpt, false));
    }
    if kind != Kind::Plain {
        return (kind, service(dpt, false));
    }
    (kind, udp(number, spt, dpt, role))
}

/// A valid TCP packet.
#[inline]
fn segment(flags: TcpFlags, spt: u16, dpt: u16, role: Role) -> (Kind, Ports) {
    if flags.is_syn_ack() {
        (Kind::SynAck, service(spt, true))
    } else if flags.is_syn() {
        (Kind::Plain, service(dpt, false))
    } else {
        (Kind::Plain, mid_stream(spt, dpt, role))
    }
}

/// The ports of a TCP packet that opens nothing.
#[inline]
fn mid_stream(spt: u16, dpt: u16, role: Role) -> Ports {
    let (from, to) = (listed(role, proto::TCP, spt), listed(role, proto::TCP, dpt));
    // The NodePort range never counts against a port that a row of its own lists.
    if to.documented > from.spt {
        return service(dpt, false);
    }
    if from.spt == Strength::Own && dpt > EPHEMERAL && to.dpt < Strength::Own {
        return service(spt, true);
    }
    Ports::Pair { spt, dpt }
}

/// A UDP packet, or one of another protocol with ports.
fn udp(number: u8, spt: u16, dpt: u16, role: Role) -> Ports {
    let (from, to) = (listed(role, number, spt), listed(role, number, dpt));
    if to.dpt == Strength::Own {
        return service(dpt, false);
    }
    let answers = (from.spt == Strength::Own || well_known_udp(spt)) && dpt > EPHEMERAL;
    if answers || (spt == dpt && symmetric_udp(spt)) {
        return service(spt, true);
    }
    if to.dpt == Strength::NodePort && from.spt == Strength::No {
        return service(dpt, false);
    }
    Ports::Pair { spt, dpt }
}
