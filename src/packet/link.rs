//! Link-layer part of a line, `dump_mac_header()`, and the receiver that it shows.

use std::fmt;
use std::net::Ipv4Addr;

/// Fields between the interfaces and `SRC=`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Link<'a> {
    /// No field: a locally generated packet, or one without a MAC header.
    None,
    /// `MAC=` with the bytes of the link header, with none, or with an elided value.
    Raw {
        mac: &'a str,
        /// Both ends of a SIT tunnel, `TUNNEL=a->b`.
        tunnel: Option<(Ipv4Addr, Ipv4Addr)>,
    },
    /// `MACSRC= MACDST= MACPROTO=` of `--log-macdecode`.
    Ether {
        src: Option<Mac>,
        dst: Option<Mac>,
        vlan: Option<Vlan>,
        proto: Option<u16>,
    },
}

/// `VPROTO= VID=`, `nf_log_dump_vlan()`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Vlan {
    pub proto: u16,
    /// The whole tag, which the kernel prints as VID: priority and VLAN.
    pub tci: u16,
}

/// An Ethernet address, printed as `%pM`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Mac(pub [u8; 6]);

impl Mac {
    pub const BROADCAST: Self = Self([0xff; 6]);

    /// Six pairs of hex digits with colons.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let bytes = text.as_bytes();
        if bytes.len() != 17 {
            return None;
        }
        let mut address = [0; 6];
        for (place, byte) in address.iter_mut().enumerate() {
            let digits = &bytes[place * 3..];
            if place < 5 && digits[2] != b':' {
                return None;
            }
            *byte = nibble(digits[0])? << 4 | nibble(digits[1])?;
        }
        Some(Self(address))
    }

    /// Whether the group bit is set: broadcast or multicast.
    pub fn is_group(self) -> bool {
        self.0[0] & 1 == 1
    }
}

impl fmt::Display for Mac {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [a, b, c, d, e, g] = self.0;
        write!(f, "{a:02x}:{b:02x}:{c:02x}:{d:02x}:{e:02x}:{g:02x}")
    }
}

fn nibble(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        b'A'..=b'F' => Some(digit - b'A' + 10),
        _ => None,
    }
}

impl Link<'_> {
    /// Returns the Ethernet address of the sender, where the line shows an Ethernet header.
    pub fn source(&self) -> Option<Mac> {
        match self {
            Link::None => None,
            Link::Ether { src, .. } => *src,
            Link::Raw { mac, .. } => {
                self.destination()?;
                Mac::parse(mac.get(18..35)?)
            }
        }
    }

    /// Returns the Ethernet address of the receiver. A `MAC=` of 14 or 18 bytes (the latter on a VLAN) is an Ethernet
    /// header, which begins with it; one of another length is not.
    pub fn destination(&self) -> Option<Mac> {
        match self {
            Link::None => None,
            Link::Ether { dst, .. } => *dst,
            Link::Raw { mac, .. } => {
                let colons = mac.bytes().skip(2).step_by(3).all(|byte| byte == b':');
                let digits = mac
                    .bytes()
                    .enumerate()
                    .all(|(place, byte)| place % 3 == 2 || byte.is_ascii_hexdigit());
                // n bytes take 3n - 1 characters.
                if !matches!(mac.len(), 41 | 53) || !colons || !digits {
                    return None;
                }
                Mac::parse(mac.get(..17)?)
            }
        }
    }
}
