//! The same on a terminal, where the program decides for itself to colour: `script` gives it one.

use std::process::Command;

use super::world::World;
use super::{TEXTS, raw};

const RUNS: [&str; 4] = [
    "log.export -v",
    "-v <log.export",
    "rules log.export -v",
    "--year \"$(cat word)\"",
];

#[test]
fn nothing_hostile_is_raw_on_a_terminal() {
    let there = Command::new("script").arg("--version").output();
    if there.is_err() {
        return eprintln!("left out: script is not installed");
    }
    let mut wrong = Vec::new();
    for (name, text) in TEXTS {
        let world = World::new(text);
        for run in RUNS {
            let command = format!("{} {run}; true", env!("CARGO_BIN_EXE_dropsift"));
            let output = Command::new("script")
                .args(["-qec", &command, "/dev/null"])
                .current_dir(world.path())
                .env("TERM", "xterm")
                .env_remove("NO_COLOR")
                .output()
                .unwrap();
            // The terminal's own line ends.
            let shown = String::from_utf8_lossy(&output.stdout).replace("\r\n", "\n");
            let coloured = shown.contains("\x1b[0m");
            // A script and a refusal have no colours.
            let plain = run.contains("rules") || run.contains("--year");
            assert!(coloured || plain, "{run} is not coloured: {shown}");
            wrong.extend(raw(shown.as_bytes(), true).map(|line| format!("{name}, {run}: {line}")));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
