//! Causes of dropped lines, and their meaning: one file for each [`Cause`], tried in the order of [`CAUSES`].
//!
//! A cause never sees a line, only the flows of one finding and the scene around them.

pub mod group;
pub mod restarts;
pub mod scanners;
pub mod scene;

mod cluster;
mod directions;
mod facts;
mod sweeps;
pub mod upgrades;

mod addon_port;
mod already_allowed;
mod ambiguous;
mod bogus_flags;
mod broadcast;
mod conntrack_loss;
mod documented_port;
mod fragment;
mod icmp;
mod late_reply;
mod local_only;
mod loopback;
mod multicast;
mod narrowed_port;
mod not_input;
mod other_protocol;
mod other_role;
mod outside_peer;
mod pod_network;
mod pod_only;
mod scan;
mod single_attempt;
mod stuck_reply;
mod syn_ack;
mod truncated;
mod unlisted_port;
mod upgrade_only;

use group::Group;
use scene::Scene;

/// Verdict of a finding, in the order of reports.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Verdict {
    /// A real miss: the chain lacks an ACCEPT.
    MissingRule,
    /// No rule is missing: the connection lost its conntrack entry.
    FalsePositive,
    /// The firewall did its job: the packets should stay dropped.
    LeaveDropped,
    /// The log alone cannot settle it.
    Review,
}

impl Verdict {
    pub const ALL: [Self; 4] = [
        Self::MissingRule,
        Self::FalsePositive,
        Self::LeaveDropped,
        Self::Review,
    ];

    /// Returns the verdict as reports write it.
    pub const fn code(self) -> &'static str {
        match self {
            Self::MissingRule => "missing-rule",
            Self::FalsePositive => "false-positive",
            Self::LeaveDropped => "leave-dropped",
            Self::Review => "review",
        }
    }
}

/// A reason why lines are in the log.
pub struct Cause {
    /// Kebab-case, stable, never reused.
    pub code: &'static str,
    pub verdict: Verdict,
    /// One line.
    pub summary: &'static str,
    /// Shortest reason, for a table.
    pub brief: &'static str,
    /// Meaning of the cause.
    pub what: &'static str,
    /// Criteria by which the cause is recognised.
    pub told: &'static str,
    /// Remedy for the reader of the report.
    pub todo: &'static str,
    /// Whether the cause explains the group; records its tests as evidence.
    check: fn(&Group<'_>, &Scene<'_>, &mut Evidence) -> bool,
    /// Logs that the cause matches, and one that it does not; the registry test runs them.
    pub examples: &'static [Example],
}

/// A log in short form, and whether the cause matches one of its findings.
pub struct Example {
    pub takes: bool,
    pub log: &'static str,
    /// Chain loaded on all nodes, where the example needs one.
    pub rules: Option<&'static str>,
}

/// Ordered list of causes: the first that matches wins, as in an iptables chain, and the last is the policy. Causes that
/// one packet settles come first, then replies, then requests from the surest reason to the least.
pub const CAUSES: &[&Cause] = &[
    &not_input::NOT_INPUT,
    &ALREADY_ALLOWED,
    &loopback::LOOPBACK,
    &truncated::TRUNCATED,
    &fragment::FRAGMENT,
    &bogus_flags::BOGUS_FLAGS,
    &broadcast::BROADCAST,
    &multicast::MULTICAST,
    &icmp::ICMP,
    &syn_ack::SYN_ACK,
    &stuck_reply::STUCK_REPLY,
    &conntrack_loss::CONNTRACK_LOSS,
    &late_reply::LATE_REPLY,
    &scan::SCAN,
    &narrowed_port::NARROWED_PORT,
    &documented_port::DOCUMENTED_PORT,
    &addon_port::ADDON_PORT,
    &other_protocol::OTHER_PROTOCOL,
    &pod_network::POD_NETWORK,
    &other_role::OTHER_ROLE,
    &local_only::LOCAL_ONLY,
    &pod_only::POD_ONLY,
    &upgrade_only::UPGRADE_ONLY,
    &outside_peer::OUTSIDE_PEER,
    &single_attempt::SINGLE_ATTEMPT,
    &unlisted_port::UNLISTED_PORT,
    &ambiguous::AMBIGUOUS,
];

/// Returns the cause that explains `group`.
pub fn diagnose(group: &Group<'_>, scene: &Scene<'_>) -> &'static Cause {
    let mut silent = Evidence::silent();
    CAUSES
        .iter()
        .find(|cause| (cause.check)(group, scene, &mut silent))
        .copied()
        .unwrap_or(&ambiguous::AMBIGUOUS)
}

/// Returns the tests of `cause` for `group`, each with its fact.
pub fn evidence(cause: &Cause, group: &Group<'_>, scene: &Scene<'_>) -> Vec<Test> {
    let mut told = Evidence::default();
    (cause.check)(group, scene, &mut told);
    told.tests.unwrap_or_default()
}

/// A cause that was tried.
pub struct Step {
    pub cause: &'static Cause,
    pub tests: Vec<Test>,
    /// Whether the cause matched; true only for the last step.
    pub decides: bool,
}

/// Returns the causes in their order up to the one that explains `group`, each with its tests.
pub fn walk(group: &Group<'_>, scene: &Scene<'_>) -> Vec<Step> {
    let mut steps = Vec::new();
    for cause in CAUSES {
        let mut told = Evidence::default();
        let decides = (cause.check)(group, scene, &mut told);
        steps.push(Step {
            cause,
            tests: told.tests.unwrap_or_default(),
            decides,
        });
        if decides {
            break;
        }
    }
    steps
}
/// Returns the cause that would explain `group` if the running chain were not known.
pub fn diagnose_log(group: &Group<'_>, scene: &Scene<'_>) -> &'static Cause {
    let mut silent = Evidence::silent();
    CAUSES
        .iter()
        .filter(|cause| cause.code != ALREADY_ALLOWED.code)
        .find(|cause| (cause.check)(group, scene, &mut silent))
        .copied()
        .unwrap_or(&ambiguous::AMBIGUOUS)
}

pub use already_allowed::{ALREADY_ALLOWED, in_force};
pub use syn_ack::is_established_suspect;

/// One test of a cause, and its result.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Test {
    /// Kebab-case.
    pub name: &'static str,
    pub met: bool,
    /// The fact, a clause.
    pub text: String,
}

/// Collector for the tests of a cause; empty while only the verdict is needed.
#[derive(Debug)]
pub struct Evidence {
    tests: Option<Vec<Test>>,
}

impl Default for Evidence {
    fn default() -> Self {
        Self {
            tests: Some(Vec::new()),
        }
    }
}

impl Evidence {
    const fn silent() -> Self {
        Self { tests: None }
    }

    /// Whether only the verdict is needed: tests that cannot change it are then skipped.
    const fn is_silent(&self) -> bool {
        self.tests.is_none()
    }

    /// Records a test, and returns whether it was met.
    fn test(&mut self, name: &'static str, met: bool, text: impl FnOnce() -> String) -> bool {
        if let Some(tests) = &mut self.tests {
            tests.push(Test {
                name,
                met,
                text: text(),
            });
        }
        met
    }
}
