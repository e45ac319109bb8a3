//! Parse and emit are inverse: packets of every branch of the kernel's code are printed, read and printed again.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use proptest::collection::vec;
use proptest::option::of;
use proptest::prelude::{
    BoxedStrategy, Just, Strategy, any, prop_assert, prop_assert_eq, prop_oneof, proptest,
};

use crate::packet::datagram::{
    Datagram, Extension, Fragment, Header, Icmp, Inner, Security, Tcp, TcpOptions, Transport, Udp,
    V4, V6,
};
use crate::packet::link::{Link, Mac, Vlan};
use crate::packet::{Packet, PacketSummary, Shape, TcpFlags, proto};

fn flags() -> BoxedStrategy<TcpFlags> {
    vec(0usize..9, 0..9)
        .prop_map(|picked| {
            let names = ["AE", "CWR", "ECE", "URG", "ACK", "PSH", "RST", "SYN", "FIN"];
            picked
                .into_iter()
                .filter_map(|place| TcpFlags::from_name(names[place]))
                .fold(TcpFlags::NONE, TcpFlags::union)
        })
        .boxed()
}

fn tcp() -> BoxedStrategy<Transport<'static>> {
    let opt = prop_oneof![
        Just(None),
        Just(Some(TcpOptions::Text("020405B4"))),
        Just(Some(TcpOptions::Truncated)),
    ];
    let words = any::<(u16, u16, u16, u8, u16)>();
    (words, of(any::<(u32, u32)>()), flags(), opt)
        .prop_map(|((spt, dpt, window, res, urgp), numbers, flags, opt)| {
            Transport::Tcp(Tcp {
                spt: Some(spt),
                dpt: Some(dpt),
                seq: numbers.map(|(seq, _)| seq),
                ack: numbers.map(|(_, ack)| ack),
                window: Some(window),
                res: Some(res),
                flags: Some(flags),
                urgp: Some(urgp),
                opt,
            })
        })
        .boxed()
}

fn udp() -> BoxedStrategy<Transport<'static>> {
    any::<(u16, u16, u16)>()
        .prop_map(|(spt, dpt, len)| {
            Transport::Udp(Udp {
                spt: Some(spt),
                dpt: Some(dpt),
                len: Some(len),
            })
        })
        .boxed()
}

/// Generates an ICMP header. `inner` is left out for a quoted ICMP error, whose GATEWAY and MTU are printed all the
/// same.
fn icmp(
    v6: bool,
    inner: impl Strategy<Value = Option<Inner<'static>>> + 'static,
) -> BoxedStrategy<Transport<'static>> {
    // The types that print more than TYPE and CODE come often.
    let kind = prop_oneof![0u8..13, 128u8..130, any::<u8>()];
    (
        kind,
        (0u8..16, any::<u16>(), any::<u16>(), any::<u32>()),
        inner,
    )
        .prop_map(move |(kind, (code, id, seq, word), inner)| {
            let mut icmp = Icmp {
                kind: Some(kind),
                code: Some(code),
                ..Icmp::default()
            };
            let (echo, error) = match v6 {
                false => (matches!(kind, 0 | 8), matches!(kind, 3 | 4 | 5 | 11)),
                true => (matches!(kind, 128 | 129), matches!(kind, 1..=4)),
            };
            if echo {
                (icmp.id, icmp.seq) = (Some(id), Some(seq));
            }
            if error {
                icmp.inner = inner;
            }
            match (v6, kind, code) {
                (false, 12, _) => icmp.parameter = Some(code),
                (false, 5, _) => icmp.gateway = Some(Ipv4Addr::from(word)),
                (true, 4, _) => icmp.pointer = Some(word),
                (false, 3, 4) | (true, 2, _) => icmp.mtu = Some(word),
                _ => {}
            }
            Transport::Icmp(icmp)
        })
        .boxed()
}

/// PROTO, the transport header, and `INCOMPLETE [n bytes]`.
type Body = (Option<u8>, Transport<'static>, Option<u32>);

fn body(
    v6: bool,
    inner: impl Strategy<Value = Option<Inner<'static>>> + 'static,
) -> BoxedStrategy<Body> {
    let number = if v6 { proto::ICMPV6 } else { proto::ICMP };
    let named = prop_oneof![
        Just(proto::TCP),
        Just(proto::UDP),
        Just(proto::UDPLITE),
        Just(number),
    ];
    let spi = if v6 { Just(59) } else { Just(proto::ESP) };
    prop_oneof![
        tcp().prop_map(|tcp| (Some(proto::TCP), tcp, None)),
        (any::<bool>(), udp()).prop_map(|(lite, udp)| {
            let number = if lite { proto::UDPLITE } else { proto::UDP };
            (Some(number), udp, None)
        }),
        icmp(v6, inner).prop_map(move |icmp| (Some(number), icmp, None)),
        (named, any::<u32>()).prop_map(|(number, n)| (Some(number), Transport::None, Some(n))),
        (spi, any::<u32>()).prop_map(|(number, spi)| match number {
            proto::ESP => (Some(number), Transport::Spi(spi), None),
            _ => (Some(number), Transport::None, None),
        }),
        prop_oneof![Just(0u8), Just(2), Just(47), Just(132), Just(255)].prop_map(|number| (
            Some(number),
            Transport::None,
            None
        )),
    ]
    .boxed()
}

fn v4(
    inner: impl Strategy<Value = Option<Inner<'static>>> + 'static,
) -> BoxedStrategy<Datagram<'static>> {
    let words = any::<(u32, u32, u32, u8, u8, u8, u16)>();
    let bits = any::<(bool, bool, bool)>();
    let opt = prop_oneof![Just(None), Just(Some("94040000"))];
    let rest = (of(1u16..0x2000), any::<bool>(), any::<bool>());
    (words, bits, opt, rest, body(false, inner))
        .prop_map(
            |(
                (src, dst, len, tos, prec, ttl, id),
                (ce, df, mf),
                opt,
                (frag, ah, truncated),
                (number, transport, incomplete),
            )| {
                let mut datagram = Datagram::from_source(IpAddr::V4(Ipv4Addr::from(src)));
                datagram.dst = Some(IpAddr::V4(Ipv4Addr::from(dst)));
                datagram.len = Some(u64::from(len));
                datagram.truncated = truncated && opt.is_some();
                datagram.header = Header::V4(V4 {
                    tos: Some(tos),
                    prec: Some(prec),
                    ttl: Some(ttl),
                    id: Some(id),
                    ce,
                    df,
                    mf,
                    frag,
                    opt: opt.filter(|_| !datagram.truncated),
                });
                match frag {
                    _ if datagram.truncated => {}
                    Some(_) if ah => {}
                    Some(_) => datagram.proto = number,
                    None => {
                        (datagram.proto, datagram.transport, datagram.incomplete) =
                            (number, transport, incomplete);
                    }
                }
                datagram
            },
        )
        .boxed()
}

/// Extension headers, and whether the line ends in them.
fn extensions() -> BoxedStrategy<(Vec<Extension>, bool)> {
    let first = vec(Just(Extension::Options), 0..3);
    let shown = any::<(u32, bool, bool, u16)>().prop_map(|(id, more, grouped, offset)| Fragment {
        grouped,
        offset: Some(offset & 0xfff8),
        more,
        id: Some(id),
    });
    let security = prop_oneof![
        any::<u32>().prop_map(Security::Spi),
        any::<u32>().prop_map(Security::Incomplete),
    ];
    let last = prop_oneof![
        Just(None),
        security
            .clone()
            .prop_map(|shown| Some(Extension::Ah(shown))),
        security.prop_map(|shown| Some(Extension::Esp(shown))),
        any::<u8>().prop_map(|number| Some(Extension::Unknown(number))),
        Just(Some(Extension::Options)),
    ];
    (first, of(shown), last)
        .prop_map(|(mut all, fragment, last)| {
            let later = fragment.is_some_and(|fragment| fragment.offset != Some(0));
            all.extend(fragment.map(Extension::Fragment));
            let last = last.map(|last| match last {
                Extension::Ah(_) if later => Extension::Ah(Security::Hidden),
                Extension::Esp(_) if later => Extension::Esp(Security::Hidden),
                last => last,
            });
            all.extend(last);
            let ends = match last {
                None | Some(Extension::Ah(Security::Spi(_))) => false,
                Some(Extension::Options) => later,
                Some(_) => true,
            };
            (all, ends)
        })
        .boxed()
}

fn v6(
    inner: impl Strategy<Value = Option<Inner<'static>>> + 'static,
) -> BoxedStrategy<Datagram<'static>> {
    let words = (any::<(u128, u128, u32, u8, u8)>(), 0u32..0x10_0000);
    (words, extensions(), body(true, inner), any::<bool>())
        .prop_map(
            |(((src, dst, len, tc, hoplimit), flowlbl), (extensions, ends), body, bare)| {
                let mut datagram = Datagram::from_source(IpAddr::V6(Ipv6Addr::from(src)));
                datagram.dst = Some(IpAddr::V6(Ipv6Addr::from(dst)));
                datagram.len = Some(u64::from(len) + 40);
                // ESP without `--log-ip-options`.
                let bare = bare && extensions.is_empty();
                datagram.header = Header::V6(V6 {
                    tc: Some(tc),
                    hoplimit: Some(hoplimit),
                    flowlbl: Some(flowlbl),
                    extensions,
                });
                if !ends && !bare {
                    let (number, transport, incomplete) = body;
                    datagram.proto = number;
                    if !datagram.is_later_fragment() {
                        (datagram.transport, datagram.incomplete) = (transport, incomplete);
                    }
                }
                datagram
            },
        )
        .boxed()
}

fn datagram() -> BoxedStrategy<Datagram<'static>> {
    let quoted = |datagram| Some(Inner::Datagram(Box::new(datagram)));
    prop_oneof![
        v4(prop_oneof![
            Just(Some(Inner::Truncated)),
            v4(Just(None)).prop_map(quoted)
        ]),
        v6(prop_oneof![
            Just(Some(Inner::Truncated)),
            v6(Just(None)).prop_map(quoted)
        ]),
    ]
    .boxed()
}

fn link() -> BoxedStrategy<Link<'static>> {
    let raw = prop_oneof![
        Just(""),
        Just("45:00:00:4e"),
        Just("82:1a:8b:97:1c:c2:5e:79:47:e0:ad:01:08:00"),
    ];
    let tunnel = of(any::<(u32, u32)>())
        .prop_map(|ends| ends.map(|(from, to)| (Ipv4Addr::from(from), Ipv4Addr::from(to))));
    let vlan = of(any::<(u16, u16)>()).prop_map(|tag| tag.map(|(proto, tci)| Vlan { proto, tci }));
    prop_oneof![
        Just(Link::None),
        (raw, tunnel).prop_map(|(mac, tunnel)| Link::Raw { mac, tunnel }),
        (any::<([u8; 6], [u8; 6], u16)>(), vlan).prop_map(|((src, dst, proto), vlan)| {
            Link::Ether {
                src: Some(Mac(src)),
                dst: Some(Mac(dst)),
                vlan,
                proto: Some(proto),
            }
        }),
    ]
    .boxed()
}

fn packet() -> BoxedStrategy<Packet<'static>> {
    let prefix = prop_oneof![
        Just("HARVESTER_DROP_"),
        Just("HARVESTER_DROP: "),
        Just("[STATE=invalid] D=O "),
        Just("IN=lan OUT= "),
        Just(""),
    ];
    let name = || prop_oneof![Just(""), Just("mgmt-br"), Just("a=[b].ü@1")];
    let interfaces = (name(), name(), of(name()), of(name()));
    let trailer = (of(any::<(u32, u32)>()), of(any::<u32>()));
    (prefix, interfaces, link(), datagram(), trailer)
        .prop_map(
            |(prefix, (interface, out, physin, physout), link, datagram, (owner, mark))| {
                // The kernel returns before the trailer wherever a header is not all there.
                let opt = matches!(
                    datagram.transport,
                    Transport::Tcp(Tcp {
                        opt: Some(TcpOptions::Truncated),
                        ..
                    })
                );
                let headless = datagram.proto.is_none() && matches!(datagram.header, Header::V6(_));
                let early = datagram.truncated || datagram.is_incomplete() || headless || opt;
                Packet {
                    prefix,
                    interface,
                    out: Some(out),
                    physin,
                    physout,
                    link,
                    uid: owner.map(|(uid, _)| uid).filter(|_| !early),
                    gid: owner.map(|(_, gid)| gid).filter(|_| !early),
                    mark: mark.filter(|_| !early),
                    truncated: datagram.truncated,
                    datagram,
                }
            },
        )
        .boxed()
}

/// Returns a line of the kernel, with a part of it written over or not.
fn edited() -> BoxedStrategy<String> {
    let over = prop_oneof![
        Just(""),
        Just("="),
        Just(" "),
        Just("IN="),
        Just(" OUT="),
        Just(" SRC="),
        Just("0"),
        Just("999999"),
        Just("..."),
        Just("x"),
        Just("SYN "),
        Just("URGP=1 "),
        Just("\t"),
        Just("["),
        Just("] "),
        Just("INCOMPLETE [8 bytes] "),
        Just("OPT ("),
        Just("FRAG:9 "),
    ];
    let place = (any::<proptest::sample::Index>(), 0..12usize, any::<bool>());
    (packet(), over, place)
        .prop_map(|(packet, over, (at, cut, whole))| {
            let line = packet.to_string();
            let mut at = at.index(line.len());
            let mut end = (at + cut).min(line.len());
            while !line.is_char_boundary(at) {
                at -= 1;
            }
            while !line.is_char_boundary(end) {
                end += 1;
            }
            if whole {
                return line;
            }
            format!("{}{over}{}", &line[..at], &line[end..])
        })
        .boxed()
}

proptest! {
    #![proptest_config(proptest::test_runner::Config { cases: 4_000, ..Default::default() })]

    #[test]
    fn the_kernels_order_is_read_as_any_other(line in edited()) {
        let line = line.trim_end_matches(['\r', '\n']);
        if let Some(summary) = PacketSummary::ordered(line) {
            let general = Packet::parse(line);
            prop_assert_eq!(Ok(summary), general.as_ref().map(Packet::summary), "{}", line);
        }
    }

    #[test]
    fn most_lines_are_read_in_the_kernels_order(packet in packet()) {
        let text = packet.to_string();
        let has_equals = packet.prefix.contains('=') || packet.interface.contains('=');
        let others = [packet.out, packet.physin, packet.physout];
        let odd = has_equals || others.iter().flatten().any(|name| name.contains('='));
        // The kernel stops in the middle of an extension header, or before any protocol.
        let stops = packet.datagram.proto.is_none() || text.contains("Unknown Ext Hdr") || text.contains("TRUNCATED ");
        // Inside of a quotation too.
        let inner = text.split_once(" [SRC=").map_or("", |(_, inner)| inner);
        let inner_stops = !inner.is_empty() && !inner.contains(" PROTO=");
        let inner_odd = inner.contains("TRUNCATED") || inner.contains(" AH ") || inner.contains("ESP") || inner.contains("Ext Hdr") || inner_stops;
        if !odd && !stops && !inner_odd {
            prop_assert!(PacketSummary::ordered(&text).is_some(), "{}", text);
        }
    }
}

proptest! {
    #[test]
    fn what_is_printed_is_read_back(packet in packet()) {
        let text = packet.to_string();
        let read = Packet::parse(&text);
        prop_assert_eq!(read.as_ref(), Ok(&packet), "{}", text);
        prop_assert_eq!(packet.shape() == Shape::Truncated, packet.truncated || packet.datagram.is_incomplete());
        if let Ok(read) = read {
            prop_assert_eq!(read.to_string(), text);
        }
    }
}
