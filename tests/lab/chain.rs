//! The documented chain: the commands of a role's CloudInit resource, as `fixtures/lab/cloudinit-ROLE.yaml` has them.

use std::fs;
use std::path::Path;

use crate::network::Node;

/// The documented LOG rule, as its command begins.
const LOG: &str = "iptables -A HARVESTER_INPUT -m limit --limit 10/min";

/// Commands that make a chain.
#[derive(Clone)]
pub(crate) struct Commands(Vec<String>);

impl Commands {
    /// Returns the documented commands of a role.
    pub(crate) fn documented(role: &str) -> Self {
        Self::of_resource(&Self::resource(role))
    }

    /// Returns the documented CloudInit resource of a role.
    pub(crate) fn resource(role: &str) -> String {
        let path = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join(format!("fixtures/lab/cloudinit-{role}.yaml"));
        fs::read_to_string(path).unwrap()
    }

    /// Returns the commands that a CloudInit resource runs at boot: its list items that call iptables.
    pub(crate) fn of_resource(text: &str) -> Self {
        let commands = text
            .lines()
            .filter_map(|line| line.trim().strip_prefix("- "));
        let commands: Vec<String> = commands
            .filter(|c| c.starts_with("iptables "))
            .map(str::to_owned)
            .collect();
        assert!(commands.len() > 10, "{text}");
        Self(commands)
    }

    /// Removes the only command that contains `text`.
    pub(crate) fn without(mut self, text: &str) -> Self {
        let before = self.0.len();
        self.0.retain(|command| !command.contains(text));
        assert_eq!(self.0.len() + 1, before, "`{text}`");
        self
    }

    /// Inserts `command` directly before the LOG rule.
    pub(crate) fn before_log(mut self, command: &str) -> Self {
        let log = self
            .0
            .iter()
            .position(|command| command.starts_with(LOG))
            .unwrap();
        self.0.insert(log, command.to_owned());
        self
    }

    /// Returns the same chain for IPv6, which the documentation does not have.
    pub(crate) fn of_ip6tables(mut self) -> Self {
        self = self.without("-s 10.52.0.0/16");
        for command in &mut self.0 {
            *command = command
                .replace("iptables", "ip6tables")
                .replace("-p icmp ", "-p icmpv6 ");
        }
        self
    }

    /// Runs them as the boot stage does, each by itself.
    pub(crate) fn apply(&self, node: &Node) {
        for command in &self.0 {
            node.sh(command);
        }
    }
}

/// Returns the rules in force, as `iptables-save` prints them, without counters and comments.
pub(crate) fn saved(node: &Node) -> String {
    let text = node.sh("iptables-save");
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    let lines = lines.map(|line| line.split_once(" [").map_or(line, |(chain, _)| chain));
    lines.collect::<Vec<_>>().join("\n")
}

/// Returns the rules of the chain up to its first LOG rule, in some fixed order, and those from there on.
pub(crate) fn around_log(node: &Node) -> (Vec<String>, Vec<String>) {
    let text = node.sh("iptables -S HARVESTER_INPUT");
    // The script's mark aside.
    let rules: Vec<String> = text
        .lines()
        .map(|line| line.replace(" [dropsift]", ""))
        .collect();
    let log = rules
        .iter()
        .position(|rule| rule.contains("-j LOG"))
        .unwrap();
    let (before, after) = rules.split_at(log);
    let mut before = before.to_vec();
    before.sort();
    (before, after.to_vec())
}
