//! IP protocol numbers and their names, as the report spells them and as the kernel does.

use std::borrow::Cow;

pub const ICMP: u8 = 1;
pub const TCP: u8 = 6;
pub const UDP: u8 = 17;
pub const ESP: u8 = 50;
pub const AH: u8 = 51;
pub const ICMPV6: u8 = 58;
pub const VRRP: u8 = 112;
pub const UDPLITE: u8 = 136;

/// Names of /etc/protocols, but `icmpv6`, which reads `ipv6-icmp` there, and `ipip`, which reads `ipencap`.
/// The most frequent come first, since a line's name is looked up from the top.
const NAMES: [(u8, &str); 19] = [
    (TCP, "tcp"),
    (UDP, "udp"),
    (ICMP, "icmp"),
    (ICMPV6, "icmpv6"),
    (2, "igmp"),
    (VRRP, "vrrp"),
    (47, "gre"),
    (ESP, "esp"),
    (AH, "ah"),
    (132, "sctp"),
    (UDPLITE, "udplite"),
    (4, "ipip"),
    (33, "dccp"),
    (41, "ipv6"),
    (46, "rsvp"),
    (88, "eigrp"),
    (89, "ospf"),
    (103, "pim"),
    (115, "l2tp"),
];

/// `tcp`, `udp`, `icmpv6` and so on, else the number as text.
pub fn proto_name(number: u8) -> Cow<'static, str> {
    NAMES
        .iter()
        .find(|(known, _)| *known == number)
        .map_or_else(
            || Cow::Owned(number.to_string()),
            |(_, name)| Cow::Borrowed(*name),
        )
}

/// Returns the number of a protocol by its name in either case (the kernel writes `TCP` and `ICMPv6`) or by its number.
pub fn proto_number(text: &str) -> Option<u8> {
    if text.starts_with(|first: char| first.is_ascii_digit()) {
        return text.parse().ok();
    }
    NAMES
        .iter()
        .find(|(_, name)| name.eq_ignore_ascii_case(text))
        .map(|(number, _)| *number)
        .or_else(|| text.eq_ignore_ascii_case("ipv6-icmp").then_some(ICMPV6))
}

/// Returns the name that `dump_ipv4_packet()` prints after `PROTO=`; `None` where it prints the number.
pub(super) fn v4_spelling(number: u8) -> Option<&'static str> {
    match number {
        TCP => Some("TCP"),
        UDP => Some("UDP"),
        UDPLITE => Some("UDPLITE"),
        ICMP => Some("ICMP"),
        AH => Some("AH"),
        ESP => Some("ESP"),
        _ => None,
    }
}

/// Name that `dump_ipv6_packet()` prints, where AH and ESP are extension headers.
pub(super) fn v6_spelling(number: u8) -> Option<&'static str> {
    match number {
        TCP => Some("TCP"),
        UDP => Some("UDP"),
        UDPLITE => Some("UDPLITE"),
        ICMPV6 => Some("ICMPv6"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use crate::packet::{proto_name, proto_number};

    #[test]
    fn protocols_by_name_and_number() {
        for (number, name) in [
            (6, "tcp"),
            (17, "udp"),
            (1, "icmp"),
            (58, "icmpv6"),
            (2, "igmp"),
            (112, "vrrp"),
            (255, "255"),
        ] {
            assert_eq!(proto_name(number), name);
            assert_eq!(proto_number(name), Some(number));
        }
        assert_eq!(proto_number("ICMPv6"), Some(58));
        assert_eq!(proto_number("UDPLITE"), Some(136));
        assert_eq!(proto_number("256"), None);
        for number in 0..=u8::MAX {
            assert_eq!(proto_number(&proto_name(number)), Some(number));
        }
    }
}
