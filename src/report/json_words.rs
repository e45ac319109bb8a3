//! The words that a JSON document may use for a name, a verdict or a state, as parts of its schema.

use schemars::{Schema, SchemaGenerator, json_schema};

use super::{EventKind, Unjudged};
use crate::audit::Severity;
use crate::catalog::Role;
use crate::cause::Verdict;
use crate::finding::State;
use crate::flow::Direction;
use crate::rule::{self, Disposition};
use crate::site::{Provenance, WindowOrigin, Zone};

fn one_of(codes: &[&'static str]) -> Schema {
    json_schema!({ "type": "string", "enum": codes })
}

pub(super) fn report_name(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "const": "dropsift/report/v1" })
}

pub(super) fn event_name(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "const": "dropsift/event/v1" })
}

pub(super) fn rules_name(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "const": "dropsift/rules/v1" })
}

pub(super) fn chain_name(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "const": "dropsift/chain/v1" })
}

pub(super) fn simulate_name(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "const": "dropsift/simulate/v1" })
}

pub(super) fn audit_name(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "const": "dropsift/audit/v1" })
}

pub(super) fn explain_name(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "const": "dropsift/explain/v1" })
}

pub(super) fn causes_name(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "const": "dropsift/causes/v1" })
}

pub(super) fn ports_name(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "const": "dropsift/ports/v1" })
}

pub(super) fn check_state(_: &mut SchemaGenerator) -> Schema {
    one_of(&rule::State::ALL.map(rule::State::code))
}

pub(super) fn unjudged(_: &mut SchemaGenerator) -> Schema {
    let mut codes: Vec<Option<&str>> = vec![None];
    codes.extend(Unjudged::ALL.map(Unjudged::code).map(Some));
    json_schema!({ "type": ["string", "null"], "enum": codes })
}

pub(super) fn verdict(_: &mut SchemaGenerator) -> Schema {
    one_of(&Verdict::ALL.map(Verdict::code))
}

pub(super) fn role(_: &mut SchemaGenerator) -> Schema {
    one_of(&Role::ALL.map(Role::code))
}

pub(super) fn state(_: &mut SchemaGenerator) -> Schema {
    one_of(&State::ALL.map(State::code))
}

pub(super) fn config_name(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "const": "dropsift/config/v1" })
}

pub(super) fn diff_name(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "const": "dropsift/diff/v1" })
}

pub(super) fn provenance(_: &mut SchemaGenerator) -> Schema {
    one_of(&Provenance::ALL.map(Provenance::code))
}

pub(super) fn zone(_: &mut SchemaGenerator) -> Schema {
    one_of(&Zone::ALL.map(Zone::code))
}

pub(super) fn direction(_: &mut SchemaGenerator) -> Schema {
    one_of(&Direction::ALL.map(Direction::code))
}

pub(super) fn disposition(_: &mut SchemaGenerator) -> Schema {
    one_of(&Disposition::ALL.map(Disposition::code))
}

pub(super) fn event(_: &mut SchemaGenerator) -> Schema {
    one_of(&EventKind::ALL.map(EventKind::code))
}

pub(super) fn window_origin(_: &mut SchemaGenerator) -> Schema {
    one_of(&WindowOrigin::ALL.map(WindowOrigin::code))
}

pub(super) fn severity(_: &mut SchemaGenerator) -> Schema {
    one_of(&Severity::ALL.map(super::audit::word))
}

/// Returns the schema of an object with a number for each verdict.
pub(super) fn verdict_counts(_: &mut SchemaGenerator) -> Schema {
    let codes = Verdict::ALL.map(Verdict::code);
    let mut schema = json_schema!({ "type": "object", "required": codes });
    let count = json_schema!({ "type": "integer", "minimum": 0 });
    let properties = codes.map(|code| (code.to_owned(), count.clone().to_value()));
    let properties: serde_json::Map<_, _> = properties.into_iter().collect();
    schema.insert("properties".to_owned(), properties.into());
    schema
}

/// Returns the schema of a packet: the fields of the kernel's line, each absent where the line has none; null where it
/// is no drop line.
pub(super) fn packet(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "type": ["object", "null"] })
}
