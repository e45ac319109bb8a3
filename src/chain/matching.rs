//! Evaluation of one match for a packet: yes, no, or the log line does not show it.

use std::net::IpAddr;

use crate::chain::question::{Question, Sender};
use crate::chain::rule::{AddressType, Compared, Match, Ports, Side, States, Test};
use crate::packet::{PacketSummary, PktType, TcpFlags};

/// The text of the match that stands for the unprinted interface of a jump.
pub(in crate::chain) const JUMP: &str = "(its interface is not in the listing)";
/// Text of the match that stands for the unprinted interface of an unconditional ACCEPT or RETURN in a listing.
pub(in crate::chain) const ALL: &str = "(whether it asks for one is not in the listing)";

/// Result of one test.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
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

impl From<Option<bool>> for Answer {
    fn from(known: Option<bool>) -> Self {
        known.map_or(Self::CannotTell, Self::from)
    }
}

/// Evaluates a match for the packet.
pub(super) fn answer(m: &Match, question: &Question<'_>) -> Answer {
    match (test(&m.test, question), m.negated) {
        (Answer::Yes, true) => Answer::No,
        (Answer::No, true) => Answer::Yes,
        (answer, _) => answer,
    }
}

fn test(test: &Test, question: &Question<'_>) -> Answer {
    let packet = &question.packet;
    let detail = &question.detail;
    match test {
        Test::Interface(Side::Source, pattern) => (question.interface())
            .map(|name| interface(pattern, name))
            .into(),
        // A packet in INPUT has no outgoing interface.
        Test::Interface(Side::Destination, pattern) => interface(pattern, "").into(),
        Test::Net(side, net) => (question.address(*side))
            .map(|mine| net.contains(&mine))
            .into(),
        Test::IpRange(side, first, last) => (question.address(*side))
            .map(|mine| *first <= mine && mine <= *last)
            .into(),
        Test::Masked(side, address, mask) => (question.address(*side))
            .map(|mine| match mine {
                IpAddr::V4(mine) => mine.to_bits() & mask.to_bits() == address.to_bits(),
                IpAddr::V6(_) => false,
            })
            .into(),
        Test::Protocol(0) => Answer::Yes,
        Test::Protocol(number) => packet.proto.map(|proto| proto == *number).into(),
        // A later fragment has no ports, and the modules never match it, not even negated.
        Test::Ports(which, ranges) => ports(*which, packet, |port| {
            ranges.iter().any(|range| range.contains(port))
        })
        .into(),
        Test::State(states) => state(*states, question.state).into(),
        // A logged packet passed this rule on its way to the LOG rule: its bucket may have been empty.
        Test::Limit { .. } if question.sender == Sender::Logged => Answer::CannotTell,
        Test::Limit { .. } => Answer::Yes,
        Test::TcpFlags { mask, set } => packet.flags.map(|flags| bits(flags) & mask == *set).into(),
        Test::IcmpType { icmp_type, code } => match (packet.icmp_type, code, detail.icmp_code) {
            (None, ..) => Answer::CannotTell,
            (Some(mine), ..) if mine != *icmp_type => Answer::No,
            (Some(_), None, _) => Answer::Yes,
            (Some(_), Some(code), mine) => mine.map(|mine| mine == *code).into(),
        },
        Test::AddressType(Side::Destination, types) => destination(question)
            .map(|mine| types.contains(&mine))
            .into(),
        Test::AddressType(Side::Source, types) => match question.sender {
            Sender::Logged => source(packet.src, types).into(),
            _ if packet.src.is_loopback() => types.contains(&AddressType::Local).into(),
            _ => types.contains(&AddressType::Unicast).into(),
        },
        Test::LaterFragment => question.is_later_fragment().into(),
        Test::MacSource(mac) => detail.src_mac.map(|mine| mine == *mac).into(),
        Test::Ttl(how, number) | Test::HopLimit(how, number) => {
            let compare = |mine: u8| match how {
                Compared::Equal => mine == *number,
                Compared::Less => mine < *number,
                Compared::Greater => mine > *number,
            };
            let own = matches!(test, Test::Ttl(..)) == packet.src.is_ipv4();
            detail.ttl.filter(|_| own).map(compare).into()
        }
        Test::Length(first, last) => detail
            .length
            .map(|mine| u64::from(*first) <= mine && mine <= u64::from(*last))
            .into(),
        Test::Tos { value, mask } => match detail.tos {
            // A visible bit that differs decides.
            Some((mine, shown)) if (mine ^ value) & mask & shown != 0 => Answer::No,
            Some((_, shown)) if mask & !shown == 0 => Answer::Yes,
            _ => Answer::CannotTell,
        },
        Test::Mark { value, mask } => detail.mark.map(|mine| mine & mask == *value).into(),
        Test::PktType(cast) => detail.dst_mac.map(|mac| of_frame(mac) == *cast).into(),
        Test::Unknown(module, text) => unknown(module, text, question).into(),
    }
}

/// Evaluates a match that no header field settles; `None` where it stays open. A packet that comes alone is the first
/// of its kind, which settles limits, counts and lists.
fn unknown(module: &str, text: &str, question: &Question<'_>) -> Option<bool> {
    if question.sender == Sender::Logged {
        return None;
    }
    let stranger = question.sender == Sender::Stranger;
    let has = |word: &str| text.contains(word);
    let answer = match module {
        "set" if stranger && Test::Unknown("set".to_owned(), text.to_owned()).is_of_source() => {
            false
        }
        // In `-L`, hashlimit is `limit: up to 5/sec`, connlimit `#conn src/32 > 20`, recent `recent: UPDATE …`.
        "hashlimit" | "limit:" => !has("above"),
        "connlimit" => !has("above"),
        "#conn" => has("<="),
        "recent" | "recent:" => has("--set") || has("SET "),
        "socket" => false,
        // For a listing without interfaces: a jump is assumed to be for this interface, an unconditional ACCEPT for
        // loopback.
        "interface" => text == JUMP || question.packet.interface == "lo",
        "addrtype" => true,
        _ => return None,
    };
    Some(answer != text.starts_with("! "))
}

fn ports(which: Ports, packet: &PacketSummary<'_>, within: impl Fn(u16) -> bool) -> Option<bool> {
    match which {
        Ports::Source => packet.spt.map(within),
        Ports::Destination => packet.dpt.map(within),
        Ports::Either => match (packet.spt.map(&within), packet.dpt.map(&within)) {
            (Some(true), _) | (_, Some(true)) => Some(true),
            (Some(false), Some(false)) => Some(false),
            _ => None,
        },
    }
}

/// Whether the states contain the packet's. SNAT and DNAT depend on the addresses of the connection, which a line does
/// not show: `None`.
fn state(states: States, mine: Option<States>) -> Option<bool> {
    let nat = states.contains(States::SNAT) || states.contains(States::DNAT);
    match mine {
        Some(mine) if states.contains(mine) => Some(true),
        Some(_) if !nat => Some(false),
        _ => None,
    }
}

/// Matches an interface name: `mgmt-br`, or the prefix `mgmt-br+`.
fn interface(pattern: &str, name: &str) -> bool {
    match pattern.strip_suffix('+') {
        Some(start) => name.starts_with(start),
        None => name == pattern,
    }
}

/// Returns the address type of the destination; `None` where the line does not settle it. A unicast frame that reached
/// INPUT is for a local address. Without a frame an address of IPv4 may be the broadcast address of a network.
fn destination(question: &Question<'_>) -> Option<AddressType> {
    let packet = &question.packet;
    let multicast = match question.address(Side::Destination)? {
        IpAddr::V4(v4) if v4.is_broadcast() => return Some(AddressType::Broadcast),
        IpAddr::V4(v4) => v4.is_multicast(),
        IpAddr::V6(v6) => v6.is_multicast(),
    };
    if multicast {
        return Some(AddressType::Multicast);
    }
    let shows_frame = packet.has_mac || packet.dst.is_ipv6() || packet.dst.is_loopback();
    (packet.frame == PktType::Unicast && shows_frame).then_some(AddressType::Local)
}

/// Whether the source address is of one of the types; `None` for addresses that need the routing table, which are all
/// but loopback and multicast.
fn source(src: IpAddr, types: &[AddressType]) -> Option<bool> {
    if src.is_loopback() {
        return Some(types.contains(&AddressType::Local));
    }
    src.is_multicast()
        .then(|| types.contains(&AddressType::Multicast))
}

/// Classifies a frame by its destination MAC, as `eth_type_trans()` does.
fn of_frame(mac: [u8; 6]) -> PktType {
    match mac {
        [0xff, 0xff, 0xff, 0xff, 0xff, 0xff] => PktType::Broadcast,
        [first, ..] if first & 1 == 1 => PktType::Multicast,
        _ => PktType::Unicast,
    }
}

/// Returns the flags as on the wire, FIN lowest; ECE and CWR cannot be given to `--tcp-flags`.
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
