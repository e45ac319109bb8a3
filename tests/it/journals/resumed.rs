//! What a run reads of journals behind the cursor of an earlier one: all that it did not read, once.

use std::fmt::Write as _;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use super::journal;
use crate::support::{Seen, drop_line, options};
use dropsift::input::event::LogEvent;
use dropsift::input::source::{Cursor, JournalFollow};

const NOW: i64 = 1_776_852_000_000_000;
const HOUR: i64 = 3_600_000_000;

/// Drop lines of one boot, one a second: the first of it has this number.
#[derive(Clone, Copy)]
struct Lines {
    boot: char,
    first: usize,
    count: usize,
    /// What the clock is off by, in microseconds.
    clock: i64,
}

impl Lines {
    fn export(self) -> String {
        let mut text = String::new();
        let boot = String::from(self.boot).repeat(32);
        for n in self.first..self.first + self.count {
            let uptime = 60_000_000 + n as i64 * 1_000_000;
            let _ = write!(
                text,
                "__REALTIME_TIMESTAMP={}\n__MONOTONIC_TIMESTAMP={uptime}\n_BOOT_ID={boot}\n_HOSTNAME=harvester1\n\
                 SYSLOG_IDENTIFIER=kernel\n_TRANSPORT=kernel\nMESSAGE={}\n\n",
                NOW + uptime + self.clock,
                drop_line(n),
            );
        }
        text
    }
}

const fn lines(boot: char, first: usize, count: usize, hours: i64) -> Lines {
    Lines {
        boot,
        first,
        count,
        clock: hours * HOUR,
    }
}

/// Follows the journals in `folder` behind `cursor`; returns how many drops were read, and the cursor behind them.
fn follow(folder: &Path, cursor: Option<Cursor>) -> (usize, Cursor) {
    let mut behind = Cursor::default();
    let seen = Seen::of(|sink| {
        let stop = AtomicBool::new(false);
        let folders = vec![folder.to_owned()];
        let (mut follow, summary, mut errors) =
            JournalFollow::start(folders, None, cursor, &options(), &stop, sink);
        for _ in 0..3 {
            let mut look = follow.look(true, sink);
            errors.append(&mut look.errors);
            while look.is_more {
                look = follow.look(false, sink);
                errors.append(&mut look.errors);
            }
        }
        behind = follow.cursor();
        (summary, errors)
    });
    assert_eq!(seen.errors, [""; 0]);
    (seen.drops.len(), behind)
}

/// What an earlier run read, what is in a file that it did not know, and how much of that is new.
const ROWS: &[(&str, Lines, Lines, usize)] = &[
    ("a later boot", lines('a', 0, 3, 0), lines('b', 0, 6, 1), 6),
    (
        "a later boot, its clock behind",
        lines('a', 0, 3, 0),
        lines('b', 0, 6, -2),
        6,
    ),
    (
        "a later boot, its clock at 1970",
        lines('a', 0, 3, 0),
        lines('b', 0, 6, -493_569),
        6,
    ),
    (
        "an earlier boot that was not there",
        lines('b', 0, 3, 0),
        lines('a', 0, 4, -48),
        4,
    ),
    (
        "the same boot, rotated",
        lines('a', 0, 3, 0),
        lines('a', 3, 5, 0),
        5,
    ),
    (
        "the same boot, its clock set back",
        lines('a', 0, 3, 0),
        lines('a', 3, 5, -2),
        5,
    ),
    ("a copy", lines('a', 0, 3, 0), lines('a', 0, 3, 0), 0),
    (
        "a copy that goes on",
        lines('a', 0, 3, 0),
        lines('a', 0, 8, 0),
        5,
    ),
    (
        "a copy that goes on, its clock set back",
        lines('a', 0, 3, 1),
        lines('a', 0, 8, 0),
        5,
    ),
];

#[test]
fn a_file_that_is_not_known_is_read_but_for_copies() {
    for (name, known, other, new) in ROWS {
        let folder = tempfile::tempdir().unwrap();
        if journal(folder.path(), "known.journal", &known.export(), "").is_none() {
            return;
        }
        let (read, cursor) = follow(folder.path(), None);
        assert_eq!(read, known.count, "{name}");
        journal(folder.path(), "other.journal", &other.export(), "").unwrap();
        let (read, cursor) = follow(folder.path(), Some(cursor));
        assert_eq!(read, *new, "{name}");
        assert_eq!(follow(folder.path(), Some(cursor)).0, 0, "{name}, again");
    }
}

/// A snapshot of a machine brings an earlier state of its journal back, which then goes on in another way.
#[test]
fn a_file_that_was_put_back_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let made = |lines: Lines| journal(folder.path(), "system.journal", &lines.export(), "");
    let Some(path) = made(lines('a', 0, 3, 0)) else {
        return;
    };
    let earlier = std::fs::read(&path).unwrap();
    made(lines('a', 3, 4, 0)).unwrap();
    let (read, cursor) = follow(folder.path(), None);
    assert_eq!(read, 7);
    std::fs::write(&path, earlier).unwrap();
    made(lines('b', 0, 2, 0)).unwrap();
    assert_eq!(follow(folder.path(), Some(cursor)).0, 2);
}

/// What an earlier run could not read is no copy, wherever it lies between what it did read.
#[test]
fn a_file_that_was_not_read_is_read_once_it_can_be() {
    for lost in 0..3 {
        let folder = tempfile::tempdir().unwrap();
        let mut paths = Vec::new();
        for n in 0..3 {
            let name = format!("system@{n}.journal");
            let export = lines('a', 10 * n, 10, 0).export();
            let Some(path) = journal(folder.path(), &name, &export, "") else {
                return;
            };
            paths.push(path);
        }
        let aside = folder.path().join("aside");
        std::fs::rename(&paths[lost], &aside).unwrap();
        let (read, cursor) = follow(folder.path(), None);
        assert_eq!(read, 20, "{lost}");
        // A copy of one that was read comes with it.
        let copy = lines('a', 10 * ((lost + 1) % 3), 10, 0).export();
        journal(folder.path(), "copy.journal", &copy, "").unwrap();
        std::fs::rename(&aside, &paths[lost]).unwrap();
        let (read, cursor) = follow(folder.path(), Some(cursor));
        assert_eq!(read, 10, "{lost}");
        assert_eq!(follow(folder.path(), Some(cursor)).0, 0, "{lost}, again");
    }
}

/// Files that were begun, that were not, and that were read to their end: the next run tells the rest, once.
#[test]
fn a_first_read_that_is_stopped_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    for n in 0..3 {
        let name = format!("system@{n}.journal");
        // 1 MiB of messages each: more than is read of a file at once.
        let export = lines('a', 5000 * n, 5000, 0).export();
        if journal(folder.path(), &name, &export, "").is_none() {
            return;
        }
    }
    for wanted in [0, 1, 4000, 6000, 14_999] {
        let stop = AtomicBool::new(wanted == 0);
        let mut cursor = None;
        let seen = Seen::of(|sink| {
            let mut drops = 0;
            let mut sink = |event: LogEvent<'_>| {
                if let LogEvent::Drops(entries) = &event {
                    drops += entries.len();
                }
                stop.fetch_or(drops >= wanted, Ordering::Relaxed);
                sink(event);
            };
            let folders = vec![folder.path().to_owned()];
            let (follow, summary, errors) =
                JournalFollow::start(folders, None, None, &options(), &stop, &mut sink);
            cursor = Some(follow.cursor());
            (summary, errors)
        });
        let read = seen.drops.len();
        assert!((wanted..=15_000).contains(&read), "{read}");
        assert!(read < 15_000 || wanted > 10_000, "{wanted}: all was read");
        // All entries are drops: what was counted was told.
        assert_eq!(seen.summary.lines, read as u64, "{wanted}");
        let (rest, cursor) = follow(folder.path(), cursor);
        assert_eq!(read + rest, 15_000, "{wanted}");
        assert_eq!(follow(folder.path(), Some(cursor)).0, 0, "{wanted}, again");
    }
}

/// A folder that is not mounted yet forgets nothing.
#[test]
fn files_that_are_not_there_for_a_while_are_known_when_they_come() {
    let folder = tempfile::tempdir().unwrap();
    let export = lines('a', 0, 3, 0).export();
    let Some(path) = journal(folder.path(), "system.journal", &export, "") else {
        return;
    };
    let (_, cursor) = follow(folder.path(), None);
    let aside = folder.path().join("aside");
    std::fs::rename(&path, &aside).unwrap();
    let (read, cursor) = follow(
        folder.path(),
        Some(Cursor {
            boots: [].into(),
            ..cursor
        }),
    );
    assert_eq!(read, 0);
    std::fs::rename(&aside, &path).unwrap();
    assert_eq!(follow(folder.path(), Some(cursor)).0, 0);
}
