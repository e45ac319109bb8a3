//! Key of a flow, and its packed form of four words for the table of flows: each drop line is hashed and compared.

use std::hash::{Hash, Hasher};
use std::net::IpAddr;

use super::{Kind, Ports};

/// Key of a flow: all that its lines have in common.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
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

/// A [`FlowKey`] in words: its numbers in the first two, an address of IPv6 in the others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Packed([u64; 4]);

/// Bits of the second word; its upper half is an address of IPv4.
const HAS_PROTO: u64 = 1 << 8;
const IS_V6: u64 = 1 << 9;
const SHAPE: u32 = 10;
const KIND: u32 = 12;
const _: () = assert!(Kind::ALL.len() <= 16);

const SERVICE: u64 = 1;
const REPLY: u64 = 2;
const PAIR: u64 = 3;

impl Packed {
    /// Packs the parts of a key. The address is borrowed, since a copy would have to be assembled before its parts are
    /// read.
    #[inline]
    pub(super) fn of(
        node: u16,
        interface: u16,
        proto: Option<u8>,
        (kind, ports): (Kind, Ports),
        peer: &IpAddr,
    ) -> Self {
        let (shape, one, other) = match ports {
            Ports::None => (0, 0, 0),
            Ports::Service { port, reply: false } => (SERVICE, port, 0),
            Ports::Service { port, reply: true } => (REPLY, port, 0),
            Ports::Pair { spt, dpt } => (PAIR, spt, dpt),
        };
        let numbers = u64::from(node)
            | u64::from(interface) << 16
            | u64::from(one) << 32
            | u64::from(other) << 48;
        let proto = proto.map_or(0, |proto| HAS_PROTO | u64::from(proto));
        let rest = proto | shape << SHAPE | (kind as u64) << KIND;
        Self(match peer {
            IpAddr::V4(peer) => [numbers, rest | u64::from(peer.to_bits()) << 32, 0, 0],
            IpAddr::V6(peer) => {
                let bits = peer.to_bits();
                [numbers, rest | IS_V6, (bits >> 64) as u64, bits as u64]
            }
        })
    }
}

/// Operations of folding.
impl Packed {
    pub(super) const fn node(self) -> u16 {
        self.0[0] as u16
    }

    /// Replaces node and interface.
    pub(super) const fn at(self, node: u16, interface: u16) -> Self {
        let [numbers, rest, high, low] = self.0;
        let place = node as u64 | (interface as u64) << 16;
        Self([numbers >> 32 << 32 | place, rest, high, low])
    }

    /// Returns the IP protocol number; 0 where the line says none.
    pub(super) const fn proto(self) -> u8 {
        self.0[1] as u8
    }

    pub(super) const fn is_plain(self) -> bool {
        self.0[1] >> KIND & 15 == Kind::Plain as u64
    }

    /// Returns the port of a service on this node.
    pub(super) const fn request(self) -> Option<u16> {
        if self.shape() == SERVICE {
            Some((self.0[0] >> 32) as u16)
        } else {
            None
        }
    }

    const fn shape(self) -> u64 {
        self.0[1] >> SHAPE & 3
    }

    pub(super) fn peer(self) -> IpAddr {
        let [_, rest, high, low] = self.0;
        if rest & IS_V6 == 0 {
            IpAddr::from(((rest >> 32) as u32).to_be_bytes())
        } else {
            IpAddr::from((u128::from(high) << 64 | u128::from(low)).to_be_bytes())
        }
    }

    pub(super) const fn without_ports(self) -> Self {
        let [numbers, rest, high, low] = self.0;
        Self([numbers as u32 as u64, rest & !(3 << SHAPE), high, low])
    }

    /// Removes the ports if the log does not show which is the service's.
    pub(super) const fn without_pair(self) -> Self {
        if self.shape() == PAIR {
            self.without_ports()
        } else {
            self
        }
    }

    /// Node and peer alone.
    pub(super) const fn of_peer(self) -> Self {
        let [numbers, rest, high, low] = self.0;
        let peer = rest & (IS_V6 | (u32::MAX as u64) << 32);
        Self([numbers as u16 as u64, peer, high, low])
    }

    /// Replaces a peer that is no neighbour of the node by its network.
    pub(super) fn in_far_network(self) -> Self {
        self.in_network(if self.0[1] & IS_V6 == 0 { 16 } else { 32 })
    }

    /// Replaces the peer by its network of the given prefix length, up to 64 bits.
    pub(super) fn in_network(self, length: u8) -> Self {
        let [numbers, rest, high, _] = self.0;
        let kept = |bits: u32| u64::MAX.checked_shl(bits).unwrap_or(0);
        if rest & IS_V6 == 0 {
            let mask = kept(64 - u32::from(length)) | u64::from(u32::MAX);
            Self([numbers, rest & mask, 0, 0])
        } else {
            Self([numbers, rest, high & kept(64 - u32::from(length)), 0])
        }
    }
}

impl From<FlowKey> for Packed {
    fn from(key: FlowKey) -> Self {
        let class = (key.kind, key.ports);
        Self::of(key.node, key.interface, key.proto, class, &key.peer)
    }
}

impl From<Packed> for FlowKey {
    fn from(key: Packed) -> Self {
        let [numbers, rest, ..] = key.0;
        let (one, other) = ((numbers >> 32) as u16, (numbers >> 48) as u16);
        Self {
            node: numbers as u16,
            interface: (numbers >> 16) as u16,
            proto: (rest & HAS_PROTO != 0).then_some(rest as u8),
            kind: Kind::ALL[(rest >> KIND & 15) as usize % Kind::ALL.len()],
            ports: match key.shape() {
                SERVICE => Ports::Service {
                    port: one,
                    reply: false,
                },
                REPLY => Ports::Service {
                    port: one,
                    reply: true,
                },
                PAIR => Ports::Pair {
                    spt: one,
                    dpt: other,
                },
                _ => Ports::None,
            },
            peer: key.peer(),
        }
    }
}

impl Hash for Packed {
    #[inline]
    fn hash<H: Hasher>(&self, hasher: &mut H) {
        let [numbers, rest, high, low] = self.0;
        hasher.write_u64(numbers);
        hasher.write_u64(rest);
        if rest & IS_V6 != 0 {
            hasher.write_u64(high);
            hasher.write_u64(low);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{Just, Strategy, any, prop_assert_eq, prop_oneof, proptest};

    use super::*;
    use crate::net::IpNet;

    fn ports() -> impl Strategy<Value = Ports> {
        prop_oneof![
            Just(Ports::None),
            (any::<u16>(), any::<bool>()).prop_map(|(port, reply)| Ports::Service { port, reply }),
            (any::<u16>(), any::<u16>()).prop_map(|(spt, dpt)| Ports::Pair { spt, dpt }),
        ]
    }

    proptest! {
        #[test]
        fn words_say_what_the_key_says(node: u16, interface: u16, proto: Option<u8>, kind in 0..Kind::ALL.len(), ports in ports(), peer: IpAddr) {
            let key = FlowKey { node, interface, proto, kind: Kind::ALL[kind], ports, peer };
            prop_assert_eq!(FlowKey::from(Packed::from(key)), key);
        }

        #[test]
        fn folding_is_that_of_networks(node: u16, kind in 0..Kind::ALL.len(), ports in ports(), peer: IpAddr, length in 0..=32_u8) {
            let key = FlowKey { node, interface: 3, proto: Some(6), kind: Kind::ALL[kind], ports, peer };
            let packed = Packed::from(key);
            prop_assert_eq!(packed.node(), node);
            prop_assert_eq!(packed.is_plain(), key.kind == Kind::Plain);
            let network = IpNet::new(peer, length).unwrap().network();
            prop_assert_eq!(FlowKey::from(packed.in_network(length)), FlowKey { peer: network, ..key });
            prop_assert_eq!(FlowKey::from(packed.without_ports()), FlowKey { ports: Ports::None, ..key });
            let is_pair = matches!(ports, Ports::Pair { .. });
            prop_assert_eq!(packed.without_pair(), if is_pair { packed.without_ports() } else { packed });
            let request = matches!(ports, Ports::Service { reply: false, .. });
            prop_assert_eq!(packed.request().is_some(), request);
            let of_peer = FlowKey { interface: 0, proto: None, kind: Kind::Plain, ports: Ports::None, ..key };
            prop_assert_eq!(packed.of_peer(), Packed::from(of_peer));
        }
    }
}
