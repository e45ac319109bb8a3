//! Ports on which Harvester is known to listen: the roles of nodes, the documented ACCEPT rules, and the services behind
//! ports.
//!
//! Facts are rows, each with its source; no other module names a port.

mod documented;
mod listed;
mod port_names;
mod services;

use std::fmt;
use std::sync::OnceLock;

use crate::net::PortRange;
use crate::packet::proto;

/// Harvester release whose documentation the catalogue follows.
pub const HARVESTER_RELEASE: &str = "v1.9";

pub use documented::{LOG_PREFIX, RULES};
pub use listed::{Listed, Strength, listed};
pub use port_names::port_of_name;
pub use services::SERVICES;

/// The role of a node in the cluster; a node without an explicit role is a control-plane node.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub enum Role {
    #[default]
    ControlPlane,
    Worker,
    Witness,
}

impl Role {
    pub const ALL: [Self; 3] = [Self::ControlPlane, Self::Worker, Self::Witness];

    /// Returns the role as users write it and as reports print it.
    pub const fn code(self) -> &'static str {
        match self {
            Self::ControlPlane => "control-plane",
            Self::Worker => "worker",
            Self::Witness => "witness",
        }
    }

    /// Parses the role as [`Role::code`] returns it.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.code() == text)
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

/// Roles to which a row applies, with shorthands for the rows.
type Roles = &'static [Role];
const C: Roles = &[Role::ControlPlane];
const W: Roles = &[Role::Worker];
const CW: Roles = &[Role::ControlPlane, Role::Worker];
const CT: Roles = &[Role::ControlPlane, Role::Witness];
const WT: Roles = &[Role::Worker, Role::Witness];
const CWT: Roles = &Role::ALL;

/// Peers that connect to a service.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reach {
    /// Any source address.
    Any,
    /// The cluster's nodes.
    Nodes,
    /// The node itself, over its loopback.
    Localhost,
    /// The pod network: the service listens in a pod's network namespace, never on the node.
    Pods,
}

impl Reach {
    /// Returns the code in JSON.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Any => "any",
            Self::Nodes => "nodes",
            Self::Localhost => "localhost",
            Self::Pods => "pods",
        }
    }

    /// Returns the description in text reports.
    pub const fn text(self) -> &'static str {
        match self {
            Self::Any => "any source",
            Self::Nodes => "the cluster's nodes",
            Self::Localhost => "the node itself",
            Self::Pods => "the pod network",
        }
    }
}

/// Weight of a row in a judgement.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// The row is in force.
    Current,
    /// A row of the requirements table up to v1.8 only: it names the sender of a reply, and never the target of a
    /// request.
    UpToV1_8,
    /// The NodePort range: it never counts against a port that a row of its own lists.
    NodePorts,
    /// A range too wide to decide anything.
    Note,
}

/// A service and the ports that it listens on.
#[derive(Debug, PartialEq, Eq)]
pub struct Service {
    pub proto: u8,
    pub ports: PortRange,
    /// Name of the service that users know.
    pub name: &'static str,
    /// Program or workload that listens.
    pub component: &'static str,
    /// Roles of the nodes on which the service can run.
    pub roles: Roles,
    pub reach: Reach,
    pub addon: Option<&'static str>,
    pub standing: Standing,
    /// Document and revision from which the row was taken.
    pub source: &'static str,
    /// One sentence of advice for the reader of a report; empty where there is none.
    pub note: &'static str,
}

/// An ACCEPT rule of the documentation.
#[derive(Debug, PartialEq, Eq)]
pub struct DocumentedRule {
    pub proto: Option<u8>,
    pub sport: Option<u16>,
    pub dport: Option<PortRange>,
    /// Roles whose CloudInit example contains the rule.
    pub roles: Roles,
    /// Comment of the rule in the documentation, verbatim.
    pub comment: &'static str,
    pub addon: Option<&'static str>,
    /// Whether it accepts the pod network instead of a port.
    pub pod_network: bool,
}

/// Row index by port: one byte for each port, 0 where no row has the port. A line looks up to four ports.
type ByPort = OnceLock<Box<[u8]>>;

/// Returns the table index of TCP or UDP, the protocols that have ports here; `None` for others.
const fn with_ports(proto: u8) -> Option<usize> {
    match proto {
        proto::TCP => Some(0),
        proto::UDP => Some(1),
        _ => None,
    }
}

/// Creates a [`ByPort`] from rows and their ports; where rows overlap, the last one holds.
fn by_port(rows: impl Iterator<Item = (usize, PortRange)>) -> Box<[u8]> {
    let mut table = vec![0; 1 << 16].into_boxed_slice();
    for (row, ports) in rows {
        table[usize::from(ports.first)..=usize::from(ports.last)].fill(row as u8 + 1);
    }
    table
}

/// Returns the row that a table has for `port`.
fn row_of(table: &[u8], port: u16) -> Option<usize> {
    usize::from(table[usize::from(port)]).checked_sub(1)
}

/// Returns the documented rule that accepts a packet of `proto` to `dpt` on a node of `role`.
pub fn documented(role: Role, proto: u8, dpt: u16) -> Option<&'static DocumentedRule> {
    static TABLES: [[ByPort; 2]; 3] = [const { [const { ByPort::new() }; 2] }; 3];
    let table = TABLES[role as usize][with_ports(proto)?].get_or_init(|| {
        let rows = RULES.iter().enumerate().rev();
        by_port(rows.filter_map(|(at, rule)| {
            let here = rule.roles.contains(&role) && rule.proto == Some(proto);
            let ports = rule.dport.filter(|_| here && rule.sport.is_none())?;
            Some((at, ports))
        }))
    });
    RULES.get(row_of(table, dpt)?)
}

/// Returns the documented rules of all roles that accept a packet of `proto` to `dpt`, the narrowest first.
pub fn documented_anywhere(
    proto: u8,
    dpt: u16,
) -> impl Iterator<Item = &'static DocumentedRule> + use<> {
    RULES.iter().filter(move |rule| {
        rule.proto == Some(proto)
            && rule.sport.is_none()
            && rule.dport.is_some_and(|ports| ports.contains(dpt))
    })
}

/// Returns the service that the catalogue knows behind a port: by a row of its own before the NodePort range.
pub fn service(proto: u8, port: u16) -> Option<&'static Service> {
    static TABLES: [ByPort; 2] = [const { ByPort::new() }; 2];
    let table = TABLES[with_ports(proto)?].get_or_init(|| {
        let rows = |is: fn(Standing) -> bool| {
            let rows = SERVICES.iter().enumerate().rev();
            rows.filter(move |(_, s)| s.proto == proto && is(s.standing))
                .map(|(at, s)| (at, s.ports))
        };
        by_port(
            rows(|standing| standing == Standing::NodePorts).chain(rows(|standing| {
                matches!(standing, Standing::Current | Standing::UpToV1_8)
            })),
        )
    });
    SERVICES.get(row_of(table, port)?)
}

/// Returns the peers that connect to a port, after the sources column of the requirements tables; [`Reach::Any`] for an
/// unlisted port.
pub fn reach(proto: u8, port: u16) -> Reach {
    service(proto, port).map_or(Reach::Any, |service| service.reach)
}

/// Returns all rows that contain a port, notes included.
pub fn rows(proto: u8, port: u16) -> impl Iterator<Item = &'static Service> {
    SERVICES
        .iter()
        .filter(move |s| s.proto == proto && s.ports.contains(port))
}

/// Whether only nodes of the cluster answer from this port: etcd, the API server, the RKE2 supervisor, the kubelet.
pub fn is_node_service(proto: u8, port: u16) -> bool {
    services::NODE_SERVICES.contains(&(proto, port))
}

/// Whether only nodes of the cluster send to this port: the overlay tunnels between them.
pub fn is_node_tunnel(proto: u8, port: u16) -> bool {
    services::NODE_TUNNELS.contains(&(proto, port))
}

/// Whether a UDP port is one that clients and servers everywhere use: its replies are known without a row.
pub fn well_known_udp(port: u16) -> bool {
    services::WELL_KNOWN_UDP.contains(&port)
}

/// Whether client and server of this UDP service both use `port`.
pub fn symmetric_udp(port: u16) -> bool {
    port == services::NTP
}

/// Returns the common name of a service that has no row.
pub fn common_name(proto: u8, port: u16) -> Option<&'static str> {
    services::COMMON_NAMES
        .iter()
        .find(|(p, at, _)| *p == proto && *at == port)
        .map(|(.., name)| *name)
}

/// Whether the ports are those of a DHCP server's answer to a client, 67 to 68.
pub fn is_dhcp_reply(proto: u8, spt: u16, dpt: u16) -> bool {
    (proto, spt, dpt) == (proto::UDP, services::DHCP_SERVER, services::DHCP_CLIENT)
}

/// Whether the port is a DHCP client's, which the documentation opens to servers.
pub fn is_dhcp_client(proto: u8, port: u16) -> bool {
    is_dhcp_reply(proto, services::DHCP_SERVER, port)
}

/// Whether the ports are those of a DHCP client's request, 68 to 67.
pub fn is_dhcp_request(proto: u8, spt: u16, dpt: u16) -> bool {
    (proto, spt, dpt) == (proto::UDP, services::DHCP_CLIENT, services::DHCP_SERVER)
}

/// Returns the documented rule for DHCP answers, 67 to 68.
pub fn dhcp_reply_rule() -> Option<&'static DocumentedRule> {
    RULES.iter().find(|rule| {
        rule.sport == Some(services::DHCP_SERVER)
            && rule.dport == Some(PortRange::one(services::DHCP_CLIENT))
    })
}

/// Returns the documented rule for ICMP.
pub fn icmp_rule() -> Option<&'static DocumentedRule> {
    RULES.iter().find(|rule| rule.proto == Some(proto::ICMP))
}

/// Returns the documented rule for the pod network.
pub fn pod_rule() -> Option<&'static DocumentedRule> {
    RULES.iter().find(|rule| rule.pod_network)
}

/// Returns the names of all addons that a row has.
pub fn addons() -> Vec<&'static str> {
    let mut names: Vec<_> = SERVICES.iter().filter_map(|s| s.addon).collect();
    names.sort_unstable();
    names.dedup();
    names
}
