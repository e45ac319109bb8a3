//! Warnings that a reader needs to interpret a report.

use std::collections::{BTreeMap, BTreeSet};

use super::{Notice, Notices};
use crate::catalog::{LOG_PREFIX, service};
use crate::cause::Verdict;
use crate::cause::scene::Scene;
use crate::cause::upgrades::Upgrade;
use crate::chain::{of_node, quoted};
use crate::error::{printable, printable_name};
use crate::finding::Finding;
use crate::input::event::{ClusterFact, NoticeKind};
use crate::node_names::natural;
use crate::packet::proto;
use crate::report::{NodeReport, Tally, Warning};
use crate::saturation::Stretch;
use crate::site::{Site, Window, WindowOrigin};
use crate::time::Time;

/// Upper bound on the stretches that are listed separately.
const MAX_STRETCHES: usize = 3;
/// How many matches that cannot be told are named of one node.
const MAX_MATCHES: usize = 3;
/// Upper bound on the nodes that a warning names.
const MAX_NAMES: usize = 8;

/// Returns the warnings of a report, in order.
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
    // Of times that are not understood another warning tells.
    if !notices
        .keys()
        .any(|(_, kind)| *kind == NoticeKind::UnreadTime)
    {
        found.extend(without_times(findings));
    }
    found.extend(open_matches(findings));
    found.extend(assumed_roles(scene, findings));
    found.extend(
        notices
            .iter()
            .filter_map(|((host, kind), notice)| lost(host.as_deref(), *kind, notice)),
    );
    found.extend(scene.found_upgrades().map(found_upgrade));
    if nodes.iter().any(|node| node.node == "unknown") {
        let text =
            "the log has no hostnames: say which node has which address with --node NAME=ADDRESS";
        found.push(Warning::new("node-unknown", None, text.to_owned()));
    }
    if folded > 0 {
        let text = format!(
            "{folded} lines came from more peers and ports than are kept apart; they stand under their peer without a port, \
             or under its network: run again on a part of the log, with --since and --until, to see them apart"
        );
        found.push(Warning::new("folded", None, text));
    }
    found.sort();
    found
}

/// Warns once of all nodes of which a bundle has no kernel log.
pub(super) fn without_log(learned: &[ClusterFact]) -> Option<Warning> {
    let of_fact = |fact: &ClusterFact| match fact {
        ClusterFact::NoLog { node, .. } => Some(printable_name(node)),
        _ => None,
    };
    let nodes: BTreeSet<String> = learned.iter().filter_map(of_fact).collect();
    let nodes: Vec<String> = nodes.into_iter().collect();
    let text = format!(
        "the bundle has no kernel log of {}: nothing is known of drops there. Save it on the node, and name it too: \
         `sudo journalctl -k -o short-precise`",
        few(&nodes)
    );
    (!nodes.is_empty()).then(|| Warning::new("node-log-missing", None, text))
}

/// Warns of replies without times: a connection that lost its state and one whose replies never get in differ by how long
/// they go on.
fn without_times(findings: &[Finding]) -> Option<Warning> {
    let is_reply = |finding: &&Finding| finding.verdict() == Verdict::FalsePositive;
    let own = (findings.iter()).filter(|f| is_reply(f) && f.logged > 1 && !f.last.is_known());
    let lines: u64 = own.map(|finding| finding.logged).sum();
    let text = format!(
        "{lines} replies have no time: if they go on for more than 20 minutes, they are no false positives. Save the log with its \
         times: `journalctl -k -o short-precise`"
    );
    (lines > 0).then(|| Warning::new("time-missing", None, text))
}

/// Warns of records that could not be compared with earlier inputs, because the memory for them is bounded.
pub(super) fn unchecked_repeats(untold: u64) -> Option<Warning> {
    let text = format!(
        "{untold} records could not be checked for repeats, since the inputs have more than are remembered: what several \
         inputs have in common may count twice; pass each input once, or look at a part of the time with --since and --until"
    );
    (untold > 0).then(|| Warning::new("repeats-unchecked", None, text))
}

/// Says how many drop lines are or have something.
fn drop_lines(count: u64, one: &str, several: &str) -> String {
    match count {
        1 => format!("1 drop line {one}"),
        _ => format!("{count} drop lines {several}"),
    }
}

/// Describes the lost evidence behind a notice; `None` where nothing was lost.
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
        NoticeKind::NoSuchDay => (
            "no-such-day",
            format!(
                "{} of 29 February, or another day that their year does not have: counted, and without a time. Where the stamps \
                 have no year, say that of the newest line with --year; else correct what wrote them",
                drop_lines(count, "is", "are")
            ),
        ),
        NoticeKind::UnreadTime => (
            "time-unread",
            format!(
                "{} no time that is understood: how long the drops went on, and whether they stopped, is not known of them. Write \
                 the time as RFC 3339 (2026-05-04T10:00:00Z) or in seconds since 1970, in a field `time`",
                drop_lines(count, "has", "have")
            ),
        ),
        NoticeKind::ZoneName => (
            "zone-unknown",
            format!(
                "{} the name of a zone, which may mean several: the time before it is taken for UTC; say the zone with \
                 --utc-offset, as --utc-offset +02:00 for CEST",
                drop_lines(count, "has", "have")
            ),
        ),
        NoticeKind::Nuls => (
            "log-damaged",
            "NUL bytes stand in the log, as a crash or a bad copy leaves them: what stood there is lost, and drop lines may have \
             been among it. Look for another copy of the log"
                .to_owned(),
        ),
        NoticeKind::EndedBefore => {
            let entries = if count == 1 { "entry" } else { "entries" };
            let text =
                format!("journals that ended before --since were not read ({count} {entries})");
            ("journals-before-since", text)
        }
        // A boot is no loss; and the order of lines must not change a report.
        NoticeKind::Boot | NoticeKind::TimeBack => return None,
    };
    Some(Warning::new(code, host.map(str::to_owned), text))
}

/// Warns of the prefixes of other LOG rules, where no line has the expected one.
pub(super) fn other_prefixes(found: &BTreeMap<String, u64>) -> Option<Warning> {
    if found.is_empty() {
        return None;
    }
    let mut prefixes: Vec<(&String, &u64)> = found.iter().collect();
    prefixes.sort_by_key(|(prefix, lines)| (std::cmp::Reverse(**lines), *prefix));
    let lines = |lines: u64| match lines {
        1 => "1 line".to_owned(),
        n => format!("{n} lines"),
    };
    let option = |prefix: &str| format!("`--prefix {}`", printable(&quoted(prefix)));
    let named = (prefixes.iter()).find(|(prefix, _)| !prefix.is_empty());
    let text = match prefixes[..] {
        [(prefix, &number)] if prefix.is_empty() => format!(
            "{} of a LOG rule without a prefix, which tells nothing about who dropped what: give the rule one, \
             `--log-prefix {LOG_PREFIX}`; if the prefix was cut off on the way, save the log whole",
            lines(number)
        ),
        [(prefix, &number)] => format!(
            "{} of another LOG rule, `{}`: if that is the host firewall's, read it with {}",
            lines(number),
            printable(prefix),
            option(prefix)
        ),
        _ => {
            let said: Vec<String> = (prefixes.iter())
                .map(|(prefix, number)| format!("`{}` ({})", printable(prefix), lines(**number)))
                .collect();
            let first = named.map_or("", |(prefix, _)| prefix);
            format!(
                "lines of other LOG rules, {}: if one of them is the host firewall's, read it with --prefix, as {}",
                said.join(", "),
                option(first)
            )
        }
    };
    Some(Warning::new("other-prefix", None, text))
}

/// Warns of an upgrade window that the log shows and that the user did not give.
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

/// Warns of drops that the counters of the chain show and that left no line.
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

pub(super) fn saturated(node: &NodeReport) -> Option<Warning> {
    let stretches = node.saturated.as_ref().filter(|s| !s.is_empty())?;
    let mut shown: Vec<String> = stretches.iter().take(MAX_STRETCHES).map(stretch).collect();
    if stretches.len() > MAX_STRETCHES {
        shown.push(format!("{} more times", stretches.len() - MAX_STRETCHES));
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

/// Warns once for each documented rule that false positives of a node prove to be absent.
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

/// Warns of each node on which the answers of a service are dropped.
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

/// Warns of each scan that tried documented ports too: it does not show whether their rules are missing.
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

/// One warning for each node whose chain asks what no log line tells: such a rule was taken for one that does not match.
fn open_matches(findings: &[Finding]) -> impl Iterator<Item = Warning> {
    let mut nodes: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for finding in findings {
        let tests = (finding.evidence.iter()).filter(|test| test.name == "not-evaluated");
        let open = tests.map(|test| test.text.as_str());
        nodes.entry(&finding.node).or_default().extend(open);
    }
    nodes.retain(|_, open| !open.is_empty());
    nodes.into_iter().map(|(node, open)| {
        let more = match open.len().saturating_sub(MAX_MATCHES) {
            0 => String::new(),
            more => format!("; and {more} more (-v shows them)"),
        };
        let shown: Vec<&str> = open.into_iter().take(MAX_MATCHES).collect();
        let text = format!(
            "the chain given for {}: {}{more}",
            printable_name(node),
            printable(&shown.join("; "))
        );
        Warning::new("match-not-evaluated", Some(node.to_owned()), text)
    })
}

/// Warns once for each node whose dump would not have logged lines that came after it was taken.
fn stale_rules(findings: &[Finding]) -> impl Iterator<Item = Warning> {
    let nodes: BTreeSet<&str> = (findings.iter().filter(|f| f.stale))
        .map(|f| f.node.as_str())
        .collect();
    nodes.into_iter().map(|node| {
        let text = format!(
            "the chain given for {} would not have logged lines that came after it was printed: the running chain is another by now. Print it \
             anew: iptables-save",
            printable_name(node)
        );
        Warning::new("rules-stale", Some(node.to_owned()), text)
    })
}

/// Warns once of all nodes whose role is assumed.
fn assumed_roles(scene: &Scene<'_>, findings: &[Finding]) -> Option<Warning> {
    let judged: BTreeSet<&str> = findings.iter().map(|f| f.node.as_str()).collect();
    let guessed = |name: &&&str| !scene.site.is_role_known(name);
    let guesses: Vec<&str> = judged.iter().filter(guessed).copied().collect();
    let names: Vec<String> = guesses.iter().map(|name| printable_name(name)).collect();
    let first = of_node(guesses.first()?, "ROLE");
    let role = scene.site.known.default_role().value;
    let text = format!(
        "nobody said the role of {}: taken for {role}. If that is wrong, say so: --role {first}",
        few(&names)
    );
    Some(Warning::new("role-assumed", None, text))
}

/// Returns one warning for the nodes of reports whose role is assumed, each with that role.
pub(super) fn reported_roles(guesses: &BTreeSet<(&str, &str)>) -> Option<Warning> {
    let (first, role) = guesses.first()?;
    let names: Vec<String> = guesses
        .iter()
        .map(|(name, _)| printable_name(name))
        .collect();
    let text = format!(
        "nobody said the role of {} to the reports: if {first} is {role}, say so with --role {first}={role}; if not, report its log \
         again",
        few(&names),
        first = printable_name(&quoted(first)),
    );
    Some(Warning::new("role-assumed", None, text))
}

/// Returns the first names, and how many more there are.
fn few(names: &[String]) -> String {
    let mut sorted: Vec<&str> = names.iter().map(String::as_str).collect();
    sorted.sort_by(|a, b| natural(a, b));
    let shown: Vec<&str> = sorted.into_iter().take(MAX_NAMES).collect();
    match names.len().saturating_sub(MAX_NAMES) {
        0 => shown.join(", "),
        more => format!("{} and {more} more nodes", shown.join(", ")),
    }
}

/// Warns of each fact about the cluster on which the sources differ.
pub(super) fn contradictions(site: &Site) -> impl Iterator<Item = Warning> {
    let all = site.known.contradictions().into_iter();
    all.map(|one| Warning::new("sources-differ", one.node.clone(), one.to_string()))
}

/// Warns of drop lines without a date, where only a span of time is wanted.
pub(super) fn undated(lines: u64) -> Option<Warning> {
    let text = match lines {
        0 => return None,
        1 => "1 drop line has no date: --since and --until cannot leave it out, and it is judged"
            .to_owned(),
        n => format!(
            "{n} drop lines have no date: --since and --until cannot leave them out, and they are judged"
        ),
    };
    Some(Warning::new("undated", None, text))
}

/// Warns of drop lines outside `--since` and `--until`.
pub(super) fn outside(site: &Site, tally: Tally, beside: Time) -> Option<Warning> {
    let (outside, judged) = (tally.outside, tally.drops);
    if outside == 0 {
        return None;
    }
    let since = site
        .since
        .map(|since| format!("before {} (--since)", since.near(beside)));
    let until = site
        .until
        .map(|until| format!("after {} (--until)", until.near(beside)));
    let where_to: Vec<String> = since.into_iter().chain(until).collect();
    let are = if outside == 1 {
        "drop line is"
    } else {
        "drop lines are"
    };
    let text = format!(
        "{outside} {are} outside the time that was asked for, {}, and not judged; {judged} are inside",
        where_to.join(" or ")
    );
    Some(Warning::new("outside", None, text))
}

/// Warns of each upgrade window of the user in which the log has no line: its time may be wrong.
pub(super) fn unmet_upgrades(
    site: &Site,
    span: Option<(Time, Time)>,
) -> impl Iterator<Item = Warning> {
    let span = span.filter(|(first, _)| first.is_dated());
    let unmet = move |window: &Window| {
        let (first, last) = span?;
        let (from, to) = (window.from.near(first), window.to.near(last));
        (window.origin == WindowOrigin::Told && (to < first || last < from))
            .then_some((from, to, first, last))
    };
    site.upgrades.iter().filter_map(unmet).map(|(from, to, first, last)| {
        let end = if to == Time(i64::MAX) { String::new() } else { to.to_string() };
        let start = if from == Time(0) { String::new() } else { from.to_string() };
        let text = format!(
            "--upgrade {start}..{end} meets no line: the log goes from {first} to {last}. Check the day and the zone (times \
             without one are UTC)"
        );
        Warning::new("upgrade-unmet", None, text)
    })
}
