//! The ACCEPT rules that findings ask for: [`suggest`]. A rule comes only of a missing rule, never of a reply, a scan, a
//! broadcast or a single attempt.

mod disposition;
mod emit;
mod iptables;
mod manner;
mod patch;
mod place;
mod split;

use crate::catalog::{self, DocumentedRule, Role};
use crate::cause::{Test, Verdict};
use crate::chain::Family;
use crate::finding::Finding;
use crate::net::{IpNet, PortRange};
use crate::packet::proto;
use crate::packet::proto_name;
use crate::site::Site;

pub use disposition::Doubt;
pub use emit::{EMITTERS, Emitter, Offer};
pub use patch::{CloudInitFile, Patched};
pub use place::Spot;
pub use split::Split;

/// So many peers get a rule each; who has more should name a network.
const MOST_PEERS: usize = 16;
/// The test that tells of a live rule which does what a new one would do.
pub const RULE_IN_FORCE: &str = "rule-in-force";
/// The longest comment that the kernel keeps, in bytes (XT_MAX_COMMENT_LEN less its NUL).
const LONGEST_COMMENT: usize = 255;

/// Whether a rule may be applied as it stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Disposition {
    /// A line of the documentation for this role or addon.
    Documented,
    /// Somebody has to decide.
    Review,
}

impl Disposition {
    pub const ALL: [Self; 2] = [Self::Documented, Self::Review];

    /// As reports write it.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Documented => "documented",
            Self::Review => "review",
        }
    }
}

/// Whom the rules are to accept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Scope {
    /// As the documentation writes them: anybody; unlisted ports by peer.
    #[default]
    Documented,
    /// The peers that the log shows.
    Peers,
    /// The network of the nodes.
    NodeNet,
}

impl Scope {
    pub const ALL: [Self; 3] = [Self::Documented, Self::Peers, Self::NodeNet];

    /// As users write it.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Documented => "documented",
            Self::Peers => "peers",
            Self::NodeNet => "node-net",
        }
    }
}

/// An ACCEPT rule for the chain of one node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AcceptRule {
    /// Node, protocol and ports; with the source where there are several, and the family where it is IPv6.
    pub id: String,
    pub node: String,
    pub role: Role,
    /// `None` accepts all protocols.
    pub proto: Option<u8>,
    pub sport: Option<u16>,
    pub dport: Option<PortRange>,
    pub source: Option<IpNet>,
    pub v6: bool,
    pub comment: String,
    pub disposition: Disposition,
    /// Why somebody has to decide on it.
    pub doubt: Option<Doubt>,
    /// Where it goes in the running chain.
    pub spot: Spot,
}

impl AcceptRule {
    /// The protocol as `iptables -p` and reports name it.
    pub fn proto_name(&self) -> String {
        match self.proto {
            None => "all".to_owned(),
            Some(proto::ICMPV6) => "icmpv6".to_owned(),
            Some(number) => proto_name(number).into_owned(),
        }
    }

    /// Whom it accepts, as iptables prints it; `None` for anybody.
    pub fn source_text(&self) -> Option<String> {
        self.source.map(iptables::source)
    }

    /// The command that puts it before the LOG rule of a running chain.
    pub fn insert(&self) -> String {
        format!(
            "{} -I {} {} {}",
            self.program(),
            iptables::CHAIN,
            self.spot.number,
            self.body()
        )
    }

    /// The command that takes it back.
    pub fn undo(&self) -> String {
        format!("{} -D {} {}", self.program(), iptables::CHAIN, self.body())
    }

    /// The line for the CloudInit resource of the role.
    pub fn append(&self) -> String {
        format!("{} -A {} {}", self.program(), iptables::CHAIN, self.body())
    }

    /// The tool that applies it.
    pub const fn program(&self) -> &'static str {
        self.family().tool()
    }

    /// The family of the packets that it accepts.
    pub const fn family(&self) -> Family {
        if self.v6 { Family::V6 } else { Family::V4 }
    }

    fn body(&self) -> String {
        iptables::body(self)
    }
}

/// The rules for `findings`, each once; notes in each finding which of them accepts it.
pub fn suggest(findings: &mut [Finding], site: &Site, scope: Scope) -> Vec<AcceptRule> {
    let mut rules: Vec<AcceptRule> = Vec::new();
    for finding in findings
        .iter_mut()
        .filter(|f| f.verdict() == Verdict::MissingRule)
    {
        let mut own = for_finding(finding, site, scope);
        if own.len() < finding.peers.len() && own.len() == MOST_PEERS {
            finding.evidence.push(Test {
                name: "more-peers",
                met: true,
                text: format!(
                    "rules for {MOST_PEERS} of {} peers only: name their network, --node-net CIDR --scope node-net",
                    finding.peers.len()
                ),
            });
        }
        own.retain_mut(|rule| match place::place(rule, site) {
            None => true,
            Some(accepts) => {
                finding.evidence.push(Test {
                    name: RULE_IN_FORCE,
                    met: true,
                    text: accepts,
                });
                false
            }
        });
        finding.rules = own.iter().map(|rule| rule.id.clone()).collect();
        if let Some(doubt) = own.first().and_then(|rule| rule.doubt.as_ref()) {
            finding.evidence.push(Test {
                name: "to-decide",
                met: false,
                text: doubt.text(),
            });
        }
        for rule in own {
            match rules.iter_mut().find(|known| known.id == rule.id) {
                // One finding that leaves no doubt suffices.
                Some(known) if rule.doubt.is_none() => *known = rule,
                Some(_) => {}
                None => rules.push(rule),
            }
        }
    }
    rules.sort_by(|a, b| order(a).cmp(&order(b)));
    rules
}

fn order(rule: &AcceptRule) -> impl Ord + '_ {
    (
        &rule.node,
        rule.disposition,
        rule.v6,
        rule.proto,
        rule.dport,
        rule.source,
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
    let settled = disposition::disposition(finding, documented);
    let rule = AcceptRule {
        id: String::new(),
        node: finding.node.clone(),
        role: finding.role,
        proto: if pods { None } else { finding.key.proto },
        sport: documented.and_then(|rule| rule.sport),
        dport: match documented {
            Some(rule) => rule.dport,
            None => finding.port.map(PortRange::one),
        },
        source: None,
        v6: finding.key.v6,
        comment,
        disposition: Disposition::from(&settled),
        doubt: settled.err(),
        spot: Spot::default(),
    };
    if pods {
        let nets = site.pod_cidrs();
        let seen = nets.into_iter().filter(|net| {
            let folded = finding.networks.iter().map(IpNet::network);
            finding
                .peers
                .iter()
                .copied()
                .chain(folded)
                .any(|peer| net.contains(&peer))
        });
        return with_sources(&rule, seen.collect());
    }
    let listed = documented.is_some() || finding.cause.code == "addon-port";
    let sources = match scope {
        Scope::Documented if listed => return with_sources(&rule, Vec::new()),
        Scope::NodeNet if listed => node_nets(finding, site),
        _ => Vec::new(),
    };
    let sources = if sources.is_empty() {
        peers(finding)
    } else {
        sources
    };
    // Without a source it would be open to anybody, which nobody asked for.
    if sources.is_empty() {
        Vec::new()
    } else {
        with_sources(&rule, sources)
    }
}

/// The documented rule that a finding lacks.
fn documented(finding: &Finding, number: u8) -> Option<&'static DocumentedRule> {
    match finding.cause.code {
        "icmp" => catalog::icmp_rule(),
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

/// A comment for a rule that the documentation does not have, without what YAML or a shell would read as more than text.
fn comment(finding: &Finding, number: u8) -> String {
    let port = finding
        .port
        .map_or_else(String::new, |port| format!("/{port}"));
    let mut text = match finding.service {
        Some(service) => service.to_owned(),
        None => format!("{}{port} (unlisted, checked by hand)", proto_name(number)),
    };
    text.truncate(LONGEST_COMMENT);
    text
}

/// The peers that were told apart; never the networks that others were folded into.
fn peers(finding: &Finding) -> Vec<IpNet> {
    finding
        .peers
        .iter()
        .take(MOST_PEERS)
        .map(|&peer| IpNet::from(peer))
        .collect()
}

/// The networks of the nodes: as the user told them, else those around the node's own addresses. Never those of a peer,
/// who may be a stranger.
fn node_nets(finding: &Finding, site: &Site) -> Vec<IpNet> {
    let told = !site.node_nets.is_empty();
    let mut nets = if told {
        site.node_nets.clone()
    } else {
        finding.node_nets.clone()
    };
    nets.retain(|net| matches!(net, IpNet::V6(_)) == finding.key.v6);
    nets.sort_unstable();
    nets.dedup();
    nets
}

/// `rule` once for each source, or once for anybody.
fn with_sources(rule: &AcceptRule, sources: Vec<IpNet>) -> Vec<AcceptRule> {
    // The one network of pods is the documented rule's; any other source makes another rule.
    let named = sources.len() > 1 || rule.proto.is_some();
    let of = |source: Option<IpNet>| {
        let mut id = format!("{}/{}", rule.node, rule.proto_name());
        if let Some(dport) = rule.dport {
            id = format!("{id}/{dport}");
        }
        if rule.v6 {
            id.push_str("/ipv6");
        }
        if let Some(source) = source.filter(|_| named) {
            id = format!("{id}/{}", iptables::source(source));
        }
        AcceptRule {
            id,
            source,
            ..rule.clone()
        }
    };
    if sources.is_empty() {
        vec![of(None)]
    } else {
        sources.into_iter().map(|source| of(Some(source))).collect()
    }
}
