//! Command line with the texts of its manual: `-h` on one screen, `--help` in full.

use std::sync::LazyLock;

use clap::{Command, CommandFactory};

use super::args::Args;
use super::help::MANUALS;
use crate::catalog::HARVESTER_RELEASE;

/// Template of `--help`: examples first, then all options.
const LONG: &str = "{about}\n\n{before-help}{usage-heading} {usage}\n\n{all-args}{after-help}";
/// Template of `-h`: the most used options, on one screen.
const SHORT: &str =
    "{about}\n\n{usage-heading} {usage}\n\n{before-help}Options:\n{options}{after-help}";

/// Returns the command line without the texts of its manual. It is built once: that takes some 0.2 ms, and is asked for in
/// several places before the first byte of a log is read.
pub(super) fn bare() -> &'static Command {
    static BARE: LazyLock<Command> = LazyLock::new(Args::command);
    &BARE
}

/// Returns the command line with all texts. `is_short` is for `-h`.
pub(super) fn command(is_short: bool) -> Command {
    let mut command = bare().clone().version(version());
    let names: Vec<String> = command
        .get_subcommands()
        .map(|sub| sub.get_name().to_owned())
        .collect();
    for name in &names {
        command = command.mut_subcommand(name, |sub| said(sub, name, is_short));
    }
    let command = said(command, "", is_short);
    if is_short {
        command.before_help(format!("Commands: {}", names.join(", ")))
    } else {
        command
    }
}

/// Adds the texts of its manual to `command`.
fn said(command: Command, name: &str, is_short: bool) -> Command {
    let manual = MANUALS.iter().find(|manual| manual.name == name);
    let called = if name.is_empty() {
        String::new()
    } else {
        format!(" {name}")
    };
    if is_short {
        return command.help_template(SHORT).after_help(format!(
            "`dropsift{called} --help` has examples and all options."
        ));
    }
    let Some(manual) = manual else {
        return command;
    };
    let mut before = String::from("Examples:");
    for (what, typed) in manual.examples {
        if !what.is_empty() {
            before.push_str(&format!("\n  # {what}"));
        }
        before.push_str(&format!("\n  {}", typed.replace('\n', "\n  ")));
    }
    let mut after = String::new();
    if !manual.notes.is_empty() {
        after.push_str(manual.notes);
    }
    if !manual.exit.is_empty() {
        after.push_str(if after.is_empty() {
            "Exit codes:"
        } else {
            "\n\nExit codes:"
        });
        for (code, meaning) in manual.exit {
            after.push_str(&format!("\n  {code}  {meaning}"));
        }
    }
    let command = command.help_template(LONG).before_help(before);
    if after.is_empty() {
        command
    } else {
        command.after_help(after)
    }
}

/// Returns the version, the commit, and the Harvester release of the port catalogue.
fn version() -> String {
    let version = env!("CARGO_PKG_VERSION");
    match env!("DROPSIFT_COMMIT") {
        "" => format!("{version} (ports of Harvester {HARVESTER_RELEASE})"),
        commit => format!("{version} (commit {commit}, ports of Harvester {HARVESTER_RELEASE})"),
    }
}
