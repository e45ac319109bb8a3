//! Which of the packets that a wanted rule accepts another rule matches: all, some, or none.

use crate::chain::{AddressType, Match, Ports, Rule, Side, States, Test};
use crate::net::PortRange;

/// Share of the wanted packets that a rule matches: all, some, or none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Takes {
    None,
    Some,
    All,
}

/// A rule as it applies to the wanted packets.
pub(super) struct Met {
    pub(super) takes: Takes,
    /// Whether a limit or a conntrack state lets some of the packets pass by.
    pub(super) partly: bool,
}

/// Packets that a wanted rule accepts.
pub(super) struct Packets<'w> {
    pub(super) wanted: &'w Rule,
    /// Interface on which they arrive; empty where it is not known.
    pub(super) interface: &'w str,
    /// Whether the interface of any rule counts as theirs.
    pub(super) any_interface: bool,
}

impl Packets<'_> {
    pub(super) fn meets(&self, rule: &Rule) -> Met {
        let mut met = Met {
            takes: Takes::All,
            partly: has_limit(rule),
        };
        for m in &rule.matches {
            let takes = self.takes(m);
            met.partly |= matches!(m.test, Test::State(_) | Test::TcpFlags { .. }) && !m.negated;
            met.takes = met.takes.min(takes);
        }
        met
    }

    pub(super) fn takes(&self, m: &Match) -> Takes {
        let all_if = |yes: bool| if yes { Takes::All } else { Takes::None };
        let takes = match &m.test {
            Test::Protocol(number) => match self.wanted.protocol() {
                None => Takes::Some,
                Some(wanted) => all_if(wanted == *number),
            },
            Test::Ports(ports, ranges) => match port_of(self.wanted, *ports) {
                None => Takes::Some,
                Some(wanted) => range_takes(ranges, wanted),
            },
            Test::Net(Side::Source, net) => match self.wanted.source_net() {
                None => Takes::Some,
                Some(own) if net.contains(&own) => Takes::All,
                Some(own) if own.contains(net) => Takes::Some,
                Some(_) => Takes::None,
            },
            Test::Interface(Side::Source, name) => self.interface_takes(name, m.negated),
            Test::State(states) => {
                if states.contains(States::NEW) {
                    if m.negated { Takes::Some } else { Takes::All }
                } else if states.contains(States::INVALID) || states.contains(States::UNTRACKED) {
                    Takes::Some
                } else {
                    Takes::None
                }
            }
            // `--syn`: packets that open a connection.
            Test::TcpFlags {
                mask: 0x17,
                set: 0x02,
            } if !m.negated => Takes::All,
            Test::Limit { .. } => return Takes::All,
            Test::AddressType(Side::Destination, types) if types.contains(&AddressType::Local) => {
                Takes::All
            }
            _ => Takes::Some,
        };
        match takes {
            Takes::Some => Takes::Some,
            takes => all_if((takes == Takes::All) != m.negated),
        }
    }

    fn interface_takes(&self, name: &str, negated: bool) -> Takes {
        let is_it = match name.strip_suffix('+') {
            Some(start) => self.interface.starts_with(start),
            None => name == self.interface,
        };
        let unknown = self.interface.is_empty() || self.any_interface;
        // An assumed interface matches with and without `!`.
        if is_it || (unknown && name != "lo" && !negated) {
            Takes::All
        } else {
            Takes::None
        }
    }
}

pub(super) fn has_limit(rule: &Rule) -> bool {
    rule.has(|test| matches!(test, Test::Limit { .. }))
}

fn port_of(rule: &Rule, side: Ports) -> Option<PortRange> {
    rule.matches.iter().find_map(|m| match &m.test {
        Test::Ports(ports, ranges) if *ports == side => ranges.first().copied(),
        _ => None,
    })
}

fn range_takes(ranges: &[PortRange], wanted: PortRange) -> Takes {
    let overlaps = |range: &PortRange| range.first <= wanted.last && wanted.first <= range.last;
    let holds = |range: &PortRange| range.first <= wanted.first && wanted.last <= range.last;
    if ranges.iter().any(holds) {
        Takes::All
    } else if ranges.iter().any(overlaps) {
        Takes::Some
    } else {
        Takes::None
    }
}
