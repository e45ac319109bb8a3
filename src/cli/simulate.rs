//! `dropsift simulate`: the drops of a log through the chain of `--rules`.

use std::path::PathBuf;

use super::args::Shared;
use super::Exit;
use crate::error::Error;

pub(super) fn run(_: &Shared, _: &[PathBuf], _: bool) -> Result<Exit, Error> {
    Ok(Exit::Clean)
}
