//! Text report of the settings in force, and their origins.

use std::io::{self, Write};
use std::net::IpAddr;

use super::Style;
use super::table::Column;
use super::text::{BOLD, Page};
use crate::accept::Acceptance;
use crate::catalog::Role;
use crate::date::Date;
use crate::error::{printable, printable_name};
use crate::packet::proto_name;
use crate::site::Provenance;

/// A setting and where it stands.
pub struct Setting {
    /// Name of the option.
    pub name: &'static str,
    pub values: Vec<String>,
    pub origin: Provenance,
    /// The option, the line of the file, or in words.
    pub place: String,
}

/// A node of which something is known.
pub struct HeldNode {
    pub name: String,
    pub role: Role,
    pub origin: Provenance,
    pub place: String,
    pub addresses: Vec<(IpAddr, Provenance, String)>,
}

/// Settings in force.
pub struct Held<'a> {
    /// The configuration file.
    pub file: Option<&'a str>,
    /// The variable that may name a file, where no option does.
    pub by_environment: Option<&'static str>,
    pub settings: Vec<Setting>,
    pub nodes: Vec<HeldNode>,
    pub acceptances: &'a [Acceptance],
    pub today: Date,
}

/// Writes it for people.
pub fn text(held: &Held<'_>, style: Style, out: &mut dyn Write) -> io::Result<()> {
    let mut page = Page {
        out,
        style,
        one_day: true,
    };
    let file = match (held.file, held.by_environment) {
        (Some(file), None) => format!("The configuration is {}.", printable(file)),
        (Some(file), Some(variable)) => format!(
            "The configuration is {}, which {variable} names.",
            printable(file)
        ),
        (None, _) => {
            "There is no configuration file: --config or DROPSIFT_CONFIG names one.".to_owned()
        }
    };
    page.paragraph(
        "",
        "",
        &format!("{file} A flag stands against the file, the file against what was learned."),
    )?;
    page.line("")?;
    let columns = [
        ("SETTING", Column::Whole),
        ("VALUE", Column::Words),
        ("FROM", Column::Words),
    ];
    let rows = held.settings.iter().map(|one| {
        vec![
            one.name.to_owned(),
            printable(&one.values.join(", ")),
            printable(&one.place),
        ]
    });
    let rows: Vec<Vec<String>> = rows.collect();
    page.table(&columns, &rows, 0)?;
    if !held.nodes.is_empty() {
        page.line("")?;
        let columns = [
            ("NODE", Column::Whole),
            ("ROLE", Column::Whole),
            ("FROM", Column::Words),
            ("ADDRESSES", Column::Words),
        ];
        let rows = held.nodes.iter().map(|node| {
            let addresses: Vec<String> = node
                .addresses
                .iter()
                .map(|(address, ..)| address.to_string())
                .collect();
            vec![
                printable_name(&node.name),
                node.role.code().to_owned(),
                printable(&node.place),
                addresses.join(", "),
            ]
        });
        let rows: Vec<Vec<String>> = rows.collect();
        page.table(&columns, &rows, 0)?;
    }
    if held.acceptances.is_empty() {
        return Ok(());
    }
    page.heading(
        BOLD,
        &format!("ACCEPTED AS IT IS ({})", held.acceptances.len()),
        "",
    )?;
    for one in held.acceptances {
        page.paragraph("  ", "    ", &acceptance(one, held.today))?;
    }
    Ok(())
}

/// Returns an acceptance in one line.
fn acceptance(one: &Acceptance, today: Date) -> String {
    let mut text = format!("{}: {}", one.origin, one.verdict.code());
    if let Some(cause) = one.cause {
        text.push_str(&format!(" ({})", cause.code));
    }
    match (one.proto.map(proto_name), one.port) {
        (Some(proto), Some(port)) => text.push_str(&format!(" {proto}/{port}")),
        (Some(proto), None) => text.push_str(&format!(" {proto}")),
        _ => {}
    }
    if let Some(id) = &one.id {
        text.push_str(&format!(", id {id}"));
    }
    if let Some(node) = &one.node {
        text.push_str(&format!(" on {}", printable_name(node)));
    }
    let peers: Vec<String> = one.peers.iter().map(ToString::to_string).collect();
    if !peers.is_empty() {
        text.push_str(&format!(" from {}", peers.join(", ")));
    }
    let holds = if one.holds(today) {
        "until"
    } else {
        "ENDED with"
    };
    printable(&format!("{text}, {holds} {}: {}", one.until, one.reason))
}
