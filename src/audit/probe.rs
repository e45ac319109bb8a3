//! Packets to a chain, to learn which ports it accepts, and from whom.

use std::net::IpAddr;

use crate::audit::scene::{Scene, Subject};
use crate::catalog::DocumentedRule;
use crate::chain::{Chain, End, Evaluation, Family, Rule, Side, Target, Test};
use crate::net::{IpNet, PortRange, parse_net};
use crate::packet::proto;
use crate::packet::{Hook, PacketSummary, PktType, Shape, TcpFlags};

/// The pod network unless told (rke2-90-harvester-server.yaml).
const POD_NETWORK: &str = "10.52.0.0/16";
/// A peer of no known network (RFC 5737, RFC 3849).
const SOMEBODY: [&str; 2] = ["192.0.2.1", "2001:db8::1"];
/// So many sources and points of a range are asked; more rules than that differ in nothing else.
const MOST: usize = 64;

pub(super) fn pod_network(scene: &Scene<'_>) -> Option<IpNet> {
    scene
        .options
        .pod_cidr
        .or_else(|| parse_net(POD_NETWORK).ok())
}

/// Whom the packets come from: somebody, and one of each network that a rule names, but for the pods.
fn sources(scene: &Scene<'_>, subject: &Subject<'_>, chain: &Chain) -> Vec<IpAddr> {
    let somebody = SOMEBODY[usize::from(subject.family == Family::V6)]
        .parse()
        .ok();
    let pods = pod_network(scene);
    let mut out: Vec<IpAddr> = somebody.into_iter().collect();
    for m in chain.rules.iter().flat_map(|rule| &rule.matches) {
        if let Test::Net(Side::Source, net) = &m.test
            && !m.negated
            && !pods.is_some_and(|pods| pods.contains(net))
            && !out.contains(&net.addr())
            && out.len() < MOST
        {
            out.push(net.addr());
        }
    }
    out
}

/// Packets to a chain.
pub(super) struct Probe<'a> {
    subject: &'a Subject<'a>,
    chain: &'a Chain,
    sources: Vec<IpAddr>,
}

impl<'a> Probe<'a> {
    pub(super) fn new(scene: &Scene<'_>, subject: &'a Subject<'a>, chain: &'a Chain) -> Self {
        Self {
            subject,
            chain,
            sources: sources(scene, subject, chain),
        }
    }

    pub(super) fn accepts(&self, src: IpAddr, protocol: u8, spt: u16, dpt: Option<u16>) -> bool {
        let dst = if src.is_ipv4() {
            [192, 0, 2, 2].into()
        } else {
            IpAddr::from([0x2001, 0xdb8, 0, 0, 0, 0, 0, 2])
        };
        let interface = self
            .subject
            .jumps(self.chain)
            .into_iter()
            .flatten()
            .find_map(|rule| {
                rule.matches.iter().find_map(|m| match &m.test {
                    Test::Interface(Side::Source, name) if !m.negated => {
                        Some(name.trim_end_matches('+'))
                    }
                    _ => None,
                })
            });
        let packet = PacketSummary {
            interface: interface.unwrap_or("mgmt-br"),
            src,
            dst,
            proto: Some(protocol),
            spt: dpt.map(|_| spt),
            dpt,
            flags: (protocol == proto::TCP).then_some(TcpFlags::SYN),
            icmp_type: match protocol {
                proto::ICMP => Some(8),
                proto::ICMPV6 => Some(128),
                _ => None,
            },
            shape: Shape::Whole,
            hook: Hook::Input,
            cast: PktType::Unicast,
            frame: PktType::Unicast,
            data: false,
        };
        let when = Evaluation {
            chain: &self.chain.name,
        };
        matches!(
            self.subject.set.evaluate(&packet, when).end,
            End::Accepted(_)
        )
    }

    /// The first port of the range that nobody is let in to.
    pub(super) fn closed(&self, protocol: u8, spt: u16, range: PortRange) -> Option<u16> {
        let mut points = vec![range.first, range.last];
        for found in self.chain.rules.iter().filter_map(Rule::dports).flatten() {
            points.extend([
                found.first,
                found.first.saturating_sub(1),
                found.last,
                found.last.saturating_add(1),
            ]);
            if points.len() > MOST * MOST {
                break;
            }
        }
        points.retain(|port| range.contains(*port));
        points.sort_unstable();
        points.dedup();
        let open = |port: &u16| {
            self.sources
                .iter()
                .any(|src| self.accepts(*src, protocol, spt, Some(*port)))
        };
        points.into_iter().find(|port| !open(port))
    }

    /// Whether a dead rule behind DROP names the port: that is another finding.
    fn dead(&self, protocol: u8, range: PortRange) -> bool {
        let stop = self.chain.stop_number().unwrap_or(usize::MAX);
        self.chain.rules.iter().skip(stop).any(|rule| {
            rule.target == Target::Accept
                && rule.protocol() == Some(protocol)
                && rule
                    .dports()
                    .is_some_and(|ports| ports.iter().any(|known| known.contains(range.first)))
        })
    }

    /// What of the documented rule is not accepted, in words.
    pub(super) fn missing(&self, rule: &DocumentedRule) -> Option<String> {
        let protocol = rule.proto?;
        let Some(range) = rule.dport else {
            let protocol = if self.subject.family == Family::V6 {
                proto::ICMPV6
            } else {
                protocol
            };
            let open = self
                .sources
                .iter()
                .any(|src| self.accepts(*src, protocol, 0, None));
            return (!open).then(|| "ICMP".to_owned());
        };
        let closed = self.closed(protocol, rule.sport.unwrap_or(40_000), range)?;
        let name = if protocol == proto::TCP { "tcp" } else { "udp" };
        let part = if range.len() > 1 && closed != range.first {
            format!(" (from {closed})")
        } else {
            String::new()
        };
        (!self.dead(protocol, range)).then(|| format!("{name}/{range}{part}"))
    }
}
