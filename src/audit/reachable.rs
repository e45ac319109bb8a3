//! Whether the nodes of the cluster can reach a port: test packets from the sources that the rules name.
//!
//! Nobody tells an audit the addresses of the nodes. So a network, a set or several hosts may be the nodes'; one host or
//! one MAC address is one machine, and loopback, pods and group addresses are none.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::audit::ask::{Ask, MAX, falls_through};
use crate::catalog::{self, DocumentedRule, Reach};
use crate::chain::{Match, Outcome, Position, Question, Rule, Sender, Side, States, Target, Test};
use crate::net::{PortRange, is_private};
use crate::packet::proto;

/// Upper bound on the sources tested for one port. Where rules name more, some node is taken to be among them.
const MAX_SOURCES: usize = 128;

/// Nodes that can reach a port.
pub(super) enum Reached {
    /// By any node, for all that is known.
    Open,
    /// By one host, with one MAC address, or at some times: the matches that say so, and the rule.
    Only(String, Position),
    /// By no node; the outcome of its packet.
    Closed(Option<Outcome>),
}

/// Source that a rule names.
struct Source {
    /// Addresses of it, with which it is tested.
    tested: Vec<IpAddr>,
    /// Its text, where it is one host.
    host: Option<String>,
}

/// Part of a documented rule that is not as it is needed.
pub(super) struct Part {
    /// `tcp/2379:2380 (from 2380)`.
    pub(super) name: String,
    pub(super) port: Option<u16>,
    pub(super) reached: Reached,
}

impl Ask<'_> {
    /// Finds the nodes that can reach a port; without a port, those whose echo request is accepted.
    fn reached(&self, protocol: u8, spt: u16, dpt: Option<u16>) -> Reached {
        if self.is_spent() {
            return Reached::Open;
        }
        let anywhere = self.anywhere();
        let of_nodes = dpt.is_some_and(|port| is_of_nodes(protocol, port));
        if let Some(outcome) = self.passes(anywhere, protocol, spt, dpt) {
            return if of_nodes {
                self.but_for(&outcome, protocol, spt, dpt)
            } else {
                Reached::Open
            };
        }
        let mut sources = self.sources(|rule| concerns(rule, protocol, dpt));
        let has_private = |source: &Source| source.tested.iter().any(|ip| is_private(*ip));
        if self.has_private_net() {
            // Nodes with private addresses have no public one besides.
            sources.retain(|source| source.host.is_none() || !of_nodes || has_private(source));
        }
        if sources.len() > MAX_SOURCES {
            return Reached::Open;
        }
        sources.push(Source {
            tested: vec![anywhere],
            host: None,
        });
        let mut only: Vec<(String, bool, Position)> = Vec::new();
        for source in &sources {
            for src in &source.tested {
                let passes = self.passes(*src, protocol, spt, dpt);
                if passes.is_some() && source.host.is_none() {
                    return Reached::Open;
                }
                let mut ways = self.accepted_if(*src, protocol, spt, dpt);
                // A packet may also return to a policy that accepts.
                let returned = passes.and_then(|outcome| outcome.returned);
                ways.extend(returned.map(|position| (position, Vec::new())));
                for (position, conditions) in ways {
                    let Some((text, timed)) = one_alone(source, &conditions) else {
                        continue;
                    };
                    if text.is_empty() || !of_nodes {
                        return Reached::Open;
                    }
                    if !only.iter().any(|(known, ..)| *known == text) {
                        only.push((text, timed, position));
                    }
                }
            }
        }
        if only.len() > 1 && only.iter().all(|(_, timed, _)| !timed) {
            return Reached::Open;
        }
        match only.into_iter().next() {
            Some((text, _, position)) => Reached::Only(text, position),
            None => Reached::Closed(self.outcome(anywhere, protocol, spt, dpt)),
        }
    }

    /// Looks at a port that is open to all sources but some: whether these are the nodes.
    fn but_for(&self, outcome: &Outcome, protocol: u8, spt: u16, dpt: Option<u16>) -> Reached {
        let trusted = self.sources(|rule| {
            rule.target.chain().is_none()
                && (rule.dports()).is_none_or(|ranges| {
                    let proto = rule.protocol().unwrap_or(protocol);
                    ranges.iter().any(|range| is_of_nodes(proto, range.first))
                })
        });
        let is_net = |source: &&Source| {
            source.host.is_none() && source.tested.iter().all(|ip| is_private(*ip))
        };
        let tested = trusted.iter().filter(is_net).take(MAX);
        let tested: Vec<IpAddr> = tested.flat_map(|source| source.tested.clone()).collect();
        let stopped = |src: &IpAddr| {
            self.passes(*src, protocol, spt, dpt).is_none()
                && self.accepted_if(*src, protocol, spt, dpt).is_empty()
        };
        if !tested.is_empty() {
            return if tested.iter().all(stopped) {
                Reached::Closed(self.outcome(tested[0], protocol, spt, dpt))
            } else {
                Reached::Open
            };
        }
        let Some((position, rule)) =
            (outcome.end.position()).and_then(|at| Some((at, self.rule(at)?)))
        else {
            return Reached::Open;
        };
        let excluded = rule.matches.iter().find(|m| {
            let source = source_of(&m.test).filter(|_| m.negated);
            source.is_some_and(|source| {
                let kept = self.of_nodes(source.tested);
                source.host.is_none()
                    && !kept.is_empty()
                    && kept.iter().all(|ip| is_private(*ip) && stopped(ip))
            })
        });
        excluded.map_or(Reached::Open, |m| {
            Reached::Only(m.to_string(), position.clone())
        })
    }

    /// Returns an address that no rule names, if there is one.
    fn anywhere(&self) -> IpAddr {
        let outside = if self.is_v6() {
            Ipv6Addr::new(0x2001, 0xdb8, 0x77, 0, 0, 0, 0, 0x77).into()
        } else {
            Ipv4Addr::new(203, 0, 113, 77).into()
        };
        *self
            .unnamed
            .get_or_init(|| self.strangers().first().copied().unwrap_or(outside))
    }

    /// Whether a rule accepts a private network of hosts, or a part of it.
    fn has_private_net(&self) -> bool {
        *self.private.get_or_init(|| {
            let sources = self.sources(|_| true);
            sources.iter().any(|source| {
                source.host.is_none() && source.tested.iter().any(|ip| is_private(*ip))
            })
        })
    }

    /// Collects the sources that nodes can have and that rules let in: those of ACCEPT, of RETURN and of jumps, and those
    /// that DROP spares. Of the rules that `wanted` selects, and one more than the bound at most.
    fn sources(&self, wanted: impl Fn(&Rule) -> bool) -> Vec<Source> {
        let mut out: Vec<Source> = Vec::new();
        let at_bridge = |rule: &Rule| {
            let own = rule.interface().map(|name| name.trim_end_matches('+'));
            own.is_none_or(|own| self.management().any(|name| name.starts_with(own)))
        };
        let rules = self.rules().map(|(_, _, rule)| rule);
        for rule in rules.filter(|rule| wanted(rule) && at_bridge(rule)) {
            let stops = matches!(rule.target, Target::Drop | Target::Reject(_));
            let jumps = rule.target.chain().is_some();
            for m in &rule.matches {
                let lets_in = jumps || m.negated == stops;
                let Some(mut source) = source_of(&m.test).filter(|_| lets_in) else {
                    continue;
                };
                source.tested = self.of_nodes(source.tested);
                let is_known = out.iter().any(|known| known.tested == source.tested);
                if !source.tested.is_empty() && !is_known && out.len() <= MAX_SOURCES {
                    out.push(source);
                }
            }
        }
        out
    }

    /// Keeps the addresses that a node can have at its bridge.
    fn of_nodes(&self, mut addresses: Vec<IpAddr>) -> Vec<IpAddr> {
        let pods = &self.scene.options.pod_cidrs;
        addresses.retain(|ip| {
            let special = match ip {
                IpAddr::V4(v4) => matches!(v4.octets()[0], 0 | 127 | 224..),
                IpAddr::V6(v6) => v6.is_loopback() || v6.is_unspecified() || v6.is_multicast(),
            };
            ip.is_ipv6() == self.is_v6() && !special && !pods.iter().any(|net| net.contains(ip))
        });
        addresses
    }

    fn questions(
        &self,
        src: IpAddr,
        protocol: u8,
        spt: u16,
        dpt: Option<u16>,
    ) -> impl Iterator<Item = Question<'_>> {
        self.management().map(move |interface| {
            let packet = self.packet(interface, src, protocol, spt, dpt);
            Question::alone(packet, States::NEW, Sender::Node)
        })
    }

    /// Returns the outcome of a packet that no rule stops: a chain that accepts all sources is another finding.
    fn passes(&self, src: IpAddr, protocol: u8, spt: u16, dpt: Option<u16>) -> Option<Outcome> {
        self.questions(src, protocol, spt, dpt)
            .map(|question| self.evaluate(&question))
            .find(falls_through)
    }

    /// Collects the matches on which the acceptance of a packet depends, for each rule that may accept it.
    fn accepted_if(
        &self,
        src: IpAddr,
        protocol: u8,
        spt: u16,
        dpt: Option<u16>,
    ) -> Vec<(Position, Vec<Match>)> {
        let mut out = Vec::new();
        for question in self.questions(src, protocol, spt, dpt) {
            let (found, steps) = self.subject.set.accepted_if(&question, self.entry);
            self.subject.steps.set(self.subject.steps.get() + steps);
            out.extend(found);
        }
        out
    }

    fn outcome(&self, src: IpAddr, protocol: u8, spt: u16, dpt: Option<u16>) -> Option<Outcome> {
        let question = self.questions(src, protocol, spt, dpt).next()?;
        Some(self.evaluate(&question))
    }

    /// Finds the first part of a range of ports that `wanted` selects by who reaches it.
    pub(super) fn part(
        &self,
        protocol: u8,
        spt: u16,
        range: PortRange,
        wanted: impl Fn(&Reached) -> bool,
    ) -> Option<(u16, Reached)> {
        let mut points = vec![range.first, range.last];
        for (_, _, rule) in self.rules() {
            for found in rule.dports().into_iter().flatten() {
                points.extend([
                    found.first,
                    found.first.saturating_sub(1),
                    found.last,
                    found.last.saturating_add(1),
                ]);
            }
        }
        points.retain(|port| range.contains(*port));
        points.sort_unstable();
        points.dedup();
        points.truncate(MAX * MAX);
        points
            .into_iter()
            .map(|port| (port, self.reached(protocol, spt, Some(port))))
            .find(|(_, reached)| wanted(reached))
    }

    /// Finds the part of a documented rule that `wanted` selects by who reaches it; `None` where there is none.
    pub(super) fn part_of(
        &self,
        rule: &DocumentedRule,
        wanted: impl Fn(&Reached) -> bool,
    ) -> Option<Part> {
        let protocol = rule.proto?;
        let Some(range) = rule.dport else {
            let protocol = if self.is_v6() {
                proto::ICMPV6
            } else {
                protocol
            };
            let reached = self.reached(protocol, 0, None);
            return wanted(&reached).then(|| Part {
                name: "ICMP".to_owned(),
                port: None,
                reached,
            });
        };
        let spt = rule.sport.unwrap_or(40_000);
        let (port, reached) = self.part(protocol, spt, range, wanted)?;
        let name = if protocol == proto::TCP { "tcp" } else { "udp" };
        let from = if range.len() > 1 && port != range.first {
            format!(" (from {port})")
        } else {
            String::new()
        };
        Some(Part {
            name: format!("{name}/{range}{from}"),
            port: Some(port),
            reached,
        })
    }
}

/// Whether the nodes of the cluster are who needs the port.
fn is_of_nodes(protocol: u8, port: u16) -> bool {
    catalog::reach(protocol, port) == Reach::Nodes
        || catalog::is_node_service(protocol, port)
        || catalog::is_node_tunnel(protocol, port)
}

/// Whether a rule concerns such packets, for all that its protocol and its ports say.
fn concerns(rule: &Rule, protocol: u8, dpt: Option<u16>) -> bool {
    let of_port = |ranges: &[PortRange]| {
        dpt.is_some_and(|port| ranges.iter().any(|range| range.contains(port)))
    };
    rule.protocol().is_none_or(|own| own == protocol) && rule.dports().is_none_or(of_port)
}

/// Returns the source that a test names, with addresses of it: the first, the last and one between.
fn source_of(test: &Test) -> Option<Source> {
    let between = |first: IpAddr, last: IpAddr| match (first, last) {
        (IpAddr::V4(first), IpAddr::V4(last)) => {
            let (first, last) = (first.to_bits(), last.to_bits());
            IpAddr::from(Ipv4Addr::from_bits(first + last.saturating_sub(first) / 2))
        }
        (IpAddr::V6(first), IpAddr::V6(last)) => {
            let (first, last) = (first.to_bits(), last.to_bits());
            IpAddr::from(Ipv6Addr::from_bits(first + last.saturating_sub(first) / 2))
        }
        _ => first,
    };
    let (first, last) = match test {
        Test::Net(Side::Source, net) => {
            let (first, last) = (net.network(), net.broadcast());
            match (first, last) {
                // The first and the last address are no hosts.
                (IpAddr::V4(first), IpAddr::V4(last)) if net.prefix_len() < 31 => (
                    Ipv4Addr::from_bits(first.to_bits() + 1).into(),
                    Ipv4Addr::from_bits(last.to_bits() - 1).into(),
                ),
                _ => (first, last),
            }
        }
        Test::IpRange(Side::Source, first, last) => (*first, *last),
        Test::Masked(Side::Source, address, mask) => {
            let last = Ipv4Addr::from_bits(address.to_bits() | !mask.to_bits());
            return Some(Source {
                tested: vec![IpAddr::V4(*address), last.into()],
                host: None,
            });
        }
        _ => return None,
    };
    let mut tested = vec![first, between(first, last), last];
    tested.dedup();
    let host = (first == last).then(|| format!("-s {first}"));
    Some(Source { tested, host })
}

/// Returns what only one machine meets, and whether it is a matter of the time: the host, the MAC address, the times.
/// The text is empty where several machines may meet it, and there is none where no node does.
fn one_alone(source: &Source, conditions: &[Match]) -> Option<(String, bool)> {
    let mut out: Vec<String> = Vec::new();
    let mut timed = false;
    for m in conditions.iter().filter(|m| !m.negated) {
        match &m.test {
            Test::Unknown(module, text) if module == "host name" && text.contains("localhost") => {
                return None;
            }
            Test::MacSource(_) => out.push(m.to_string()),
            // `TIME` in a listing.
            Test::Unknown(module, _) if module.eq_ignore_ascii_case("time") => {
                timed = true;
                out.push(m.to_string());
            }
            _ => {}
        }
    }
    out.splice(0..0, source.host.clone());
    Some((out.join(" "), timed))
}
