//! Options of this run that change its answer, for commands that ask further questions about the same log.

use std::ffi::OsString;

use clap::CommandFactory;
use clap::parser::ValueSource;

use super::args::Args;
use super::words::arranged;
use crate::chain::quoted;

/// Ids of the options that do not change the content of an answer, only its form, its time, or the exit status.
const ASIDE: [&str; 15] = [
    "output",
    "format",
    "follow",
    "no_follow",
    "updates",
    "no_report",
    "fail_on",
    "color",
    "no_pager",
    "quiet",
    "verbose",
    "inputs",
    "metrics",
    "cursor_file",
    "not",
];
/// Prefix of the ids of negated filters, as [`arranged`] makes them.
const TURNED: &str = "not_";

/// Returns the options in `args` that change the answer: each with its value, quoted for a shell.
pub(super) fn options(args: impl IntoIterator<Item = OsString>) -> Vec<String> {
    let command = Args::command();
    let Ok(matches) = command.clone().try_get_matches_from(arranged(args)) else {
        return Vec::new();
    };
    let mut options = Vec::new();
    for arg in command.get_arguments() {
        let id = arg.get_id().as_str();
        let Some(long) = arg.get_long().filter(|_| !ASIDE.contains(&id)) else {
            continue;
        };
        if matches.value_source(id) != Some(ValueSource::CommandLine) {
            continue;
        }
        let name = match id.strip_prefix(TURNED) {
            Some(filter) if long.starts_with("not-") => format!("--not --{filter}"),
            _ => format!("--{long}"),
        };
        if !arg.get_action().takes_values() {
            options.push(name);
            continue;
        }
        let values = matches.get_raw(id).into_iter().flatten();
        options.extend(values.map(|value| {
            let value = value.to_string_lossy();
            format!("{name} {}", quoted(&value))
        }));
    }
    options
}

#[cfg(test)]
mod tests {
    use super::options;

    fn of(args: &[&str]) -> Vec<String> {
        options(
            std::iter::once("dropsift")
                .chain(args.iter().copied())
                .map(Into::into),
        )
    }

    #[test]
    fn what_changes_the_answer_is_said_again() {
        let args = [
            "--role",
            "worker",
            "-v",
            "--role=harvester1=control-plane",
            "--no-upgrade",
            "--color",
            "never",
            "--since",
            "2026-05-05 04:30",
            "--not",
            "--port",
            "22",
            "-o",
            "text",
            "kernel.log",
        ];
        assert_eq!(
            of(&args),
            [
                "--role worker",
                "--role harvester1=control-plane",
                "--no-upgrade",
                "--since '2026-05-05 04:30'",
                "--not --port 22",
            ]
        );
        assert!(of(&["kernel.log", "-q", "--fail-on", "never"]).is_empty());
    }
}
