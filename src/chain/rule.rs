//! One rule: its matches, its target, and its counters.

use std::net::{IpAddr, Ipv4Addr};

use crate::chain::{Family, quoted};
use crate::net::{IpNet, PortRange};
use crate::packet::PktType;

/// Targets that are not chains. Of these, `QUEUE` and `NFQUEUE` end the traversal.
const TARGETS: &[&str] = &[
    "AUDIT",
    "CHECKSUM",
    "CLASSIFY",
    "CONNMARK",
    "CONNSECMARK",
    "CT",
    "DSCP",
    "DNAT",
    "ECN",
    "HL",
    "HMARK",
    "IDLETIMER",
    "LED",
    "MARK",
    "MASQUERADE",
    "NETMAP",
    "NFLOG",
    "NFQUEUE",
    "NOTRACK",
    "QUEUE",
    "RATEEST",
    "REDIRECT",
    "SECMARK",
    "SET",
    "SNAT",
    "SYNPROXY",
    "TCPMSS",
    "TCPOPTSTRIP",
    "TEE",
    "TOS",
    "TPROXY",
    "TRACE",
    "TTL",
    "ULOG",
];

/// One rule of a chain.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Rule {
    /// Sorted, without matches that are always true: rules of the same meaning have equal matches.
    pub matches: Vec<Match>,
    pub target: Target,
    pub comment: Option<String>,
    pub counters: Option<Counters>,
    /// The line of its command in the file, from 1.
    pub line: usize,
    /// Whether a command inserted it with `-I`.
    pub inserted: bool,
}

/// A test, possibly negated.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Match {
    pub test: Test,
    pub negated: bool,
}

/// Test of one match.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Test {
    /// `-i`, `-o`: a name, or a prefix with `+` at its end.
    Interface(Side, String),
    /// `-s`, `-d`.
    Net(Side, IpNet),
    Protocol(u8),
    /// `--sport`, `--dport` and multiport.
    Ports(Ports, Vec<PortRange>),
    /// `--ctstate`, `--state`.
    State(States),
    /// `-m limit`: the mean interval as the kernel keeps it, in 1/10000 s, and the burst.
    Limit {
        interval: u32,
        burst: u32,
    },
    /// `--tcp-flags`: of the flags in `mask`, exactly those in `set`. Bits as on the wire, FIN lowest.
    TcpFlags {
        mask: u8,
        set: u8,
    },
    /// `--icmp-type`; `None` is any code.
    IcmpType {
        icmp_type: u8,
        code: Option<u8>,
    },
    /// `--dst-type`, `--src-type`: any of these.
    AddressType(Side, Vec<AddressType>),
    /// `-f`: second and later fragments.
    LaterFragment,
    /// `--src-range`, `--dst-range`: from the first address to the last.
    IpRange(Side, IpAddr, IpAddr),
    /// `-s`, `-d` with a mask that is no prefix: an address, cut by it, and the mask.
    Masked(Side, Ipv4Addr, Ipv4Addr),
    /// `--mac-source`.
    MacSource([u8; 6]),
    /// `--ttl-eq`, `--ttl-lt`, `--ttl-gt`.
    Ttl(Compared, u8),
    /// Hop limit of IPv6: `--hl-eq`, `--hl-lt`, `--hl-gt`.
    HopLimit(Compared, u8),
    /// `--length`: the whole packet, header included, both ends in it.
    Length(u32, u32),
    /// `--tos` and `--dscp`: the bits of `mask` in the TOS byte or the traffic class.
    Tos {
        value: u8,
        mask: u8,
    },
    /// `--mark` of `-m mark`.
    Mark {
        value: u32,
        mask: u32,
    },
    /// `--pkt-type`.
    PktType(PktType),
    /// A match that a log line cannot settle, or that is not known: the module, and its text.
    Unknown(String, String),
}

/// Comparison of a header field with the number in a rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Compared {
    Equal,
    Less,
    Greater,
}

/// Side of a packet that a match tests. For an interface, `Source` is `-i` and `Destination` is `-o`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Side {
    Source,
    Destination,
}

/// Port of a packet that a match tests.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Ports {
    Source,
    Destination,
    /// One of the two.
    Either,
}

/// A set of conntrack states.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct States(pub(in crate::chain) u8);

impl States {
    pub const NEW: Self = Self(1);
    pub const INVALID: Self = Self(1 << 1);
    pub const UNTRACKED: Self = Self(1 << 2);
    pub const ESTABLISHED: Self = Self(1 << 3);
    pub const RELATED: Self = Self(1 << 4);
    pub const SNAT: Self = Self(1 << 5);
    pub const DNAT: Self = Self(1 << 6);
    /// States of packets that belong to an accepted connection: ESTABLISHED and RELATED.
    pub const RETURN_TRAFFIC: Self = Self(1 << 3 | 1 << 4);

    /// Whether all of `other` are in it.
    pub const fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    pub(in crate::chain) const fn with(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

/// Address types of `-m addrtype` that can be determined for a packet in INPUT.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum AddressType {
    Local,
    Broadcast,
    Multicast,
    Unicast,
    Other,
}

/// Target of a rule.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum Target {
    /// Counts only.
    #[default]
    None,
    Accept,
    Drop,
    /// REJECT, with the type of the reply.
    Reject(String),
    Log(Log),
    Return,
    Jump(String),
    Goto(String),
    /// Another target: its name, and its options verbatim.
    Other(String, String),
    /// A row that was not understood: its target is unknown.
    Unread,
}

impl Target {
    /// Returns the target of `-j NAME` or `-g NAME`, without the options of the target.
    pub(in crate::chain) fn named(name: &str, goto: bool) -> Self {
        match name {
            _ if goto => Self::Goto(name.to_owned()),
            "ACCEPT" => Self::Accept,
            "DROP" => Self::Drop,
            "RETURN" => Self::Return,
            "REJECT" => Self::Reject("icmp-port-unreachable".to_owned()),
            "LOG" => Self::Log(Log::default()),
            _ if TARGETS.contains(&name) => Self::Other(name.to_owned(), String::new()),
            _ => Self::Jump(name.to_owned()),
        }
    }

    /// Returns the chain that it sends packets to.
    pub fn chain(&self) -> Option<&str> {
        match self {
            Self::Jump(name) | Self::Goto(name) => Some(name),
            _ => None,
        }
    }
}

/// The options of LOG.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Log {
    /// Prefix as written in the command; the kernel keeps 29 bytes of it.
    pub prefix: String,
    /// Log level, 0 to 7; the default is 4, warning.
    pub level: u8,
    /// `NF_LOG_*` bits: TCP sequence 1, TCP options 2, IP options 4, UID 8, MAC decode 32.
    pub flags: u8,
}

impl Default for Log {
    fn default() -> Self {
        Self {
            prefix: String::new(),
            level: 4,
            flags: 0,
        }
    }
}

/// Packet and byte counters of a rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Counters {
    pub packets: u64,
    pub bytes: u64,
    /// Whether the numbers are exact: false for a K, M, G or T form.
    pub exact: bool,
}

impl Rule {
    /// Creates a rule from tests, in the normal form in which rules are compared.
    pub fn new(tests: impl IntoIterator<Item = Test>, target: Target, comment: &str) -> Self {
        let of = |test| Match {
            test,
            negated: false,
        };
        let mut rule = Self {
            matches: tests.into_iter().map(of).collect(),
            target,
            comment: (!comment.is_empty()).then(|| comment.to_owned()),
            ..Self::default()
        };
        rule.normalize();
        rule
    }

    /// Creates the placeholder for a row that was not understood: it keeps its number, and never matches.
    pub(in crate::chain) fn unread(text: &str, line: usize) -> Self {
        Self {
            matches: vec![Match {
                test: Test::Unknown("row".to_owned(), text.to_owned()),
                negated: false,
            }],
            target: Target::Unread,
            line,
            ..Self::default()
        }
    }

    /// Whether both rules do the same to the same packets. Comments, counters and the written form do not count.
    pub fn means(&self, other: &Self) -> bool {
        self.matches == other.matches && self.target == other.target
    }

    /// Whether the rule does the same as `other` to all packets that match `other`.
    pub fn covers(&self, other: &Self) -> bool {
        let asked = |m: &Match| other.matches.iter().any(|theirs| m.covers(theirs));
        self.target == other.target && self.matches.iter().all(asked)
    }

    /// Whether the rule matches every packet of its chain, apart from a `limit`.
    pub fn is_unconditional(&self) -> bool {
        self.matches
            .iter()
            .all(|m| matches!(m.test, Test::Limit { .. }) && !m.negated)
    }

    /// Returns the protocol that the rule matches.
    pub fn protocol(&self) -> Option<u8> {
        self.matches.iter().find_map(|m| match m.test {
            Test::Protocol(number) if !m.negated => Some(number),
            _ => None,
        })
    }

    /// Returns the destination ports that the rule matches.
    pub fn dports(&self) -> Option<&[PortRange]> {
        self.matches.iter().find_map(|m| match &m.test {
            Test::Ports(Ports::Destination, ranges) if !m.negated => Some(ranges.as_slice()),
            _ => None,
        })
    }

    /// Whether the rule has a test for which `wanted` returns true, negated or not.
    pub fn has(&self, wanted: impl Fn(&Test) -> bool) -> bool {
        self.matches.iter().any(|m| !m.negated && wanted(&m.test))
    }

    /// Whether the rule matches a conntrack state of `states`.
    pub fn asks_state(&self, states: States) -> bool {
        self.has(|test| matches!(test, Test::State(asked) if asked.contains(states)))
    }

    /// Whether the rule names a destination port, by ranges that contain fewer than half of all ports.
    pub fn names_port(&self) -> bool {
        let few =
            |ranges: &[PortRange]| ranges.iter().map(|range| range.len()).sum::<usize>() < 1 << 15;
        self.dports().is_some_and(few)
            || self.has(|test| match test {
                Test::Ports(Ports::Either, _) => true,
                Test::Unknown(module, text) => module == "port" && text.starts_with("dpt"),
                _ => false,
            })
    }

    /// Returns the source network that it asks for.
    pub fn source_net(&self) -> Option<IpNet> {
        self.matches.iter().find_map(|m| match m.test {
            Test::Net(Side::Source, net) if !m.negated => Some(net),
            _ => None,
        })
    }

    /// Returns the interface that it asks for.
    pub fn interface(&self) -> Option<&str> {
        self.matches.iter().find_map(|m| match &m.test {
            Test::Interface(Side::Source, name) if !m.negated => Some(name.as_str()),
            _ => None,
        })
    }

    /// Returns the rule for the packets that come in by an interface; as it is, where there is none, or it asks for one.
    #[must_use]
    pub fn for_interface(&self, name: Option<&str>) -> Self {
        let mut rule = self.clone();
        if let Some(name) = name.filter(|_| self.interface().is_none()) {
            let test = Test::Interface(Side::Source, name.to_owned());
            // Interfaces come first in the order of matches.
            rule.matches.insert(
                0,
                Match {
                    test,
                    negated: false,
                },
            );
        }
        rule
    }

    /// Returns the command that appends it to a chain.
    pub fn append_command(&self, family: Family, chain: &str) -> String {
        format!("{} -A {} {self}", family.tool(), quoted(chain))
    }

    /// Returns the source matches of the rule, as iptables prints them; `None` where it accepts any source.
    pub fn source(&self) -> Option<String> {
        let of_source: Vec<String> = (self.matches.iter())
            .filter(|m| m.test.is_of_source())
            .map(ToString::to_string)
            .collect();
        (!of_source.is_empty()).then(|| of_source.join(" "))
    }

    /// Converts the matches to the normal form.
    pub(in crate::chain) fn normalize(&mut self) {
        for m in &mut self.matches {
            match &mut m.test {
                Test::Ports(_, ranges) => merge(ranges),
                Test::AddressType(_, types) => {
                    types.sort_unstable();
                    types.dedup();
                }
                _ => {}
            }
        }
        self.matches.retain(|m| m.negated || !m.test.always());
        self.matches.sort();
        self.matches.dedup();
    }
}

impl Match {
    /// Whether the match accepts every packet that `other` accepts.
    fn covers(&self, other: &Self) -> bool {
        let wider = match (&self.test, &other.test) {
            (Test::Ports(mine, ours), Test::Ports(theirs, inner)) => {
                let inside = |port: &PortRange| {
                    (ours.iter()).any(|own| own.first <= port.first && port.last <= own.last)
                };
                mine == theirs && inner.iter().all(inside)
            }
            (Test::Net(mine, own), Test::Net(theirs, inner)) => {
                mine == theirs && own.contains(inner)
            }
            _ => false,
        };
        self == other || (wider && !self.negated && !other.negated)
    }
}

impl Test {
    /// Whether the match tests the sender of the packet: its address, MAC address, or membership of a set.
    pub fn is_of_source(&self) -> bool {
        match self {
            Self::Net(Side::Source, _)
            | Self::IpRange(Side::Source, ..)
            | Self::Masked(Side::Source, ..)
            | Self::MacSource(_)
            | Self::AddressType(Side::Source, _) => true,
            Self::Unknown(module, text) => match module.as_str() {
                "set" => text.split([' ', ',']).any(|word| word == "src"),
                "geoip" | "recent" => true,
                "host name" => text.starts_with("-s "),
                _ => false,
            },
            _ => false,
        }
    }

    /// Whether the whole log line is needed to evaluate the test, and not only its summary.
    pub(in crate::chain) const fn asks_detail(&self) -> bool {
        matches!(
            self,
            Self::MacSource(_)
                | Self::Ttl(..)
                | Self::HopLimit(..)
                | Self::Length(..)
                | Self::Tos { .. }
                | Self::Mark { .. }
                | Self::PktType(_)
                | Self::IcmpType { code: Some(_), .. }
        )
    }

    /// Whether the match is true for every packet.
    fn always(&self) -> bool {
        match self {
            Self::Interface(_, name) => name == "+",
            Self::Net(_, net) => net.prefix_len() == 0,
            Self::Protocol(number) => *number == 0,
            _ => false,
        }
    }
}

/// Sorts ranges and joins those that touch.
fn merge(ranges: &mut Vec<PortRange>) {
    ranges.sort_unstable();
    let mut out: Vec<PortRange> = Vec::with_capacity(ranges.len());
    for range in ranges.drain(..) {
        match out.last_mut() {
            Some(last) if u32::from(range.first) <= u32::from(last.last) + 1 => {
                last.last = last.last.max(range.last);
            }
            _ => out.push(range),
        }
    }
    *ranges = out;
}

/// Returns the interval that the kernel keeps for `count` packets in `seconds` (`parse_rate()` of libxt_limit.c).
pub const fn limit_interval(count: u32, seconds: u32) -> Option<u32> {
    const SCALE: u32 = 10_000;
    if count == 0 || count / seconds > SCALE {
        return None;
    }
    Some(SCALE * seconds / count)
}
