//! Table lookup of ports, precomputed per role and protocol: each drop line looks up both of its ports.

use std::sync::OnceLock;

use super::{
    RULES, Role, SERVICES, Standing, documented, documented_anywhere, service, with_ports,
};

/// Strength of the evidence that a table has for a port.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Strength {
    No,
    /// Covered by the NodePort range only.
    NodePort,
    /// Listed in a row of its own.
    Own,
}

impl Strength {
    /// Decodes the two lowest bits of `bits`.
    #[inline]
    const fn of(bits: u8) -> Self {
        match bits & 3 {
            0 => Self::No,
            1 => Self::NodePort,
            _ => Self::Own,
        }
    }
}

/// Result of the lookup of one port, for a node of one role.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Listed {
    /// Strength of the documented ACCEPT rules of the role for the port.
    pub documented: Strength,
    /// Strength of the catalogue's rows for the port as the destination of a request.
    pub dpt: Strength,
    /// Strength of the catalogue's rows for the port as the source of a reply.
    pub spt: Strength,
    /// Whether no role documents the port, except through the NodePort range, and no addon uses it.
    pub unlisted: bool,
    /// Whether only the NodePort range names it.
    pub node_ports: bool,
}

impl Listed {
    const NOT: Self = Self {
        documented: Strength::No,
        dpt: Strength::No,
        spt: Strength::No,
        unlisted: true,
        node_ports: false,
    };

    const fn packed(self) -> u8 {
        self.documented as u8
            | (self.dpt as u8) << 2
            | (self.spt as u8) << 4
            | (self.unlisted as u8) << 6
            | (self.node_ports as u8) << 7
    }

    #[inline]
    const fn unpacked(bits: u8) -> Self {
        Self {
            documented: Strength::of(bits),
            dpt: Strength::of(bits >> 2),
            spt: Strength::of(bits >> 4),
            unlisted: bits & 1 << 6 != 0,
            node_ports: bits & 1 << 7 != 0,
        }
    }

    /// Looks the port up in the rows themselves, without the precomputed table.
    fn told(role: Role, proto: u8, port: u16) -> Self {
        let service = service(proto, port);
        let node_ports = service.is_some_and(|s| s.standing == Standing::NodePorts);
        let strength = |known: bool| match known {
            false => Strength::No,
            true if node_ports => Strength::NodePort,
            true => Strength::Own,
        };
        let addon = service.is_some_and(|s| s.addon.is_some());
        let anywhere = documented_anywhere(proto, port).next().is_some();
        Self {
            documented: strength(documented(role, proto, port).is_some()),
            dpt: strength(service.is_some_and(|s| s.standing != Standing::UpToV1_8)),
            spt: strength(service.is_some()),
            unlisted: !addon && (!anywhere || node_ports),
            node_ports,
        }
    }
}

/// Precomputed lookup table of all ports for one role and protocol.
struct Listing {
    /// [`Listed`] of each port, packed into one byte.
    by_port: Box<[u8; 1 << 16]>,
    /// One bit for each port that any row names. Most ports of a log are those of clients, and the bits fit into a
    /// processor's first cache.
    named: Box<[u64; 1 << 10]>,
}

impl Listing {
    fn new(role: Role, proto: u8) -> Self {
        let rows = SERVICES
            .iter()
            .filter(|s| s.proto == proto)
            .map(|s| s.ports);
        let rules = RULES.iter().filter(|rule| rule.proto == Some(proto));
        let ranges = rows.chain(rules.filter_map(|rule| rule.dport));
        // The lookup result is constant between two of these ports.
        let mut begins: Vec<usize> = ranges
            .flat_map(|ports| [usize::from(ports.first), usize::from(ports.last) + 1])
            .chain([0, 1 << 16])
            .collect();
        begins.sort_unstable();
        begins.dedup();
        let mut by_port = Box::new([Listed::NOT.packed(); 1 << 16]);
        let mut named = Box::new([0; 1 << 10]);
        for ports in begins.windows(2) {
            let listed = Listed::told(role, proto, ports[0] as u16);
            if listed != Listed::NOT {
                by_port[ports[0]..ports[1]].fill(listed.packed());
                for port in ports[0]..ports[1] {
                    named[port / 64] |= 1 << (port % 64);
                }
            }
        }
        Self { by_port, named }
    }
}

/// Looks up `port` in the tables for a node of the given role.
#[inline]
pub fn listed(role: Role, proto: u8, port: u16) -> Listed {
    static LISTINGS: [[OnceLock<Listing>; 2]; 3] = [const { [const { OnceLock::new() }; 2] }; 3];
    let Some(at) = with_ports(proto) else {
        return Listed::told(role, proto, port);
    };
    let listing = LISTINGS[role as usize][at].get_or_init(|| Listing::new(role, proto));
    let port = usize::from(port);
    if listing.named[port / 64] >> (port % 64) & 1 == 0 {
        return Listed::NOT;
    }
    Listed::unpacked(listing.by_port[port])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::packet::proto;

    #[test]
    fn each_port_is_listed_as_the_rows_have_it() {
        for role in Role::ALL {
            for proto in [proto::TCP, proto::UDP] {
                for port in 0..=u16::MAX {
                    assert_eq!(listed(role, proto, port), Listed::told(role, proto, port));
                }
            }
        }
    }
}
