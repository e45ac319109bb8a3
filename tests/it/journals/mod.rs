//! Binary journals: as `journalctl` reads them, in one file and in many, and damaged in every way.

#![allow(clippy::unwrap_used, clippy::print_stderr, reason = "these are tests")]

mod damage;
#[cfg(unix)]
mod followed;
mod long;
pub(crate) mod made;
mod many;
mod odd;
mod resumed;
mod ways;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use crate::support::{Dice, Drop, Seen, drop_line, pack, read, run, sample_journal};
use dropsift::time::Time;

const REMOTE: &str = "/lib/systemd/systemd-journal-remote";
const FIRST: i64 = 1_776_852_001_123_456;

/// Entries as `journalctl -o export` writes them: every third a drop line, some of other programs, one of a field that
/// is packed. `DROPSIFT_ENTRIES` makes it a larger number.
fn export(count: usize) -> String {
    let mut text = String::new();
    for n in 0..count {
        let at = FIRST + n as i64 * 700_000;
        let (transport, identifier, message) = match n % 30 {
            7 => ("syslog", "kernel", drop_line(n)),
            11 => ("journal", "sshd", format!("Accepted publickey for {n}")),
            13 => ("kernel", "kernel", format!("long {}", "word ".repeat(300))),
            n if n % 3 == 0 => ("kernel", "kernel", drop_line(n)),
            _ => (
                "kernel",
                "kernel",
                format!("usb 1-1: new device number {n}"),
            ),
        };
        let _ = write!(
            text,
            "__REALTIME_TIMESTAMP={at}\n__MONOTONIC_TIMESTAMP={}\n_BOOT_ID=1f2e3d4c5b6a79880011223344556677\n\
             _MACHINE_ID=28c5bf41aa984b5889fbc9de96f504c0\n_HOSTNAME=harvester1\nPRIORITY=4\n\
             SYSLOG_IDENTIFIER={identifier}\n_TRANSPORT={transport}\nMESSAGE={message}\n\n",
            5_000_000 + n as i64 * 700_000,
        );
    }
    text
}

/// Returns a journal that systemd itself wrote; `None` where that is not installed.
fn journal(folder: &Path, name: &str, export: &str, setting: &str) -> Option<PathBuf> {
    std::fs::write(folder.join("export"), export).unwrap();
    run(folder, &format!("{REMOTE} --version"))?;
    run(
        folder,
        &format!("env {setting} {REMOTE} -o {name} export 2>&1"),
    )?;
    Some(folder.join(name))
}

/// Returns the kernel's drop lines of `files`, and how many entries there are, as `journalctl` has them.
fn told(folder: &Path, files: &str) -> (Vec<Drop>, u64) {
    let export = run(folder, &format!("journalctl {files} -o export --all")).unwrap();
    let export = String::from_utf8_lossy(&export);
    let mut drops = Vec::new();
    let mut entries = 0;
    for entry in export
        .split("\n\n")
        .filter(|entry| !entry.trim().is_empty())
    {
        entries += 1;
        let fields: BTreeMap<&str, &str> =
            entry.lines().filter_map(|l| l.split_once('=')).collect();
        let of = |name: &str| (*fields.get(name).unwrap_or(&"")).to_owned();
        if of("_TRANSPORT") == "kernel" && of("MESSAGE").starts_with("HARVESTER_DROP_") {
            let time = Time(of("__REALTIME_TIMESTAMP").parse().unwrap());
            drops.push((time, of("_HOSTNAME"), of("MESSAGE")));
        }
    }
    (drops, entries)
}

/// Returns the kernel's drop lines of a file, as another reader of journals finds them: by their times and messages.
fn found_by_another(journal: &Path) -> Vec<(Time, String)> {
    let file = std::fs::File::open(journal).unwrap();
    let mut reader = systemd_journal_reader::JournalReader::new(file).unwrap();
    let mut drops = Vec::new();
    while let Some(entry) = reader.next_entry() {
        let of = |name: &str| entry.fields.get(name).map_or("", |value| &**value);
        if of("_TRANSPORT") == "kernel" && of("MESSAGE").starts_with("HARVESTER_DROP_") {
            drops.push((Time(entry.realtime as i64), of("MESSAGE").to_owned()));
        }
    }
    drops
}

fn entries() -> usize {
    told_number("DROPSIFT_ENTRIES").unwrap_or(6000)
}

/// Returns the number in an environment variable, which enlarges a test.
fn told_number(name: &str) -> Option<usize> {
    std::env::var(name).ok()?.parse().ok()
}

#[test]
fn a_journal_reads_as_journalctl_reads_it() {
    let folder = tempfile::tempdir().unwrap();
    let export = export(entries());
    let env = [
        ("compact.journal", ""),
        ("plain.journal", "SYSTEMD_JOURNAL_COMPACT=0"),
        ("unkeyed.journal", "SYSTEMD_JOURNAL_KEYED_HASH=0"),
        ("unpacked.journal", "SYSTEMD_JOURNAL_COMPRESS=0"),
    ];
    for (name, setting) in env {
        std::fs::write(folder.path().join("export"), &export).unwrap();
        if run(folder.path(), &format!("{REMOTE} --version")).is_none() {
            return;
        }
        // A large one is split into files as it grows.
        let own = folder.path().join(name.replace(".journal", ""));
        std::fs::create_dir(&own).unwrap();
        let making = format!(
            "env {setting} {REMOTE} -o {}/{name} export 2>&1",
            own.display()
        );
        run(folder.path(), &making).unwrap();
        let (drops, count) = told(folder.path(), &format!("-D {}", own.display()));
        let seen = read(&own);
        assert_eq!(seen.errors, [""; 0], "{name}");
        assert_eq!(seen.summary.lines, count, "{name}");
        assert!(drops.len() > entries() / 4);
        assert!(seen.drops == drops, "{name}");
        assert_eq!(seen.untrusted.len(), entries().div_ceil(30), "{name}");
        assert_eq!(seen.ends, 1);
        assert_eq!(seen.alive.first().unwrap().0, FIRST);
        if entries() > 100_000 {
            continue;
        }
        let seen = read(&own.join(name));
        assert!(seen.drops == drops, "{name}");
        let messages = drops
            .iter()
            .map(|(time, _, message)| (*time, message.clone()));
        assert!(
            found_by_another(&own.join(name)) == messages.collect::<Vec<_>>(),
            "{name}"
        );
        let bytes = std::fs::read(own.join(name)).unwrap();
        if let Some(packed) = pack(&["zstd -c"], &bytes) {
            std::fs::write(folder.path().join("packed"), packed).unwrap();
            assert_eq!(read(&folder.path().join("packed")).told(), seen.told());
        }
    }
}

#[test]
fn the_sample_journal() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("sample");
    std::fs::write(&path, sample_journal()).unwrap();
    let seen = read(&path);
    assert_eq!(
        (seen.summary.lines, seen.errors.len()),
        (10, 0),
        "{:?}",
        seen.errors
    );
    assert_eq!(seen.untrusted.len(), 2, "{:?}", seen.untrusted);
    if run(folder.path(), "journalctl --version").is_some() {
        // One that is no UTF-8 has another form in the export.
        let (drops, count) = told(folder.path(), "--file sample");
        assert_eq!(count, 10);
        assert!(drops.iter().all(|drop| seen.drops.contains(drop)));
        assert_eq!(seen.drops.len(), drops.len() + 1);
    }
}

#[test]
fn a_directory_of_journals_is_one_log() {
    let folder = tempfile::tempdir().unwrap();
    let machine = folder.path().join("28c5bf41aa984b5889fbc9de96f504c0");
    std::fs::create_dir(&machine).unwrap();
    let all = export(900);
    let entries: Vec<&str> = all.split_inclusive("\n\n").collect();
    let kernel: String = entries[..600].concat();
    let later: String = entries[600..].concat();
    // The journal of a user lies across both, and its name before them.
    let (mut user, mut rest) = (String::new(), String::new());
    for entry in kernel.split_inclusive("\n\n") {
        if entry.contains("sshd") {
            &mut user
        } else {
            &mut rest
        }
        .push_str(entry);
    }
    let made = [
        ("system.journal", &later),
        ("system@archived.journal", &rest),
        ("a-user-1000.journal", &user),
    ];
    for (name, text) in made {
        if journal(&machine, name, text, "").is_none() {
            return;
        }
    }
    std::fs::remove_file(machine.join("export")).unwrap();
    std::fs::write(machine.join("fss"), "no journal").unwrap();
    let (drops, count) = told(folder.path(), &format!("-D {}", machine.display()));
    for path in [folder.path(), &machine] {
        let seen = read(path);
        assert_eq!(seen.errors, [""; 0]);
        assert_eq!((seen.summary.lines, seen.ends), (count, 1));
        assert_eq!(seen.drops, drops);
        assert!(seen.alive.is_sorted());
    }
}

#[test]
fn a_form_that_is_not_known_is_refused_by_name() {
    let mut bytes = sample_journal();
    bytes[12] |= 0x40;
    let stream = streamed(bytes);
    assert!(
        stream.errors[0].contains("flags 0x40"),
        "{:?}",
        stream.errors
    );
}

/// Returns the items of a journal that is read as a stream.
fn streamed(bytes: Vec<u8>) -> Seen {
    Seen::of(|sink| {
        let options = crate::support::options();
        let stream = std::io::Cursor::new(bytes);
        dropsift::input::source::read_stream("stream", stream, &options, sink)
    })
}

/// Returns the offsets of all objects.
fn objects(journal: &[u8]) -> Vec<usize> {
    let number = |at: usize| u64::from_le_bytes(journal[at..at + 8].try_into().unwrap()) as usize;
    let tail = number(136);
    let mut all = vec![number(88)];
    while *all.last().unwrap() < tail {
        let at = *all.last().unwrap();
        all.push(at + number(at + 8).next_multiple_of(8));
    }
    all
}

/// Damages `journal` in one of eight ways, and says how.
fn mutate(journal: &mut Vec<u8>, objects: &[usize], dice: &mut Dice, how: usize) -> String {
    // The hash tables at the start take most of a small journal, and the reader does not use them.
    let begin = *objects
        .iter()
        .find(|&&at| matches!(journal[at], 1 | 3))
        .unwrap();
    let begin = if dice.roll(10) == 0 { 0 } else { begin };
    let end = objects.last().unwrap() - begin;
    match how % 8 {
        0 => {
            let at = begin + dice.roll(end);
            journal[at] ^= 1 << dice.roll(8);
            format!("bit at {at}")
        }
        1 => {
            let at = begin + dice.roll(end);
            journal.truncate(at);
            format!("cut at {at}")
        }
        2 => {
            let at = (begin + dice.roll(end)) / 4096 * 4096;
            journal[at..at + 4096].fill(0);
            format!("no page at {at}")
        }
        3 => {
            let at = objects[dice.roll(objects.len())] + 8;
            let size: u64 = [0, 1, 15, 17, 1 << 20, 1 << 40, u64::MAX, u64::MAX - 7][dice.roll(8)];
            journal[at..at + 8].copy_from_slice(&size.to_le_bytes());
            format!("size {size} at {at}")
        }
        4 => {
            let at = objects[dice.roll(objects.len())];
            journal[at] = dice.roll(256) as u8;
            format!("type at {at}")
        }
        5 => {
            let at = dice.roll(240);
            journal[at] = dice.roll(256) as u8;
            format!("header at {at}")
        }
        6 => {
            let at = objects[dice.roll(objects.len())] + 1;
            journal[at] |= 4;
            format!("packed at {at}")
        }
        _ => {
            let at = begin + dice.roll(end);
            (at..at + 64).for_each(|at| journal[at] = dice.roll(256) as u8);
            format!("burst at {at}")
        }
    }
}

#[test]
fn no_damage_stops_the_reading() {
    damage("");
}

#[test]
fn no_damage_stops_the_reading_of_an_older_form() {
    damage("SYSTEMD_JOURNAL_COMPACT=0 SYSTEMD_JOURNAL_KEYED_HASH=0");
}

/// Damages a journal made with `setting` in many ways.
fn damage(setting: &str) {
    let folder = tempfile::tempdir().unwrap();
    let Some(path) = journal(folder.path(), "whole.journal", &export(900), setting) else {
        return;
    };
    let whole = std::fs::read(&path).unwrap();
    let objects = objects(&whole);
    let undamaged = read(&path);
    let mutations: usize = told_number("DROPSIFT_MUTATIONS").unwrap_or(320);
    let mut dice = Dice(42 + mutations as u64);
    let (mut kept, mut silent) = ([0; 8], 0);
    for how in 0..mutations {
        let mut bytes = whole.clone();
        let what = mutate(&mut bytes, &objects, &mut dice, how);
        let seen = streamed(bytes);
        kept[how % 8] += seen.summary.lines;
        // A lost record must be reported.
        let is_told = !seen.errors.is_empty() || !seen.summary.known;
        let is_less = seen.summary.lines < undamaged.summary.lines
            // Without a keyed hash, a field whose name is damaged is still a valid field.
            || (setting.is_empty() && seen.drops.len() < undamaged.drops.len());
        if is_less && !is_told {
            silent += 1;
            eprintln!("silent: {what}, {} entries", seen.summary.lines);
        }
        assert!(seen.summary.lines <= undamaged.summary.lines, "{what}");
    }
    let shares: Vec<u64> = kept
        .iter()
        .map(|kept| kept * 100 / (mutations as u64 / 8 * 900))
        .collect();
    eprintln!("kept in percent: {shares:?}");
    assert_eq!(silent, 0);
    // Except for truncated files, one damage never costs more than its neighbourhood.
    for (how, share) in shares.iter().enumerate() {
        assert!(
            *share >= [95, 30, 90, 95, 95, 85, 95, 95][how],
            "{how}: {share} %"
        );
    }
}
