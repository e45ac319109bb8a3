//! Events of an input: drop lines, and further events of its logs.

use std::fmt;
use std::net::IpAddr;

use crate::catalog::Role;
use crate::error::{printable, printable_name};
use crate::net::IpNet;
use crate::packet::{PacketSummary, Unparsed};
use crate::provenance::Provenance;
use crate::time::Time;

/// A drop line, read by the fast or the slow path.
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
    /// Number of lines for which it stands (`message repeated N times`): 1 for most.
    pub repeats: u32,
}

/// Consecutive drop lines of a log; the size of a batch makes no difference.
pub type DropBatch<'a> = &'a [DropLine<'a>];

/// An event of a log.
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
        /// Whether the record around it was parsed: it is then untrusted, otherwise unreadable.
        is_read: bool,
    },
    /// The text of a drop line in a further line of a drop line's message: it is no record of its own, and counts as none.
    Behind {
        record: &'a [u8],
    },
    /// A line of another LOG rule, by its prefix.
    OtherPrefix {
        prefix: &'a [u8],
    },
    /// A line that reports lost evidence, or a new start of the log.
    Notice {
        kind: NoticeKind,
        time: Time,
        host: Option<&'a str>,
        count: u64,
    },
    /// The log of a host had a line of any kind at this time. Without a host it counts for the whole log.
    Alive {
        time: Time,
        /// Microseconds since boot, where the form has them beside a date.
        monotonic: Option<i64>,
        host: Option<&'a str>,
    },
    /// A fact about the cluster, which precedes the events of the logs.
    Learned {
        fact: ClusterFact,
        by: Provenance,
    },
    /// A JSON document of this program's own, a report or an event, in the input of this name.
    Own {
        input: &'a str,
        document: &'a str,
    },
    /// End of the documents of this program in an input that has any.
    EndOfOwn,
    /// A log of an input ended; all of its times are wrong by `correction` years.
    EndOfLog {
        correction: i32,
    },
}

/// Receiver of events.
pub type Sink<'s> = dyn FnMut(LogEvent<'_>) + 's;

/// Kind of a notice.
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
    /// The machine booted; the count is 0 where an earlier line has reported it already.
    Boot,
    /// Stamps of days that their year does not have, such as 29 February; the count is their number.
    NoSuchDay,
    /// Drop lines of JSON or of a table without a time that is understood; the count is their number.
    UnreadTime,
    /// Stamps with the name of a zone that is not UTC; the count is their number.
    ZoneName,
    /// NULs stand in the text, as a crash leaves them: what stood there is lost.
    Nuls,
    /// The clock was set back, or the log's parts are out of order; the count is the number of seconds.
    TimeBack,
    /// A journal ended before `--since`, by its header, and was not read; the count is the number of its entries.
    EndedBefore,
}

/// A fact that is known before the logs are read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ClusterFact {
    /// Role of a node, with the label that gives it.
    Role {
        node: String,
        role: Role,
        why: String,
    },
    Address {
        node: String,
        address: IpAddr,
    },
    /// Another name of a node in logs.
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
    /// Time at which the input was collected: its logs are not younger.
    Collected(Time),
    /// A node of which a bundle has no kernel log, and what is said of it.
    NoLog {
        node: String,
        text: String,
    },
    /// A part that is missing, odd, or in conflict with the rest.
    Remark(String),
}

/// Nodes that one fact names one by one.
const MAX_NAMES: usize = 5;

/// Returns the first names, and how many more there are.
pub(super) fn few(names: &[String]) -> String {
    let names: Vec<String> = names.iter().map(|name| printable_name(name)).collect();
    listed(&names)
}

/// Returns the first texts of a list, and how many more there are.
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
            Self::NoLog { text, .. } | Self::Remark(text) => f.write_str(&printable(text)),
        }
    }
}
