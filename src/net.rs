//! Networks and port ranges, and the addresses and ports that they contain.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

pub use ipnet::IpNet;

/// A range of ports, including both ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PortRange {
    pub first: u16,
    pub last: u16,
}

impl PortRange {
    /// Creates the range of one port.
    pub const fn one(port: u16) -> Self {
        Self {
            first: port,
            last: port,
        }
    }

    /// Creates the range from `first` to `last`.
    pub const fn new(first: u16, last: u16) -> Self {
        Self { first, last }
    }

    /// Whether `port` lies in the range.
    pub const fn contains(self, port: u16) -> bool {
        self.first <= port && port <= self.last
    }

    /// Whether a port lies in both ranges.
    pub const fn overlaps(self, other: Self) -> bool {
        self.first <= other.last && other.first <= self.last
    }

    /// Returns the part of the range that no range of `known` covers, from its first port; `None` where all is covered.
    pub fn uncovered(self, mut known: Vec<Self>) -> Option<Self> {
        known.sort_unstable();
        let mut first = self.first;
        for next in known {
            if next.contains(first) {
                match next.last.checked_add(1) {
                    Some(after) if after <= self.last => first = after,
                    _ => return None,
                }
            }
        }
        Some(Self::new(first, self.last))
    }

    /// Returns the number of ports in the range.
    pub const fn len(self) -> usize {
        self.last as usize - self.first as usize + 1
    }

    /// Returns false: a range has at least its first port.
    pub const fn is_empty(self) -> bool {
        false
    }
}

/// Formats the range as iptables prints it: `2112`, `2379:2380`.
impl fmt::Display for PortRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.first == self.last {
            write!(f, "{}", self.first)
        } else {
            write!(f, "{}:{}", self.first, self.last)
        }
    }
}

/// Reads a network, or an address as the network of that one address.
pub fn parse_net(text: &str) -> Result<IpNet, String> {
    if let Ok(net) = IpNet::from_str(text) {
        return Ok(net.trunc());
    }
    IpAddr::from_str(text)
        .map(IpNet::from)
        .map_err(|_| format!("`{text}` is no network; write it as 192.168.122.0/24 or fd00::/64"))
}

/// Returns the neighbourhood of an address: its /24, for IPv6 its /64.
pub fn neighbourhood(address: IpAddr) -> IpNet {
    let length = if address.is_ipv4() { 24 } else { 64 };
    IpNet::new_assert(address, length).trunc()
}

/// Whether two addresses are of one [`neighbourhood`].
pub fn are_neighbours(one: IpAddr, other: IpAddr) -> bool {
    match (one, other) {
        (IpAddr::V4(one), IpAddr::V4(other)) => one.octets()[..3] == other.octets()[..3],
        (IpAddr::V6(one), IpAddr::V6(other)) => one.octets()[..8] == other.octets()[..8],
        _ => false,
    }
}

/// `fe80::/10`, which never leaves its link (RFC 4291, 2.5.6).
pub fn is_link_local_v6(address: IpAddr) -> bool {
    matches!(address, IpAddr::V6(v6) if v6.segments()[0] & 0xffc0 == 0xfe80)
}

/// Whether an address is private: RFC 1918, the shared space of RFC 6598, or unique local (RFC 4193).
pub fn is_private(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => v4.is_private() || v4.octets()[0] == 100 && v4.octets()[1] & 0xc0 == 64,
        IpAddr::V6(v6) => v6.is_unique_local(),
    }
}

/// Whether all addresses of a network are private.
pub fn is_private_net(net: IpNet) -> bool {
    is_private(net.network()) && is_private(net.broadcast())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neighbourhoods() {
        let of = |a: &str| neighbourhood(a.parse().unwrap()).to_string();
        assert_eq!(of("192.168.122.61"), "192.168.122.0/24");
        assert_eq!(of("fd00:1:2:3:4::5"), "fd00:1:2:3::/64");
    }

    #[test]
    fn neighbours_share_a_neighbourhood() {
        let addresses = [
            "192.168.122.61",
            "192.168.122.9",
            "192.168.123.61",
            "fd00:1:2:3:4::5",
            "fd00:1:2:3::5",
            "fd00:1:2:4::5",
        ];
        let addresses = addresses.map(|a| a.parse::<IpAddr>().unwrap());
        for one in addresses {
            for other in addresses {
                assert_eq!(
                    are_neighbours(one, other),
                    neighbourhood(one).contains(&other),
                    "{one} {other}"
                );
            }
        }
    }

    #[test]
    fn networks_are_read() {
        assert_eq!(
            parse_net("10.52.3.4/16").unwrap().to_string(),
            "10.52.0.0/16"
        );
        assert_eq!(parse_net("10.1.1.1").unwrap().to_string(), "10.1.1.1/32");
        assert!(parse_net("10.1/16").is_err());
    }
}
