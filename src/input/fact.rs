//! What an input tells of the cluster besides its logs; a support bundle does.

use std::fmt;
use std::net::IpAddr;

use crate::catalog::Role;
use crate::error::{printable, printable_name};
use crate::net::IpNet;
use crate::time::Time;

/// Something that was learned before the logs are read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fact {
    /// The role of a node, and which label says so.
    Role {
        node: String,
        role: Role,
        why: String,
    },
    Address {
        node: String,
        address: IpAddr,
    },
    PodCidr(IpNet),
    /// The text of a file with firewall rules that the node applies when it boots.
    Rules {
        node: String,
        name: String,
        text: String,
    },
    /// An upgrade of the cluster; one that has not ended has no end.
    Upgrade {
        from: Time,
        to: Option<Time>,
    },
    /// When the input was collected: its logs are not younger.
    Collected(Time),
    /// Something that is missing, odd, or in conflict with the rest.
    Remark(String),
}

/// One line, fit for a terminal.
impl fmt::Display for Fact {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Role { node, role, why } => {
                write!(
                    f,
                    "node {}: {role} ({})",
                    printable_name(node),
                    printable(why)
                )
            }
            Self::Address { node, address } => {
                write!(f, "node {}: {address}", printable_name(node))
            }
            Self::PodCidr(net) => write!(f, "pod network: {net}"),
            Self::Rules { node, name, text } => write!(
                f,
                "node {}: firewall rules in {} ({} lines)",
                printable_name(node),
                printable(name),
                text.lines().count()
            ),
            Self::Upgrade { from, to: Some(to) } => write!(f, "upgrade from {from} to {to}"),
            Self::Upgrade { from, to: None } => {
                write!(
                    f,
                    "upgrade from {from}, not completed when this was collected"
                )
            }
            Self::Collected(at) => write!(f, "collected {at}"),
            Self::Remark(text) => f.write_str(&printable(text)),
        }
    }
}
