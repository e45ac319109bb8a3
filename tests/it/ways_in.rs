//! One answer whatever way the bytes come in: as a file, through a pipe, live, packed, and in an archive.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;

use serde_json::Value;
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

use crate::journals::made::{Made, Packing};
use crate::support::{Dice, drop_line, options, sample_journal};
use dropsift::analyze::Analysis;
use dropsift::input::reader::Reader;
use dropsift::report::{RENDERERS, Style};
use dropsift::rule::Scope;
use dropsift::site::Site;

/// A way in: its name, how the bytes are packed, and whether they come through standard input, with these arguments.
struct Way {
    name: &'static str,
    pack: fn(&[u8]) -> Vec<u8>,
    stdin: Option<&'static [&'static str]>,
}

const WAYS: &[Way] = &[
    Way {
        name: "a file",
        pack: <[u8]>::to_vec,
        stdin: None,
    },
    Way {
        name: "a pipe",
        pack: <[u8]>::to_vec,
        stdin: Some(&["--no-follow"]),
    },
    Way {
        name: "a live pipe",
        pack: <[u8]>::to_vec,
        stdin: Some(&["-f"]),
    },
    Way {
        name: "a packed file",
        pack: gzip,
        stdin: None,
    },
    Way {
        name: "a packed pipe",
        pack: gzip,
        stdin: Some(&["--no-follow"]),
    },
    Way {
        name: "a packed live pipe",
        pack: gzip,
        stdin: Some(&["-f"]),
    },
    Way {
        name: "an archive",
        pack: zip,
        stdin: None,
    },
    Way {
        name: "an archive in a pipe",
        pack: zip,
        stdin: Some(&["--no-follow"]),
    },
];

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    packed.write_all(bytes).unwrap();
    packed.finish().unwrap()
}

fn zip(bytes: &[u8]) -> Vec<u8> {
    let mut zip = ZipWriter::new(std::io::Cursor::new(Vec::new()));
    zip.start_file("x", SimpleFileOptions::default()).unwrap();
    zip.write_all(bytes).unwrap();
    zip.finish().unwrap().into_inner()
}

/// Returns the exit code and the report of `bytes` that came in by `way`, without the input's name.
fn answer(way: &Way, bytes: &[u8], folder: &Path) -> (Option<i32>, Value) {
    let packed = (way.pack)(bytes);
    let mut command = Command::new(env!("CARGO_BIN_EXE_dropsift"));
    command
        .args(["--year", "2026", "--now", "2026-12-31", "-o", "json"])
        .env_remove("DROPSIFT_CONFIG")
        .current_dir(folder)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    match way.stdin {
        Some(args) => command.args(args).arg("-").stdin(Stdio::piped()),
        None => {
            // The report calls standard input so.
            fs::write(folder.join("stdin"), &packed).unwrap();
            command.arg("stdin").stdin(Stdio::null())
        }
    };
    let mut child = command.spawn().unwrap();
    let pipe = child.stdin.take();
    let output = thread::scope(|scope| {
        if let Some(mut pipe) = pipe {
            scope.spawn(move || {
                // In parts that end anywhere.
                for part in packed.chunks(40_961) {
                    if pipe.write_all(part).is_err() {
                        break;
                    }
                }
            });
        }
        child.wait_with_output().unwrap()
    });
    if output.stdout.is_empty() {
        // Where nothing at all could be read, it is only said why.
        let said = String::from_utf8_lossy(&output.stderr);
        let said = said
            .replace("standard input", "stdin")
            .replace("stdin/x", "stdin")
            .replace("`-`", "`stdin`");
        return (output.status.code(), serde_json::json!({ "said": said }));
    }
    let mut report: Value = serde_json::from_slice(&output.stdout).unwrap();
    let inputs = report.as_object_mut().unwrap().remove("inputs").unwrap();
    let inputs = inputs.as_array().unwrap();
    let is_whole = inputs.iter().all(|input| input["error"].is_null());
    report["is_whole"] = is_whole.into();
    (output.status.code(), report)
}

/// Names the keys in which two reports differ.
fn differences(one: &Value, other: &Value) -> Vec<String> {
    let (one, other) = (one.as_object().unwrap(), other.as_object().unwrap());
    let differ = one.keys().filter(|key| one.get(*key) != other.get(*key));
    differ
        .map(|key| {
            let (one, other) = (one[key].to_string(), other[key].to_string());
            let same = one.bytes().zip(other.bytes()).take_while(|(a, b)| a == b);
            let from = same.count().saturating_sub(60);
            let shown = |text: &str| {
                String::from_utf8_lossy(&text.as_bytes()[from.min(text.len())..]).into_owned()
            };
            format!("{key}: …{:.200} / …{:.200}", shown(&one), shown(&other))
        })
        .collect()
}

/// Compares all ways in of `rows`.
fn compare(rows: Vec<(String, Vec<u8>)>) {
    let folder = tempfile::tempdir().unwrap();
    let mut found = Vec::new();
    for (name, bytes) in rows {
        let expected = answer(&WAYS[0], &bytes, folder.path());
        for way in &WAYS[1..] {
            let came = answer(way, &bytes, folder.path());
            let mut differ = differences(&expected.1, &came.1);
            if expected.0 != came.0 {
                differ.push(format!("exit: {:?} / {:?}", expected.0, came.0));
            }
            if !differ.is_empty() {
                found.push(format!(
                    "{name} as {}:\n  {}",
                    way.name,
                    differ.join("\n  ")
                ));
            }
        }
    }
    assert!(found.is_empty(), "{}", found.join("\n"));
}

/// Returns the files below `folder`.
fn below(folder: &str) -> Vec<(String, Vec<u8>)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
    let mut paths: Vec<PathBuf> = fs::read_dir(root)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.is_file())
        .collect();
    paths.sort();
    let named = paths.into_iter().map(|path| {
        let name = path.strip_prefix(env!("CARGO_MANIFEST_DIR")).unwrap();
        (name.display().to_string(), fs::read(&path).unwrap())
    });
    named.collect()
}

#[test]
fn documents_and_forms() {
    compare(below("fuzz/seeds/document"));
}

#[test]
fn lines_of_each_form() {
    compare(below("fuzz/seeds/scan"));
}

#[test]
fn journals_and_what_is_packed() {
    compare([below("fuzz/seeds/journal"), below("fuzz/seeds/unpack")].concat());
}

#[test]
fn what_came_out_of_real_tools() {
    compare(
        [
            "fixtures/formats/dmesg",
            "fixtures/formats/journalctl",
            "fixtures/formats/rsyslog",
        ]
        .map(below)
        .concat(),
    );
}

const FIRST: u64 = 1_776_852_001_123_456;

/// A journal whose messages are longer than any of the kernel's, packed or as they are.
fn journal(packing: Packing, length: usize) -> Vec<u8> {
    let mut made = Made::new(packing);
    // It hardly packs, so that what is packed is long as well.
    let noise = |n: usize| b'0' + ((n as u32).wrapping_mul(2_654_435_761) >> 25) as u8 % 75;
    for (n, transport) in ["kernel", "stdout", "kernel", "stdout", "kernel"]
        .into_iter()
        .enumerate()
    {
        let begin = ["", "nothing "][usize::from(n == 3)];
        let mut message = format!("MESSAGE={begin}{}", drop_line(n)).into_bytes();
        message.extend((0..if n == 4 { 0 } else { length }).map(noise));
        let transport = format!("_TRANSPORT={transport}");
        let fields: [&[u8]; 4] = [
            transport.as_bytes(),
            b"_HOSTNAME=harvester1",
            b"SYSLOG_IDENTIFIER=kernel",
            &message,
        ];
        made.entry(FIRST + n as u64 * 1_000_000, &fields);
    }
    made.finish()
}

/// `count` lines as rsyslog writes them.
fn lines(count: usize) -> String {
    let line = |n| {
        let (minute, second) = (n / 60 % 60, n % 60);
        format!(
            "Apr 22 10:{minute:02}:{second:02} harvester1 kernel: {}\n",
            drop_line(n)
        )
    };
    (0..count).map(line).collect()
}

#[test]
fn what_once_depended_on_the_way_in() {
    let wide = |text: &str| -> Vec<u8> {
        let units = std::iter::once(0xfeff).chain(text.encode_utf16());
        units.flat_map(u16::to_le_bytes).collect()
    };
    let json = |n: usize, padding: usize| {
        format!(
            "{{\"__REALTIME_TIMESTAMP\":\"{}\",\"_TRANSPORT\":\"kernel\",\"_HOSTNAME\":\"harvester1\",\"X\":\"{}\",\
             \"MESSAGE\":\"{}\"}}\n",
            FIRST + n as u64,
            "x".repeat(padding),
            drop_line(n)
        )
    };
    let datagram = |n| {
        format!(
            "<4>Apr 22 10:00:{:02} harvester1 kernel: {}",
            n % 60,
            drop_line(n)
        )
    };
    let counted = |n| {
        let frame = datagram(n);
        format!("{} {frame}", frame.len())
    };
    let mut cut = sample_journal();
    cut.truncate(cut.len() * 3 / 4);
    let mut rows: Vec<(&str, Vec<u8>)> = vec![
        ("nothing", Vec::new()),
        ("blank lines", b" \n\n\t\n".to_vec()),
        ("no log", b"this is\nno log\n".to_vec()),
        (
            "garbage",
            (0..300_000_u32)
                .map(|n| (n.wrapping_mul(n) >> 7) as u8 | 0x80)
                .collect(),
        ),
        ("no last line end", lines(30).trim_end().into()),
        ("carriage returns", lines(30).replace('\n', "\r\n").into()),
        ("UTF-16", wide(&lines(30))),
        ("more than a block", lines(4_000).into()),
        (
            "a line of 2 MiB",
            format!("{}{}\n{}", lines(3), "x".repeat(2 << 20), lines(5)).into(),
        ),
        (
            "NULs",
            format!("{}{}{}", lines(3), "\0".repeat(5_000), lines(5)).into(),
        ),
        (
            "datagrams without line ends",
            (0..200).map(datagram).collect::<String>().into(),
        ),
        (
            "many datagrams",
            (0..900).map(datagram).collect::<String>().into(),
        ),
        (
            "counted frames",
            (0..200).map(counted).collect::<String>().into(),
        ),
        (
            "many counted frames",
            (0..900).map(counted).collect::<String>().into(),
        ),
        (
            "JSON",
            (0..50).map(|n| json(n, 0)).collect::<String>().into(),
        ),
        (
            "a JSON record of 1.5 MiB",
            [json(0, 0), json(1, 3 << 19), json(2, 0)].concat().into(),
        ),
        (
            "a JSON array",
            format!("[{}]", [json(0, 0), json(1, 0)].join(",")).into(),
        ),
        ("a journal that is cut", cut),
    ];
    for (name, packing) in [
        ("packed with zstd", Packing::Zstd),
        ("packed with lz4", Packing::Lz4),
        ("packed with xz", Packing::Xz),
    ] {
        rows.push((name, journal(packing, 600)));
    }
    rows.push(("messages of 70 kB", journal(Packing::Zstd, 70_000)));
    rows.push(("messages of 400 kB", journal(Packing::Zstd, 400_000)));
    compare(
        rows.into_iter()
            .map(|(name, bytes)| (name.to_owned(), bytes))
            .collect(),
    );
}

/// Returns the report of a log that comes in `parts`.
fn report(parts: &[&[u8]]) -> Value {
    let options = options();
    let mut analysis = Analysis::new(Site::default(), Scope::Documented);
    let mut reader = Reader::new(options.prefixes.clone(), options.reading);
    for part in parts {
        reader.push(part, &mut |event| analysis.push(event));
    }
    reader.finish(&mut |event| analysis.push(event));
    analysis.set_lines(reader.lines());
    let mut text = Vec::new();
    let json = RENDERERS.iter().find(|renderer| renderer.code == "json");
    (json.unwrap().report)(&analysis.report(None), Style::plain(80), &mut text).unwrap();
    serde_json::from_slice(&text).unwrap()
}

/// A log in parts, cut anywhere, gives the report of the whole.
#[test]
fn parts_that_end_anywhere() {
    let mut found = Vec::new();
    let mut dice = Dice(17);
    let folders = [
        "fuzz/seeds/document",
        "fuzz/seeds/scan",
        "fixtures/formats/dmesg",
        "fixtures/formats/journalctl",
        "fixtures/formats/rsyslog",
    ];
    for (name, bytes) in folders.into_iter().flat_map(below) {
        let expected = report(&[&bytes]);
        for _ in 0..24 {
            let mut cuts: Vec<usize> = (0..1 + dice.roll(3))
                .map(|_| dice.roll(bytes.len() + 1))
                .collect();
            cuts.sort_unstable();
            let mut parts = Vec::new();
            let mut from = 0;
            for cut in cuts.iter().copied().chain([bytes.len()]) {
                parts.push(&bytes[from..cut]);
                from = cut;
            }
            let differ = differences(&expected, &report(&parts));
            if !differ.is_empty() {
                found.push(format!(
                    "{name} cut at {cuts:?}:\n  {}",
                    differ.join("\n  ")
                ));
                break;
            }
        }
    }
    assert!(found.is_empty(), "{}", found.join("\n"));
}

/// A chain whose LOG rule has another prefix is told in a binary journal as in the texts of it: in a small one, which is
/// walked through, and in one so large that its index leads to the kernel's entries.
#[test]
fn another_prefix_in_a_journal() {
    let message = |n: usize| {
        let prefix = ["MYFW_DROP_", "HARVESTER_REJECT: ", "", "MYFW_DROP_"][n % 4];
        drop_line(n).replace("HARVESTER_DROP_", prefix)
    };
    let folder = tempfile::tempdir().unwrap();
    for filler in [0, 40_000] {
        let mut made = Made::new(Packing::Zstd);
        let (mut export, mut syslog) = (String::new(), String::new());
        for n in 0..9 + filler {
            let at = FIRST + n as u64 * 1_000_000;
            let (transport, message) = match n {
                8 => ("syslog", message(0)),
                0..8 => ("kernel", message(n)),
                _ => ("stdout", format!("{n} {}", "lorem ipsum ".repeat(36))),
            };
            let (transport, text) = (
                format!("_TRANSPORT={transport}"),
                format!("MESSAGE={message}"),
            );
            made.entry(at, &[transport.as_bytes(), b"_HOSTNAME=h", text.as_bytes()]);
            export += &format!("__REALTIME_TIMESTAMP={at}\n{transport}\n_HOSTNAME=h\n{text}\n\n");
            let program = if n < 8 { "kernel" } else { "app" };
            syslog += &format!("Apr 22 10:00:{:02} h {program}: {message}\n", n % 60);
        }
        let journal = made.finish();
        assert_eq!(journal.len() > 16 << 20, filler > 0);
        let answers: Vec<(Option<i32>, Value)> =
            [&journal[..], export.as_bytes(), syslog.as_bytes()]
                .into_iter()
                .map(|bytes| answer(&WAYS[0], bytes, folder.path()))
                .map(|(code, report)| (code, report["warnings"].clone()))
                .collect();
        let said = answers[0].1.to_string();
        assert!(said.contains("other-prefix"), "{filler}: {said}");
        let names = ["`MYFW_DROP_` (4 lines)", "`HARVESTER_REJECT: ` (2 lines)"];
        assert!(names.iter().all(|name| said.contains(name)), "{said}");
        assert_eq!(answers[0], answers[1], "{filler}");
        assert_eq!(answers[0], answers[2], "{filler}");
    }
}
