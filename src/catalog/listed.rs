//! How the tables list a port. A drop line asks this of both of its ports, so the answers lie ready by port.

use std::sync::OnceLock;

use super::{
    RULES, Role, SERVICES, Standing, documented, documented_anywhere, service, with_ports,
};

/// How strongly a table lists a port.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Strength {
    No,
    /// Through the NodePort range only.
    NodePort,
    /// By a row of its own.
    Own,
}

/// How the tables list a port, for a node of one role. A drop line asks this of both of its ports.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Listed {
    /// How strongly the documented rules of the role name it.
    pub documented: Strength,
    /// How strongly the catalogue lists it as the destination of a request.
    pub dpt: Strength,
    /// How strongly the catalogue lists it as the source of a reply.
    pub spt: Strength,
    /// Whether it is documented for no role, unless through the NodePort range, and no addon's.
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

    /// As the rows have it.
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

/// How the ports of one role and protocol are listed: few ways, and a place for each port up to the last that is listed.
struct Listing {
    ways: Vec<Listed>,
    by_port: Vec<u8>,
}

impl Listing {
    fn new(role: Role, proto: u8) -> Self {
        let rows = SERVICES
            .iter()
            .filter(|s| s.proto == proto)
            .map(|s| s.ports);
        let rules = RULES.iter().filter(|rule| rule.proto == Some(proto));
        let ranges = rows.chain(rules.filter_map(|rule| rule.dport));
        // Between two of these nothing changes.
        let mut begins: Vec<usize> = ranges
            .flat_map(|ports| [usize::from(ports.first), usize::from(ports.last) + 1])
            .chain([0, 1 << 16])
            .collect();
        begins.sort_unstable();
        begins.dedup();
        let mut listing = Self {
            ways: vec![Listed::NOT],
            by_port: Vec::new(),
        };
        for ports in begins.windows(2) {
            let listed = Listed::told(role, proto, ports[0] as u16);
            let known = listing.ways.iter().position(|way| *way == listed);
            let way = known.unwrap_or(listing.ways.len());
            if known.is_none() {
                listing.ways.push(listed);
            }
            if way > 0 {
                listing.by_port.resize(ports[0], 0);
                listing.by_port.resize(ports[1], way as u8);
            }
        }
        listing
    }
}

/// How the tables list `port`.
#[inline]
pub fn listed(role: Role, proto: u8, port: u16) -> Listed {
    static LISTINGS: [[OnceLock<Listing>; 2]; 3] = [const { [const { OnceLock::new() }; 2] }; 3];
    let Some(at) = with_ports(proto) else {
        return Listed::told(role, proto, port);
    };
    let listing = LISTINGS[role as usize][at].get_or_init(|| Listing::new(role, proto));
    let way = listing.by_port.get(usize::from(port)).copied();
    listing.ways[usize::from(way.unwrap_or(0))]
}
