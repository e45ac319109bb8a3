//! The ways to the same records: the index and the search, the walk through all objects, and the stream.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;

use super::made::{Made, Packing};
use super::{FIRST, journal, streamed, told};
use crate::support::{Dice, Seen, drop_line, dropsift, options, read, run, sample_journal};
use dropsift::input::event::LogEvent;
use dropsift::input::source::{Options, read_file, read_stream};
use dropsift::time::{Moment, Time};

/// Returns all results of a journal: drop lines and notices in their order, and untrusted records.
fn items(seen: &Seen) -> Vec<String> {
    let mut items: Vec<String> = seen.drops.iter().map(|drop| format!("{drop:?}")).collect();
    items.extend(seen.notices.iter().cloned());
    let mut untrusted = seen.untrusted.clone();
    untrusted.sort();
    items.extend(untrusted);
    items.push(format!(
        "{} entries, {} logs",
        seen.summary.lines, seen.ends
    ));
    items.extend(seen.errors.iter().cloned());
    items
}

/// Creates a journal of 24 MB, 2 % of it the kernel's: drop lines, other lines, a compressed one, notices, a reboot, and
/// messages of other programs about the firewall.
pub(super) fn container_log(entries: usize) -> String {
    let mut text = String::new();
    let mut dice = Dice(16);
    let filler =
        "lorem ipsum dolor sit amet consetetur sadipscing elitr sed diam nonumy eirmod tempor ";
    for n in 0..entries {
        let at = FIRST + n as i64 * 70_000;
        let boot = if n < entries / 2 { '1' } else { '2' };
        let from = dice.roll(filler.len());
        let (transport, identifier, message) = match n % 100 {
            3 => ("kernel", "kernel", drop_line(n)),
            53 if n % 300 == 53 => ("kernel", "kernel", format!("usb 1-1: device {n}")),
            53 if n % 300 == 153 => ("kernel", "kernel", format!("cut {}", "x ".repeat(400))),
            71 if n % 1000 == 71 => ("kernel", "kernel", format!("net: {n} callbacks suppressed")),
            72 if n % 1000 == 172 => ("kernel", "kernel", "Linux version 6.4".to_owned()),
            73 if n % 1000 == 273 => (
                "driver",
                "systemd-journald",
                format!("Missed {n} kernel messages"),
            ),
            75 if n % 500 == 75 => ("syslog", "kernel", drop_line(n)),
            76 if n % 500 == 176 => ("stdout", "grep", format!("{n} {}", drop_line(n))),
            77 if n % 500 == 277 => (
                "stdout",
                "app",
                "FULL_HARVESTER_DROP_ is no prefix".to_owned(),
            ),
            _ => (
                "stdout",
                "app",
                format!(
                    "{n} {}{}",
                    &filler[from..],
                    &filler.repeat(1 + n % 7)[from..]
                ),
            ),
        };
        let _ = write!(
            text,
            "__REALTIME_TIMESTAMP={at}\n__MONOTONIC_TIMESTAMP={}\n_BOOT_ID={boot}f2e3d4c5b6a79880011223344556677\n\
             _HOSTNAME=harvester{}\nPRIORITY=4\nSYSLOG_IDENTIFIER={identifier}\n_TRANSPORT={transport}\n{}\
             _SOURCE_MONOTONIC_TIMESTAMP={}\nMESSAGE={message}\n\n",
            5_000_000 + n as i64 * 70_000,
            1 + n % 2,
            // The kernel is no process.
            match transport {
                "kernel" => String::new(),
                _ => format!("_PID={}\n", n % 50),
            },
            // Some waited long for journald.
            5_000_000 + n as i64 * 70_000 - if n % 700 == 3 { 4_000_000 } else { 20 },
        );
    }
    text
}

/// The same records by all ways, and as `journalctl -o export` has them.
fn all_ways(folder: &Path, path: &Path) {
    let file = read(path);
    let stream = streamed(std::fs::read(path).unwrap());
    same(&items(&file), &items(&stream));
    let (mut sought, mut come) = (BTreeMap::new(), BTreeMap::new());
    read_file(path, &options(), &mut |event| last(&mut sought, &event));
    let bytes = std::io::Cursor::new(std::fs::read(path).unwrap());
    read_stream("stream", bytes, &options(), &mut |event| {
        last(&mut come, &event);
    });
    assert_eq!((sought.len(), &sought), (2, &come));
    let export = run(
        folder,
        &format!("journalctl --file {} -o export --all", path.display()),
    );
    let exported = folder.join("exported");
    std::fs::write(&exported, export.unwrap()).unwrap();
    let export = read(&exported);
    assert_eq!(file.untrusted.len(), export.untrusted.len());
    assert_eq!(file.summary.lines, export.summary.lines);
    same(&file.drops, &export.drops);
    same(&file.notices, &export.notices);
}

/// Keeps the time of the last entry of each machine.
fn last(all: &mut BTreeMap<String, (Time, Option<i64>)>, event: &LogEvent<'_>) {
    if let LogEvent::Alive {
        time,
        monotonic,
        host: Some(host),
    } = event
    {
        let latest = all.entry((*host).to_owned()).or_insert((*time, *monotonic));
        *latest = (*latest).max((*time, *monotonic));
    }
}

/// Two lists are the same; the first difference is shown.
fn same<T: PartialEq + std::fmt::Debug>(one: &[T], other: &[T]) {
    let differs = one.iter().zip(other).find(|(one, other)| one != other);
    assert!(differs.is_none(), "{differs:?}");
    assert_eq!(one.len(), other.len());
}

#[test]
fn all_ways_lead_to_the_same_records() {
    let folder = tempfile::tempdir().unwrap();
    let text = container_log(33_000);
    for setting in ["", "SYSTEMD_JOURNAL_COMPACT=0"] {
        let Some(path) = journal(folder.path(), "large.journal", &text, setting) else {
            return;
        };
        // Less is walked through, which this is to be compared with.
        assert!(path.metadata().unwrap().len() > 16 << 20);
        all_ways(folder.path(), &path);
        std::fs::remove_file(path).unwrap();
    }
    let small = journal(folder.path(), "small.journal", &container_log(2000), "").unwrap();
    all_ways(folder.path(), &small);
}

#[test]
fn all_ways_read_the_samples() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("sample.journal");
    std::fs::write(&path, sample_journal()).unwrap();
    let (file, stream) = (read(&path), streamed(sample_journal()));
    same(&items(&file), &items(&stream));
}

#[test]
fn values_packed_in_each_way_are_read() {
    let folder = tempfile::tempdir().unwrap();
    for packing in [Packing::Zstd, Packing::Xz, Packing::Lz4] {
        let mut made = Made::new(packing);
        let mut last = 0;
        for n in 0..50_u64 {
            // Longer than the kernel writes one, so that it is packed.
            let message = format!("MESSAGE={}{}", drop_line(n as usize), "OPT ".repeat(100));
            let fields: [&[u8]; 4] = [
                b"_TRANSPORT=kernel",
                b"_HOSTNAME=harvester1",
                b"SYSLOG_IDENTIFIER=kernel",
                message.as_bytes(),
            ];
            last = made.entry(FIRST as u64 + n * 1000, &fields);
        }
        let bytes = made.finish();
        let path = folder.path().join("made.journal");
        std::fs::write(&path, &bytes).unwrap();
        let file = read(&path);
        assert_eq!(file.errors, [""; 0], "{packing:?}");
        assert_eq!((file.drops.len(), file.summary.lines), (50, 50));
        if run(folder.path(), "journalctl --version").is_some() {
            let (drops, count) = told(folder.path(), "--file made.journal");
            assert_eq!(
                (&file.drops, file.summary.lines),
                (&drops, count),
                "{packing:?}"
            );
        }
        let stream = streamed(bytes.clone());
        same(&items(&file), &items(&stream));
        // A bit that flips in the last message costs that message; it stands before its entry.
        let mut damaged = bytes;
        damaged[last - 40] ^= 16;
        std::fs::write(&path, &damaged).unwrap();
        let damaged = read(&path);
        assert_eq!(
            (damaged.drops.len(), damaged.errors.len()),
            (49, 1),
            "{packing:?}"
        );
    }
}

#[test]
fn files_that_ended_before_are_skipped() {
    let folder = tempfile::tempdir().unwrap();
    let logs = folder.path().join("logs");
    std::fs::create_dir(&logs).unwrap();
    for (name, day) in [("old", 0), ("new", 2)] {
        let mut made = Made::new(Packing::Zstd);
        for n in 0..10_u64 {
            let message = format!("MESSAGE={}", drop_line(n as usize));
            let at = FIRST as u64 + day * 86_400_000_000 + n;
            made.entry(at, &[b"_TRANSPORT=kernel", message.as_bytes()]);
        }
        let mut bytes = made.finish();
        if name == "old" {
            // This part is not read, so the damage is not noticed.
            let at = bytes.len() - 200;
            bytes[at..].fill(0xff);
        }
        std::fs::write(logs.join(name), bytes).unwrap();
    }
    let since = |day: i64| Options {
        since: Some(Moment::At(Time(FIRST + day * 86_400_000_000))),
        ..options()
    };
    let read = |day| Seen::of(|sink| read_file(&logs, &since(day), sink));
    let seen = read(1);
    assert_eq!((seen.drops.len(), seen.summary.lines), (10, 10));
    assert_eq!(seen.errors, [""; 0]);
    let is_told = |notice: &String| notice.starts_with("EndedBefore") && notice.ends_with(" 10");
    assert_eq!(seen.notices.iter().filter(|told| is_told(told)).count(), 1);
    assert_eq!(
        read(3).notices.iter().filter(|told| is_told(told)).count(),
        2
    );
    assert_eq!(read(3).summary.lines, 0);
    assert!(read(3).summary.known && read(3).drops.is_empty());
    let said = |since: &str, code| {
        let output = dropsift(folder.path(), &["--since", since, "logs"]);
        assert_eq!(output.status.code(), Some(code), "{since}");
        String::from_utf8(output.stdout).unwrap().replace('\n', " ")
    };
    let left_out = "ournals that ended before --since were not read";
    let answer = format!(
        "No drop line of logs is in the time that was asked for; j{left_out} (20 entries)."
    );
    assert_eq!(said("2027-01-01", 0).trim_end(), answer);
    let found = said("2026-04-23", 1);
    assert!(
        found.contains(&format!("! J{left_out} (10 entries)")),
        "{found}"
    );
    assert!(!read(0).errors.is_empty());
}

#[test]
fn what_looks_like_an_entry_within_a_message_is_none() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("forged.journal");
    let mut made = Made::new(Packing::Zstd);
    let genuine = format!("MESSAGE={}", drop_line(1));
    made.entry(FIRST as u64, &[b"_TRANSPORT=kernel", genuine.as_bytes()]);
    // The bytes of an entry of the kernel, within a field that any program may send.
    let mut entry = b"MESSAGE=HARVESTER_DROP_IN=".to_vec();
    entry.resize(entry.len().next_multiple_of(8), b' ');
    entry.extend([3, 0, 0, 0, 0, 0, 0, 0, 96, 0, 0, 0, 0, 0, 0, 0]);
    entry.extend(FIRST.to_le_bytes());
    entry.extend(FIRST.to_le_bytes());
    entry.extend([1; 48]);
    for n in 0..100_u64 {
        made.entry(FIRST as u64 + n, &[b"_TRANSPORT=stdout", &entry]);
    }
    std::fs::write(&path, made.finish()).unwrap();
    let seen = read(&path);
    assert_eq!((seen.drops.len(), seen.untrusted.len()), (1, 100));
    assert_eq!((seen.summary.lines, seen.errors.len()), (101, 0));
}
