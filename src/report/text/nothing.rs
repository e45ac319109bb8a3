//! Drops that need no action: false positives as a matrix of node by port, and correct drops.

use std::collections::{BTreeMap, BTreeSet};
use std::io;

use super::evidence::evidence;
use super::label::Sections;
use super::page::{Page, color, glued};
use super::review::{alike, ports_glued, rows};
use super::words::{drops, many, peers, reason, what};
use crate::cause::Verdict;
use crate::error::printable_name;
use crate::finding::Finding;
use crate::node_names::natural;
use crate::packet::{proto, proto_name};
use crate::report::table::{Column, fitted};
use crate::time::Time;

/// Upper bound on the nodes with a row of their own; the others are summed up in one.
const MAX_NODES: usize = 20;

/// Writes the drops that need no action.
pub(super) fn nothing(page: &mut Page<'_>, sections: &Sections<'_>) -> io::Result<()> {
    let (noise, leave) = (&sections.noise, &sections.leave);
    if noise.is_empty() && leave.is_empty() {
        return Ok(());
    }
    let title = format!("NOTHING TO DO ({})", sections.nothing());
    page.heading(color(Verdict::FalsePositive), &title, "")?;
    if !noise.is_empty() {
        page.paragraph("  ", "    ", &replies(noise))?;
        if let Some(why) = why_nothing(noise) {
            page.paragraph("  ", "    ", why)?;
        }
        matrix(page, noise)?;
    }
    if let [only] = leave[..] {
        let role = match only.cause.code {
            "other-role" => format!(" (a {})", only.role),
            _ => String::new(),
        };
        let text = format!(
            "{} rightly dropped: {} on {}{role} from {}: {}",
            only.logged,
            ports_glued(only),
            printable_name(&only.node),
            peers(only),
            reason(only),
        );
        page.paragraph("  ", "    ", &text)?;
    } else if !leave.is_empty() {
        page.line(&format!("  {} rightly dropped", drops(leave)))?;
        rows(page, &alike(leave), 4)?;
    }
    evidence(page, noise)?;
    evidence(page, leave)
}

/// Says how many false positives there are, and of which kind.
pub(in crate::report) fn replies(noise: &[&Finding]) -> String {
    let number = many(drops(noise), "false positive");
    let absent = noise.iter().any(|finding| finding.absent_rule.is_some());
    let late = noise
        .iter()
        .all(|finding| finding.cause.code == "late-reply");
    let what = match (absent, late) {
        (true, _) => "return traffic; a documented rule would have let some of it in, see CAUTION",
        (_, true) => "UDP answers that came too late",
        _ if drops(noise) == 1 => "a reply of a connection that lost its conntrack state",
        _ => "replies of connections that lost their conntrack state",
    };
    format!("{number}: {what}")
}

/// Says why nothing is to be done about false positives; `None` where a rule is missing beside them, or no time shows that
/// they have an end.
pub(in crate::report) fn why_nothing(noise: &[&Finding]) -> Option<&'static str> {
    let is_rule = |finding: &&Finding| finding.absent_rule.is_some() || finding.established_suspect;
    let is_timeless = |finding: &&Finding| finding.logged > 1 && !finding.last.is_known();
    let is_late = |finding: &&Finding| finding.cause.code == "late-reply";
    if noise
        .iter()
        .any(|finding| is_rule(finding) || is_timeless(finding))
    {
        None
    } else if noise.iter().all(is_late) {
        Some(
            "For false positives no rule is missing: this node had asked, and no longer waited when the answer came.",
        )
    } else {
        Some(
            "For false positives no rule is missing: this node had these connections, and its kernel no longer knew them, as after a restart. \
             Each heals when this node next sends on it, or when it is opened anew.",
        )
    }
}

/// Protocol and port whose replies were dropped, with their label; TCP ports without the protocol.
type Port = (Option<u8>, Option<u16>, String);

fn port(finding: &Finding) -> Port {
    let text = match (finding.key.proto, finding.port) {
        (Some(proto::TCP), Some(port)) => port.to_string(),
        (Some(number), Some(port)) => format!("{}/{port}", proto_name(number)),
        _ => glued(&what(finding)),
    };
    (finding.key.proto, finding.port, text)
}

/// A row: drops by port, and the time of the last one.
#[derive(Default)]
struct Row {
    drops: BTreeMap<Port, u64>,
    last: Option<Time>,
}

impl Row {
    fn add(&mut self, finding: &Finding) {
        *self.drops.entry(port(finding)).or_default() += finding.logged;
        self.last = self.last.max(Some(finding.last));
    }
}

/// Writes how many drops each node had of each port; the ports with the fewest share a column where the page is narrow.
fn matrix(page: &mut Page<'_>, found: &[&Finding]) -> io::Result<()> {
    let mut by_node: BTreeMap<&str, Vec<&Finding>> = BTreeMap::new();
    let mut ports: BTreeMap<Port, u64> = BTreeMap::new();
    for finding in found {
        by_node.entry(&finding.node).or_default().push(finding);
        *ports.entry(port(finding)).or_default() += finding.logged;
    }
    let mut nodes: Vec<(&str, Vec<&Finding>)> = by_node.into_iter().collect();
    nodes.sort_by_key(|(_, own)| std::cmp::Reverse(drops(own)));
    let rest = nodes.split_off(nodes.len().min(MAX_NODES));
    nodes.sort_by(|(a, _), (b, _)| natural(a, b));
    let mut lines: Vec<(String, Row)> = Vec::new();
    let names = nodes.iter().map(|(node, _)| printable_name(node));
    let others = format!("{} more", rest.len());
    let others =
        (!rest.is_empty()).then_some((others, rest.into_iter().flat_map(|(_, own)| own).collect()));
    let named: Vec<(String, Vec<&Finding>)> = names
        .zip(nodes.iter().map(|(_, own)| own.clone()))
        .collect();
    for (name, own) in named.into_iter().chain(others) {
        let mut row = Row::default();
        own.iter().for_each(|finding| row.add(finding));
        lines.push((name, row));
    }
    // The busiest ports first, each in as many columns as fit.
    let mut order: Vec<(Port, u64)> = ports.into_iter().collect();
    order.sort_by_key(|(_, drops)| std::cmp::Reverse(*drops));
    let order: Vec<Port> = order.into_iter().map(|(port, _)| port).collect();
    // A column is a digit and a space at least, so that more are not worth a try.
    let most = order.len().min(page.style.width / 2);
    for shown in (0..=most).rev() {
        let (own, others) = order.split_at(shown);
        let others: BTreeSet<&Port> = others.iter().collect();
        let mut columns = vec![("", Column::Whole)];
        columns.extend(
            own.iter()
                .map(|(_, _, text)| (text.as_str(), Column::Number)),
        );
        if !others.is_empty() {
            columns.push(("others", Column::Number));
        }
        columns.push(("last seen", Column::Whole));
        let cell = |drops: u64| match drops {
            0 => "-".to_owned(),
            n => n.to_string(),
        };
        let rows = lines.iter().map(|(name, row)| {
            let mut cells = vec![name.clone()];
            cells.extend(
                own.iter()
                    .map(|port| cell(row.drops.get(port).copied().unwrap_or(0))),
            );
            if !others.is_empty() {
                let sum = row.drops.iter().filter(|(port, _)| others.contains(port));
                cells.push(cell(sum.map(|(_, drops)| drops).sum()));
            }
            let last = row.last.map_or_else(String::new, |last| page.moment(last));
            cells.push(glued(&last));
            cells
        });
        let rows: Vec<Vec<String>> = rows.collect();
        if shown == 0 || fitted(&columns, &rows, page.style.width, 4).is_some() {
            return page.table(&columns, &rows, 4);
        }
    }
    Ok(())
}
