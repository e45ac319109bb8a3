//! The usual line, read in the order in which the kernel writes it: TCP, UDP and other protocols without options, of a
//! whole packet. Whatever differs in any byte is left to [`Packet::parse`], which this agrees with; a property test in
//! `roundtrip.rs` holds that.
//! `cargo bench` measures both ways.

use std::net::{IpAddr, Ipv4Addr};

use crate::memo::{Key, Memo};
use crate::packet::link::{Link, Mac};
use crate::packet::place::{Place, protocol};

use crate::packet::datagram::{TCP_HEADER, UDP_HEADER, V4_HEADER, V6_HEADER};
use crate::packet::{Brief, Cast, Hook, Packet, Shape, TcpFlags, Unparsed, cast, proto};

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
///
/// What was remembered is read in place: no part of a line is put into memory before all of it is known. What was not is
/// read by functions of their own.
#[derive(Debug, Clone)]
pub struct Usual {
    remembers: bool,
    /// From behind `IN=` to the address of `SRC=`: how long the interface's name is, and what the frame says.
    links: Memo<(u8, Frame)>,
    /// How long the last interface's name was.
    name: usize,
    /// IPv4, from behind the address of `SRC=` to the value of `ID=`: the address of `DST=` and the value of `LEN=`.
    headers: Memo<(u32, u32)>,
    /// From behind the value of `DPT=` to the end of the line.
    ends: Memo<TcpFlags>,
}

/// What the link header says of the receiver.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Frame {
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
        let (name, frame, behind) = self.link(text)?;
        let interface = text.get(..name)?;
        self.read_from_source(text.get(behind..)?, frame, |brief, end| {
            (interface, brief, behind + end)
        })
    }

    /// The same behind ` SRC=`. `take` gets what was read, at the end of each of the ways of reading it: where they are joined
    /// first, the parts of the packet go through memory once more.
    #[inline(always)]
    pub(crate) fn read_from_source<T>(
        &mut self,
        text: &[u8],
        frame: Frame,
        take: impl FnOnce(Brief<'static>, usize) -> T,
    ) -> Option<T> {
        let mut at = Place { rest: text };
        let Some(src) = at.v4() else {
            let (brief, rest) = self.v6(at.rest, frame)?;
            return Some(take(brief, text.len() - rest));
        };
        let (dst, len) = self.header(&mut at)?;
        let (dst, len) = (
            Ipv4Addr::from_bits(dst),
            u64::from(len).saturating_sub(V4_HEADER),
        );
        at.digits()?;
        // What stands in most lines is one look.
        if at.literal(b" DF PROTO=TCP").is_some() {
            let behind = self.segment(&mut at)?;
            let brief = behind.brief(src.into(), dst.into(), frame, len);
            return Some(take(brief, text.len() - at.rest.len()));
        }
        let (behind, rest) = self.not_usual(at.rest)?;
        let brief = behind.brief(src.into(), dst.into(), frame, len);
        Some(take(brief, text.len() - rest.len()))
    }

    /// Goes to the end of the line from behind the value of `ID=` of IPv4.
    #[inline(never)]
    fn not_usual<'t>(&mut self, text: &'t [u8]) -> Option<(Behind, &'t [u8])> {
        let mut at = Place { rest: text };
        let _ = at.literal(b" DF");
        at.literal(b" PROTO=")?;
        let number = at.step(protocol(at.rest))?;
        let behind = self.behind(&mut at, number)?;
        Some((behind, at.rest))
    }

    /// The same of IPv6, from behind `SRC=`: also how much is left of the text.
    #[inline(never)]
    fn v6(&mut self, text: &[u8], frame: Frame) -> Option<(Brief<'static>, usize)> {
        let mut at = Place { rest: text };
        let src = at.v6()?;
        at.literal(b" DST=")?;
        let dst = at.v6()?;
        let len = u64::from(at.number(b" LEN=")?).saturating_sub(V6_HEADER);
        at.number(b" TC=")?;
        at.number(b" HOPLIMIT=")?;
        at.number(b" FLOWLBL=")?;
        at.literal(b" PROTO=")?;
        let number = at.step(protocol(at.rest))?;
        let behind = self.behind(&mut at, number)?;
        Some((
            behind.brief(src.into(), dst.into(), frame, len),
            at.rest.len(),
        ))
    }

    /// Goes to the end of the line from behind the protocol.
    #[inline(always)]
    fn behind(&mut self, at: &mut Place<'_>, number: u8) -> Option<Behind> {
        let mut behind = Behind::of(number);
        match number {
            proto::TCP => return self.segment(at),
            proto::UDP => {
                behind.spt = Some(at.word(b" SPT=")?);
                behind.dpt = Some(at.word(b" DPT=")?);
                behind.udp_data = at.number(b" LEN=")? > u32::from(UDP_HEADER);
            }
            proto::ICMP | proto::ICMPV6 => {
                behind.icmp_type = Some(at.step(echo(at.rest, number))?);
            }
            // It prints something behind it.
            proto::UDPLITE => return None,
            _ => {}
        }
        at.line_end()?;
        Some(behind)
    }

    /// The same of TCP.
    #[inline(always)]
    fn segment(&mut self, at: &mut Place<'_>) -> Option<Behind> {
        let behind = Behind {
            spt: Some(at.word(b" SPT=")?),
            dpt: Some(at.word(b" DPT=")?),
            flags: Some(self.end(at)?),
            ..Behind::of(proto::TCP)
        };
        at.line_end()?;
        Some(behind)
    }

    /// What stands between `IN=` and the value of `SRC=`: how long the interface's name is, what the frame says, and where
    /// that value begins.
    pub(crate) fn link(&mut self, text: &[u8]) -> Option<(usize, Frame, usize)> {
        if let Some(key) = link_key(text, self.name)
            && let Some((length, (name, frame))) = self.links.recall(key, text)
        {
            return Some((usize::from(name), frame, length));
        }
        let mut at = Place { rest: text };
        let name = at.name()?;
        at.literal(b" OUT=")?;
        // A line of INPUT has IN alone.
        if name == 0 || at.rest.first() != Some(&b' ') {
            return None;
        }
        let mut frame = Frame::Single;
        if at.literal(b" MAC=").is_some() {
            frame = frame_of(at.skip(|b| b.is_ascii_hexdigit() || b == b':'));
        }
        at.literal(b" SRC=")?;
        let part = at.since(text);
        if self.remembers
            && let Some(key) = link_key(text, name)
        {
            self.name = name;
            self.links.remember(key, part, (name as u8, frame));
        }
        Some((name, frame, part.len()))
    }

    /// Goes behind the ` ID=` of IPv4: the address of `DST=` and the value of `LEN=`.
    #[inline(always)]
    fn header(&mut self, at: &mut Place<'_>) -> Option<(u32, u32)> {
        if let Some(window) = at.rest.first_chunk::<56>()
            && let Some((length, header)) = self.headers.recall(header_key(window), at.rest)
        {
            at.rest = &at.rest[length..];
            return Some(header);
        }
        at.step(self.new_header(at.rest))
    }

    #[inline(never)]
    fn new_header<'a>(&mut self, text: &'a [u8]) -> Option<((u32, u32), &'a [u8])> {
        let mut at = Place { rest: text };
        at.literal(b" DST=")?;
        let dst = at.v4()?.to_bits();
        let header = (dst, at.number(b" LEN=")?);
        at.literal(b" TOS=0x")?;
        at.skip(|b| b.is_ascii_hexdigit());
        at.literal(b" PREC=0x")?;
        at.skip(|b| b.is_ascii_hexdigit());
        at.number(b" TTL=")?;
        at.literal(b" ID=")?;
        if self.remembers
            && let Some(window) = text.first_chunk::<56>()
        {
            let key = header_key(window);
            self.headers.remember(key, at.since(text), header);
        }
        Some((header, at.rest))
    }

    /// What stands behind the ports of TCP: its flags.
    #[inline(always)]
    fn end(&mut self, at: &mut Place<'_>) -> Option<TcpFlags> {
        if let Some(window) = at.rest.first_chunk::<32>()
            && let Some((length, flags)) = self.ends.recall(end_key(window), at.rest)
            && matches!(at.rest.get(length), None | Some(b'\n'))
        {
            at.rest = &at.rest[length..];
            return Some(flags);
        }
        at.step(self.new_end(at.rest))
    }

    #[inline(never)]
    fn new_end<'a>(&mut self, text: &'a [u8]) -> Option<(TcpFlags, &'a [u8])> {
        let mut at = Place { rest: text };
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
            && let Some(window) = text.first_chunk::<32>()
        {
            self.ends.remember(end_key(window), at.since(text), flags);
        }
        Some((flags, at.rest))
    }
}

/// What stands behind the address of the sender.
struct Behind {
    number: u8,
    spt: Option<u16>,
    dpt: Option<u16>,
    flags: Option<TcpFlags>,
    icmp_type: Option<u8>,
    udp_data: bool,
}

impl Behind {
    const fn of(number: u8) -> Self {
        Self {
            number,
            spt: None,
            dpt: None,
            flags: None,
            icmp_type: None,
            udp_data: false,
        }
    }

    /// The whole, of a packet with `len` bytes behind its IP header.
    #[inline(always)]
    fn brief(self, src: IpAddr, dst: IpAddr, frame: Frame, len: u64) -> Brief<'static> {
        Brief {
            interface: "",
            src,
            dst,
            proto: Some(self.number),
            spt: self.spt,
            dpt: self.dpt,
            flags: self.flags,
            icmp_type: self.icmp_type,
            shape: Shape::Whole,
            hook: Hook::Input,
            cast: cast(Some(dst)),
            frame: match frame {
                Frame::Single => Cast::Unicast,
                Frame::Group => Cast::Multicast,
                Frame::All => Cast::Broadcast,
            },
            data: self.udp_data
                || len > TCP_HEADER && self.flags.is_some_and(|f| !f.contains(TcpFlags::SYN)),
        }
    }
}

/// Where the ends of both hardware addresses, and the protocol behind them, lie behind the name of an interface.
pub(crate) const ENDS: usize = " OUT= MAC=52:54:00:a".len();

/// These ends add to `key`.
#[inline(always)]
pub(crate) fn ends_key(key: Key, ends: &[u8]) -> Option<Key> {
    Some(key.and(ends.first_chunk::<29>()?, [0, 21]))
}

/// Of the ends of both hardware addresses behind the name of an interface that is `name` long.
fn link_key(text: &[u8], name: usize) -> Option<Key> {
    ends_key(Key::NONE, text.get(name + ENDS..)?)
}

#[inline(always)]
fn header_key(window: &[u8; 56]) -> Key {
    Key::of(window, [8, 16, 24, 40, 48])
}

#[inline(always)]
fn end_key(window: &[u8; 32]) -> Key {
    Key::of(window, [6, 24])
}

/// What stands behind the `PROTO=` of an echo: its type, and the rest.
fn echo(text: &[u8], number: u8) -> Option<(u8, &[u8])> {
    let mut at = Place { rest: text };
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
    Some((icmp_type, at.rest))
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
