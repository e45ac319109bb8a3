//! Options of this run that change its answer, for commands that ask further questions about the same log.

use std::ffi::OsString;

use clap::parser::ValueSource;

use super::dates::fixed;
use super::usage;
use super::words::arranged;
use crate::chain::quoted;
use crate::time::Reading;

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
/// Ids of the options whose values may count from the clock.
const TIMES: [&str; 3] = ["since", "until", "upgrade"];
/// Prefix of the ids of negated filters, as [`arranged`] makes them.
const TURNED: &str = "not_";

/// Returns the options in `args` that change the answer: each with its value, quoted for a shell. Times are those that this
/// run has taken them for, by its `reading`.
pub(super) fn options(args: impl IntoIterator<Item = OsString>, reading: &Reading) -> Vec<String> {
    let command = usage::bare();
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
            let mut value = value.to_string_lossy();
            if TIMES.contains(&id) {
                value = fixed(&value, reading).into();
            }
            format!("{name} {}", quoted(&value))
        }));
    }
    options
}

#[cfg(test)]
mod tests {
    use super::options;
    use crate::time::{Reading, Time};

    fn of(args: &[&str]) -> Vec<String> {
        options(
            std::iter::once("dropsift")
                .chain(args.iter().copied())
                .map(Into::into),
            &Reading {
                year: None,
                reference: Time(1_776_852_282_000_000),
                offset: 0,
            },
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

    #[test]
    fn what_counts_from_the_clock_is_said_as_it_was_then() {
        for (typed, said) in [
            ("--since=now", "--since 2026-04-22T10:04:42Z"),
            ("--since=-1h", "--since 2026-04-22T09:04:42Z"),
            ("--since=5m", "--since 2026-04-22T09:59:42Z"),
            ("--until=2 hours ago", "--until 2026-04-22T08:04:42Z"),
            ("--until=today", "--until 2026-04-22T00:00:00Z"),
            ("--until=yesterday", "--until 2026-04-21T00:00:00Z"),
            ("--upgrade=-1h..", "--upgrade 2026-04-22T09:04:42Z.."),
            (
                "--upgrade=yesterday..now",
                "--upgrade 2026-04-21T00:00:00Z..2026-04-22T10:04:42Z",
            ),
            ("--since=04:30", "--since 04:30"),
            ("--since=@1776852282", "--since @1776852282"),
            (
                "--upgrade=2026-05-05 04:30..06:00",
                "--upgrade '2026-05-05 04:30..06:00'",
            ),
        ] {
            assert_eq!(of(&[typed]), [said], "{typed}");
        }
    }
}
