//! Parser of the IP part of a line, also used for the packet that an ICMP error quotes.
//!
//! `LEN`, `ID`, `SEQ` and `OPT` occur twice in one line. Their meaning follows from `PROTO=`: before it they belong to
//! the IP header, after it to that protocol. Within each part the first one holds.

use std::net::IpAddr;

use crate::packet::Unparsed;
use crate::packet::datagram::{
    Datagram, Extension, Header, Icmp, Inner, Tcp, TcpOptions, Transport, Udp,
};
use crate::packet::flags::TcpFlags;
use crate::packet::ip_header::{self, Group};
use crate::packet::proto::{self, proto_number};
use crate::packet::tokens::{
    Cursor, Token, dec8, dec16, dec32, dec64, first, hex32, may_go_on, prefixed8, prefixed32,
};

/// Whether the datagram is the packet itself or is quoted in brackets.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Depth {
    Outer,
    Quoted,
}

/// A parsed datagram and the fields after it.
pub(super) struct Reading<'a> {
    pub(super) datagram: Datagram<'a>,
    pub(super) uid: Option<u32>,
    pub(super) gid: Option<u32>,
    pub(super) mark: Option<u32>,
    /// Key of a field that judging needs and whose value is malformed.
    pub(super) bad: Option<Unparsed>,
    /// The line ends before the last field that judging needs.
    pub(super) cut: bool,
}

/// Parser state.
struct State<'a> {
    reading: Reading<'a>,
    depth: Depth,
    /// Progress in the `OPT ( )` of an IPv6 extension header.
    group: Group,
    /// The TCP flags so far, which are known only at `URGP=`: the kernel prints them before it. `None` behind an elision.
    flags: Option<TcpFlags>,
    /// Whether a token follows `DPT=`.
    followed: bool,
    /// Whether the line ends in the middle of a token.
    torn: bool,
    /// Whether `INCOMPLETE` came without its number of bytes, which was cut.
    stub: bool,
}

/// Parses the fields after `SRC=`. A quoted packet is read up to its `]`, whatever it contains.
pub(super) fn datagram<'a>(cursor: &mut Cursor<'a>, src: IpAddr, depth: Depth) -> Reading<'a> {
    let mut state = State {
        reading: Reading {
            datagram: Datagram::from_source(src),
            uid: None,
            gid: None,
            mark: None,
            bad: None,
            cut: false,
        },
        depth,
        group: Group::Closed,
        flags: Some(TcpFlags::NONE),
        followed: false,
        torn: false,
        stub: false,
    };
    let quoted = depth == Depth::Quoted;
    while let Some(token) = cursor.token(quoted) {
        match token.key {
            "]" if quoted => break,
            // A second message was written into this one; the fields from here on belong to that packet.
            "SRC=" if quoted => {
                close(cursor);
                break;
            }
            "SRC=" => {
                state.torn = true;
                break;
            }
            _ => state.take(cursor, &token),
        }
    }
    state.finish()
}

/// Skips past the `]` of a quoted packet.
fn close(cursor: &mut Cursor<'_>) {
    while cursor.token(true).is_some_and(|token| token.key != "]") {}
}

/// Parses the contents of the brackets that `token` opens.
fn inner<'a>(cursor: &mut Cursor<'a>, token: &Token<'a>) -> Option<Inner<'a>> {
    cursor.enter(token);
    let token = cursor.token(true)?;
    match token.key {
        "]" => None,
        "TRUNCATED" => {
            close(cursor);
            Some(Inner::Truncated)
        }
        "SRC=" if token.ended => {
            let Ok(src) = token.value.parse() else {
                close(cursor);
                return None;
            };
            let reading = datagram(cursor, src, Depth::Quoted);
            // The quoted packet decides nothing, so a malformed field in it does not invalidate the line.
            (reading.bad.is_none()).then(|| Inner::Datagram(Box::new(reading.datagram)))
        }
        _ => {
            close(cursor);
            None
        }
    }
}

impl<'a> State<'a> {
    fn take(&mut self, cursor: &mut Cursor<'a>, token: &Token<'a>) {
        // The line may end with these keys without a value; any other last word is a part of a token.
        self.torn = !token.ended && !matches!(token.key, "FRAG:" | "ID:" | ")");
        if token.key.starts_with('[') {
            self.quote(cursor, token);
            return;
        }
        if self.depth == Depth::Outer && self.trailer(token) {
            return;
        }
        let datagram = &mut self.reading.datagram;
        if datagram.truncated {
            return;
        }
        match datagram.proto {
            None => self.header(cursor, token),
            Some(_) if token.key == "INCOMPLETE" => {
                let bytes = cursor.bytes();
                self.stub |= bytes.is_none();
                first(&mut datagram.incomplete, bytes);
            }
            Some(_) => match &datagram.transport {
                Transport::Tcp(_) => self.tcp(cursor, token),
                Transport::Udp(_) => self.udp(token),
                Transport::Icmp(_) => self.icmp(token),
                Transport::None if token.key == "SPI=" => self.spi(token),
                Transport::None | Transport::Spi(_) => {}
            },
        }
    }

    /// Parses a quoted packet. A bracket outside ICMP means that `PROTO=ICMP` was lost: it is skipped as a whole,
    /// because its ports are not those of this packet.
    fn quote(&mut self, cursor: &mut Cursor<'a>, token: &Token<'a>) {
        if self.depth == Depth::Quoted {
            return;
        }
        let quoted = inner(cursor, token);
        if let Transport::Icmp(icmp) = &mut self.reading.datagram.transport {
            first(&mut icmp.inner, quoted);
        }
    }

    /// `nf_log_dump_sk_uid_gid()` and the mark, of the outer packet alone.
    fn trailer(&mut self, token: &Token<'a>) -> bool {
        match token.key {
            "UID=" => first(&mut self.reading.uid, dec32(token.value)),
            "GID=" => first(&mut self.reading.gid, dec32(token.value)),
            "MARK=" => first(&mut self.reading.mark, prefixed32(token.value)),
            _ => return false,
        }
        true
    }

    fn header(&mut self, cursor: &mut Cursor<'a>, token: &Token<'a>) {
        // Of these fields `PROTO=` alone ends a line: any other value at the end may be a part of one.
        if !token.ended && token.key.ends_with('=') && token.key != "PROTO=" {
            return;
        }
        let datagram = &mut self.reading.datagram;
        match token.key {
            "DST=" => self.dst(token),
            "LEN=" => first(&mut datagram.len, dec64(token.value)),
            "PROTO=" => self.proto(token),
            "TRUNCATED" => datagram.truncated = true,
            _ => match &mut datagram.header {
                Header::V4(header) => ip_header::v4(header, cursor, token),
                Header::V6(header) => ip_header::v6(header, &mut self.group, cursor, token),
            },
        }
    }

    fn dst(&mut self, token: &Token<'a>) {
        let datagram = &mut self.reading.datagram;
        if token.elided() || datagram.dst.is_some() {
            return;
        }
        match token.value.parse::<IpAddr>() {
            Ok(dst) if dst.is_ipv4() == datagram.src.is_ipv4() => datagram.dst = Some(dst),
            _ => self.reading.bad = Some(Unparsed::Unreadable("DST=")),
        }
    }

    fn proto(&mut self, token: &Token<'a>) {
        let known = proto_number(token.value);
        let Some(number) = known.filter(|number| token.ended || self.is_all(token, *number)) else {
            if token.ended && !token.elided() {
                self.reading.bad = Some(Unparsed::Unreadable("PROTO="));
            }
            return;
        };
        self.torn = false;
        self.reading.datagram.proto = Some(number);
        self.reading.datagram.transport = match number {
            proto::TCP => Transport::Tcp(Tcp::default()),
            proto::UDP | proto::UDPLITE => Transport::Udp(Udp::default()),
            proto::ICMP | proto::ICMPV6 => Transport::Icmp(Icmp::default()),
            _ => Transport::None,
        };
    }

    /// Whether the protocol that ends the line is all of its word.
    fn is_all(&self, token: &Token<'a>, number: u8) -> bool {
        let datagram = &self.reading.datagram;
        match token.value {
            // It may have been UDPLITE, but for a later fragment, of which the kernel prints no more.
            "UDP" => datagram.is_later_fragment(),
            // Of IPv6 it was ICMPv6.
            "ICMP" => datagram.src.is_ipv4(),
            // IGMP, which goes to groups, ends lines of many a paste.
            "2" if datagram.dst.is_some_and(|dst| dst.is_multicast()) => true,
            value => !value.starts_with(|c: char| c.is_ascii_digit()) || !may_go_on(number),
        }
    }

    fn tcp(&mut self, cursor: &mut Cursor<'a>, token: &Token<'a>) {
        let Reading { datagram, bad, .. } = &mut self.reading;
        let Transport::Tcp(tcp) = &mut datagram.transport else {
            return;
        };
        match token.key {
            "SPT=" => needed(&mut tcp.spt, bad, "SPT=", token, dec16),
            "DPT=" => needed(&mut tcp.dpt, bad, "DPT=", token, dec16),
            "SEQ=" => first(&mut tcp.seq, dec32(token.value)),
            "ACK=" => first(&mut tcp.ack, dec32(token.value)),
            "WINDOW=" => first(&mut tcp.window, dec16(token.value)),
            "RES=" if tcp.res.is_none() && tcp.urgp.is_none() => {
                tcp.res = prefixed8(token.value);
                // A flag may be glued to it.
                if tcp.res.is_none() && token.ended && !token.elided() {
                    *bad = Some(Unparsed::Unreadable("RES="));
                }
                self.flags = Some(TcpFlags::NONE);
            }
            "URGP=" if tcp.urgp.is_none() => {
                tcp.urgp = dec16(digits(token.value));
                first(&mut tcp.flags, self.flags);
            }
            "OPT" if tcp.urgp.is_some() => {
                let text = cursor.options().map(|text| match text {
                    "TRUNCATED" => TcpOptions::Truncated,
                    text => TcpOptions::Text(text),
                });
                first(&mut tcp.opt, text);
            }
            word if is_torn(tcp.urgp, word, token) => *bad = Some(Unparsed::Unreadable("DPT=")),
            word if tcp.urgp.is_none() => match TcpFlags::from_name(word) {
                Some(flag) => self.flags = Some(self.flags.unwrap_or_default().union(flag)),
                None if word.contains(['.', '…']) => self.flags = None,
                // Between `RES=` and `URGP=` the kernel prints flags alone: without a garbled one the packet would be
                // another.
                None if tcp.res.is_some() && token.ended => *bad = Some(Unparsed::UnknownFlag),
                None => {}
            },
            _ => {}
        }
    }

    fn udp(&mut self, token: &Token<'a>) {
        let Reading { datagram, bad, .. } = &mut self.reading;
        let Transport::Udp(udp) = &mut datagram.transport else {
            return;
        };
        self.followed |= udp.dpt.is_some();
        match token.key {
            "SPT=" => needed(&mut udp.spt, bad, "SPT=", token, dec16),
            "DPT=" => needed(&mut udp.dpt, bad, "DPT=", token, dec16),
            "LEN=" => first(&mut udp.len, dec16(digits(token.value))),
            word if is_torn(udp.len, word, token) => *bad = Some(Unparsed::Unreadable("DPT=")),
            _ => {}
        }
    }

    fn icmp(&mut self, token: &Token<'a>) {
        let Reading { datagram, bad, .. } = &mut self.reading;
        let Transport::Icmp(icmp) = &mut datagram.transport else {
            return;
        };
        match token.key {
            "TYPE=" => needed(&mut icmp.kind, bad, "TYPE=", token, dec8),
            "CODE=" => {
                let digits = digits(token.value);
                let ends = |code: &u8| {
                    token.ended
                        || digits != token.value
                        || !may_go_on(*code)
                        || !icmp.kind.is_some_and(|kind| goes_on(datagram.proto, kind))
                };
                first(&mut icmp.code, dec8(digits).filter(ends));
            }
            "ID=" => first(&mut icmp.id, dec16(token.value)),
            "SEQ=" => first(&mut icmp.seq, dec16(token.value)),
            "PARAMETER=" => first(&mut icmp.parameter, dec8(token.value)),
            "GATEWAY=" => first(&mut icmp.gateway, token.value.parse().ok()),
            "POINTER=" => first(&mut icmp.pointer, hex32(token.value)),
            "MTU=" => first(&mut icmp.mtu, dec32(token.value)),
            word if is_torn(icmp.code, word, token) => {
                *bad = Some(Unparsed::Unreadable("TYPE="));
            }
            _ => {}
        }
    }

    fn spi(&mut self, token: &Token<'a>) {
        let datagram = &mut self.reading.datagram;
        if let (Some(proto::AH | proto::ESP), Some(spi)) = (datagram.proto, prefixed32(token.value))
        {
            datagram.transport = Transport::Spi(spi);
        }
    }

    fn finish(mut self) -> Reading<'a> {
        self.reading.cut = self.cut();
        let transport = &mut self.reading.datagram.transport;
        let empty = match transport {
            Transport::Tcp(tcp) => *tcp == Tcp::default(),
            Transport::Udp(udp) => *udp == Udp::default(),
            Transport::Icmp(icmp) => *icmp == Icmp::default(),
            Transport::None | Transport::Spi(_) => false,
        };
        if empty {
            *transport = Transport::None;
        }
        self.reading
    }

    /// Whether the line ends before the last field that judging needs.
    fn cut(&self) -> bool {
        let datagram = &self.reading.datagram;
        let headless = datagram.extensions().iter().any(|extension| {
            matches!(extension, Extension::Fragment(header) if header.offset.is_none() || header.id.is_none())
        });
        let open = self.group != Group::Closed;
        if datagram.truncated || datagram.dst.is_none() || headless || open {
            return true;
        }
        // The line itself says that the packet is incomplete.
        if self.stub || datagram.is_incomplete() {
            return self.stub;
        }
        match &datagram.transport {
            // A later fragment needs no PROTO, which IPv4 AH has not.
            _ if datagram.is_later_fragment() => datagram.proto.is_none() && self.torn,
            Transport::Tcp(tcp) => {
                tcp.spt.is_none() || tcp.dpt.is_none() || tcp.urgp.is_none() || tcp.flags.is_none()
            }
            Transport::Udp(udp) => udp.spt.is_none() || !self.followed,
            Transport::Icmp(icmp) => icmp.kind.is_none() || icmp.code.is_none(),
            Transport::None | Transport::Spi(_) => match &datagram.header {
                _ if datagram.protocol().is_some() => false,
                // IPv6 ESP without `--log-ip-options` ends after FLOWLBL and the kernel's space.
                Header::V6(header) => header.flowlbl.is_none() || self.torn,
                Header::V4(_) => true,
            },
        }
    }
}

/// Whether the kernel prints more behind the `CODE=` of an ICMP or ICMPv6 type.
pub(super) const fn goes_on(number: Option<u8>, kind: u8) -> bool {
    match number {
        Some(proto::ICMP) => matches!(kind, 0 | 3..=5 | 8 | 11 | 12),
        _ => matches!(kind, 1..=4 | 128 | 129),
    }
}

/// Returns the digits that a value begins with: a quote or a mark may be glued to a line's last field.
fn digits(value: &str) -> &str {
    let end = value.find(|c: char| !c.is_ascii_digit());
    &value[..end.unwrap_or(value.len())]
}

/// Whether a word before the `last` field that judging needs is a part of a number, which a blank has torn: the kernel prints
/// none.
fn is_torn<T>(last: Option<T>, word: &str, token: &Token<'_>) -> bool {
    let is_number = !word.is_empty() && word.bytes().all(|b| b.is_ascii_digit());
    last.is_none() && token.ended && is_number
}

/// Parses a number that judging needs. A number at the end of the line may have been cut, and is left out; a malformed
/// one makes the line unreadable.
fn needed<'a, T>(
    slot: &mut Option<T>,
    bad: &mut Option<Unparsed>,
    key: &'static str,
    token: &Token<'a>,
    read: fn(&'a str) -> Option<T>,
) {
    if slot.is_some() || !token.ended || token.elided() {
        return;
    }
    *slot = read(token.value);
    if slot.is_none() {
        *bad = Some(Unparsed::Unreadable(key));
    }
}
