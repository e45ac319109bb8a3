//! How long a stage takes for a million lines, by hand: `cargo bench`. The least of five turns counts; nothing here can
//! fail, and CI does not run it.
#![allow(
    clippy::print_stdout,
    reason = "it is a program of its own, and this is what it says"
)]

use std::hint::black_box;
use std::time::Instant;

use dropsift::analyze::Analysis;
use dropsift::input::Prefixes;
use dropsift::input::reader::Reader;
use dropsift::packet::{Packet, PacketSummary};
use dropsift::rule::Scope;
use dropsift::site::Site;
use dropsift::time::{Reading, Time};

const READING: Reading = Reading {
    year: Some(2026),
    reference: Time(1_800_000_000_000_000),
    offset: 0,
};

/// Nanoseconds for each of `lines`.
fn stage(name: &str, lines: usize, mut run: impl FnMut()) {
    let turn = |_| {
        let began = Instant::now();
        run();
        began.elapsed().as_nanos() as usize
    };
    let least = (0..5).map(turn).min().unwrap_or_default();
    println!("{name:<28} {:>8.1} ns a line", least as f64 / lines as f64);
}

fn log(lines: usize, drops: usize) -> String {
    let mut log = String::new();
    for at in 0..lines {
        let (second, fraction) = (at / 100 % 3600, at % 100 * 10_000);
        log.push_str(&format!(
            "Apr 22 10:{:02}:{:02}.{fraction:06} harvester1 kernel: ",
            second / 60,
            second % 60
        ));
        if at % 100 < drops {
            log.push_str(&message(at));
        } else {
            log.push_str("cni0: port 12(veth5a31c0de) entered blocking state");
        }
        log.push('\n');
    }
    log
}

fn message(at: usize) -> String {
    format!(
        "HARVESTER_DROP_IN=mgmt-br OUT= MAC=52:54:00:ab:cd:ef:52:54:00:ab:cd:ea:08:00 SRC=10.0.{}.{} DST=192.168.122.61 \
         LEN=60 TOS=0x00 PREC=0x00 TTL=64 ID=1 DF PROTO=TCP SPT={} DPT=2112 WINDOW=64240 RES=0x00 SYN URGP=0 ",
        at / 250 % 40,
        at % 250,
        32_768 + at * 7919 % 28_232
    )
}

fn scan(log: &str, mut each: impl FnMut(dropsift::input::event::LogEvent<'_>)) {
    let mut scanner = Reader::new(Prefixes::documented(), READING);
    for block in log.as_bytes().chunks(256 << 10) {
        scanner.push(block, &mut each);
    }
    scanner.finish(&mut each);
}

fn main() {
    const LINES: usize = 200_000;
    let (mixed, dense) = (log(LINES, 2), log(LINES, 100));
    let messages: Vec<String> = (0..LINES).map(message).collect();
    stage("scan, 2 % drops", LINES, || {
        scan(&mixed, |item| drop(black_box(item)));
    });
    stage("scan, all drops", LINES, || {
        scan(&dense, |item| drop(black_box(item)));
    });
    stage("packet, in the kernel's order", LINES, || {
        for message in &messages {
            let _ = black_box(PacketSummary::ordered(message));
        }
    });
    stage("packet, the general way", LINES, || {
        for message in &messages {
            let _ = black_box(Packet::parse(message).map(|packet| packet.summary()));
        }
    });
    let analysed = || {
        let mut analysis = Analysis::new(Site::default(), Scope::Documented);
        scan(&dense, |item| analysis.push(item));
        analysis
    };
    stage("scan and flows, all drops", LINES, || {
        drop(black_box(analysed()));
    });
    let analysis = analysed();
    stage("diagnose, 10,000 flows", 10_000, || {
        drop(black_box(analysis.report(None)));
    });
}
