//! `ports`: the port catalogue.

use std::io::{self, IsTerminal};

use super::args::PortsArgs;
use super::{Exit, terminal, written};
use crate::error::Error;
use crate::report::json_explain;
use crate::report::ports::{Row, rows, write_table};

/// So many columns break no row.
const UNBROKEN: usize = 1_000;

/// Runs `ports`.
pub(super) fn run(args: &PortsArgs) -> Result<Exit, Error> {
    let mut style = terminal::style(args.look.color);
    if !io::stdout().is_terminal() {
        // A row a line, for grep.
        style.width = UNBROKEN;
    }
    let mut rows = rows(args.role);
    let named = |row: &Row| {
        let mut ports = args.port.iter();
        row.ports.is_some() && ports.any(|port| row.first <= *port && *port <= row.last)
    };
    rows.retain(|row| args.port.is_empty() || named(row));
    written(|out| {
        if args.written.is_json() {
            json_explain::ports(&rows, out)
        } else {
            write_table(&rows, style, out)
        }
    })?;
    Ok(Exit::Clean)
}
