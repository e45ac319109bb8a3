//! Values that several tables have.

use super::walk::Field;
use crate::catalog::Role;
use crate::error::Error;
use crate::nearest::hint;
use crate::net::{IpNet, parse_net};

/// A value and the line on which it stands, from 1.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct At<T> {
    pub value: T,
    pub line: usize,
}

pub(super) const fn at<T>(line: usize, value: T) -> At<T> {
    At { value, line }
}

/// Returns the name of a node, whatever the log calls it.
pub(super) fn name(field: &Field<'_>) -> Result<String, Error> {
    let text = field.text("harvester1")?;
    if text.is_empty() {
        return Err(field.wrong(&format!(
            "`{}` is empty; write the node's name as the log has it",
            field.key
        )));
    }
    Ok(text.to_owned())
}

pub(super) fn role(field: &Field<'_>) -> Result<At<Role>, Error> {
    let text = field.text("control-plane")?;
    let role = Role::parse(text).ok_or_else(|| {
        let near = hint(text, Role::ALL.map(Role::code));
        field.wrong(&format!(
            "unknown role `{text}`;{near} expected control-plane, worker or witness"
        ))
    })?;
    Ok(at(field.line, role))
}

pub(super) fn nets(field: &Field<'_>, example: &str) -> Result<Vec<IpNet>, Error> {
    let nets = field.texts(example)?.into_iter().map(parse_net);
    nets.collect::<Result<_, _>>()
        .map_err(|why| field.wrong(&why))
}
