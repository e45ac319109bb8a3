//! Audit of a chain or a CloudInit before it costs a connection: texts in, [`AuditFinding`]s out.
//!
//! Follows the documented rules of a role (catalog), Harvester's CloudInit CRD (harvester/node-manager:
//! pkg/admitter and pkg/mutator), and the behaviour of iptables.

mod ask;
mod attach;
mod cluster;
mod commands;
mod open;
mod order;
mod ports;
mod reachable;
mod resource;
mod scene;
mod strangers;

use crate::catalog::Role;
use crate::error::printable;
use crate::net::IpNet;
use crate::site::Site;

pub use scene::{NodeLabels, Scene, Subject};

/// Severity of a finding.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// Connections will be lost, or the chain does not filter.
    Error,
    /// The rules work, but not as the documentation intends.
    Warning,
    /// No action is needed.
    Note,
}

impl Severity {
    pub const ALL: [Self; 3] = [Self::Error, Self::Warning, Self::Note];
}

/// One fault, and its remedy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditFinding {
    /// Code of the check.
    pub code: &'static str,
    pub severity: Severity,
    pub file: String,
    /// Line number, from 1; 0 for a finding about the file as a whole.
    pub line: usize,
    pub text: String,
    pub mend: String,
    /// Commands and rules of `mend`, one each.
    pub commands: Vec<String>,
}

/// Options of the user besides the role.
#[derive(Debug, Clone)]
pub struct Options {
    /// Addons with whether they are in use; for all others it is not known.
    pub addons: Vec<(String, bool)>,
    /// The networks of the pods.
    pub pod_cidrs: Vec<IpNet>,
    /// The VLAN of the management network: the address is on `mgmt-br.<vid>` then.
    pub management_vlan: Option<u16>,
    /// Further interfaces that must be filtered.
    pub interfaces: Vec<String>,
    /// Log prefix of the user's LOG rules, besides the documented one.
    pub prefix: Option<String>,
}

/// The pod network of Harvester, and nothing else known.
impl Default for Options {
    fn default() -> Self {
        Self {
            addons: Vec::new(),
            pod_cidrs: Site::default().pod_cidrs(),
            management_vlan: None,
            interfaces: Vec::new(),
            prefix: None,
        }
    }
}

/// One match of a check: its position and its texts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hit {
    file: String,
    line: usize,
    text: String,
    mend: String,
    commands: Vec<String>,
    /// Outcome of the unknown conditions for which the hit holds; `None` where it does not depend on them.
    way: Option<Way>,
}

/// Outcome of unknown conditions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    Holds,
    Fails,
    /// Some conditions hold, and others do not.
    Mixed,
}

impl Hit {
    /// Creates a hit about a file as a whole, independent of its chains.
    fn of_file(file: &str, line: usize, text: impl Into<String>, mend: impl Into<String>) -> Self {
        Self {
            file: file.to_owned(),
            line,
            text: text.into(),
            mend: mend.into(),
            commands: Vec::new(),
            way: None,
        }
    }

    /// Adds the commands or rules that `mend` refers to.
    fn by(mut self, commands: impl IntoIterator<Item = String>) -> Self {
        self.commands.extend(commands);
        self
    }
}

/// One check.
pub struct Check {
    /// Kebab-case, stable.
    pub code: &'static str,
    pub severity: Severity,
    pub title: &'static str,
    /// Reason why the fault matters, in sentences.
    pub explain: &'static str,
    /// Runs the check on a scene.
    pub check: fn(&Scene<'_>) -> Vec<Hit>,
}

/// All checks, in order: faults that keep a file from being read, then the file, its commands, the chain, its ports, the
/// cluster.
pub const CHECKS: &[&Check] = &[
    &resource::UNREADABLE,
    &resource::CONTENTS_UNREADABLE,
    &resource::CONTENTS_MISSING,
    &resource::WRONG_API_VERSION,
    &resource::DOUBLED_KEY,
    &resource::FILENAME_REFUSED,
    &resource::SELECTOR_MISSING,
    &resource::SELECTOR_NOT_STRING,
    &resource::SELECTOR_MATCHES_ALL,
    &resource::SELECTOR_SEVERAL_ROLES,
    &commands::UNQUOTED_COLON,
    &commands::UNQUOTED_HASH,
    &commands::COMMAND_REFUSED,
    &commands::NOT_UNDERSTOOD,
    &commands::OTHER_RULES,
    &commands::CONDITION_UNKNOWN,
    &commands::FOREIGN_CHAIN,
    &commands::WRONG_STAGE,
    &commands::CLEANUP_MISSING,
    &attach::NO_CHAIN,
    &attach::NOT_ATTACHED,
    &attach::INPUT_NOT_SHOWN,
    &attach::ATTACHED_EVERYWHERE,
    &attach::ATTACHED_WRONG_INTERFACE,
    &attach::INTERFACE_NOT_COVERED,
    &attach::ATTACHED_BEFORE_OTHERS,
    &attach::ATTACHED_TWICE,
    &order::NO_ESTABLISHED,
    &order::ESTABLISHED_NOT_FIRST,
    &order::NO_RELATED,
    &order::NO_LOG,
    &order::LOG_AFTER_DROP,
    &order::LOG_UNLIMITED,
    &order::LOG_PREFIX_UNKNOWN,
    &order::LOG_PREFIX_TOO_LONG,
    &open::NO_DROP,
    &order::ACCEPT_AFTER_LOG,
    &order::ACCEPT_AFTER_DROP,
    &order::DUPLICATE_RULE,
    &ports::ACCEPTS_EVERYTHING,
    &ports::CNI_ACCEPTS,
    &ports::ACCEPT_LIMITED,
    &ports::MISSING_PORT,
    &ports::NODE_PORT_NARROWED,
    &ports::ADDON_PORT_MISSING,
    &ports::NO_POD_NETWORK,
    &ports::OTHER_ROLE_PORT,
    &ports::EXTRA_PORT,
    &ports::KNOWN_GAP,
    &cluster::FILENAME_TAKEN,
    &cluster::SELECTORS_OVERLAP,
    &cluster::ROLE_NOT_SELECTED,
    &cluster::NODE_WITHOUT_RULES,
    &ports::NOT_ASKED,
];

/// The code of the check for files that cannot be read.
pub const UNREADABLE: &str = resource::UNREADABLE.code;

/// Returns the check of that code.
pub fn find(code: &str) -> Option<&'static Check> {
    CHECKS.iter().copied().find(|check| check.code == code)
}

/// Audits the texts, each with its name, against the needs of a node of `role`. A CloudInit whose selector selects
/// another
/// role is audited against that one. `Node` objects among the texts are the nodes that the selectors must select.
pub fn audit(role: Role, files: &[(&str, &str)], options: &Options) -> Vec<AuditFinding> {
    let scene = Scene::new(role, files, options);
    let mut out: Vec<AuditFinding> = Vec::new();
    for check in CHECKS {
        let hits = (check.check)(&scene);
        for (at, hit) in hits.iter().enumerate() {
            let same = |other: &&Hit| {
                (&other.file, other.line, &other.text) == (&hit.file, hit.line, &hit.text)
            };
            // A hit both where the conditions hold and where they do not is independent of them, and is reported once.
            let is_so = |way: Way| hits.iter().filter(same).any(|other| other.way == Some(way));
            let both = hit.way.is_some() && is_so(Way::Holds) && is_so(Way::Fails);
            let is_said = match hit.way {
                None | Some(Way::Fails) => false,
                Some(Way::Holds) => both,
                Some(Way::Mixed) => {
                    is_so(Way::Holds) || is_so(Way::Fails) || hits[..at].iter().any(|h| same(&h))
                }
            };
            if is_said {
                continue;
            }
            let (severity, text) = match hit.way.filter(|_| !both) {
                None => (check.severity, hit.text.clone()),
                // The condition may turn out so that the hit does not hold.
                Some(way) => (
                    check.severity.max(Severity::Warning),
                    format!(
                        "{} (where {})",
                        hit.text,
                        match way {
                            Way::Holds => "the condition holds",
                            Way::Fails => "the condition does not hold",
                            Way::Mixed => "one condition holds and another does not",
                        }
                    ),
                ),
            };
            out.push(AuditFinding {
                code: check.code,
                severity,
                file: hit.file.clone(),
                line: hit.line,
                // Both quote the file, whose text is untrusted.
                text: printable(&text),
                mend: printable(&hit.mend),
                commands: hit
                    .commands
                    .iter()
                    .map(|command| printable(command))
                    .collect(),
            });
        }
    }
    let place = |name: &str| files.iter().position(|(known, _)| *known == name);
    out.sort_by(|a, b| {
        (place(&a.file), a.line, a.severity).cmp(&(place(&b.file), b.line, b.severity))
    });
    out
}
