//! Notes on acceptances that have expired, match nothing, or match a finding only in part.

use std::collections::BTreeSet;

use super::acceptance::{Acceptance, Bar, PARTIAL};
use crate::date::Date;
use crate::error::{printable, printable_name};
use crate::finding::Finding;
use crate::nearest::hint;
use crate::net::IpNet;
use crate::packet::proto_name;

/// The most peers that a text names.
const MAX_PEERS: usize = 4;
/// The most nodes that a text names.
const MAX_NAMES: usize = 8;

/// The code of a note on an acceptance that covers nothing.
pub const UNUSED: &str = "acceptance-unused";

/// A note on acceptances.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Note {
    /// The code of a warning.
    pub code: &'static str,
    pub node: Option<String>,
    pub text: String,
}

/// Returns the notes on each of `all`, as far as there are any.
pub(super) fn notes(all: &[Acceptance], findings: &[Finding], today: Date) -> Vec<Note> {
    let mut notes = Vec::new();
    for one in all {
        let named: Vec<&Finding> = findings
            .iter()
            .filter(|finding| one.names(finding))
            .collect();
        let barred = |finding: &&&Finding| one.bar(finding);
        let covered: Vec<&Finding> = (named.iter().copied())
            .filter(|f| one.bar(f).is_none())
            .collect();
        if one.holds(today) {
            let partial = named
                .iter()
                .filter(|f| barred(f) == Some(Bar::Peers { all: false }));
            let counts = partial.filter(|finding| finding.accepted.is_none());
            let is_partial = named
                .iter()
                .any(|f| one.bar(f) == Some(Bar::Peers { all: false }));
            for finding in counts {
                notes.push(Note {
                    code: PARTIAL,
                    node: Some(finding.node.clone()),
                    text: format!(
                        "{} on {} counts: {}",
                        what(finding),
                        printable_name(&finding.node),
                        partial_text(one, finding)
                    ),
                });
            }
            if covered.is_empty() && !is_partial && !findings.is_empty() {
                notes.push(Note {
                    code: UNUSED,
                    node: one.node.clone(),
                    text: unused(one, &named, findings),
                });
            }
            continue;
        }
        let node = covered.first().map(|finding| finding.node.clone());
        let (code, text) = match covered.iter().find(|finding| finding.accepted.is_none()) {
            Some(finding) => (
                "acceptance-expired",
                format!(
                    "the acceptance at {} ended with {} (UTC): {} on {} counts again. Settle it, or accept it anew with \
                     `dropsift accept`",
                    printable(&one.origin),
                    one.until,
                    what(finding),
                    printable_name(&finding.node),
                ),
            ),
            None if !covered.is_empty() => (
                "acceptance-expired",
                format!(
                    "the acceptance at {} ended with {} (UTC), and another one covers what it covered: take it out",
                    printable(&one.origin),
                    one.until
                ),
            ),
            None if findings.is_empty() => continue,
            None => (
                UNUSED,
                format!(
                    "the acceptance at {} ended with {} (UTC), and no finding is of it: take it out",
                    printable(&one.origin),
                    one.until
                ),
            ),
        };
        notes.push(Note { code, node, text });
    }
    notes
}

/// Describes why an acceptance covers nothing.
fn unused(one: &Acceptance, named: &[&Finding], findings: &[Finding]) -> String {
    let at = printable(&one.origin);
    let whose =
        |finding: &Finding| format!("{} on {}", what(finding), printable_name(&finding.node));
    let nearest = (named.iter().copied())
        .filter_map(|finding| Some((finding, one.bar(finding)?)))
        .max_by_key(|(_, bar)| match bar {
            Bar::Verdict => 0,
            Bar::Cause => 1,
            Bar::Peers { .. } => 2,
        });
    match nearest {
        Some((finding, Bar::Verdict)) => format!(
            "the acceptance at {at} is of {} and covers nothing: {} is {} ({}), which it does not cover. If that is to stay as it \
             is, accept it as such",
            one.verdict.code(),
            whose(finding),
            finding.verdict().code(),
            finding.cause.code,
        ),
        Some((finding, Bar::Cause)) => format!(
            "the acceptance at {at} is of the cause {} and covers nothing: that of {} is {}. Look at it anew",
            one.cause.map_or("", |cause| cause.code),
            whose(finding),
            finding.cause.code,
        ),
        Some((finding, Bar::Peers { .. })) => format!(
            "the acceptance at {at} covers nothing: {} came from {}, outside its `peer`",
            whose(finding),
            few(&one.outside(finding)),
        ),
        None => {
            let names: BTreeSet<&str> = findings.iter().map(|f| f.node.as_str()).collect();
            let absent = (one.node.as_deref()).filter(|node| !names.contains(node));
            let why = match absent {
                Some(node) => {
                    let known = names
                        .iter()
                        .take(MAX_NAMES)
                        .map(|name| printable_name(name));
                    format!(
                        "is of {}, of which the log has no drop line;{} its nodes are {}. Correct the name, or leave it \
                         for that node's log",
                        printable_name(node),
                        hint(node, names.iter().copied()),
                        known.collect::<Vec<_>>().join(", "),
                    )
                }
                None => "meets no finding: take it out once it is not needed any more".to_owned(),
            };
            format!("the acceptance at {at} ({}) {why}", subject(one))
        }
    }
}

/// Lists the peers that the acceptance leaves out of a finding which it covers in part.
pub(super) fn partial(one: &Acceptance, finding: &Finding) -> String {
    partial_text(one, finding)
}

fn partial_text(one: &Acceptance, finding: &Finding) -> String {
    format!(
        "the acceptance at {} leaves out {}; all peers must lie in its `peer`, which may be a list",
        printable(&one.origin),
        few(&one.outside(finding))
    )
}

/// Returns the subject of an acceptance in one word.
fn subject(one: &Acceptance) -> String {
    match (&one.id, one.proto, one.port) {
        (Some(id), ..) => format!("id {}", printable(id)),
        (None, Some(proto), Some(port)) => format!("{}/{port}", proto_name(proto)),
        (None, Some(proto), None) => proto_name(proto).into_owned(),
        (None, None, _) => one.verdict.code().to_owned(),
    }
}

fn what(finding: &Finding) -> String {
    let proto = finding
        .key
        .proto
        .map_or_else(|| "no protocol".into(), proto_name);
    match finding.port {
        Some(port) => format!("{proto}/{port}"),
        None => proto.into_owned(),
    }
}

/// Returns the first networks; of one address without its length.
fn few(nets: &[IpNet]) -> String {
    let name = |net: &IpNet| {
        if net.prefix_len() == net.max_prefix_len() {
            net.addr().to_string()
        } else {
            net.to_string()
        }
    };
    let mut shown: Vec<String> = nets.iter().take(MAX_PEERS).map(name).collect();
    if nets.len() > MAX_PEERS {
        shown.push(format!("{} more", nets.len() - MAX_PEERS));
    }
    shown.join(", ")
}
