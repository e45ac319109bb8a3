//! The values of options: ports, networks, protocols, states, flags, ICMP types, rates.

use std::net::{IpAddr, Ipv4Addr};

use crate::chain::rule::{AddressType, States, limit_interval};
use crate::net::{IpNet, PortRange, parse_net};

/// Names of /etc/protocols that firewalls use.
const PROTOCOLS: &[(&str, u8)] = &[
    ("all", 0),
    ("ip", 0),
    ("icmp", 1),
    ("igmp", 2),
    ("ipencap", 4),
    ("tcp", 6),
    ("udp", 17),
    ("dccp", 33),
    ("ipv6", 41),
    ("gre", 47),
    ("esp", 50),
    ("ah", 51),
    ("ipv6-icmp", 58),
    ("icmpv6", 58),
    ("icmp6", 58),
    ("ospf", 89),
    ("pim", 103),
    ("vrrp", 112),
    ("sctp", 132),
    ("udplite", 136),
];

/// Names of /etc/services for what runs on a node; others are not known.
const SERVICES: &[(&str, u16)] = &[
    ("ssh", 22),
    ("domain", 53),
    ("bootps", 67),
    ("bootpc", 68),
    ("http", 80),
    ("ntp", 123),
    ("snmp", 161),
    ("https", 443),
    ("http-alt", 8080),
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
    ("source-quench", 4, None),
    ("redirect", 5, None),
    ("echo-request", 8, None),
    ("ping", 8, None),
    ("router-advertisement", 9, None),
    ("router-solicitation", 10, None),
    ("time-exceeded", 11, None),
    ("ttl-exceeded", 11, None),
    ("parameter-problem", 12, None),
    ("timestamp-request", 13, None),
    ("timestamp-reply", 14, None),
];

/// The same for ICMPv6.
const ICMPV6: &[(&str, u8, Option<u8>)] = &[
    ("destination-unreachable", 1, None),
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

/// What `--syn` is short for.
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
    text.parse().ok().or_else(|| {
        SERVICES
            .iter()
            .find(|(name, _)| *name == text)
            .map(|(_, number)| *number)
    })
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
    const MOST: usize = 15;
    let out = text.split(',').map(ports).collect::<Option<Vec<_>>>()?;
    let slots: usize = text
        .split(',')
        .map(|part| 1 + usize::from(part.contains(':')))
        .sum();
    (slots <= MOST).then_some(out)
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

/// An ICMP type; `None` inside where any matches.
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

/// A counter: digits, or digits and K, M, G or T (thousands), which is not exact.
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
