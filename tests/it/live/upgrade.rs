//! An hour of an upgrade, as it looks while it goes on: `fixtures/live-upgrade/` has the rows at 80 and 140 columns.
//! `UPDATE=1 cargo test --test it live::upgrade` writes them anew, and the difference is reviewed.

use std::fs;
use std::path::Path;

use dropsift::analyze::{Analysis, Live};
use dropsift::input::Prefixes;
use dropsift::input::reader::Reader;
use dropsift::report::{HELD, LiveText, Style};
use dropsift::rule::Scope;
use dropsift::site::{SETTLE, Site};
use dropsift::time::{MINUTE, SECOND, Time, parse_rfc3339};

use crate::properties::READING;
use crate::support::Dice;

const NODES: u8 = 3;
/// A node goes down every twelve minutes, and for five its peers' connections die.
const TURN: i64 = 12 * MINUTE;
const DOWN: i64 = 5 * MINUTE;
/// The rows that an hour of it may take.
const MAX_ROWS: usize = 40;

/// Returns the lines of an hour with their times: replies of the services of a node that restarts, at the documented
/// limit of ten lines a minute and node with a burst of five.
fn hour(began: Time) -> Vec<(Time, String)> {
    let mut dice = Dice(0x5eed);
    let mut lines = Vec::new();
    for node in 1..=NODES {
        let mut tokens = 5 * 6 * SECOND;
        let mut last = 0;
        let mut at = 0;
        while at < 60 * MINUTE {
            at += SECOND / 2 + dice.roll(4_000_000) as i64;
            let down = 1 + (at / TURN) as u8 % NODES;
            let is_upgrade = at % TURN < DOWN;
            if down == node || !(is_upgrade || dice.roll(12) == 0) {
                continue;
            }
            tokens = (tokens + at - last).min(5 * 6 * SECOND);
            last = at;
            if tokens < 6 * SECOND {
                continue;
            }
            tokens -= 6 * SECOND;
            let spt = [6443, 9345, 10250, 2379, 2380][dice.roll(5)];
            let dpt = 32768 + dice.roll(28_000);
            let flags = ["ACK PSH", "ACK", "ACK FIN", "RST", "ACK RST"][dice.roll(5)];
            let time = Time(began.0 + at);
            lines.push((
                time,
                format!(
                    "{time} harvester{node} kernel: HARVESTER_DROP_IN=mgmt-br OUT= MAC= SRC=192.168.122.6{down} \
                     DST=192.168.122.6{node} LEN=60 TOS=0x00 PREC=0x00 TTL=64 ID=1 DF PROTO=TCP SPT={spt} DPT={dpt} \
                     WINDOW=1 RES=0x00 {flags} URGP=0 \n"
                ),
            ));
        }
    }
    lines.sort();
    lines
}

/// The widths of the terminals.
const WIDTHS: [usize; 2] = [80, 140];

/// Returns the rows of a live run on `lines` and the ten minutes behind them, at each width.
fn rows(lines: &[(Time, String)]) -> [String; 2] {
    let mut analysis = Analysis::new(Site::default(), Scope::Documented);
    let mut live = Live::default();
    let mut texts = WIDTHS.map(|width| {
        let style = Style::plain(width);
        (LiveText::new(style, SETTLE, true), Vec::new())
    });
    let mut scanner = Reader::new(Prefixes::documented(), READING);
    let mut lines = lines.iter().peekable();
    let mut clock = lines.peek().unwrap().0;
    let end = Time(clock.0 + 70 * MINUTE);
    let mut held = None;
    while clock < end {
        let mut tell = |analysis: &Analysis, now| {
            let report = analysis.report(now);
            let events = live.changes(&report);
            for (text, page) in &mut texts {
                text.write(&events, &report, page).unwrap();
            }
        };
        while let Some((_, line)) = lines.next_if(|(time, _)| *time <= clock) {
            scanner.push(line.as_bytes(), &mut |item| analysis.push(item));
            tell(&analysis, None);
        }
        tell(&analysis, Some(clock));
        let holds = texts[0].0.is_holding();
        if !holds {
            held = None;
        } else if clock.since(*held.get_or_insert(clock)) >= HELD {
            for (text, page) in &mut texts {
                text.flush(page).unwrap();
            }
        }
        clock = Time(clock.0 + 5 * SECOND);
    }
    texts.map(|(_, page)| String::from_utf8(page).unwrap())
}

#[test]
fn an_hour_of_an_upgrade_fits_on_a_screen_or_two() {
    let began = parse_rfc3339("2026-04-22T10:00:00Z").unwrap();
    let lines = hour(began);
    assert!(lines.len() > 500, "only {} lines", lines.len());
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/live-upgrade");
    for (width, text) in WIDTHS.into_iter().zip(rows(&lines)) {
        let path = folder.join(format!("rows-{width}"));
        if std::env::var_os("UPDATE").is_some() {
            fs::write(&path, &text).unwrap();
        }
        assert_eq!(
            fs::read_to_string(&path).unwrap_or_default(),
            text,
            "{width}"
        );
        assert!(text.lines().count() <= MAX_ROWS, "{text}");
        let wide = text.lines().find(|line| line.chars().count() > width);
        assert_eq!(wide, None, "{width} columns");
        assert!(text.contains("  quiet  "), "it never says that it is over");
    }
}
