//! The kernel's text in, a [`Packet`] out: prefix, interfaces and link part; `read.rs` reads the IP part.
//!
//! A line is read token by token and by key, not by place, because people elide fields with `...`. What keeps equal
//! keys apart is the part of the line they stand in (see `read.rs`). Each byte is looked at a bounded number of times.

use std::net::{IpAddr, Ipv4Addr};

use nom::Parser;
use nom::bytes::complete::{tag, take_till1, take_while, take_while_m_n};
use nom::character::complete::char;
use nom::combinator::{all_consuming, map_res};
use nom::error::Error;
use nom::sequence::{delimited, preceded};

use crate::packet::link::{Link, Mac, Vlan};
use crate::packet::read::{self, Reading};
use crate::packet::{Packet, Unparsed};

/// `IFNAMSIZ - 1`.
const INTERFACE_MAX: usize = 15;

/// More than the kernel writes between brackets: 40 bytes of options are 80 digits.
const OPTIONS_MAX: usize = 256;

impl<'a> Packet<'a> {
    /// Reads one kernel message that begins with the LOG prefix. A trailing space and a line end are allowed.
    pub fn parse(text: &'a str) -> Result<Self, Unparsed> {
        let text = text.trim_end_matches(['\r', '\n']);
        let start = interface_at(text).ok_or(Unparsed::NoInterface)?;
        let (prefix, body) = text.split_at(start);
        let mut cursor = Cursor { rest: body };
        let mut envelope = Envelope::default();
        let src = envelope.read(&mut cursor)?;
        let Reading {
            datagram,
            uid,
            gid,
            mark,
            bad,
            cut,
        } = read::datagram(&mut cursor, src, read::Depth::Outer);
        if let Some(reason) = bad {
            return Err(reason);
        }
        Ok(Self {
            prefix,
            interface: envelope.interface,
            out: envelope.out,
            physin: envelope.physin,
            physout: envelope.physout,
            link: envelope.link(),
            datagram,
            uid,
            gid,
            mark,
            truncated: cut,
        })
    }
}

/// Where the `IN=` is that ends the prefix. The prefix is glued to it and may itself hold `IN=`, so it is the last one
/// that an interface name and ` OUT=` follow (trap 1). It stands before `SRC=`: what looks like one after that
/// belongs to a second message that was written into this one.
fn interface_at(text: &str) -> Option<usize> {
    let head = text.find(" SRC=").map_or(text, |end| &text[..end]);
    last_interface(head, true)
        .or_else(|| last_interface(head, false))
        // A prefix may hold `SRC=` as well.
        .or_else(|| last_interface(text, true))
}

fn last_interface(head: &str, with_out: bool) -> Option<usize> {
    head.rmatch_indices("IN=").map(|(at, _)| at).find(|at| {
        let value = &head.as_bytes()[at + 3..];
        let length = value
            .iter()
            .take(INTERFACE_MAX + 1)
            .take_while(|byte| !blank_byte(**byte))
            .count();
        let follows = if with_out {
            value[length..].starts_with(b" OUT=")
        } else {
            value.get(length).is_none_or(|byte| blank_byte(*byte))
        };
        length <= INTERFACE_MAX && follows && !head[..*at].ends_with("PHYS")
    })
}

/// What stands before `SRC=`. The first of two equal keys holds.
#[derive(Default)]
struct Envelope<'a> {
    interface: &'a str,
    out: Option<&'a str>,
    physin: Option<&'a str>,
    physout: Option<&'a str>,
    mac: Option<&'a str>,
    tunnel: Option<(Ipv4Addr, Ipv4Addr)>,
    macsrc: Option<Mac>,
    macdst: Option<Mac>,
    vproto: Option<u16>,
    vid: Option<u16>,
    macproto: Option<u16>,
}

impl<'a> Envelope<'a> {
    /// Reads up to `SRC=`, and returns the address.
    fn read(&mut self, cursor: &mut Cursor<'a>) -> Result<IpAddr, Unparsed> {
        if let Some(token) = cursor.token(false) {
            self.interface = token.value;
        }
        while let Some(token) = cursor.token(false) {
            match token.key {
                // An address that ends the line may be a part of one.
                "SRC=" if !token.ended => return Err(Unparsed::NoSource),
                "SRC=" => return token.value.parse().map_err(|_| Unparsed::NoSource),
                "OUT=" => first(&mut self.out, Some(token.value)),
                "PHYSIN=" => first(&mut self.physin, Some(token.value)),
                "PHYSOUT=" => first(&mut self.physout, Some(token.value)),
                "MAC=" => first(&mut self.mac, Some(token.value)),
                "TUNNEL=" => first(&mut self.tunnel, tunnel(token.value)),
                "MACSRC=" => first(&mut self.macsrc, Mac::parse(token.value)),
                "MACDST=" => first(&mut self.macdst, Mac::parse(token.value)),
                "VPROTO=" => first(&mut self.vproto, hex16(token.value)),
                "VID=" => first(&mut self.vid, dec16(token.value)),
                "MACPROTO=" => first(&mut self.macproto, hex16(token.value)),
                "ARP" => return Err(Unparsed::Arp),
                // `MAC source = …`
                "MAC" => return Err(Unparsed::Ebtables),
                _ => {}
            }
        }
        // The MAC part is the whole line of another ethertype.
        match self.macproto {
            Some(_) => Err(Unparsed::NotIp),
            None => Err(Unparsed::NoSource),
        }
    }

    fn link(&self) -> Link<'a> {
        if let Some(mac) = self.mac {
            return Link::Raw {
                mac,
                tunnel: self.tunnel,
            };
        }
        if self.macsrc.is_none() && self.macdst.is_none() && self.macproto.is_none() {
            return Link::None;
        }
        Link::Ether {
            src: self.macsrc,
            dst: self.macdst,
            vlan: self
                .vproto
                .zip(self.vid)
                .map(|(proto, tci)| Vlan { proto, tci }),
            proto: self.macproto,
        }
    }
}

fn tunnel(text: &str) -> Option<(Ipv4Addr, Ipv4Addr)> {
    let (from, to) = text.split_once("->")?;
    from.parse().ok().zip(to.parse().ok())
}

/// Keeps the first readable value of a key that occurs twice.
pub(super) fn first<T>(slot: &mut Option<T>, value: Option<T>) {
    if slot.is_none() {
        *slot = value;
    }
}

/// What lies between two blanks: `KEY=value`, `KEY:value`, or a word.
#[derive(Clone, Copy)]
pub(super) struct Token<'a> {
    /// With its `=` or `:`; a word is all key.
    pub(super) key: &'a str,
    pub(super) value: &'a str,
    /// Something follows, so that the value is not a part of a longer one.
    pub(super) ended: bool,
    /// From the first byte of the token to the end of the line.
    tail: &'a str,
}

impl Token<'_> {
    /// Whether somebody wrote `...` for the value.
    pub(super) fn elided(&self) -> bool {
        self.value.contains("...") || self.value.contains('…')
    }
}

/// A place in the line.
#[derive(Clone, Copy)]
pub(super) struct Cursor<'a> {
    rest: &'a str,
}

impl<'a> Cursor<'a> {
    /// The next token. Inside the brackets of an ICMP error `]` ends a token, and is one.
    pub(super) fn token(&mut self, quoted: bool) -> Option<Token<'a>> {
        let (tail, _) = take_while::<_, _, Error<&str>>(blank)
            .parse(self.rest)
            .ok()?;
        let (rest, text) = if quoted && tail.starts_with(']') {
            (&tail[1..], &tail[..1])
        } else {
            take_till1::<_, _, Error<&str>>(|c| blank(c) || (quoted && c == ']'))
                .parse(tail)
                .ok()?
        };
        self.rest = rest;
        let key = text.find(['=', ':']).map_or(text.len(), |at| at + 1);
        let (key, value) = text.split_at(key);
        Some(Token {
            key,
            value,
            ended: !rest.is_empty(),
            tail,
        })
    }

    /// Goes back to just behind the bracket that begins `token`.
    pub(super) fn enter(&mut self, token: &Token<'a>) {
        self.rest = token.tail.strip_prefix('[').unwrap_or(token.tail);
    }

    /// ` [n bytes]` behind `INCOMPLETE`: before any other bracket is looked at (trap 4).
    pub(super) fn bytes(&mut self) -> Option<u32> {
        let number = nom::character::complete::u32;
        self.accept(delimited(tag(" ["), number, tag(" bytes]")))
    }

    /// ` (…)` behind `OPT`.
    pub(super) fn options(&mut self) -> Option<&'a str> {
        let inside = take_while_m_n(0, OPTIONS_MAX, |c| c != ')' && c != ']');
        self.accept(delimited(tag(" ("), inside, char(')')))
    }

    /// ` Ext Hdr n` behind `Unknown`.
    pub(super) fn extension(&mut self) -> Option<u8> {
        self.accept(preceded(tag(" Ext Hdr "), nom::character::complete::u8))
    }

    fn accept<T>(
        &mut self,
        mut parser: impl Parser<&'a str, Output = T, Error = Error<&'a str>>,
    ) -> Option<T> {
        let (rest, value) = parser.parse(self.rest).ok()?;
        self.rest = rest;
        Some(value)
    }
}

fn blank(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\r' | '\n')
}

fn blank_byte(byte: u8) -> bool {
    blank(char::from(byte))
}

fn whole<'a, T>(
    parser: impl Parser<&'a str, Output = T, Error = Error<&'a str>>,
    text: &'a str,
) -> Option<T> {
    let (_, value) = all_consuming(parser).parse(text).ok()?;
    Some(value)
}

pub(super) fn dec8(text: &str) -> Option<u8> {
    whole(nom::character::complete::u8, text)
}

pub(super) fn dec16(text: &str) -> Option<u16> {
    whole(nom::character::complete::u16, text)
}

pub(super) fn dec32(text: &str) -> Option<u32> {
    whole(nom::character::complete::u32, text)
}

pub(super) fn dec64(text: &str) -> Option<u64> {
    whole(nom::character::complete::u64, text)
}

/// Hex digits alone, as in `POINTER=` and the `ID:` of IPv6.
pub(super) fn hex32(text: &str) -> Option<u32> {
    let digits = take_while_m_n(1, 8, |c: char| c.is_ascii_hexdigit());
    whole(
        map_res(digits, |digits| u32::from_str_radix(digits, 16)),
        text,
    )
}

fn hex16(text: &str) -> Option<u16> {
    hex32(text)?.try_into().ok()
}

/// Hex digits behind `0x`.
pub(super) fn prefixed32(text: &str) -> Option<u32> {
    hex32(text.strip_prefix("0x")?)
}

pub(super) fn prefixed8(text: &str) -> Option<u8> {
    prefixed32(text)?.try_into().ok()
}

#[cfg(test)]
mod tests {
    use std::net::IpAddr;

    use crate::packet::Packet;

    #[test]
    fn trap_1_the_prefix_ends_at_the_last_interface() {
        for (text, prefix, interface) in [
            (
                "HARVESTER_DROP_IN=mgmt-br OUT= SRC=",
                "HARVESTER_DROP_",
                "mgmt-br",
            ),
            (
                "HARVESTER_DROP: IN=mgmt-br OUT= SRC=",
                "HARVESTER_DROP: ",
                "mgmt-br",
            ),
            (
                "DROP_SPAMHAUS_EDROPIN=eth0 OUT= SRC=",
                "DROP_SPAMHAUS_EDROP",
                "eth0",
            ),
            (
                "Unknown InputIN=eth0 OUT=eth1 SRC=",
                "Unknown Input",
                "eth0",
            ),
            (
                "[FW_ADT]D=O CD=O IN=br0 OUT= SRC=",
                "[FW_ADT]D=O CD=O ",
                "br0",
            ),
            ("IN=lan OUT= IN=br0 OUT= SRC=", "IN=lan OUT= ", "br0"),
            ("x_IN=br0 OUT= PHYSIN=veth1 OUT= SRC=", "x_", "br0"),
            (
                "x_IN=br0 PHYSIN=eth0 OUT=br0 PHYSOUT=eth1 SRC=",
                "x_",
                "br0",
            ),
            (
                "ipt4: NOT lstd ports from ineIN=enp2s0 OUT= SRC=",
                "ipt4: NOT lstd ports from ine",
                "enp2s0",
            ),
            ("IN= OUT= SRC=", "", ""),
            (
                "nf_ct_proto_6: SEQ is over the upper bound (ACKed data?) IN= OUT= SRC=",
                "nf_ct_proto_6: SEQ is over the upper bound (ACKed data?) ",
                "",
            ),
            ("D_IN=a=b[c].ü@1 OUT= SRC=", "D_", "a=b[c].ü@1"),
            (
                "HARVESTER_DROP_IN=mgmt-br ... SRC=",
                "HARVESTER_DROP_",
                "mgmt-br",
            ),
        ] {
            let text = format!("{text}10.0.0.1 DST=10.0.0.2 LEN=28 PROTO=2 ");
            let packet = Packet::parse(&text).unwrap();
            assert_eq!(
                (packet.prefix, packet.interface),
                (prefix, interface),
                "{text}"
            );
            assert_eq!(packet.brief().dst, IpAddr::from([10, 0, 0, 2]));
        }
    }
}
