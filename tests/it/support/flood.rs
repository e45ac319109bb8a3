//! Floods of drop lines with one needle in them.

#![allow(clippy::unwrap_used, dead_code, reason = "each test uses a part of it")]

use std::net::{IpAddr, Ipv4Addr};

use dropsift::analyze::Analysis;
use dropsift::cause::Verdict;
use dropsift::input::event::{DropLine, LogEvent};
use dropsift::packet::{Hook, PacketSummary, PktType, Shape, TcpFlags};
use dropsift::report::Report;
use dropsift::rule::Scope;
use dropsift::site::{Site, Zone};
use dropsift::time::Time;

use crate::support::Dice;

/// 2026-04-22T10:00:00Z.
pub(crate) const BEGIN: i64 = 1_776_852_000_000_000;
const NODE: [u8; 4] = [192, 168, 122, 61];

pub(crate) fn syn(src: [u8; 4], spt: u16, dpt: u16) -> PacketSummary<'static> {
    PacketSummary {
        interface: "mgmt-br",
        src: IpAddr::from(src),
        dst: IpAddr::from(NODE),
        proto: Some(6),
        spt: Some(spt),
        dpt: Some(dpt),
        flags: TcpFlags::from_name("SYN"),
        icmp_type: None,
        shape: Shape::Whole,
        hook: Hook::Input,
        cast: PktType::Unicast,
        frame: PktType::Unicast,
        has_mac: true,
        data: false,
    }
}

/// Returns the report on `flood` lines with random peers and ports, and two SYNs of a neighbour to a documented port
/// among them.
pub(crate) fn flooded(flood: usize, ports: impl Fn(&mut Dice) -> u16) -> Report {
    let mut analysis = Analysis::new(Site::default(), Scope::Documented);
    let mut dice = Dice(42);
    let mut push = |packet: PacketSummary<'static>, at: usize| {
        analysis.push(LogEvent::Drops(&[DropLine {
            time: Time(BEGIN + at as i64 * 1_000),
            fine: true,
            host: Some("harvester1"),
            message: b"HARVESTER_DROP_IN=mgmt-br OUT= MAC= and so on, as long as such a line is: SRC DST LEN TOS PREC TTL ID",
            packet: Ok(packet),
            repeats: 1,
            monotonic: None,
        }]));
    };
    for at in 0..flood {
        if at == flood / 2 || at == flood * 3 / 4 {
            push(syn([192, 168, 122, 63], 40_000, 2112), at);
        }
        let src = Ipv4Addr::from(dice.roll(1 << 31) as u32 * 2 + 1).octets();
        let spt = 1024 + dice.roll(60_000) as u16;
        let dpt = ports(&mut dice);
        push(syn(src, spt, dpt), at);
    }
    analysis.push(LogEvent::EndOfLog { correction: 0 });
    analysis.report(None)
}

pub(crate) fn finds_the_needle(report: &Report, lines: usize) {
    let needle = report.findings.iter().find(|finding| {
        finding.port == Some(2112)
            && finding.verdict() == Verdict::MissingRule
            && finding.key.zone == Zone::Inside
    });
    assert!(
        needle.is_some_and(|finding| finding.logged == 2),
        "the needle is lost"
    );
    let warned = report
        .warnings
        .iter()
        .any(|warning| warning.code == "folded");
    assert!(warned, "nothing says that peers were folded");
    let logged: u64 = report.findings.iter().map(|finding| finding.logged).sum();
    assert_eq!(logged, lines as u64 + 2, "a line is not accounted for");
}
