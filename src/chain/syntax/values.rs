//! The values of options: ports, networks, protocols, states, flags, ICMP types, rates.

use std::net::{IpAddr, Ipv4Addr};

use crate::catalog::port_of_name;
use crate::chain::rule::{AddressType, States, limit_interval};
use crate::net::{IpNet, PortRange, parse_net};
use crate::packet::PktType;

/// Names of Debian's /etc/protocols (netbase 6.4) and those of libxtables.
#[rustfmt::skip]
const PROTOCOLS: &[(&str, u8)] = &[
    ("ah", 51), ("all", 0), ("ax.25", 93), ("cphb", 73), ("dccp", 33), ("ddp", 37), ("egp", 8),
    ("eigrp", 88), ("encap", 98), ("esp", 50), ("etherip", 97), ("ethernet", 143), ("fc", 133),
    ("ggp", 3), ("gre", 47), ("hip", 139), ("hmp", 20), ("hopopt", 0), ("icmp", 1),
    ("icmp6", 58), ("icmpv6", 58), ("idpr-cmtp", 38), ("idrp", 45), ("igmp", 2), ("igp", 9),
    ("ip", 0), ("ip-encap", 4), ("ipcomp", 108), ("ipencap", 4), ("ipip", 94), ("ipsec-ah", 51),
    ("ipsec-esp", 50), ("ipv6", 41), ("ipv6-frag", 44), ("ipv6-icmp", 58), ("ipv6-nonxt", 59),
    ("ipv6-opts", 60), ("ipv6-route", 43), ("isis", 124), ("iso-tp4", 29), ("l2tp", 115),
    ("manet", 138), ("mh", 135), ("mobility-header", 135), ("mpls-in-ip", 137),
    ("ospf", 89), ("ospfigp", 89), ("pim", 103), ("pup", 12), ("rdp", 27), ("rohc", 142),
    ("rspf", 73), ("rsvp", 46), ("sctp", 132), ("shim6", 140), ("skip", 57), ("st", 5),
    ("tcp", 6), ("udp", 17), ("udplite", 136), ("vmtp", 81), ("vrrp", 112), ("wesp", 141),
    ("xns-idp", 22), ("xtp", 36),
];

/// The names of libxt_icmp.h for ICMP: a type, and a code where the name means one.
const ICMP: &[(&str, u8, Option<u8>)] = &[
    ("echo-reply", 0, None),
    ("pong", 0, None),
    ("destination-unreachable", 3, None),
    ("network-unreachable", 3, Some(0)),
    ("host-unreachable", 3, Some(1)),
    ("protocol-unreachable", 3, Some(2)),
    ("port-unreachable", 3, Some(3)),
    ("fragmentation-needed", 3, Some(4)),
    ("source-route-failed", 3, Some(5)),
    ("network-unknown", 3, Some(6)),
    ("host-unknown", 3, Some(7)),
    ("network-prohibited", 3, Some(9)),
    ("host-prohibited", 3, Some(10)),
    ("TOS-network-unreachable", 3, Some(11)),
    ("TOS-host-unreachable", 3, Some(12)),
    ("communication-prohibited", 3, Some(13)),
    ("host-precedence-violation", 3, Some(14)),
    ("precedence-cutoff", 3, Some(15)),
    ("source-quench", 4, None),
    ("redirect", 5, None),
    ("network-redirect", 5, Some(0)),
    ("host-redirect", 5, Some(1)),
    ("TOS-network-redirect", 5, Some(2)),
    ("TOS-host-redirect", 5, Some(3)),
    ("echo-request", 8, None),
    ("ping", 8, None),
    ("router-advertisement", 9, None),
    ("router-solicitation", 10, None),
    ("time-exceeded", 11, None),
    ("ttl-exceeded", 11, None),
    ("ttl-zero-during-transit", 11, Some(0)),
    ("ttl-zero-during-reassembly", 11, Some(1)),
    ("ip-header-bad", 12, Some(0)),
    ("required-option-missing", 12, Some(1)),
    ("parameter-problem", 12, None),
    ("timestamp-request", 13, None),
    ("timestamp-reply", 14, None),
    ("address-mask-request", 17, None),
    ("address-mask-reply", 18, None),
];

/// Names of ICMPv6 types.
const ICMPV6: &[(&str, u8, Option<u8>)] = &[
    ("destination-unreachable", 1, None),
    ("no-route", 1, Some(0)),
    ("communication-prohibited", 1, Some(1)),
    ("beyond-scope", 1, Some(2)),
    ("address-unreachable", 1, Some(3)),
    ("port-unreachable", 1, Some(4)),
    ("failed-policy", 1, Some(5)),
    ("reject-route", 1, Some(6)),
    ("packet-too-big", 2, None),
    ("time-exceeded", 3, None),
    ("ttl-exceeded", 3, None),
    ("parameter-problem", 4, None),
    ("echo-request", 128, None),
    ("ping", 128, None),
    ("echo-reply", 129, None),
    ("pong", 129, None),
    ("router-solicitation", 133, None),
    ("router-advertisement", 134, None),
    ("neighbour-solicitation", 135, None),
    ("neighbor-solicitation", 135, None),
    ("neighbour-advertisement", 136, None),
    ("neighbor-advertisement", 136, None),
    ("redirect", 137, None),
];

/// The bits of the TCP flags by name.
const FLAGS: [(&str, u8); 8] = [
    ("FIN", 0x01),
    ("SYN", 0x02),
    ("RST", 0x04),
    ("PSH", 0x08),
    ("ACK", 0x10),
    ("URG", 0x20),
    ("ALL", 0x3f),
    ("NONE", 0x00),
];

/// Mask and flags of `--syn`.
pub(in crate::chain) const SYN: (u8, u8) = (0x17, 0x02);

pub(in crate::chain) fn protocol(text: &str) -> Option<u8> {
    let lower = text.to_ascii_lowercase();
    lower.parse().ok().or_else(|| {
        PROTOCOLS
            .iter()
            .find(|(name, _)| *name == lower)
            .map(|(_, number)| *number)
    })
}

fn port(text: &str) -> Option<u16> {
    text.parse()
        .ok()
        .or_else(|| port_of_name(&text.to_ascii_lowercase()))
}

/// `22`, `80:90`, `:80`, `60000:`.
pub(in crate::chain) fn ports(text: &str) -> Option<PortRange> {
    let Some((first, last)) = text.split_once(':') else {
        return port(text).map(PortRange::one);
    };
    let first = if first.is_empty() { 0 } else { port(first)? };
    let last = if last.is_empty() {
        u16::MAX
    } else {
        port(last)?
    };
    (first <= last).then_some(PortRange::new(first, last))
}

/// `22,80:90`: at most 15, a range counts twice (XT_MULTI_PORTS).
pub(in crate::chain) fn port_list(text: &str) -> Option<Vec<PortRange>> {
    const MAX_PORTS: usize = 15;
    let out = text.split(',').map(ports).collect::<Option<Vec<_>>>()?;
    let slots: usize = text
        .split(',')
        .map(|part| 1 + usize::from(part.contains(':')))
        .sum();
    (slots <= MAX_PORTS).then_some(out)
}

/// `10.52.0.0/16`, `10.52.0.0/255.255.0.0`, `10.1.1.1`, `anywhere`.
pub(in crate::chain) fn net(text: &str) -> Option<IpNet> {
    if text == "anywhere" {
        return Some(IpNet::new_assert(IpAddr::V4(Ipv4Addr::UNSPECIFIED), 0));
    }
    if let Ok(net) = parse_net(text) {
        return Some(net);
    }
    let (address, mask) = text.split_once('/')?;
    let mask: IpAddr = mask.parse().ok()?;
    IpNet::with_netmask(address.parse().ok()?, mask)
        .ok()
        .map(|net| net.trunc())
}

pub(in crate::chain) fn states(text: &str) -> Option<States> {
    let mut out = States::default();
    for name in text.split(',') {
        let state = match name.to_ascii_uppercase().as_str() {
            "NEW" => States::NEW,
            "INVALID" => States::INVALID,
            "UNTRACKED" => States::UNTRACKED,
            "ESTABLISHED" => States::ESTABLISHED,
            "RELATED" => States::RELATED,
            "SNAT" => States::SNAT,
            "DNAT" => States::DNAT,
            _ => return None,
        };
        out = out.with(state);
    }
    Some(out)
}

/// `SYN,RST`, `ALL`, `NONE`, or bits as `-L -n` prints them, `0x17`.
pub(in crate::chain) fn flags(text: &str) -> Option<u8> {
    if let Some(hex) = text.strip_prefix("0x") {
        return u8::from_str_radix(hex, 16).ok();
    }
    text.split(',')
        .map(|name| {
            let upper = name.to_ascii_uppercase();
            FLAGS
                .iter()
                .find(|(known, _)| *known == upper)
                .map(|(_, bit)| *bit)
        })
        .try_fold(0, |all, bit| Some(all | bit?))
}

/// Returns an ICMP type; `None` inside where any matches.
pub(in crate::chain) fn icmp(text: &str, v6: bool) -> Option<Option<(u8, Option<u8>)>> {
    if text == "any" || (text == "255" && !v6) {
        return Some(None);
    }
    let names = if v6 { ICMPV6 } else { ICMP };
    if let Some((_, kind, code)) = names.iter().find(|(name, ..)| *name == text) {
        return Some(Some((*kind, *code)));
    }
    let (kind, code) = match text.split_once('/') {
        Some((kind, code)) => (kind, Some(code.parse().ok()?)),
        None => (text, None),
    };
    Some(Some((kind.parse().ok()?, code)))
}

pub(in crate::chain) fn address_types(text: &str) -> Option<Vec<AddressType>> {
    text.split(',')
        .map(|name| {
            Some(match name.to_ascii_uppercase().as_str() {
                "LOCAL" => AddressType::Local,
                "BROADCAST" => AddressType::Broadcast,
                "MULTICAST" => AddressType::Multicast,
                "UNICAST" => AddressType::Unicast,
                "UNSPEC" | "ANYCAST" | "BLACKHOLE" | "UNREACHABLE" | "PROHIBIT" | "THROW"
                | "NAT" | "XRESOLVE" => AddressType::Other,
                _ => return None,
            })
        })
        .collect()
}

/// `10/min`: the interval as the kernel keeps it. Units may be shortened; none is a second.
pub(in crate::chain) fn rate(text: &str) -> Option<u32> {
    let (count, unit) = text.split_once('/').unwrap_or((text, "second"));
    let seconds = [
        ("second", 1),
        ("minute", 60),
        ("hour", 3600),
        ("day", 86400),
    ]
    .into_iter()
    .find(|(name, _)| !unit.is_empty() && name.starts_with(&unit.to_ascii_lowercase()))?
    .1;
    limit_interval(count.parse().ok()?, seconds)
}

/// `4` or `warning`.
pub(in crate::chain) fn log_level(text: &str) -> Option<u8> {
    let names = [
        "emerg", "alert", "crit", "error", "warning", "notice", "info", "debug",
    ];
    if let Ok(number) = text.parse() {
        return (number < 8).then_some(number);
    }
    let place = match text {
        "panic" => Some(0),
        "err" => Some(3),
        "warn" => Some(4),
        _ => names.iter().position(|name| *name == text),
    };
    place.and_then(|place| u8::try_from(place).ok())
}

/// Returns a counter: digits, or digits and K, M, G or T (thousands), which is not exact.
pub(in crate::chain) fn counter(text: &str) -> Option<(u64, bool)> {
    let (digits, factor) = match text.as_bytes().last()? {
        b'K' => (&text[..text.len() - 1], 1_000),
        b'M' => (&text[..text.len() - 1], 1_000_000),
        b'G' => (&text[..text.len() - 1], 1_000_000_000),
        b'T' => (&text[..text.len() - 1], 1_000_000_000_000),
        _ => (text, 1),
    };
    let number: u64 = digits.parse().ok()?;
    Some((number.saturating_mul(factor), factor == 1))
}

/// `0x1`, `16`, `020`: an unsigned number as `xtables_strtoui()` reads it.
pub(in crate::chain) fn number(text: &str) -> Option<u32> {
    if let Some(hex) = text.strip_prefix("0x").or(text.strip_prefix("0X")) {
        return u32::from_str_radix(hex, 16).ok();
    }
    match text.strip_prefix('0') {
        Some(octal) if !octal.is_empty() => u32::from_str_radix(octal, 8).ok(),
        _ => text.parse().ok(),
    }
}

/// `0x1`, `0x1/0xff`: a value and its mask, all bits where none is given.
pub(in crate::chain) fn masked(text: &str) -> Option<(u32, u32)> {
    match text.split_once('/') {
        Some((value, mask)) => Some((number(value)?, number(mask)?)),
        None => Some((number(text)?, u32::MAX)),
    }
}

/// `--tos`: a byte with its mask, or a name (libxt_tos.h, without its ECN bits).
pub(in crate::chain) fn tos(text: &str) -> Option<(u8, u8)> {
    let named = [
        ("Minimize-Delay", 0x10),
        ("Maximize-Throughput", 0x08),
        ("Maximize-Reliability", 0x04),
        ("Minimize-Cost", 0x02),
        ("Normal-Service", 0x00),
    ];
    let name = |(name, _): &&(&str, u8)| name.eq_ignore_ascii_case(text);
    if let Some((_, value)) = named.iter().find(name) {
        return Some((*value, 0x3f));
    }
    let (value, mask) = masked(text)?;
    let mask = if text.contains('/') { mask } else { 0xff };
    Some((u8::try_from(value).ok()?, u8::try_from(mask).ok()?))
}

/// `--dscp-class`: the DSCP of a class (RFC 2474, 2597, 3246).
pub(in crate::chain) fn dscp_class(text: &str) -> Option<u8> {
    let upper = text.to_ascii_uppercase();
    let digit = |text: &str, least: u8, most: u8| {
        let number: u8 = text.parse().ok()?;
        (least..=most).contains(&number).then_some(number)
    };
    if let Some(class) = upper.strip_prefix("CS") {
        return Some(digit(class, 0, 7)? << 3);
    }
    if let Some(class) = upper.strip_prefix("AF").filter(|class| class.len() == 2) {
        return Some(digit(&class[..1], 1, 4)? << 3 | digit(&class[1..], 1, 3)? << 1);
    }
    match upper.as_str() {
        "EF" => Some(0x2e),
        "BE" => Some(0),
        _ => None,
    }
}

/// `100`, `100:200`, `:200`, `100:`: bytes of a packet.
pub(in crate::chain) fn lengths(text: &str) -> Option<(u32, u32)> {
    const MAX: u32 = 0xffff;
    let one = |text: &str| number(text).filter(|n| *n <= MAX);
    let Some((first, last)) = text.split_once(':') else {
        return one(text).map(|one| (one, one));
    };
    let first = if first.is_empty() { 0 } else { one(first)? };
    let last = if last.is_empty() { MAX } else { one(last)? };
    (first <= last).then_some((first, last))
}

/// `10.0.0.1-10.0.0.9`, or one address.
pub(in crate::chain) fn range(text: &str) -> Option<(IpAddr, IpAddr)> {
    let (first, last) = text.split_once('-').unwrap_or((text, text));
    let (first, last): (IpAddr, IpAddr) = (first.parse().ok()?, last.parse().ok()?);
    (first.is_ipv4() == last.is_ipv4() && first <= last).then_some((first, last))
}

/// Six bytes in hex with colons, of one or two digits each.
pub(in crate::chain) fn mac(text: &str) -> Option<[u8; 6]> {
    let mut out = [0; 6];
    let mut parts = text.split(':');
    for byte in &mut out {
        let part = parts.next().filter(|part| part.len() <= 2)?;
        *byte = u8::from_str_radix(part, 16).ok()?;
    }
    parts.next().is_none().then_some(out)
}

/// `--pkt-type` (libxt_pkttype.c).
pub(in crate::chain) fn packet_type(text: &str) -> Option<PktType> {
    Some(match text.to_ascii_lowercase().as_str() {
        "unicast" | "host" => PktType::Unicast,
        "broadcast" | "bcast" => PktType::Broadcast,
        "multicast" | "mcast" => PktType::Multicast,
        _ => return None,
    })
}

/// `10.0.0.0/255.0.255.0`: a mask that is no prefix.
pub(in crate::chain) fn odd_mask(text: &str) -> Option<(Ipv4Addr, Ipv4Addr)> {
    let (address, mask) = text.split_once('/')?;
    let (address, mask): (Ipv4Addr, Ipv4Addr) = (address.parse().ok()?, mask.parse().ok()?);
    Some((
        Ipv4Addr::from_bits(address.to_bits() & mask.to_bits()),
        mask,
    ))
}
