//! `ports`: the port catalogue.

use std::io::{self, IsTerminal};

use super::args::PortsArgs;
use super::explain::{catalogued, unknown};
use super::{Exit, terminal, written};
use crate::error::Error;
use crate::report::ports::{PortList, roles_of, rows};

/// Width, in columns, at which no row is wrapped.
const UNBROKEN: usize = 1_000;

/// Runs `ports`.
pub(super) fn run(args: &PortsArgs) -> Result<Exit, Error> {
    let write = args.written.form(|form| form.ports)?;
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
    let roles = roles_of(&rows);
    rows.retain(|row| args.role.is_none_or(|role| row.is_of(role)));
    let is_elsewhere = rows.is_empty() && !roles.is_empty();
    let list = PortList {
        asked,
        rows: &rows,
        elsewhere: args.role.filter(|_| is_elsewhere).map(|role| (role, roles)),
    };
    written(|out| write(&list, style, out))?;
    Ok(Exit::Clean)
}
