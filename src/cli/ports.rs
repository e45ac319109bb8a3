//! `ports`: the port catalogue.

use std::io::{self, IsTerminal};

use super::args::PortsArgs;
use super::explain::{catalogued, unknown};
use super::{Exit, terminal, written};
use crate::error::Error;
use crate::report::ports::{rows, write_table};
use crate::report::{json_explain, text_pages};

/// Width, in columns, at which no row is wrapped.
const UNBROKEN: usize = 1_000;

/// Runs `ports`.
pub(super) fn run(args: &PortsArgs) -> Result<Exit, Error> {
    let mut style = terminal::style(args.look.color);
    if !io::stdout().is_terminal() {
        // One row a line, for grep.
        style.width = UNBROKEN;
    }
    let asked = args.query.join(" ");
    let asked = asked.trim();
    let mut rows = match asked {
        "" => rows(None),
        asked => catalogued(asked).ok_or_else(|| unknown(asked))?,
    };
    rows.retain(|row| args.role.is_none_or(|role| row.is_of(role)));
    written(|out| {
        if args.written.is_json() {
            json_explain::ports(&rows, out)
        } else if rows.is_empty() {
            text_pages::unlisted(asked, style, out)
        } else {
            write_table(&rows, style, out)
        }
    })?;
    Ok(Exit::Clean)
}
