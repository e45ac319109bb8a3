//! What the program writes about itself: schemas, completions, the manual page.

use clap::CommandFactory;
use clap_complete::Shell;

use super::args::Args;
use super::{Exit, written};
use crate::error::Error;
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
    written(|out| out.write_all(&script))?;
    Ok(Exit::Clean)
}

/// Runs `man`.
pub(super) fn man() -> Result<Exit, Error> {
    written(|out| clap_mangen::Man::new(Args::command()).render(&mut &mut *out))?;
    Ok(Exit::Clean)
}
