//! `ports`: the port catalogue.

use std::io::{self, IsTerminal};

use super::args::Shared;
use super::explain::wants_json;
use super::{Exit, terminal, written};
use crate::catalog::Role;
use crate::error::Error;
use crate::report::json_explain;
use crate::report::ports::{Row, rows, write_table};

/// So many columns break no row.
const UNBROKEN: usize = 1_000;

/// Runs `ports`.
pub(super) fn run(shared: &Shared) -> Result<Exit, Error> {
    let json = wants_json(shared)?;
    let mut style = terminal::style(shared.color);
    if !io::stdout().is_terminal() {
        // A row a line, for grep.
        style.width = UNBROKEN;
    }
    let role = match &shared.role[..] {
        [] => None,
        [.., last] => Some(Role::parse(last).ok_or_else(|| {
            Error::Usage(format!(
                "unknown role `{last}`; expected control-plane, worker or witness"
            ))
        })?),
    };
    let mut rows = rows(role);
    let named = |row: &Row, ports: &[u16]| {
        let mut ports = ports.iter();
        row.ports.is_some() && ports.any(|port| row.first <= *port && *port <= row.last)
    };
    rows.retain(|row| !named(row, &shared.not_port));
    if !shared.port.is_empty() {
        rows.retain(|row| named(row, &shared.port));
    }
    written(|out| {
        if json {
            json_explain::ports(&rows, out)
        } else {
            write_table(&rows, style, out)
        }
    })?;
    Ok(Exit::Clean)
}
