//! Error messages for invalid arguments, in one line that ends in the remedy.

use std::ffi::OsString;
use std::path::Path;

use clap::Command;
use clap::error::{ContextKind, ContextValue, ErrorKind};

use super::usage;
use super::words::first_word;
use crate::error::{Error, printable};
use crate::nearest::{hint, nearest};

/// Upper bound on the files of a folder that are compared with a missing name.
const MAX_NEIGHBOURS: usize = 1_000;

/// Checks a first word that is no file for a misspelt subcommand.
///
/// # Errors
/// If it is similar to one.
pub(super) fn check_first_word(args: &[OsString]) -> Result<(), Error> {
    let Some(word) = first_word(args).and_then(|at| args[at].to_str()) else {
        return Ok(());
    };
    let command = usage::bare();
    let mut known = command.get_subcommands().map(Command::get_name);
    if known.any(|name| name == word) || word.contains(['/', '.']) || exists(word) {
        return Ok(());
    }
    let known = command.get_subcommands().map(Command::get_name);
    match nearest(word, known) {
        Some(meant) => Err(Error::Usage(format!(
            "`{word}` is no file and no subcommand; did you mean `dropsift {meant}`?"
        ))),
        None => Ok(()),
    }
}

/// Describes an error of an input, with the name that may have been meant.
pub(super) fn fault(error: &Error) -> String {
    let text = error.to_string();
    let Error::Input { name, why } = error else {
        return text;
    };
    if why.kind() != std::io::ErrorKind::NotFound {
        return text;
    }
    let command = usage::bare();
    if command.find_subcommand(name).is_some() {
        return format!("{text}; a subcommand stands before the inputs: dropsift {name}");
    }
    let path = Path::new(name);
    if let Ok(target) = std::fs::read_link(path) {
        return format!(
            "cannot read `{}`: it is a link to `{}`, which is not there; name the file that it should lead to, or make the link \
             anew",
            printable(name),
            printable(&target.display().to_string())
        );
    }
    let folder = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    let beside = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let names: Vec<String> = beside
        .take(MAX_NEIGHBOURS)
        .filter_map(|entry| entry.file_name().into_string().ok())
        .collect();
    let typed = path
        .file_name()
        .and_then(|name| name.to_str())
        .unwrap_or(name);
    match nearest(typed, names.iter().map(String::as_str)) {
        Some(meant) => {
            let meant = path.with_file_name(meant);
            format!(
                "{text}; did you mean `{}`?",
                printable(&meant.display().to_string())
            )
        }
        None => text,
    }
}

/// Whether a file of that name exists, even if it is a dangling link.
fn exists(word: &str) -> bool {
    std::fs::symlink_metadata(word).is_ok()
}

/// Converts an error of clap into a usage error with a remedy.
pub(super) fn refusal(why: &clap::Error, args: &[OsString]) -> Error {
    let command = usage::bare();
    let name = first_word(args).and_then(|at| args[at].to_str());
    let called = name.and_then(|name| command.find_subcommand(name));
    let sub = called.map(Command::get_name);
    let help = match sub {
        Some(name) => format!("`dropsift {name} --help`"),
        None => "`dropsift --help`".to_owned(),
    };
    let arg = text(why, ContextKind::InvalidArg);
    let value = text(why, ContextKind::InvalidValue);
    let said = match why.kind() {
        ErrorKind::UnknownArgument if arg.starts_with('-') => {
            let own = called.unwrap_or(command);
            format!(
                "{}; {help} lists what is there",
                unknown(command, own, sub, &arg)
            )
        }
        ErrorKind::UnknownArgument => {
            format!("`{arg}` is one word too many; {help} shows the form")
        }
        ErrorKind::InvalidValue if value.is_empty() => {
            format!("{arg} needs a value{}", expected(why, ": one of "))
        }
        ErrorKind::InvalidValue => {
            let known = list(why, ContextKind::ValidValue);
            let near = hint(&value, known.iter().map(String::as_str));
            format!(
                "`{value}` is no value of {arg};{near}{}",
                expected(why, " expected ")
            )
        }
        ErrorKind::ValueValidation => {
            let source = std::error::Error::source(why).map(ToString::to_string);
            let source = source.unwrap_or_else(|| "it is not of its form".to_owned());
            format!("`{value}` is no value of {arg}: {source}; {help} says what it takes")
        }
        ErrorKind::MissingRequiredArgument => {
            let missing = list(why, ContextKind::InvalidArg).join(" and ");
            format!("{missing} must be given; {help} shows the form")
        }
        ErrorKind::ArgumentConflict => {
            let others = list(why, ContextKind::PriorArg).join(" or ");
            if others.is_empty() || others == arg {
                format!("{arg} can be given once; leave one out")
            } else {
                // An option does nothing beside a file, not the other way round.
                let (idle, stays) = if arg.starts_with('-') {
                    (&arg, &others)
                } else {
                    (&others, &arg)
                };
                format!("{idle} does nothing beside {stays}; leave one out")
            }
        }
        ErrorKind::InvalidSubcommand => {
            let word = text(why, ContextKind::InvalidSubcommand);
            let known = command.get_subcommands().map(Command::get_name);
            format!(
                "`{word}` is no subcommand;{} {help} lists them",
                hint(&word, known)
            )
        }
        ErrorKind::InvalidUtf8 => {
            "an argument is no text (UTF-8) where only text can be; write it anew".to_owned()
        }
        // As clap says it, on one line.
        _ => {
            let rendered = why.to_string();
            let first = rendered.lines().next().unwrap_or_default();
            format!(
                "{}; {help} shows the form",
                first.trim_start_matches("error: ")
            )
        }
    };
    Error::Usage(said)
}

/// Describes an unknown option: the subcommand that has it, or a similar one.
fn unknown(command: &Command, own: &Command, sub: Option<&str>, arg: &str) -> String {
    let here = sub.map_or_else(|| "the report".to_owned(), |name| format!("`{name}`"));
    let others = std::iter::once(command).chain(command.get_subcommands());
    let have: Vec<&str> = others
        .filter(|other| long_options(other).any(|long| long == arg))
        .map(|other| match other.get_name() {
            name if name == command.get_name() => "the report",
            name => name,
        })
        .collect();
    if let Some((last, rest)) = have.split_last() {
        let whose = match rest {
            [] => (*last).to_owned(),
            rest => format!("{} and {last}", rest.join(", ")),
        };
        return format!("{here} has no {arg}: it is an option of {whose}");
    }
    let known: Vec<String> = long_options(own).collect();
    let near = hint(arg, known.iter().map(String::as_str));
    format!("{here} has no option {arg};{near}")
        .trim_end_matches(';')
        .to_owned()
}

/// Returns the long options of a command, as they are typed.
fn long_options(command: &Command) -> impl Iterator<Item = String> {
    let shown = command.get_arguments().filter(|arg| !arg.is_hide_set());
    shown.filter_map(|arg| arg.get_long().map(|long| format!("--{long}")))
}

fn expected(why: &clap::Error, lead: &str) -> String {
    let known = list(why, ContextKind::ValidValue);
    match known.split_last() {
        Some((last, [])) => format!("{lead}{last}"),
        Some((last, rest)) => format!("{lead}{} or {last}", rest.join(", ")),
        None => String::new(),
    }
}

/// Returns the text of clap's error for `kind`: of an option only its name.
fn text(why: &clap::Error, kind: ContextKind) -> String {
    let texts = list(why, kind);
    texts.into_iter().next().unwrap_or_default()
}

fn list(why: &clap::Error, kind: ContextKind) -> Vec<String> {
    let of_option = matches!(kind, ContextKind::InvalidArg | ContextKind::PriorArg);
    // `--port <PORT>`
    let named = |text: &String| match text.split_once(' ') {
        Some((name, _)) if of_option && name.starts_with('-') => name.to_owned(),
        _ if of_option => text.trim_matches(['[', ']']).to_owned(),
        _ => text.clone(),
    };
    match why.get(kind) {
        Some(ContextValue::String(text)) => vec![named(text)],
        Some(ContextValue::Strings(texts)) => texts.iter().map(named).collect(),
        _ => Vec::new(),
    }
}
