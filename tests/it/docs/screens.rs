//! The walk-through of docs/: its commands are run one after the other, as somebody would who reads it, and what they print
//! is compared with what the page shows.
//!
//! They run on a node: a network namespace of their own with the running chain of the capture, and its name. Where there are
//! no namespaces or no iptables, only the commands before the first that asks a node are run, and the rest is left out by name;
//! with `DROPSIFT_LAB=required` that fails.

#![allow(clippy::print_stderr, reason = "a test says what it leaves out")]

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use std::process::Command;

use anstyle::RgbColor;
use anstyle_svg::{Palette, Term, VGA};
use tempfile::TempDir;

use super::fresh;

const ROOT: &str = env!("CARGO_MANIFEST_DIR");
const PAGE: &str = "walk-through.md";
/// The way onto a node.
const NODE: &str = "ssh ";
/// Stand-ins for the way onto a node: the commands behind it run here.
const PROGRAMS: [(&str, &str); 2] = [("ssh", "shift; eval \"$*\""), ("sudo", "exec \"$@\"")];
/// Brings the namespace into the state of the captured node.
const BOOT: &str = "hostname harvester1 && iptables-restore <harvester1.save";

/// A command of the page, and how its output is shown.
struct Step {
    command: String,
    /// Where its output stands in the page.
    output: std::ops::Range<usize>,
    /// The image that stands for it.
    image: Option<String>,
}

/// Returns the commands of the ```` ```console ```` blocks of a page; the image right below a block shows its output.
fn steps(page: &str) -> Vec<Step> {
    const BEGIN: &str = "\n```console\n$ ";
    let mut steps = Vec::new();
    let mut from = 0;
    while let Some(begin) = page[from..].find(BEGIN).map(|at| from + at + BEGIN.len()) {
        let end = begin + page[begin..].find("\n```\n").unwrap() + 1;
        // A line that goes on behind `\` belongs to the command.
        let lines = page[begin..end].split_inclusive('\n');
        let mut length = 0;
        for line in lines {
            length += line.len();
            if !line.ends_with("\\\n") {
                break;
            }
        }
        let after = page[end..].trim_start_matches('`').trim_start();
        let image = after.strip_prefix("[![").map(|image| {
            let (_, rest) = image.split_once("](").unwrap();
            rest.split_once(')').unwrap().0.to_owned()
        });
        steps.push(Step {
            command: page[begin..begin + length].trim_end().to_owned(),
            output: begin + length..end,
            image,
        });
        from = end;
    }
    steps
}

/// Returns a folder that has the capture and the programs.
fn place() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    for name in [
        "limited.log",
        "harvester1.save",
        "91-iptables-control-plane.yaml",
    ] {
        let from = Path::new(ROOT).join("fixtures/set-a").join(name);
        fs::copy(from, at(name)).unwrap();
    }
    fs::create_dir(at("bin")).unwrap();
    symlink(env!("CARGO_BIN_EXE_dropsift"), at("bin/dropsift")).unwrap();
    for (name, script) in PROGRAMS {
        let path = at("bin").join(name);
        fs::write(&path, format!("#!/bin/sh\n{script}\n")).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    }
    folder
}

/// Runs a script of bash in `folder`, as the words of `inside` have it.
fn bash(inside: &[&str], script: &str, folder: &Path) -> bool {
    let [program, args @ ..] = inside else {
        return bash(&["env"], script, folder);
    };
    let output = Command::new(program)
        .args(args)
        .args(["bash", "-c", script])
        .current_dir(folder)
        .env_clear()
        .env(
            "PATH",
            format!("{}/bin:/usr/sbin:/usr/bin:/sbin:/bin", folder.display()),
        )
        .env("HOME", folder)
        .env("LANG", "C.UTF-8")
        .env("COLUMNS", "80")
        .stdin(fs::File::open("/dev/null").unwrap())
        .output();
    output.is_ok_and(|output| output.status.success())
}

/// Returns the words that make a namespace in which a chain can be set, if any do here.
fn namespace(folder: &Path) -> Option<&'static [&'static str]> {
    const WAYS: [&[&str]; 2] = [&["unshare", "-Urn", "--uts"], &["unshare", "-n", "--uts"]];
    WAYS.into_iter().find(|inside| bash(inside, BOOT, folder))
}

#[test]
fn the_walk_through_shows_what_is_printed() {
    let folder = place();
    let path = Path::new(ROOT).join("docs").join(PAGE);
    let page = fs::read_to_string(path).unwrap();
    let mut steps = steps(&page);
    assert!(steps.len() > 8, "only {} commands", steps.len());
    let inside = namespace(folder.path());
    if inside.is_none() {
        let required = std::env::var("DROPSIFT_LAB").is_ok_and(|value| value == "required");
        assert!(!required, "no namespace with iptables can be made");
        steps.truncate(steps.iter().position(|s| s.command.contains(NODE)).unwrap());
        eprintln!(
            "left out: the commands of docs/{PAGE} from the first of a node on; there is no namespace with iptables here"
        );
    }
    let mut script = inside
        .map(|_| format!("{BOOT} || exit\n"))
        .unwrap_or_default();
    for (at, step) in steps.iter().enumerate() {
        let colour = if step.image.is_some() {
            "export CLICOLOR_FORCE=1\n"
        } else {
            ""
        };
        script += &format!("(\n{colour}{}\n) >{at}.out 2>&1\n", step.command);
    }
    script += "true\n";
    assert!(bash(inside.unwrap_or_default(), &script, folder.path()));
    let mut text = page.clone();
    for (at, step) in steps.iter().enumerate().rev() {
        let output = fs::read_to_string(folder.path().join(format!("{at}.out"))).unwrap();
        let lines: String = output
            .lines()
            .map(|l| format!("{}\n", l.trim_end()))
            .collect();
        let failed = lines.lines().any(|line| line.starts_with("dropsift: "));
        assert!(!failed, "{}:\n{lines}", step.command);
        if let Some(image) = &step.image {
            assert!(!lines.is_empty(), "{} prints nothing", step.command);
            fresh(image, &drawn(&output));
            text.replace_range(step.output.clone(), "");
        } else {
            text.replace_range(step.output.clone(), &lines);
        }
    }
    fresh(PAGE, &text);
}

/// Returns the picture of what a terminal gets, in colours that can be read on a light ground.
fn drawn(output: &str) -> String {
    let Palette(mut colours) = VGA;
    // Red, green, yellow.
    colours[1] = RgbColor(170, 20, 20);
    colours[2] = RgbColor(20, 105, 40);
    colours[3] = RgbColor(125, 85, 0);
    let svg = Term::new()
        .palette(Palette(colours))
        .fg_color(RgbColor(25, 30, 35).into())
        .bg_color(RgbColor(246, 247, 249).into())
        .render_svg(output.trim_end());
    // Lines without spaces at their ends, as all files here.
    svg.lines().map(|l| format!("{}\n", l.trim_end())).collect()
}
