//! Opening of inputs: packed files, journals, directories, support bundles; with the tools that create them.
//!
//! A tool that is not installed is named on stderr, and its cases are left out.
#![allow(clippy::unwrap_used, reason = "these are tests")]

use std::path::Path;
use std::process::Command;

use crate::support::{Seen, drop_line, options, pack, piped, read, run, sample_journal};
use dropsift::input::source::{BLOCK, Live, peel, read_stream};

/// Returns a log of `count` drop lines.
fn log(count: usize) -> Vec<u8> {
    let line = |n| {
        format!(
            "May 05 04:40:28.{n:06} harvester1 kernel: {}\n",
            drop_line(n)
        )
    };
    (0..count).map(line).collect::<String>().into_bytes()
}

fn written(folder: &Path, name: &str, bytes: &[u8]) -> std::path::PathBuf {
    let path = folder.join(name);
    std::fs::write(&path, bytes).unwrap();
    path
}

/// Ways of packing, each a row of tools one after the other.
const PACKINGS: &[&[&str]] = &[
    &["gzip -c"],
    &["xz -c"],
    &["xz -c --check=sha256"],
    &["zstd -c"],
    &["bzip2 -c"],
    &["zstd -c", "gzip -c"],
    &["bzip2 -c", "xz -c", "zstd -c"],
];

#[test]
fn a_packed_log_reads_as_the_log_itself() {
    let folder = tempfile::tempdir().unwrap();
    let plain = log(3000);
    let expected = read(&written(folder.path(), "plain", &plain));
    assert_eq!((expected.drops.len(), expected.summary.lines), (3000, 3000));
    assert!(expected.summary.known && expected.errors.is_empty());
    for packing in PACKINGS {
        let Some(packed) = pack(packing, &plain) else {
            continue;
        };
        // The name says nothing, or something wrong.
        let path = written(folder.path(), "log.txt", &packed);
        assert_eq!(read(&path).told(), expected.told(), "{packing:?}");
        let mut twice = packed.clone();
        twice.extend_from_slice(&packed);
        let path = written(folder.path(), "twice", &twice);
        assert_eq!(read(&path).drops.len(), 6000, "{packing:?} appended");
        let piped =
            Seen::of(|sink| read_stream("pipe", std::io::Cursor::new(packed), &options(), sink));
        assert_eq!(piped.told().0, expected.told().0, "{packing:?} piped");
    }
}

#[test]
fn what_stands_before_a_damage_counts() {
    let folder = tempfile::tempdir().unwrap();
    let plain = log(20_000);
    for tool in ["gzip -c", "xz -c", "zstd -c", "bzip2 -c"] {
        let Some(packed) = pack(&[tool], &plain) else {
            continue;
        };
        let path = written(folder.path(), tool, &packed[..packed.len() * 3 / 4]);
        let seen = read(&path);
        assert!(seen.drops.len() > 1000, "{tool}: {}", seen.drops.len());
        assert_eq!(seen.errors.len(), 1, "{tool}");
        assert!(
            seen.errors[0].contains("cut off after"),
            "{}",
            seen.errors[0]
        );
    }
}

#[test]
fn what_stands_before_a_damage_in_the_middle_counts() {
    let folder = tempfile::tempdir().unwrap();
    let plain = log(20_000);
    for tool in ["gzip", "xz", "zstd", "bzip2"] {
        let Some(mut packed) = pack(&[&format!("{tool} -c")], &plain) else {
            continue;
        };
        let at = packed.len() * 3 / 5;
        packed[at..at + 64].fill(0xa5);
        // The tool itself writes what it unpacked, but for the last block; of gzip also what comes of the damage.
        let own = piped(Command::new(tool).arg("-dc"), &packed).stdout;
        let sound = own
            .iter()
            .zip(&plain)
            .take_while(|(one, other)| one == other);
        let own = sound.filter(|(byte, _)| **byte == b'\n').count();
        let seen = read(&written(folder.path(), tool, &packed));
        assert!(
            seen.drops.len() >= own,
            "{tool}: {} of {own}",
            seen.drops.len()
        );
        assert_eq!(seen.errors.len(), 1, "{tool}");
    }
}

#[test]
fn what_bzip2_unpacks_of_a_damaged_block_counts() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("fixtures/fuzz/unpack/bzip2-damaged-within-a-block");
    // The tool itself has 2,538 lines of it, in rooms of 5,000 bytes.
    let seen = read(&path);
    assert!(seen.summary.lines >= 2538, "{}", seen.summary.lines);
    assert_eq!(seen.errors.len(), 1);
}

#[test]
fn a_damaged_check_costs_no_line() {
    // The checksum follows the data, and a small log is complete before it.
    let folder = tempfile::tempdir().unwrap();
    let plain = log(500);
    // Offset of the checksum from the end: of xz before the index and the footer, of bzip2 in the last bytes.
    for (tool, behind) in [("gzip -c", 6), ("xz -c", 30), ("bzip2 -c", 4)] {
        let Some(mut packed) = pack(&[tool], &plain) else {
            continue;
        };
        let at = packed.len() - behind;
        packed[at] ^= 0x10;
        let seen = read(&written(folder.path(), tool, &packed));
        assert_eq!(seen.drops.len(), 500, "{tool}");
        assert_eq!(seen.errors.len(), 1, "{tool}");
        assert!(seen.errors[0].contains("damaged"), "{}", seen.errors[0]);
    }
}

#[test]
fn small_things() {
    let folder = tempfile::tempdir().unwrap();
    let empty = read(&written(folder.path(), "empty", b""));
    assert!(empty.summary.blank && empty.errors.is_empty() && empty.summary.lines == 0);
    let one = read(&written(folder.path(), "one", b"B"));
    assert!(!one.summary.blank && !one.summary.known && one.summary.lines == 1);
    let missing = read(&folder.path().join("missing"));
    assert!(missing.errors[0].contains("no such file"));
    let bare = folder.path().join("bare");
    std::fs::create_dir(&bare).unwrap();
    assert!(read(&bare).errors[0].contains("neither a journal nor a support bundle"));
}

#[test]
fn a_bomb_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    // A frame of 256 MiB of nothing, eight times.
    let Some(frame) = pack(&["zstd -c"], &vec![0; 256 << 20]) else {
        return;
    };
    let seen = read(&written(folder.path(), "zeros.zst", &frame.repeat(8)));
    assert!(seen.errors[0].contains("zip bomb"), "{:?}", seen.errors);
    let mut nested = b"nothing".to_vec();
    for _ in 0..6 {
        let Some(packed) = pack(&["gzip -c"], &nested) else {
            return;
        };
        nested = packed;
    }
    let seen = read(&written(folder.path(), "nested.gz", &nested));
    assert!(
        seen.errors[0].contains("more than 4 times over"),
        "{:?}",
        seen.errors
    );
}

#[test]
fn a_log_that_packs_very_well_is_no_bomb() {
    let folder = tempfile::tempdir().unwrap();
    let part = log(10).repeat(10_000);
    let Some(frame) = pack(&["zstd -c"], &part) else {
        return;
    };
    assert!(
        part.len() / frame.len() > 1000,
        "{}",
        part.len() / frame.len()
    );
    let seen = read(&written(folder.path(), "log.zst", &frame.repeat(14)));
    assert_eq!((seen.errors.len(), seen.summary.lines), (0, 1_400_000));
}

#[test]
fn a_live_stream_is_peeled() {
    let plain = log(10);
    for (packing, is_plain) in [(&["gzip -c"], false), (&["cat"], true)] {
        let Some(packed) = pack(packing, &plain) else {
            continue;
        };
        let live = peel(std::io::Cursor::new(packed), &options()).unwrap();
        assert_eq!(matches!(live, Live::Plain(..)), is_plain, "{packing:?}");
        let mut text = Vec::new();
        live.lines().unwrap().read_to_end(&mut text).unwrap();
        assert!(text == plain, "{packing:?}");
    }
    let journal = peel(std::io::Cursor::new(sample_journal()), &options()).unwrap();
    assert!(matches!(journal, Live::Whole(_)));
}

#[test]
fn a_zip_of_logs() {
    let folder = tempfile::tempdir().unwrap();
    let logs = folder.path().join("logs-of-today");
    std::fs::create_dir(&logs).unwrap();
    written(&logs, "a.log", &log(3));
    written(&logs, "b.log", &log(4));
    let zip = folder.path().join("x.bin");
    if run(
        folder.path(),
        &format!("zip -qr {} logs-of-today", zip.display()),
    )
    .is_none()
    {
        return;
    }
    // `zip` adds its ending where a name has none.
    let seen = read(&zip);
    assert_eq!(
        (seen.drops.len(), seen.errors.len()),
        (7, 0),
        "{:?}",
        seen.errors
    );
    let bytes = std::fs::read(&zip).unwrap();
    let piped = Seen::of(|sink| {
        read_stream(
            "pipe",
            std::io::Cursor::new(bytes.clone()),
            &options(),
            sink,
        )
    });
    assert_eq!(piped.drops, seen.drops);
    // Without the central directory, the members before it are read.
    let cut = read(&written(
        folder.path(),
        "cut.zip",
        &bytes[..bytes.len() - 30],
    ));
    assert_eq!(cut.drops.len(), 7, "{:?}", cut.errors);
    assert!(cut.errors[0].contains("incomplete download"));
    // One broken member does not hide the other.
    let mut broken = bytes;
    let at = memchr::memmem::find(&broken, b"a.log").unwrap() + 60;
    broken[at..at + 20].fill(0xff);
    let seen = read(&written(folder.path(), "broken.zip", &broken));
    assert!(seen.drops.len() >= 4, "{:?}", seen.errors);
    assert_eq!(seen.errors.len(), 1);
}

#[test]
fn a_pipe_that_stalls_is_waited_for() {
    let folder = tempfile::tempdir().unwrap();
    for tool in ["cat -", "gzip -c"] {
        let fifo = folder.path().join("fifo");
        let Some(packed) = pack(&[tool], &log(2000)) else {
            continue;
        };
        if run(folder.path(), "mkfifo fifo").is_none() {
            return;
        }
        let to = fifo.clone();
        let writing = std::thread::spawn(move || {
            use std::io::Write;
            let mut to = std::fs::File::options().write(true).open(to).unwrap();
            for part in [&packed[..1], &packed[1..3], &packed[3..200], &packed[200..]] {
                to.write_all(part).unwrap();
                std::thread::sleep(std::time::Duration::from_millis(50));
            }
        });
        let seen = read(&fifo);
        writing.join().unwrap();
        assert_eq!((seen.drops.len(), seen.errors.len()), (2000, 0), "{tool}");
        std::fs::remove_file(fifo).unwrap();
    }
}

#[test]
fn progress_is_kept() {
    let folder = tempfile::tempdir().unwrap();
    let plain = log(5000);
    let path = written(folder.path(), "log", &plain);
    let options = options();
    let mut at_first = None;
    let told = options.progress.clone();
    dropsift::input::source::read_file(&path, &options, &mut |_| {
        at_first.get_or_insert((told.read(), told.total()));
    });
    let size = plain.len() as u64;
    assert_eq!(at_first, Some((BLOCK as u64, size)));
    assert_eq!((told.read(), told.total()), (size, size));
}

/// The members of a tar archive are not lines, and packed ones would be left out.
#[test]
fn a_tar_archive_is_refused_by_name() {
    let folder = tempfile::tempdir().unwrap();
    written(folder.path(), "messages", &log(3));
    for form in ["gnu", "ustar", "pax"] {
        let tar = format!("tar --format={form} -cf {form}.tar messages");
        if run(folder.path(), &tar).is_none() {
            continue;
        }
        let plain = std::fs::read(folder.path().join(format!("{form}.tar"))).unwrap();
        let packings: &[&[&str]] = &[&[], &["gzip -c"], &["xz -c"], &["zstd -c"], &["bzip2 -c"]];
        for packing in packings {
            let Some(packed) = pack(packing, &plain) else {
                continue;
            };
            let path = written(folder.path(), "log.txt", &packed);
            let seen = read(&path);
            assert_eq!((seen.drops.len(), seen.summary.lines), (0, 0), "{form}");
            assert_eq!(seen.errors.len(), 1, "{form} {packing:?}");
            assert!(seen.errors[0].contains("`mkdir DIR; tar -xf FILE -C DIR; dropsift DIR`"));
            let piped = std::io::Cursor::new(packed);
            let piped = Seen::of(|sink| read_stream("pipe", piped, &options(), sink));
            assert_eq!(piped.errors.len(), 1, "{form} {packing:?} piped");
        }
    }
}

/// How data begins that is packed in a form which is not read, and the command that unpacks it.
const UNREAD: &[(&[u8], &str)] = &[
    (b"\x04\x22\x4d\x18\x64\x40\xa7", "`lz4 -d FILE`"),
    (b"\x02\x21\x4c\x18\x10\0\0\0", "`lz4 -d FILE`"),
    (b"LZIP\x01\x0c", "`lzip -d FILE`"),
    (b"\x89LZO\0\r\n\x1a\n", "`lzop -d FILE`"),
    (b"7z\xbc\xaf\x27\x1c\0\x04", "`7z x FILE`"),
];

#[test]
fn a_packing_that_is_not_read_is_refused_by_name() {
    let folder = tempfile::tempdir().unwrap();
    for (begin, command) in UNREAD {
        let bytes = [begin, &log(3)[..]].concat();
        let seen = read(&written(folder.path(), "log", &bytes));
        assert_eq!((seen.drops.len(), seen.summary.lines), (0, 0), "{command}");
        assert_eq!(seen.errors.len(), 1, "{command}");
        assert!(seen.errors[0].contains(command), "{}", seen.errors[0]);
        let piped = std::io::Cursor::new(bytes.clone());
        let piped = Seen::of(|sink| read_stream("pipe", piped, &options(), sink));
        assert!(piped.errors[0].contains(command), "{}", piped.errors[0]);
        // Beside journals too, where it is one by its name.
        let logs = folder.path().join("logs");
        std::fs::create_dir_all(&logs).unwrap();
        written(&logs, "system.journal", &sample_journal());
        for (name, errors) in [("notes.packed", 0), ("old.journal.packed", 1)] {
            let packed = written(&logs, name, &bytes);
            assert_eq!(read(&logs).errors.len(), errors, "{command} {name}");
            std::fs::remove_file(packed).unwrap();
        }
    }
}
