//! Journals that are not as one file of one journald: what is lost of them is said, and what is there twice counts once.

use std::path::Path;

use super::made::{Made, Packing};
use super::{FIRST, streamed, told};
use crate::support::{drop_line, dropsift, read, run};

/// Offsets within an ENTRY object (systemd, journal-def.h).
const SEQNUM: usize = 16;
const REALTIME: usize = 24;
const MONOTONIC: usize = 32;

/// Returns a journal with an entry at each second of `times`, and the offsets of the entries.
fn journal(times: &[u64], fields: &[&[u8]]) -> (Vec<u8>, Vec<usize>) {
    let mut made = Made::new(Packing::Zstd);
    let mut entries = Vec::new();
    for second in times {
        let message = format!("MESSAGE={}", drop_line(*second as usize));
        let fields: Vec<&[u8]> = (fields.iter().copied())
            .chain([message.as_bytes()])
            .collect();
        entries.push(made.entry(FIRST as u64 + second * 1_000_000, &fields));
    }
    (made.finish(), entries)
}

const KERNEL: &[&[u8]] = &[b"_TRANSPORT=kernel", b"_HOSTNAME=harvester1"];

/// Returns a journal of four entries with `number` at `offset` within those of `which`.
fn with(which: std::ops::Range<usize>, offset: usize, number: u64) -> Vec<u8> {
    let (mut bytes, entries) = journal(&[0, 1, 2, 3], KERNEL);
    for at in &entries[which] {
        bytes[at + offset..at + offset + 8].copy_from_slice(&number.to_le_bytes());
    }
    bytes
}

/// Returns a journal of four entries with `fields`, of which the value of the first, which all share, has a flipped bit.
fn flipped(fields: &[&[u8]]) -> Vec<u8> {
    let (mut bytes, _) = journal(&[0, 1, 2, 3], fields);
    let at = memchr::memmem::find(&bytes, fields[0]).unwrap();
    bytes[at + fields[0].len() - 1] ^= 1;
    bytes
}

/// Returns a journal of four entries with `more` behind it.
fn followed_by(more: &[u8]) -> Vec<u8> {
    let (bytes, _) = journal(&[0, 1, 2, 3], KERNEL);
    [&bytes, more].concat()
}

#[test]
fn what_a_journal_has_lost_is_said() {
    const DAMAGED: &str = "the journal is damaged";
    const BEHIND: &str = "behind the end of the journal, at byte ";
    let another = journal(&[7, 8], KERNEL).0;
    let zeros = vec![0; 100_000];
    let text = format!("May 04 09:58:10 harvester1 kernel: {}\n", drop_line(9));
    // How many are judged, and untrusted, and what is said, if anything.
    let cases: &[(&str, Vec<u8>, usize, usize, &str)] = &[
        ("as it is", with(0..0, 0, 0), 4, 0, ""),
        (
            "an entry without a number",
            with(2..3, SEQNUM, 0),
            3,
            0,
            DAMAGED,
        ),
        ("no entry has one", with(0..4, SEQNUM, 0), 0, 0, DAMAGED),
        ("of 1970", with(2..3, REALTIME, 0), 3, 0, DAMAGED),
        (
            "of the year 3200",
            with(2..3, REALTIME, 1 << 55),
            3,
            0,
            DAMAGED,
        ),
        (
            "up for 1141 years",
            with(2..3, MONOTONIC, 1 << 55),
            3,
            0,
            DAMAGED,
        ),
        (
            "a program's, whose transport cannot be read",
            flipped(&[b"_TRANSPORT=journal", b"_HOSTNAME=h", b"_PID=7"]),
            0,
            4,
            DAMAGED,
        ),
        (
            "a user's, whose transport cannot be read",
            flipped(&[b"_TRANSPORT=stdout", b"_HOSTNAME=h", b"_UID=0"]),
            0,
            4,
            DAMAGED,
        ),
        (
            "the kernel's, whose transport cannot be read",
            flipped(KERNEL),
            4,
            0,
            DAMAGED,
        ),
        (
            "a program's, and the kernel's too",
            journal(&[0, 1], &[b"_TRANSPORT=stdout", b"_TRANSPORT=kernel"]).0,
            0,
            2,
            "",
        ),
        ("another behind it", followed_by(&another), 4, 0, BEHIND),
        ("text behind it", followed_by(text.as_bytes()), 4, 0, BEHIND),
        // journald makes a file longer before its header says so.
        ("zeros behind it", followed_by(&zeros), 4, 0, ""),
        (
            "text behind zeros",
            followed_by(&[&zeros, text.as_bytes()].concat()),
            4,
            0,
            BEHIND,
        ),
    ];
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("odd.journal");
    for (name, bytes, drops, untrusted, said) in cases {
        std::fs::write(&path, bytes).unwrap();
        let packed: Vec<u8> = bytes
            .chunks(bytes.len() / 2 + 1)
            .flat_map(|frame| zstd::encode_all(frame, 3).unwrap())
            .collect();
        for (way, seen) in [
            ("a file", read(&path)),
            ("a stream", streamed(bytes.clone())),
            ("frames of zstd", streamed(packed)),
            ("a directory", read(folder.path())),
        ] {
            let name = format!("{name}, {way}");
            assert_eq!(seen.drops.len(), *drops, "{name}");
            assert_eq!(seen.untrusted.len(), *untrusted, "{name}");
            assert_eq!(seen.errors.len(), usize::from(!said.is_empty()), "{name}");
            assert!(
                seen.errors.iter().all(|why| why.contains(said)),
                "{name}: {:?}",
                seen.errors
            );
        }
        let output = dropsift(folder.path(), &["--fail-on", "never", "odd.journal"]);
        let code = match (*said, *untrusted) {
            ("", 0) => 0,
            ("", _) => 3,
            _ => 2,
        };
        assert_eq!(output.status.code(), Some(code), "{name}");
    }
}

/// Makes a journal one of another journald, which numbers its entries by itself, as one that was copied through an export.
fn renumbered(mut journal: Vec<u8>) -> Vec<u8> {
    journal[72..88].fill(9);
    journal
}

#[test]
fn what_several_files_have_counts_once() {
    let of = |times: &[u64]| journal(times, KERNEL).0;
    let day: Vec<u64> = (0..200).collect();
    let clones: Vec<Vec<u8>> = (0..40).map(|_| of(&day)).collect();
    // The clock was set back between the two stretches; each copy has them in the order in which they were written.
    let back: Vec<u64> = (100..150).chain(0..130).chain(151..160).collect();
    let cases: &[(&str, Vec<Vec<u8>>, usize)] = &[
        ("a copy", vec![of(&[0, 1, 2, 3]), of(&[0, 1, 2, 3])], 4),
        ("many copies", clones, 200),
        (
            "the end of one is the start of another's",
            vec![of(&day), renumbered(of(&(150..300).collect::<Vec<_>>()))],
            300,
        ),
        (
            "a clock that was set back",
            vec![of(&back), renumbered(of(&back)), of(&back)],
            back.len(),
        ),
        (
            "a copy of the end, where the clock was set back",
            vec![of(&back), renumbered(of(&back[40..]))],
            back.len(),
        ),
        // One journald gives no number twice: these are of two users, say.
        (
            "the same words at one time, by two numbers",
            vec![of(&[0, 1, 1, 2]), of(&[1])],
            5,
        ),
        (
            "twice in one file",
            vec![of(&[0, 0, 1]), renumbered(of(&[0, 0, 1]))],
            3,
        ),
        ("no copy", vec![of(&[0, 1]), of(&[2, 3])], 4),
    ];
    for (name, files, drops) in cases {
        let folder = tempfile::tempdir().unwrap();
        for (n, file) in files.iter().enumerate() {
            std::fs::write(folder.path().join(format!("{n}.journal")), file).unwrap();
        }
        let seen = read(folder.path());
        assert_eq!(seen.errors, [""; 0], "{name}");
        assert_eq!(seen.drops.len(), *drops, "{name}");
        // All entries are drop lines.
        assert_eq!(seen.summary.lines, *drops as u64, "{name}");
        if run(folder.path(), "journalctl --version").is_some() {
            let (shown, _) = told(folder.path(), "-D .");
            assert_eq!(shown.len(), *drops, "{name}, by journalctl");
        }
    }
}

/// Returns the names of the nodes in the report on `journal`.
fn nodes(folder: &Path, journal: &[u8]) -> String {
    std::fs::write(folder.join("one.journal"), journal).unwrap();
    let output = dropsift(folder, &["-o", "json", "one.journal"]);
    let report: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let nodes = report["nodes"].as_array().unwrap();
    let names: Vec<_> = nodes.iter().map(|node| node["node"].to_string()).collect();
    names.join(" ")
}

#[test]
fn a_hostname_without_a_name_is_none() {
    let folder = tempfile::tempdir().unwrap();
    let of = |fields: &[&[u8]]| nodes(folder.path(), &journal(&[0, 1], fields).0);
    assert_eq!(of(&[b"_TRANSPORT=kernel", b"_HOSTNAME="]), "\"unknown\"");
    assert_eq!(of(&[b"_TRANSPORT=kernel"]), "\"unknown\"");
    assert_eq!(of(KERNEL), "\"harvester1\"");
}
