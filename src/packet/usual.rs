//! The usual line, read in the order in which the kernel writes it: TCP, UDP and other protocols without options, of a
//! whole packet. Whatever differs in any byte is left to [`Packet::parse`], which this agrees with; a property test in
//! `roundtrip.rs` holds that.
//! `cargo bench` measures both ways.

use std::net::{IpAddr, Ipv4Addr};

use crate::memo::{Key, Memo};
use crate::packet::link::{Link, Mac};
use crate::packet::place::Place;

use crate::packet::{Brief, Cast, Packet, Shape, TcpFlags, Unparsed, proto};

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
    /// An address of IPv4 with the space behind it.
    addresses: Memo<[u8; 4]>,
    /// From behind the address of `SRC=` to the value of `ID=` or `FLOWLBL=`: the address of `DST=`.
    headers: Memo<Option<IpAddr>>,
    /// From behind the value of `DPT=` to the end of the line.
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
            addresses: Memo::default(),
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
        let behind = &text[equals + 1..];
        let (interface, brief, end) = self.read_behind(behind)?;
        (end == behind.len()).then_some((interface, brief))
    }

    /// The same behind a prefix and its `IN=`, in text that may go on with other lines: also where the line ends, at its line
    /// end or with the text.
    #[inline(always)]
    pub(crate) fn read_behind<'a>(
        &mut self,
        text: &'a [u8],
    ) -> Option<(&'a [u8], Brief<'static>, usize)> {
        let mut at = Place { rest: text };
        let (name, frame) = self.link(&mut at)?;
        let interface = text.get(..name)?;
        let src = self.address(&mut at)?;
        let dst = self.header(&mut at, src.is_ipv6())?;
        at.digits()?;
        // What stands in most lines is one look.
        let number = if src.is_ipv4() && at.literal(b" DF PROTO=TCP").is_some() {
            proto::TCP
        } else {
            if src.is_ipv4() {
                let _ = at.literal(b" DF");
            }
            at.literal(b" PROTO=")?;
            at.proto()?
        };
        let (mut spt, mut dpt, mut flags, mut icmp_type) = (None, None, None, None);
        match number {
            proto::TCP => {
                spt = Some(at.word(b" SPT=")?);
                dpt = Some(at.word(b" DPT=")?);
                flags = Some(self.end(&mut at)?);
            }
            proto::UDP => {
                spt = Some(at.word(b" SPT=")?);
                dpt = Some(at.word(b" DPT=")?);
                at.number(b" LEN=")?;
            }
            proto::ICMP | proto::ICMPV6 => icmp_type = Some(echo(&mut at, number)?),
            // It prints something behind it.
            proto::UDPLITE => return None,
            _ => {}
        }
        at.line_end()?;
        let brief = Brief {
            interface: "",
            src,
            dst,
            proto: Some(number),
            spt,
            dpt,
            flags,
            icmp_type,
            shape: Shape::Whole,
            cast: cast(dst, frame),
        };
        Some((interface, brief, text.len() - at.rest.len()))
    }

    /// Goes behind ` SRC=`: how long the interface's name is, and what the frame says.
    #[inline]
    fn link(&mut self, at: &mut Place<'_>) -> Option<(usize, Frame)> {
        let begin = at.rest;
        // The last digits of the addresses of an Ethernet header, behind the interface's name.
        let key = |name: usize| {
            let ends = begin.get(name + " OUT= MAC=52:54:00:a".len()..)?;
            Some(Key::of(ends.first_chunk::<26>()?, [0, 18]))
        };
        if let Some(key) = key(self.name)
            && let Some((length, (name, frame))) = self.links.recall(key, begin)
        {
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
        if self.remembers
            && let Some(key) = key(name)
        {
            self.name = name;
            self.links
                .remember(key, at.since(begin), (name as u8, frame));
        }
        Some((name, frame))
    }

    /// Takes an address.
    #[inline]
    fn address(&mut self, at: &mut Place<'_>) -> Option<IpAddr> {
        let begin = at.rest;
        let key = begin
            .first_chunk::<16>()
            .map(|window| Key::of(window, [0, 6]));
        if let Some(key) = key
            && let Some((length, octets)) = self.addresses.recall(key, begin)
        {
            at.rest = &begin[length - 1..];
            return Some(IpAddr::from(octets));
        }
        let address = at.address()?;
        if self.remembers
            && let (Some(key), IpAddr::V4(v4)) = (key, address)
            && at.rest.first() == Some(&b' ')
        {
            let length = begin.len() - at.rest.len();
            self.addresses.remember(key, &begin[..=length], v4.octets());
        }
        Some(address)
    }

    /// Goes behind ` ID=`, or ` FLOWLBL=` in IPv6: the address of `DST=`.
    #[inline]
    fn header(&mut self, at: &mut Place<'_>, v6: bool) -> Option<IpAddr> {
        let begin = at.rest;
        let key = begin
            .first_chunk::<56>()
            .map(|window| Key::of(window, [8, 16, 24, 40, 48]));
        if let Some(key) = key
            && let Some((length, Some(dst))) = self.headers.recall(key, begin)
            && dst.is_ipv6() == v6
        {
            at.rest = &begin[length..];
            return Some(dst);
        }
        at.literal(b" DST=")?;
        let dst = at.address()?;
        if dst.is_ipv6() != v6 {
            return None;
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
        if self.remembers
            && let Some(key) = key
        {
            self.headers.remember(key, at.since(begin), Some(dst));
        }
        Some(dst)
    }

    /// What stands behind the ports of TCP: its flags.
    #[inline(always)]
    fn end(&mut self, at: &mut Place<'_>) -> Option<TcpFlags> {
        let begin = at.rest;
        let key = begin
            .first_chunk::<32>()
            .map(|window| Key::of(window, [6, 24]));
        if let Some(key) = key
            && let Some((length, flags)) = self.ends.recall(key, begin)
            && matches!(begin.get(length), None | Some(b'\n'))
        {
            at.rest = &begin[length..];
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
        if self.remembers
            && at.line_end().is_some()
            && let Some(key) = key
        {
            self.ends.remember(key, at.since(begin), flags);
        }
        Some(flags)
    }
}

/// What stands behind the `PROTO=` of an echo: its type.
fn echo(at: &mut Place<'_>, number: u8) -> Option<u8> {
    let echo = if number == proto::ICMP {
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
    Some(icmp_type)
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
