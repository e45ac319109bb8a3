//! Test sources and ports for INPUT: strangers, unlisted ports, source ports that rules name. What a rule names with `!` is
//! named as well: such a rule takes all others.

use std::net::IpAddr;

use crate::audit::ask::{Ask, MAX};
use crate::catalog::{RULES, Reach, SERVICES, Service};
use crate::chain::{Ports, Side, Target, Test};
use crate::net::{IpNet, PortRange};

/// Candidates for a stranger; the first that no rule names is used (RFC 5737, RFC 3849, and one of 198.18.0.0/15).
const STRANGERS: [&str; 6] = [
    "203.0.113.77",
    "198.51.100.77",
    "192.0.2.77",
    "198.19.77.77",
    "2001:db8:77::77",
    "2001:db8:78::77",
];
/// Candidates for an unlisted port; the first that no rule names is used.
const UNLISTED: [u16; 6] = [3999, 20_077, 54_321, 61_234, 999, 33_077];
/// Number of unlisted ports from which those that a rule takes are no service's: the system ports (RFC 6335), but for those of
/// them that are listed, are as many.
const WIDE: usize = 1_000;
/// Candidates for a client's port; the first that no rule names is used.
const CLIENT: [u16; 4] = [40_000, 40_077, 50_077, 60_077];

impl Ask<'_> {
    /// Returns one address outside every network that a rule names, and one in each wide network that a rule accepts as
    /// a whole.
    pub(super) fn strangers(&self) -> Vec<IpAddr> {
        let mut named: Vec<IpNet> = Vec::new();
        let mut wide: Vec<IpAddr> = Vec::new();
        for (_, _, rule) in self.rules() {
            let leads = rule.target == Target::Accept || rule.target.chain().is_some();
            for m in &rule.matches {
                match &m.test {
                    Test::Net(Side::Source, net) => {
                        named.push(*net);
                        if leads && !m.negated && rule.dports().is_none() {
                            wide.extend(self.one_of(*net));
                        }
                    }
                    Test::IpRange(Side::Source, IpAddr::V4(first), IpAddr::V4(last))
                        if leads
                            && !m.negated
                            && rule.dports().is_none()
                            && last.to_bits() - first.to_bits() > 0x100 =>
                    {
                        wide.push(IpAddr::V4(*first));
                    }
                    _ => {}
                }
            }
        }
        let strangers = STRANGERS
            .iter()
            .filter_map(|text| text.parse::<IpAddr>().ok());
        let mut out: Vec<IpAddr> = strangers
            .filter(|address| address.is_ipv6() == self.is_v6())
            .filter(|address| !named.iter().any(|net| net.contains(address)))
            .take(1)
            .collect();
        out.extend(wide);
        out.dedup();
        out.truncate(MAX);
        out
    }

    /// Returns an address of a wide network; `None` for small networks, pods, loopback and group addresses.
    pub(super) fn one_of(&self, net: IpNet) -> Option<IpAddr> {
        let narrow = if net.addr().is_ipv4() { 24 } else { 64 };
        let pods = &self.scene.options.pod_cidrs;
        let within = |address: &IpAddr| pods.iter().any(|pods| pods.contains(address));
        let special = net.addr().is_loopback() || net.addr().is_multicast();
        if net.prefix_len() >= narrow || special || pods.iter().any(|pods| pods.contains(&net)) {
            return None;
        }
        let host = |at: u32| match net {
            IpNet::V4(v4) => IpAddr::from(std::net::Ipv4Addr::from_bits(
                v4.network().to_bits() | (at & v4.hostmask().to_bits()),
            )),
            IpNet::V6(v6) => IpAddr::from(std::net::Ipv6Addr::from_bits(
                v6.network().to_bits() | (u128::from(at) & v6.hostmask().to_bits()),
            )),
        };
        [0x0000_fb4d, 0x0044_fb4d, 0x0a35_004d]
            .map(host)
            .into_iter()
            .find(|one| !within(one))
    }

    /// Returns an unlisted port that no rule names, and one that each rule for too many ports takes.
    pub(super) fn unlisted(&self, protocol: u8) -> Vec<u16> {
        let tests = self.rules().flat_map(|(_, _, rule)| &rule.matches);
        let named: Vec<(bool, &[PortRange])> = tests
            .filter_map(|m| match &m.test {
                Test::Ports(Ports::Destination | Ports::Either, ranges) => {
                    Some((m.negated, ranges.as_slice()))
                }
                _ => None,
            })
            .collect();
        let has = |ranges: &[PortRange], port| ranges.iter().any(|range| range.contains(port));
        // A service of pods or of the node itself needs no rule.
        let is_listed = |port: u16| {
            let needs_rule = |service: &Service| matches!(service.reach, Reach::Any | Reach::Nodes);
            let mut services = SERVICES
                .iter()
                .filter(|s| s.proto == protocol && needs_rule(s));
            services.any(|service| service.ports.contains(port))
                || (RULES.iter()).any(|r| r.dport.is_some_and(|ports| ports.contains(port)))
        };
        let ports = || UNLISTED.into_iter().chain(1..=u16::MAX);
        let mut is_named = vec![false; 1 << 16];
        for range in named.iter().flat_map(|(_, ranges)| *ranges) {
            is_named[usize::from(range.first)..=usize::from(range.last)].fill(true);
        }
        let mut out: Vec<u16> = ports()
            .find(|port| !is_named[usize::from(*port)] && !is_listed(*port))
            .into_iter()
            .collect();
        for (negated, ranges) in &named {
            let length: usize = ranges.iter().map(|range| range.len()).sum();
            if !negated && length < WIDE {
                continue;
            }
            let taken = |port: &u16| has(ranges, *port) != *negated && !is_listed(*port);
            if ports().filter(taken).take(WIDE).count() == WIDE {
                out.extend(ports().find(taken).filter(|port| !out.contains(port)));
            }
        }
        out.truncate(MAX);
        out
    }

    /// Returns the source ports from which a rule accepts packets to any port.
    pub(super) fn source_ports(&self, protocol: u8) -> Vec<u16> {
        let tests = || self.rules().flat_map(|(_, _, rule)| &rule.matches);
        let is_named = |port: u16| {
            tests().any(|m| match &m.test {
                Test::Ports(Ports::Source | Ports::Either, ranges) => {
                    m.negated && ranges.iter().any(|range| range.contains(port))
                }
                _ => false,
            })
        };
        let client = CLIENT.into_iter().find(|port| !is_named(*port));
        let mut out = vec![client.unwrap_or(CLIENT[0])];
        for (_, _, rule) in self.rules() {
            let open = rule.target == Target::Accept && rule.dports().is_none();
            if !open || rule.protocol().is_some_and(|number| number != protocol) {
                continue;
            }
            for m in rule.matches.iter().filter(|m| !m.negated) {
                if let Test::Ports(Ports::Source, ranges) = &m.test {
                    out.extend(ranges.first().map(|range| range.first));
                }
            }
        }
        out.dedup();
        out.truncate(MAX);
        out
    }
}
