//! A port as outputs and users write it: `2112`, `tcp/2112`, `2379:2380`, `tcp 3260 or 45610`, `ssh`, `gre`.

use crate::catalog::port_of_name;
use crate::error::Error;
use crate::net::PortRange;
use crate::packet::proto_number;

/// Ports of one protocol or of all, or a protocol.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct PortQuery {
    /// The protocol, where one is given.
    pub(super) proto: Option<u8>,
    /// Alternatives; none where a protocol alone is meant.
    pub(super) ports: Vec<PortRange>,
}

impl PortQuery {
    /// Parses a text that may be a port; `None` where it does not look like one.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        let (proto, ports) = match text.split_once(['/', ' ']) {
            // iptables and `ss` put the protocol first, Kubernetes and nmap behind.
            Some((ports, proto)) if !ports.is_empty() && starts_with_digit(ports) => {
                (Some(proto), ports)
            }
            Some((proto, ports)) => (Some(proto), ports),
            None => (None, text),
        };
        let proto = match proto {
            Some(proto) if !starts_with_digit(proto) => Some(proto_number(proto)?),
            Some(_) => return None,
            None => None,
        };
        let alone = proto.is_none().then(|| proto_number(ports)).flatten();
        if let Some(number) = alone.filter(|_| !starts_with_digit(ports)) {
            return Some(Self {
                proto: Some(number),
                ports: Vec::new(),
            });
        }
        let ranges = ports.replace(" or ", ",");
        let ranges = ranges.split(',').map(|text| range(text.trim()));
        Some(Self {
            proto,
            ports: ranges.collect::<Option<_>>()?,
        })
    }

    /// Parses a port, a range of them or a protocol.
    ///
    /// # Errors
    /// If it is malformed.
    pub(super) fn required(text: &str) -> Result<Self, Error> {
        Self::parse(text).ok_or_else(|| {
            Error::Usage(format!(
                "`{text}` is no port; write it as 2112, tcp/2112, 2379:2380 or gre"
            ))
        })
    }

    /// Whether a finding of `proto` with `ports` matches. A scan of several protocols matches no protocol.
    pub(super) fn matches(&self, proto: Option<u8>, ports: &[u16]) -> bool {
        let is_proto = match (self.proto, proto) {
            (Some(wanted), Some(proto)) => wanted == proto,
            (Some(_), None) => !self.ports.is_empty(),
            (None, _) => true,
        };
        is_proto
            && (self.ports.is_empty()
                || self
                    .ports
                    .iter()
                    .any(|range| ports.iter().any(|port| range.contains(*port))))
    }
}

fn starts_with_digit(text: &str) -> bool {
    text.starts_with(|first: char| first.is_ascii_digit())
}

fn range(text: &str) -> Option<PortRange> {
    if !starts_with_digit(text) {
        return port_of_name(&text.to_lowercase()).map(PortRange::one);
    }
    let (first, last) = text.split_once([':', '-']).unwrap_or((text, text));
    let (first, last) = (first.parse().ok()?, last.parse().ok()?);
    (first <= last).then_some(PortRange::new(first, last))
}

#[cfg(test)]
mod tests {
    use super::PortQuery;
    use crate::net::PortRange;

    #[test]
    fn ports_are_read_as_outputs_and_people_write_them() {
        let one = |proto, port| (proto, vec![PortRange::one(port)]);
        for (text, (proto, ports)) in [
            ("2112", one(None, 2112)),
            ("tcp/2112", one(Some(6), 2112)),
            ("2112/TCP", one(Some(6), 2112)),
            ("udp 8472", one(Some(17), 8472)),
            ("ssh", one(None, 22)),
            ("tcp/ssh", one(Some(6), 22)),
            ("gre", (Some(47), Vec::new())),
            ("2379:2380", (None, vec![PortRange::new(2379, 2380)])),
            ("tcp/2379-2380", (Some(6), vec![PortRange::new(2379, 2380)])),
            (
                "tcp 3260 or 45610",
                (Some(6), vec![PortRange::one(3260), PortRange::one(45610)]),
            ),
        ] {
            assert_eq!(
                PortQuery::parse(text),
                Some(PortQuery { proto, ports }),
                "{text}"
            );
        }
        for text in [
            "",
            "/",
            "tcp/",
            "70000",
            "2380:2379",
            "6/2112",
            "no-such-name",
            "2112x",
        ] {
            assert_eq!(PortQuery::parse(text), None, "{text}");
        }
    }
}
