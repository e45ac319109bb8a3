//! Reports: [`Report`], the result of a run, and the [`RENDERERS`] that write it.

mod audit;
pub mod config;
pub mod diff;
mod event;
pub mod explain;
mod html;
mod json;
mod json_audit;
mod json_cap;
mod json_config;
mod json_diff;
mod json_event;
mod json_explain;
mod json_packet;
mod json_rules;
pub mod json_schema;
mod json_simulate;
mod json_words;
mod json_write;
mod markdown;
pub mod metrics;
pub mod ports;
pub mod read;
mod renderer;
pub mod rules;
mod simulate;
mod table;
mod text;

use crate::catalog::Role;
use crate::chain::Counted;
use crate::finding::Finding;
use crate::input::source::LOCAL_JOURNAL;
use crate::net::IpNet;
use crate::rule::{AcceptRule, Rules, Split};
use crate::saturation::Stretch;
use crate::site::{Limit, Site, WindowOrigin};
use crate::time::Time;

pub use audit::Audited;
pub use event::{Event, EventKind};
pub use markdown::MAX_CHARACTERS;
pub use renderer::{Events, JSON, RENDERERS, Renderer, TEXT};
pub use simulate::{Simulated, With};
pub use text::{HELD, LiveText, line as finding_line, status};
pub(crate) use text::{as_filtered, few, few_filters, no_split, nothing_passes};

/// The account of every line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Tally {
    pub lines: u64,
    /// Drop lines that were judged.
    pub drops: u64,
    /// Drop lines that could not be read.
    pub unreadable: u64,
    /// Lines that look like drop lines and are not the kernel's.
    pub untrusted: u64,
    /// Drop lines before `--since` or after `--until`, which were not judged.
    pub outside: u64,
    /// Drop lines that were judged and whose findings the filters excluded.
    pub filtered: u64,
}

impl Tally {
    /// Lines that look like drop lines and were not judged.
    pub const fn refused(&self) -> u64 {
        self.unreadable + self.untrusted
    }

    /// Lines that are no drop lines.
    pub const fn other(&self) -> u64 {
        self.lines
            .saturating_sub(self.drops + self.unreadable + self.untrusted + self.outside)
    }
}

/// An input, and how much of it was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InputReport {
    /// Name as the user wrote it; `-` is stdin. Empty for the journals of this machine.
    pub name: String,
    /// The account of its lines; `filtered` is of all inputs together, and 0 here.
    pub tally: Tally,
    /// Reason why nothing of it was judged; `None` where something was, or there was nothing to judge.
    pub unjudged: Option<Unjudged>,
    /// Whether it was no log, but Kubernetes objects, which have no lines.
    pub has_objects: bool,
    /// Error, with the remedy.
    pub error: Option<String>,
}

impl InputReport {
    /// Returns the name for a reader.
    pub fn label(&self) -> &str {
        match self.name.as_str() {
            "" => LOCAL_JOURNAL,
            name => name,
        }
    }
}

/// Reason why nothing of an input was judged: an exit code of its own, which a report that is read again has too.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Unjudged {
    /// No line is of a known log format.
    UnknownFormat,
    /// There were drop lines, and none could be judged.
    NoDropLine,
}

impl Unjudged {
    pub const ALL: [Self; 2] = [Self::UnknownFormat, Self::NoDropLine];

    /// As reports write it.
    pub const fn code(self) -> &'static str {
        match self {
            Self::UnknownFormat => "unknown-format",
            Self::NoDropLine => "no-drop-line",
        }
    }
}

/// An upgrade window; an end that is open is `None`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WindowReport {
    pub from: Option<Time>,
    pub to: Option<Time>,
    pub origin: WindowOrigin,
}

/// Networks of the cluster as the run knew them, apart from what its log shows.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Networks {
    /// Of nodes, and the addresses of nodes.
    pub nodes: Vec<IpNet>,
    pub pods: Vec<IpNet>,
}

impl Networks {
    /// Returns those that are known of a site.
    pub fn of(site: &Site) -> Self {
        let addresses = site.known.addresses().keys();
        let mut nodes = site.node_nets();
        nodes.extend(addresses.map(|address| IpNet::from(*address)));
        Self::default().and(&Self {
            nodes,
            pods: site.pod_cidrs(),
        })
    }

    /// Returns these and others.
    pub fn and(&self, others: &Self) -> Self {
        let join = |one: &[IpNet], other: &[IpNet]| {
            let mut all = [one, other].concat();
            all.sort_unstable();
            all.dedup();
            all
        };
        Self {
            nodes: join(&self.nodes, &others.nodes),
            pods: join(&self.pods, &others.pods),
        }
    }
}

/// A node in the report.
#[derive(Debug, Clone)]
pub struct NodeReport {
    pub node: String,
    pub role: Role,
    /// Whether the role was given or found in an input; otherwise it is assumed.
    pub role_known: bool,
    pub addresses: Vec<std::net::IpAddr>,
    pub logged: u64,
    /// Times at which the limit of the LOG rule hid lines; `None` where the log does not show it.
    pub saturated: Option<Vec<Stretch>>,
    /// Saturated stretches of IPv4 and of IPv6; empty where the log does not show them.
    pub saturated_by_family: [Vec<Stretch>; 2],
    /// Times at which it started, as many as are kept.
    pub boots: Vec<Time>,
    /// Drops that were not logged, where the chain's counters are known.
    pub unlogged: Option<Counted>,
}

/// A caution that the reader needs to interpret the rest.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Warning {
    /// Kebab-case.
    pub code: &'static str,
    pub node: Option<String>,
    pub text: String,
}

impl Warning {
    /// Creates a warning of this code.
    pub const fn new(code: &'static str, node: Option<String>, text: String) -> Self {
        Self { code, node, text }
    }
}

/// The whole report.
#[derive(Clone)]
pub struct Report {
    /// Times of the first and the last line.
    pub span: Option<(Time, Time)>,
    /// Current time of the log where it goes on.
    pub now: Option<Time>,
    pub tally: Tally,
    pub nodes: Vec<NodeReport>,
    pub findings: Vec<Finding>,
    pub rules: Rules,
    pub warnings: Vec<Warning>,
    /// The LOG rules to split, of the nodes where their limit hid lines.
    pub splits: Vec<Split>,
    /// Upgrade windows, by their start.
    pub windows: Vec<WindowReport>,
    pub networks: Networks,
    /// Limit of the LOG rule that the report assumes.
    pub limit: Limit,
    pub inputs: Vec<InputReport>,
    /// The options of this run that change its answer, each with its value, quoted for a shell.
    pub options: Vec<String>,
    /// The filters that may hide findings, as options: of this run, and of reports that were read.
    pub filters: Vec<String>,
}

impl Report {
    /// Returns the current time of a live log, and of a saved one the time of its last line.
    pub fn end(&self) -> Option<Time> {
        let (_, last) = self.span?;
        Some(self.now.map_or(last, |now| now.max(last)))
    }

    /// Whether filters may hide findings: then the absence of one proves nothing.
    pub const fn is_filtered(&self) -> bool {
        !self.filters.is_empty()
    }

    /// Returns the rules that would accept `finding`.
    pub fn rules_of(&self, finding: &Finding) -> impl Iterator<Item = &AcceptRule> {
        finding.rules.iter().filter_map(|id| self.rules.get(id))
    }
}

/// Style of a text report.
#[derive(Debug, Clone, Copy)]
pub struct Style {
    /// Columns of the terminal.
    pub width: usize,
    pub color: bool,
    /// Whether the terminal shows more than ASCII.
    pub unicode: bool,
    /// Whether the tests of each finding are wanted.
    pub evidence: bool,
}

impl Style {
    /// Plain text that no terminal wraps.
    pub const PLAIN: Self = Self::plain(usize::MAX);

    /// Returns plain text of `width` columns: ASCII, no colours, no tests.
    pub const fn plain(width: usize) -> Self {
        Self {
            width,
            color: false,
            unicode: false,
            evidence: false,
        }
    }
}
