//! The usual line, read in the order in which the kernel writes it: TCP, UDP and other protocols without options, of a
//! whole packet. Whatever differs in any byte is left to [`Packet::parse`], which this agrees with; a property test in
//! `roundtrip.rs` holds that.
//! `cargo bench` measures both ways.

use std::net::{IpAddr, Ipv4Addr};

use crate::packet::link::Link;
use crate::packet::{Brief, Cast, Packet, Shape, TcpFlags, Unparsed, proto, proto_number};

/// `IFNAMSIZ - 1`.
const INTERFACE_MAX: usize = 15;

impl<'a> Brief<'a> {
    /// Reads one kernel message, as [`Packet::parse`] and [`Packet::brief`] do.
    ///
    /// # Errors
    /// Where [`Packet::parse`] has some.
    pub fn read(text: &'a str) -> Result<Self, Unparsed> {
        match Self::usual(text) {
            Some(brief) => Ok(brief),
            None => Packet::parse(text).map(|packet| packet.brief()),
        }
    }

    /// Reads a usual line; `None` where it is not usual.
    pub fn usual(text: &'a str) -> Option<Self> {
        let mut at = Place {
            rest: text.trim_end_matches(['\r', '\n']).as_bytes(),
        };
        // A prefix with an equals sign may hold an `IN=` or a `SRC=` of its own.
        let equals = memchr::memchr(b'=', at.rest)?;
        let prefix = at.rest.get(..equals)?.strip_suffix(b"IN")?;
        if prefix.ends_with(b"PHYS") {
            return None;
        }
        at.rest = &at.rest[equals + 1..];
        let from = equals + 1;
        let length = at.name()?;
        let interface = text.get(from..from + length)?;
        at.literal(b" OUT=")?;
        at.name()?;
        let mut mac = None;
        if at.literal(b" MAC=").is_some() {
            mac = Some(at.skip(|b| b.is_ascii_hexdigit() || b == b':'));
        }
        at.literal(b" SRC=")?;
        let src = at.address()?;
        at.literal(b" DST=")?;
        let dst = at.address()?;
        if src.is_ipv4() != dst.is_ipv4() {
            return None;
        }
        at.number(b" LEN=")?;
        if src.is_ipv4() {
            at.literal(b" TOS=0x")?;
            at.skip(|b| b.is_ascii_hexdigit());
            at.literal(b" PREC=0x")?;
            at.skip(|b| b.is_ascii_hexdigit());
            at.number(b" TTL=")?;
            at.number(b" ID=")?;
            let _ = at.literal(b" DF");
        } else {
            at.number(b" TC=")?;
            at.number(b" HOPLIMIT=")?;
            at.number(b" FLOWLBL=")?;
        }
        at.literal(b" PROTO=")?;
        let mut brief = Self {
            interface,
            src,
            dst,
            proto: Some(at.proto()?),
            spt: None,
            dpt: None,
            flags: None,
            icmp_type: None,
            shape: Shape::Whole,
            cast: cast(dst, mac),
        };
        at.transport(&mut brief)?;
        matches!(at.rest, b"" | b" ").then_some(brief)
    }
}

/// To whom the packet was sent, as [`Packet::cast`] has it.
fn cast(dst: IpAddr, mac: Option<&[u8]>) -> Cast {
    if dst.is_multicast() {
        return Cast::Multicast;
    }
    if dst == IpAddr::V4(Ipv4Addr::BROADCAST) {
        return Cast::Broadcast;
    }
    // The group bit is in the second digit: without it no look at the rest is needed.
    let Some(mac) = mac.filter(|mac| {
        mac.get(1)
            .is_some_and(|digit| char::from(*digit).to_digit(16).is_some_and(|d| d & 1 == 1))
    }) else {
        return Cast::Unicast;
    };
    let link = Link::Raw {
        mac: std::str::from_utf8(mac).unwrap_or_default(),
        tunnel: None,
    };
    match link.destination() {
        Some(mac) if mac == crate::packet::link::Mac::BROADCAST => Cast::Broadcast,
        Some(mac) if mac.is_group() => Cast::Multicast,
        _ => Cast::Unicast,
    }
}

/// A flag that lines have; the rare ones are left to [`Packet::parse`].
fn flag(name: &[u8]) -> Option<TcpFlags> {
    Some(match name {
        b"SYN" => TcpFlags::SYN,
        b"ACK" => TcpFlags::ACK,
        b"PSH" => TcpFlags::PSH,
        b"FIN" => TcpFlags::FIN,
        b"RST" => TcpFlags::RST,
        b"URG" => TcpFlags::URG,
        b"ECE" => TcpFlags::ECE,
        b"CWR" => TcpFlags::CWR,
        _ => return None,
    })
}

/// A place in the line.
struct Place<'t> {
    rest: &'t [u8],
}

impl<'t> Place<'t> {
    /// Takes `literal`; its length is a constant, so that it is compared in place, without a call.
    #[inline]
    fn literal<const N: usize>(&mut self, literal: &[u8; N]) -> Option<()> {
        let (head, rest) = self.rest.split_first_chunk::<N>()?;
        if head != literal {
            return None;
        }
        self.rest = rest;
        Some(())
    }

    /// Goes behind all bytes that `may` stand here.
    fn skip(&mut self, may: impl Fn(u8) -> bool) -> &'t [u8] {
        let end = self.rest.iter().position(|b| !may(*b));
        let (skipped, rest) = self.rest.split_at(end.unwrap_or(self.rest.len()));
        self.rest = rest;
        skipped
    }

    /// Goes behind the name of an interface: how long it is.
    fn name(&mut self) -> Option<usize> {
        let name =
            self.skip(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.' | b'_' | b'@'));
        (name.len() <= INTERFACE_MAX).then_some(name.len())
    }

    /// Takes `key` and a number behind it, of at most nine digits.
    #[inline]
    fn number<const N: usize>(&mut self, key: &[u8; N]) -> Option<u32> {
        self.literal(key)?;
        let mut number = 0;
        let mut length = 0;
        while let Some(digit) = self.rest.get(length).filter(|b| b.is_ascii_digit()) {
            if length == 9 {
                return None;
            }
            number = number * 10 + u32::from(digit - b'0');
            length += 1;
        }
        self.rest = &self.rest[length..];
        (length > 0).then_some(number)
    }

    #[inline]
    fn word<const N: usize>(&mut self, key: &[u8; N]) -> Option<u16> {
        self.number(key)?.try_into().ok()
    }

    fn address(&mut self) -> Option<IpAddr> {
        let mut octets = [0_u8; 4];
        let mut at = 0;
        for (place, octet) in octets.iter_mut().enumerate() {
            let begin = at;
            let mut number = 0_u32;
            while let Some(digit) = self.rest.get(at).filter(|b| b.is_ascii_digit()) {
                number = number * 10 + u32::from(digit - b'0');
                at += 1;
                if at - begin > 3 {
                    return None;
                }
            }
            let padded = self.rest.get(begin) == Some(&b'0') && at - begin > 1;
            let dot = place == 3 || self.rest.get(at) == Some(&b'.');
            if at == begin || number > 255 || padded || !dot {
                return self.address_v6();
            }
            *octet = number as u8;
            at += usize::from(place < 3);
        }
        self.rest = &self.rest[at..];
        Some(IpAddr::from(octets))
    }

    fn address_v6(&mut self) -> Option<IpAddr> {
        let text = self.skip(|b| b.is_ascii_hexdigit() || b == b':');
        let address: IpAddr = std::str::from_utf8(text).ok()?.parse().ok()?;
        address.is_ipv6().then_some(address)
    }

    fn proto(&mut self) -> Option<u8> {
        let name = self.skip(|b| b.is_ascii_alphanumeric());
        match name {
            b"TCP" => Some(proto::TCP),
            b"UDP" => Some(proto::UDP),
            _ => proto_number(std::str::from_utf8(name).ok()?),
        }
    }

    /// What stands behind `PROTO=`.
    fn transport(&mut self, brief: &mut Brief<'_>) -> Option<()> {
        match brief.proto {
            Some(proto::TCP) => {
                brief.spt = Some(self.word(b" SPT=")?);
                brief.dpt = Some(self.word(b" DPT=")?);
                self.number(b" WINDOW=")?;
                self.literal(b" RES=0x")?;
                if self.skip(|b| b.is_ascii_hexdigit()).len() != 2 {
                    return None;
                }
                let mut flags = TcpFlags::NONE;
                while self.literal(b" URGP=").is_none() {
                    self.literal(b" ")?;
                    let name = self.skip(|b| b.is_ascii_uppercase());
                    flags = flags.union(flag(name)?);
                }
                brief.flags = Some(flags);
                self.word(b"").map(|_| ())
            }
            Some(proto::UDP) => {
                brief.spt = Some(self.word(b" SPT=")?);
                brief.dpt = Some(self.word(b" DPT=")?);
                self.number(b" LEN=").map(|_| ())
            }
            // Other protocols that print something behind it have it read by `Packet::parse`.
            Some(proto::ICMP | proto::ICMPV6 | proto::UDPLITE) | None => None,
            Some(_) => Some(()),
        }
    }
}
