//! Time of the saturation event in a live run: once the next line, or 12 s, confirms it. Times are those of the log.

use dropsift::analyze::{Analysis, Live};
use dropsift::input::Prefixes;
use dropsift::input::reader::Reader;
use dropsift::report::EventKind;
use dropsift::rule::Scope;
use dropsift::site::Site;
use dropsift::time::{Reading, Time, parse_rfc3339};

/// Event at a second of the log.
#[derive(Debug, Clone, Copy)]
enum Step {
    /// A drop line of an ACK comes.
    Drop(f64),
    /// A drop line of a SYN comes.
    Syn(f64),
    /// A line of something else comes, which the next report sees.
    Other(f64),
    /// The timer asks.
    Timer(f64),
    /// The log ends.
    End,
}

use Step::{Drop, End, Other, Syn, Timer};

/// Steps, and the index of the step at which saturation is reported; `None` for never.
const CASES: &[(&str, &[Step], Option<usize>)] = &[
    (
        "the next line confirms it",
        &[Drop(6.1), Timer(7.0), Drop(12.1), Timer(13.0)],
        Some(2),
    ),
    (
        "12 s confirm it",
        &[Drop(6.1), Timer(8.0), Timer(18.0), Timer(18.2), Timer(30.0)],
        Some(3),
    ),
    (
        "so does the log, where it goes on",
        &[
            Drop(6.1),
            Other(10.0),
            Timer(10.1),
            Other(18.2),
            Timer(11.0),
        ],
        Some(4),
    ),
    (
        "the end confirms it",
        &[Drop(6.1), Timer(7.0), End],
        Some(2),
    ),
    // The rules are split, and none of their buckets is empty.
    (
        "a line that one bucket would not let through contradicts it",
        &[Syn(6.1), Timer(7.0), Syn(7.2), Timer(40.0), End],
        None,
    ),
    (
        "a lone burst is none",
        &[Timer(8.0), Timer(30.0), End],
        None,
    ),
];

/// A burst: a line at the refill behind it had waited.
const BURST: [Step; 5] = [Drop(0.0), Drop(0.1), Drop(0.2), Drop(0.3), Drop(0.4)];

#[test]
fn saturation_is_told_once_it_is_confirmed() {
    let began = parse_rfc3339("2026-04-22T10:00:00Z").unwrap();
    let at = |second: f64| Time(began.0 + (second * 1e6) as i64);
    for (name, steps, told) in CASES {
        let mut analysis = Analysis::new(Site::default(), Scope::Documented);
        let mut live = Live::default();
        let reading = Reading {
            year: Some(2026),
            reference: began,
            offset: 0,
        };
        let mut scanner = Reader::new(Prefixes::documented(), reading);
        let mut is = Vec::new();
        for (place, step) in BURST.iter().chain(*steps).enumerate() {
            let line = |second: f64, message: &str| {
                let (whole, micros) = (second as u32, (second.fract() * 1e6).round() as u32);
                format!(
                    "2026-04-22T10:{:02}:{:02}.{micros:06}+00:00 h kernel: {message}\n",
                    whole / 60,
                    whole % 60
                )
            };
            let ack = "HARVESTER_DROP_IN=mgmt-br OUT= MAC= SRC=192.168.122.62 DST=192.168.122.61 LEN=52 TOS=0x00 PREC=0x00 \
                        TTL=64 ID=1 DF PROTO=TCP SPT=10250 DPT=40000 WINDOW=1 RES=0x00 ACK URGP=0 ";
            let text = match step {
                Drop(second) => line(*second, ack),
                Syn(second) => line(*second, &ack.replace("RES=0x00 ACK", "RES=0x00 SYN")),
                Other(second) => line(
                    *second,
                    "cni0: port 12(veth5a31c0de) entered blocking state",
                ),
                Timer(_) | End => String::new(),
            };
            scanner.push(text.as_bytes(), &mut |item| analysis.push(item));
            let report = analysis.report(match step {
                Timer(second) => Some(at(*second)),
                Drop(_) | Syn(_) | Other(_) | End => None,
            });
            let events = match step {
                Drop(_) | Syn(_) => live.changes(&report),
                // Nothing is asked then.
                Other(_) => Vec::new(),
                Timer(_) => {
                    assert!(live.is_waiting(), "{name}: the timer would not ask");
                    live.changes(&report)
                }
                End => live.last_changes(&report),
            };
            for event in events
                .iter()
                .filter(|event| event.kind == EventKind::Saturated)
            {
                assert!(
                    event
                        .warning
                        .is_some_and(|warning| warning.code == "log-saturated"),
                    "{name}"
                );
                is.push(place);
            }
        }
        let should: Vec<usize> = told.iter().map(|place| BURST.len() + place).collect();
        assert_eq!(is, should, "{name}");
    }
}
