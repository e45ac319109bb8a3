//! What is bounded: a flood of random flows takes no memory to speak of, and hides no missing rule for a documented port.
#![allow(clippy::unwrap_used, reason = "a test stops where it fails")]

use std::net::{IpAddr, Ipv4Addr};

use dropsift::analyze::Analysis;
use dropsift::cause::Verdict;
use dropsift::input::Entry;
use dropsift::input::scan::Item;
use dropsift::packet::{Brief, Cast, Shape, TcpFlags};
use dropsift::report::{RENDERERS, Report, Style};
use dropsift::rule::Scope;
use dropsift::site::Site;
use dropsift::time::Time;

mod support;

/// 2026-04-22T10:00:00Z.
const BEGIN: i64 = 1_776_852_000_000_000;
const NODE: [u8; 4] = [192, 168, 122, 61];

fn syn(src: [u8; 4], spt: u16, dpt: u16) -> Brief<'static> {
    Brief {
        interface: "mgmt-br",
        src: IpAddr::from(src),
        dst: IpAddr::from(NODE),
        proto: Some(6),
        spt: Some(spt),
        dpt: Some(dpt),
        flags: TcpFlags::from_name("SYN"),
        icmp_type: None,
        shape: Shape::Whole,
        cast: Cast::Unicast,
    }
}

/// The report on `flood` lines with random peers and ports, and two SYNs of a neighbour to a documented port among them.
fn flooded(flood: usize, ports: impl Fn(&mut support::Dice) -> u16) -> Report {
    let mut analysis = Analysis::new(Site::default(), Scope::Documented);
    let mut dice = support::Dice(42);
    let mut push = |packet: Brief<'static>, at: usize| {
        analysis.push(Item::Drop(&Entry {
            time: Time(BEGIN + at as i64 * 1_000),
            fine: true,
            host: Some("harvester1"),
            message: b"HARVESTER_DROP_IN=mgmt-br OUT= MAC= and so on, as long as such a line is: SRC DST LEN TOS PREC TTL ID",
            packet: Some(&packet),
            repeats: 1,
        }));
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
    analysis.push(Item::EndOfLog { correction: 0 });
    analysis.report(None)
}

fn finds_the_needle(report: &Report, lines: usize) {
    let needle = report.findings.iter().find(|finding| {
        finding.port == Some(2112)
            && finding.verdict() == Verdict::MissingRule
            && finding.key.zone == dropsift::site::Zone::Inside
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

#[test]
fn a_flood_hides_no_missing_rule() {
    let lines = 300_000;
    let report = flooded(lines, |dice| dice.roll(65_536) as u16);
    finds_the_needle(&report, lines);
}

#[test]
fn a_flood_to_documented_ports_hides_no_missing_rule() {
    let lines = 100_000;
    let report = flooded(lines, |dice| [22, 443, 6443, 10250, 2112][dice.roll(5)]);
    finds_the_needle(&report, lines);
}

/// Machines beside the nodes try ports one after the other, more of them than are kept apart, until even networks run out of
/// room; outside, others do the same.
#[test]
fn a_scan_from_inside_is_no_missing_rule() {
    let mut analysis = Analysis::new(Site::default(), Scope::Documented);
    let lines = 200_000;
    for at in 0..lines {
        let near = [192, 168, 122, 100 + (at / 2 % 40) as u8];
        let far = [10, 3, (at / 256 % 256) as u8, (at % 256) as u8];
        let needle = at == lines / 2 || at == lines * 3 / 4;
        let (src, dpt) = match at % 2 {
            _ if needle => ([192, 168, 122, 63], 2112),
            0 => (near, 11_000 + (at / 80) as u16),
            _ => (far, 14_000 + (at % 9_000) as u16),
        };
        let packet = syn(src, 40_000, dpt);
        analysis.push(Item::Drop(&Entry {
            time: Time(BEGIN + at as i64 * 10_000),
            fine: true,
            host: Some("harvester1"),
            message: b"HARVESTER_DROP_IN=mgmt-br OUT= MAC= SRC DST LEN TOS PREC TTL ID",
            packet: Some(&packet),
            repeats: 1,
        }));
    }
    analysis.push(Item::EndOfLog { correction: 0 });
    let report = analysis.report(None);
    finds_the_needle(&report, lines - 2);
    let scans = report.findings.iter().filter(|f| f.cause.code == "scan");
    let scanners: Vec<_> = scans.flat_map(|f| &f.peers).collect();
    assert_eq!(scanners.len(), 40, "{scanners:?}");
    let missing = report.findings.iter();
    let missing: Vec<_> = missing
        .filter(|f| f.verdict() == Verdict::MissingRule)
        .map(|f| f.port)
        .collect();
    assert_eq!(missing, [Some(2112)], "a scan is taken for a missing rule");
    // Whoever reads it finds the needle without paging through the flood.
    let mut text = Vec::new();
    let style = Style {
        width: 80,
        color: false,
    };
    (RENDERERS[0].render)(&report, style, &mut text).unwrap();
    let text = String::from_utf8(text).unwrap();
    assert!(text.lines().count() < 1_000, "{}", text.lines().count());
    assert!(text.contains("tcp/2112"));
}

/// What a log of some 10 MiB holds: drop lines, and what the state of a log decides.
fn large_log() -> Vec<u8> {
    let mut dice = support::Dice(7);
    let mut log = Vec::new();
    let mut at = 0;
    while log.len() < 10 << 20 {
        at += 1;
        let stamp = format!(
            "Dec 31 {:02}:{:02}:{:02}.{:06} harvester{}",
            at / 36_000 % 24,
            at / 600 % 60,
            at / 10 % 60,
            at % 10 * 100_000,
            dice.roll(3) + 1
        );
        let message = match dice.roll(400) {
            0 => " systemd-journald[1]: Missed 7 kernel messages".to_owned(),
            1 => " kernel: net_ratelimit: 12 callbacks suppressed".to_owned(),
            2 => " kernel[9]: HARVESTER_DROP_IN=forged OUT= ".to_owned(),
            3 => format!(
                " kernel: {}\n{stamp} last message repeated 3 times",
                support::drop_line(at)
            ),
            4 => format!(
                " kernel: HARVESTER_DROP_IN=torn OUT= SRC=10.0.0.{}",
                at % 300
            ),
            5 => " kernel: -- Boot of something --\n-- Boot 1f2e3d4c5b6a79880f1e2d3c4b5a6978 --"
                .to_owned(),
            6 => format!(" kernel: {}\r", support::drop_line(at)),
            7 => format!(" kernel: \u{fc}\u{e9} {}", "x".repeat(dice.roll(20_000))),
            8 => " kernel: message repeated 2 times: [ HARVESTER_DROP_IN=mgmt-br OUT= ]".to_owned(),
            9..100 => format!(" kernel: {}", support::drop_line(at)),
            _ => " kernel: cni0: port 12(veth5a31c0de) entered blocking state".to_owned(),
        };
        log.extend_from_slice(format!("{stamp}{message}\n").as_bytes());
    }
    log.extend_from_slice(b"Jan  1 00:00:01 harvester1 kernel: HARVESTER_DROP_IN=last OUT= ");
    log
}

#[test]
fn a_file_in_stripes_is_read_as_in_a_row() {
    let log = large_log();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("kernel.log");
    std::fs::write(&path, &log).unwrap();
    let striped = support::read(&path);
    // The year of the last line is that of the file, or of the reference.
    let options = support::options();
    let mut reading = options.reading;
    let modified = std::fs::metadata(&path).unwrap().modified().unwrap();
    let since = modified.duration_since(std::time::UNIX_EPOCH).unwrap();
    reading.reference = Time(since.as_micros() as i64);
    let options = dropsift::input::open::Options { reading, ..options };
    let name = path.display().to_string();
    let row = support::Seen::of(|sink| {
        let stream = std::io::Cursor::new(log.clone());
        dropsift::input::open::read_stream(&name, stream, &options, sink)
    });
    assert!(striped.drops.len() > 10_000);
    assert_eq!(striped.told(), row.told());
    assert_eq!(striped.untrusted, row.untrusted);
    assert_eq!(striped.unreadable, row.unreadable);
    assert_eq!(striped.notices, row.notices);
    assert_eq!(
        (striped.alive.iter().min(), striped.alive.iter().max()),
        (row.alive.iter().min(), row.alive.iter().max())
    );
}

#[test]
#[ignore = "takes seconds in a release build and minutes in another; `just bench` runs it"]
fn ten_million_flows_hide_no_missing_rule() {
    let lines = 10_000_000;
    let report = flooded(lines, |dice| dice.roll(65_536) as u16);
    finds_the_needle(&report, lines);
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    if let Some(peak) = peak {
        let kib: u64 = peak.trim().trim_end_matches(" kB").parse().unwrap();
        assert!(kib <= 64 << 10, "{kib} KiB at its peak");
    }
}
