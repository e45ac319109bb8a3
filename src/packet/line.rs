//! Parser of one LOG line in the order in which the kernel prints it, in one pass from left to right.
//!
//! Follows `nf_log_ip_packet()` and `nf_log_ip6_packet()` of `nf_log_syslog.c`, and keeps only the fields that judging
//! needs. No state is kept between lines. A line in any other order, elided or cut, is left to [`Packet::parse`], with
//! which this parser agrees on all lines that it accepts; a property test in `roundtrip.rs` checks that.
//!
//! [`Packet::parse`]: super::Packet::parse

use std::net::IpAddr;

use nom::Parser;
use nom::branch::alt;
use nom::bytes::complete::{take_while_m_n, take_while1};
use nom::combinator::{cond, map, map_opt, opt, peek, value};
use nom::multi::fold_many0;
use nom::sequence::{delimited, preceded, terminated};

use super::field::{NO, Parsed, field, fixed, number, short, tag, v4, v6};
use super::frame::frame;
use super::ip::goes_on;
use crate::packet::datagram::{TCP_HEADER, UDP_HEADER, V4_HEADER, V6_HEADER};
use crate::packet::flags::TcpFlags;
use crate::packet::proto::{self, proto_number};
use crate::packet::summary::{Hook, PacketSummary, PktType, Shape};

/// `IFNAMSIZ - 1`.
const MAX_INTERFACE: usize = 15;
/// 40 bytes of IP or TCP options are 80 digits.
const MAX_OPTIONS: usize = 80;
/// Upper bound on a length; the kernel prints 16 bits, or 32 for a jumbogram.
const MAX_LENGTH: u64 = u64::MAX / 16;

/// Parses a line from behind its `IN=` to its end; fails where the kernel would not have printed it in this form. Returns the
/// text behind it, the name of the interface, and the summary without that name.
#[inline(always)]
pub(super) fn summary(text: &[u8]) -> Parsed<'_, (&[u8], PacketSummary<'static>)> {
    let (text, interface) = interface(text)?;
    let (text, out) = preceded(tag(b" OUT="), self::interface).parse(text)?;
    let (text, _) = opt(preceded(tag(b" PHYSIN="), self::interface)).parse(text)?;
    let (text, _) = opt(preceded(tag(b" PHYSOUT="), self::interface)).parse(text)?;
    let (text, frame) = frame(text)?;
    let (text, ip) = preceded(tag(b" "), |text| datagram(text, true)).parse(text)?;
    let (text, ()) = owner(text)?;
    let summary = PacketSummary {
        interface: "",
        src: ip.src,
        dst: ip.dst,
        proto: Some(ip.proto),
        spt: ip.transport.spt,
        dpt: ip.transport.dpt,
        flags: ip.transport.flags,
        icmp_type: ip.transport.icmp_type,
        shape: match ip {
            Ip {
                incomplete: true, ..
            } => Shape::Truncated,
            Ip { fragment: true, .. } => Shape::Fragment,
            _ => Shape::Whole,
        },
        hook: Hook::of(!interface.is_empty(), !out.is_empty()),
        cast: PktType::of_address(Some(ip.dst)),
        frame: PktType::of_frame(frame.group),
        has_mac: frame.has_mac,
        data: ip.transport.data,
    };
    Ok((text, (interface, summary)))
}

/// nf_log_dump_sk_uid_gid(), and the mark; before Linux 3.0 there was no GID. A space ends each line.
#[inline]
fn owner(text: &[u8]) -> Parsed<'_, ()> {
    if let [b' ', rest @ ..] = text
        && !matches!(rest.first(), Some(b'U' | b'G' | b'M'))
    {
        return Ok((rest, ()));
    }
    let (text, _) = opt(field(b" UID=")).parse(text)?;
    let (text, _) = opt(field(b" GID=")).parse(text)?;
    let (text, _) = opt(field(b" MARK=")).parse(text)?;
    value((), opt(tag(b" "))).parse(text)
}

/// Parses an interface name, which may be empty. A name with `=`, `:` or a bracket might be confused with a field, and `#`
/// begins rsyslog's escapes.
#[inline]
fn interface(text: &[u8]) -> Parsed<'_, &[u8]> {
    let window = &text[..text.len().min(MAX_INTERFACE)];
    let end = (window.iter()).position(|b| !IN_NAMES[usize::from(*b)]);
    let (name, rest) = text.split_at(end.unwrap_or(window.len()));
    Ok((rest, name))
}

/// The bytes of an interface's name.
static IN_NAMES: [bool; 256] = {
    let mut table = [false; 256];
    let mut byte = b'!';
    while byte <= b'~' {
        table[byte as usize] = !matches!(byte, b'=' | b':' | b'[' | b']' | b'#');
        byte += 1;
    }
    table
};

/// `dump_ipv4_packet()` and `dump_ipv6_packet()`.
struct Ip {
    src: IpAddr,
    dst: IpAddr,
    proto: u8,
    /// A later fragment, which has no ports.
    fragment: bool,
    incomplete: bool,
    transport: Transport,
}

/// Ports, flags and the like; a protocol has few of them.
#[derive(Default)]
struct Transport {
    spt: Option<u16>,
    dpt: Option<u16>,
    flags: Option<TcpFlags>,
    icmp_type: Option<u8>,
    data: bool,
}

/// Parses the packet itself, or the one that it quotes, which contains no further quotation.
#[inline(always)]
fn datagram(text: &[u8], is_outer: bool) -> Parsed<'_, Ip> {
    let (text, _) = tag(b"SRC=").parse(text)?;
    let (text, src, dst) = if let Ok((text, src)) = v4(text) {
        let (text, dst) = preceded(tag(b"DST="), v4).parse(text)?;
        (text, IpAddr::V4(src), IpAddr::V4(dst))
    } else {
        let (text, src) = v6(text)?;
        let (text, dst) = terminated(preceded(tag(b" DST="), v6), tag(b" ")).parse(text)?;
        (text, IpAddr::V6(src), IpAddr::V6(dst))
    };
    let (text, len) = preceded(tag(b"LEN="), number(MAX_LENGTH)).parse(text)?;
    let (text, fragment, header) = if src.is_ipv4() {
        let (text, fragment) = v4_header(text)?;
        (text, fragment, V4_HEADER)
    } else {
        let (text, fragment) = v6_header(text)?;
        (text, fragment, V6_HEADER)
    };
    let (text, proto) = protocol(text)?;
    let (text, (transport, incomplete)) = match proto {
        // The kernel prints nothing after `PROTO=` for a later fragment.
        _ if fragment => (text, (Transport::default(), false)),
        proto::TCP => or_incomplete(tcp(text, len > header + TCP_HEADER), text)?,
        proto::UDP | proto::UDPLITE => or_incomplete(udp(text), text)?,
        proto::ICMP | proto::ICMPV6 => or_incomplete(icmp(text, proto, is_outer), text)?,
        proto::AH | proto::ESP => or_incomplete(spi(text), text)?,
        _ => (text, (Transport::default(), false)),
    };
    Ok((
        text,
        Ip {
            src,
            dst,
            proto,
            fragment,
            incomplete,
            transport,
        },
    ))
}

/// Parses the fields between `LEN=` and `PROTO=`. Returns whether this is a later fragment.
#[inline]
fn v4_header(text: &[u8]) -> Parsed<'_, bool> {
    let (text, _) = fixed(b" TOS=0x## PREC=0x##")(text)?;
    let (text, _) = field(b" TTL=")(text)?;
    let (text, _) = field(b" ID=")(text)?;
    let (text, _) = opt(tag(b" CE")).parse(text)?;
    let (text, _) = opt(tag(b" DF")).parse(text)?;
    let (text, _) = opt(tag(b" MF")).parse(text)?;
    // Most have neither.
    if text.starts_with(b" PROTO=") {
        return Ok((text, false));
    }
    let (text, offset) = opt(short(b" FRAG:")).parse(text)?;
    let (text, _) = opt(options).parse(text)?;
    Ok((text, offset.is_some_and(|offset| offset > 0)))
}

/// Parses the IPv6 header fields and extension headers; without `--log-ip-options` the kernel prints only a fragment
/// header.
fn v6_header(text: &[u8]) -> Parsed<'_, bool> {
    let (text, _) = (field(b" TC="), field(b" HOPLIMIT="), field(b" FLOWLBL=")).parse(text)?;
    let empty = value(false, tag(b" OPT ( )"));
    let security = value(
        false,
        delimited(tag(b" OPT ( AH"), field(b" SPI="), tag(b" )")),
    );
    let grouped = delimited(tag(b" OPT ("), fragment, tag(b" )"));
    fold_many0(
        alt((empty, security, grouped, fragment)),
        || false,
        |any, later| any | later,
    )
    .parse(text)
}

fn fragment(text: &[u8]) -> Parsed<'_, bool> {
    let id = take_while_m_n(1, 8, |b: u8| b.is_ascii_hexdigit());
    let behind = (opt(tag(b" INCOMPLETE")), tag(b" ID:"), id);
    map(terminated(short(b" FRAG:"), behind), |offset| offset > 0).parse(text)
}

/// `OPT (…)` with the options in hex.
fn options(text: &[u8]) -> Parsed<'_, &[u8]> {
    delimited(
        tag(b" OPT ("),
        take_while_m_n(0, MAX_OPTIONS, |b: u8| b.is_ascii_hexdigit()),
        tag(b")"),
    )
    .parse(text)
}

#[inline]
fn protocol(text: &[u8]) -> Parsed<'_, u8> {
    let (text, ()) = tag(b" PROTO=")(text)?;
    for (name, number) in [(b"TCP ", proto::TCP), (b"UDP ", proto::UDP)] {
        if text.starts_with(name) {
            return Ok((&text[3..], number));
        }
    }
    let number = |name| proto_number(std::str::from_utf8(name).ok()?);
    let name = map_opt(take_while1(|b: u8| b.is_ascii_alphanumeric()), number);
    // At the end of the line it may be a part of another.
    terminated(name, peek(tag(b" "))).parse(text)
}

/// A parsed transport header, and whether the packet is shorter than that header should be.
type Header = (Transport, bool);

/// Returns the parsed transport header, or else parses ` INCOMPLETE [n bytes]` in its place.
#[inline(always)]
fn or_incomplete<'t>(header: Parsed<'t, Header>, text: &'t [u8]) -> Parsed<'t, Header> {
    header.or_else(|_| incomplete(text))
}

/// ` INCOMPLETE [n bytes]`
#[cold]
fn incomplete(text: &[u8]) -> Parsed<'_, Header> {
    let bytes = delimited(
        tag(b" INCOMPLETE ["),
        number(u32::MAX.into()),
        tag(b" bytes]"),
    );
    map(bytes, |_| (Transport::default(), true)).parse(text)
}

#[inline(always)]
fn ports(text: &[u8]) -> Parsed<'_, (u16, u16)> {
    let (text, spt) = short(b" SPT=")(text)?;
    let (text, dpt) = short(b" DPT=")(text)?;
    Ok((text, (spt, dpt)))
}

/// `nf_log_dump_tcp_header()`
#[inline(always)]
fn tcp(text: &[u8], data: bool) -> Parsed<'_, Header> {
    let (text, (spt, dpt)) = ports(text)?;
    let text = match text.starts_with(b" WINDOW=") {
        true => text,
        false => (field(b" SEQ="), field(b" ACK=")).parse(text)?.0,
    };
    let (text, _) = field(b" WINDOW=")(text)?;
    let (text, _) = fixed(b" RES=0x##")(text)?;
    let (text, flags) = flags(text);
    let (text, _) = short(b" URGP=")(text)?;
    let text = if text.starts_with(b" OPT") {
        let cut = value(&b""[..], tag(b" OPT (TRUNCATED)"));
        opt(alt((options, cut))).parse(text)?.0
    } else {
        text
    };
    Ok((
        text,
        (
            Transport {
                spt: Some(spt),
                dpt: Some(dpt),
                flags: Some(flags),
                icmp_type: None,
                // Its options alone are longer than those of any other segment.
                data: data && !flags.contains(TcpFlags::SYN),
            },
            false,
        ),
    ))
}

/// Flags as long as they come, each with a space before it and one behind it.
#[inline]
fn flags(mut text: &[u8]) -> (&[u8], TcpFlags) {
    let mut flags = TcpFlags::NONE;
    while let Some(([b' ', name @ ..], _)) = text.split_first_chunk::<5>() {
        let (known, flag) = FLAGS[usize::from(name[0] % 32)];
        let (flag, len) = match name {
            name if *name == known => (flag, 4),
            [b'A', b'E', b' ', _] => (TcpFlags::AE, 3),
            _ => break,
        };
        flags = flags.union(flag);
        text = &text[len..];
    }
    (text, flags)
}

/// The flags of three letters, with the space behind them, by the first letter.
static FLAGS: [([u8; 4], TcpFlags); 32] = {
    let mut flags = [([0; 4], TcpFlags::NONE); 32];
    let names = [
        (b"ACK ", TcpFlags::ACK),
        (b"CWR ", TcpFlags::CWR),
        (b"ECE ", TcpFlags::ECE),
        (b"FIN ", TcpFlags::FIN),
        (b"PSH ", TcpFlags::PSH),
        (b"RST ", TcpFlags::RST),
        (b"SYN ", TcpFlags::SYN),
        (b"URG ", TcpFlags::URG),
    ];
    let mut at = 0;
    while at < names.len() {
        let (name, flag) = names[at];
        flags[name[0] as usize % 32] = (*name, flag);
        at += 1;
    }
    flags
};

/// `nf_log_dump_udp_header()`
#[inline(always)]
fn udp(text: &[u8]) -> Parsed<'_, Header> {
    let (text, (spt, dpt)) = ports(text)?;
    let (text, len) = short(b" LEN=")(text)?;
    let transport = Transport {
        spt: Some(spt),
        dpt: Some(dpt),
        data: len > UDP_HEADER,
        ..Transport::default()
    };
    Ok((text, (transport, false)))
}

fn spi(text: &[u8]) -> Parsed<'_, Header> {
    map(field(b" SPI="), |_| (Transport::default(), false)).parse(text)
}

/// Parses the ICMP or ICMPv6 header, with the packet that an error quotes.
#[inline(never)]
fn icmp(text: &[u8], proto: u8, is_outer: bool) -> Parsed<'_, Header> {
    let (text, kind) = preceded(tag(b" TYPE="), number(u8::MAX.into())).parse(text)?;
    let (behind, _) = preceded(tag(b" CODE="), number(u8::MAX.into())).parse(text)?;
    let (text, cut) = opt(incomplete).parse(behind)?;
    let echo = map((field(b" ID="), field(b" SEQ=")), |_| ());
    let parameter = map(
        alt((
            field(b" PARAMETER="),
            field(b" GATEWAY="),
            field(b" POINTER="),
        )),
        |_| (),
    );
    let (text, _) = opt(alt((echo, parameter))).parse(text)?;
    let (text, _) = cond(is_outer, opt(quoted)).parse(text)?;
    // Cut behind the code, or within it.
    if text.len() == behind.len()
        && (!text.starts_with(b" ") || is_outer && goes_on(Some(proto), kind as u8))
    {
        return Err(NO);
    }
    let (text, _) = opt(field(b" MTU=")).parse(text)?;
    let transport = Transport {
        icmp_type: Some(kind as u8),
        ..Transport::default()
    };
    Ok((text, (transport, cut.is_some())))
}

/// Parses the packet that an ICMP error quotes in brackets, to its end.
fn quoted(text: &[u8]) -> Parsed<'_, ()> {
    let packet = terminated(map(|text| datagram(text, false), |_| ()), opt(tag(b" ")));
    let cut = value((), tag(b"TRUNCATED"));
    delimited(tag(b" ["), alt((packet, cut)), tag(b"]")).parse(text)
}
