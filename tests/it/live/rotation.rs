//! A log that is followed while a writer rotates it in every way that is in use: what could be read is counted, once.

use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::Duration;

use serde_json::Value;

use crate::support::drop_line;

/// Somebody who writes a log and rotates it.
struct Writer {
    path: PathBuf,
    file: File,
    written: usize,
}

impl Writer {
    fn open(path: &Path) -> File {
        let mut options = OpenOptions::new();
        options.append(true).create(true).open(path).unwrap()
    }

    fn line(&mut self) -> String {
        self.written += 1;
        let n = self.written;
        let (minute, second) = (n / 60 % 60, n % 60);
        let text = drop_line(n);
        format!("2026-04-22T10:{minute:02}:{second:02}+00:00 h kernel: {text}\n")
    }

    fn write(&mut self, lines: usize) {
        for _ in 0..lines {
            let line = self.line();
            self.file.write_all(line.as_bytes()).unwrap();
        }
    }

    /// Returns the name of a rotated file.
    fn old(&self, suffix: &str) -> PathBuf {
        let name = self.path.file_name().unwrap().to_str().unwrap();
        self.path.with_file_name(format!("{name}{suffix}"))
    }

    /// `mv`, and the writer goes on in the old file until it opens the new one.
    fn rename(&mut self, suffix: &str) {
        fs::rename(&self.path, self.old(suffix)).unwrap();
    }

    fn reopen(&mut self) {
        self.file = Self::open(&self.path);
    }
}

struct Follower(Child);

impl Follower {
    fn new(path: &Path) -> Self {
        Self::with_output("json", path)
    }

    fn with_output(output: &str, path: &Path) -> Self {
        let child = Command::new(env!("CARGO_BIN_EXE_dropsift"))
            .args(["-f", "-o", output, "--year", "2026"])
            .arg(path)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        Self(child)
    }

    /// How many drop lines it has counted, and what it said.
    fn end(self) -> (u64, String) {
        let pid = self.0.id().to_string();
        assert!(
            Command::new("kill")
                .args(["-INT", &pid])
                .status()
                .unwrap()
                .success()
        );
        let output = self.0.wait_with_output().unwrap();
        // The report is all there is, or comes last, behind the events.
        let last = serde_json::Deserializer::from_slice(&output.stdout)
            .into_iter::<Value>()
            .map(Result::unwrap)
            .last();
        let last = last.unwrap();
        let report = last.get("report").unwrap_or(&last);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        (report["tally"]["drops"].as_u64().unwrap(), said)
    }
}

/// Longer than the program waits for the rest of a line in a file that was rotated away.
const LAST: Duration = Duration::from_millis(1500);
const LOOK: Duration = Duration::from_millis(300);

/// What was written and counted, and what was said, of a log that `rotate` writes.
fn followed(rotate: impl FnOnce(&mut Writer)) -> (u64, u64, String) {
    followed_as("kern.log", rotate)
}

/// The same of a log with this name.
fn followed_as(name: &str, rotate: impl FnOnce(&mut Writer)) -> (u64, u64, String) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(name);
    // An older file and a copy lie beside it.
    fs::write(
        folder.path().join(format!("{name}.70")),
        "Apr 22 09:00:00 h kernel: HARVESTER_DROP_IN=a OUT= SRC=1.1.1.1 DST=2.2.2.2 PROTO=2\n",
    )
    .unwrap();
    let mut writer = Writer {
        file: Writer::open(&path),
        path,
        written: 0,
    };
    writer.write(20);
    let follower = Follower::new(&writer.path);
    sleep(LAST);
    rotate(&mut writer);
    sleep(LAST);
    let (counted, said) = follower.end();
    (writer.written as u64, counted, said)
}

fn loses_nothing(rotate: impl FnOnce(&mut Writer)) {
    let (written, counted, said) = followed(rotate);
    assert_eq!(counted, written, "{said}");
    assert!(!said.contains("not counted"), "{said}");
}

#[test]
fn the_old_file_is_read_to_its_end() {
    loses_nothing(|writer| {
        for _ in 0..3 {
            writer.write(100);
            writer.rename(".1");
            writer.write(50);
            sleep(LOOK);
            writer.write(50);
            writer.reopen();
            writer.write(10);
        }
    });
}

#[test]
fn whole_files_may_come_and_go_between_two_looks() {
    loses_nothing(|writer| {
        for n in 0..4 {
            writer.write(223);
            for old in (1..=n).rev() {
                fs::rename(
                    writer.old(&format!(".{old}")),
                    writer.old(&format!(".{}", old + 1)),
                )
                .unwrap();
            }
            writer.rename(".1");
            writer.reopen();
        }
    });
}

/// More files than are kept open, under names with and without an extension, and all of them or the last two kept: the next
/// file may have the inode of one that was removed.
#[test]
fn many_rotations_count_each_generation_once() {
    for name in ["kern.log", "syslog", "messages.txt"] {
        for (kept, pause) in [(20, 0), (20, 60), (2, 0), (2, 60)] {
            let (written, counted, said) = followed_as(name, |writer| {
                for n in 0..12 {
                    writer.write(40);
                    let _ = fs::remove_file(writer.old(&format!(".{kept}")));
                    for old in (1..=n.min(kept - 1)).rev() {
                        let next = writer.old(&format!(".{}", old + 1));
                        fs::rename(writer.old(&format!(".{old}")), next).unwrap();
                    }
                    writer.rename(".1");
                    writer.reopen();
                    sleep(Duration::from_millis(pause));
                }
                writer.write(5);
            });
            // What was removed before it could be seen is lost.
            let is_whole = counted == written || (pause == 0 && kept == 2 && counted < written);
            assert!(
                is_whole,
                "{name} {kept} {pause}: {counted} of {written}, {said}"
            );
        }
    }
}

#[test]
fn a_line_that_was_begun_ends_in_its_own_file() {
    loses_nothing(|writer| {
        for n in 0..2 {
            let line = writer.line();
            let (begin, rest) = line.split_at(60);
            writer.file.write_all(begin.as_bytes()).unwrap();
            sleep(LOOK);
            writer.rename(&format!("-2026042{n}"));
            let mut old = std::mem::replace(&mut writer.file, Writer::open(&writer.path));
            writer.write(5);
            sleep(LOOK);
            old.write_all(rest.as_bytes()).unwrap();
            sleep(LOOK);
        }
    });
}

#[test]
fn what_a_copy_has_is_read_there() {
    loses_nothing(|writer| {
        for n in 0..3 {
            writer.write(100);
            let copy = writer.old(&format!(".{n}"));
            fs::copy(&writer.path, copy).unwrap();
            // It has grown beyond its old length when it is looked at next.
            writer.file.set_len(0).unwrap();
            writer.write(150);
            sleep(LOOK);
        }
    });
}

#[test]
fn a_file_that_was_cut_without_a_copy_is_said() {
    let (written, counted, said) = followed(|writer| {
        writer.write(100);
        sleep(LOOK);
        writer.file.set_len(0).unwrap();
        writer.write(300);
        sleep(LOOK);
    });
    assert_eq!(counted, written, "{said}");
    assert!(said.contains("was cut while it was followed"), "{said}");
}

/// An editor that removes lines leaves others, which count again: that is said, and of nothing else.
#[test]
fn lines_that_are_written_anew_are_said() {
    type Edit = fn(&[&str]) -> String;
    let edits: &[(&str, Edit, bool)] = &[
        ("the first removed", |lines| lines[1..].concat(), true),
        ("the last removed", |lines| lines[..19].concat(), true),
        (
            "some removed",
            |lines| [&lines[..5], &lines[9..]].concat().concat(),
            true,
        ),
        ("all removed", |_| String::new(), false),
    ];
    for (what, edit, is_said) in edits {
        for in_place in [false, true] {
            let (_, _, said) = followed(|writer| {
                writer.write(20);
                sleep(LOOK);
                let text = fs::read_to_string(&writer.path).unwrap();
                let lines: Vec<&str> = text.split_inclusive('\n').collect();
                let edited = edit(&lines);
                if in_place {
                    fs::write(&writer.path, edited).unwrap();
                } else {
                    fs::write(writer.old(".new"), edited).unwrap();
                    fs::rename(writer.old(".new"), &writer.path).unwrap();
                }
                writer.reopen();
                sleep(LOOK);
                writer.write(20);
                sleep(LOOK);
            });
            let was_said = said.contains("those lines count twice. Run again");
            assert_eq!(was_said, *is_said, "{what}, {in_place}: {said}");
        }
    }
}

#[test]
fn a_packed_or_an_older_file_beside_it_is_not_read() {
    loses_nothing(|writer| {
        writer.write(10);
        writer.rename(".1");
        writer.reopen();
        let packed = fs::read(writer.old(".1")).unwrap();
        fs::write(writer.old(".1.gz"), [b"\x1f\x8b\x08", &packed[..]].concat()).unwrap();
        fs::remove_file(writer.old(".1")).unwrap();
        writer.write(10);
        sleep(LOOK);
    });
}

/// Deleted, replaced by another file, and away for a while.
#[test]
fn a_file_that_is_deleted_or_replaced_is_read_to_its_end() {
    loses_nothing(|writer| {
        writer.write(50);
        fs::remove_file(&writer.path).unwrap();
        writer.write(50);
        sleep(LOOK);
        writer.write(50);
        writer.reopen();
        writer.write(50);
        sleep(LOOK);
        // `mv new kern.log`, and what was written to the old one just before.
        let new = writer.old(".new");
        let mut other = Writer::open(&new);
        let lines: String = (0..20).map(|_| writer.line()).collect();
        other.write_all(lines.as_bytes()).unwrap();
        writer.write(100);
        fs::rename(&new, &writer.path).unwrap();
        writer.file = other;
        writer.write(30);
    });
}

#[test]
fn a_file_that_is_gone_is_said_and_so_is_its_return() {
    let (written, counted, said) = followed(|writer| {
        writer.write(50);
        fs::remove_file(&writer.path).unwrap();
        sleep(Duration::from_millis(3_000));
        writer.write(50);
        sleep(LOOK);
        writer.reopen();
        writer.write(50);
    });
    assert_eq!(counted, written, "{said}");
    assert!(
        said.contains("kern.log` is gone: ") && said.contains("kern.log` is there again"),
        "{said}"
    );
    // Between two files of a rotation there may be none.
    let (_, _, said) = followed(|writer| {
        writer.write(50);
        writer.rename(".1");
        sleep(LOOK);
        writer.reopen();
        writer.write(50);
    });
    assert!(!said.contains("is gone"), "{said}");
}

/// What is left of a log when the run is stopped is named, and what was counted is what was read.
#[test]
fn a_run_that_is_stopped_in_a_backlog_says_what_was_not_read() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("kern.log");
    let lines: String = (0..2_000)
        .map(|n| {
            let source = format!("SRC=10.0.{}.{} ", n / 250, n % 250);
            let line = drop_line(n).replace(&format!("SRC=192.168.122.{} ", 62 + n % 3), &source);
            let line = line.replace("DPT=2112", &format!("DPT={}", 1_000 + n));
            format!("2026-04-22T10:00:00+00:00 h kernel: {line}\n")
        })
        .collect();
    fs::write(&path, lines.repeat(50)).unwrap();
    // Each source and port is a finding of its own, and their events fill the pipe: nobody reads it until the run is stopped, so
    // that no machine is fast enough to be done before.
    let follower = Follower::with_output("ndjson", &path);
    sleep(LAST);
    let (counted, said) = follower.end();
    assert!((1..100_000).contains(&counted), "{counted}");
    assert!(
        said.contains(" bytes at the end of `") && said.contains("run again without -f"),
        "{said}"
    );
    // The run itself tore the last line.
    assert!(!said.contains("unreadable"), "{said}");
}

/// Editors, `sed -i` and rsync write a new file and give it the name: what it begins with was counted.
#[test]
fn a_file_that_is_replaced_by_itself_and_more_goes_on() {
    let (written, counted, said) = followed(|writer| {
        for _ in 0..3 {
            let new = writer.old(".new");
            fs::copy(&writer.path, &new).unwrap();
            let mut other = Writer::open(&new);
            let lines: String = (0..20).map(|_| writer.line()).collect();
            other.write_all(lines.as_bytes()).unwrap();
            fs::rename(&new, &writer.path).unwrap();
            writer.file = other;
            sleep(LAST);
        }
    });
    assert_eq!(counted, written, "{said}");
    assert!(said.contains("begins with all that was read"), "{said}");
}

/// The next file of a rotation may begin as the one before: other lines follow, and all of it counts.
#[test]
fn a_file_that_only_begins_alike_is_another() {
    loses_nothing(|writer| {
        let begin = fs::read(&writer.path).unwrap();
        let first = begin.split_inclusive(|byte| *byte == b'\n').next().unwrap();
        writer.rename(".1");
        fs::write(&writer.path, first).unwrap();
        writer.written += 1;
        writer.reopen();
        writer.write(60);
    });
}
