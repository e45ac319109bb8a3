//! The sections of findings, in the order in which a reader needs them.

use std::collections::BTreeMap;

use super::finding::FindingView;
use crate::error::printable_name;
use crate::finding::Finding;
use crate::node_names::natural;
use crate::packet::{proto, proto_name};
use crate::report::Report;
use crate::report::text::{
    Sections, advice, alike, by_doubt, by_guess, by_rule, capital, decide_tail, drops, guess,
    listener, many, missing_notes, missing_tail, moment, node_or_number, peers_by_name, reason,
    replies, rules, traffic, unglued, what, why_nothing,
};
use crate::time::Time;

/// Number of ports that have a column of their own in the matrix of false positives.
const MAX_COLUMNS: usize = 8;
/// Number of findings from which a list is parted by the rules that would accept them.
const MANY: usize = 20;

/// A section of findings.
pub(super) struct PageSection<'r> {
    pub(super) id: &'static str,
    pub(super) title: String,
    pub(super) tail: &'static str,
    pub(super) notes: Vec<String>,
    pub(super) matrix: Option<Matrix>,
    pub(super) groups: Vec<FindingGroup<'r>>,
}

/// Findings of a section that have something in common.
pub(super) struct FindingGroup<'r> {
    pub(super) title: String,
    pub(super) advice: String,
    /// Whether the reader has to open it, by its title.
    pub(super) is_closed: bool,
    /// Id of an element that is closed.
    pub(super) anchor: &'static str,
    pub(super) findings: Vec<FindingView<'r>>,
}

/// False positives by node and port.
pub(super) struct Matrix {
    pub(super) ports: Vec<String>,
    pub(super) rows: Vec<MatrixRow>,
}

pub(super) struct MatrixRow {
    pub(super) node: String,
    pub(super) cells: Vec<String>,
    pub(super) last: String,
}

/// Returns the sections that have a finding.
pub(super) fn sections<'r>(
    report: &'r Report,
    sections: &Sections<'r>,
    one_day: bool,
) -> Vec<PageSection<'r>> {
    let views = |found: &[&'r Finding]| -> Vec<FindingView<'r>> {
        let view = |f: &&'r Finding| FindingView { f, report, one_day };
        found.iter().map(view).collect()
    };
    let group = |title: String, advice: String, found: &[&'r Finding]| FindingGroup {
        title,
        advice,
        is_closed: false,
        anchor: "",
        findings: views(found),
    };
    let closed = |anchor, title: String, advice: String, found: &[&'r Finding]| FindingGroup {
        is_closed: true,
        anchor,
        ..group(title, advice, found)
    };
    // Many findings stand under the rules that would accept them.
    let parted = |title: String, advice: String, found: &[&'r Finding]| -> Vec<FindingGroup<'r>> {
        let rules = by_rule(report, found);
        if found.len() < MANY || rules.len() == found.len() {
            return vec![group(title, advice, found)];
        }
        let mut groups = vec![group(title, String::new(), &[])];
        for same in rules {
            let first = same[0];
            let title = format!(
                "{} on {}: {}",
                traffic(first),
                node_or_number(&same),
                many(drops(&same), "drop"),
            );
            let advice = if advice.is_empty() {
                String::new()
            } else {
                looks(report, &same[..1])
            };
            groups.push(closed("", title, advice, &same));
        }
        groups
    };
    let section = |id, title: String, tail, groups| PageSection {
        id,
        title,
        tail,
        notes: Vec::new(),
        matrix: None,
        groups,
    };
    let mut all = Vec::new();
    if let found @ [_, ..] = &sections.missing[..] {
        let title = format!("Missing ({})", rules(found, report));
        let groups = parted(String::new(), String::new(), found);
        all.push(PageSection {
            notes: missing_notes(report, found),
            ..section("missing", title, missing_tail(found), groups)
        });
    }
    if let found @ [_, ..] = &sections.decide[..] {
        let (guesses, others) = by_guess(report, found);
        let mut groups = Vec::new();
        if !guesses.is_empty() {
            let conditions: Vec<String> = (guess(report, &guesses).iter())
                .map(|text| capital(&unglued(text)))
                .collect();
            groups.extend(parted(conditions.join("; "), String::new(), &guesses));
        }
        for (doubt, same) in by_doubt(report, &others) {
            let looks = looks(report, &same);
            groups.extend(parted(capital(&doubt), looks, &same));
        }
        let title = format!("Decide ({})", rules(found, report));
        all.push(section("decide", title, decide_tail(report, found), groups));
    }
    if let found @ [_, ..] = &sections.review[..] {
        let title = format!("Review ({})", found.len());
        let kinds = alike(found);
        let groups = kinds
            .iter()
            .map(|kind| group(capital(reason(kind[0])), advice(kind[0].cause), kind));
        let tail = "too little in the log to tell";
        all.push(section("review", title, tail, groups.collect()));
    }
    if let found @ [_, ..] = &sections.known[..] {
        let title = format!("Accepted as it is ({})", found.len());
        let tail = "known to the team: no rule is offered, and it does not count";
        let groups = vec![group(String::new(), String::new(), found)];
        all.push(section("accepted", title, tail, groups));
    }
    let (noise, leave) = (&sections.noise[..], &sections.leave[..]);
    if !noise.is_empty() || !leave.is_empty() {
        let mut groups = Vec::new();
        if !noise.is_empty() {
            let title = capital(&replies(noise));
            groups.push(closed("false-positives", title, String::new(), noise));
        }
        if !leave.is_empty() {
            let number = many(drops(leave), "drop");
            let title = match alike(leave).as_slice() {
                [same] => format!("{number} rightly dropped: {}", reason(same[0])),
                _ => format!("{number} rightly dropped"),
            };
            let advice =
                "The firewall did its job: a rule for these would let in what is to stay out.";
            groups.push(closed("rightly-dropped", title, advice.to_owned(), leave));
        }
        let title = format!("Nothing to do ({})", sections.nothing());
        let why = Some(noise).filter(|noise| !noise.is_empty());
        all.push(PageSection {
            notes: why
                .and_then(why_nothing)
                .map(str::to_owned)
                .into_iter()
                .collect(),
            matrix: (!noise.is_empty()).then(|| matrix(noise, one_day)),
            ..section("nothing", title, "", groups)
        });
    }
    all
}

/// Says of decisions who asks, and where to look who listens.
fn looks(report: &Report, found: &[&Finding]) -> String {
    let looks = found.iter().take(MANY).map(|finding| {
        format!(
            "{} is asked for by {}; who listens, on {}: {}",
            what(finding),
            peers_by_name(finding, report),
            printable_name(&finding.node),
            listener(finding)
        )
    });
    format!("{}.", looks.collect::<Vec<_>>().join(".\n"))
}

/// Returns how many drops each node had of the busiest ports, and of all others together.
fn matrix(noise: &[&Finding], one_day: bool) -> Matrix {
    let port = |finding: &Finding| match (finding.key.proto, finding.port) {
        (Some(proto::TCP), Some(port)) => port.to_string(),
        (Some(number), Some(port)) => format!("{}/{port}", proto_name(number)),
        _ => what(finding),
    };
    let mut sums: BTreeMap<String, u64> = BTreeMap::new();
    let mut nodes: BTreeMap<&str, (BTreeMap<String, u64>, Time)> = BTreeMap::new();
    for finding in noise {
        let port = port(finding);
        *sums.entry(port.clone()).or_default() += finding.logged;
        let own = nodes.entry(&finding.node);
        let (drops, last) = own.or_insert((BTreeMap::new(), finding.last));
        *drops.entry(port).or_default() += finding.logged;
        *last = (*last).max(finding.last);
    }
    let mut nodes: Vec<_> = nodes.into_iter().collect();
    nodes.sort_by(|(a, _), (b, _)| natural(a, b));
    let mut order: Vec<(String, u64)> = sums.into_iter().collect();
    order.sort_by_key(|(_, drops)| std::cmp::Reverse(*drops));
    let others = order.split_off(order.len().min(MAX_COLUMNS));
    let cell = |drops: u64| match drops {
        0 => "-".to_owned(),
        n => n.to_string(),
    };
    let rows = nodes.into_iter().map(|(node, (drops, last))| {
        let of = |(port, _): &(String, u64)| drops.get(port).copied().unwrap_or(0);
        let mut cells: Vec<String> = order.iter().map(|port| cell(of(port))).collect();
        if !others.is_empty() {
            cells.push(cell(others.iter().map(of).sum()));
        }
        MatrixRow {
            node: printable_name(node),
            cells,
            last: moment(last, one_day),
        }
    });
    let rows = rows.collect();
    let mut ports: Vec<String> = order.into_iter().map(|(port, _)| port).collect();
    if !others.is_empty() {
        ports.push("others".to_owned());
    }
    Matrix { ports, rows }
}
