//! Classification of one packet: its kind, and its service port as far as the tables decide it.
//!
//! Ports that only the whole log can decide stay a pair; `cause::directions` settles it.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::{Kind, Ports};
use crate::catalog::{
    Role, Strength, is_dhcp_reply, is_dhcp_request, listed, symmetric_udp, well_known_udp,
};
use crate::net::PortRange;
use crate::packet::proto;
use crate::packet::{Hook, PacketSummary, PktType, Shape, TcpFlags};

/// Ports above this one are those of clients: "above 1023", since random source ports leave the kernel's
/// `ip_local_port_range`.
pub const EPHEMERAL: u16 = 1023;

/// Reserved ports that clients of NFS and RPC send from (`RPC_DEF_MIN_RESVPORT` and `RPC_MAX_RESVPORT` of the kernel's
/// sunrpc are 665 and 1023; bindresvport(3) begins at 512).
pub const RESERVED_CLIENTS: PortRange = PortRange::new(512, EPHEMERAL);

/// The interface of the node's own traffic: nothing else comes in by it.
pub const LOOPBACK: &str = "lo";

/// Neighbour discovery: ICMPv6 router and neighbour solicitation and advertisement, redirect (RFC 4861, 4).
pub const NEIGHBOUR_DISCOVERY: std::ops::RangeInclusive<u8> = 133..=137;

/// Classifies `packet`, seen on a node of `role`.
#[inline]
pub fn classify(packet: &PacketSummary<'_>, role: Role) -> (Kind, Ports) {
    if packet.interface == LOOPBACK && packet.hook == Hook::Input {
        return (Kind::Loopback, on_loopback(packet, role));
    }
    let kind = match (packet.hook, packet.shape) {
        (Hook::Forward, _) => Kind::Forward,
        (Hook::Output, _) => Kind::Output,
        (Hook::Input, Shape::Truncated) => return (Kind::Truncated, Ports::None),
        (Hook::Input, Shape::Fragment) => return (Kind::Fragment, Ports::None),
        (Hook::Input, Shape::Whole) => Kind::Plain,
    };
    let ports = packet.spt.zip(packet.dpt);
    if kind != Kind::Plain {
        let plain = ports.filter(|_| packet.shape == Shape::Whole);
        let seen = plain.map_or(Ports::None, |(spt, dpt)| whole(packet, spt, dpt, role).1);
        return (kind, seen);
    }
    match packet.flags {
        Some(flags) if !flags.valid() => (Kind::BogusFlags, to_dpt(ports)),
        _ => match group(packet) {
            Kind::Plain => match ports {
                Some((spt, dpt)) => whole(packet, spt, dpt, role),
                None => (Kind::Plain, Ports::None),
            },
            // Both ports are kept until the log shows whether the address is this node's.
            kind if kind.is_group_frame() => (kind, pair(ports)),
            kind => (kind, to_dpt(ports)),
        },
    }
}

/// Returns the ports of a packet that came in by the loopback. Both of its ends are this node: whichever way it goes, the
/// service is here.
fn on_loopback(packet: &PacketSummary<'_>, role: Role) -> Ports {
    let ports = (packet.spt.zip(packet.dpt)).filter(|_| packet.shape == Shape::Whole);
    let seen = ports.map(|(spt, dpt)| whole(packet, spt, dpt, role).1);
    match seen {
        Some(Ports::Service { port, .. }) => service(port, false),
        _ => Ports::None,
    }
}

/// Whether VRRP is sent to the address: 224.0.0.18 (RFC 5798, 5.1.1.2) or ff02::12.
fn is_vrrp_group(dst: IpAddr) -> bool {
    let v6 = Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 0x12);
    dst == Ipv4Addr::new(224, 0, 0, 18) || dst == v6
}

/// Classifies a packet by its receivers. TCP does not accept group addresses, so a group MAC with a unicast IP address
/// was made up when the log was edited.
fn group(packet: &PacketSummary<'_>) -> Kind {
    let number = packet.proto.unwrap_or_default();
    let (cast, frame) = (packet.cast, packet.frame);
    if cast == PktType::Unicast && (frame == PktType::Unicast || number == proto::TCP) {
        return Kind::Plain;
    }
    let neighbours = number == proto::ICMPV6
        && (packet.icmp_type).is_some_and(|kind| NEIGHBOUR_DISCOVERY.contains(&kind));
    let ports = packet.spt.zip(packet.dpt);
    let dhcp = ports.is_some_and(|(spt, dpt)| {
        is_dhcp_reply(number, spt, dpt) || is_dhcp_request(number, spt, dpt)
    });
    // These protocols use group addresses, and are judged by their type.
    let vrrp = number == proto::VRRP && is_vrrp_group(packet.dst);
    if neighbours || vrrp || dhcp {
        return Kind::Plain;
    }
    match (cast, frame) {
        (PktType::Broadcast, _) => Kind::Broadcast,
        (PktType::Multicast, _) => Kind::Multicast,
        (PktType::Unicast, PktType::Broadcast) => Kind::BroadcastFrame,
        (PktType::Unicast, _) => Kind::MulticastFrame,
    }
}

const fn service(port: u16, reply: bool) -> Ports {
    Ports::Service { port, reply }
}

fn to_dpt(ports: Option<(u16, u16)>) -> Ports {
    ports.map_or(Ports::None, |(_, dpt)| service(dpt, false))
}

fn pair(ports: Option<(u16, u16)>) -> Ports {
    ports.map_or(Ports::None, |(spt, dpt)| Ports::Pair { spt, dpt })
}

/// Classifies a whole packet with ports, sent to this node.
#[inline]
fn whole(packet: &PacketSummary<'_>, spt: u16, dpt: u16, role: Role) -> (Kind, Ports) {
    match packet.flags {
        Some(flags) => segment(flags, spt, dpt, role),
        None => {
            let number = packet.proto.unwrap_or_default();
            if is_dhcp_reply(number, spt, dpt) {
                return (Kind::Plain, service(dpt, false));
            }
            // No node is a DHCP server: a request is meant for another machine, even if it is addressed to this one.
            if is_dhcp_request(number, spt, dpt) {
                return (Kind::Broadcast, service(dpt, false));
            }
            (Kind::Plain, datagram(number, spt, dpt, role))
        }
    }
}

/// Classifies a TCP packet with valid flags.
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

/// Returns the ports of a TCP packet that does not open a connection.
#[inline]
fn mid_stream(spt: u16, dpt: u16, role: Role) -> Ports {
    let (from, to) = (listed(role, proto::TCP, spt), listed(role, proto::TCP, dpt));
    // The NodePort range never counts against a port that a row of its own lists, and random source ports lie in it.
    if to.documented == Strength::Own && from.spt < Strength::Own {
        return service(dpt, false);
    }
    if from.spt == Strength::Own && dpt > EPHEMERAL && to.dpt < Strength::Own {
        return service(spt, true);
    }
    if to.dpt == Strength::Own && from.spt < Strength::Own && RESERVED_CLIENTS.contains(spt) {
        return service(dpt, false);
    }
    Ports::Pair { spt, dpt }
}

/// Returns the ports of a unicast UDP packet, or of one of another protocol with ports.
pub fn datagram(number: u8, spt: u16, dpt: u16, role: Role) -> Ports {
    let (from, to) = (listed(role, number, spt), listed(role, number, dpt));
    if to.dpt == Strength::Own {
        return service(dpt, false);
    }
    let answers = (from.spt == Strength::Own || well_known_udp(spt)) && dpt > EPHEMERAL;
    if answers || (spt == dpt && symmetric_udp(spt)) {
        return service(spt, true);
    }
    Ports::Pair { spt, dpt }
}
