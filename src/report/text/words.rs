//! The words for a finding, a number and a name, the same in all sections and in JSON.

use std::net::IpAddr;

use super::page::Page;
use crate::cause::Verdict;
use crate::error::{printable, printable_name};
use crate::finding::{Finding, State};
use crate::flow::Direction;
use crate::node_names::natural;
use crate::packet::{proto, proto_name};
use crate::report::Report;

/// The most peers that are shown of one finding.
const MAX_PEERS: usize = 4;
/// The most ports that are shown of one finding.
const MAX_PORTS: usize = 8;
/// The most names of nodes in one list.
const MAX_NAMES: usize = 8;

/// Returns filters as a text names them, the first of them.
pub(crate) fn few_filters(filters: &[String]) -> String {
    let mut shown: Vec<String> = filters.iter().take(MAX_NAMES).cloned().collect();
    let more = filters.len().saturating_sub(MAX_NAMES);
    shown.extend((more > 0).then(|| format!("{more} more")));
    shown.join(", ")
}

/// `1 rule`, `2 rules`.
pub(in crate::report) fn many(number: u64, one: &str) -> String {
    format!("{number} {one}{}", if number == 1 { "" } else { "s" })
}

/// Protocol and port, as `tcp/2112`; both ports where nothing shows which is the service's.
pub(in crate::report) fn what(finding: &Finding) -> String {
    let text = match finding.proto {
        Some(number) => proto_name(number).into_owned(),
        None if finding.key.scanner.is_some() => "several protocols".to_owned(),
        None => "no protocol".to_owned(),
    };
    let text = match (finding.port, &finding.ports[..]) {
        (Some(port), _) => format!("{text}/{port}"),
        (None, []) => text,
        (None, [one, other]) if finding.direction() == Direction::Unknown => {
            format!("{text} {one} or {other}")
        }
        (None, ports) => {
            let shown: Vec<String> = ports.iter().take(MAX_PORTS).map(u16::to_string).collect();
            let more = match ports.len().saturating_sub(MAX_PORTS) {
                0 => String::new(),
                more => format!(", {more} more"),
            };
            format!("{text} {}{more}", shown.join(", "))
        }
    };
    if finding.key.v6 {
        format!("{text} (IPv6)")
    } else {
        text
    }
}

/// Returns the peers of a finding and the networks that peers were folded into, the first of them.
pub(in crate::report) fn peers(finding: &Finding) -> String {
    let mut shown: Vec<String> = finding
        .peers
        .iter()
        .map(ToString::to_string)
        .chain(finding.networks.iter().map(ToString::to_string))
        .take(MAX_PEERS)
        .collect();
    let all = finding.peers.len() + finding.networks.len();
    if all > MAX_PEERS {
        shown.push(format!("{} more", all - MAX_PEERS));
    }
    shown.join(", ")
}

/// Returns the peers of a finding, each with the name of the node that has its address.
pub(in crate::report) fn peers_by_name(finding: &Finding, report: &Report) -> String {
    let node = |peer: IpAddr| {
        let nodes = report.nodes.iter();
        let owner = nodes
            .filter(|node| node.addresses.contains(&peer))
            .min_by_key(|n| &n.node);
        owner.map_or_else(String::new, |node| {
            format!(" ({})", printable_name(&node.node))
        })
    };
    let shown = finding.peers.iter().take(MAX_PEERS);
    let mut shown: Vec<String> = shown.map(|peer| format!("{peer}{}", node(*peer))).collect();
    let left = MAX_PEERS - shown.len();
    shown.extend(finding.networks.iter().take(left).map(ToString::to_string));
    let all = finding.peers.len() + finding.networks.len();
    if all > MAX_PEERS {
        shown.push(format!("{} more", all - MAX_PEERS));
    }
    shown.join(", ")
}

/// Returns the requested service in a word or two; `-` where it is unknown.
pub(in crate::report) fn service(finding: &Finding) -> &'static str {
    let pods = finding.cause.code == "pod-network";
    match (finding.service, finding.key.proto) {
        (Some(service), _) => service,
        (None, _) if pods => "from the pod network",
        (None, Some(proto::ICMP | proto::ICMPV6)) => "ping, path MTU",
        _ => "-",
    }
}

/// Port and service in one cell.
pub(in crate::report) fn traffic(finding: &Finding) -> String {
    match finding.service {
        Some(service) => format!("{} {}", what(finding), printable(service)),
        None => what(finding),
    }
}

/// Returns the reason for a finding's verdict in a few words.
pub(in crate::report) fn reason(finding: &Finding) -> &'static str {
    let is_unknown = finding.port.is_none() && finding.direction() == Direction::Unknown;
    match finding.key.proto {
        Some(proto::TCP) if is_unknown && finding.cause.code == "ambiguous" => {
            "no SYN seen: direction unknown"
        }
        _ if is_unknown && finding.cause.code == "ambiguous" => "direction unknown",
        _ => finding.cause.brief,
    }
}

/// Describes the state of a finding at the end of the log; `last` is its last time, or empty.
pub(in crate::report) fn state(finding: &Finding, last: &str) -> String {
    match finding.state {
        State::Ongoing => "still dropped when the log ends".to_owned(),
        State::Settled if last.is_empty() => "stopped".to_owned(),
        State::Settled => format!("stopped {last}"),
        State::Unproven if last.is_empty() => "no time shows whether it stopped".to_owned(),
        State::Unproven => format!("stopped {last}, log too short to be sure"),
    }
}

/// Returns the state of a finding in a cell of a table.
pub(super) fn short_state(page: &Page<'_>, finding: &Finding) -> String {
    match (finding.state, page.moment(finding.last)) {
        (State::Ongoing, _) => "still dropped".to_owned(),
        (State::Settled, last) => format!("stopped {last}").trim_end().to_owned(),
        (State::Unproven, last) if last.is_empty() => "not known".to_owned(),
        (State::Unproven, last) => format!("stopped {last}?"),
    }
}

/// Returns a finding in one line.
pub fn line(finding: &Finding) -> String {
    let last = if finding.last.is_dated() {
        finding.last.clock()
    } else if finding.last.is_known() {
        finding.last.to_string()
    } else {
        String::new()
    };
    let state = match finding.verdict() {
        Verdict::LeaveDropped => String::new(),
        _ => format!(", {}", state(finding, &last)),
    };
    printable(&format!(
        "{} on {}: {}{state}; {} from {}",
        traffic(finding),
        printable_name(&finding.node),
        reason(finding),
        many(finding.logged, "drop"),
        peers(finding),
    ))
}

/// Sorts findings of one section by the names of their nodes, as people count.
pub(in crate::report) fn sort_by_node(findings: &mut [&Finding]) {
    findings.sort_by(|a, b| {
        let verdicts = a.verdict().cmp(&b.verdict());
        verdicts.then_with(|| natural(&a.node, &b.node))
    });
}

/// Returns the sum of drop lines.
pub(in crate::report) fn drops(findings: &[&Finding]) -> u64 {
    findings.iter().map(|finding| finding.logged).sum()
}

/// Names of nodes: the first, and how many more there are.
pub(crate) fn few<'n>(names: impl IntoIterator<Item = &'n str>) -> String {
    let mut names: Vec<&str> = names.into_iter().collect();
    names.sort_by(|a, b| natural(a, b));
    let shown: Vec<String> = (names.iter().take(MAX_NAMES))
        .map(|name| printable_name(name))
        .collect();
    match names.len().saturating_sub(MAX_NAMES) {
        0 => shown.join(", "),
        more => format!(
            "{} and {}",
            shown.join(", "),
            many(more as u64, "more node")
        ),
    }
}

/// One node by its name, several by their number.
pub(in crate::report) fn node_or_number(findings: &[&Finding]) -> String {
    let mut names: Vec<&str> = findings
        .iter()
        .map(|finding| finding.node.as_str())
        .collect();
    names.sort_unstable();
    names.dedup();
    match names[..] {
        [one] => printable_name(one),
        _ => many(names.len() as u64, "node"),
    }
}
