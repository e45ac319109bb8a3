//! Journals that are not as one file of one journald: what is lost of them is said, and what is there twice counts once.

use super::made::{Made, Packing};
use super::{FIRST, streamed};
use crate::support::{drop_line, dropsift, read};

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

/// Returns a journal of four entries with `more` behind it.
fn followed_by(more: &[u8]) -> Vec<u8> {
    let (bytes, _) = journal(&[0, 1, 2, 3], KERNEL);
    [&bytes, more].concat()
}

#[test]
fn what_a_journal_has_lost_is_said() {
    const BEHIND: &str = "behind the end of the journal, at byte ";
    let another = journal(&[7, 8], KERNEL).0;
    let zeros = vec![0; 100_000];
    let text = format!("May 04 09:58:10 harvester1 kernel: {}\n", drop_line(9));
    // How many are judged, and untrusted, and what is said, if anything.
    let cases: &[(&str, Vec<u8>, usize, usize, &str)] = &[
        ("as it is", followed_by(&[]), 4, 0, ""),
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
        let code = if said.is_empty() { 0 } else { 2 };
        assert_eq!(output.status.code(), Some(code), "{name}");
    }
}
