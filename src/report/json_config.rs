//! Settings in force, and their origins, as `dropsift/config/v1`.

use std::io::{self, Write};

use schemars::JsonSchema;
use serde::Serialize;

use super::config::Held;
use super::json_write::{ToolV1, write_line};
use super::{Style, json_words};
use crate::packet::proto_name;

#[derive(Serialize, JsonSchema)]
pub(super) struct ConfigV1<'a> {
    #[schemars(schema_with = "json_words::config_name")]
    schema: &'static str,
    tool: ToolV1<'static>,
    /// The configuration file; null where there is none.
    file: Option<&'a str>,
    settings: Vec<SettingV1<'a>>,
    nodes: Vec<HeldNodeV1<'a>>,
    acceptances: Vec<AcceptanceV1<'a>>,
}

#[derive(Serialize, JsonSchema)]
struct SettingV1<'a> {
    name: &'static str,
    values: &'a [String],
    #[schemars(schema_with = "json_words::provenance")]
    origin: &'static str,
    /// The option, the file and line, or who says so in words.
    place: &'a str,
}

#[derive(Serialize, JsonSchema)]
struct HeldNodeV1<'a> {
    node: &'a str,
    #[schemars(schema_with = "json_words::role")]
    role: &'static str,
    #[schemars(schema_with = "json_words::provenance")]
    origin: &'static str,
    place: &'a str,
    addresses: Vec<HeldAddressV1<'a>>,
}

#[derive(Serialize, JsonSchema)]
struct HeldAddressV1<'a> {
    address: String,
    #[schemars(schema_with = "json_words::provenance")]
    origin: &'static str,
    place: &'a str,
}

#[derive(Serialize, JsonSchema)]
struct AcceptanceV1<'a> {
    #[schemars(schema_with = "json_words::verdict")]
    verdict: &'static str,
    id: Option<&'a str>,
    node: Option<&'a str>,
    proto: Option<String>,
    port: Option<u16>,
    peers: Vec<String>,
    cause: Option<&'static str>,
    reason: &'a str,
    /// The last day on which it holds, in UTC.
    until: String,
    /// Whether it holds today.
    holds: bool,
    /// The file and line.
    place: &'a str,
}

/// Writes it as one document.
pub(super) fn json(held: &Held<'_>, _: Style, out: &mut dyn Write) -> io::Result<()> {
    let document = ConfigV1 {
        schema: "dropsift/config/v1",
        tool: ToolV1::THIS,
        file: held.file,
        settings: (held.settings.iter())
            .map(|one| SettingV1 {
                name: one.name,
                values: &one.values,
                origin: one.origin.code(),
                place: &one.place,
            })
            .collect(),
        nodes: (held.nodes.iter())
            .map(|node| HeldNodeV1 {
                node: &node.name,
                role: node.role.code(),
                origin: node.origin.code(),
                place: &node.place,
                addresses: (node.addresses.iter())
                    .map(|(address, origin, place)| HeldAddressV1 {
                        address: address.to_string(),
                        origin: origin.code(),
                        place,
                    })
                    .collect(),
            })
            .collect(),
        acceptances: (held.acceptances.iter())
            .map(|one| AcceptanceV1 {
                verdict: one.verdict.code(),
                id: one.id.as_deref(),
                node: one.node.as_deref(),
                proto: one.proto.map(|number| proto_name(number).into_owned()),
                port: one.port,
                peers: one.peers.iter().map(ToString::to_string).collect(),
                cause: one.cause.map(|cause| cause.code),
                reason: &one.reason,
                until: one.until.to_string(),
                holds: one.holds(held.today),
                place: &one.origin,
            })
            .collect(),
    };
    write_line(&document, out)
}
