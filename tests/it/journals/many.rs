//! Journals of many files that all overlap: merged in the order of time, in little memory.

use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use super::FIRST;
use super::made::{Made, Packing};
use crate::support::{Seen, drop_line, options, read};
use dropsift::input::event::LogEvent;
use dropsift::input::source::JournalFollow;
use dropsift::time::Time;

/// Creates `files` journals whose entries alternate in time.
fn make(folder: &Path, files: u64, entries: u64) {
    for file in 0..files {
        let mut made = Made::new(Packing::Zstd);
        let host = format!("_HOSTNAME=harvester{}", file % 7);
        for n in 0..entries {
            let message = format!("MESSAGE={}", drop_line((file * entries + n) as usize));
            let at = FIRST as u64 + n * 1000 * files + file;
            let fields: [&[u8]; 3] = [b"_TRANSPORT=kernel", host.as_bytes(), message.as_bytes()];
            made.entry(at, &fields);
        }
        std::fs::write(folder.join(format!("{file}.journal")), made.finish()).unwrap();
    }
}

/// Returns the peak memory of a run on `path`, in KiB.
fn peak(path: &Path) -> u64 {
    let mut child = Command::new(env!("CARGO_BIN_EXE_dropsift"))
        .arg(path)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut peak = 0;
    while child.try_wait().unwrap().is_none() {
        let status = std::fs::read_to_string(format!("/proc/{}/status", child.id()));
        let status = status.unwrap_or_default();
        let most = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        if let Some(most) = most {
            peak = peak.max(most.trim().trim_end_matches(" kB").parse().unwrap());
        }
        std::thread::sleep(Duration::from_millis(1));
    }
    peak
}

#[test]
fn files_that_overlap_are_merged_in_little_memory() {
    let folder = tempfile::tempdir().unwrap();
    let (files, entries) = (2000, 60);
    make(folder.path(), files, entries);
    let seen = read(folder.path());
    assert_eq!(seen.errors, [""; 0]);
    assert_eq!(seen.summary.lines, files * entries);
    assert_eq!(seen.drops.len() as u64, files * entries);
    assert!(seen.drops.is_sorted_by_key(|(time, ..)| *time));
    assert_eq!(seen.ends, 1);
    let most = peak(folder.path());
    assert!((1 << 10..=96 << 10).contains(&most), "{most} KiB");
}

#[test]
fn a_first_read_can_be_stopped() {
    let folder = tempfile::tempdir().unwrap();
    let (files, entries) = (8, 60);
    make(folder.path(), files, entries);
    for wanted in [0, 5, 100] {
        let stop = AtomicBool::new(wanted == 0);
        let mut stopped = None;
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
            stopped = Some((follow.is_cut(), follow.last()));
            (summary, errors)
        });
        let read = seen.drops.len();
        assert!(
            (wanted..=(files * entries) as usize).contains(&read),
            "{read}"
        );
        // All entries are drops: what was counted was told.
        assert_eq!(seen.summary.lines, read as u64);
        let last = seen.drops.last().map_or(Time(0), |(time, ..)| *time);
        assert_eq!(stopped, Some((true, last)), "after {wanted}");
    }
}
