//! Comparison of two reports: by the ids of findings, and with the reasons why they may differ although nothing changed.

use std::collections::BTreeMap;

use crate::error::printable_name;
use crate::finding::Finding;
use crate::flow::{Direction, Kind, Ports};
use crate::node_names::natural;
use crate::report::diff::{Alone, Changed, Diff, Doubtful};
use crate::report::few_filters;
use crate::report::{NodeReport, Report, Warning};
use crate::rule::Disposition;
use crate::time::{MINUTE, Time};

/// Warnings that drop lines may be absent which would have shown a finding.
const LOST: [&str; 4] = [
    "drops-unlogged",
    "kernel-messages-missed",
    "kernel-messages-suppressed",
    "journal-messages-suppressed",
];

/// Returns the differences between `before` and `after`.
pub fn diff<'r>(before: &'r Report, after: &'r Report) -> Diff<'r> {
    let ids = |report: &'r Report| -> BTreeMap<&'r str, &'r Finding> {
        report
            .findings
            .iter()
            .map(|finding| (finding.id.as_str(), finding))
            .collect()
    };
    let (old, young) = (ids(before), ids(after));
    let mut diff = Diff {
        before,
        after,
        new: Vec::new(),
        gone: Vec::new(),
        changed: Vec::new(),
        same: Vec::new(),
        notes: notes(before, after),
    };
    let mut gone: Vec<&Finding> = before
        .findings
        .iter()
        .filter(|f| !young.contains_key(f.id.as_str()))
        .collect();
    for now in &after.findings {
        if let Some(was) = old.get(now.id.as_str()) {
            let what = changes(was, before, now, after);
            if what.is_empty() {
                diff.same.push((was, now));
            } else {
                diff.changed.push(Changed { was, now, what });
            }
            continue;
        }
        // The same peers that ask the same port, under another id: judged in another way.
        match gone.iter().position(|was| is_moved(was, now)) {
            Some(at) => {
                let was = gone.remove(at);
                let mut what = moved(was, now);
                what.extend(changes(was, before, now, after));
                diff.changed.push(Changed { was, now, what });
            }
            None => diff.new.push(Alone {
                finding: now,
                doubts: doubts(now, before, after, &Words::BEFORE),
            }),
        }
    }
    diff.gone = gone
        .into_iter()
        .map(|finding| Alone {
            finding,
            doubts: doubts(finding, after, before, &Words::AFTER),
        })
        .collect();
    let order = |a: &Finding, b: &Finding| {
        let verdicts = a.verdict().cmp(&b.verdict());
        verdicts.then_with(|| natural(&a.node, &b.node))
    };
    diff.new.sort_by(|a, b| order(a.finding, b.finding));
    diff.gone.sort_by(|a, b| order(a.finding, b.finding));
    diff.changed.sort_by(|a, b| order(a.now, b.now));
    diff.same.sort_by(|a, b| order(a.1, b.1));
    diff
}

/// Returns the disposition of the rules of a finding; `None` where it has none.
fn disposition(finding: &Finding, report: &Report) -> Option<Disposition> {
    let rules = report.rules_of(finding);
    rules.map(|rule| rule.disposition).min()
}

/// Returns the changed properties of a finding.
fn changes(was: &Finding, before: &Report, now: &Finding, after: &Report) -> Vec<Doubtful> {
    let mut what = Vec::new();
    let mut say = |code, text: String| what.push(Doubtful { code, text });
    if was.verdict() != now.verdict() {
        let text = format!(
            "was {} ({}), is {} ({})",
            was.verdict().code(),
            was.cause.code,
            now.verdict().code(),
            now.cause.code
        );
        say("verdict", text);
    } else if was.cause.code != now.cause.code {
        say(
            "cause",
            format!("was {}, is {}", was.cause.code, now.cause.code),
        );
    }
    match (&was.accepted, &now.accepted) {
        (None, Some(accepted)) => say("accepted", format!("is {} now", accepted.words())),
        (Some(accepted), None) => say(
            "accepted",
            format!("was {}, and counts again", accepted.words()),
        ),
        _ => {}
    }
    let rule = |disposition: Option<Disposition>| match disposition {
        Some(Disposition::Documented) => "a documented rule",
        Some(Disposition::Review) => "a rule to decide about",
        None => "no rule",
    };
    let (old, young) = (disposition(was, before), disposition(now, after));
    if old != young
        && was.verdict() == now.verdict()
        && was.accepted.is_some() == now.accepted.is_some()
    {
        say(
            "rule",
            format!("{} was offered, {} is", rule(old), rule(young)),
        );
    }
    if was.role != now.role {
        say(
            "role",
            format!("the node was judged as {}, is as {}", was.role, now.role),
        );
    }
    what
}

/// Where a packet was on its way to: a port of this node and the same port elsewhere are other services.
fn way(finding: &Finding) -> u8 {
    match finding.key.kind {
        Kind::Forward | Kind::Output => 2,
        Kind::Broadcast | Kind::Multicast => 1,
        _ => 0,
    }
}

/// Whether two findings may be of one service: a request is of a port of this node, a reply of one on the peer. What is
/// neither shows both ports, or many of this node.
fn is_same_service(was: &Finding, now: &Finding) -> bool {
    let has_both_sides = |f: &Finding| matches!(f.key.ports, Ports::Pair { .. });
    let may_be = match (was.direction(), now.direction()) {
        (Direction::Original, Direction::Reply) | (Direction::Reply, Direction::Original) => false,
        (Direction::Reply, Direction::Unknown) => has_both_sides(now),
        (Direction::Unknown, Direction::Reply) => has_both_sides(was),
        _ => true,
    };
    may_be
        && way(was) == way(now)
        && match (was.port, now.port) {
            (Some(old), Some(young)) => old == young,
            _ => {
                was.ports.iter().any(|port| now.ports.contains(port))
                    || was.ports.is_empty() && now.ports.is_empty()
            }
        }
}

/// Whether two findings are of the same peers and service, under other ids.
fn is_moved(was: &Finding, now: &Finding) -> bool {
    let same_peer = was
        .peers
        .iter()
        .any(|peer| now.peers.binary_search(peer).is_ok())
        || was.networks.iter().any(|net| now.networks.contains(net));
    was.node == now.node
        && was.key.v6 == now.key.v6
        && was.proto == now.proto
        && is_same_service(was, now)
        && same_peer
}

/// Returns the reasons why the id of a finding has changed.
fn moved(was: &Finding, now: &Finding) -> Vec<Doubtful> {
    let mut why = Vec::new();
    if was.key.zone != now.key.zone {
        why.push(format!(
            "its peers were {}, are {} (--node-net, --pod-cidr, --node)",
            was.key.zone.code(),
            now.key.zone.code()
        ));
    }
    if was.direction() != now.direction() {
        why.push(format!(
            "its direction was {}, is {}",
            was.direction().code(),
            now.direction().code()
        ));
    }
    if was.key.scanner != now.key.scanner {
        why.push("its peer scans in one of them alone".to_owned());
    }
    if why.is_empty() {
        why.push("a running chain (--rules) was given for one of them alone, or its packets are of another kind".to_owned());
    }
    let text = format!("the id was {}, is {}: {}", was.id, now.id, why.join(", "));
    vec![Doubtful { code: "id", text }]
}

/// The words of one side.
struct Words {
    /// Name of the other log, as in "the earlier log".
    other: &'static str,
    /// Consequence of a doubt.
    may: &'static str,
}

impl Words {
    const BEFORE: Self = Self {
        other: "the earlier log",
        may: "it may have been there",
    };
    const AFTER: Self = Self {
        other: "the later log",
        may: "it may still be there",
    };
}

/// Returns the reasons why the absence of `finding`, of the report `own`, in `other` does not prove that it was absent.
fn doubts(finding: &Finding, other: &Report, own: &Report, words: &Words) -> Vec<Doubtful> {
    let mut doubts = Vec::new();
    let (side, may) = (words.other, words.may);
    let mut say = |code, text: String| doubts.push(Doubtful { code, text });
    let node = printable_name(&finding.node);
    if may_be_left_out(other, own) {
        say(
            "filtered",
            format!(
                "filters left drops out of {side} ({}): {may}",
                few_filters(&other.filters)
            ),
        );
    }
    if other.tally.drops == 0 {
        say("no-drops", format!("{side} has no drop line at all: {may}"));
        return doubts;
    }
    let Some(there) = other.nodes.iter().find(|there| there.node == finding.node) else {
        say(
            "node-absent",
            format!("{side} has no drop line of {node}: {may}, if that node's log is not in it"),
        );
        return doubts;
    };
    if is_saturated(there, other) {
        say(
            "log-saturated",
            format!("the LOG limit hid drops of {node} in {side}: {may}"),
        );
    } else if there.saturated.is_none() && own_judged(own, finding) {
        say(
            "not-judged",
            format!("whether the LOG limit hid drops of {node} in {side} cannot be told: {may}"),
        );
    }
    if other
        .warnings
        .iter()
        .any(|warning| LOST.contains(&warning.code))
    {
        say("lines-lost", format!("{side} is not whole: {may}"));
    }
    if other.tally.unreadable > 0 {
        say(
            "unreadable",
            format!("{side} has drop lines that could not be read: {may}"),
        );
    }
    if let Some(text) = too_short(finding, other, own) {
        say("too-short", format!("{side} {text}: {may}"));
    }
    doubts
}

/// Whether filters may have left out of `other` what `own` has. Equal ones leave out the same of both, unless they choose by
/// the verdict, which may have changed.
fn may_be_left_out(other: &Report, own: &Report) -> bool {
    let by_verdict = || {
        let of_verdict = |filter: &String| filter.contains("--verdict ");
        other.tally.filtered > 0 && other.filters.iter().any(of_verdict)
    };
    other.is_filtered() && (other.filters != own.filters || by_verdict())
}

fn is_saturated(node: &NodeReport, report: &Report) -> bool {
    let stretches = node.saturated.as_ref().is_some_and(|all| !all.is_empty());
    let warned = |warning: &Warning| {
        warning.code == "log-saturated" && warning.node.as_deref() == Some(&node.node)
    };
    stretches || report.warnings.iter().any(warned)
}

/// Whether saturation was judged in the report that has the finding: where it was in neither, that is no difference.
fn own_judged(own: &Report, finding: &Finding) -> bool {
    let node = own.nodes.iter().find(|node| node.node == finding.node);
    node.is_some_and(|node| node.saturated.is_some())
}

/// Returns the duration of a report's log; `None` where its times are not known.
fn length(report: &Report) -> Option<i64> {
    let (first, last): (Time, Time) = report.span?;
    Some(last.since(first))
}

/// Explains that a log is too short to show so rare a finding; `None` if it is long enough.
fn too_short(finding: &Finding, other: &Report, own: &Report) -> Option<String> {
    let (there, here) = (length(other)?, length(own)?);
    let lines = i64::try_from(finding.logged).unwrap_or(i64::MAX).max(1);
    let pace = here / lines;
    // The mean interval of its lines is at least as long as the other log.
    if there >= pace || here == 0 {
        return None;
    }
    let minutes = |micros: i64| match micros / MINUTE {
        0 => "less than a minute".to_owned(),
        1 => "1 minute".to_owned(),
        n => format!("{n} minutes"),
    };
    Some(format!(
        "spans {}, and the drops came {} apart",
        minutes(there),
        minutes(pace)
    ))
}

/// Returns the differences between the reports apart from their findings.
fn notes(before: &Report, after: &Report) -> Vec<Warning> {
    let mut notes = Vec::new();
    for was in &before.nodes {
        let Some(now) = after.nodes.iter().find(|now| now.node == was.node) else {
            continue;
        };
        if was.role != now.role {
            let text = format!(
                "{} was judged as {}, and then as {}: where verdicts differ, that may be why. Judge both with --role",
                printable_name(&was.node),
                was.role,
                now.role
            );
            notes.push(Warning::new("role-differs", Some(was.node.clone()), text));
        } else if was.role_known != now.role_known {
            let when = if was.role_known { "before" } else { "after" };
            let text = format!(
                "the role of {} was known {when} alone: rules differ in whether they may be applied",
                printable_name(&was.node)
            );
            notes.push(Warning::new(
                "role-known-once",
                Some(was.node.clone()),
                text,
            ));
        }
    }
    let chains = |report: &Report| {
        report
            .findings
            .iter()
            .any(|finding| finding.outcomes.is_some())
    };
    let has_chain = |report: &Report| {
        chains(report)
            || report
                .findings
                .iter()
                .any(|finding| matches!(finding.cause.code, "already-allowed" | "narrowed-port"))
    };
    if has_chain(before) != has_chain(after) {
        let when = if has_chain(before) { "before" } else { "after" };
        let text = format!(
            "a running chain was known {when} alone: what it accepts or narrows has other ids. Judge both logs with --rules, or both \
             without"
        );
        notes.push(Warning::new("rules-once", None, text));
    }
    for (report, side, what) in [
        (
            before,
            "earlier",
            "new or changed there may have been so before",
        ),
        (
            after,
            "later",
            "gone or changed there may still be as it was",
        ),
    ] {
        let nodes: Vec<String> = (report.nodes.iter())
            .filter(|node| is_saturated(node, report))
            .map(|node| printable_name(&node.node))
            .collect();
        if !nodes.is_empty() {
            let text = format!(
                "the LOG limit hid drops of {} in the {side} log: what is {what}",
                nodes.join(", ")
            );
            notes.push(Warning::new("log-saturated", None, text));
        }
    }
    if before.limit != after.limit {
        notes.push(Warning::new(
            "limit-differs",
            None,
            "the LOG rule's limit was told in two ways: use one --limit".to_owned(),
        ));
    }
    if let (Some((_, last)), Some((first, _))) = (before.span, after.span)
        && before.span != after.span
        && first < last
        && before.span.is_some_and(|(begin, _)| first < begin)
    {
        let text = "the later report begins before the earlier one: are BEFORE and AFTER in the right order?".to_owned();
        notes.push(Warning::new("order", None, text));
    }
    notes.sort();
    notes
}
