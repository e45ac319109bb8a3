//! A reader of the events alone has the state of the last report: no id stays open, no verdict differs.

use std::collections::BTreeMap;

use dropsift::analyze::{Analysis, Live};
use dropsift::cause::Verdict;
use dropsift::finding::State;
use dropsift::input::Prefixes;
use dropsift::input::reader::Reader;
use dropsift::report::{Event, EventKind, Events, RENDERERS, Report};
use dropsift::rule::Scope;
use dropsift::site::Site;
use dropsift::time::{SECOND, Time};
use proptest::prelude::*;
use serde_json::Value;

use crate::properties::{READING, line};

/// State that a reader of the events alone has: verdict, cause and whether it has settled, by id.
type Known = BTreeMap<String, (&'static str, &'static str, bool)>;

fn replay(known: &mut Known, events: &[Event<'_>]) -> Result<(), TestCaseError> {
    for event in events {
        for id in &event.replaces {
            // Several findings may share the flows of one.
            known.remove(id);
        }
        let Some(finding) = event.finding else {
            continue;
        };
        let is_known = known.contains_key(&finding.id);
        match event.kind {
            EventKind::Opened => prop_assert!(!is_known, "opened twice"),
            EventKind::Changed => prop_assert!(event.was.is_some()),
            _ => prop_assert!(is_known, "{:?} of an unknown id", event.kind),
        }
        let verdict = finding.verdict().code();
        let settled = finding.state == State::Settled;
        known.insert(finding.id.clone(), (verdict, finding.cause.code, settled));
    }
    Ok(())
}

fn reported(report: &Report) -> Known {
    let findings = report.findings.iter().map(|finding| {
        let (verdict, settled) = (finding.verdict().code(), finding.state == State::Settled);
        (finding.id.clone(), (verdict, finding.cause.code, settled))
    });
    findings.collect()
}

/// `report` as a filter leaves it.
fn filtered(mut report: Report, only: Option<Verdict>) -> Report {
    if let Some(only) = only {
        report.findings.retain(|finding| finding.verdict() == only);
        report.filters = vec![format!("--verdict {}", only.code())];
    }
    report
}

/// Generates a log: in time order, as most are, or in any order.
fn log() -> impl Strategy<Value = Vec<String>> {
    (prop::collection::vec(line(), 1..60), any::<bool>()).prop_map(|(mut lines, in_time)| {
        if in_time {
            lines.sort();
        }
        lines
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn events_add_up_to_the_report(
        lines in log(),
        steps in prop::collection::vec((1..8usize, prop::option::of(0..900i64)), 1..20),
        only in prop::option::weighted(0.3, prop::sample::select(&Verdict::ALL[..])),
        updates: bool,
    ) {
        let mut analysis = Analysis::new(Site::default(), Scope::Documented);
        let mut live = Live::new(updates);
        let mut scanner = Reader::new(Prefixes::documented(), READING);
        let (mut known, mut now) = (Known::new(), None);
        let mut rest = &lines[..];
        for (many, silence) in steps.iter().cycle() {
            let (some, others) = rest.split_at(rest.len().min(*many));
            rest = others;
            scanner.push(some.concat().as_bytes(), &mut |item| analysis.push(item));
            if let Some(silence) = silence {
                now = now.max(analysis.last().map(|last| Time(last.0 + silence * SECOND)));
            }
            let report = filtered(analysis.report(now), only);
            replay(&mut known, &live.changes(&report))?;
            prop_assert_eq!(&known, &reported(&report));
            if rest.is_empty() {
                break;
            }
        }
        scanner.finish(&mut |item| analysis.push(item));
        let report = filtered(analysis.report(now), only);
        replay(&mut known, &live.last_changes(&report))?;
        prop_assert_eq!(&known, &reported(&report));
    }
}

/// Lines that move flows to other findings, and the events that say so.
#[test]
fn a_finding_that_takes_over_another_replaces_it() {
    let line = |second: u32, spt: u16, dpt: u16, flags: &str| {
        format!(
            "2026-04-22T10:00:{second:02}.000000+00:00 h kernel: HARVESTER_DROP_IN=mgmt-br OUT= MAC= SRC=203.0.113.9 \
             DST=192.168.122.61 LEN=60 TOS=0x00 PREC=0x00 TTL=64 ID=1 DF PROTO=TCP SPT={spt} DPT={dpt} WINDOW=1 RES=0x00 \
             {flags} URGP=0 \n"
        )
    };
    let mut analysis = Analysis::new(Site::default(), Scope::Documented);
    let mut live = Live::default();
    let mut scanner = Reader::new(Prefixes::documented(), READING);
    let mut replaced = Vec::new();
    // Five ports make a scan, which takes the single attempts before.
    for (second, dpt) in (0..).zip([21, 23, 25, 110, 143]) {
        let text = line(second, 50_000 + second as u16, dpt, "SYN");
        scanner.push(text.as_bytes(), &mut |item| analysis.push(item));
        let report = analysis.report(None);
        for event in live.changes(&report) {
            if event.kind == EventKind::Changed {
                let finding = event.finding.unwrap();
                assert_eq!(finding.cause.code, "scan");
                assert_eq!(event.was.map(|was| was.verdict), Some(Verdict::Review));
                replaced.extend(event.replaces);
            }
        }
    }
    assert_eq!(replaced.len(), 4);
}

/// A line of a container's log holds 16 KiB.
#[test]
fn an_event_is_short_however_many_peers_there_are() {
    let mut analysis = Analysis::new(Site::default(), Scope::Documented);
    let mut scanner = Reader::new(Prefixes::documented(), READING);
    for peer in 0..3_000u32 {
        let text = format!(
            "2026-04-22T10:{:02}:{:02}.000000+00:00 h kernel: HARVESTER_DROP_IN=mgmt-br OUT= MAC= \
             SRC=2001:db8:ffff:ffff:{peer:x}:ffff:ffff:ffff DST=2001:db8:ffff:ffff:ffff:ffff:ffff:1 LEN=60 TC=0 HOPLIMIT=64 \
             FLOWLBL=0 PROTO=TCP SPT=50000 DPT=5900 WINDOW=1 RES=0x00 SYN URGP=0 \n",
            peer / 60 % 60,
            peer % 60
        );
        scanner.push(text.as_bytes(), &mut |item| analysis.push(item));
    }
    let report = analysis.report(None);
    let most = report.findings.iter().map(|finding| finding.peers.len());
    assert!(most.max() >= Some(1_000), "the log is too small to show it");
    let writes = RENDERERS.iter().filter_map(|form| match form.events? {
        Events::Each(write) => Some(write),
        Events::Rows => None,
    });
    for write in writes {
        for event in Live::default().last_changes(&report) {
            let mut line = Vec::new();
            write(&event, &mut line).unwrap();
            assert!(line.len() < 16 * 1024, "{} bytes", line.len());
            let event: Value = serde_json::from_slice(&line).unwrap();
            let peers = event["finding"]["peers"].as_array().unwrap();
            let says = event["capped"]
                .as_array()
                .unwrap()
                .contains(&"peers".into());
            let all = report
                .findings
                .iter()
                .find(|f| event["finding"]["id"] == f.id);
            assert_eq!(says, peers.len() < all.unwrap().peers.len());
        }
    }
}

/// Growing numbers are news only where they are asked for, and then once a minute.
#[test]
fn growing_numbers_are_told_once_a_minute() {
    for (updates, told) in [(false, 0), (true, 9)] {
        let mut analysis = Analysis::new(Site::default(), Scope::Documented);
        let mut live = Live::new(updates);
        let mut scanner = Reader::new(Prefixes::documented(), READING);
        let mut seen = 0;
        for second in (0..600).step_by(5) {
            let text = format!(
                "2026-04-22T10:{:02}:{:02}.000000+00:00 h kernel: HARVESTER_DROP_IN=mgmt-br OUT= MAC= SRC=192.168.122.63 \
                 DST=192.168.122.61 LEN=60 TOS=0x00 PREC=0x00 TTL=64 ID=1 DF PROTO=TCP SPT=40000 DPT=2112 WINDOW=1 RES=0x00 \
                 SYN URGP=0 \n",
                second / 60,
                second % 60
            );
            scanner.push(text.as_bytes(), &mut |item| analysis.push(item));
            let report = analysis.report(None);
            let events = live.changes(&report);
            seen += events
                .iter()
                .filter(|e| e.kind == EventKind::Updated)
                .count();
        }
        assert_eq!(seen, told, "updates: {updates}");
    }
}
