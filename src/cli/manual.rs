//! Documents of the program about itself: schemas, completions, the manual page.

use std::io;

use clap::CommandFactory;
use clap_complete::Shell;
use clap_mangen::roff::{Roff, bold, roman};

use super::args::Args;
use super::help::{MANUALS, Manual};
use super::{Exit, written};
use crate::error::Error;
use crate::nearest::hint;
use crate::report::json_schema::SCHEMAS;

/// Runs `schema`.
pub(super) fn schema(document: &str) -> Result<Exit, Error> {
    let schema = SCHEMAS.iter().find(|schema| schema.code == document);
    if let Some(schema) = schema {
        written(|out| schema.write(out))?;
    }
    Ok(Exit::Clean)
}

/// Runs `completions`.
pub(super) fn completions(shell: Shell) -> Result<Exit, Error> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Args::command(), "dropsift", &mut script);
    if shell == Shell::Fish {
        script.extend(fish_arguments().into_bytes());
    }
    written(|out| out.write_all(&script))?;
    Ok(Exit::Clean)
}

/// Returns fish completions for the positional arguments of subcommands, which clap_complete omits.
fn fish_arguments() -> String {
    let command = Args::command();
    let mut script = String::new();
    for sub in command.get_subcommands() {
        let values: Vec<String> = (sub.get_positionals())
            .flat_map(clap::Arg::get_possible_values)
            .map(|value| value.get_name().to_owned())
            .collect();
        if !values.is_empty() {
            script.push_str(&format!(
                "complete -c dropsift -n \"__fish_dropsift_using_subcommand {}\" -f -a \"{}\"\n",
                sub.get_name(),
                values.join(" ")
            ));
        }
    }
    script
}

/// Environment variables that the program reads.
const ENVIRONMENT: [(&str, &str); 6] = [
    (
        "DROPSIFT_CONFIG",
        "the configuration file, where --config names none",
    ),
    (
        "COLUMNS",
        "how wide text is where stdout is no terminal; 80 without it",
    ),
    (
        "PAGER",
        "what shows a report that is longer than the terminal; `less -FRX` without it",
    ),
    (
        "NO_COLOR",
        "where it is set, no colours (--color stands against it)",
    ),
    (
        "CLICOLOR_FORCE",
        "where it is set and not 0, colours also where stdout is no terminal",
    ),
    ("TERM", "no colours on a terminal of the kind `dumb`"),
];

/// Files that the program reads without being given their names.
const FILES: [(&str, &str); 1] = [(
    "/var/log/journal, /run/log/journal",
    "the journals of this machine, with --journal",
)];

/// Runs `man`: the page of a subcommand, or of the program.
///
/// # Errors
/// If there is no such subcommand.
pub(super) fn man(subcommand: Option<&str>) -> Result<Exit, Error> {
    // clap_mangen leaves out the options that are hidden in `-h`.
    let shown = |command: clap::Command| command.mut_args(|arg| arg.hide_short_help(false));
    let mut whole = shown(Args::command().mut_subcommands(shown));
    whole.build();
    let command = match subcommand {
        None => &whole,
        Some(name) => whole.find_subcommand(name).ok_or_else(|| {
            let known = whole.get_subcommands().map(clap::Command::get_name);
            let near = hint(name, known);
            Error::Usage(format!(
                "`{name}` is no subcommand;{near} `dropsift --help` lists them"
            ))
        })?,
    };
    let own = MANUALS
        .iter()
        .find(|manual| manual.name == subcommand.unwrap_or_default());
    let mut page = Vec::new();
    render(command.clone(), own, &mut page).map_err(Error::Output)?;
    written(|out| out.write_all(&page))?;
    Ok(Exit::Clean)
}

/// Writes the page of `command`.
fn render(command: clap::Command, own: Option<&Manual>, out: &mut Vec<u8>) -> io::Result<()> {
    let name = command
        .get_display_name()
        .unwrap_or(command.get_name())
        .to_owned();
    let is_program = command.has_subcommands();
    let has_colors = command.get_arguments().any(|arg| arg.get_id() == "color");
    let subcommands: Vec<String> = (command.get_subcommands())
        .map(|sub| format!("dropsift-{}(1)", sub.get_name()))
        .collect();
    let man = clap_mangen::Man::new(command)
        .title(name.to_uppercase())
        .source(format!("dropsift {}", env!("CARGO_PKG_VERSION")))
        .manual("User Commands");
    man.render_title(out)?;
    man.render_name_section(out)?;
    man.render_synopsis_section(out)?;
    man.render_description_section(out)?;
    man.render_options_section(out)?;
    if is_program {
        man.render_subcommands_section(out)?;
    }
    let mut rest = Roff::new();
    let mut section = |title: &str, rows: Vec<(String, &str)>| {
        if !rows.is_empty() {
            rest.control("SH", [title]);
        }
        for (name, text) in rows {
            rest.control("TP", []);
            rest.text([bold(name)]).text([roman(text)]);
        }
    };
    if let Some(own) = own {
        let codes = own.exit.iter();
        section(
            "EXIT STATUS",
            codes
                .map(|(code, text)| (code.to_string(), *text))
                .collect(),
        );
    }
    let rows = |rows: &[(&str, &'static str)]| {
        let rows = rows.iter();
        rows.map(|(name, text)| ((*name).to_owned(), *text))
            .collect()
    };
    if has_colors {
        section("ENVIRONMENT", rows(&ENVIRONMENT));
    }
    if is_program {
        section("FILES", rows(&FILES));
    }
    if let Some(own) = own {
        if !own.notes.is_empty() {
            rest.control("SH", ["NOTES"]).text([roman(own.notes)]);
        }
        rest.control("SH", ["EXAMPLES"]);
        for (what, typed) in own.examples {
            rest.control("PP", []);
            if !what.is_empty() {
                rest.text([roman(*what)]);
            }
            rest.control("RS", ["4"]).control("nf", []);
            rest.text([roman(*typed)]);
            rest.control("fi", []).control("RE", []);
        }
    }
    let mut beside = vec!["journalctl(1)".to_owned(), "iptables(8)".to_owned()];
    beside.splice(
        0..0,
        if is_program {
            subcommands
        } else {
            vec!["dropsift(1)".to_owned()]
        },
    );
    rest.control("SH", ["SEE ALSO"])
        .text([roman(beside.join(", "))]);
    rest.to_writer(out)
}
