//! The JSON Schema (draft 2020-12) of what the program writes as JSON, made from the types that write it.

use std::io::{self, Write};

use schemars::generate::SchemaSettings;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};

use super::EventKind;
use super::json::ReportV1;
use super::json_event::EventV1;
use super::json_rules::{ChainV1, RulesV1};
use crate::catalog::Role;
use crate::cause::Verdict;
use crate::finding::State;
use crate::flow::Direction;
use crate::rule::{self, Disposition};

/// A document that has a schema.
pub struct Documented {
    /// As users write it.
    pub code: &'static str,
    schema: fn() -> Schema,
}

/// The documents that have a schema.
pub const SCHEMAS: &[&Documented] = &[
    &Documented {
        code: "report",
        schema: of::<ReportV1<'static>>,
    },
    &Documented {
        code: "event",
        schema: of::<EventV1<'static>>,
    },
    &Documented {
        code: "rules",
        schema: of::<RulesV1<'static>>,
    },
    &Documented {
        code: "chain",
        schema: of::<ChainV1<'static>>,
    },
];

impl Documented {
    /// Writes the schema, indented.
    pub fn write(&self, out: &mut dyn Write) -> io::Result<()> {
        let mut schema = (self.schema)();
        let title = format!("dropsift/{}/v1", self.code);
        schema.insert("title".to_owned(), title.into());
        serde_json::to_writer_pretty(&mut *out, &schema)?;
        out.write_all(b"\n")
    }
}

fn of<T: JsonSchema>() -> Schema {
    let settings = SchemaSettings::draft2020_12().for_serialize();
    settings.into_generator().into_root_schema_for::<T>()
}

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

pub(super) fn check_state(_: &mut SchemaGenerator) -> Schema {
    one_of(&rule::State::ALL.map(rule::State::code))
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

pub(super) fn direction(_: &mut SchemaGenerator) -> Schema {
    one_of(&Direction::ALL.map(Direction::code))
}

pub(super) fn disposition(_: &mut SchemaGenerator) -> Schema {
    one_of(&Disposition::ALL.map(Disposition::code))
}

pub(super) fn event(_: &mut SchemaGenerator) -> Schema {
    one_of(&EventKind::ALL.map(EventKind::code))
}
