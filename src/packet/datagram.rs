//! IP part of a line, as `dump_ipv4_packet()` and `dump_ipv6_packet()` print it, and so also the packet that an ICMP
//! error quotes. Fields that were elided by hand or lost in a cut line are `None`.

use std::net::{IpAddr, Ipv4Addr};

use crate::packet::flags::TcpFlags;

/// One IP packet from `SRC=` to the end of its transport header.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Datagram<'a> {
    pub src: IpAddr,
    /// `None` only in a line that is cut or elided there.
    pub dst: Option<IpAddr>,
    /// The first `LEN=`: more than 65535 for GRO, BIG TCP and jumbograms.
    pub len: Option<u64>,
    pub header: Header<'a>,
    /// Protocol number after `PROTO=`; `None` also for an IPv4 AH fragment and IPv6 ESP, for which the kernel prints
    /// none.
    pub proto: Option<u8>,
    pub transport: Transport<'a>,
    /// `INCOMPLETE [n bytes]` of the transport header.
    pub incomplete: Option<u32>,
    /// The kernel's own `TRUNCATED`, in place of the IP options or of an extension header.
    pub truncated: bool,
}

/// Bytes of an IPv4 header without options.
pub(super) const V4_HEADER: u64 = 20;
/// Bytes of an IPv6 header.
pub(super) const V6_HEADER: u64 = 40;
/// Bytes of a TCP header with the timestamps option alone, as a bare ACK has it (RFC 7323, appendix A).
pub(super) const TCP_HEADER: u64 = 32;
/// Bytes of a UDP header.
pub(super) const UDP_HEADER: u16 = 8;

/// Header fields that IPv4 and IPv6 do not share.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Header<'a> {
    V4(V4<'a>),
    V6(V6),
}

/// IPv4, `dump_ipv4_packet()`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct V4<'a> {
    /// Type of service without its lowest bit, which the kernel does not print.
    pub tos: Option<u8>,
    pub prec: Option<u8>,
    pub ttl: Option<u8>,
    /// The first `ID=`.
    pub id: Option<u16>,
    pub ce: bool,
    pub df: bool,
    pub mf: bool,
    /// `FRAG:n` in units of 8 bytes.
    pub frag: Option<u16>,
    pub opt: Option<&'a str>,
}

/// IPv6, `dump_ipv6_packet()`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct V6 {
    pub tc: Option<u8>,
    pub hoplimit: Option<u8>,
    pub flowlbl: Option<u32>,
    /// Extension headers in their order. Without `--log-ip-options` the kernel shows only fragment headers.
    pub extensions: Vec<Extension>,
}

/// One IPv6 extension header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Extension {
    /// Hop-by-hop, routing or destination options: `OPT ( )`.
    Options,
    Fragment(Fragment),
    /// `AH …` inside `OPT ( )`.
    Ah(Security),
    /// `ESP …` inside `OPT ( )`, the end of the line.
    Esp(Security),
    /// `Unknown Ext Hdr n`, the end of the line.
    Unknown(u8),
}

/// An IPv6 fragment header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fragment {
    /// Whether the fragment header stands inside `OPT ( )`.
    pub grouped: bool,
    /// `FRAG:n` in bytes. `None` where it reads `FRAG:TRUNCATED`.
    pub offset: Option<u16>,
    /// The bare `INCOMPLETE`: more fragments follow.
    pub more: bool,
    /// `ID:%08x`.
    pub id: Option<u32>,
}

/// Contents of the `OPT ( )` group of an IPv6 AH or ESP header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Security {
    Spi(u32),
    Incomplete(u32),
    /// No text at all: a later fragment.
    Hidden,
}

/// Transport header: the fields after `PROTO=`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Transport<'a> {
    /// No fields: another protocol, a later fragment, or `INCOMPLETE [n bytes]` at once.
    None,
    Tcp(Tcp<'a>),
    /// UDP and UDPLITE.
    Udp(Udp),
    /// ICMP and ICMPv6.
    Icmp(Icmp<'a>),
    /// The `SPI=` of IPv4 AH and ESP.
    Spi(u32),
}

/// `nf_log_dump_tcp_header()`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Tcp<'a> {
    pub spt: Option<u16>,
    pub dpt: Option<u16>,
    pub seq: Option<u32>,
    /// Acknowledgement number of `--log-tcp-sequence`, not the flag.
    pub ack: Option<u32>,
    pub window: Option<u16>,
    pub res: Option<u8>,
    /// `None` where the line ends before `URGP=`, up to which there may be more, or where they were elided.
    pub flags: Option<TcpFlags>,
    pub urgp: Option<u16>,
    pub opt: Option<TcpOptions<'a>>,
}

/// `OPT (…)` of `--log-tcp-options`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TcpOptions<'a> {
    /// Text between the brackets, hex digits where the kernel wrote it.
    Text(&'a str),
    Truncated,
}

/// `nf_log_dump_udp_header()`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Udp {
    pub spt: Option<u16>,
    pub dpt: Option<u16>,
    /// The second `LEN=`.
    pub len: Option<u16>,
}

/// ICMP or ICMPv6.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Icmp<'a> {
    /// `TYPE=`.
    pub kind: Option<u8>,
    pub code: Option<u8>,
    /// The second `ID=`.
    pub id: Option<u16>,
    pub seq: Option<u16>,
    pub parameter: Option<u8>,
    pub gateway: Option<Ipv4Addr>,
    pub pointer: Option<u32>,
    pub inner: Option<Inner<'a>>,
    pub mtu: Option<u32>,
}

/// The packet that an ICMP error quotes between `[` and `]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Inner<'a> {
    Datagram(Box<Datagram<'a>>),
    /// `[TRUNCATED]`.
    Truncated,
}

impl Datagram<'_> {
    /// Creates an IP packet of which only the source is known.
    pub fn from_source(src: IpAddr) -> Self {
        Self {
            src,
            dst: None,
            len: None,
            header: match src {
                IpAddr::V4(_) => Header::V4(V4::default()),
                IpAddr::V6(_) => Header::V6(V6::default()),
            },
            proto: None,
            transport: Transport::None,
            incomplete: None,
            truncated: false,
        }
    }

    /// Whether a TCP or UDP packet carries data. The length of a TCP header is not logged: a packet longer than a bare
    /// ACK with timestamps counts as data, so an ACK with SACK blocks does too, which belongs to a connection just as
    /// data does.
    pub fn carries_data(&self) -> bool {
        let header = match self.header {
            Header::V4(_) => V4_HEADER,
            Header::V6(_) => V6_HEADER,
        };
        match &self.transport {
            // A SYN has more options than any other segment, and data only with TCP Fast Open.
            Transport::Tcp(tcp) if tcp.flags.is_some_and(|f| f.contains(TcpFlags::SYN)) => false,
            Transport::Tcp(_) => self.len.is_some_and(|len| len > header + TCP_HEADER),
            Transport::Udp(udp) => udp.len.is_some_and(|len| len > UDP_HEADER),
            _ => false,
        }
    }

    /// Returns the IPv6 extension headers; none for IPv4.
    pub fn extensions(&self) -> &[Extension] {
        match &self.header {
            Header::V4(_) => &[],
            Header::V6(header) => &header.extensions,
        }
    }

    /// Returns the protocol, also where IPv6 names it only as an extension header.
    pub fn protocol(&self) -> Option<u8> {
        self.proto.or(match self.extensions().last() {
            Some(Extension::Esp(_)) => Some(crate::packet::proto::ESP),
            Some(Extension::Unknown(number)) => Some(*number),
            _ => None,
        })
    }

    /// Whether this is a later fragment, which has no ports.
    pub fn is_later_fragment(&self) -> bool {
        match &self.header {
            Header::V4(header) => header.frag.is_some_and(|offset| offset != 0),
            Header::V6(header) => header.extensions.iter().any(|extension| {
                matches!(extension, Extension::Fragment(Fragment { offset: Some(offset), .. }) if *offset != 0)
            }),
        }
    }

    /// Whether the kernel wrote `INCOMPLETE [n bytes]`, here or in an extension header.
    pub fn is_incomplete(&self) -> bool {
        self.incomplete.is_some()
            || self.extensions().iter().any(|extension| {
                matches!(
                    extension,
                    Extension::Ah(Security::Incomplete(_))
                        | Extension::Esp(Security::Incomplete(_))
                )
            })
    }
}
