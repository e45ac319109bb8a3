//! Parser from the kernel's text to a [`Packet`] or a [`PacketSummary`].
//!
//! Most messages are summarised in the kernel's order (`line.rs`). All others, and those whose whole packet is needed,
//! are parsed token by token and by key, not by position, because people elide fields with `...`. Equal keys are told
//! apart by the part of the line in which they stand (see `ip.rs`). Each byte is looked at a bounded number of times.

use std::net::{IpAddr, Ipv4Addr};

use crate::packet::ip::{self, Reading};
use crate::packet::link::{Link, Mac, Vlan};
use crate::packet::tokens::{Cursor, dec16, first, hex16, is_blank};
use crate::packet::{Packet, PacketSummary, Unparsed, line};

/// `IFNAMSIZ - 1`.
const MAX_INTERFACE: usize = 15;

impl<'a> Packet<'a> {
    /// Parses one kernel message that begins with the LOG prefix. A trailing space and a line end are allowed.
    pub fn parse(text: &'a str) -> Result<Self, Unparsed> {
        let text = text.trim_end_matches(['\r', '\n']);
        let start = interface_at(text).ok_or(Unparsed::NoInterface)?;
        let (prefix, body) = text.split_at(start);
        let mut cursor = Cursor::new(body);
        let mut envelope = Envelope::default();
        let src = envelope.read(&mut cursor)?;
        let Reading {
            datagram,
            uid,
            gid,
            mark,
            bad,
            cut,
        } = ip::datagram(&mut cursor, src, ip::Depth::Outer);
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

impl<'a> Link<'a> {
    /// Parses the link-layer header of a kernel message that begins with the LOG prefix, and not the packet behind it.
    ///
    /// # Errors
    /// If there is no `IN=` or no readable `SRC=`.
    pub fn parse(message: &'a str) -> Result<Self, Unparsed> {
        let start = interface_at(message).ok_or(Unparsed::NoInterface)?;
        let mut envelope = Envelope::default();
        envelope.read(&mut Cursor::new(&message[start..]))?;
        Ok(envelope.link())
    }
}

impl<'a> PacketSummary<'a> {
    /// Parses one kernel message that begins with the LOG prefix, as [`Packet::parse`] and [`Packet::summary`] do.
    ///
    /// # Errors
    /// Those of [`Packet::parse`].
    pub fn read(message: &'a str) -> Result<Self, Unparsed> {
        let message = message.trim_end_matches(['\r', '\n']);
        match Self::ordered(message) {
            Some(summary) => Ok(summary),
            None => Packet::parse(message).map(|packet| packet.summary()),
        }
    }

    /// Parses a message without a line end in the order in which the kernel prints it; `None` where it is in another
    /// order, cut, or elided.
    pub fn ordered(message: &'a str) -> Option<Self> {
        // A prefix with an equals sign may hold an `IN=` or a `SRC=` of its own.
        let (prefix, text) = message.split_once('=')?;
        if prefix.strip_suffix("IN")?.ends_with("PHYS") {
            return None;
        }
        let (rest, (interface, summary)) = Self::leading(text.as_bytes())?;
        let interface = text.get(..interface.len())?;
        rest.is_empty().then_some(Self {
            interface,
            ..summary
        })
    }

    /// Parses the packet that `text` begins with, from behind the LOG prefix and `IN=`, in the order in which the kernel
    /// prints it. Returns the text behind it, the name of its interface, and the summary without that name. What it takes
    /// has graphic ASCII characters and spaces alone, and no `#`, with which rsyslog begins its escapes.
    #[inline]
    pub(crate) fn leading(text: &'a [u8]) -> Option<Leading<'a>> {
        line::summary(text).ok()
    }
}

/// Text behind a packet; the name of its interface, and the summary without it.
pub(crate) type Leading<'a> = (&'a [u8], (&'a [u8], PacketSummary<'static>));

/// Finds the offset of the `IN=` that ends the prefix. The prefix is glued to it and may itself contain `IN=`, so it is
/// the last one that an interface name and ` OUT=` follow. It stands before `SRC=`: an `IN=` after that belongs to a
/// second message that was written into this one.
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
            .take(MAX_INTERFACE + 1)
            .take_while(|byte| !is_blank(**byte))
            .count();
        let follows = if with_out {
            value[length..].starts_with(b" OUT=")
        } else {
            value.get(length).is_none_or(|byte| is_blank(*byte))
        };
        length <= MAX_INTERFACE && follows && !head[..*at].ends_with("PHYS")
    })
}

/// Fields before `SRC=`. Of two equal keys the first holds.
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
                // A garbled `OUT=`, which says whether the packet was for this node at all.
                word if self.out.is_none() && !word.contains(['.', '…']) => {
                    return Err(Unparsed::Unreadable("OUT="));
                }
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
            assert_eq!(packet.summary().dst, IpAddr::from([10, 0, 0, 2]));
        }
    }
}
