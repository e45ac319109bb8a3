//! What a run reads of journals behind the cursor of an earlier one: all that it did not read, once.

use std::fmt::Write as _;
use std::path::Path;
use std::sync::atomic::AtomicBool;

use super::journal;
use crate::support::{Seen, drop_line, options};
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
            errors.extend(follow.look(true, sink).errors);
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
