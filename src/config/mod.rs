//! Parser of the configuration file: the cluster, its nodes, and acceptances. The TOML format is documented in "Config
//! and acceptances".

mod acceptance;
mod values;
mod walk;

use std::net::IpAddr;

use crate::accept::Acceptance;
use crate::catalog::{Role, addons};
use crate::date::Date;
use crate::error::Error;
use crate::nearest::hint;
use crate::net::IpNet;
use values::{at, name, nets, role};
use walk::{Field, Text};

pub use values::At;

/// The longest file that is read, in bytes.
pub const MAX_BYTES: u64 = 1 << 20;

/// Content of a configuration file; absent settings are `None` or empty.
#[derive(Clone, Default)]
pub struct Config {
    /// Path of the file as the user wrote it.
    pub name: String,
    /// The role of the nodes that have none of their own.
    pub role: Option<At<Role>>,
    pub node_nets: Option<At<Vec<IpNet>>>,
    pub pod_cidrs: Option<At<Vec<IpNet>>>,
    /// Addons, and whether they are in use.
    pub addons: Vec<At<(String, bool)>>,
    /// The prefix of the LOG rule.
    pub prefix: Option<At<String>>,
    /// Limit of the LOG rule, in the syntax of `--limit`.
    pub limit: Option<At<String>>,
    /// The quiet that settles a finding, as `--settle` takes it.
    pub settle: Option<At<String>>,
    /// The zone of logs without one, as `--utc-offset` takes it.
    pub utc_offset: Option<At<String>>,
    pub nodes: Vec<ConfigNode>,
    pub acceptances: Vec<Acceptance>,
}

/// A node in the configuration file.
#[derive(Debug, Clone)]
pub struct ConfigNode {
    pub name: String,
    pub line: usize,
    pub role: Option<At<Role>>,
    pub addresses: Vec<At<IpAddr>>,
}

const TOP: &[&str] = &["cluster", "node", "accept"];
const CLUSTER: &[&str] = &[
    "node-net",
    "pod-cidr",
    "addons",
    "no-addons",
    "role",
    "prefix",
    "limit",
    "settle",
    "utc-offset",
];
const NODE: &[&str] = &["name", "role", "address"];

impl Config {
    /// Parses the text of the file `name`. `today` is the current day.
    ///
    /// # Errors
    /// If it is not TOML, or has an unknown key or a malformed value. The message contains the line and the remedy.
    pub fn parse(name: &str, text: &str, today: Date) -> Result<Self, Error> {
        let file = Text { name, text };
        let root = file.parse()?;
        let mut config = Self {
            name: name.to_owned(),
            ..Self::default()
        };
        for field in file.fields(root.get_ref(), TOP, "the file")? {
            match field.key {
                "cluster" => {
                    for field in file.fields(field.table()?, CLUSTER, "[cluster]")? {
                        config.cluster(&field)?;
                    }
                }
                "node" => {
                    for (line, table) in field.tables()? {
                        let fields = file.fields(table, NODE, "[[node]]")?;
                        config.node(file, line, &fields)?;
                    }
                }
                _ => {
                    for (line, table) in field.tables()? {
                        let fields = file.fields(table, acceptance::KEYS, "[[accept]]")?;
                        config
                            .acceptances
                            .push(acceptance::acceptance(file, line, &fields, today)?);
                    }
                }
            }
        }
        Ok(config)
    }

    fn cluster(&mut self, field: &Field<'_>) -> Result<(), Error> {
        let line = field.line;
        match field.key {
            "role" => self.role = Some(role(field)?),
            "node-net" => self.node_nets = Some(at(line, nets(field, "192.168.122.0/24")?)),
            "pod-cidr" => self.pod_cidrs = Some(at(line, nets(field, "10.52.0.0/16")?)),
            "prefix" => self.prefix = Some(at(line, field.text("HARVESTER_DROP_")?.to_owned())),
            "limit" => self.limit = Some(at(line, field.text("10/min:5")?.to_owned())),
            "settle" => self.settle = Some(at(line, field.text("5min")?.to_owned())),
            "utc-offset" => self.utc_offset = Some(at(line, field.text("+02:00")?.to_owned())),
            key => {
                let used = key == "addons";
                for name in field.texts("rancher-monitoring")? {
                    if !addons().contains(&name) {
                        let near = hint(name, addons());
                        return Err(field.wrong(&format!(
                            "no addon `{name}` is known to open ports;{near} expected {}",
                            addons().join(" or ")
                        )));
                    }
                    let known = self.addons.iter().find(|known| known.value.0 == name);
                    if known.is_some_and(|known| known.value.1 != used) {
                        return Err(field.wrong(&format!(
                            "`{name}` stands in addons and in no-addons; leave it in one of them"
                        )));
                    }
                    self.addons.push(at(line, (name.to_owned(), used)));
                }
            }
        }
        Ok(())
    }

    fn node(&mut self, file: Text<'_>, line: usize, fields: &[Field<'_>]) -> Result<(), Error> {
        let mut node = ConfigNode {
            name: String::new(),
            line,
            role: None,
            addresses: Vec::new(),
        };
        for field in fields {
            match field.key {
                "name" => node.name = name(field)?,
                "role" => node.role = Some(role(field)?),
                _ => {
                    for text in field.texts("192.168.122.61")? {
                        let address = text.parse().map_err(|_| {
                            field.wrong(&format!(
                                "`{text}` is no address; write it as 192.168.122.61"
                            ))
                        })?;
                        if let Some(other) = self.owner(address) {
                            return Err(field.wrong(&format!(
                                "`{text}` is the address of {other} too; leave it with one of them"
                            )));
                        }
                        node.addresses.push(at(field.line, address));
                    }
                }
            }
        }
        if node.name.is_empty() {
            return Err(file.wrong(
                line,
                "a [[node]] needs its name, as the log has it: name = \"harvester1\"",
            ));
        }
        if let Some(known) = self.nodes.iter().find(|known| known.name == node.name) {
            let why = format!(
                "the node `{}` stands on line {} already; join the two",
                node.name, known.line
            );
            return Err(file.wrong(line, &why));
        }
        self.nodes.push(node);
        Ok(())
    }

    /// Returns the node that has an address.
    fn owner(&self, address: IpAddr) -> Option<&str> {
        let owner = self
            .nodes
            .iter()
            .find(|node| node.addresses.iter().any(|own| own.value == address));
        owner.map(|node| node.name.as_str())
    }

    /// Returns the position of a line in the file, for messages.
    pub fn place(&self, line: usize) -> String {
        format!("{}:{line}", self.name)
    }
}

#[cfg(test)]
mod tests;
