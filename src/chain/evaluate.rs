//! What a chain does with a packet: a [`PacketSummary`] in, an [`Outcome`] out.
//!
//! Follows `ipt_do_table()` of ip_tables.c. The packets asked about were dropped and logged, so ESTABLISHED and RELATED
//! do not match; NEW and INVALID are told by `tcp_new()` of nf_conntrack_proto_tcp.c. A match that a log line cannot
//! answer does not match, and a note names it where all other matches of its rule do.

use std::net::IpAddr;

use crate::chain::rule::{AddressType, Match, Ports, Rule, Side, States, Target, Test};
use crate::chain::{Chain, Family, HARVESTER, INPUT, Policy, RuleSet};
use crate::packet::proto;
use crate::packet::{PacketSummary, PktType, Shape, TcpFlags};

/// Where a packet enters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Evaluation<'a> {
    /// The chain that it enters by.
    pub chain: &'a str,
}

impl Evaluation<'static> {
    /// As the kernel does: by the built-in chain for packets to the node itself.
    pub const FROM_INPUT: Self = Self { chain: INPUT };
    /// By the chain of the documentation, whether INPUT leads there or not.
    pub const FROM_HARVESTER: Self = Self { chain: HARVESTER };
}

/// What becomes of a packet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    pub end: End,
    /// The LOG rules that it passes on its way.
    pub logged: Vec<Place>,
    /// What could not be evaluated, and so did not match.
    pub notes: Vec<String>,
}

/// How a packet's way through the chains ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum End {
    Accepted(Place),
    Dropped(Place),
    Rejected(Place),
    /// A target decides whose answer cannot be told (NFQUEUE).
    Unknown(Place),
    /// No rule decides: the policy of the built-in chain does.
    Policy(Policy),
    /// No rule decides, and the chain that was asked is a user's, or is not there.
    NoMatch,
}

/// A rule: its chain, its number from 1, its line in the file.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Place {
    pub chain: String,
    pub number: usize,
    pub line: usize,
}

impl Outcome {
    /// Whether it is accepted, and no LOG rule sees it before: such a packet leaves no drop line.
    pub const fn accepted_unlogged(&self) -> bool {
        matches!(self.end, End::Accepted(_)) && self.logged.is_empty()
    }

    /// The rule that decides.
    pub const fn place(&self) -> Option<&Place> {
        match &self.end {
            End::Accepted(place)
            | End::Dropped(place)
            | End::Rejected(place)
            | End::Unknown(place) => Some(place),
            End::Policy(_) | End::NoMatch => None,
        }
    }
}

/// So many rules are asked for one packet: chains that jump to each other may grow exponentially.
const MOST_STEPS: usize = 1 << 14;
/// Jumps nest so deep. The kernel refuses loops; a text may have them.
const DEEPEST: usize = 64;
/// More notes say nothing more.
const MOST_NOTES: usize = 16;

/// A test's answer.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Answer {
    Yes,
    No,
    CannotTell,
}

impl From<bool> for Answer {
    fn from(yes: bool) -> Self {
        if yes { Self::Yes } else { Self::No }
    }
}

impl RuleSet {
    /// What the chains do with `packet`.
    pub fn evaluate(&self, packet: &PacketSummary<'_>, when: Evaluation<'_>) -> Outcome {
        let mut walk = Walk {
            set: self,
            packet,
            family: Family::of(packet),
            steps: 0,
            logged: Vec::new(),
            notes: Vec::new(),
        };
        let end = match self.chain(walk.family, when.chain) {
            None => {
                walk.note(format!(
                    "there is no chain `{}` for {}",
                    when.chain,
                    walk.family.tool()
                ));
                End::NoMatch
            }
            Some(chain) => walk
                .chain(chain, 0)
                .unwrap_or_else(|| chain.policy.map_or(End::NoMatch, End::Policy)),
        };
        Outcome {
            end,
            logged: walk.logged,
            notes: walk.notes,
        }
    }
}

struct Walk<'a> {
    set: &'a RuleSet,
    packet: &'a PacketSummary<'a>,
    family: Family,
    steps: usize,
    logged: Vec<Place>,
    notes: Vec<String>,
}

impl Walk<'_> {
    fn note(&mut self, text: String) {
        if self.notes.len() < MOST_NOTES && !self.notes.contains(&text) {
            self.notes.push(text);
        }
    }

    /// The end that the chain leads to; `None` where it returns.
    fn chain(&mut self, chain: &Chain, depth: usize) -> Option<End> {
        if depth > DEEPEST {
            self.note(format!("chain `{}` leads back to itself", chain.name));
            return None;
        }
        for (at, rule) in chain.rules.iter().enumerate() {
            self.steps += 1;
            if self.steps > MOST_STEPS {
                self.note(format!(
                    "more than {MOST_STEPS} rules for one packet; the rest was not asked"
                ));
                return None;
            }
            if !self.rule(chain, at, rule) {
                continue;
            }
            let place = || Place {
                chain: chain.name.clone(),
                number: at + 1,
                line: rule.line,
            };
            match &rule.target {
                Target::None => {}
                Target::Accept => return Some(End::Accepted(place())),
                Target::Drop => return Some(End::Dropped(place())),
                Target::Reject(_) => return Some(End::Rejected(place())),
                Target::Return => return None,
                Target::Log(_) => {
                    if self.logged.len() < MOST_NOTES {
                        self.logged.push(place());
                    }
                }
                Target::Jump(name) | Target::Goto(name) => {
                    let end = match self.set.chain(self.family, name) {
                        Some(next) => self.chain(next, depth + 1),
                        None => {
                            self.note(format!(
                                "chain `{name}` is not in the text; taken as if it returned"
                            ));
                            None
                        }
                    };
                    if end.is_some() || matches!(rule.target, Target::Goto(_)) {
                        return end;
                    }
                }
                Target::Other(name, _)
                    if matches!(name.as_str(), "QUEUE" | "NFQUEUE" | "SYNPROXY") =>
                {
                    return Some(End::Unknown(place()));
                }
                Target::Other(..) => {}
            }
        }
        None
    }

    /// Whether all matches of the rule match; notes what cannot be told where that decides.
    fn rule(&mut self, chain: &Chain, at: usize, rule: &Rule) -> bool {
        let mut open = Vec::new();
        for m in &rule.matches {
            match answer(m, self.packet) {
                Answer::Yes => {}
                Answer::No => return false,
                Answer::CannotTell => open.push(m),
            }
        }
        if open.is_empty() {
            return true;
        }
        for m in open {
            self.note(format!(
                "rule {} of {} ({}): `{m}` cannot be told from a log line; taken as no match",
                at + 1,
                chain.name,
                rule.target
            ));
        }
        false
    }
}

pub(super) fn answer(m: &Match, packet: &PacketSummary<'_>) -> Answer {
    match (test(&m.test, packet), m.negated) {
        (Answer::Yes, true) => Answer::No,
        (Answer::No, true) => Answer::Yes,
        (answer, _) => answer,
    }
}

fn test(test: &Test, packet: &PacketSummary<'_>) -> Answer {
    match test {
        Test::Interface(Side::Source, pattern) => interface(pattern, packet.interface).into(),
        // A packet in INPUT has no outgoing interface.
        Test::Interface(Side::Destination, pattern) => interface(pattern, "").into(),
        Test::Net(Side::Source, net) => net.contains(&packet.src).into(),
        Test::Net(Side::Destination, net) => net.contains(&packet.dst).into(),
        Test::Protocol(0) => Answer::Yes,
        Test::Protocol(number) => packet
            .proto
            .map_or(Answer::CannotTell, |proto| (proto == *number).into()),
        Test::Ports(which, ranges) => {
            let within = |port: Option<u16>| {
                port.map(|port| ranges.iter().any(|range| range.contains(port)))
            };
            let found = match which {
                Ports::Source => within(packet.spt),
                Ports::Destination => within(packet.dpt),
                Ports::Either => match (within(packet.spt), within(packet.dpt)) {
                    (Some(true), _) | (_, Some(true)) => Some(true),
                    (Some(false), Some(false)) => Some(false),
                    _ => None,
                },
            };
            match found {
                Some(found) => found.into(),
                // The modules never match a later fragment, which has no ports; negated neither.
                None => Answer::CannotTell,
            }
        }
        Test::State(states) => {
            state(packet).map_or(Answer::CannotTell, |mine| states.contains(mine).into())
        }
        Test::Limit { .. } => Answer::Yes,
        Test::TcpFlags { mask, set } => packet.flags.map_or(Answer::CannotTell, |flags| {
            (bits(flags) & mask == *set).into()
        }),
        Test::IcmpType { icmp_type, code } => match packet.icmp_type {
            None => Answer::CannotTell,
            Some(mine) if mine != *icmp_type => Answer::No,
            Some(_) if code.is_some() => Answer::CannotTell,
            Some(_) => Answer::Yes,
        },
        Test::AddressType(Side::Destination, types) => {
            destination(packet).map_or(Answer::CannotTell, |mine| types.contains(&mine).into())
        }
        Test::AddressType(Side::Source, _) | Test::Unknown(..) => Answer::CannotTell,
        Test::LaterFragment => (packet.shape == Shape::Fragment).into(),
    }
}

/// `mgmt-br`, or `mgmt-br+` for all that begin so.
fn interface(pattern: &str, name: &str) -> bool {
    match pattern.strip_suffix('+') {
        Some(start) => name.starts_with(start),
        None => name == pattern,
    }
}

/// The conntrack state of a dropped packet, which has no entry; `None` where the line does not tell.
fn state(packet: &PacketSummary<'_>) -> Option<States> {
    let kind = packet.icmp_type;
    Some(match packet.proto? {
        proto::TCP => {
            let flags = packet.flags?;
            let has = |flag| flags.contains(flag);
            let opens = has(TcpFlags::SYN)
                && !has(TcpFlags::ACK)
                && !has(TcpFlags::RST)
                && !has(TcpFlags::FIN);
            let streams = has(TcpFlags::ACK)
                && !has(TcpFlags::SYN)
                && !has(TcpFlags::RST)
                && !has(TcpFlags::FIN);
            // `tcp_conntracks`, column sNO: SYN and ACK begin a connection; SYN-ACK, FIN, RST and none are invalid.
            if opens || streams {
                States::NEW
            } else {
                States::INVALID
            }
        }
        // `valid_new` of nf_conntrack_proto_icmp.c: echo, timestamp, information and address mask requests.
        proto::ICMP => match kind? {
            8 | 13 | 15 | 17 => States::NEW,
            _ => States::INVALID,
        },
        // nf_conntrack_proto_icmpv6.c: neighbour discovery and MLD are not tracked; echo and node queries open.
        proto::ICMPV6 => match kind? {
            130..=137 | 143 => States::UNTRACKED,
            128 | 139 => States::NEW,
            _ => States::INVALID,
        },
        _ => States::NEW,
    })
}

/// The address type of the destination, where it can be told: what is sent to the node alone reached INPUT as local.
fn destination(packet: &PacketSummary<'_>) -> Option<AddressType> {
    let multicast = match packet.dst {
        IpAddr::V4(v4) if v4.is_broadcast() => return Some(AddressType::Broadcast),
        IpAddr::V4(v4) => v4.is_multicast(),
        IpAddr::V6(v6) => v6.is_multicast(),
    };
    if multicast {
        return Some(AddressType::Multicast);
    }
    (packet.frame == PktType::Unicast).then_some(AddressType::Local)
}

/// The flags as on the wire, FIN lowest; ECE and CWR are no flags of `--tcp-flags`.
fn bits(flags: TcpFlags) -> u8 {
    let all = [
        (TcpFlags::FIN, 0x01),
        (TcpFlags::SYN, 0x02),
        (TcpFlags::RST, 0x04),
        (TcpFlags::PSH, 0x08),
        (TcpFlags::ACK, 0x10),
        (TcpFlags::URG, 0x20),
    ];
    all.iter()
        .filter(|(flag, _)| flags.contains(*flag))
        .map(|(_, bit)| bit)
        .sum()
}
