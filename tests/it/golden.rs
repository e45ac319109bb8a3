//! Runs the golden folders, `fixtures/cli/<command>/<case>/` with a file `cmd`: one behaviour each.
//!
//! `cmd` contains the arguments, a word a line; it is run in the folder. `stdin`, where it exists, is piped in.
//! `stdout`, `stderr` and `code` are the expected results; `env` contains the environment, a `NAME=VALUE` a line;
//! `stderr` is compared where it exists. `UPDATE=1 cargo test --test it golden` updates them; review the difference.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::support::files;

#[test]
fn every_folder_says_what_it_should() {
    let commands = files("fixtures/cli").into_iter();
    let commands = commands.filter(|path| path.ends_with("cmd"));
    let folders: Vec<PathBuf> = commands
        .map(|path| path.parent().unwrap().to_path_buf())
        .collect();
    assert!(
        folders.len() >= 10,
        "only {} golden folders were found",
        folders.len()
    );
    let update = std::env::var_os("UPDATE").is_some();
    let mut wrong = String::new();
    for folder in &folders {
        assert!(
            folder.join("README").exists(),
            "{} does not say what it shows",
            folder.display()
        );
        wrong.push_str(&run(folder, update));
    }
    assert!(wrong.is_empty(), "{wrong}");
}

/// Returns the differences; empty where there are none.
fn run(folder: &Path, update: bool) -> String {
    let args = fs::read_to_string(folder.join("cmd")).unwrap();
    let stdin = File::open(folder.join("stdin")).map_or_else(|_| Stdio::null(), Stdio::from);
    let env = fs::read_to_string(folder.join("env")).unwrap_or_default();
    let output = Command::new(env!("CARGO_BIN_EXE_dropsift"))
        .args(args.lines())
        .current_dir(folder)
        .env_clear()
        .envs(env.lines().filter_map(|line| line.split_once('=')))
        .stdin(stdin)
        .output()
        .unwrap();
    let code = format!("{}\n", output.status.code().unwrap());
    let mut wrong = String::new();
    for (name, got) in [
        ("stdout", &output.stdout),
        ("stderr", &output.stderr),
        ("code", &code.into_bytes()),
    ] {
        let path = folder.join(name);
        if name == "stderr" && !path.exists() {
            continue;
        }
        if update {
            fs::write(&path, got).unwrap();
        } else if fs::read(&path).unwrap_or_default() != *got {
            let got = String::from_utf8_lossy(got);
            wrong.push_str(&format!("{}/{name} is now:\n{got}\n", folder.display()));
        }
    }
    wrong
}
