//! Rows of the port catalogue: the services that listen, and the ports that the documentation opens.

use std::io::{self, Write};

use super::Style;
use super::table::Column;
use super::text::{Page, unlisted};
use crate::catalog::{
    DocumentedRule, RULES, Role, SERVICES, Service, Standing, documented_anywhere,
};
use crate::packet::proto_name;
use crate::rule::AcceptRule;
use crate::site::Site;

/// A row of the catalogue, or a documented rule that no row explains.
#[derive(Debug, Clone)]
pub struct Row {
    /// `tcp`, `udp`, `icmp`; `all` for the pod network.
    pub proto: String,
    /// `2112`, `2379:2380`; `None` where the rule is not about a port.
    pub ports: Option<String>,
    pub service: &'static str,
    pub component: Option<&'static str>,
    /// Roles of the nodes on which the service can run.
    pub roles: Vec<&'static str>,
    /// Roles whose CloudInit example in the documentation opens the port.
    pub documented: Vec<&'static str>,
    /// Peers that connect to the service: `any`, `nodes`, `localhost`, `pods`.
    pub from: Option<&'static str>,
    pub reach: Option<&'static str>,
    pub addon: Option<&'static str>,
    /// Weight of the row in a judgement.
    pub standing: &'static str,
    pub rules: Vec<RuleRow>,
    pub source: &'static str,
    pub note: &'static str,
    pub number: Option<u8>,
    pub first: u16,
    pub last: u16,
}

impl Row {
    /// Whether the role runs the service or opens the port.
    pub fn is_of(&self, role: Role) -> bool {
        [&self.roles, &self.documented]
            .iter()
            .any(|roles| roles.contains(&role.code()))
    }
}

/// A documented rule, and the roles whose CloudInit example contains it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RuleRow {
    pub roles: Vec<&'static str>,
    /// Command that reads the number of the LOG rule from a running chain.
    pub place: String,
    /// Command that inserts the rule before it.
    pub insert: String,
    /// The line of the CloudInit example, which stands before its LOG line.
    pub cloudinit: String,
}

/// The page that the documented rules were read from.
const PAGE: &str = "docs/networking/host-network-security.md @8efde8e";

/// Returns all rows, or those of one role, in the order of the ports.
pub fn rows(role: Option<Role>) -> Vec<Row> {
    let alone = RULES.iter().filter(|rule| !explained(rule));
    let mut rows: Vec<Row> = SERVICES.iter().map(of_service).collect();
    rows.extend(alone.map(of_rule));
    rows.retain(|row| role.is_none_or(|role| row.is_of(role)));
    // Rows without ports come last.
    rows.sort_by_key(|row| (row.ports.is_none(), row.first, row.last, row.number));
    rows
}

/// Returns the rows that contain a port, of one protocol or of all.
pub fn rows_of(number: Option<u8>, first: u16, last: u16) -> Vec<Row> {
    let mut rows = rows(None);
    rows.retain(|row| {
        row.ports.is_some()
            && (number.is_none() || row.number == number)
            && row.first <= last
            && first <= row.last
    });
    // The narrowest ranges come first.
    rows.sort_by_key(|row| row.last - row.first);
    rows
}

/// Returns the rows whose service, component or addon contains each word of `name`; case and dashes are ignored.
pub fn rows_named(name: &str) -> Vec<Row> {
    let asked: Vec<String> = (name.split_whitespace())
        .map(|word| words(word).concat())
        .collect();
    let has = |text: &[String], asked: &String| {
        let mut starts = 0..text.len();
        !asked.is_empty() && starts.any(|at| text[at..].concat().starts_with(asked))
    };
    let mut rows = rows(None);
    rows.retain(|row| {
        let texts = [Some(row.service), row.component, row.addon];
        let texts: Vec<Vec<String>> = texts.into_iter().flatten().map(words).collect();
        let found = |asked| texts.iter().any(|text| has(text, asked));
        !asked.is_empty() && asked.iter().all(found)
    });
    rows
}

/// Returns the words of `text` in lower case.
fn words(text: &str) -> Vec<String> {
    let words = text.split(|c: char| !c.is_alphanumeric());
    let words = words.filter(|word| !word.is_empty());
    words.map(str::to_lowercase).collect()
}

/// Whether a service of the catalogue explains the rule.
fn explained(rule: &DocumentedRule) -> bool {
    match (rule.proto, rule.sport, rule.dport) {
        (Some(proto), None, Some(ports)) => SERVICES
            .iter()
            .any(|s| s.proto == proto && ports.contains(s.ports.first)),
        _ => false,
    }
}

fn codes(roles: &[Role]) -> Vec<&'static str> {
    roles.iter().map(|role| role.code()).collect()
}

fn of_service(service: &'static Service) -> Row {
    // Ranges that are too wide to decide anything do not count as documentation.
    let rules: Vec<&DocumentedRule> = documented_anywhere(service.proto, service.ports.first)
        .filter(|_| service.standing != Standing::Note)
        .collect();
    let mut documented: Vec<Role> = rules.iter().flat_map(|r| r.roles).copied().collect();
    documented.sort_unstable();
    documented.dedup();
    Row {
        proto: proto_name(service.proto).into_owned(),
        ports: Some(service.ports.to_string()),
        service: service.name,
        component: Some(service.component),
        roles: codes(service.roles),
        documented: codes(&documented),
        from: Some(service.reach.code()),
        reach: Some(service.reach.text()),
        addon: service.addon,
        standing: match service.standing {
            Standing::Current => "current",
            Standing::UpToV1_8 => "up-to-v1.8",
            Standing::NodePorts => "node-ports",
            Standing::Note => "note",
        },
        rules: rules.into_iter().map(rule_row).collect(),
        source: service.source,
        note: service.note,
        number: Some(service.proto),
        first: service.ports.first,
        last: service.ports.last,
    }
}

fn of_rule(rule: &'static DocumentedRule) -> Row {
    Row {
        proto: rule
            .proto
            .map_or_else(|| "all".to_owned(), |p| proto_name(p).into_owned()),
        ports: rule.dport.map(|ports| ports.to_string()),
        service: rule.comment,
        component: None,
        roles: codes(rule.roles),
        documented: codes(rule.roles),
        from: None,
        reach: None,
        addon: rule.addon,
        standing: "current",
        rules: vec![rule_row(rule)],
        source: PAGE,
        note: if rule.pod_network {
            "The page calls this rule optional. Pods on other nodes come with the address of their node."
        } else {
            ""
        },
        number: rule.proto,
        first: rule.dport.map_or(0, |ports| ports.first),
        last: rule.dport.map_or(0, |ports| ports.last),
    }
}

fn rule_row(rule: &'static DocumentedRule) -> RuleRow {
    let pods = Site::default().pod_cidrs();
    let accept = AcceptRule::documented(rule, pods.first().copied());
    RuleRow {
        roles: codes(rule.roles),
        place: accept.place_command(),
        insert: accept.insert(),
        cloudinit: accept.append(),
    }
}

/// Formats roles for a table: `all`, or their names.
pub fn short_roles(roles: &[&str]) -> String {
    if roles.len() == Role::ALL.len() {
        "all".to_owned()
    } else if roles.is_empty() {
        "-".to_owned()
    } else {
        roles.join(", ")
    }
}

/// Roles by a letter each, in their order: `CW-`.
fn letters(roles: &[&str]) -> String {
    let letter = |role: Role| match role {
        Role::ControlPlane => 'C',
        Role::Worker => 'W',
        Role::Witness => 'T',
    };
    let shown = |role: Role| {
        let here = roles.contains(&role.code());
        if here { letter(role) } else { '-' }
    };
    Role::ALL.map(shown).iter().collect()
}

/// Width, in columns, from which there is room for the notes.
const WIDE: usize = 120;

/// Rows of the catalogue on what was asked.
pub struct PortList<'a> {
    pub asked: &'a str,
    pub rows: &'a [Row],
    /// Role whose rows alone were asked for, where other roles have the only ones, and these roles.
    pub elsewhere: Option<(Role, Vec<&'static str>)>,
}

/// Returns the roles that rows are of, in their order.
pub fn roles_of(rows: &[Row]) -> Vec<&'static str> {
    let is_of = |role: &Role| rows.iter().any(|row| row.is_of(*role));
    let roles = Role::ALL.into_iter().filter(is_of);
    roles.map(Role::code).collect()
}

/// Writes rows as text: a table, with the notes where there is room.
pub fn text(list: &PortList<'_>, style: Style, out: &mut dyn Write) -> io::Result<()> {
    let rows = list.rows;
    if rows.is_empty() {
        return unlisted(list, style, out);
    }
    let wide = style.width >= WIDE;
    let mut columns = vec![
        ("PORT", Column::Whole),
        ("SERVICE", Column::Words),
        ("RUNS", Column::Whole),
        ("OPEN", Column::Whole),
        ("FROM", Column::Words),
        ("ADDON", Column::Whole),
    ];
    columns.extend(wide.then_some(("NOTE", Column::Words)));
    let cells = |row: &Row| {
        let mut cells = vec![
            match &row.ports {
                Some(ports) => format!("{}/{ports}", row.proto),
                None => row.proto.clone(),
            },
            row.service.to_owned(),
            letters(&row.roles),
            letters(&row.documented),
            row.from.unwrap_or("-").to_owned(),
            row.addon.unwrap_or("-").to_owned(),
        ];
        cells.extend(wide.then(|| row.note.to_owned()));
        cells
    };
    let rows: Vec<Vec<String>> = rows.iter().map(cells).collect();
    let mut page = Page {
        out,
        style,
        one_day: true,
    };
    page.table(&columns, &rows, 1)?;
    page.line("")?;
    for text in [
        "RUNS: where it can run. OPEN: for whom the documentation opens it.",
        "C control-plane, W worker, T witness. `dropsift explain tcp/10250` says more.",
    ] {
        page.paragraph(" ", " ", text)?;
    }
    Ok(())
}
