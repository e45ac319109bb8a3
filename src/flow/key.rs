//! What makes lines one flow, and what folding makes of it.

use std::hash::{Hash, Hasher};
use std::net::IpAddr;

use super::{Kind, Ports};
use crate::net::IpNet;

/// Key of a flow: all that its lines have in common.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct FlowKey {
    /// An index, see [`Flows::node_name`].
    ///
    /// [`Flows::node_name`]: super::Flows::node_name
    pub node: u16,
    /// An index, see [`Flows::interface_name`].
    ///
    /// [`Flows::interface_name`]: super::Flows::interface_name
    pub interface: u16,
    /// The IP protocol number; `None` where the line says none.
    pub proto: Option<u8>,
    pub kind: Kind,
    pub ports: Ports,
    pub peer: IpAddr,
}

/// Feeds three numbers into the hash. The derived one feeds each field, and takes four times as long: a twentieth of all that
/// a drop line takes.
impl Hash for FlowKey {
    #[inline(always)]
    fn hash<H: Hasher>(&self, state: &mut H) {
        let (form, one, other) = match self.ports {
            Ports::None => (0, 0, 0),
            Ports::Service { port, reply } => (1 + u64::from(reply), port, 0),
            Ports::Pair { spt, dpt } => (3, spt, dpt),
        };
        let proto = self.proto.map_or(1 << 8, u64::from);
        let places = u64::from(self.node) | u64::from(self.interface) << 16;
        let ports = u64::from(one) << 32 | u64::from(other) << 48;
        let peer = match self.peer {
            IpAddr::V4(peer) => peer.to_bits().into(),
            IpAddr::V6(peer) => peer.to_bits(),
        };
        state.write_u64(places | ports);
        state.write_u64(proto | (self.kind as u64) << 16 | form << 32);
        state.write_u128(peer);
    }
}

/// Operations of folding.
impl FlowKey {
    /// Replaces node and interface.
    pub(super) const fn at(self, node: u16, interface: u16) -> Self {
        Self {
            node,
            interface,
            ..self
        }
    }

    /// Returns the port of a service on this node.
    pub(super) const fn request(self) -> Option<u16> {
        match self.ports {
            Ports::Service { port, reply: false } => Some(port),
            _ => None,
        }
    }

    pub(super) const fn without_ports(self) -> Self {
        Self {
            ports: Ports::None,
            ..self
        }
    }

    /// Removes the ports if the log does not show which is the service's.
    pub(super) const fn without_pair(self) -> Self {
        match self.ports {
            Ports::Pair { .. } => self.without_ports(),
            _ => self,
        }
    }

    /// Node and peer alone.
    pub(super) const fn of_peer(self) -> Self {
        Self {
            interface: 0,
            proto: None,
            kind: Kind::Plain,
            ports: Ports::None,
            ..self
        }
    }

    /// Length of the network that is the peer's neighbourhood.
    pub(super) const fn neighbourhood_length(self) -> u8 {
        if self.peer.is_ipv4() { 24 } else { 64 }
    }

    /// Replaces a peer that is no neighbour of the node by its network.
    pub(super) fn in_far_network(self) -> Self {
        self.in_network(if self.peer.is_ipv4() { 16 } else { 32 })
    }

    /// With the network of a `length` that the peer lies in for the peer; a length that there is none of changes nothing.
    pub(super) fn in_network(self, length: u8) -> Self {
        let net = IpNet::new(self.peer, length);
        Self {
            peer: net.map_or(self.peer, |net| net.network()),
            ..self
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folding_keeps_what_it_does_not_fold() {
        let key = FlowKey {
            node: 2,
            interface: 3,
            proto: Some(6),
            kind: Kind::Plain,
            ports: Ports::Pair { spt: 4, dpt: 5 },
            peer: "10.1.2.3".parse().unwrap(),
        };
        let peer = |key: FlowKey| key.peer.to_string();
        assert_eq!(peer(key.in_network(24)), "10.1.2.0");
        assert_eq!(peer(key.in_far_network()), "10.1.0.0");
        assert_eq!(peer(key.in_network(0)), "0.0.0.0");
        let v6 = FlowKey {
            peer: "fd00:1:2:3:4::5".parse().unwrap(),
            ..key
        };
        assert_eq!(peer(v6.in_far_network()), "fd00:1::");
        assert_eq!(peer(v6.in_network(64)), "fd00:1:2:3::");
        let reply = FlowKey {
            ports: Ports::Service {
                port: 443,
                reply: true,
            },
            ..key
        };
        let request = FlowKey {
            ports: Ports::Service {
                port: 443,
                reply: false,
            },
            ..key
        };
        assert_eq!(
            (key.request(), reply.request(), request.request()),
            (None, None, Some(443))
        );
        assert_eq!(key.without_pair(), key.without_ports());
        assert_eq!(reply.without_pair(), reply);
        assert_eq!(key.of_peer(), v6.at(2, 9).of_peer().at(2, 0).with(key.peer));
        assert_eq!(key.at(7, 8).in_network(24).ports, key.ports);
    }

    impl FlowKey {
        fn with(self, peer: IpAddr) -> Self {
            Self { peer, ..self }
        }
    }
}
