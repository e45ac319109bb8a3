//! One JSON document: which it is by its schema, and its values.

use serde::Deserialize;

use crate::error::printable;
use crate::report::json::ReportV1;
use crate::report::json_event::EventV1;

/// The documents that can be read.
const KNOWN: [&str; 2] = ["dropsift/report/v1", "dropsift/event/v1"];

/// A document of this program.
pub(super) enum Document {
    Report(Box<ReportV1<'static>>),
    Event(Box<EventV1<'static>>),
}

#[derive(Deserialize)]
struct Named {
    schema: Option<String>,
    tool: Option<Tool>,
}

#[derive(Deserialize)]
struct Tool {
    version: Option<String>,
}

/// Parses a document.
///
/// # Errors
/// If it has another schema or version, or does not match its schema. The message contains the remedy.
pub(super) fn parse(text: &str) -> Result<Document, String> {
    let named: Named = serde_json::from_str(text)
        .map_err(|why| format!("its schema cannot be read ({why}); {ANEW}"))?;
    let schema = named.schema.unwrap_or_default();
    let is_of_form = |why: serde_json::Error| {
        format!(
            "it says that it is {schema}, and is not of its form ({}); {ANEW}",
            printable(&why.to_string())
        )
    };
    if schema == KNOWN[0] {
        serde_json::from_str(text)
            .map(Document::Report)
            .map_err(is_of_form)
    } else if schema == KNOWN[1] {
        serde_json::from_str(text)
            .map(Document::Event)
            .map_err(is_of_form)
    } else {
        Err(refusal(&schema, named.tool.and_then(|tool| tool.version)))
    }
}

/// Remedy for a document that cannot be used.
const ANEW: &str = "write it anew with -o json";

/// Describes why a schema is refused, with the remedy.
fn refusal(schema: &str, version: Option<String>) -> String {
    let said: String = printable(schema).chars().take(80).collect();
    let own = env!("CARGO_PKG_VERSION");
    let kind = schema.rsplit_once('/').map(|(kind, _)| kind);
    if KNOWN
        .iter()
        .any(|known| known.rsplit_once('/').map(|(kind, _)| kind) == kind)
    {
        let by = version.map_or_else(String::new, |version| {
            let version: String = printable(&version).chars().take(40).collect();
            format!(", written by dropsift {version}")
        });
        return format!(
            "it is {said}{by}, which dropsift {own} does not know: read it with that version or a newer one, or report the log again with this one"
        );
    }
    if said.is_empty() {
        return format!("it has no schema: {ANEW}");
    }
    format!(
        "it is {said}, and only reports and events can be read ({}): {ANEW}",
        KNOWN.join(", ")
    )
}
