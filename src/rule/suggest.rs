//! Rules for the findings of a report, each once.

use std::collections::{BTreeSet, HashMap};

use foldhash::fast::RandomState;

use super::accept_rule::{AcceptRule, Disposition, accept};
use super::closed::Closed;
use super::disposition::{Doubt, disposition};
use super::insertion_point::InsertionPoint;
use super::placed::placed;
use super::reported::restrain;
use super::rules::Rules;
use super::scope::Scope;
use crate::catalog::{self, DocumentedRule, Reach};
use crate::cause::{ALREADY_ALLOWED, Test, Verdict};
use crate::chain::{Family, Match, Origin, Side, Test as RuleTest, address};
use crate::finding::Finding;
use crate::flow::{Kind, LOOPBACK};
use crate::net::{IpNet, PortRange};
use crate::packet::{proto, proto_name};
use crate::site::Site;

/// Upper bound on the peers of one finding that get a rule each; for more of them a network should be named.
const MAX_PEERS: usize = 16;
/// Longest comment that the kernel keeps, in bytes (XT_MAX_COMMENT_LEN less its NUL).
const MAX_COMMENT: usize = 255;

/// Suggests the rules for `findings`, each once, and records in each finding the ids of the rules that accept it. An
/// accepted finding needs none, and a rule that would let it in too needs a decision.
pub fn suggest(findings: &mut [Finding], site: &Site, scope: Scope) -> Rules {
    let closed = Closed::of(findings);
    let mut rules: Vec<AcceptRule> = Vec::new();
    let mut places: HashMap<String, usize, RandomState> = HashMap::default();
    for finding in findings
        .iter_mut()
        .filter(|f| f.verdict() == Verdict::MissingRule && f.accepted.is_none())
    {
        let mut own = for_finding(finding, site, scope);
        if let Some(narrower) = &finding.narrower
            && own.is_empty()
            && finding.narrowed
        {
            finding.evidence.push(Test {
                name: "to-decide",
                met: false,
                text: Doubt::Narrowed(narrower.clone()).text(),
            });
        } else if own.is_empty() && !finding.networks.is_empty() {
            finding.evidence.push(Test {
                name: "no-rule",
                met: true,
                text: "its peers were too many to be told apart: no rule is offered for their whole network. Find out what \
                       listens there, with `ss -ltnup` on the node, and add a rule for those who may"
                    .to_owned(),
            });
        }
        restrain(&mut own, finding, site);
        own.iter_mut().for_each(|rule| closed.doubt(rule));
        if own.len() < finding.peers.len() && own.len() == MAX_PEERS {
            finding.evidence.push(Test {
                name: "more-peers",
                met: true,
                text: format!(
                    "rules for {MAX_PEERS} of {} peers only: name their network, --node-net CIDR --scope node-net",
                    finding.peers.len()
                ),
            });
        }
        let count = own.len();
        // Rules of a dump that is older than the line may have been replaced on the node.
        let own: Vec<AcceptRule> = (own.into_iter())
            .flat_map(|rule| {
                let is_old = finding.stale || is_newer(finding, &rule, site);
                // A live rule does not help those whom a narrower one stops before.
                let is_narrowed = matches!(rule.doubt, Some(Doubt::Narrowed(_)));
                let (placed, tests) = placed(&rule, finding, site);
                if placed.is_empty() && (is_old || is_narrowed) {
                    return vec![rule];
                }
                finding.evidence.extend(tests);
                placed
            })
            .map(|rule| unless_narrowed(rule, site))
            .collect();
        // The lines of a report cannot be run through the chain; the rule that they need can be looked for.
        if finding.reported.is_some() && count > 0 && own.is_empty() {
            finding.cause = &ALREADY_ALLOWED;
        }
        finding.rules.clear();
        if let Some(doubt) = own.first().and_then(|rule| rule.doubt.as_ref()) {
            finding.evidence.push(Test {
                name: "to-decide",
                met: false,
                text: doubt.text(),
            });
        }
        for mut rule in own {
            rule.id = own_id(&rule, |id| places.get(id).map(|known| &rules[*known]));
            finding.rules.push(rule.id.clone());
            match places.get(&rule.id) {
                // One finding without a doubt suffices.
                Some(&known) if rule.doubt.is_none() => rules[known] = rule,
                Some(_) => {}
                None => {
                    places.insert(rule.id.clone(), rules.len());
                    rules.push(rule);
                }
            }
        }
    }
    rules.sort_by(|a, b| order(a).cmp(&order(b)));
    rules.into()
}

/// Whether the last line of a report's finding is newer than the dump of the running chain: that chain is another by now.
fn is_newer(finding: &Finding, rule: &AcceptRule, site: &Site) -> bool {
    let chains = site.in_force.of(&rule.node, rule.role, rule.family);
    let Some(Origin::Running(Some(taken))) = chains.map(|chains| chains.origin) else {
        return false;
    };
    finding.reported.is_some() && finding.last.is_dated() && taken < finding.last
}

/// Returns `rule`, to be decided where the chains of its node have one of its ports, or of its sources, more narrowly.
fn unless_narrowed(mut rule: AcceptRule, site: &Site) -> AcceptRule {
    let chains = site.in_force.of(&rule.node, rule.role, rule.family);
    let narrowing = chains.and_then(|chains| chains.narrowing(&rule.rule, &rule.interface));
    if let Some(narrowing) = narrowing.filter(|_| rule.doubt.is_none()) {
        rule.disposition = Disposition::Review;
        rule.doubt = Some(Doubt::Narrowed(narrowing.told()));
    }
    rule
}

/// Returns the id of a rule: with the chain, and with the interface, where a rule for another place has the id without.
fn own_id<'a>(rule: &AcceptRule, known: impl Fn(&str) -> Option<&'a AcceptRule>) -> String {
    let chain = format!("{}/{}", rule.id, rule.place.chain);
    let interface = format!("{chain}/{}", rule.interface);
    let is_free = |id: &&String| known(id).is_none_or(|other| other.is_placed_as(rule));
    let id = [&rule.id, &chain].into_iter().find(is_free);
    id.unwrap_or(&interface).clone()
}

fn order(rule: &AcceptRule) -> impl Ord + '_ {
    (
        &rule.node,
        rule.disposition,
        rule.family,
        rule.rule.protocol(),
        rule.dport(),
        rule.source(),
    )
}

fn for_finding(finding: &Finding, site: &Site, scope: Scope) -> Vec<AcceptRule> {
    let number = finding.key.proto.unwrap_or_default();
    let documented = documented(finding, number);
    let pods = documented.is_some_and(|rule| rule.pod_network);
    let comment = match documented {
        Some(rule) => rule.comment.to_owned(),
        None => comment(finding, number),
    };
    let proto = finding.key.proto.filter(|_| !pods);
    let sport = documented.and_then(|rule| rule.sport);
    let dport = match documented {
        Some(rule) => rule.dport,
        None => finding.port.map(PortRange::one),
    };
    let settled = disposition(finding, documented);
    let rule = AcceptRule {
        id: String::new(),
        node: finding.node.clone(),
        role: finding.role,
        role_known: !finding.role_assumed,
        family: if finding.key.v6 {
            Family::V6
        } else {
            Family::V4
        },
        rule: accept(None, proto, sport, dport, &comment),
        interface: finding.interface.clone(),
        disposition: Disposition::from(&settled),
        doubt: settled.err(),
        place: InsertionPoint::from(site),
        within: None,
    };
    if finding.key.kind == Kind::Loopback {
        return vec![on_loopback(rule)];
    }
    if pods {
        let told = finding.reported.iter().flat_map(|told| &told.pod_cidrs);
        let nets: BTreeSet<IpNet> = site.pod_cidrs().iter().chain(told).copied().collect();
        let seen = nets.into_iter().filter(|net| {
            let folded = finding.networks.iter().map(IpNet::network);
            finding
                .peers
                .iter()
                .copied()
                .chain(folded)
                .any(|peer| net.contains(&peer))
        });
        let seen: Vec<IpNet> = seen.collect();
        // Without a source it would accept everything.
        return if seen.is_empty() {
            Vec::new()
        } else {
            with_sources(&rule, seen)
        };
    }
    // A rule for a protocol with ports needs one, which the finding of a report may lack.
    if rule.dport().is_none() && !matches!(proto, Some(proto::ICMP | proto::ICMPV6)) {
        return Vec::new();
    }
    let is_addon = || {
        let row = finding.port.and_then(|port| catalog::service(number, port));
        row.is_some_and(|row| row.addon.is_some())
    };
    let listed = documented.is_some() || finding.cause.code == "addon-port" && is_addon();
    // A report with rules for sources alone is not read as one with rules for everybody.
    let offers = finding.reported.iter().flat_map(|told| &told.offers);
    let scope = match scope {
        Scope::Documented if offers.into_iter().any(|offer| offer.is_narrow) => Scope::Peers,
        scope => scope,
    };
    let sources = match scope {
        // A wider rule would override a restriction that was made on purpose.
        _ if finding.narrowed => Vec::new(),
        Scope::Documented if listed => return with_sources(&rule, Vec::new()),
        Scope::Sources if listed => match reach(number, finding.port) {
            Reach::Nodes => nodes(finding, site),
            _ => return with_sources(&rule, Vec::new()),
        },
        Scope::NodeNet if listed => node_nets(finding, site),
        _ => Vec::new(),
    };
    // Sources that none of the peers has would let none of them in.
    let lets_in = |net: &IpNet| finding.peers.iter().any(|peer| net.contains(peer));
    let sources = if !sources.iter().any(lets_in) && finding.networks.is_empty() {
        peers(finding)
    } else {
        sources
    };
    // Without sources the rule would accept any source, which was not requested.
    if sources.is_empty() {
        Vec::new()
    } else {
        with_sources(&rule, sources)
    }
}

/// Returns `rule` for all that comes in by the loopback, once for a node whatever it asked for.
fn on_loopback(rule: AcceptRule) -> AcceptRule {
    let v6 = if rule.family == Family::V6 {
        "/ipv6"
    } else {
        ""
    };
    let any = accept(None, None, None, None, "Loopback");
    AcceptRule {
        id: format!("{}/{LOOPBACK}{v6}", rule.node),
        rule: any.for_interface(Some(LOOPBACK)),
        interface: LOOPBACK.to_owned(),
        ..rule
    }
}

/// Returns the documented rule whose absence explains a finding.
fn documented(finding: &Finding, number: u8) -> Option<&'static DocumentedRule> {
    match finding.cause.code {
        "icmp" => catalog::icmp_rule().filter(|_| matches!(number, proto::ICMP | proto::ICMPV6)),
        "pod-network" => catalog::pod_rule(),
        "documented-port" => {
            let port = finding.port?;
            catalog::documented(finding.role, number, port).or_else(|| {
                catalog::dhcp_reply_rule().filter(|r| r.dport == Some(PortRange::one(port)))
            })
        }
        _ => None,
    }
}

/// Returns a comment for an undocumented rule, without characters that are special in YAML or a shell.
fn comment(finding: &Finding, number: u8) -> String {
    let port = finding
        .port
        .map_or_else(String::new, |port| format!("/{port}"));
    let mut text = match finding.service {
        Some(service) => service.to_owned(),
        None => format!("{}{port} (unlisted, checked by hand)", proto_name(number)),
    };
    text.truncate(MAX_COMMENT);
    text
}

/// Returns the peers that were told apart; never the networks into which others were folded.
fn peers(finding: &Finding) -> Vec<IpNet> {
    finding
        .peers
        .iter()
        .take(MAX_PEERS)
        .map(|&peer| IpNet::from(peer))
        .collect()
}

/// Returns the peers that connect to the service behind a port; [`Reach::Any`] where no row lists it.
fn reach(number: u8, port: Option<u16>) -> Reach {
    port.map_or(Reach::Any, |port| catalog::reach(number, port))
}

/// Returns the nodes of the cluster: their networks, where the user gave them; else their known addresses, with those of
/// the finding's peers; else the networks around the node's own addresses.
fn nodes(finding: &Finding, site: &Site) -> Vec<IpNet> {
    // The node's own addresses as well: the CloudInit of its role has the same lines on every node.
    let mut known: Vec<IpNet> = (site.known.addresses().keys())
        .filter(|address| address.is_ipv6() == finding.key.v6)
        .map(|address| IpNet::from(*address))
        .collect();
    if !site.known.node_nets().is_empty() || known.is_empty() {
        return node_nets(finding, site);
    }
    known.extend(peers(finding));
    known.sort_unstable();
    known.dedup();
    known
}

/// Returns the networks of the nodes: as the user gave them, else those around the node's own addresses. Never those of
/// a peer, which may be a stranger.
fn node_nets(finding: &Finding, site: &Site) -> Vec<IpNet> {
    let told = !site.known.node_nets().is_empty();
    let mut nets = if told {
        site.node_nets()
    } else {
        finding.node_nets.to_vec()
    };
    nets.retain(|net| matches!(net, IpNet::V6(_)) == finding.key.v6);
    nets.sort_unstable();
    nets.dedup();
    nets
}

/// Returns `rule` once for each source, or once for any source.
fn with_sources(rule: &AcceptRule, sources: Vec<IpNet>) -> Vec<AcceptRule> {
    // With the single network of the pods the rule is the documented one; any other source makes another rule.
    let named = sources.len() > 1 || rule.rule.protocol().is_some();
    let of = |source: Option<IpNet>| {
        let mut id = format!("{}/{}", rule.node, rule.proto_name());
        if let Some(dport) = rule.dport() {
            id = format!("{id}/{dport}");
        }
        if rule.family == Family::V6 {
            id.push_str("/ipv6");
        }
        if let Some(source) = source.filter(|_| named) {
            id = format!("{id}/{}", address(source));
        }
        let mut own = AcceptRule { id, ..rule.clone() };
        let net = source.map(|net| Match {
            test: RuleTest::Net(Side::Source, net),
            negated: false,
        });
        own.rule.matches.splice(0..0, net);
        own
    };
    if sources.is_empty() {
        vec![of(None)]
    } else {
        sources.into_iter().map(|source| of(Some(source))).collect()
    }
}
