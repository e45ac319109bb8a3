//! What one packet tells of its flow: its kind, and its service port as far as the tables decide it.
//!
//! What only the whole log decides stays a pair of ports; `cause::scene` settles it.

use super::{Kind, Ports};
use crate::catalog::{
    Role, Strength, is_dhcp_reply, is_dhcp_request, listed, symmetric_udp, well_known_udp,
};
use crate::packet::proto;
use crate::packet::{Brief, Cast, Shape, TcpFlags};

/// Ports above this one are those of clients: "above 1023", since random source ports leave the kernel's
/// `ip_local_port_range`.
pub const EPHEMERAL: u16 = 1023;

/// Neighbour discovery: ICMPv6 router and neighbour solicitation and advertisement, redirect (RFC 4861, 4).
const NEIGHBOUR_DISCOVERY: std::ops::RangeInclusive<u8> = 133..=137;

/// The kind and the ports of `packet`, seen on a node of `role`.
pub fn lane(packet: &Brief<'_>, role: Role) -> (Kind, Ports) {
    match packet.shape {
        Shape::Truncated => return (Kind::Truncated, Ports::None),
        Shape::Fragment => return (Kind::Fragment, Ports::None),
        Shape::Whole => {}
    }
    let ports = packet.spt.zip(packet.dpt);
    let service = |port| Ports::Service { port, reply: false };
    if packet.flags.is_some_and(|flags| !flags.valid()) {
        return (
            Kind::BogusFlags,
            ports.map_or(Ports::None, |(_, dpt)| service(dpt)),
        );
    }
    let number = packet.proto.unwrap_or_default();
    if let Some((spt, dpt)) = ports {
        if is_dhcp_reply(number, spt, dpt) {
            return (Kind::Plain, service(dpt));
        }
        // No node is a DHCP server: a request is for somebody else, to whomever it is addressed.
        if is_dhcp_request(number, spt, dpt) {
            return (Kind::Broadcast, service(dpt));
        }
    }
    let neighbours = number == proto::ICMPV6
        && packet
            .icmp_type
            .is_some_and(|t| NEIGHBOUR_DISCOVERY.contains(&t));
    if neighbours || number == proto::VRRP {
        return (Kind::Plain, Ports::None);
    }
    let kind = match packet.cast {
        Cast::Broadcast => Kind::Broadcast,
        Cast::Multicast => Kind::Multicast,
        Cast::Unicast => Kind::Plain,
    };
    let Some((spt, dpt)) = ports else {
        return (kind, Ports::None);
    };
    if kind != Kind::Plain {
        return (kind, service(dpt));
    }
    match packet.flags {
        Some(flags) if flags.is_syn_ack() => (
            Kind::SynAck,
            Ports::Service {
                port: spt,
                reply: true,
            },
        ),
        Some(flags) => (Kind::Plain, tcp(flags, spt, dpt, role)),
        None => (Kind::Plain, udp(number, spt, dpt, role)),
    }
}

/// A valid TCP packet that is no SYN-ACK.
fn tcp(flags: TcpFlags, spt: u16, dpt: u16, role: Role) -> Ports {
    if flags.is_syn() {
        return Ports::Service {
            port: dpt,
            reply: false,
        };
    }
    let (from, to) = (listed(role, proto::TCP, spt), listed(role, proto::TCP, dpt));
    // The NodePort range never counts against a port that a row of its own lists.
    if to.documented > from.spt {
        return Ports::Service {
            port: dpt,
            reply: false,
        };
    }
    if from.spt == Strength::Own && dpt > EPHEMERAL && to.dpt < Strength::Own {
        return Ports::Service {
            port: spt,
            reply: true,
        };
    }
    Ports::Pair { spt, dpt }
}

/// A UDP packet, or one of another protocol with ports.
fn udp(number: u8, spt: u16, dpt: u16, role: Role) -> Ports {
    let (from, to) = (listed(role, number, spt), listed(role, number, dpt));
    if to.dpt == Strength::Own {
        return Ports::Service {
            port: dpt,
            reply: false,
        };
    }
    let answers = (from.spt == Strength::Own || well_known_udp(spt)) && dpt > EPHEMERAL;
    if answers || (spt == dpt && symmetric_udp(spt)) {
        return Ports::Service {
            port: spt,
            reply: true,
        };
    }
    if to.dpt == Strength::NodePort && from.spt == Strength::No {
        return Ports::Service {
            port: dpt,
            reply: false,
        };
    }
    Ports::Pair { spt, dpt }
}
