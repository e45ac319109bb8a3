//! The usual line, read in the order in which the kernel writes it: TCP, UDP and other protocols without options, of a
//! whole packet. Whatever differs in any byte is left to [`Packet::parse`], which this agrees with; a property test in
//! `roundtrip.rs` holds that.
//! `cargo bench` measures both ways.

use std::net::{IpAddr, Ipv4Addr};

use crate::packet::link::{Link, Mac};
use crate::packet::memo::Memo;
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
        let (interface, brief) =
            Usual::forgetful().read(text.trim_end_matches(['\r', '\n']).as_bytes())?;
        Some(Self {
            interface: std::str::from_utf8(interface).ok()?,
            ..brief
        })
    }
}

/// Reads usual lines one after the other, and remembers the parts of them that come again.
#[derive(Debug, Clone)]
pub struct Usual {
    remembers: bool,
    /// From behind `IN=` to the address of `SRC=`: how long the interface's name is, and what the frame says.
    links: Memo<(u8, Frame)>,
    /// How long the last interface's name was.
    name: usize,
    /// From behind the address of `DST=` to the value of `ID=` or `FLOWLBL=`: whether it is one of IPv6.
    headers: Memo<bool>,
    /// From behind the value of `DPT=` to the end.
    ends: Memo<TcpFlags>,
}

/// What the link header says of the receiver.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Frame {
    #[default]
    Single,
    Group,
    All,
}

impl Default for Usual {
    fn default() -> Self {
        Self {
            remembers: true,
            ..Self::forgetful()
        }
    }
}

impl Usual {
    /// For one line: it remembers nothing.
    fn forgetful() -> Self {
        Self {
            remembers: false,
            links: Memo::default(),
            name: 0,
            headers: Memo::default(),
            ends: Memo::default(),
        }
    }

    /// Reads a usual line, without a line end.
    pub fn brief<'a>(&mut self, text: &'a str) -> Option<Brief<'a>> {
        let (interface, brief) = self.read(text.as_bytes())?;
        Some(Brief {
            interface: std::str::from_utf8(interface).ok()?,
            ..brief
        })
    }

    /// Reads a usual line, without a line end: the name of its interface, which the rest lacks, in ASCII. `None` where it is
    /// not usual.
    pub fn read<'a>(&mut self, text: &'a [u8]) -> Option<(&'a [u8], Brief<'static>)> {
        // A prefix with an equals sign may hold an `IN=` or a `SRC=` of its own.
        let equals = memchr::memchr(b'=', text)?;
        let prefix = text.get(..equals)?.strip_suffix(b"IN")?;
        if prefix.ends_with(b"PHYS") {
            return None;
        }
        self.read_behind(&text[equals + 1..])
    }

    /// The same behind a prefix and its `IN=`.
    pub(crate) fn read_behind<'a>(&mut self, text: &'a [u8]) -> Option<(&'a [u8], Brief<'static>)> {
        let mut at = Place { rest: text };
        let (name, frame) = self.link(&mut at)?;
        let interface = text.get(..name)?;
        let src = at.address()?;
        at.literal(b" DST=")?;
        let dst = at.address()?;
        if src.is_ipv4() != dst.is_ipv4() {
            return None;
        }
        self.header(&mut at, src.is_ipv6())?;
        at.digits()?;
        if src.is_ipv4() {
            let _ = at.literal(b" DF");
        }
        at.literal(b" PROTO=")?;
        let mut brief = Brief {
            interface: "",
            src,
            dst,
            proto: Some(at.proto()?),
            spt: None,
            dpt: None,
            flags: None,
            icmp_type: None,
            shape: Shape::Whole,
            cast: cast(dst, frame),
        };
        self.transport(&mut at, &mut brief)?;
        matches!(at.rest, b"" | b" ").then_some((interface, brief))
    }

    /// Goes behind ` SRC=`: how long the interface's name is, and what the frame says.
    fn link(&mut self, at: &mut Place<'_>) -> Option<(usize, Frame)> {
        /// Where the last two digits of the addresses of an Ethernet header stand, behind the interface's name.
        const RECEIVER: usize = " OUT= MAC=52:54:00:ab:cd:".len();
        const SENDER: usize = RECEIVER + "ef:52:54:00:ab:cd:".len();
        let begin = at.rest;
        let place = |name: usize| {
            let digit = |behind| begin.get(name + behind).map_or(0, |b: &u8| usize::from(*b));
            digit(RECEIVER) + digit(RECEIVER + 1) * 5 + digit(SENDER) * 3 + digit(SENDER + 1) * 9
        };
        if let Some((length, (name, frame))) = self.links.recall(place(self.name), begin) {
            at.rest = &begin[length..];
            return Some((usize::from(name), frame));
        }
        let name = at.name()?;
        at.literal(b" OUT=")?;
        at.name()?;
        let mut frame = Frame::Single;
        if at.literal(b" MAC=").is_some() {
            frame = frame_of(at.skip(|b| b.is_ascii_hexdigit() || b == b':'));
        }
        at.literal(b" SRC=")?;
        if self.remembers {
            let length = begin.len() - at.rest.len();
            self.name = name;
            self.links
                .remember(place(name), &begin[..length], (name as u8, frame));
        }
        Some((name, frame))
    }

    /// Goes behind ` ID=`, or ` FLOWLBL=` in IPv6.
    fn header(&mut self, at: &mut Place<'_>, v6: bool) -> Option<()> {
        let begin = at.rest;
        let digit = |place| begin.get(place).map_or(0, |b: &u8| usize::from(*b));
        // Most headers differ in LEN and TTL, at most.
        let place = digit(5) + digit(6) * 2 + digit(31) * 3 + digit(32) * 5;
        if let Some((length, known)) = self.headers.recall(place, begin)
            && known == v6
        {
            at.rest = &begin[length..];
            return Some(());
        }
        at.number(b" LEN=")?;
        if v6 {
            at.number(b" TC=")?;
            at.number(b" HOPLIMIT=")?;
            at.literal(b" FLOWLBL=")?;
        } else {
            at.literal(b" TOS=0x")?;
            at.skip(|b| b.is_ascii_hexdigit());
            at.literal(b" PREC=0x")?;
            at.skip(|b| b.is_ascii_hexdigit());
            at.number(b" TTL=")?;
            at.literal(b" ID=")?;
        }
        if self.remembers {
            let length = begin.len() - at.rest.len();
            self.headers.remember(place, &begin[..length], v6);
        }
        Some(())
    }

    /// What stands behind `PROTO=`.
    fn transport(&mut self, at: &mut Place<'_>, brief: &mut Brief<'_>) -> Option<()> {
        match brief.proto {
            Some(proto::TCP) => {
                brief.spt = Some(at.word(b" SPT=")?);
                brief.dpt = Some(at.word(b" DPT=")?);
                brief.flags = Some(self.end(at)?);
                Some(())
            }
            Some(proto::UDP) => {
                brief.spt = Some(at.word(b" SPT=")?);
                brief.dpt = Some(at.word(b" DPT=")?);
                at.number(b" LEN=").map(|_| ())
            }
            Some(kind @ (proto::ICMP | proto::ICMPV6)) => {
                let echo = if kind == proto::ICMP {
                    [0, 8]
                } else {
                    [128, 129]
                };
                let icmp_type = u8::try_from(at.number(b" TYPE=")?).ok()?;
                // Others print something else, or more.
                if !echo.contains(&icmp_type) || at.number(b" CODE=")? > 255 {
                    return None;
                }
                at.word(b" ID=")?;
                at.word(b" SEQ=")?;
                brief.icmp_type = Some(icmp_type);
                Some(())
            }
            // It prints something behind it.
            Some(proto::UDPLITE) | None => None,
            Some(_) => Some(()),
        }
    }

    /// What stands behind the ports of TCP: its flags.
    fn end(&mut self, at: &mut Place<'_>) -> Option<TcpFlags> {
        let begin = at.rest;
        let digit = |place| begin.get(place).map_or(0, |b: &u8| usize::from(*b));
        let place = begin.len() + digit(8) * 2 + digit(9) * 3 + digit(10) * 5 + digit(11) * 7;
        if let Some((length, flags)) = self.ends.recall(place, begin)
            && length == begin.len()
        {
            at.rest = &[];
            return Some(flags);
        }
        at.number(b" WINDOW=")?;
        at.literal(b" RES=0x")?;
        if at.skip(|b| b.is_ascii_hexdigit()).len() != 2 {
            return None;
        }
        let mut flags = TcpFlags::NONE;
        while at.literal(b" URGP=").is_none() {
            at.literal(b" ")?;
            let name = at.skip(|b| b.is_ascii_uppercase());
            flags = flags.union(flag(name)?);
        }
        at.word(b"")?;
        if self.remembers && matches!(at.rest, b"" | b" ") {
            self.ends.remember(place, begin, flags);
        }
        Some(flags)
    }
}

/// To whom the packet was sent, as [`Packet::cast`] has it.
fn cast(dst: IpAddr, frame: Frame) -> Cast {
    if dst.is_multicast() {
        return Cast::Multicast;
    }
    if dst == IpAddr::V4(Ipv4Addr::BROADCAST) {
        return Cast::Broadcast;
    }
    match frame {
        Frame::Single => Cast::Unicast,
        Frame::Group => Cast::Multicast,
        Frame::All => Cast::Broadcast,
    }
}

/// What the value of `MAC=` says of the receiver.
fn frame_of(mac: &[u8]) -> Frame {
    // The group bit is in the second digit: without it no look at the rest is needed.
    let group = |digit: &u8| char::from(*digit).to_digit(16).is_some_and(|d| d & 1 == 1);
    if !mac.get(1).is_some_and(group) {
        return Frame::Single;
    }
    let link = Link::Raw {
        mac: std::str::from_utf8(mac).unwrap_or_default(),
        tunnel: None,
    };
    match link.destination() {
        Some(Mac::BROADCAST) => Frame::All,
        Some(mac) if mac.is_group() => Frame::Group,
        _ => Frame::Single,
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

/// An address of IPv6 as the kernel's `%pI6` prints it: eight groups of four digits.
fn full_v6(text: &[u8; 39]) -> Option<IpAddr> {
    let mut groups = [0_u16; 8];
    for (place, group) in groups.iter_mut().enumerate() {
        let at = place * 5;
        for digit in &text[at..at + 4] {
            *group = *group << 4 | char::from(*digit).to_digit(16)? as u16;
        }
        if place < 7 && text[at + 4] != b':' {
            return None;
        }
    }
    Some(IpAddr::from(groups))
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
        self.digits()
    }

    /// Takes a number of at most nine digits.
    #[inline]
    fn digits(&mut self) -> Option<u32> {
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
                    return self.address_v6();
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
        if let Some((full, rest)) = self.rest.split_first_chunk::<39>()
            && let Some(address) = full_v6(full)
            && rest.first() == Some(&b' ')
        {
            self.rest = rest;
            return Some(address);
        }
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
}
