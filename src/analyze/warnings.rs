//! What the reader must know to read the rest of a report.

use std::collections::{BTreeMap, BTreeSet};

use super::{Notice, Notices};
use crate::catalog::service;
use crate::cause::scene::Scene;
use crate::cause::upgrades::Upgrade;
use crate::error::printable_name;
use crate::finding::Finding;
use crate::input::event::NoticeKind;
use crate::packet::proto;
use crate::report::{NodeReport, Warning};
use crate::saturation::Stretch;
use crate::site::Site;

/// So many stretches are named one by one.
const MOST_STRETCHES: usize = 3;
/// How many nodes are mentioned by name.
const MOST_NAMES: usize = 8;

/// The warnings of a report, in order.
pub(super) fn warnings(
    scene: &Scene<'_>,
    nodes: &[NodeReport],
    findings: &[Finding],
    notices: &Notices,
    folded: u64,
) -> Vec<Warning> {
    let mut found: Vec<Warning> = nodes.iter().filter_map(saturated).collect();
    found.extend(nodes.iter().filter_map(unlogged));
    found.extend(absent_rules(findings));
    found.extend(established_suspects(findings));
    found.extend(scanned(findings));
    found.extend(stale_rules(findings));
    found.extend(assumed_roles(scene, findings));
    found.extend(
        notices
            .iter()
            .filter_map(|((host, kind), notice)| lost(host.as_deref(), *kind, notice)),
    );
    found.extend(scene.found_upgrades().map(found_upgrade));
    if nodes.iter().any(|node| node.node == "unknown") {
        let text =
            "the log names no host: say which node has which address with --node NAME=ADDRESS";
        found.push(Warning::new("node-unknown", None, text.to_owned()));
    }
    if folded > 0 {
        let text = format!(
            "{folded} lines came from more peers and ports than are told apart; they stand under their peer without a port, \
             or under its network"
        );
        found.push(Warning::new("folded", None, text));
    }
    found.sort();
    found
}

/// Records that no earlier input could be asked for, since only so many are remembered.
pub(super) fn unchecked_repeats(untold: u64) -> Option<Warning> {
    let text = format!(
        "{untold} records could not be checked for repeats, since the inputs have more than are remembered: what several \
         inputs have in common may count twice; pass each input once, or look at a part of the time with --since and --until"
    );
    (untold > 0).then(|| Warning::new("repeats-unchecked", None, text))
}

/// What a kind of notice means for the evidence; `None` where nothing was lost.
fn lost(host: Option<&str>, kind: NoticeKind, notice: &Notice) -> Option<Warning> {
    let on = host.map_or_else(String::new, |host| format!(" on {}", printable_name(host)));
    let (lines, count) = (notice.lines, notice.count);
    let since = if notice.first.is_dated() {
        format!(", first at {}", notice.first)
    } else {
        String::new()
    };
    let (code, text) = match kind {
        NoticeKind::Missed => (
            "kernel-messages-missed",
            format!(
                "the journal{on} missed {count} kernel messages{since}: drop lines may be among them"
            ),
        ),
        NoticeKind::Suppressed => (
            "kernel-messages-suppressed",
            format!(
                "the kernel{on} kept back {count} messages of its own{since}: the log is not whole"
            ),
        ),
        NoticeKind::JournalSuppressed => (
            "journal-messages-suppressed",
            format!(
                "the journal{on} kept back {count} messages of services{since}: the log is not whole"
            ),
        ),
        NoticeKind::ConntrackFull => (
            "conntrack-table-full",
            format!(
                "the conntrack table{on} was full {lines} times{since}: connections lost their state for want of room, not by a \
                 restart; raise net.netfilter.nf_conntrack_max"
            ),
        ),
        // A boot is no loss; and the order of lines is no part of a report, which must not depend on it.
        NoticeKind::Boot | NoticeKind::TimeBack => return None,
    };
    Some(Warning::new(code, host.map(str::to_owned), text))
}

/// An upgrade window that the log shows and nobody told.
fn found_upgrade(found: &Upgrade) -> Warning {
    let mut names: Vec<String> = found
        .ports
        .iter()
        .map(|&port| {
            service(proto::TCP, port).map_or_else(|| format!("port {port}"), |s| s.name.to_owned())
        })
        .collect();
    names.sort();
    names.dedup();
    let text = format!(
        "{} to {} looks like an upgrade and was taken for one: {} of {} nodes ended their connections. If it was none: \
         --no-upgrade",
        found.from.clock(),
        found.to.clock(),
        names.join(", "),
        found.peers,
    );
    Warning::new("upgrade-found", None, text)
}

/// What the counters of the chain say of drops that left no line.
fn unlogged(node: &NodeReport) -> Option<Warning> {
    let counted = node.unlogged.filter(|counted| counted.packets > 0)?;
    let about = if counted.exact { "" } else { "about " };
    let text = format!(
        "the counters of {} show {about}{} drops that the LOG rule did not log",
        printable_name(&node.node),
        counted.packets
    );
    Some(Warning::new(
        "drops-unlogged",
        Some(node.node.clone()),
        text,
    ))
}

fn saturated(node: &NodeReport) -> Option<Warning> {
    let stretches = node.saturated.as_ref().filter(|s| !s.is_empty())?;
    let mut shown: Vec<String> = stretches.iter().take(MOST_STRETCHES).map(stretch).collect();
    if stretches.len() > MOST_STRETCHES {
        shown.push(format!("{} more times", stretches.len() - MOST_STRETCHES));
    }
    let text = format!(
        "the LOG rule's limit hid drops on {} from {}: that a line is absent there proves nothing",
        printable_name(&node.node),
        shown.join(", ")
    );
    Some(Warning::new("log-saturated", Some(node.node.clone()), text))
}

fn stretch(stretch: &Stretch) -> String {
    if stretch.from.is_dated() {
        format!("{} to {}", stretch.from.clock(), stretch.to.clock())
    } else {
        format!("{} to {}", stretch.from, stretch.to)
    }
}

/// One warning for each documented rule that false positives of a node show to be absent.
fn absent_rules(findings: &[Finding]) -> impl Iterator<Item = Warning> {
    let mut absent: BTreeMap<(&str, &str), u64> = BTreeMap::new();
    for finding in findings {
        if let Some(rule) = finding.absent_rule {
            *absent.entry((&finding.node, rule.comment)).or_default() += finding.absent_lines;
        }
    }
    absent.into_iter().map(|((node, comment), lines)| {
        let text = format!(
            "the documented rule \"{comment}\" is not in the chain of {}: it would have accepted {lines} of the dropped lines",
            printable_name(node)
        );
        Warning::new("documented-rule-absent", Some(node.to_owned()), text)
    })
}

/// One warning for each node on which the answers of a service do not get in.
fn established_suspects(findings: &[Finding]) -> impl Iterator<Item = Warning> {
    let mut nodes: BTreeMap<&str, Vec<&Finding>> = BTreeMap::new();
    for finding in findings.iter().filter(|f| f.established_suspect) {
        nodes.entry(&finding.node).or_default().push(finding);
    }
    nodes.into_iter().map(|(node, own)| {
        let lines: u64 = own.iter().map(|f| f.logged).sum();
        let services: BTreeSet<String> = own
            .iter()
            .map(|f| f.service.map_or_else(|| format!("port {}", f.port.unwrap_or_default()), str::to_owned))
            .collect();
        let services: Vec<String> = services.into_iter().take(4).collect();
        let text = format!(
            "{lines} answers to connections that {} itself opened were dropped ({}): its chain may lack the ESTABLISHED,RELATED rule, \
             or has it behind DROP. Look at it before anything else: iptables -S",
            printable_name(node),
            services.join(", ")
        );
        Warning::new("established-rule-suspect", Some(node.to_owned()), text)
    })
}

/// One warning for each scan that asked for documented ports too: whether their rules are missing, it does not show.
fn scanned(findings: &[Finding]) -> impl Iterator<Item = Warning> {
    let mut nodes: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for finding in findings.iter().filter(|f| !f.scanned.is_empty()) {
        let names = finding.scanned.iter().map(|rule| rule.comment);
        nodes.entry(&finding.node).or_default().extend(names);
    }
    nodes.into_iter().map(|(node, names)| {
        let names: Vec<&str> = names.into_iter().collect();
        let text = format!(
            "a scan of {} met documented ports as well ({}): their rules may be missing. Compare the chain: dropsift audit",
            printable_name(node),
            names.join(", ")
        );
        Warning::new("scan-documented", Some(node.to_owned()), text)
    })
}

/// One warning for each node whose dump accepts lines that came after it was taken.
fn stale_rules(findings: &[Finding]) -> impl Iterator<Item = Warning> {
    let nodes: BTreeSet<&str> = (findings.iter().filter(|f| f.stale))
        .map(|f| f.node.as_str())
        .collect();
    nodes.into_iter().map(|node| {
        let text = format!(
            "the chain given for {} accepts lines that came after it was printed: the running chain is another by now. Print it \
             anew: iptables-save",
            printable_name(node)
        );
        Warning::new("rules-stale", Some(node.to_owned()), text)
    })
}

/// One warning for the nodes whose role is a guess.
fn assumed_roles(scene: &Scene<'_>, findings: &[Finding]) -> Option<Warning> {
    let judged: BTreeSet<&str> = findings.iter().map(|f| f.node.as_str()).collect();
    let guessed = |name: &&&str| !scene.site.is_role_told(name);
    let names: Vec<String> = judged
        .iter()
        .filter(guessed)
        .map(|name| printable_name(name))
        .collect();
    let first = names.first()?;
    let role = scene.site.default_role;
    let text = format!(
        "nobody said the role of {}: taken for {role}. If that is wrong, say so: --role {first}=ROLE",
        few(&names)
    );
    Some(Warning::new("role-assumed", None, text))
}

/// The first names, and how many more there are.
fn few(names: &[String]) -> String {
    let shown: Vec<&str> = names.iter().take(MOST_NAMES).map(String::as_str).collect();
    match names.len().saturating_sub(MOST_NAMES) {
        0 => shown.join(", "),
        more => format!("{} and {more} more nodes", shown.join(", ")),
    }
}

/// One warning for each node whose role was told and that has no line: its name may be misspelt.
pub(super) fn unused_roles(site: &Site, nodes: &[NodeReport]) -> impl Iterator<Item = Warning> {
    let absent = |name: &&String| !nodes.iter().any(|node| node.node == **name);
    site.told_roles.iter().filter(absent).map(|name| {
        let text = format!(
            "--role says what {} is, of which the log has no drop line; its nodes are {}",
            printable_name(name),
            names(nodes)
        );
        Warning::new("role-unused", Some(name.clone()), text)
    })
}

/// The names of nodes, the first of them.
fn names(nodes: &[NodeReport]) -> String {
    let names: Vec<String> = nodes
        .iter()
        .map(|node| printable_name(&node.node))
        .collect();
    few(&names)
}

/// Drop lines without a date, where lines of a span of time only are wanted.
pub(super) fn undated(lines: u64) -> Option<Warning> {
    let text = match lines {
        0 => return None,
        1 => "1 drop line tells no date: --since and --until cannot leave it out, and it is judged"
            .to_owned(),
        n => format!(
            "{n} drop lines tell no date: --since and --until cannot leave them out, and they are judged"
        ),
    };
    Some(Warning::new("undated", None, text))
}

/// One warning for each node that has a chain and no line: its name may be misspelt.
pub(super) fn unused_rules(site: &Site, nodes: &[NodeReport]) -> impl Iterator<Item = Warning> {
    let absent = |name: &&str| !nodes.iter().any(|node| node.node == *name);
    site.in_force.told_nodes().filter(absent).map(|name| {
        let text = format!(
            "--rules names {}, of which the log has no drop line; its nodes are {}",
            printable_name(name),
            names(nodes)
        );
        Warning::new("rules-unused", Some(name.to_owned()), text)
    })
}
