//! The packet parser against real lines, against its own inverse, and against broken text.

use std::net::IpAddr;

use proptest::collection::vec;
use proptest::prelude::{any, prop, prop_assert, proptest};

use dropsift::chain::{Detail, Question};
use dropsift::packet::{Packet, PacketSummary, Shape, TcpFlags, Unparsed};

const REAL: &str = include_str!("../../fixtures/kernel-6.18/v4v6-all-branches.dmesg");

fn real() -> impl Iterator<Item = &'static str> {
    REAL.lines()
        .map(|line| line.split_once("] ").expect("a dmesg time").1)
}

#[track_caller]
fn parse(text: &str) -> Packet<'_> {
    Packet::parse(text).unwrap_or_else(|reason| panic!("{reason}: {text}"))
}

fn address(text: &str) -> IpAddr {
    text.parse().expect("an address")
}

const V4: &str = "HARVESTER_DROP_IN=mgmt-br OUT= MAC=82:1a:8b:97:1c:c2:5e:79:47:e0:ad:01:08:00 SRC=10.99.0.1 DST=10.99.0.2 LEN=72 TOS=0x00 PREC=0x00 TTL=64 ID=1";
const V6: &str = "HARVESTER_DROP_IN=mgmt-br OUT= MAC= SRC=fd99:0000:0000:0000:0000:0000:0000:0001 DST=fd99:0000:0000:0000:0000:0000:0000:0002 LEN=64 TC=0 HOPLIMIT=64 FLOWLBL=0";

fn v4(rest: &str) -> String {
    format!("{V4} {rest}")
}

fn v6(rest: &str) -> String {
    format!("{V6} {rest}")
}

#[test]
fn each_real_line_comes_back_byte_for_byte() {
    assert_eq!(real().count(), 123);
    for text in real() {
        let packet = parse(text);
        assert_eq!(packet.to_string(), text);
        assert_eq!(packet.prefix, "HARVESTER_DROP_");
        assert_eq!(packet.interface, "mgmt-br");
        assert_eq!(packet.out, Some(""));
    }
}

/// The key-based parser is needed only for a line that the kernel ends in the middle of a header.
#[test]
fn real_lines_are_read_in_the_kernels_order() {
    let others: Vec<&str> = real()
        .filter(|text| PacketSummary::ordered(text).is_none())
        .collect();
    for text in &others {
        let outer = text.split(" [SRC=").next().unwrap_or_default();
        let inner = text.split(" [SRC=").nth(1).unwrap_or(" PROTO=");
        let stops =
            !outer.contains(" PROTO=") || !inner.contains(" PROTO=") || text.contains("TRUNCATED");
        assert!(stops, "{text}");
    }
    assert!(others.len() < real().count() / 5, "{}", others.len());
}

#[test]
fn a_real_line_is_truncated_only_where_the_kernel_says_so() {
    for text in real() {
        let (outer, _) = text.split_once(" [SRC=").unwrap_or((text, ""));
        let kernel = outer.contains("INCOMPLETE [") || outer.contains(" TRUNCATED");
        let shape = parse(text).summary().shape;
        assert_eq!(shape == Shape::Truncated, kernel, "{text}");
        let offset = outer
            .split("FRAG:")
            .nth(1)
            .is_some_and(|after| !after.starts_with('0'));
        assert_eq!(shape == Shape::Fragment, offset, "{text}");
    }
}

#[test]
fn a_real_line_without_its_trailing_space_reads_the_same() {
    for text in real() {
        let trimmed = format!("{}\r\n", text.trim_end());
        let (whole, short) = (parse(text).summary(), parse(&trimmed).summary());
        // `PROTO=4` may be the begin of `PROTO=47`.
        let is_number = (text.trim_end().rsplit("PROTO=").next()).is_some_and(|last| {
            last.parse()
                .is_ok_and(|number: u8| (1..=25).contains(&number))
        });
        if is_number && short.shape == Shape::Truncated {
            assert_eq!(short.proto, None, "{text}");
        } else {
            assert_eq!(short, whole, "{text}");
        }
    }
}

/// What a chain in force is asked by: each is unknown, or what the whole line shows. A mark, which ends the line, aside.
#[test]
fn a_cut_line_shows_a_rule_nothing_that_the_whole_line_does_not() {
    let asked = |text: &'static str| {
        let packet = Packet::parse(text).ok()?;
        let Question {
            packet,
            detail,
            state,
            ..
        } = Question::dropped(packet.summary()).with_line(text);
        // Behind the name of an unknown extension header the kernel prints no space.
        let proto = packet.proto.filter(|_| !text.contains("Unknown Ext Hdr"));
        Some((
            proto,
            state,
            Detail {
                mark: None,
                ..detail
            },
        ))
    };
    fn may_be<T: PartialEq>(cut: Option<T>, whole: Option<T>) -> bool {
        cut.is_none() || cut == whole
    }
    for text in real() {
        let (full_proto, full_state, full) = asked(text).unwrap();
        for end in (0..text.len()).filter(|end| text.is_char_boundary(*end)) {
            let text = &text[..end];
            let Some((proto, state, detail)) = asked(text) else {
                continue;
            };
            // Of a later fragment the line ends with the protocol.
            let is_end = text.contains("FRAG:") && text.ends_with("PROTO=UDP");
            let fits = (is_end || may_be(proto, full_proto) && may_be(state, full_state))
                && may_be(detail.src_mac, full.src_mac)
                && may_be(detail.dst_mac, full.dst_mac)
                && may_be(detail.ttl, full.ttl)
                && may_be(detail.length, full.length)
                && may_be(detail.tos, full.tos)
                && may_be(detail.icmp_code, full.icmp_code);
            assert!(fits, "{text}");
        }
    }
}

#[test]
fn a_cut_line_never_shows_a_wrong_port_as_whole() {
    for text in real() {
        let full = parse(text).summary();
        for end in (0..text.len()).filter(|end| text.is_char_boundary(*end)) {
            let Ok(packet) = Packet::parse(&text[..end]) else {
                continue;
            };
            let brief = packet.summary();
            for (cut, whole) in [(brief.spt, full.spt), (brief.dpt, full.dpt)] {
                assert!(cut.is_none() || cut == whole, "{}", &text[..end]);
            }
            assert!(brief.icmp_type.is_none() || brief.icmp_type == full.icmp_type);
            assert!(
                brief.flags.is_none() || brief.flags == full.flags,
                "{}",
                &text[..end]
            );
            assert_eq!(brief.src, full.src);
            assert!(brief.dst == full.dst || brief.dst.is_unspecified());
            if brief.shape == Shape::Whole
                && full
                    .proto
                    .is_some_and(|proto| matches!(proto, 6 | 17 | 136))
            {
                // IPv6 that ends behind FLOWLBL or a header is how ESP reads.
                let headless = brief.proto.is_none() && full.src.is_ipv6();
                assert!(
                    headless
                        || (brief.spt, brief.dpt, brief.flags) == (full.spt, full.dpt, full.flags),
                    "{}",
                    &text[..end]
                );
            }
        }
    }
}

#[test]
fn a_cut_is_truncated_up_to_the_last_field_that_judging_needs() {
    let cases = [
        (
            v4("DF PROTO=TCP SPT=10250 DPT=56266 WINDOW=0 RES=0x00 ACK RST URGP=0 "),
            " URGP=",
        ),
        (v4("PROTO=UDP SPT=33521 DPT=8472 LEN=90 "), " LEN="),
        (v4("PROTO=ICMP TYPE=8 CODE=0 ID=1234 SEQ=7 "), " CODE="),
    ];
    for (text, needed) in cases {
        let last = text.rfind(needed).unwrap() + needed.len();
        for end in text.find(" DST=").unwrap() + 1..=text.len() {
            let shape = parse(&text[..end]).summary().shape;
            if end <= last - needed.len() + 1 {
                assert_eq!(shape, Shape::Truncated, "{}", &text[..end]);
            }
            if end > last {
                assert_eq!(shape, Shape::Whole, "{}", &text[..end]);
            }
        }
    }
    // Cut in the source itself.
    let text = v4("DF PROTO=TCP S");
    let pasted = parse(&text).summary();
    assert_eq!((pasted.proto, pasted.shape), (Some(6), Shape::Truncated));
    // The last token may be a part of a longer one.
    let text = v4("PROTO=TCP SPT=6443 DPT=463");
    let partial = parse(&text).summary();
    assert_eq!(
        (partial.spt, partial.dpt, partial.shape),
        (Some(6443), None, Shape::Truncated)
    );
}

#[test]
fn without_a_readable_source_a_line_is_unreadable() {
    for (text, reason) in [
        ("HARVESTER_DROP_IN=mgmt-br OUT= MAC=", Unparsed::NoSource),
        (
            "HARVESTER_DROP_IN=mgmt-br OUT= MAC= SRC=10.99.0.1",
            Unparsed::NoSource,
        ),
        (
            "HARVESTER_DROP_IN=mgmt-br OUT= MAC= SRC=10.99.0.256 DST=10.99.0.2 ",
            Unparsed::NoSource,
        ),
        (
            "HARVESTER_DROP_IN=mgmt-br OUT= MAC= TRUNCATED",
            Unparsed::NoSource,
        ),
        ("HARVESTER_DROP_", Unparsed::NoInterface),
        ("", Unparsed::NoInterface),
        (
            "kernel: L=126 ID=8698 DF PROTO=TCP SPT=88 ",
            Unparsed::NoInterface,
        ),
        (
            "IN=veth0 OUT= MACSRC=0e:00:00:00:00:01 MACDST=ff:ff:ff:ff:ff:ff MACPROTO=0806 ARP HTYPE=1 PTYPE=0x0800 OPCODE=1 MACSRC=0e:00:00:00:00:01 IPSRC=10.0.0.1 MACDST=00:00:00:00:00:00 IPDST=10.0.0.2",
            Unparsed::Arp,
        ),
        (
            "IN=x OUT= MACSRC=0e:00:00:00:00:01 MACDST=ff:ff:ff:ff:ff:ff MACPROTO=88cc ",
            Unparsed::NotIp,
        ),
        (
            "ebt IN=eth0 OUT= MAC source = 0e:00:00:00:00:01 MAC dest = ff:ff:ff:ff:ff:ff proto = 0x0800 IP SRC=10.0.0.1 IP DST=10.0.0.2, IP tos=0x00, IP proto=6",
            Unparsed::Ebtables,
        ),
    ] {
        assert_eq!(Packet::parse(text), Err(reason), "{text}");
    }
}

#[test]
fn garbage_where_judging_needs_a_value_is_no_packet() {
    for (text, key) in [
        (
            v4("PROTO=TCP SPT=65536 DPT=1 WINDOW=0 RES=0x00 SYN URGP=0 "),
            "SPT=",
        ),
        (v4("PROTO=UDP SPT=1 DPT=4294967297 LEN=8 "), "DPT="),
        (v4("PROTO=UDP SPT=-1 DPT=1 LEN=8 "), "SPT="),
        (v4("PROTO=ICMP TYPE=264 CODE=0 "), "TYPE="),
        (v4("PROTO=262 "), "PROTO="),
        (
            "IN=a OUT= SRC=10.0.0.1 DST=10.0.0.999 LEN=1 ".to_owned(),
            "DST=",
        ),
        (
            "IN=a OUT= SRC=10.0.0.1 DST=fe80::1 LEN=1 ".to_owned(),
            "DST=",
        ),
    ] {
        assert_eq!(
            Packet::parse(&text),
            Err(Unparsed::Unreadable(key)),
            "{text}"
        );
    }
}

#[test]
fn trap_2_equal_keys_are_kept_apart() {
    let text = "TRACE: raw:PREROUTING:policy:3 IN=mgmt-br OUT= PHYSIN=vethdf083d51 MAC=74:83:c2:dd:42:56:d6:d2:d6:86:bb:52:08:00 SRC=172.24.100.8 DST=172.24.1.9 LEN=84 TOS=0x00 PREC=0x00 TTL=64 ID=34190 DF PROTO=ICMP TYPE=8 CODE=0 ID=14 SEQ=1 ";
    let packet = parse(text);
    assert_eq!(packet.to_string(), text);
    assert_eq!(packet.prefix, "TRACE: raw:PREROUTING:policy:3 ");
    assert_eq!(packet.physin, Some("vethdf083d51"));
    let shown = format!("{packet:?}");
    assert!(
        shown.contains("id: Some(34190)") && shown.contains("id: Some(14)"),
        "{shown}"
    );
    let text = v4(
        "PROTO=TCP SPT=1 DPT=2 SEQ=4294967295 ACK=0 WINDOW=1 RES=0x00 SYN URGP=0 OPT (020405B4) MARK=0xd4 ",
    );
    let packet = parse(&text);
    assert_eq!(packet.to_string(), text);
    assert_eq!(packet.summary().flags, Some(TcpFlags::SYN));
    assert_eq!(packet.mark, Some(0xd4));
}

#[test]
fn trap_3_and_4_a_quoted_packet_stays_in_its_brackets() {
    for rest in [
        "PROTO=ICMP TYPE=3 CODE=3 [SRC=10.99.0.2 DST=203.0.113.9 LEN=36 TOS=0x00 PREC=0x00 TTL=3 ID=77 DF PROTO=UDP SPT=41532 DPT=123 LEN=16 ] ",
        "PROTO=ICMP TYPE=3 CODE=4 [SRC=10.99.0.2 DST=203.0.113.9 LEN=36 TOS=0x00 PREC=0x00 TTL=3 ID=77 PROTO=TCP INCOMPLETE [8 bytes] ] MTU=1492 ",
        "PROTO=ICMP TYPE=11 CODE=0 [TRUNCATED] MARK=0x1 ",
        "PROTO=ICMP TYPE=3 CODE=4 [SRC=10.99.0.2 DST=203.0.113.9 LEN=52 TOS=0x00 PREC=0x00 TTL=3 ID=77 PROTO=TCP SPT=1 DPT=2 WINDOW=1 RES=0x00 ACK URGP=0 OPT (TRUNCATED)] MTU=1492 MARK=0x1 ",
    ] {
        let text = v4(rest);
        let packet = parse(&text);
        assert_eq!(packet.to_string(), text);
        let brief = packet.summary();
        assert_eq!((brief.proto, brief.spt, brief.dpt), (Some(1), None, None));
        assert_eq!(
            (brief.dst, brief.shape),
            (address("10.99.0.2"), Shape::Whole)
        );
        assert_eq!(brief.flags, None);
        assert_eq!(packet.mark.is_some(), rest.contains("MARK"));
        // The same with PROTO=ICMP lost on the way, or the bracket left open.
        let lost = text.replace("PROTO=ICMP ", "");
        assert_eq!(parse(&lost).summary().dpt, None, "{lost}");
        let open = text.replace(']', "");
        assert_eq!(parse(&open).summary().dpt, None, "{open}");
    }
}

#[test]
fn trap_5_flags_count_between_res_and_urgp() {
    for (rest, flags) in [
        (
            "DF MF PROTO=TCP SPT=1 DPT=2 WINDOW=1 RES=0x00 URGP=0 SYN",
            TcpFlags::NONE,
        ),
        (
            "PROTO=TCP SPT=1 DPT=2 FIN WINDOW=1 RES=0x00 ACK SYN URGP=0 ",
            TcpFlags::ACK.union(TcpFlags::SYN),
        ),
        (
            "PROTO=TCP SPT=1 DPT=2 WINDOW=1 RES=0x00 AE CWR ECE SYN URGP=0 ",
            TcpFlags::AE
                .union(TcpFlags::CWR)
                .union(TcpFlags::ECE)
                .union(TcpFlags::SYN),
        ),
        (
            "PROTO=TCP SPT=1 DPT=2 ... ACK RST URGP=0",
            TcpFlags::ACK.union(TcpFlags::RST),
        ),
    ] {
        let text = v4(rest);
        let brief = parse(&text).summary();
        assert_eq!(
            (brief.flags, brief.shape),
            (Some(flags), Shape::Whole),
            "{text}"
        );
    }
}

#[test]
fn trap_6_fragments_have_no_ports() {
    for (text, shape, proto) in [
        (v4("FRAG:64 PROTO=TCP "), Shape::Fragment, Some(6)),
        (v4("FRAG:9 "), Shape::Fragment, None),
        (v4("FRAG:9 MARK=0x1 "), Shape::Fragment, None),
        (v4("FRAG:9 PRO"), Shape::Truncated, None),
        (
            v6("FRAG:0 INCOMPLETE ID:deadbeef PROTO=UDP SPT=1 DPT=2 LEN=24 "),
            Shape::Whole,
            Some(17),
        ),
        (
            v6("FRAG:1448 ID:deadbeef PROTO=UDP "),
            Shape::Fragment,
            Some(17),
        ),
        (
            v6("OPT ( FRAG:800 ID:00000005 ) OPT ( )"),
            Shape::Fragment,
            None,
        ),
        (v6("FRAG:TRUNCATED "), Shape::Truncated, None),
        (v6("OPT ( FRAG:TRUNCATED "), Shape::Truncated, None),
    ] {
        let packet = parse(&text);
        let brief = packet.summary();
        assert_eq!((brief.shape, brief.proto,), (shape, proto), "{text}");
        if !text.ends_with("PRO") {
            assert_eq!(packet.to_string(), text);
        }
    }
}

#[test]
fn trap_7_proto_may_be_missing_or_a_number() {
    for (text, proto, shape) in [
        (v6(""), None, Shape::Whole),
        (V6.to_owned(), None, Shape::Truncated),
        (v6("OPT ( ESP SPI=0xf1234567 )"), Some(50), Shape::Whole),
        (
            v6("OPT ( ESP INCOMPLETE [4 bytes] )"),
            Some(50),
            Shape::Truncated,
        ),
        (
            v6("OPT ( AH INCOMPLETE [4 bytes] )"),
            None,
            Shape::Truncated,
        ),
        (v6("Unknown Ext Hdr 200"), Some(200), Shape::Whole),
        (v6("TRUNCATED"), None, Shape::Truncated),
        (v6("OPT ( ) OPT ( "), None, Shape::Truncated),
        (v4("TRUNCATED"), None, Shape::Truncated),
        (v4(""), None, Shape::Truncated),
        (v4("PROTO=132 "), Some(132), Shape::Whole),
        (v6("PROTO=ICMPv6 TYPE=136 CODE=0 "), Some(58), Shape::Whole),
        (
            v4("PROTO=ICMP TYPE=3 CODE=3 INCOMPLETE [18 by"),
            Some(1),
            Shape::Truncated,
        ),
    ] {
        let brief = parse(&text).summary();
        assert_eq!((brief.proto, brief.shape), (proto, shape), "{text}");
    }
}

#[test]
fn trap_9_and_10_interfaces_and_link_part() {
    for text in [
        "HARVESTER_DROP_IN=mgmt-br OUT= PHYSIN=mgmt-bo MAC=52:54:00:ab:cd:ef:52:54:00:ab:cd:ea:08:00 SRC=10.0.0.1 DST=10.0.0.2 LEN=32 TOS=0x00 PREC=0x00 TTL=1 ID=0 PROTO=2 ",
        "IN= OUT=eth0 PHYSOUT=veth0 SRC=10.0.0.1 DST=10.0.0.2 LEN=32 TOS=0x00 PREC=0x00 TTL=1 ID=0 PROTO=2 UID=0 GID=0 MARK=0x40000 ",
        "IN=he-ipv6 OUT= MAC=45:00:00:4e TUNNEL=192.0.2.1->192.0.2.2 SRC=10.0.0.1 DST=10.0.0.2 LEN=32 TOS=0x00 PREC=0x00 TTL=1 ID=0 PROTO=2 ",
        "IN=e OUT= MACSRC=0e:00:00:00:00:01 MACDST=ff:ff:ff:ff:ff:ff VPROTO=8100 VID=61439 MACPROTO=0800 SRC=10.0.0.1 DST=10.0.0.2 LEN=32 TOS=0x00 PREC=0x00 TTL=1 ID=0 PROTO=2 ",
    ] {
        assert_eq!(parse(text).to_string(), text);
    }
}

#[test]
fn trap_11_elided_lines_are_read() {
    let text = "HARVESTER_DROP_IN=mgmt-br OUT= MAC=... SRC=192.168.122.61 DST=192.168.122.63 LEN=52 PROTO=TCP SPT=9345 DPT=46002 WINDOW=521 RES=0x00 ACK FIN URGP=0";
    let brief = parse(text).summary();
    assert_eq!(
        (brief.spt, brief.dpt, brief.shape),
        (Some(9345), Some(46002), Shape::Whole)
    );
    assert_eq!(brief.flags, Some(TcpFlags::ACK.union(TcpFlags::FIN)));
    let text = "HARVESTER_DROP_IN=mgmt-br ... SRC=192.168.122.62 DST=192.168.122.61 ... PROTO=TCP SPT=10250 DPT=56266 ... ACK RST URGP=0";
    let packet = parse(text);
    assert_eq!(packet.out, None);
    let brief = packet.summary();
    assert_eq!(
        (brief.interface, brief.dpt, brief.shape),
        ("mgmt-br", Some(56266), Shape::Whole)
    );
    assert_eq!(brief.flags, Some(TcpFlags::ACK.union(TcpFlags::RST)));
    let text = "IN=a OUT= SRC=10.0.0.1 DST=10.0.0.2 ... PROTO=UDP SPT=1 DPT=2 ...";
    assert_eq!(parse(text).summary().shape, Shape::Whole);
    let text = "IN=a OUT= SRC=10.0.0.1 DST=10.0.0.2 PROTO=UDP SPT=1 DPT=... LEN=8 ";
    assert_eq!(parse(text).summary().shape, Shape::Truncated);
}

#[test]
fn two_messages_in_one_line_are_not_mixed() {
    let first = "HARVESTER_DROP_IN=a OUT= MAC= SRC=10.0.0.1 DST=10.0.0.2 LEN=40 TOS=0x00 PRE";
    let second = v4("PROTO=UDP SPT=1 DPT=2 LEN=8 ");
    let text = format!("{first}{second}");
    let brief = parse(&text).summary();
    assert_eq!((brief.interface, brief.src), ("a", address("10.0.0.1")));
    assert_eq!(
        (brief.proto, brief.dpt, brief.shape),
        (None, None, Shape::Truncated)
    );
}

/// Each of these would take minutes if a token were looked at once for each that follows it.
#[test]
fn a_long_line_takes_linear_time() {
    for part in [
        "IN=",
        "[",
        " [",
        " [SRC=",
        "] ",
        " OPT (",
        " OPT ( ",
        " SRC=",
        " IN=a OUT=",
    ] {
        let long = part.repeat(20_000);
        let _ = Packet::parse(&long);
        for head in [V4, V6] {
            let _ = Packet::parse(&format!("{head} {long}"));
            let _ = Packet::parse(&format!("{head} PROTO=ICMP TYPE=3 CODE=3 {long}"));
        }
    }
}

proptest! {
    #[test]
    fn arbitrary_text_does_no_harm(text in any::<String>(), tail in "[ -~\\[\\]()=:]{0,300}") {
        let _ = Packet::parse(&text);
        let joined = format!("{V4} {tail}");
        if let Ok(packet) = Packet::parse(&joined) {
            let _ = (packet.summary(), packet.to_string());
        }
    }

    #[test]
    fn a_mutated_line_does_no_harm(
        line in 0usize..123,
        edits in vec((any::<prop::sample::Index>(), 0usize..9, "[ -~ü\\[\\]()=:\r\n]{0,9}"), 1..4),
    ) {
        let mut text: Vec<char> = real().nth(line).unwrap_or_default().chars().collect();
        for (place, removed, inserted) in edits {
            let start = place.index(text.len() + 1);
            let end = (start + removed).min(text.len());
            text.splice(start..end, inserted.chars());
        }
        let text: String = text.into_iter().collect();
        if let Ok(packet) = Packet::parse(&text) {
            let brief = packet.summary();
            let icmp = matches!(brief.proto, Some(1 | 58));
            prop_assert!(!icmp || (brief.spt, brief.dpt) == (None, None));
            let _ = packet.to_string();
        }
    }
}

#[test]
fn what_is_glued_to_the_last_field_cuts_no_line() {
    for mark in ["\"", ",", "...", "\u{2026}", "</td>", "^M", "\\n", "|"] {
        for rest in [
            "PROTO=TCP SPT=1 DPT=2 WINDOW=1 RES=0x00 SYN URGP=0",
            "PROTO=UDP SPT=1 DPT=2 LEN=52",
            "PROTO=ICMP TYPE=8 CODE=0",
        ] {
            let line = v4(&format!("{rest}{mark}"));
            assert_eq!(parse(&line).summary().shape, Shape::Whole, "{line}");
        }
    }
}

#[test]
fn a_number_that_a_blank_has_torn_is_none() {
    for rest in [
        "PROTO=TCP SPT=1 DPT=21 12 WINDOW=1 RES=0x00 SYN URGP=0 ",
        "PROTO=TCP SPT=4 0000 DPT=2112 WINDOW=1 RES=0x00 SYN URGP=0 ",
        "PROTO=UDP SPT=1 DPT=84 72 LEN=52 ",
        "PROTO=ICMP TYPE=1 1 CODE=0 ",
    ] {
        let line = v4(rest);
        assert!(
            matches!(Packet::parse(&line), Err(Unparsed::Unreadable(_))),
            "{line}"
        );
    }
}
