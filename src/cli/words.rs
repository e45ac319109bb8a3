//! Preprocessing of the command line into an order that clap understands.

use std::ffi::OsString;

use clap::Command;

use super::usage;

/// Filters that `--not` may precede.
const FILTERS: [&str; 4] = ["--only", "--port", "--peer", "--verdict"];

/// Returns the arguments as clap must read them: options before a subcommand moved behind it, and each `--not` joined to
/// its filter.
pub(super) fn arranged(args: impl IntoIterator<Item = OsString>) -> Vec<OsString> {
    let mut args: Vec<OsString> = args.into_iter().collect();
    if let Some(at) = first_word(&args).filter(|at| is_subcommand(&args[*at])) {
        args[1..=at].rotate_right(1);
    }
    joined(args)
}

/// Whether `word` is a subcommand.
fn is_subcommand(word: &OsString) -> bool {
    word == "help" || usage::bare().find_subcommand(word).is_some()
}

/// Returns the index of the first word that is neither an option nor the value of one.
pub(super) fn first_word(args: &[OsString]) -> Option<usize> {
    let command = usage::bare();
    let mut at = 1;
    while let Some(arg) = args.get(at) {
        let text = arg.to_string_lossy();
        if text == "--" {
            return None;
        }
        let Some(option) = text.strip_prefix('-').filter(|rest| !rest.is_empty()) else {
            return Some(at);
        };
        at += if has_value_behind(command, option) {
            2
        } else {
            1
        };
    }
    None
}

/// Whether the value of `option`, written without its first dash, is the next word.
fn has_value_behind(command: &Command, option: &str) -> bool {
    let all = || {
        let others = command.get_subcommands();
        std::iter::once(command)
            .chain(others)
            .flat_map(Command::get_arguments)
    };
    let takes_value = |is_it: &dyn Fn(&clap::Arg) -> bool| {
        let mut all = all();
        all.any(|arg| is_it(arg) && arg.get_action().takes_values())
    };
    match option.strip_prefix('-') {
        Some(long) => takes_value(&|arg| arg.get_long() == Some(long)),
        // Of `-qo json` the last letter counts; the text after a letter that takes a value is that value.
        None => {
            let mut letters = option.chars();
            let first = letters.find(|c| takes_value(&|arg| arg.get_short() == Some(*c)));
            first.is_some() && letters.as_str().is_empty()
        }
    }
}

/// Returns the arguments with each `--not` joined to the filter behind it, as `--not-port`: clap does not preserve their
/// order.
fn joined(args: Vec<OsString>) -> Vec<OsString> {
    let mut out: Vec<OsString> = Vec::new();
    let mut plain = false;
    for arg in args {
        plain |= arg == "--";
        let text = arg.to_str().unwrap_or_default();
        let name = text.split_once('=').map_or(text, |(name, _)| name);
        if !plain && FILTERS.contains(&name) && out.last().is_some_and(|last| last == "--not") {
            out.pop();
            out.push(format!("--not-{}", &text[2..]).into());
        } else {
            out.push(arg);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::arranged;

    #[test]
    fn words_are_put_in_order() {
        for (typed, read) in [
            ("kernel.log", "kernel.log"),
            ("--role worker rules k.log", "rules --role worker k.log"),
            (
                "-qo json --since -1h rules k.log",
                "rules -qo json --since -1h k.log",
            ),
            ("-ojson -q ports 22", "ports -ojson -q 22"),
            ("--role=worker audit c", "audit --role=worker c"),
            ("--role rules k.log", "--role rules k.log"),
            ("-- rules", "-- rules"),
            ("k.log rules", "k.log rules"),
            ("--not --port 22 k", "--not-port 22 k"),
            ("--not --role worker", "--not --role worker"),
        ] {
            let words = |text: &str| -> Vec<_> {
                let words = format!("dropsift {text}");
                words.split(' ').map(Into::into).collect()
            };
            assert_eq!(arranged(words(typed)), words(read), "{typed}");
        }
    }
}
