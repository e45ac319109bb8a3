//! JSON Schema (draft 2020-12) of the program's JSON documents, generated from the types that are serialised.

use std::io::{self, Write};

use schemars::generate::SchemaSettings;
use schemars::{JsonSchema, Schema};

use super::json::ReportV1;
use super::json_audit::AuditV1;
use super::json_config::ConfigV1;
use super::json_diff::DiffV1;
use super::json_event::EventV1;
use super::json_explain::{CausesV1, ExplainV1, LineV1, PortsV1};
use super::json_rules::{ChainV1, RulesV1};
use super::json_simulate::SimulationV1;

/// A document that has a schema.
pub struct Documented {
    /// Name of the document on the command line.
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
    &Documented::new("diff", of::<DiffV1<'static>>),
    &Documented::new("config", of::<ConfigV1<'static>>),
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
