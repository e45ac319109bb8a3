//! Test sources and ports for INPUT: strangers, unlisted ports, source ports that rules name.

use std::net::IpAddr;

use crate::audit::ask::{Ask, MAX};
use crate::catalog::{RULES, SERVICES};
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
/// Number of ports from which a range is no service's.
const WIDE: usize = 30_000;

impl Ask<'_> {
    /// Returns one address outside every network that a rule names, and one in each wide network that a rule accepts as
    /// a whole.
    pub(super) fn strangers(&self) -> Vec<IpAddr> {
        let mut named: Vec<IpNet> = Vec::new();
        let mut wide: Vec<IpAddr> = Vec::new();
        for (_, _, rule) in self.rules() {
            let leads = rule.target == Target::Accept || rule.target.chain().is_some();
            for m in rule.matches.iter().filter(|m| !m.negated) {
                match &m.test {
                    Test::Net(Side::Source, net) => {
                        named.push(*net);
                        if leads && rule.dports().is_none() {
                            wide.extend(self.one_of(*net));
                        }
                    }
                    Test::IpRange(Side::Source, IpAddr::V4(first), IpAddr::V4(last))
                        if leads
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

    /// Returns an unlisted port that no rule names, and one of each range that is too wide for a service.
    pub(super) fn unlisted(&self, protocol: u8) -> Vec<u16> {
        let mut named: Vec<PortRange> = Vec::new();
        for (_, _, rule) in self.rules() {
            named.extend(rule.dports().into_iter().flatten());
        }
        let free = |port: &u16| !named.iter().any(|range| range.contains(*port));
        let mut out: Vec<u16> = UNLISTED.into_iter().find(free).into_iter().collect();
        let listed = |port: u16| {
            SERVICES
                .iter()
                .any(|s| s.proto == protocol && s.ports.contains(port))
                || RULES
                    .iter()
                    .any(|r| r.dport.is_some_and(|ports| ports.contains(port)))
        };
        for range in named.iter().filter(|range| range.len() >= WIDE) {
            let within = UNLISTED.into_iter().chain(range.first..=range.last);
            out.extend(
                within
                    .filter(|port| range.contains(*port))
                    .find(|port| !listed(*port)),
            );
        }
        out.dedup();
        out.truncate(MAX);
        out
    }

    /// Returns the source ports from which a rule accepts packets to any port.
    pub(super) fn source_ports(&self, protocol: u8) -> Vec<u16> {
        let mut out = vec![40_000];
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
