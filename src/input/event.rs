//! What comes out of an input: drop lines, and what else its logs say.

use std::fmt;
use std::net::IpAddr;

use crate::catalog::Role;
use crate::error::{printable, printable_name};
use crate::net::IpNet;
use crate::packet::{PacketSummary, Unparsed};
use crate::provenance::Provenance;
use crate::time::Time;

/// One drop line, whichever way it was read.
#[derive(Debug, Clone, Copy)]
pub struct DropLine<'a> {
    pub time: Time,
    /// Whether the log's times resolve fractions of a second.
    pub fine: bool,
    /// Microseconds since boot, where the form has them beside a date.
    pub monotonic: Option<i64>,
    /// The log's hostname, where the form has one.
    pub host: Option<&'a str>,
    /// The kernel message, from the LOG prefix on, without a line end.
    pub message: &'a [u8],
    /// The packet, or why it cannot be judged.
    pub packet: Result<PacketSummary<'a>, Unparsed>,
    /// How many lines it stands for (`message repeated N times`): 1 for most.
    pub repeats: u32,
}

/// Drop lines that follow each other in a log; how many come together makes no difference.
pub type DropBatch<'a> = &'a [DropLine<'a>];

/// What a reader says of a log.
#[derive(Debug)]
pub enum LogEvent<'a> {
    Drops(DropBatch<'a>),
    /// The text of a drop line that the kernel did not write.
    Untrusted {
        record: &'a [u8],
        why: &'static str,
    },
    /// A drop line that cannot be read.
    Unreadable {
        record: &'a [u8],
        why: &'static str,
    },
    /// The text of a drop line where no kernel message begins.
    Elsewhere {
        record: &'a [u8],
        why: &'static str,
        /// Whether the record around it was read: then it is untrusted, else unreadable.
        is_read: bool,
    },
    /// A line of another LOG rule, by its prefix.
    OtherPrefix {
        prefix: &'a [u8],
    },
    /// A line that shows how far the log can be believed.
    Notice {
        kind: NoticeKind,
        time: Time,
        host: Option<&'a str>,
        count: u64,
    },
    /// The log of a host had a line, of whatever kind, at this time. Without a host it is the whole log's.
    Alive {
        time: Time,
        /// Microseconds since boot, where the form has them beside a date.
        monotonic: Option<i64>,
        host: Option<&'a str>,
    },
    /// Something tells a fact of the cluster, which comes before the logs.
    Learned {
        fact: ClusterFact,
        by: Provenance,
    },
    /// A log of an input came to its end; all of its times are off by `correction` years.
    EndOfLog {
        correction: i32,
    },
}

/// Where events go.
pub type Sink<'s> = dyn FnMut(LogEvent<'_>) + 's;

/// What a notice says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum NoticeKind {
    /// The journal lost kernel messages: the ring buffer was overwritten before they were read.
    Missed,
    /// The kernel's own rate limit kept messages back.
    Suppressed,
    /// The journal's rate limit kept messages back.
    JournalSuppressed,
    /// Packets were dropped for want of conntrack entries.
    ConntrackFull,
    /// The machine started; the count is 0 where a line before has told so already.
    Boot,
    /// Stamps name a day that their year does not have, as 29 February: so many.
    NoSuchDay,
    /// The clock was set back, or the log's parts are out of order: the count is by how many seconds.
    TimeBack,
}

/// Something that was learned before the logs are read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ClusterFact {
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
    /// Another name by which logs may call a node.
    Name {
        node: String,
        other: String,
    },
    PodCidr(IpNet),
    /// Whether an addon is in use.
    Addon {
        name: String,
        is_used: bool,
    },
    /// The text of a file with firewall rules that nodes apply when they boot.
    Rules {
        nodes: Vec<String>,
        name: String,
        text: String,
        /// Whether it was read from the node's disk; else an object says that it is to be there.
        is_on_disk: bool,
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

/// Nodes that one fact names one by one.
const MAX_NAMES: usize = 5;

/// The first names, and how many more there are.
pub(super) fn few(names: &[String]) -> String {
    let names: Vec<String> = names.iter().map(|name| printable_name(name)).collect();
    listed(&names)
}

/// The first texts of a list, and how many more there are.
pub(super) fn listed(texts: &[String]) -> String {
    let shown = texts[..texts.len().min(MAX_NAMES)].join(", ");
    match texts.len().saturating_sub(MAX_NAMES) {
        0 => shown,
        more => format!("{shown} and {more} more"),
    }
}

/// One line, fit for a terminal.
impl fmt::Display for ClusterFact {
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
            Self::Name { node, other } => write!(
                f,
                "node {}: its logs may call it {}",
                printable_name(node),
                printable_name(other)
            ),
            Self::PodCidr(net) => write!(f, "pod network: {net}"),
            Self::Addon { name, is_used } => {
                let used = if *is_used { "enabled" } else { "not enabled" };
                write!(f, "addon {}: {used}", printable_name(name))
            }
            Self::Rules {
                nodes, name, text, ..
            } => {
                let kind = if nodes.len() == 1 { "node" } else { "nodes" };
                write!(
                    f,
                    "{kind} {}: firewall rules in {} ({} lines)",
                    few(nodes),
                    printable(name),
                    text.lines().count()
                )
            }
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
