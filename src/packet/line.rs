//! Parser of one LOG line in the order in which the kernel prints it, in one pass from left to right.
//!
//! Follows `nf_log_ip_packet()` and `nf_log_ip6_packet()` of `nf_log_syslog.c`, and keeps only the fields that judging
//! needs. No state is kept between lines. A line in any other order, elided or cut, is left to [`Packet::parse`], with
//! which this parser agrees on all lines that it accepts; a property test in `roundtrip.rs` checks that.
//!
//! [`Packet::parse`]: super::Packet::parse

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use nom::branch::alt;
use nom::bytes::complete::{tag, take_while, take_while_m_n, take_while1};
use nom::character::complete::{self as number, char as is};
use nom::combinator::{cond, eof, map, map_opt, opt, peek, value};
use nom::error::{Error, ErrorKind};
use nom::multi::fold_many0;
use nom::sequence::{delimited, preceded, terminated};
use nom::{IResult, Parser};

use crate::packet::datagram::{TCP_HEADER, UDP_HEADER, V4_HEADER, V6_HEADER};
use crate::packet::flags::TcpFlags;
use crate::packet::link::{Link, Mac};
use crate::packet::proto::{self, proto_number};
use crate::packet::summary::{Hook, PacketSummary, PktType, Shape};

/// `IFNAMSIZ - 1`.
const MAX_INTERFACE: usize = 15;
/// 40 bytes of IP or TCP options are 80 digits.
const MAX_OPTIONS: usize = 80;

type Parsed<'t, T> = IResult<&'t [u8], T>;

/// Parses a whole message, which begins with the LOG prefix. `None` where the kernel would not have printed it in this
/// form.
pub(super) fn summary(message: &[u8]) -> Option<PacketSummary<'_>> {
    // A prefix with an equals sign may hold an `IN=` or a `SRC=` of its own.
    let equals = memchr::memchr(b'=', message)?;
    let prefix = message.get(..equals)?.strip_suffix(b"IN")?;
    if prefix.ends_with(b"PHYS") {
        return None;
    }
    let (_, summary) = line(message.get(equals + 1..)?).ok()?;
    Some(summary)
}

/// Parses a line from behind `IN=` to its end.
fn line(text: &[u8]) -> Parsed<'_, PacketSummary<'_>> {
    let (text, interface) = interface(text)?;
    let (text, out) = preceded(tag(" OUT="), self::interface).parse(text)?;
    let name = self::interface;
    let (text, _) = opt(preceded(tag(" PHYSIN="), name)).parse(text)?;
    let (text, _) = opt(preceded(tag(" PHYSOUT="), name)).parse(text)?;
    let (text, receiver) = receiver(text)?;
    let (text, ip) = preceded(is(' '), |text| datagram(text, true)).parse(text)?;
    // nf_log_dump_sk_uid_gid(), and the mark; before Linux 3.0 there was no GID.
    let (text, _) = (
        opt(field(" UID=")),
        opt(field(" GID=")),
        opt(field(" MARK=")),
    )
        .parse(text)?;
    let (text, _) = (opt(is(' ')), eof).parse(text)?;
    let summary = PacketSummary {
        interface,
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
        hook: Hook::of(interface, out),
        cast: PktType::of_address(Some(ip.dst)),
        frame: PktType::of_frame(receiver),
        data: ip.transport.data,
    };
    Ok((text, summary))
}

/// Parses an interface name, which may be empty. A name with `=`, `:` or a bracket might be confused with a field.
fn interface(text: &[u8]) -> Parsed<'_, &str> {
    let may = |b: u8| b.is_ascii_graphic() && !matches!(b, b'=' | b':' | b'[' | b']');
    map_opt(take_while_m_n(0, MAX_INTERFACE, may), |name| {
        std::str::from_utf8(name).ok()
    })
    .parse(text)
}

/// Parses `key` and a value up to the next space, and discards the value.
fn field<'t>(
    key: &'static str,
) -> impl Parser<&'t [u8], Output = &'t [u8], Error = Error<&'t [u8]>> {
    preceded(tag(key), take_while(|b: u8| b.is_ascii_graphic()))
}

/// `dump_mac_header()`: the receiver of the frame, where it is a group.
fn receiver(text: &[u8]) -> Parsed<'_, Option<Mac>> {
    let is_raw = |b: u8| b.is_ascii_hexdigit() || b == b':';
    let raw = preceded(
        tag(" MAC="),
        terminated(take_while(is_raw), opt(field(" TUNNEL="))),
    );
    let vlan = opt((field(" VPROTO="), field(" VID=")));
    let decoded = delimited(
        field(" MACSRC="),
        map_opt(field(" MACDST="), mac),
        (vlan, field(" MACPROTO=")),
    );
    alt((
        map(raw, group),
        map(decoded, Some),
        value(None, peek(tag(" SRC="))),
    ))
    .parse(text)
}

fn mac(text: &[u8]) -> Option<Mac> {
    Mac::parse(std::str::from_utf8(text).ok()?)
}

/// Returns the receiver of a raw header if it is a group address. The header begins with the receiver, and its second
/// digit shows whether it is a group, so the rest is parsed only then.
fn group(header: &[u8]) -> Option<Mac> {
    let digit = char::from(*header.get(1)?).to_digit(16)?;
    if digit & 1 == 0 {
        return None;
    }
    let mac = std::str::from_utf8(header).ok()?;
    Link::Raw { mac, tunnel: None }.destination()
}

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
fn datagram(text: &[u8], is_outer: bool) -> Parsed<'_, Ip> {
    let (text, _) = tag("SRC=").parse(text)?;
    let (text, src, dst) = if let Ok((text, src)) = v4(text) {
        let (text, dst) = preceded(tag(" DST="), v4).parse(text)?;
        (text, IpAddr::V4(src), IpAddr::V4(dst))
    } else {
        let (text, src) = v6(text)?;
        let (text, dst) = preceded(tag(" DST="), v6).parse(text)?;
        (text, IpAddr::V6(src), IpAddr::V6(dst))
    };
    let (text, len) = preceded(tag(" LEN="), number::u64).parse(text)?;
    let (text, fragment, header) = if src.is_ipv4() {
        let (text, fragment) = v4_header(text)?;
        (text, fragment, V4_HEADER)
    } else {
        let (text, fragment) = v6_header(text)?;
        (text, fragment, V6_HEADER)
    };
    let (text, proto) = preceded(tag(" PROTO="), protocol).parse(text)?;
    let (text, (transport, incomplete)) = match proto {
        // The kernel prints nothing after `PROTO=` for a later fragment.
        _ if fragment => (text, (Transport::default(), false)),
        proto::TCP => alt((|text| tcp(text, len > header + TCP_HEADER), incomplete)).parse(text)?,
        proto::UDP | proto::UDPLITE => alt((udp, incomplete)).parse(text)?,
        proto::ICMP | proto::ICMPV6 => {
            alt((|text| icmp(text, is_outer), incomplete)).parse(text)?
        }
        proto::AH | proto::ESP => alt((spi, incomplete)).parse(text)?,
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

/// Parses `%pI4`, which prints numbers without padding.
#[inline]
fn v4(text: &[u8]) -> Parsed<'_, Ipv4Addr> {
    let (mut bits, mut at) = (0_u32, 0);
    for part in 0..4 {
        let from = at;
        let mut octet = 0;
        while let Some(digit @ b'0'..=b'9') = text.get(at)
            && at < from + 3
        {
            octet = octet * 10 + u32::from(digit - b'0');
            at += 1;
        }
        let is_padded = at - from > 1 && text.get(from) == Some(&b'0');
        let ends = part == 3 || text.get(at) == Some(&b'.');
        if at == from || is_padded || octet > 255 || !ends {
            return Err(nom::Err::Error(Error::new(text, ErrorKind::Digit)));
        }
        at += usize::from(part < 3);
        bits = bits << 8 | octet;
    }
    Ok((&text[at..], Ipv4Addr::from_bits(bits)))
}

/// Parses an IPv6 address: `%pI6`, eight groups of four digits, or a shortened form.
fn v6(text: &[u8]) -> Parsed<'_, Ipv6Addr> {
    let is_part = |b: u8| b.is_ascii_hexdigit() || b == b':';
    let parse = |text| std::str::from_utf8(text).ok()?.parse().ok();
    map_opt(take_while(is_part), parse).parse(text)
}

/// Parses the fields between `LEN=` and `PROTO=`. Returns whether this is a later fragment.
fn v4_header(text: &[u8]) -> Parsed<'_, bool> {
    let (text, _) = (
        field(" TOS="),
        field(" PREC="),
        field(" TTL="),
        field(" ID="),
    )
        .parse(text)?;
    let (text, _) = (opt(tag(" CE")), opt(tag(" DF")), opt(tag(" MF"))).parse(text)?;
    let (text, offset) = opt(preceded(tag(" FRAG:"), number::u16)).parse(text)?;
    let (text, _) = opt(options).parse(text)?;
    Ok((text, offset.is_some_and(|offset| offset > 0)))
}

/// Parses the IPv6 header fields and extension headers; without `--log-ip-options` the kernel prints only a fragment
/// header.
fn v6_header(text: &[u8]) -> Parsed<'_, bool> {
    let (text, _) = (field(" TC="), field(" HOPLIMIT="), field(" FLOWLBL=")).parse(text)?;
    let empty = value(false, tag(" OPT ( )"));
    let security = value(
        false,
        delimited(tag(" OPT ( AH"), field(" SPI="), tag(" )")),
    );
    let grouped = delimited(tag(" OPT ("), fragment, tag(" )"));
    fold_many0(
        alt((empty, security, grouped, fragment)),
        || false,
        |any, later| any | later,
    )
    .parse(text)
}

fn fragment(text: &[u8]) -> Parsed<'_, bool> {
    let id = take_while_m_n(1, 8, |b: u8| b.is_ascii_hexdigit());
    let offset = terminated(number::u16, (opt(tag(" INCOMPLETE")), tag(" ID:"), id));
    map(preceded(tag(" FRAG:"), offset), |offset| offset > 0).parse(text)
}

/// `OPT (…)` with the options in hex.
fn options(text: &[u8]) -> Parsed<'_, &[u8]> {
    delimited(
        tag(" OPT ("),
        take_while_m_n(0, MAX_OPTIONS, |b: u8| b.is_ascii_hexdigit()),
        is(')'),
    )
    .parse(text)
}

fn protocol(text: &[u8]) -> Parsed<'_, u8> {
    let number = |name: &[u8]| match name {
        b"TCP" => Some(proto::TCP),
        b"UDP" => Some(proto::UDP),
        name => proto_number(std::str::from_utf8(name).ok()?),
    };
    map_opt(take_while1(|b: u8| b.is_ascii_alphanumeric()), number).parse(text)
}

/// A parsed transport header, and whether the packet is shorter than that header should be.
type Header = (Transport, bool);

/// ` INCOMPLETE [n bytes]`
fn incomplete(text: &[u8]) -> Parsed<'_, Header> {
    let bytes = delimited(tag(" INCOMPLETE ["), number::u32, tag(" bytes]"));
    map(bytes, |_| (Transport::default(), true)).parse(text)
}

fn ports(text: &[u8]) -> Parsed<'_, Transport> {
    let ports = (
        preceded(tag(" SPT="), number::u16),
        preceded(tag(" DPT="), number::u16),
    );
    map(ports, |(spt, dpt)| Transport {
        spt: Some(spt),
        dpt: Some(dpt),
        ..Transport::default()
    })
    .parse(text)
}

/// `nf_log_dump_tcp_header()`
fn tcp(text: &[u8], data: bool) -> Parsed<'_, Header> {
    let (text, ports) = ports(text)?;
    let (text, _) = opt((field(" SEQ="), field(" ACK="))).parse(text)?;
    let (text, _) = (field(" WINDOW="), field(" RES=")).parse(text)?;
    let (text, flags) = fold_many0(flag, || TcpFlags::NONE, TcpFlags::union).parse(text)?;
    let cut = value(&b""[..], tag(" OPT (TRUNCATED)"));
    let (text, _) = (tag(" URGP="), number::u16, opt(alt((options, cut)))).parse(text)?;
    Ok((
        text,
        (
            Transport {
                flags: Some(flags),
                // Its options alone are longer than those of any other segment.
                data: data && !flags.contains(TcpFlags::SYN),
                ..ports
            },
            false,
        ),
    ))
}

fn flag(text: &[u8]) -> Parsed<'_, TcpFlags> {
    let word = take_while_m_n(2, 3, |b: u8| b.is_ascii_uppercase());
    let named = |name| TcpFlags::from_name(std::str::from_utf8(name).ok()?);
    map_opt(delimited(is(' '), word, peek(is(' '))), named).parse(text)
}

/// `nf_log_dump_udp_header()`
fn udp(text: &[u8]) -> Parsed<'_, Header> {
    let (text, ports) = ports(text)?;
    let (text, len) = preceded(tag(" LEN="), number::u16).parse(text)?;
    let data = len > UDP_HEADER;
    Ok((text, (Transport { data, ..ports }, false)))
}

fn spi(text: &[u8]) -> Parsed<'_, Header> {
    map(field(" SPI="), |_| (Transport::default(), false)).parse(text)
}

/// Parses the ICMP or ICMPv6 header, with the packet that an error quotes.
fn icmp(text: &[u8], is_outer: bool) -> Parsed<'_, Header> {
    let (text, kind) = preceded(tag(" TYPE="), number::u8).parse(text)?;
    let (text, _) = preceded(tag(" CODE="), number::u8).parse(text)?;
    let (text, cut) = opt(incomplete).parse(text)?;
    let echo = map((field(" ID="), field(" SEQ=")), |_| ());
    let parameter = map(
        alt((field(" PARAMETER="), field(" GATEWAY="), field(" POINTER="))),
        |_| (),
    );
    let (text, _) = opt(alt((echo, parameter))).parse(text)?;
    let (text, _) = cond(is_outer, opt(quoted)).parse(text)?;
    let (text, _) = opt(field(" MTU=")).parse(text)?;
    let transport = Transport {
        icmp_type: Some(kind),
        ..Transport::default()
    };
    Ok((text, (transport, cut.is_some())))
}

/// Parses the packet that an ICMP error quotes in brackets, to its end.
fn quoted(text: &[u8]) -> Parsed<'_, ()> {
    let packet = terminated(map(|text| datagram(text, false), |_| ()), opt(is(' ')));
    let cut = value((), tag("TRUNCATED"));
    delimited(tag(" ["), alt((packet, cut)), is(']')).parse(text)
}
