//! A [`Packet`] in, the kernel's text out: the inverse of `parse.rs`, in the order of `nf_log_ip_packet()`.
//!
//! Each field brings its own trailing space, as in the kernel. The forms without one end the datagram.

use std::fmt::{self, Display, Formatter};
use std::net::IpAddr;

use crate::packet::datagram::{
    Datagram, Extension, Fragment, Header, Icmp, Inner, Security, Tcp, TcpOptions, Transport, Udp,
    V4, V6,
};
use crate::packet::link::Link;
use crate::packet::{Packet, proto};

impl Display for Packet<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "{}IN={} ", self.prefix, self.interface)?;
        field(f, "OUT=", self.out)?;
        field(f, "PHYSIN=", self.physin)?;
        field(f, "PHYSOUT=", self.physout)?;
        link(f, &self.link)?;
        datagram(f, &self.datagram)?;
        field(f, "UID=", self.uid)?;
        field(f, "GID=", self.gid)?;
        if let Some(mark) = self.mark {
            write!(f, "MARK={mark:#x} ")?;
        }
        Ok(())
    }
}

fn field(f: &mut Formatter<'_>, key: &str, value: Option<impl Display>) -> fmt::Result {
    match value {
        Some(value) => write!(f, "{key}{value} "),
        None => Ok(()),
    }
}

/// `dump_mac_header()`
fn link(f: &mut Formatter<'_>, link: &Link<'_>) -> fmt::Result {
    match link {
        Link::None => Ok(()),
        Link::Raw { mac, tunnel } => {
            write!(f, "MAC={mac}")?;
            if let Some((from, to)) = tunnel {
                write!(f, " TUNNEL={from}->{to}")?;
            }
            f.write_str(" ")
        }
        Link::Ether {
            src,
            dst,
            vlan,
            proto,
        } => {
            field(f, "MACSRC=", src.as_ref())?;
            field(f, "MACDST=", dst.as_ref())?;
            if let Some(vlan) = vlan {
                write!(f, "VPROTO={:04x} VID={} ", vlan.proto, vlan.tci)?;
            }
            if let Some(proto) = proto {
                write!(f, "MACPROTO={proto:04x} ")?;
            }
            Ok(())
        }
    }
}

/// `dump_ipv4_packet()`, `dump_ipv6_packet()`
fn datagram(f: &mut Formatter<'_>, datagram: &Datagram<'_>) -> fmt::Result {
    address(f, "SRC=", datagram.src)?;
    if let Some(dst) = datagram.dst {
        address(f, "DST=", dst)?;
    }
    field(f, "LEN=", datagram.len)?;
    match &datagram.header {
        Header::V4(header) => v4(f, header)?,
        Header::V6(header) => v6(f, header)?,
    }
    if datagram.truncated {
        return f.write_str("TRUNCATED");
    }
    if let Some(number) = datagram.proto {
        let spelling = match datagram.header {
            Header::V4(_) => proto::v4_spelling(number),
            Header::V6(_) => proto::v6_spelling(number),
        };
        match spelling {
            Some(name) => write!(f, "PROTO={name} ")?,
            None => write!(f, "PROTO={number} ")?,
        }
    }
    match &datagram.transport {
        Transport::None => {}
        Transport::Tcp(header) => tcp(f, header)?,
        Transport::Udp(Udp { spt, dpt, len }) => {
            field(f, "SPT=", *spt)?;
            field(f, "DPT=", *dpt)?;
            field(f, "LEN=", *len)?;
        }
        Transport::Icmp(header) => icmp(f, header)?,
        Transport::Spi(spi) => write!(f, "SPI={spi:#x} ")?,
    }
    match datagram.incomplete {
        Some(bytes) => write!(f, "INCOMPLETE [{bytes} bytes] "),
        None => Ok(()),
    }
}

/// `%pI4`, `%pI6`: the latter is always eight groups of four digits.
fn address(f: &mut Formatter<'_>, key: &str, address: IpAddr) -> fmt::Result {
    f.write_str(key)?;
    match address {
        IpAddr::V4(address) => write!(f, "{address} "),
        IpAddr::V6(address) => {
            for (place, group) in address.segments().iter().enumerate() {
                let colon = if place > 0 { ":" } else { "" };
                write!(f, "{colon}{group:04x}")?;
            }
            f.write_str(" ")
        }
    }
}

fn v4(f: &mut Formatter<'_>, header: &V4<'_>) -> fmt::Result {
    if let Some(tos) = header.tos {
        write!(f, "TOS=0x{tos:02X} ")?;
    }
    if let Some(prec) = header.prec {
        write!(f, "PREC=0x{prec:02X} ")?;
    }
    field(f, "TTL=", header.ttl)?;
    field(f, "ID=", header.id)?;
    for (set, word) in [(header.ce, "CE "), (header.df, "DF "), (header.mf, "MF ")] {
        if set {
            f.write_str(word)?;
        }
    }
    field(f, "FRAG:", header.frag)?;
    match header.opt {
        Some(opt) => write!(f, "OPT ({opt}) "),
        None => Ok(()),
    }
}

fn v6(f: &mut Formatter<'_>, header: &V6) -> fmt::Result {
    field(f, "TC=", header.tc)?;
    field(f, "HOPLIMIT=", header.hoplimit)?;
    field(f, "FLOWLBL=", header.flowlbl)?;
    let mut later = false;
    for extension in &header.extensions {
        match extension {
            // In a later fragment the kernel stops at these, and writes no space behind the bracket.
            Extension::Options if later => f.write_str("OPT ( )")?,
            Extension::Options => f.write_str("OPT ( ) ")?,
            Extension::Fragment(header) => {
                later |= header.offset.is_some_and(|offset| offset != 0);
                fragment(f, header)?;
            }
            Extension::Ah(Security::Spi(spi)) => write!(f, "OPT ( AH SPI={spi:#x} ) ")?,
            Extension::Esp(Security::Spi(spi)) => write!(f, "OPT ( ESP SPI={spi:#x} )")?,
            Extension::Ah(Security::Incomplete(bytes)) => {
                write!(f, "OPT ( AH INCOMPLETE [{bytes} bytes] )")?;
            }
            Extension::Esp(Security::Incomplete(bytes)) => {
                write!(f, "OPT ( ESP INCOMPLETE [{bytes} bytes] )")?;
            }
            Extension::Ah(Security::Hidden) => f.write_str("OPT ( AH )")?,
            Extension::Esp(Security::Hidden) => f.write_str("OPT ( ESP )")?,
            Extension::Unknown(number) => write!(f, "Unknown Ext Hdr {number}")?,
        }
    }
    Ok(())
}

fn fragment(f: &mut Formatter<'_>, header: &Fragment) -> fmt::Result {
    if header.grouped {
        f.write_str("OPT ( ")?;
    }
    let Some(offset) = header.offset else {
        return f.write_str("FRAG:TRUNCATED ");
    };
    write!(f, "FRAG:{offset} ")?;
    if header.more {
        f.write_str("INCOMPLETE ")?;
    }
    if let Some(id) = header.id {
        write!(f, "ID:{id:08x} ")?;
    }
    if header.grouped {
        f.write_str(") ")?;
    }
    Ok(())
}

/// `nf_log_dump_tcp_header()`
fn tcp(f: &mut Formatter<'_>, header: &Tcp<'_>) -> fmt::Result {
    field(f, "SPT=", header.spt)?;
    field(f, "DPT=", header.dpt)?;
    field(f, "SEQ=", header.seq)?;
    field(f, "ACK=", header.ack)?;
    field(f, "WINDOW=", header.window)?;
    if let Some(res) = header.res {
        write!(f, "RES=0x{res:02x} ")?;
    }
    if let Some(flags) = header.flags.filter(|flags| !flags.is_empty()) {
        write!(f, "{flags} ")?;
    }
    field(f, "URGP=", header.urgp)?;
    match header.opt {
        Some(TcpOptions::Text(text)) => write!(f, "OPT ({text}) "),
        Some(TcpOptions::Truncated) => f.write_str("OPT (TRUNCATED)"),
        None => Ok(()),
    }
}

fn icmp(f: &mut Formatter<'_>, header: &Icmp<'_>) -> fmt::Result {
    field(f, "TYPE=", header.kind)?;
    field(f, "CODE=", header.code)?;
    field(f, "ID=", header.id)?;
    field(f, "SEQ=", header.seq)?;
    field(f, "PARAMETER=", header.parameter)?;
    field(f, "GATEWAY=", header.gateway)?;
    if let Some(pointer) = header.pointer {
        write!(f, "POINTER={pointer:08x} ")?;
    }
    match &header.inner {
        Some(Inner::Datagram(inner)) => {
            f.write_str("[")?;
            datagram(f, inner)?;
            f.write_str("] ")?;
        }
        Some(Inner::Truncated) => f.write_str("[TRUNCATED] ")?,
        None => {}
    }
    field(f, "MTU=", header.mtu)
}
