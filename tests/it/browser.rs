//! Pages in Debian's chromium. The tests are in `tests/browser/`, in JavaScript: they get the program, and pages of hostile
//! logs.
//!
//! They need chromium, node and more; without that they are left out by name. With `DROPSIFT_BROWSER=required` they fail.
#![allow(clippy::print_stderr, reason = "what is left out is named")]

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::hostile;
use crate::support::has;

/// What the tests start.
const PROGRAMS: [&str; 4] = ["chromium", "node", "npm", "pdftotext"];
/// The oldest node that playwright-core runs on.
const NODE: &str = "process.exit(+(process.versions.node.split('.')[0] < 20))";

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/browser")
}

/// Installs the packages of the lock file where they are not installed yet; an error says what is missing.
fn install() -> Result<(), String> {
    if PROGRAMS.iter().filter(|program| !has(program)).count() > 0 {
        return Err("programs are not installed".to_owned());
    }
    if !Command::new("node")
        .args(["-e", NODE])
        .status()
        .unwrap()
        .success()
    {
        return Err("node is older than 20".to_owned());
    }
    let lock = folder().join("package-lock.json");
    let installed = folder().join("node_modules/.package-lock.json");
    let written = |path: &Path| path.metadata().and_then(|data| data.modified()).ok();
    if written(&installed) >= written(&lock) {
        return Ok(());
    }
    let output = Command::new("npm")
        .args(["ci", "--no-audit", "--no-fund", "--ignore-scripts"])
        .current_dir(folder())
        .output()
        .unwrap();
    match output.status.success() {
        true => Ok(()),
        false => Err(format!(
            "npm ci: {}",
            String::from_utf8_lossy(&output.stderr)
        )),
    }
}

#[test]
fn pages_hold_in_a_browser() {
    if let Err(why) = install() {
        let required = std::env::var("DROPSIFT_BROWSER").is_ok_and(|value| value == "required");
        assert!(!required, "{why}");
        return eprintln!("left out: pages in a browser; {why}");
    }
    let pages = tempfile::tempdir().unwrap();
    hostile::write_pages(pages.path());
    let output = Command::new("node")
        .args(["--test", "--test-reporter=spec"])
        .current_dir(folder())
        .env("DROPSIFT", env!("CARGO_BIN_EXE_dropsift"))
        .env("HOSTILE", pages.path())
        .output()
        .unwrap();
    let told = String::from_utf8_lossy(&output.stdout);
    assert!(
        output.status.success(),
        "{told}\n{}",
        String::from_utf8_lossy(&output.stderr)
    );
    eprintln!("{told}");
}
