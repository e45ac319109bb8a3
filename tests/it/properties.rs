//! Properties of every input: neither the order of lines nor the split into blocks matters; a live run ends as a batch
//! run; and nothing panics.

use dropsift::analyze::Analysis;
use dropsift::input::Prefixes;
use dropsift::input::reader::Reader;
use dropsift::report::{JSON, Report, Style, TEXT};
use dropsift::rule::Scope;
use dropsift::site::Site;
use dropsift::time::{Reading, Time};
use proptest::prelude::*;

pub(crate) const READING: Reading = Reading {
    year: Some(2026),
    reference: Time(1_800_000_000_000_000),
    offset: 0,
};

/// Pushes `blocks` through the pipeline.
fn analyse<'a>(blocks: impl Iterator<Item = &'a [u8]>) -> Analysis {
    let mut analysis = Analysis::new(Site::default(), Scope::Documented);
    let mut scanner = Reader::new(Prefixes::documented(), READING);
    for block in blocks {
        scanner.push(block, &mut |item| analysis.push(item));
    }
    scanner.finish(&mut |item| analysis.push(item));
    analysis.set_lines(scanner.lines());
    analysis
}

pub(crate) fn report(log: &[u8]) -> Report {
    analyse(std::iter::once(log)).report(None)
}

/// Returns the report for people and as JSON: other forms say the same.
fn rendered(report: &Report) -> String {
    let style = Style::plain(80);
    let mut out = Vec::new();
    for renderer in [&TEXT, &JSON] {
        (renderer.report)(report, style, &mut out).unwrap();
    }
    String::from_utf8(out).unwrap()
}

/// Ports that the catalogue knows in different ways, and some that it does not.
const PORTS: [u16; 21] = [
    21, 22, 53, 67, 68, 123, 443, 863, 2049, 2112, 2379, 3260, 6443, 8181, 8472, 10250, 10660,
    31000, 31443, 40000, 50051,
];

prop_compose! {
    pub(crate) fn line()(
        second in 0..3600u32,
        micros in 0..1_000_000u32,
        node in 1..4u8,
        peer in prop_oneof![Just("192.168.122.62"), Just("192.168.122.63"), Just("192.168.122.200"), Just("10.52.1.7"), Just("203.0.113.9")],
        mac in prop_oneof![4 => Just("52:54:00:ab:cd:ef"), 1 => Just("ff:ff:ff:ff:ff:ff"), 1 => Just("01:00:5e:00:00:fb")],
        spt in prop::sample::select(&PORTS[..]),
        dpt in prop::sample::select(&PORTS[..]),
        kind in 0..9usize,
        out in prop_oneof![12 => Just(("mgmt-br", "")), 1 => Just(("mgmt-br", "flannel.1")), 1 => Just(("", "mgmt-br"))],
        length in prop_oneof![Just(40), Just(60), Just(400)],
    ) -> String {
        let (interface, out) = out;
        let flags = ["SYN", "ACK", "ACK PSH", "ACK FIN", "ACK RST", "RST", "ACK SYN", "CWR ECE SYN", "URG PSH FIN"][kind];
        let tail = match second % 5 {
            0 => format!("PROTO=UDP SPT={spt} DPT={dpt} LEN=40 "),
            1 if kind == 1 => format!("PROTO={} ", 40 + spt % 8),
            1 if kind == 0 => "PROTO=ICMP TYPE=8 CODE=0 ID=1 SEQ=1 ".to_owned(),
            _ => format!("PROTO=TCP SPT={spt} DPT={dpt} WINDOW=512 RES=0x00 {flags} URGP=0 "),
        };
        format!(
            "2026-04-22T10:{:02}:{:02}.{micros:06}+00:00 harvester{node} kernel: HARVESTER_DROP_IN={interface} OUT={out} \
             MAC={mac}:52:54:00:ab:cd:ea:08:00 SRC={peer} DST=192.168.122.6{node} LEN={length} TOS=0x00 PREC=0x00 TTL=64 ID=1 DF {tail}\n",
            second / 60, second % 60
        )
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    #[test]
    fn the_order_of_lines_does_not_matter(
        (lines, shuffled) in prop::collection::vec(line(), 1..80)
            .prop_flat_map(|lines| (Just(lines.clone()), Just(lines).prop_shuffle()))
    ) {
        let straight = report(lines.concat().as_bytes());
        let shuffled = report(shuffled.concat().as_bytes());
        prop_assert_eq!(rendered(&straight), rendered(&shuffled));
    }

    #[test]
    fn the_cuts_of_a_pipe_do_not_matter(lines in prop::collection::vec(line(), 1..30), size in 1..2000usize) {
        let log = lines.concat();
        let cut = analyse(log.as_bytes().chunks(size)).report(None);
        prop_assert_eq!(rendered(&report(log.as_bytes())), rendered(&cut));
    }

    #[test]
    fn judging_on_the_way_changes_nothing(lines in prop::collection::vec(line(), 1..40)) {
        let mut analysis = Analysis::new(Site::default(), Scope::Documented);
        let mut live = dropsift::analyze::Live::default();
        let mut scanner = Reader::new(Prefixes::documented(), READING);
        for line in &lines {
            scanner.push(line.as_bytes(), &mut |item| analysis.push(item));
            live.changes(&analysis.report(None));
        }
        scanner.finish(&mut |item| analysis.push(item));
        analysis.set_lines(scanner.lines());
        prop_assert_eq!(rendered(&report(lines.concat().as_bytes())), rendered(&analysis.report(None)));
    }

    #[test]
    fn findings_account_for_every_drop_line(lines in prop::collection::vec(line(), 1..80)) {
        let report = report(lines.concat().as_bytes());
        let logged: u64 = report.findings.iter().map(|f| f.logged).sum();
        prop_assert_eq!(logged, report.tally.drops);
        prop_assert_eq!(report.tally.drops, lines.len() as u64);
        let mut ids: Vec<&str> = report.findings.iter().map(|f| f.id.as_str()).collect();
        ids.sort_unstable();
        ids.dedup();
        prop_assert_eq!(ids.len(), report.findings.len());
    }

    #[test]
    fn no_bytes_panic(
        mut lines in prop::collection::vec(line(), 1..10),
        noise in prop::collection::vec((any::<prop::sample::Index>(), any::<prop::sample::Index>(), any::<u8>()), 0..40)
    ) {
        for (which, at, byte) in noise {
            let line = which.get_mut(&mut lines[..]);
            let mut bytes = std::mem::take(line).into_bytes();
            if !bytes.is_empty() {
                let at = at.index(bytes.len());
                bytes[at] = byte;
            }
            *line = String::from_utf8_lossy(&bytes).into_owned();
        }
        let text = rendered(&report(lines.concat().as_bytes()));
        let raw = ['\x1b', '\u{9b}', '\u{202e}'].into_iter().any(|c| text.contains(c));
        prop_assert!(!raw, "a control character came through");
    }

    #[test]
    fn no_noise_panics(bytes in prop::collection::vec(any::<u8>(), 0..2000)) {
        rendered(&report(&bytes));
    }
}
