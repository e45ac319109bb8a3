//! Imports go strictly down: no file names a module of a higher floor.

use std::fs;
use std::path::{Path, PathBuf};

/// The modules of the crate and their floors, as docs/architecture.md has them.
const FLOORS: &[(&str, u8)] = &[
    ("error", 0),
    ("time", 0),
    ("nearest", 0),
    ("net", 0),
    ("beside", 0),
    ("names", 0),
    ("packet", 1),
    ("input", 1),
    ("catalog", 1),
    ("chain", 2),
    ("cloudinit", 2),
    ("site", 2),
    ("flow", 2),
    ("saturation", 2),
    ("cause", 3),
    ("audit", 3),
    ("finding", 4),
    ("rule", 5),
    ("report", 6),
    ("analyze", 7),
    ("cli", 8),
    ("main", 8),
];

#[test]
fn imports_go_down() {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut upward = Vec::new();
    for file in rust_files(&src) {
        let relative = file.strip_prefix(&src).unwrap();
        let module = relative
            .iter()
            .next()
            .unwrap()
            .to_str()
            .unwrap()
            .trim_end_matches(".rs");
        if module == "lib" {
            continue;
        }
        let own = floor(module).unwrap_or_else(|| panic!("{module} has no floor"));
        let text = fs::read_to_string(&file).unwrap();
        for used in text.split("crate::").skip(1) {
            let name: String = used
                .chars()
                .take_while(|c| c.is_alphanumeric() || *c == '_')
                .collect();
            if floor(&name).is_some_and(|floor| floor > own) {
                upward.push(format!("{} uses crate::{name}", relative.display()));
            }
        }
    }
    assert!(upward.is_empty(), "upward imports:\n{}", upward.join("\n"));
}

#[test]
fn one_crate_one_room() {
    // Libraries that stand for a decision are used in one room only.
    let rooms = [
        ("clap::", "cli/"),
        ("clap_complete::", "cli/"),
        ("clap_mangen::", "cli/"),
        ("schemars::", "report/json"),
        ("comfy_table::", "report/table.rs"),
        ("nom::", "packet/"),
        ("ctrlc::", "cli/"),
        ("strsim::", "nearest.rs"),
        ("humantime::", "cli/dates.rs"),
        ("SystemTime", "cli/terminal.rs"),
    ];
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    for file in rust_files(&src) {
        let relative = file.strip_prefix(&src).unwrap().display().to_string();
        let text = fs::read_to_string(&file).unwrap();
        for (name, room) in rooms {
            assert!(
                !text.contains(name) || relative.starts_with(room),
                "{relative} uses {name}, which belongs to {room}"
            );
        }
    }
}

fn floor(module: &str) -> Option<u8> {
    FLOORS
        .iter()
        .find(|(name, _)| *name == module)
        .map(|(_, floor)| *floor)
}

fn rust_files(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(rust_files(&path));
        } else if path.extension().is_some_and(|e| e == "rs") {
            files.push(path);
        }
    }
    files
}
