//! A finding of a report.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use super::verdict::{Facts, cause};
use super::words::{coded, word};
use crate::catalog::{self, Role};
use crate::cause::group::GroupKey;
use crate::cause::{Cause, Test, Verdict};
use crate::chain::HARVESTER;
use crate::date::Date;
use crate::finding::{Accepted, Finding, Offered, Reported, State, times};
use crate::flow::{Direction, Kind, PeerClass, Ports};
use crate::net::{IpNet, are_neighbours, is_link_local_v6, neighbourhood};
use crate::packet::{TcpFlags, proto, proto_number};
use crate::report::Networks;
use crate::report::json::{FindingV1, RuleV1, TestV1};
use crate::rule::RULE_IN_FORCE;
use crate::site::Zone;
use crate::time::{SECOND, Time, parse_rfc3339};

/// The longest text of a report that is kept, in characters.
const MAX_TEXT: usize = 2_000;
/// The longest name of a network interface and of a node, in bytes (IFNAMSIZ; RFC 1035 with room).
const MAX_INTERFACE: usize = 15;
const MAX_NODE: usize = 1_024;

/// The most drop lines that a report counts of anything: no log has more, and sums stay numbers.
pub(super) const MAX_COUNT: u64 = 1 << 40;

/// The rules of a report by their ids.
pub(super) type Rules<'r> = BTreeMap<&'r str, &'r RuleV1<'r>>;

/// Name of the test of a finding whose cause its own facts contradict.
pub(super) const MADE_ANEW_TEST: &str = "cause-made-anew";

/// Zones of peers as a report shows them.
pub(super) struct ReportZones {
    pub(super) networks: Networks,
    /// Addresses of all its nodes.
    pub(super) addresses: BTreeSet<IpAddr>,
}

impl ReportZones {
    /// Returns the zone of a peer, seen from the node that has the addresses `own`.
    fn of(&self, peer: IpAddr, own: &[IpAddr]) -> Zone {
        let within = |nets: &[IpNet]| nets.iter().any(|net| net.contains(&peer));
        if within(&self.networks.pods) {
            Zone::Pod
        } else if within(&self.networks.nodes)
            || self.addresses.contains(&peer)
            || is_link_local_v6(peer)
            || own.iter().any(|&node| are_neighbours(node, peer))
        {
            Zone::Inside
        } else {
            Zone::Outside
        }
    }
}

/// Returns the finding that `v1` tells. `rules` are those of its report, and `zones` its zones, with the addresses of the
/// finding's node; events tell none.
///
/// # Errors
/// If it is none that this program would write.
pub(super) fn finding(
    v1: &FindingV1<'_>,
    rules: &Rules<'_>,
    zones: Option<(&ReportZones, &[IpAddr])>,
) -> Result<Finding, String> {
    let id = id(&v1.id)?;
    of_report(v1, id, rules, zones).map_err(|why| format!("finding {id}: {why}"))
}

fn of_report(
    v1: &FindingV1<'_>,
    id: &str,
    rules: &Rules<'_>,
    zones: Option<(&ReportZones, &[IpAddr])>,
) -> Result<Finding, String> {
    let broken = |what: &str| format!("{what}; write the report anew with -o json");
    let told = cause(&v1.cause)?;
    if told.verdict.code() != v1.verdict {
        return Err(broken(&format!(
            "{} is not the verdict of its cause, {}",
            v1.verdict, told.code
        )));
    }
    let role = coded(&Role::ALL, Role::code, &v1.role, "role")?;
    let state = coded(&State::ALL, State::code, &v1.state, "state")?;
    let direction = coded(&Direction::ALL, Direction::code, &v1.direction, "direction")?;
    let number = (v1.proto.as_deref())
        .map(|text| proto_number(text).ok_or_else(|| broken("its protocol is none")))
        .transpose()?;
    let peers = (v1.peers.iter())
        .map(|peer| peer.parse())
        .collect::<Result<Vec<IpAddr>, _>>();
    let mut peers = peers.map_err(|_| broken("one of its peers is no address"))?;
    let networks = (v1.networks.iter())
        .map(|net| net.parse())
        .collect::<Result<Vec<IpNet>, _>>();
    let mut networks = networks.map_err(|_| broken("one of its networks is none"))?;
    let mut all_ports = v1.ports.to_vec();
    all_ports.sort_unstable();
    all_ports.dedup();
    peers.sort_unstable();
    peers.dedup();
    networks.sort_unstable();
    networks.dedup();
    let mut families = peers
        .iter()
        .map(IpAddr::is_ipv6)
        .chain(networks.iter().map(|net| net.addr().is_ipv6()));
    let v6 = families.next().unwrap_or(number == Some(proto::ICMPV6));
    if families.any(|family| family != v6) {
        return Err(broken("its peers are of two families"));
    }
    if v1.node.len() > MAX_NODE {
        return Err(broken("the name of its node is none"));
    }
    // A field of a line ends at a blank; all else may stand in it, as odd as it is.
    let is_interface =
        |name: &str| name.len() <= MAX_INTERFACE && !name.contains([' ', '\t', '\r', '\n']);
    if !is_interface(&v1.interface) || !v1.interfaces.iter().all(|name| is_interface(name)) {
        return Err(broken("its interface is none"));
    }
    let told_zone = coded(&Zone::ALL, Zone::code, &v1.zone, "zone")?;
    let zone = zones.map_or(told_zone, |(zones, own)| {
        let folded = networks.iter().map(IpNet::network);
        let seen = peers.iter().copied().chain(folded);
        // The farthest of them.
        let shown = seen.map(|peer| zones.of(peer, own)).max();
        shown.map_or(told_zone, |shown| shown.max(told_zone))
    });
    let ports = match (v1.port, &v1.ports[..]) {
        (Some(port), _) => Ports::Service {
            port,
            reply: direction == Direction::Reply,
        },
        (None, &[spt, dpt]) if direction == Direction::Unknown => Ports::Pair { spt, dpt },
        _ => Ports::None,
    };
    let flags: Vec<(TcpFlags, u64)> = (v1.flags.iter())
        .filter_map(|(names, lines)| Some((flags(names)?, (*lines).min(MAX_COUNT))))
        .collect();
    let (first, last) = (time(v1.first.as_deref()), time(v1.last.as_deref()));
    let facts = Facts {
        role,
        number,
        port: v1.port,
        direction,
        zone,
        peers: &peers,
        flags: &flags,
        attempts: v1.attempts,
        lasting: last.since(first),
    };
    let cause = facts.settle(told);
    let (came_back, on_link) = (facts.came_back(), facts.is_dhcp());
    let mut evidence: Vec<Test> = v1.evidence.iter().filter_map(test).collect();
    if cause.code != told.code {
        evidence.push(Test {
            name: MADE_ANEW_TEST,
            met: false,
            text: format!(
                "the report says {}, and its own facts say {}: they count",
                told.code, cause.code
            ),
        });
    }
    let returning = if came_back { peers.clone() } else { Vec::new() };
    let absent_rule = (evidence
        .iter()
        .find(|test| test.name == "documented-rule-absent"))
    .and_then(|test| {
        catalog::RULES
            .iter()
            .find(|rule| test.text.contains(&format!("\"{}\"", rule.comment)))
    });
    let offers = v1
        .rules
        .iter()
        .filter_map(|id| rules.get(id.as_str()))
        .map(|rule| Offered {
            doubt: match (&*rule.disposition, &rule.doubt) {
                ("documented", None) => None,
                (_, Some(doubt)) => Some(doubt.code.chars().take(MAX_INTERFACE * 2).collect()),
                _ => Some(String::new()),
            },
            is_elsewhere: rule.chain != HARVESTER,
            is_narrow: (rule.source.as_ref()).is_some_and(|source| rule.id.ends_with(&**source)),
        });
    let accepted = v1.accepted.as_ref().and_then(|told| {
        Some(Accepted {
            reason: capped(&told.reason),
            until: Date::parse(&told.until)?,
            origin: None,
        })
    });
    Ok(Finding {
        id: id.to_owned(),
        key: GroupKey {
            node: 0,
            v6,
            proto: number,
            kind: kind(cause),
            direction,
            ports,
            zone,
            scanner: (cause.code == "scan")
                .then(|| peers.first().copied())
                .flatten(),
            class: PeerClass::Else,
        },
        node: v1.node.to_string(),
        role,
        role_assumed: !v1.role_known,
        cause,
        log_cause: cause,
        state,
        interface: v1.interface.to_string(),
        interfaces: v1.interfaces.to_vec(),
        proto: number,
        port: v1.port,
        ports: all_ports,
        service: service(number.unwrap_or_default(), v1.port, role, direction),
        peers,
        networks,
        logged: v1.logged.min(MAX_COUNT),
        attempts: v1.attempts.min(MAX_COUNT),
        flags,
        first,
        last,
        times: times_of(v1),
        flows: Vec::new(),
        absent_rule,
        absent_lines: 0,
        folded: !v1.networks.is_empty(),
        node_nets: zones
            .map_or(&[][..], |(_, own)| own)
            .iter()
            .map(|address| neighbourhood(*address))
            .collect(),
        returning,
        on_link,
        is_several: false,
        forged: false,
        chain_known: false,
        stale: false,
        narrower: None,
        narrowed: false,
        scanned: Vec::new(),
        established_suspect: evidence
            .iter()
            .any(|test| test.name == "established-rule-suspect" && test.met),
        evidence,
        sample: capped(&v1.sample),
        reported: Some(Reported {
            offers: offers.collect(),
            pod_cidrs: zones.map_or_else(Vec::new, |(zones, _)| zones.networks.pods.clone()),
            was_accepted: accepted.is_some(),
            is_doubtful: cause.code != told.code || zone != told_zone,
        }),
        accepted,
        rules: Vec::new(),
        outcomes: None,
    })
}

/// Returns the times of its lines.
fn times_of(v1: &FindingV1<'_>) -> Vec<Time> {
    let (first, last) = (time(v1.first.as_deref()), time(v1.last.as_deref()));
    let at = |seconds: f64| {
        Time(
            first
                .0
                .saturating_add((seconds * SECOND as f64).round() as i64),
        )
    };
    let is_within = |time: &Time| first.is_known() && (first..=last).contains(time);
    times(|| {
        v1.times
            .iter()
            .map(|seconds| at(*seconds))
            .filter(is_within)
    })
}

/// Returns an id, which has one form.
fn id(text: &str) -> Result<&str, String> {
    let is_digit = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
    if text.len() == 16 && text.bytes().all(is_digit) {
        Ok(text)
    } else {
        Err("one of its findings has no id; write the report anew with -o json".to_owned())
    }
}

/// Returns the kind of the packets, as far as the cause shows it.
fn kind(cause: &Cause) -> Kind {
    let same = Kind::ALL.into_iter().find(|kind| kind.code() == cause.code);
    match cause.code {
        "not-input" => Kind::Forward,
        _ => same.unwrap_or(Kind::Plain),
    }
}

/// Returns the name of the service, as the catalogue has it.
fn service(
    number: u8,
    port: Option<u16>,
    role: Role,
    direction: Direction,
) -> Option<&'static str> {
    let port = port?;
    let documented = || {
        let rule =
            catalog::documented(role, number, port).filter(|_| direction == Direction::Original);
        rule.map(|rule| rule.comment)
    };
    catalog::service(number, port)
        .map(|service| service.name)
        .or_else(documented)
        .or_else(|| catalog::common_name(number, port))
}

/// Flags by their names, as reports write them.
fn flags(names: &str) -> Option<TcpFlags> {
    if names == "none" {
        return Some(TcpFlags::default());
    }
    let mut all = names.split(' ').map(TcpFlags::from_name);
    all.try_fold(TcpFlags::default(), |sum, flag| Some(sum.union(flag?)))
}

/// Parses a test. Texts about a chain that cannot be inspected are replaced by fixed ones.
fn test(v1: &TestV1<'_>) -> Option<Test> {
    let name = word(&v1.test)?;
    let text = match name {
        "accepted" | "acceptance-partial" | "to-decide" | "more-peers" | "no-rule" => return None,
        RULE_IN_FORCE => {
            "the report says that a running rule does what a new one would do: none is offered"
                .to_owned()
        }
        "rule-at-next-boot" => {
            "the report says that the CloudInit has the rule from the next boot on: a reboot is due"
                .to_owned()
        }
        _ => capped(&v1.text),
    };
    Some(Test {
        name,
        met: v1.met,
        text,
    })
}

/// Returns the start of a text.
pub(super) fn capped(text: &str) -> String {
    text.chars().take(MAX_TEXT).collect()
}

/// Returns a time; unknown where the report has none.
pub(super) fn time(text: Option<&str>) -> Time {
    text.and_then(parse_rfc3339).unwrap_or(Time::UNKNOWN)
}

/// Verdicts in the order of reports, the gravest first.
pub(super) const fn rank(finding: &Finding) -> Verdict {
    finding.verdict()
}
