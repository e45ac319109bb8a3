//! Bounds on memory: a flood of random flows takes little memory, and hides no missing rule for a documented port.

use dropsift::analyze::Analysis;
use dropsift::cause::Verdict;
use dropsift::flow::Flows;
use dropsift::input::event::{DropLine, LogEvent};
use dropsift::packet::{PacketSummary, TcpFlags, Unparsed};
use dropsift::report::{RENDERERS, Style};
use dropsift::rule::Scope;
use dropsift::site::Site;
use dropsift::time::Time;

use crate::support::flood::{BEGIN, finds_the_needle, flooded, syn};

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

/// Neighbours that are folded into their network ask for a port that no list mentions: no rule is offered for all of them, and
/// nobody says that there is one already.
#[test]
fn peers_that_were_folded_leave_a_decision() {
    let mut analysis = Analysis::new(Site::default(), Scope::Documented);
    let lines = 20_000;
    for at in 0..lines {
        let (src, dpt) = match at % 500 {
            0 => ([192, 168, 122, 70 + (at / 500 % 50) as u8], 8181),
            _ => ([10, 3, (at / 256 % 256) as u8, (at % 256) as u8], 22),
        };
        analysis.push(LogEvent::Drops(&[DropLine {
            time: Time(BEGIN + at as i64 * 10_000),
            fine: true,
            host: Some("harvester1"),
            message: b"HARVESTER_DROP_IN=mgmt-br OUT= MAC= SRC DST LEN TOS PREC TTL ID",
            packet: Ok(syn(src, 40_000 + at as u16, dpt)),
            repeats: 1,
            monotonic: None,
        }]));
    }
    analysis.push(LogEvent::EndOfLog { correction: 0 });
    let report = analysis.report(None);
    let found = |f: &&dropsift::finding::Finding| f.port == Some(8181) && f.rules.is_empty();
    let finding = report.findings.iter().find(found).unwrap();
    assert_eq!(
        finding.verdict(),
        Verdict::MissingRule,
        "{}",
        finding.cause.code
    );
    assert!(finding.evidence.iter().any(|test| test.name == "no-rule"));
    for renderer in RENDERERS {
        let mut out = Vec::new();
        (renderer.report)(&report, Style::plain(100), &mut out).unwrap();
        let text = String::from_utf8(out).unwrap();
        let words: Vec<&str> = text.split_whitespace().collect();
        let text = words.join(" ");
        for wrong in ["do not reach it", "rule for it is there"] {
            assert!(!text.contains(wrong), "{}: {wrong}", renderer.code);
        }
    }
}

/// Replies for half an hour: of thirty neighbours that are folded into their network, one each, which is no run; and of one
/// of them for its connection alone, which is.
#[test]
fn a_network_is_not_one_peer() {
    for (neighbours, cause) in [(30, "conntrack-loss"), (1, "stuck-reply")] {
        let mut analysis = Analysis::new(Site::default(), Scope::Documented);
        let mut push = |minute: usize, packet| {
            analysis.push(LogEvent::Drops(&[DropLine {
                time: Time(BEGIN + minute as i64 * 60_000_000),
                fine: true,
                host: Some("harvester1"),
                message: b"HARVESTER_DROP_IN=mgmt-br OUT= MAC= SRC DST LEN TOS PREC TTL ID",
                packet: Ok(packet),
                repeats: 1,
                monotonic: None,
            }]));
        };
        for at in 0..9_000 {
            let far = [10, 3, (at / 250 % 250) as u8, (at % 250) as u8];
            push(0, syn(far, 40_000, 22));
        }
        for at in 0..30 {
            let of = at % neighbours;
            let mut reply = syn([192, 168, 122, 70 + of as u8], 6443, 50_000 + of as u16);
            reply.flags = TcpFlags::from_name("ACK");
            push(1 + at, reply);
        }
        analysis.push(LogEvent::EndOfLog { correction: 0 });
        let report = analysis.report(None);
        let found = report.findings.iter().find(|f| f.port == Some(6443));
        let found = found.unwrap();
        assert!(found.folded, "{neighbours}");
        assert_eq!(found.cause.code, cause, "{:?}", found.evidence);
    }
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
        analysis.push(LogEvent::Drops(&[DropLine {
            time: Time(BEGIN + at as i64 * 10_000),
            fine: true,
            host: Some("harvester1"),
            message: b"HARVESTER_DROP_IN=mgmt-br OUT= MAC= SRC DST LEN TOS PREC TTL ID",
            packet: Ok(packet),
            repeats: 1,
            monotonic: None,
        }]));
    }
    analysis.push(LogEvent::EndOfLog { correction: 0 });
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
    // The reader of the report finds the missing rule without paging through the flood.
    let mut text = Vec::new();
    let style = Style::plain(80);
    (RENDERERS[0].report)(&report, style, &mut text).unwrap();
    let text = String::from_utf8(text).unwrap();
    assert!(text.lines().count() < 1_000, "{}", text.lines().count());
    assert!(text.contains("tcp/2112"));
}

/// Returns a log of some 10 MiB: drop lines, and lines that change the state of a log.
fn large_log() -> Vec<u8> {
    let mut dice = crate::support::Dice(7);
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
                crate::support::drop_line(at)
            ),
            4 => format!(
                " kernel: HARVESTER_DROP_IN=torn OUT= SRC=10.0.0.{}",
                at % 300
            ),
            5 => " kernel: -- Boot of something --\n-- Boot 1f2e3d4c5b6a79880f1e2d3c4b5a6978 --"
                .to_owned(),
            6 => format!(" kernel: {}\r", crate::support::drop_line(at)),
            7 => format!(" kernel: \u{fc}\u{e9} {}", "x".repeat(dice.roll(20_000))),
            8 => " kernel: message repeated 2 times: [ HARVESTER_DROP_IN=mgmt-br OUT= ]".to_owned(),
            9..100 => format!(" kernel: {}", crate::support::drop_line(at)),
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
    let striped = crate::support::read(&path);
    // The year of the last line is that of the file, or of the reference.
    let options = crate::support::options();
    let mut reading = options.reading;
    let modified = std::fs::metadata(&path).unwrap().modified().unwrap();
    let since = modified.duration_since(std::time::UNIX_EPOCH).unwrap();
    reading.reference = Time(since.as_micros() as i64);
    let options = dropsift::input::source::Options { reading, ..options };
    let name = path.display().to_string();
    let row = crate::support::Seen::of(|sink| {
        let stream = std::io::Cursor::new(log.clone());
        dropsift::input::source::read_stream(&name, stream, &options, sink)
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

/// Machines on ever more nodes and interfaces send protocols without ports: the flows come to an end, and a missing rule behind
/// all of them is seen.
#[test]
fn nodes_and_interfaces_without_end_are_bounded() {
    let site = Site::default();
    let mut flows = Flows::default();
    let line = |host| DropLine {
        time: Time(BEGIN),
        fine: true,
        host: Some(host),
        message: b"HARVESTER_DROP_IN=e0 OUT= ",
        packet: Err(Unparsed::NoSource),
        repeats: 1,
        monotonic: None,
    };
    let names: Vec<String> = (0..300).map(|n| format!("n{n}")).collect();
    for interface in &names {
        for node in &names {
            let packet = PacketSummary {
                interface,
                proto: Some(47),
                spt: None,
                dpt: None,
                flags: None,
                ..syn([10, 1, 2, 3], 0, 0)
            };
            flows.add(&site, &line(node), &packet, 1);
        }
    }
    assert_eq!(flows.logged(), 90_000);
    assert!(flows.len() < 21_000, "{}", flows.len());
    assert!(flows.folded() > 60_000);
    flows.add(
        &site,
        &line("n7"),
        &syn([192, 168, 122, 63], 40_000, 2112),
        1,
    );
    let marks = flows.marks();
    let needle = flows
        .iter(&marks)
        .find(|seen| seen.local_ports().any(|port| port == 2112));
    let needle = needle.expect("the documented port has a flow of its own");
    assert_eq!(flows.node_name(needle.key.node), "n7");
}
