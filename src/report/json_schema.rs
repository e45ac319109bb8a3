//! The JSON Schema (draft 2020-12) of what the program writes as JSON, made from the types that write it.

use std::io::{self, Write};

use schemars::generate::SchemaSettings;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};

use super::EventKind;
use super::json::ReportV1;
use super::json_audit::AuditV1;
use super::json_event::EventV1;
use super::json_explain::{CausesV1, ExplainV1, LineV1, PortsV1};
use super::json_rules::{ChainV1, RulesV1};
use super::json_simulate::SimulationV1;
use crate::audit::Severity;
use crate::catalog::Role;
use crate::cause::Verdict;
use crate::finding::State;
use crate::flow::Direction;
use crate::rule::{self, Disposition};
use crate::site::{WindowOrigin, Zone};

/// A document that has a schema.
pub struct Documented {
    /// As users write it.
    pub code: &'static str,
    schema: fn() -> Schema,
}

/// The documents that have a schema.
pub const SCHEMAS: &[&Documented] = &[
    &Documented::new("report", of::<ReportV1<'static>>),
    &Documented::new("event", of::<EventV1<'static>>),
    &Documented::new("rules", of::<RulesV1<'static>>),
    &Documented::new("chain", of::<ChainV1<'static>>),
    &Documented::new("simulate", of::<SimulationV1<'static>>),
    &Documented::new("audit", of::<AuditV1<'static>>),
    &Documented::new("explain", of::<ExplainV1<'static>>),
    &Documented::new("answer", of::<LineV1<'static>>),
    &Documented::new("causes", of::<CausesV1>),
    &Documented::new("ports", of::<PortsV1<'static>>),
];

impl Documented {
    const fn new(code: &'static str, schema: fn() -> Schema) -> Self {
        Self { code, schema }
    }

    /// Writes the schema, indented.
    pub fn write(&self, out: &mut dyn Write) -> io::Result<()> {
        let mut schema = (self.schema)();
        let title = format!("dropsift/{}/v1", self.code);
        schema.insert(
            "$id".to_owned(),
            format!("urn:dropsift:{}:v1", self.code).into(),
        );
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

pub(super) fn verdict(_: &mut SchemaGenerator) -> Schema {
    one_of(&Verdict::ALL.map(Verdict::code))
}

pub(super) fn role(_: &mut SchemaGenerator) -> Schema {
    one_of(&Role::ALL.map(Role::code))
}

pub(super) fn state(_: &mut SchemaGenerator) -> Schema {
    one_of(&State::ALL.map(State::code))
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

/// A number for each verdict.
pub(super) fn verdict_counts(_: &mut SchemaGenerator) -> Schema {
    let codes = Verdict::ALL.map(Verdict::code);
    let mut schema = json_schema!({ "type": "object", "required": codes });
    let count = json_schema!({ "type": "integer", "minimum": 0 });
    let properties = codes.map(|code| (code.to_owned(), count.clone().to_value()));
    let properties: serde_json::Map<_, _> = properties.into_iter().collect();
    schema.insert("properties".to_owned(), properties.into());
    schema
}

/// The fields of a line of the kernel, each absent where the line has none; null where it is no drop line.
pub(super) fn packet(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "type": ["object", "null"] })
}
