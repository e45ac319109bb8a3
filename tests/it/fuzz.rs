//! The fuzz targets on stable: every seed and every input that once broke something, then a bounded number of mutations of
//! them. `DROPSIFT_FUZZ` makes it another number of mutations for each target; with `DROPSIFT_FUZZ_INPUT` a test runs that
//! file alone.

use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

#[path = "../../fuzz/src/lib.rs"]
#[allow(unreachable_pub, reason = "it is the library of the fuzz targets")]
pub(crate) mod targets;

use targets::{Dice, TARGETS};

/// Upper bound on the bytes of an input.
const LONGEST: usize = 16 << 10;

/// Texts that break parsers of any kind.
const WORDS: &[&[u8]] = &[
    b"\0",
    b"\n",
    b"\r\n",
    b"\"",
    b"'",
    b"\\",
    b"{",
    b"}",
    b"[",
    b"]",
    b"=",
    b":",
    b" ",
    b"\x1b[31m",
    b"\x1e",
    b"\xff",
    b"\xe2\x80\xae",
    b"\xc2\x9b",
    b"-1",
    b"0",
    b"65536",
    b"4294967296",
    b"18446744073709551615",
    b"9223372036854775807",
    b"HARVESTER_DROP_IN=",
    b" SRC=",
    b" OUT=",
];

fn folder(path: &str, target: &str) -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    root.join(path).join(target)
}

/// Returns the files of a folder by name; none where it is not there.
fn files(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let entries = fs::read_dir(folder).into_iter().flatten();
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    let named = |path: PathBuf| (path.display().to_string(), fs::read(path).unwrap());
    paths.into_iter().map(named).collect()
}

/// Returns the words of the dictionary of a target, as libFuzzer reads it: `"text"`, with `\\`, `\"` and `\xNN` in it.
fn dictionary(target: &str) -> Vec<Vec<u8>> {
    let path = folder("fuzz/dict", target);
    let text = fs::read_to_string(path).unwrap_or_default();
    let quoted = |line: &str| {
        let text = line.split_once('"')?.1.strip_suffix('"')?;
        let mut out = Vec::new();
        let mut rest = text.bytes();
        while let Some(byte) = rest.next() {
            if byte != b'\\' {
                out.push(byte);
                continue;
            }
            match rest.next()? {
                b'x' => {
                    let digits = [rest.next()?, rest.next()?];
                    let digits = std::str::from_utf8(&digits).ok()?;
                    out.push(u8::from_str_radix(digits, 16).ok()?);
                }
                escaped => out.push(escaped),
            }
        }
        Some(out)
    };
    let lines = text
        .lines()
        .filter(|line| !line.starts_with('#') && !line.is_empty());
    let word = |line| quoted(line).unwrap_or_else(|| panic!("{target}: {line} is no word"));
    lines.map(word).collect()
}

/// Changes `bytes` in one way: a bit, a byte, a word, a part of itself or of `other`.
pub(crate) fn mutate(bytes: &mut Vec<u8>, other: &[u8], words: &[Vec<u8>], dice: &mut Dice) {
    let at = dice.roll(bytes.len() + 1);
    let some = |dice: &mut Dice, of: &[u8]| {
        let from = dice.roll(of.len() + 1);
        let size = dice.roll((of.len() - from).min(200) + 1);
        of[from..from + size].to_vec()
    };
    let put = match dice.roll(8) {
        0 if at < bytes.len() => {
            bytes[at] ^= 1 << dice.roll(8);
            return;
        }
        1 if at < bytes.len() => {
            bytes[at] = dice.roll(256) as u8;
            return;
        }
        2 => {
            let size = some(dice, &bytes[at..]).len();
            bytes.drain(at..at + size);
            return;
        }
        3 => {
            bytes.truncate(at);
            return;
        }
        4 => some(dice, bytes),
        5 => some(dice, other),
        6 if !words.is_empty() => words[dice.roll(words.len())].clone(),
        _ => WORDS[dice.roll(WORDS.len())].to_vec(),
    };
    // Overwrites bytes, or inserts some.
    let end = if dice.roll(2) == 0 {
        (at + put.len()).min(bytes.len())
    } else {
        at
    };
    bytes.splice(at..end, put);
    bytes.truncate(LONGEST);
}

/// Runs a target; an input that breaks it is kept, and named.
fn run(name: &str, target: fn(&[u8]), what: &str, input: &[u8]) {
    if catch_unwind(AssertUnwindSafe(|| target(input))).is_err() {
        let kept = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("fuzz-{name}"));
        fs::write(&kept, input).unwrap();
        panic!(
            "{name} breaks by {what}; the input is in {}",
            kept.display()
        );
    }
}

/// Runs this number of mutations, unless the environment sets another.
fn fuzz(name: &str, mutations: usize) {
    let (_, target) = TARGETS.iter().find(|(known, _)| *known == name).unwrap();
    if let Some(path) = std::env::var_os("DROPSIFT_FUZZ_INPUT") {
        return target(&fs::read(path).unwrap());
    }
    let mut inputs = files(&folder("fuzz/seeds", name));
    assert!(!inputs.is_empty(), "{name} has no seeds");
    inputs.extend(files(&folder("fixtures/fuzz", name)));
    for (path, input) in &inputs {
        run(name, *target, path, input);
    }
    run(name, *target, "nothing", b"");
    let words = dictionary(name);
    let mut dice = Dice::of(name.as_bytes());
    let told = std::env::var("DROPSIFT_FUZZ").ok();
    let count = told.map_or(mutations, |told| told.parse().unwrap());
    for number in 0..count {
        let (path, input) = &inputs[dice.roll(inputs.len())];
        let (_, other) = &inputs[dice.roll(inputs.len())];
        let mut input = input.clone();
        for _ in 0..=dice.roll(4) {
            mutate(&mut input, other, &words, &mut dice);
        }
        run(
            name,
            *target,
            &format!("mutation {number}, of {path}"),
            &input,
        );
    }
}

#[test]
fn packet() {
    fuzz("packet", 3000);
}

#[test]
fn scan() {
    fuzz("scan", 60);
}

#[test]
fn document() {
    fuzz("document", 60);
}

#[test]
fn report() {
    fuzz("report", 60);
}

#[test]
fn chain() {
    fuzz("chain", 300);
}

#[test]
fn cloudinit() {
    fuzz("cloudinit", 150);
}

#[test]
fn journal() {
    fuzz("journal", 60);
}

#[test]
fn unpack() {
    fuzz("unpack", 60);
}

#[test]
fn bundle() {
    fuzz("bundle", 60);
}

#[test]
fn every_target_has_its_program_and_is_run_here() {
    let own = include_str!("fuzz.rs");
    let manifest = include_str!("../../fuzz/Cargo.toml");
    let mut programs: Vec<String> = files(&folder("fuzz/fuzz_targets", ""))
        .iter()
        .map(|(path, _)| {
            Path::new(path)
                .file_stem()
                .unwrap()
                .to_str()
                .unwrap()
                .to_owned()
        })
        .collect();
    let mut names: Vec<&str> = TARGETS.iter().map(|(name, _)| *name).collect();
    for name in &names {
        assert!(own.contains(&format!("fuzz(\"{name}\", ")), "{name}");
        assert!(manifest.contains(&format!("name = \"{name}\"")), "{name}");
    }
    names.sort_unstable();
    programs.sort_unstable();
    assert_eq!(programs, names);
}
