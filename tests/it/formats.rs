//! Every form of a log, read through the scanner: true captures, the registry's samples, one capture in all forms, and
//! hostile input.

use std::path::Path;

use dropsift::input::event::LogEvent;
use dropsift::input::event::NoticeKind;
use dropsift::input::reader::Reader;
use dropsift::input::{FORMATS, PLACES, Prefixes, format_of};
use dropsift::time::{Reading, parse_rfc3339};

/// A drop line as it came out.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Line {
    time: String,
    host: Option<String>,
    message: String,
    repeats: u32,
}

#[derive(Debug, Default, PartialEq, Eq)]
struct Seen {
    drops: Vec<Line>,
    untrusted: usize,
    unreadable: usize,
    notices: Vec<(NoticeKind, u64)>,
    lines: u64,
    known: bool,
}

fn reading() -> Reading {
    Reading {
        year: None,
        reference: parse_rfc3339("2026-12-31T00:00:00Z").expect("a date"),
        offset: 0,
    }
}

/// Reads `log` in blocks of `size` bytes.
fn scan_in(log: &[u8], size: usize) -> Seen {
    let mut seen = Seen::default();
    let mut scanner = Reader::new(Prefixes::documented(), reading());
    let mut sink = |item: LogEvent<'_>| match item {
        LogEvent::Drops(entries) => seen.drops.extend(entries.iter().map(|entry| Line {
            time: entry.time.to_string(),
            host: entry.host.map(str::to_owned),
            message: String::from_utf8_lossy(entry.message).into_owned(),
            repeats: entry.repeats,
        })),
        LogEvent::Untrusted { .. } | LogEvent::Elsewhere { is_read: true, .. } => {
            seen.untrusted += 1;
        }
        LogEvent::Elsewhere { is_read: false, .. } => seen.unreadable += 1,
        LogEvent::OtherPrefix { .. } | LogEvent::Behind { .. } => {}
        LogEvent::Unreadable { .. } => seen.unreadable += 1,
        // A boot that was already reported comes again with its host and time.
        LogEvent::Notice {
            kind: NoticeKind::Boot,
            count: 0,
            ..
        } => {}
        LogEvent::Notice { kind, count, .. } => seen.notices.push((kind, count)),
        LogEvent::Alive { .. }
        | LogEvent::Learned { .. }
        | LogEvent::Own { .. }
        | LogEvent::EndOfOwn
        | LogEvent::EndOfLog { .. } => {}
    };
    for block in log.chunks(size) {
        scanner.push(block, &mut sink);
    }
    scanner.finish(&mut sink);
    seen.lines = scanner.lines();
    seen.known = scanner.is_known();
    seen
}

/// Reads `log` whole, and checks that its cutting into blocks makes no difference.
fn scan(log: &[u8]) -> Seen {
    let whole = scan_in(log, usize::MAX);
    for size in [1, 64, 1000, 4096] {
        if log.len() / size < 12_000 {
            let cut = scan_in(log, size);
            let times = |seen: &Seen| seen.drops.clone();
            assert_eq!(times(&cut), times(&whole), "in blocks of {size}");
            assert_eq!(
                (
                    cut.untrusted,
                    cut.unreadable,
                    cut.lines,
                    cut.known,
                    &cut.notices
                ),
                (
                    whole.untrusted,
                    whole.unreadable,
                    whole.lines,
                    whole.known,
                    &whole.notices
                ),
                "in blocks of {size}"
            );
        }
    }
    whole
}

fn fixture(name: &str) -> Vec<u8> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("fixtures/formats")
        .join(name);
    std::fs::read(&path).unwrap_or_else(|why| panic!("{}: {why}", path.display()))
}

/// File, drop lines, lines they stand for, untrusted, lines or records; counted by eye in the captures.
const CAPTURES: &[(&str, usize, u32, usize, u64)] = &[
    ("journalctl/out.cat.txt", 8, 8, 0, 12),
    ("journalctl/out.export.txt", 6, 6, 2, 10),
    ("journalctl/sample.export", 6, 6, 2, 10),
    ("journalctl/out.json-pretty.txt", 5, 5, 2, 10),
    ("journalctl/out.json-seq.txt", 5, 5, 2, 10),
    ("journalctl/out.json-sse.txt", 5, 5, 2, 20),
    ("journalctl/out.json.all.txt", 6, 6, 2, 10),
    ("journalctl/out.json.txt", 5, 5, 2, 10),
    ("journalctl/out.json.colors.txt", 5, 5, 2, 10),
    ("journalctl/out.json-pretty.colors.txt", 5, 5, 2, 10),
    ("journalctl/out.verbose.colors.txt", 5, 5, 2, 12),
    ("journalctl/out.verbose.kathmandu.txt", 5, 5, 2, 11),
    ("journalctl/out.verbose.reversed.txt", 5, 5, 2, 11),
    ("journalctl/out.short.reversed.txt", 5, 5, 2, 13),
    ("journalctl/out.short.grep.txt", 5, 5, 2, 11),
    ("journalctl/out.short.no-full.txt", 5, 5, 2, 13),
    ("journalctl/out.short-full.kathmandu.txt", 5, 5, 2, 13),
    ("journalctl/out.noentries.txt", 0, 0, 0, 1),
    ("journalctl/out.short-delta.txt", 5, 5, 2, 13),
    ("journalctl/out.short-full.txt", 5, 5, 2, 13),
    ("journalctl/out.short-iso-precise.txt", 5, 5, 2, 13),
    ("journalctl/out.short-iso.nohostname.txt", 5, 5, 2, 13),
    ("journalctl/out.short-iso.txt", 5, 5, 2, 13),
    ("journalctl/out.short-monotonic.txt", 5, 5, 2, 13),
    ("journalctl/out.short-precise.txt", 5, 5, 2, 13),
    ("journalctl/out.short-unix.txt", 5, 5, 2, 13),
    ("journalctl/out.short.all.txt", 6, 6, 2, 13),
    ("journalctl/out.short.colors.txt", 2, 2, 0, 3),
    ("journalctl/out.short.txt", 5, 5, 2, 13),
    ("journalctl/out.showcursor.txt", 2, 2, 0, 3),
    ("journalctl/out.verbose.txt", 5, 5, 2, 11),
    ("journalctl/out.with-unit.txt", 5, 5, 2, 13),
    ("dmesg/out.HTx.txt", 3, 3, 0, 5),
    ("dmesg/out.x.txt", 3, 3, 0, 5),
    ("dmesg/out.x_H___nopager.txt", 3, 3, 0, 5),
    // This version of dmesg puts the rest of the file into each message: two messages of others hold drop lines.
    ("dmesg/out.x_J.txt", 3, 3, 2, 5),
    ("dmesg/out.x_L_always.txt", 3, 3, 0, 5),
    ("dmesg/out.x_T.txt", 3, 3, 0, 5),
    ("dmesg/out.x__time_format_ctime.txt", 3, 3, 0, 5),
    ("dmesg/out.x__time_format_delta.txt", 3, 3, 0, 5),
    ("dmesg/out.x__time_format_iso.txt", 3, 3, 0, 5),
    ("dmesg/out.x__time_format_notime.txt", 3, 3, 0, 5),
    ("dmesg/out.x__time_format_reltime.txt", 3, 3, 0, 5),
    ("dmesg/out.x_d.txt", 3, 3, 0, 5),
    ("dmesg/out.x_e.txt", 3, 3, 0, 5),
    ("dmesg/out.x_r.txt", 3, 3, 0, 5),
    ("dmesg/out.x_t.txt", 3, 3, 0, 5),
    ("dmesg/out.x_x.txt", 3, 3, 0, 5),
    ("dmesg/out.x_x__T.txt", 3, 3, 0, 5),
    ("dmesg/raw.kmsg", 2, 2, 0, 6),
    ("dmesg/raw.syslog", 3, 3, 0, 5),
    ("jq/out.txt", 5, 5, 2, 10),
    ("jq/out.s.txt", 5, 5, 2, 10),
    ("jq/out.s__tab.txt", 5, 5, 2, 10),
    ("jq/out.s__crlf.txt", 5, 5, 2, 10),
    ("jq/out.s_c.txt", 5, 5, 2, 10),
    ("rsyslog/forward.log", 6, 8, 1, 7),
    ("rsyslog/json.log", 6, 8, 1, 7),
    ("rsyslog/rfc3339-fileformat.log", 6, 8, 1, 7),
    ("rsyslog/rfc5424.log", 6, 8, 1, 7),
    ("rsyslog/traditional-forward.log", 6, 8, 1, 7),
    ("rsyslog/traditional.log", 6, 8, 1, 7),
];

/// Returns the number of messages that journalctl has hidden in `log`: in the captures, one of the kernel.
fn hidden(log: &[u8]) -> usize {
    memchr::memmem::find_iter(log, "B blob data]").count()
}

#[test]
fn captures_are_read_with_the_right_numbers() {
    let mut wrong = Vec::new();
    for &(name, drops, logged, untrusted, lines) in CAPTURES {
        let log = fixture(name);
        let seen = scan(&log);
        let sum: u32 = seen.drops.iter().map(|drop| drop.repeats).sum();
        let is = (
            seen.drops.len(),
            sum,
            seen.untrusted,
            seen.unreadable,
            seen.lines,
            seen.known,
        );
        let should = (drops, logged, untrusted, hidden(&log), lines, true);
        if is != should {
            wrong.push(format!("{name}: {is:?}, not {should:?}"));
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

#[test]
fn every_capture_is_in_the_table() {
    for folder in ["journalctl", "dmesg", "jq", "rsyslog"] {
        let path = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("fixtures/formats")
            .join(folder);
        for file in std::fs::read_dir(path).unwrap() {
            let name = format!("{folder}/{}", file.unwrap().file_name().display());
            assert!(CAPTURES.iter().any(|row| row.0 == name), "{name}");
        }
    }
}

#[test]
fn each_format_reads_its_own_sample() {
    let prefixes = Prefixes::documented();
    for format in FORMATS {
        let read = format_of(format.sample.as_bytes(), &prefixes).map(|format| format.code);
        assert_eq!(read, Some(format.code), "{}", format.title);
        if format.code != "marker" {
            assert_eq!(
                scan(format.sample.as_bytes()).drops.len(),
                1,
                "{}",
                format.code
            );
        }
    }
    for place in PLACES.iter().filter(|place| !place.sample.is_empty()) {
        let seen = scan(place.sample.as_bytes());
        assert_eq!(
            (seen.drops.len(), seen.unreadable),
            (1, 0),
            "{}",
            place.title
        );
    }
}

#[test]
fn codes_are_kebab_case_and_differ() {
    let mut codes: Vec<&str> = FORMATS.iter().map(|format| format.code).collect();
    assert!(codes.iter().all(|code| {
        code.bytes()
            .all(|b| b.is_ascii_lowercase() || b == b'-' || b.is_ascii_digit())
    }));
    codes.sort_unstable();
    let all = codes.len();
    codes.dedup();
    assert_eq!(codes.len(), all);
}

/// Message of the capture's first record in all forms. The host is `None` in forms without one.
const MESSAGE: &str = "HARVESTER_DROP_IN=mgmt-br OUT= MAC=52:54:00:ab:cd:ef:52:54:00:ab:cd:ea:08:00 SRC=192.168.122.61 DST=192.168.122.63 LEN=52 TOS=0x00 PREC=0x00 TTL=64 ID=1 DF PROTO=TCP SPT=9345 DPT=46002 WINDOW=521 RES=0x00 ACK FIN URGP=0 ";

#[test]
fn one_capture_is_the_same_in_all_forms() {
    const HOST: Option<&str> = Some("harvester1");
    // The kernel wrote the message a millisecond before the journal received it. Only some forms tell both, so the
    // reception counts in all of them, as long as the message did not wait for the journal to start.
    const RECEIVED: &str = "2026-04-22T10:00:01.123456Z";
    const SECOND: &str = "2026-04-22T10:00:01Z";
    let forms = [
        ("short", SECOND, HOST),
        ("short.all", SECOND, HOST),
        ("short-precise", RECEIVED, HOST),
        ("short-iso", SECOND, HOST),
        ("short-iso-precise", RECEIVED, HOST),
        ("short-iso.nohostname", SECOND, None),
        ("short-full", SECOND, HOST),
        ("with-unit", SECOND, HOST),
        ("short-unix", RECEIVED, HOST),
        ("short-monotonic", "[12345.677901]", HOST),
        ("short-delta", "[12345.677901]", HOST),
        ("verbose", RECEIVED, HOST),
        ("export", RECEIVED, HOST),
        ("json", RECEIVED, HOST),
        ("json-pretty", RECEIVED, HOST),
        ("json-sse", RECEIVED, HOST),
        ("json-seq", RECEIVED, HOST),
        ("short-full.kathmandu", SECOND, HOST),
        ("verbose.kathmandu", RECEIVED, HOST),
        ("verbose.colors", RECEIVED, HOST),
        ("json.colors", RECEIVED, HOST),
        ("json-pretty.colors", RECEIVED, HOST),
        ("short.grep", SECOND, HOST),
        ("cat", "at an unknown time", None),
    ];
    for (form, time, host) in forms {
        let drop = scan(&fixture(&format!("journalctl/out.{form}.txt"))).drops[0].clone();
        assert_eq!(
            (
                drop.time.as_str(),
                drop.host.as_deref(),
                drop.message.as_str()
            ),
            (time, host, MESSAGE),
            "{form}"
        );
    }
}

/// Time, host and message of the one drop line in a log, in all the forms that no capture has.
#[test]
fn further_forms() {
    const DROP: &str = "HARVESTER_DROP_IN=mgmt-br OUT= SRC=10.0.0.1 DST=10.0.0.2 PROTO=2 ";
    const D: &str = DROP;
    const SECOND: &str = "2026-05-05T04:31:28Z";
    const MICRO: &str = "2026-05-05T04:31:28.123456Z";
    const NEVER: &str = "at an unknown time";
    let h = Some("h1");
    let cases: &[(&str, String, &str, Option<&str>)] = &[
        ("de", format!("Mai 05 04:31:28 h1 kernel: {D}\n"), SECOND, h),
        ("fr", format!("mai 05 04:31:28 h1 kernel: {D}\n"), SECOND, h),
        (
            "fr, long",
            format!("avril 05 04:31:28 h1 kernel: {D}\n"),
            "2026-04-05T04:31:28Z",
            h,
        ),
        ("es", format!("may 05 04:31:28 h1 kernel: {D}\n"), SECOND, h),
        (
            "ja",
            format!(" 5月 05 04:31:28 h1 kernel: {D}\n"),
            SECOND,
            h,
        ),
        (
            "pt",
            format!("out 05 04:31:28 h1 kernel: {D}\n"),
            "2026-10-05T04:31:28Z",
            h,
        ),
        ("ru", format!("мая 05 04:31:28 h1 kernel: {D}\n"), SECOND, h),
        (
            "traditional",
            format!("May  5 04:31:28 h1 kernel: [12345.6] {D}\n"),
            SECOND,
            h,
        ),
        (
            "vyos",
            format!("May 05 04:31:28 kernel: [12345.6] {D}\n"),
            SECOND,
            None,
        ),
        (
            "busybox",
            format!("May  5 04:31:28 h1 kern.warn kernel: [   12.3] {D}\n"),
            SECOND,
            h,
        ),
        (
            "busybox syslogd",
            format!("May  5 04:31:28 h1 kern.warn kernel: {D}\n"),
            SECOND,
            h,
        ),
        (
            "busybox, no host",
            format!("May  5 04:31:28 kern.warn kernel: {D}\n"),
            SECOND,
            None,
        ),
        (
            "vmunix",
            format!("May  5 04:31:28 h1 vmunix: {D}\n"),
            SECOND,
            h,
        ),
        (
            "level in the message",
            format!("May  5 04:31:28 h1 kernel: <4>[12.5] {D}\n"),
            SECOND,
            h,
        ),
        (
            "crlf",
            format!("May  5 04:31:28 h1 kernel: {D}\r\n"),
            SECOND,
            h,
        ),
        (
            "nuls",
            format!("\0\0\0\0May  5 04:31:28 h1 kernel: {D}\n\0\0\0\0"),
            SECOND,
            h,
        ),
        (
            "no line end",
            format!("May  5 04:31:28 h1 kernel: {D}"),
            SECOND,
            h,
        ),
        (
            "grep",
            format!("logs/kernel.log:May 05 04:31:28.123456 h1 kernel: {D}\n--\n"),
            MICRO,
            h,
        ),
        (
            "grep -A",
            format!("logs/kernel.log-May 05 04:31:28.123456 h1 kernel: {D}\n--\n"),
            MICRO,
            h,
        ),
        (
            "grep -n",
            format!("kernel.log:17:2026-05-05T04:31:28.123456+00:00 h1 kernel: {D}\n"),
            MICRO,
            h,
        ),
        (
            "grep -hn",
            format!("17:2026-05-05T04:31:28.123456+00:00 h1 kernel: {D}\n"),
            MICRO,
            h,
        ),
        (
            "grep --color",
            format!(
                "May 05 04:31:28 h1 kernel: \x1b[01;31m\x1b[KHARVESTER\x1b[m\x1b[K{}\n",
                &D[9..]
            ),
            SECOND,
            h,
        ),
        (
            "iso of 254",
            format!("2026-05-05T02:01:28-02:30 h1 kernel: {D}\n"),
            SECOND,
            h,
        ),
        (
            "full, zone by number",
            format!("Tue 2026-05-05 10:16:28 +0545 h1 kernel: {D}\n"),
            SECOND,
            h,
        ),
        (
            "full, zone by name",
            format!("Tue 2026-05-05 04:31:28 CEST h1 kernel: {D}\n"),
            SECOND,
            h,
        ),
        (
            "monotonic",
            format!("[   64.999000] kernel: {D}\n"),
            "[   64.999000]",
            None,
        ),
        (
            "delta across boots",
            format!("[    4.999000 <1103418.626571*>] h1 kernel: {D}\n"),
            "[    4.999000]",
            h,
        ),
        (
            "delta, first",
            format!("[   64.999000                ] h1 kernel: {D}\n"),
            "[   64.999000]",
            h,
        ),
        (
            "caller",
            format!("[   64.999000][ T1234] {D}\n"),
            "[   64.999000]",
            None,
        ),
        (
            "caller, interrupt",
            format!("<4>[   64.999000][    C1] {D}\n"),
            "[   64.999000]",
            None,
        ),
        (
            "cpu",
            format!("[157340.932724@5] {D}\n"),
            "[157340.932724]",
            None,
        ),
        ("no printk time", format!("<4>{D}\n"), NEVER, None),
        (
            "dmesg -T, German",
            format!("[Di Mai  5 04:31:28 2026] {D}\n"),
            SECOND,
            None,
        ),
        (
            "dmesg -T, Japanese",
            format!("[火  5月  5 04:31:28 2026] {D}\n"),
            SECOND,
            None,
        ),
        (
            "kmsg",
            format!(
                "4,1234,64999000,-,caller=C1;{}\n",
                D.replace("mgmt", "\\x6dgmt")
            ),
            "[   64.999000]",
            None,
        ),
        (
            "rfc5424",
            format!(
                "<4>1 2026-05-05T04:31:28.123456Z h1 kernel - - [a@1 b=\"]\\\"\"] [12345.6] {D}\n"
            ),
            MICRO,
            h,
        ),
        (
            "rfc5424, no priority",
            format!("1 2026-05-05T04:31:28.123456Z h1 kernel - - - {D}\n"),
            MICRO,
            h,
        ),
        (
            "kubectl --timestamps",
            format!("2026-05-05T04:31:28.123456789Z {D}\n"),
            MICRO,
            None,
        ),
        (
            "kubectl --prefix",
            format!("[pod/a-b/c] May 05 04:31:28.123456 h1 kernel: {D}\n"),
            MICRO,
            h,
        ),
        (
            "kubectl --prefix --timestamps",
            format!("[pod/a-b/c] 2026-05-05T04:31:28.123456789Z [12.3] {D}\n"),
            MICRO,
            None,
        ),
        (
            "cri",
            format!("2026-05-05T06:31:28.123456789+02:00 stdout F {D}\n"),
            MICRO,
            None,
        ),
        (
            "cri of a collector",
            format!(
                "2026-05-05T04:31:30Z stdout F {{\"_HOSTNAME\":\"h1\",\"_TRANSPORT\":\"kernel\",\"date\":1777955488.123456,\"MESSAGE\":\"{D}\"}}\n"
            ),
            MICRO,
            h,
        ),
        (
            "cri in parts",
            format!(
                "2026-05-05T04:31:28.123456Z stdout P May 05 04:31:27 \n2026-05-05T04:31:28.2Z stdout P h1 kernel: {}\n2026-05-05T04:31:28.3Z stdout F {}\n",
                &D[..30],
                &D[30..]
            ),
            "2026-05-05T04:31:27Z",
            h,
        ),
        (
            "docker",
            format!(
                "{{\"log\":\"{D}\\n\",\"stream\":\"stdout\",\"time\":\"2026-05-05T04:31:28.123456789Z\"}}\n"
            ),
            MICRO,
            None,
        ),
        (
            "docker of json",
            format!(
                "{{\"log\":\"{{\\\"MESSAGE\\\":\\\"{D}\\\",\\\"_HOSTNAME\\\":\\\"h1\\\",\\\"_TRANSPORT\\\":\\\"kernel\\\",\\\"__REALTIME_TIMESTAMP\\\":\\\"1777955488123456\\\"}}\\n\",\"stream\":\"stdout\",\"time\":\"2026-05-05T05:00:00Z\"}}\n"
            ),
            MICRO,
            h,
        ),
        (
            "fluent bit",
            format!(
                "{{\"date\":1777955488.123456,\"_HOSTNAME\":\"h1\",\"_TRANSPORT\":\"kernel\",\"MESSAGE\":\"{D}\"}}\n"
            ),
            MICRO,
            h,
        ),
        (
            "fluent bit, names changed",
            format!(
                "{{\"date\":\"2026-05-05T04:31:28.123456Z\",\"hostname\":\"h1\",\"transport\":\"kernel\",\"message\":\"{D}\"}}\n"
            ),
            MICRO,
            h,
        ),
        (
            "fluent bit, kmsg",
            format!(
                "{{\"priority\":4,\"sequence\":1234,\"sec\":64,\"usec\":999000,\"msg\":\"{D}\"}}\n"
            ),
            "[   64.999000]",
            None,
        ),
        (
            "fluentd",
            format!("{{\"message\":\"May  5 04:31:28 h1 kernel: {D}\"}}\n"),
            SECOND,
            h,
        ),
        (
            "vector, journald",
            format!(
                "{{\"PRIORITY\":\"4\",\"SYSLOG_IDENTIFIER\":\"kernel\",\"_TRANSPORT\":\"kernel\",\"host\":\"h1\",\"message\":\"{D}\",\"source_type\":\"journald\",\"timestamp\":\"2026-05-05T04:31:28.123456Z\"}}\n"
            ),
            MICRO,
            h,
        ),
        (
            "vector, syslog",
            format!(
                "{{\"appname\":\"kernel\",\"facility\":\"kern\",\"hostname\":\"h1\",\"message\":\"[12345.6] {D}\",\"severity\":\"warning\",\"timestamp\":\"2026-05-05T04:31:28.123456Z\"}}\n"
            ),
            MICRO,
            h,
        ),
        (
            "filebeat",
            format!(
                "{{\"@timestamp\":\"2026-05-05T04:31:28.123Z\",\"message\":\"{D}\",\"host\":{{\"name\":\"h1\"}},\"systemd\":{{\"transport\":\"kernel\"}},\"log\":{{\"syslog\":{{\"priority\":4,\"facility\":{{\"code\":0}}}}}},\"journald\":{{\"host\":{{\"boot_id\":\"1f\"}}}}}}\n"
            ),
            "2026-05-05T04:31:28.123Z",
            h,
        ),
        (
            "elastic",
            format!(
                "{{\"_index\":\"l\",\"_source\":{{\"@timestamp\":\"2026-05-05T04:31:28.123456Z\",\"message\":\"{D}\",\"host.name\":\"h1\"}}}}\n"
            ),
            MICRO,
            h,
        ),
        (
            "logcli",
            format!(
                "{{\"labels\":{{\"nodename\":\"h1\"}},\"line\":\"{D}\",\"timestamp\":\"2026-05-05T04:31:28.123456Z\"}}\n"
            ),
            MICRO,
            h,
        ),
        (
            "rancher",
            format!(
                "{{\"log\":\"May  5 04:31:28 h1 kernel: {D}\",\"kubernetes\":{{\"host\":\"x\",\"labels\":{{\"a\":\"b\"}}}}}}\n"
            ),
            SECOND,
            h,
        ),
        (
            "opentelemetry",
            format!(
                "{{\"body\":\"{D}\",\"attributes\":{{\"_HOSTNAME\":\"h1\",\"_TRANSPORT\":\"kernel\"}},\"timestamp\":1777955488123456000}}\n"
            ),
            MICRO,
            h,
        ),
        (
            "loki, pretty",
            format!(
                "{{\n  \"status\": \"success\",\n  \"data\": {{\n    \"result\": [\n      {{\n        \"stream\": {{\n          \"host\": \"h1\"\n        }},\n        \"values\": [\n          [\n            \"1777955488123456000\",\n            \"{D}\"\n          ]\n        ]\n      }}\n    ]\n  }}\n}}\n"
            ),
            MICRO,
            h,
        ),
        (
            "coloured json",
            format!(
                "{{\x1b[0;32m\"__REALTIME_TIMESTAMP\"\x1b[0m:\"1777955488123456\",\x1b[0;32m\"_HOSTNAME\"\x1b[0m:\"h1\",\x1b[0;1;39m\"MESSAGE\"\x1b[0m:\"{D}\"}}\n"
            ),
            MICRO,
            h,
        ),
        (
            "octets",
            format!("{} <4>May  5 04:31:28 h1 kernel: {D}", 31 + D.len()),
            SECOND,
            h,
        ),
        (
            "rtc",
            format!(
                "[    1.000000] rtc_cmos 00:03: setting system clock to 2026-05-05T04:30:25 UTC (1777955425)\n[   64.000000] {D}\n"
            ),
            SECOND,
            None,
        ),
        (
            "audit",
            format!(
                "[    1.000000] audit: type=2000 audit(1777955425.123:1): state=initialized\n[   64.000456] {D}\n"
            ),
            MICRO,
            None,
        ),
        (
            "reltime",
            format!("[May 5 04:31] a\n[ +27.000000] b\n[  +1.123456] {D}\n"),
            MICRO,
            None,
        ),
    ];
    let mut wrong = Vec::new();
    let bytes = format!("{:?}", D.as_bytes());
    let bytes: [(&str, String, &str, Option<&str>); 2] = [
        // Output of Python's json.dumps for a record of `journalctl -o json`.
        (
            "bytes, spaced",
            format!(
                "{{\"__REALTIME_TIMESTAMP\": \"1777955488123456\", \"_HOSTNAME\": \"h1\", \"_TRANSPORT\": \"kernel\", \"MESSAGE\": {bytes}}}\n"
            ),
            MICRO,
            h,
        ),
        (
            "bytes",
            format!(
                "{{\"__REALTIME_TIMESTAMP\":\"1777955488123456\",\"_HOSTNAME\":\"h1\",\"_TRANSPORT\":\"kernel\",\"MESSAGE\":{}}}\n",
                bytes.replace(' ', "")
            ),
            MICRO,
            h,
        ),
    ];
    for (name, log, time, host) in cases.iter().chain(&bytes) {
        let seen = scan(log.as_bytes());
        let is: Vec<_> = seen
            .drops
            .iter()
            .map(|drop| {
                (
                    drop.time.as_str(),
                    drop.host.as_deref(),
                    drop.message.trim_end(),
                )
            })
            .collect();
        let micro = is.first().map_or("", |drop| drop.0);
        // A double holds a time of today to a quarter of a microsecond.
        let time = if *name == "filebeat" {
            &"2026-05-05T04:31:28.123000Z"
        } else {
            time
        };
        if is != [(*time, *host, DROP.trim_end())] || seen.untrusted + seen.unreadable > 0 {
            wrong.push(format!("{name}: {micro} {seen:?}"));
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

/// Text of a drop line at a place where the kernel does not write it gives no drop line.
#[test]
fn nothing_forged_is_a_drop_line() {
    const D: &str =
        "HARVESTER_DROP_IN=mgmt-br OUT= SRC=6.6.6.6 DST=7.7.7.7 PROTO=TCP SPT=1 DPT=2 SYN";
    let entry = format!(
        "__CURSOR=s=1;i=2\n__REALTIME_TIMESTAMP=1776852001123456\n_HOSTNAME=h\n_TRANSPORT=kernel\nMESSAGE={D}\n\n"
    );
    let mut binary = b"__CURSOR=s=1;i=1\n__REALTIME_TIMESTAMP=1776852001123456\n_HOSTNAME=h\n_TRANSPORT=stdout\nMESSAGE\n".to_vec();
    let value = format!("x\n\n{entry}");
    binary.extend_from_slice(&(value.len() as u64).to_le_bytes());
    binary.extend_from_slice(value.as_bytes());
    binary.extend_from_slice(b"\n\n");
    let mut concatenated = b"Apr 22 10:00:01 h systemd[1]: a\n".to_vec();
    concatenated.extend_from_slice(&binary);
    let frame = format!("<13>Apr 22 10:00:01 h app: x\n<4>Apr 22 10:00:01 h kernel: {D}");
    let cases: Vec<(&str, Vec<u8>, usize)> = vec![
        ("pid", format!("Apr 22 10:00:01 h kernel[4242]: {D}\n").into(), 1),
        ("pid, no host", format!("Apr 22 10:00:01 kernel[4242]: {D}\n").into(), 1),
        ("pid, iso", format!("2026-04-22T10:00:01+0000 h kernel[1]: {D}\n").into(), 1),
        ("pid, monotonic", format!("[   12.345678] h kernel[1]: {D}\n").into(), 1),
        ("program", format!("Apr 22 10:00:01 h app: {D}\n").into(), 1),
        ("program, monotonic", format!("[   12.345678] h app[1]: {D}\n").into(), 1),
        ("program says kernel:", format!("Apr 22 10:00:01 h app: kernel: {D}\n").into(), 1),
        ("identifier of two words", format!("Apr 22 10:00:01 h a kernel[7]: {D}\n").into(), 1),
        ("continuation", format!("Apr 22 10:00:01 h kernel: a\n                    {D}\n").into(), 1),
        ("continuation with a header", format!("Apr 22 10:00:01 h a: b\n                   Apr 22 10:00:01 h kernel: {D}\n").into(), 1),
        ("escaped line end", format!("Apr 22 10:00:01 h kernel: a#012{D}\n").into(), 1),
        ("line end in json", format!("{{\"__REALTIME_TIMESTAMP\":\"1\",\"_TRANSPORT\":\"kernel\",\"MESSAGE\":\"a\\n{D}\"}}\n").into(), 1),
        ("transport", format!("{{\"__REALTIME_TIMESTAMP\":\"1\",\"_TRANSPORT\":\"syslog\",\"SYSLOG_IDENTIFIER\":\"kernel\",\"MESSAGE\":\"{D}\"}}\n").into(), 1),
        ("transport twice", format!("{{\"__REALTIME_TIMESTAMP\":\"1\",\"_TRANSPORT\":\"syslog\",\"_TRANSPORT\":\"kernel\",\"MESSAGE\":\"{D}\"}}\n").into(), 1),
        ("transport, collector", format!("{{\"transport\":\"stdout\",\"hostname\":\"h\",\"message\":\"{D}\"}}\n").into(), 1),
        ("header in a program's json", format!("{{\"_TRANSPORT\":\"stdout\",\"MESSAGE\":\"Apr 22 10:00:01 h kernel: {D}\"}}\n").into(), 1),
        ("facility, collector", format!("{{\"appname\":\"kernel\",\"facility\":\"user\",\"message\":\"{D}\"}}\n").into(), 1),
        ("json in a program's line", format!("Apr 22 10:00:01 h app: {{\"MESSAGE\":\"{D}\",\"_TRANSPORT\":\"kernel\"}}\n").into(), 1),
        ("facility, kmsg", format!("12,1,1,-;{D}\n").into(), 1),
        ("facility, dmesg -r", format!("<12>[    1.000000] {D}\n").into(), 1),
        ("facility, dmesg -x", format!("user  :warn  : [    1.000000] {D}\n").into(), 1),
        ("facility, rfc5424", format!("<12>1 2026-04-22T10:00:01Z h kernel - - - {D}\n").into(), 1),
        ("process, rfc5424", format!("<4>1 2026-04-22T10:00:01Z h kernel 17 - - {D}\n").into(), 1),
        ("facility, forwarded", format!("<13>Apr 22 10:00:01 h kernel: {D}\n").into(), 1),
        ("datagram in a message", format!("<13>Apr 22 10:00:01 h app: <4>Apr 22 10:00:01 h kernel: {D}\n").into(), 1),
        ("entry in a binary field", binary, 1),
        ("the same behind lines", concatenated, 1),
        ("line in a counted frame", format!("{} {frame}", frame.len()).into(), 1),
        ("verbose, further line", format!("Wed 2026-04-22 10:00:01.123456 UTC [s=1;i=1;m=1;t=6500998586c80;x=1]\n    _TRANSPORT=stdout\n    MESSAGE=a\n            _TRANSPORT=kernel\n            MESSAGE={D}\n").into(), 1),
        ("file name in a message", format!("Apr 22 10:00:01 h app: x.log:Apr 22 10:00:01 h kernel: {D}\n").into(), 1),
        ("another prefix", format!("Apr 22 10:00:01 h kernel: FULL_{D}\n").into(), 0),
    ];
    let mut wrong = Vec::new();
    for (name, log, untrusted) in cases {
        let seen = scan(&log);
        if !seen.drops.is_empty() || seen.untrusted != untrusted || seen.unreadable != 0 {
            wrong.push(format!("{name}: {seen:?}"));
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

#[test]
fn syslog_without_line_ends_is_cut_into_its_messages() {
    let datagram =
        "<4>Apr 22 10:00:01 h kernel: HARVESTER_DROP_IN=a OUT= SRC=1.1.1.1 DST=2.2.2.2 PROTO=2";
    let counted = format!("{} {datagram}", datagram.len());
    for message in [datagram, &counted] {
        // More than a record may have, so that the end of the log does not help.
        let count = (2 << 20) / message.len();
        let seen = scan(message.repeat(count).as_bytes());
        assert_eq!((seen.drops.len(), seen.unreadable), (count, 0), "{message}");
    }
}

#[test]
fn another_prefix_may_be_any_text() {
    for prefix in ["IPT [drop] ", "dröp+", "x"] {
        for colour in ["", "\x1b[1m"] {
            let log = format!("Apr 22 10:00:01 h kernel: {colour}{prefix}IN=a OUT= \n");
            let mut scanner = Reader::new(Prefixes::only(prefix), reading());
            let mut drops = 0;
            let mut sink = |item: LogEvent<'_>| {
                if let LogEvent::Drops(entries) = item {
                    drops += entries.len();
                }
            };
            scanner.push(log.as_bytes(), &mut sink);
            scanner.finish(&mut sink);
            assert_eq!(drops, 1, "{prefix}");
        }
    }
    // An empty prefix makes no sense, but must not loop for ever.
    let mut scanner = Reader::new(Prefixes::only(""), reading());
    scanner.push(b"Apr 22 10:00:01 h kernel: IN=a\n\n", &mut |_| {});
    scanner.finish(&mut |_| {});
}

#[test]
fn what_has_no_known_header_is_unreadable() {
    let seen = scan(b"something HARVESTER_DROP_IN=a\n");
    assert_eq!(
        (seen.drops.len(), seen.unreadable, seen.known),
        (0, 1, false)
    );
}

#[test]
fn a_log_whose_form_changes_is_read_on() {
    const FORMS: [&str; 18] = [
        "journalctl/out.short",
        "jq/out.s",
        "journalctl/out.export",
        "journalctl/out.json-pretty",
        "journalctl/out.short-monotonic",
        "jq/out.s__crlf",
        "journalctl/out.verbose",
        "journalctl/out.json",
        "journalctl/out.short-unix",
        "journalctl/out.json-sse",
        "jq/out.s_c",
        "journalctl/out.json-pretty",
        "journalctl/out.verbose",
        "jq/out.s__tab",
        "journalctl/out.export",
        "journalctl/out.short-iso",
        "jq/out",
        "journalctl/out.short-delta",
    ];
    let names = FORMS.map(|form| format!("{form}.txt"));
    let log: Vec<u8> = names.iter().flat_map(|name| fixture(name)).collect();
    let seen = scan(&log);
    let rows = names.map(|name| CAPTURES.iter().find(|row| row.0 == name).expect("a row"));
    let sum =
        |of: fn(&(&str, usize, u32, usize, u64)) -> usize| rows.iter().map(|row| of(row)).sum();
    let (drops, untrusted) = (sum(|row| row.1), sum(|row| row.3));
    assert_eq!(
        (seen.drops.len(), seen.untrusted, seen.unreadable),
        (drops, untrusted, hidden(&log))
    );
}

#[test]
fn a_brace_that_nobody_closes_hides_no_line() {
    let sample = FORMATS.iter().find(|format| format.code == "short");
    let line = sample.expect("a format").sample;
    for open in [
        "{",
        "[{",
        "[ {",
        "[",
        "[1,",
        "{\"a\":",
        "{\"a\":[{}",
        "{\"a",
    ] {
        let log = format!("{line}\n{open}\n{line}\n{line}\n");
        for size in [1, 7, 4096] {
            let seen = scan_in(log.as_bytes(), size);
            assert_eq!(seen.drops.len(), 3, "{open} in blocks of {size}");
            assert_eq!((seen.unreadable, seen.lines), (0, 4), "{open}");
        }
    }
}

#[test]
fn a_document_behind_a_byte_order_mark_or_nuls_is_read() {
    let on_a_line = |place: &&dropsift::input::Place| !place.sample.trim_end().contains('\n');
    for place in PLACES.iter().filter(on_a_line) {
        let plain = scan(place.sample.as_bytes());
        for before in ["\u{feff}", "\0", "\0\0\0"] {
            let log = format!("{before}{}\n", place.sample);
            let seen = scan(log.as_bytes());
            assert_eq!(seen.drops, plain.drops, "{}", place.title);
        }
    }
}

#[test]
fn notices_tell_what_was_lost() {
    use NoticeKind::{Boot, ConntrackFull, JournalSuppressed, Missed, Suppressed, TimeBack};
    const HEAD: &str = "May 05 04:31:28 h1";
    const D: &str = "HARVESTER_DROP_IN=a OUT= SRC=1.1.1.1 DST=2.2.2.2 PROTO=2";
    let cases: &[(String, &[(NoticeKind, u64)])] = &[
        (format!("{HEAD} systemd-journald[311]: Missed 12 kernel messages\n"), &[(Missed, 12)]),
        (format!("{HEAD} app[311]: Missed 12 kernel messages\n"), &[]),
        (format!("{HEAD} app[311]: systemd-journald: Missed 12 kernel messages\n"), &[]),
        (format!("{HEAD} systemd-journald[311]: Suppressed 1047 messages from a.service\n"), &[(JournalSuppressed, 1047)]),
        (format!("{HEAD} kernel: net_ratelimit: 37 callbacks suppressed\n"), &[(Suppressed, 37)]),
        (format!("{HEAD} app[1]: net_ratelimit: 37 callbacks suppressed\n"), &[]),
        (format!("{HEAD} kernel: [12.3] printk: 5 messages suppressed.\n"), &[(Suppressed, 5)]),
        (format!("{HEAD} kernel: nf_conntrack: nf_conntrack: table full, dropping packet\n"), &[(ConntrackFull, 1)]),
        ("[12.345678] nf_conntrack: table full, dropping packet\n".into(), &[(ConntrackFull, 1)]),
        ("-- Reboot --\n".into(), &[(Boot, 1)]),
        (format!("{HEAD} app[1]: -- Boot x --\n"), &[]),
        (format!("{HEAD} kernel: a\n-- Boot 1f2e3d4c5b6a79880011223344556677 --\n{HEAD} kernel: Linux version 6.4.0\n"), &[(Boot, 1)]),
        ("{\"__REALTIME_TIMESTAMP\":\"1\",\"_TRANSPORT\":\"kernel\",\"MESSAGE\":\"Linux version 6.4.0\"}\n".into(), &[(Boot, 1)]),
        (format!("May 05 04:31:28 h kernel: {D}\nMay 05 04:31:29 h kernel: {D}\nMay 05 04:30:29 h kernel: {D}\n"), &[(TimeBack, 60)]),
        (format!("May 05 04:31:29 h kernel: {D}\nMay 05 04:31:28 h kernel: {D}\nMay 05 04:30:28 h kernel: {D}\n"), &[]),
        (format!("{HEAD} kernel: {D} 7 callbacks suppressed Linux version \n"), &[]),
    ];
    for (log, notices) in cases {
        assert_eq!(scan(log.as_bytes()).notices, *notices, "{log}");
    }
}

#[test]
fn repeats_count() {
    const D: &str = "HARVESTER_DROP_IN=a OUT= SRC=1.1.1.1 DST=2.2.2.2 PROTO=2";
    let cases = [
        (
            format!(
                "May  5 04:31:28 h kernel: {D}\nMay  5 04:31:30 h last message repeated 3 times\n"
            ),
            4,
        ),
        (
            format!(
                "May  5 04:31:28 h kernel: {D}\nMay  5 04:31:30 h kernel: last message repeated 3 times\n"
            ),
            4,
        ),
        (
            format!(
                "May  5 04:31:28 h kernel: {D}\nMay  5 04:31:30 i last message repeated 3 times\n"
            ),
            1,
        ),
        (
            format!(
                "May  5 04:31:28 h app: {D}\nMay  5 04:31:30 h last message repeated 3 times\n"
            ),
            0,
        ),
        (
            format!("May  5 04:31:28 h kernel: message repeated 2 times: [ {D}]\n"),
            2,
        ),
        // What a user wrote (`logger -t`), whose tag is no kernel's.
        (
            format!(
                "May  5 04:31:28 h kernel: {D}\nMay  5 04:31:30 h me: last message repeated 999 times\n"
            ),
            1,
        ),
        (
            format!(
                "May  5 04:31:28 h kernel: {D}\nMay  5 04:31:30 h me[7]: last message repeated 999 times\n"
            ),
            1,
        ),
        (
            format!(
                "May  5 04:31:28 h kernel: {D}\nMay  5 04:31:30 h kernel[7]: last message repeated 999 times\n"
            ),
            1,
        ),
        (
            format!(
                "May  5 04:31:28 h kernel: {D}\nMay  5 04:31:30 h me last message repeated 999 times\n"
            ),
            1,
        ),
        (
            format!(
                "May  5 04:31:28 h kernel: {D}\nMay  5 04:31:30 h last message repeated 999 times: me\n"
            ),
            1,
        ),
        // Ten digits are one number, and more than any daemon counts is none.
        (
            format!(
                "May  5 04:31:28 h kernel: {D}\nMay  5 04:31:30 h last message repeated 1000000000 times\n"
            ),
            1_000_000_001,
        ),
        (
            format!(
                "May  5 04:31:28 h kernel: {D}\nMay  5 04:31:30 h last message repeated 12345678901 times\n"
            ),
            1,
        ),
        (
            format!("May  5 04:31:28 h kernel: message repeated 12345678901 times: [ {D}]\n"),
            0,
        ),
    ];
    for (log, logged) in cases {
        let seen = scan(log.as_bytes());
        assert_eq!(
            seen.drops.iter().map(|drop| drop.repeats).sum::<u32>(),
            logged,
            "{log}"
        );
    }
}

#[test]
fn broken_input_is_survived() {
    let forms = [
        "short",
        "export",
        "json-pretty",
        "json",
        "verbose",
        "json-seq",
        "short-delta",
    ];
    for form in forms {
        let log = fixture(&format!("journalctl/out.{form}.txt"));
        for at in (0..log.len()).step_by(397) {
            scan_in(&log[at..], 4096);
            scan_in(&log[..at], 4096);
            let mut damaged = log.clone();
            damaged[at] = [0, 0xff, b'\n', b'"', b'{', 0x1b][(at / 397) % 6];
            scan_in(&damaged, 333);
        }
    }
    for hostile in [
        "{".repeat(100_000),
        "[".repeat(100_000),
        "a:".repeat(100_000),
        "<4>".repeat(100_000),
        "{\"a\":".repeat(50_000),
        "data: ".repeat(1000),
        "1 ".repeat(1000),
        "[pod/a] HARVESTER_DROP_".repeat(1000),
        "\n{\n".repeat(1000),
        "__CURSOR=\nMESSAGE\n\u{1}\u{1}\u{1}\u{1}\u{1}\u{1}\u{1}\u{1}".repeat(10),
        "a-b:HARVESTER_DROP_IN=".repeat(1000),
        "2026-04-22T10:00:01Z stdout P HARVESTER_DROP_IN=\n".repeat(1000),
    ] {
        scan_in(hostile.as_bytes(), 4096);
        scan_in(
            format!("{hostile} HARVESTER_DROP_IN=\n").as_bytes(),
            usize::MAX,
        );
    }
}

/// Text without a line end takes no more memory than one record, and the lines after it are read.
#[test]
fn a_hundred_mebibytes_without_a_line_end() {
    let block = vec![b'x'; 1 << 20];
    let mut drops = 0;
    let mut unreadable = 0;
    let mut scanner = Reader::new(Prefixes::documented(), reading());
    let mut sink = |item: LogEvent<'_>| match item {
        LogEvent::Drops(entries) => drops += entries.len(),
        LogEvent::Unreadable { record, .. } => unreadable += usize::from(record.len() <= 200),
        _ => {}
    };
    for _ in 0..100 {
        scanner.push(&block, &mut sink);
    }
    scanner.push(
        b"\nApr 22 10:00:01 h kernel: HARVESTER_DROP_IN=a OUT= \n",
        &mut sink,
    );
    scanner.finish(&mut sink);
    assert_eq!(scanner.lines(), 2);
    assert_eq!((drops, unreadable), (1, 1));
}

/// A response of Loki with many records, all on one line.
#[test]
fn a_large_document_on_one_line() {
    let value = r#"["1776852001123456000","HARVESTER_DROP_IN=mgmt-br OUT= SRC=1.1.1.1 DST=2.2.2.2 PROTO=2 "]"#;
    let other = r#"["1776852001123456000","something else, of which there is far more in a log than drop lines"]"#;
    let mut log = br#"{"status":"success","data":{"resultType":"streams","result":[{"stream":{"hostname":"h1"},"values":["#.to_vec();
    for at in 0..60_000 {
        log.extend_from_slice(if at % 100 == 0 { value } else { other }.as_bytes());
        log.push(b',');
    }
    log.pop();
    log.extend_from_slice(b"]}]}}\n");
    for size in [4096, 256 * 1024, usize::MAX] {
        let seen = scan_in(&log, size);
        assert_eq!(seen.drops.len(), 600, "in blocks of {size}");
        assert_eq!(seen.lines, 60_000);
        assert!(
            seen.drops
                .iter()
                .all(|drop| drop.host.as_deref() == Some("h1"))
        );
    }
}
