//! Ports that stay closed on purpose: missing rules that are accepted as findings.

use std::collections::HashMap;

use super::{AcceptRule, Disposition, Doubt};
use crate::cause::Verdict;
use crate::finding::Finding;
use crate::flow::{Kind, LOOPBACK};
use crate::net::IpNet;
use crate::packet::proto_name;

/// Findings that are accepted as they are, by node.
pub(super) struct Closed(HashMap<String, Vec<ClosedPort>>);

struct ClosedPort {
    v6: bool,
    proto: Option<u8>,
    port: Option<u16>,
    peers: Vec<IpNet>,
    on_loopback: bool,
}

impl Closed {
    pub(super) fn of(findings: &[Finding]) -> Self {
        let accepted = findings
            .iter()
            .filter(|f| f.accepted.is_some() && f.verdict() == Verdict::MissingRule);
        let mut closed: HashMap<String, Vec<ClosedPort>> = HashMap::new();
        for finding in accepted {
            let peers = finding.peers.iter().map(|peer| IpNet::from(*peer));
            let own = closed.entry(finding.node.clone()).or_default();
            own.push(ClosedPort {
                v6: finding.key.v6,
                proto: finding.key.proto,
                port: finding.port,
                peers: peers.chain(finding.networks.iter().copied()).collect(),
                on_loopback: finding.key.kind == Kind::Loopback,
            });
        }
        Self(closed)
    }

    /// Marks `rule` as one that needs a decision if it would open a port that stays closed.
    pub(super) fn doubt(&self, rule: &mut AcceptRule) {
        let mut own = self.0.get(&rule.node).into_iter().flatten();
        let Some(port) = own.find(|port| port.is_opened_by(rule)) else {
            return;
        };
        rule.disposition = Disposition::Review;
        rule.doubt = Some(Doubt::Closed(port.name()));
    }
}

impl ClosedPort {
    /// Whether `rule` accepts some of its packets.
    fn is_opened_by(&self, rule: &AcceptRule) -> bool {
        let of_port = match (rule.dport(), self.port) {
            (None, _) => true,
            (Some(ports), Some(port)) => ports.contains(port),
            (Some(_), None) => false,
        };
        let from = |net: IpNet| {
            self.peers
                .iter()
                .any(|peer| net.contains(peer) || peer.contains(&net))
        };
        self.v6 == matches!(rule.family, crate::chain::Family::V6)
            && (rule.rule.protocol()).is_none_or(|proto| self.proto == Some(proto))
            && of_port
            && (self.on_loopback || rule.rule.interface() != Some(LOOPBACK))
            && rule.source().is_none_or(from)
    }

    fn name(&self) -> String {
        let proto = self.proto.map_or_else(|| "no protocol".into(), proto_name);
        match self.port {
            Some(port) => format!("{proto}/{port}"),
            None => proto.into_owned(),
        }
    }
}
