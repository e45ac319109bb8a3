//! Tells the program which commit it was built from: by git, else by what cargo packed with it, else not at all.

use std::path::Path;
use std::process::Command;

fn main() {
    let folder = std::env::var("CARGO_MANIFEST_DIR").unwrap_or_default();
    let commit = by_git(&folder).or_else(|| packed(&folder));
    println!("cargo:rerun-if-changed=build.rs");
    println!(
        "cargo:rustc-env=DROPSIFT_COMMIT={}",
        commit.unwrap_or_default()
    );
}

/// The commit that is checked out, where this folder is a checkout of its own.
fn by_git(folder: &str) -> Option<String> {
    let git = |words: &[&str]| {
        let output = Command::new("git")
            .current_dir(folder)
            .args(words)
            .output()
            .ok()?;
        let text = String::from_utf8(output.stdout).ok()?;
        output.status.success().then(|| text.trim().to_owned())
    };
    let top = git(&["rev-parse", "--show-toplevel"])?;
    if Path::new(&top).canonicalize().ok()? != Path::new(folder).canonicalize().ok()? {
        return None;
    }
    // Each commit, and each change of branch, is a line there.
    let log = Path::new(folder).join(git(&["rev-parse", "--git-path", "logs/HEAD"])?);
    if log.exists() {
        println!("cargo:rerun-if-changed={}", log.display());
    }
    git(&["rev-parse", "--short=12", "HEAD"])
}

/// The commit of a crate that cargo packed.
fn packed(folder: &str) -> Option<String> {
    let text = std::fs::read_to_string(Path::new(folder).join(".cargo_vcs_info.json")).ok()?;
    let (_, rest) = text.split_once("\"sha1\": \"")?;
    rest.get(..12).map(str::to_owned)
}
