//! Insertion point of a rule in a running chain, and the command that finds it on the node.

use super::search::Search;
use crate::catalog::LOG_PREFIX;
use crate::chain::{HARVESTER, Place, Rule};
use crate::error::is_hostile;
use crate::site::Site;

/// Rule before which another one is inserted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InsertionPoint {
    pub chain: String,
    /// Rule number in the dump, from 1: valid for the dump itself, never for a command that runs later.
    pub number: usize,
    /// Interface that the rule there matches: a rule inserted before it must match the same.
    pub interface: Option<String>,
    /// How the rule is found again on the node.
    search: Search,
}

impl Default for InsertionPoint {
    fn default() -> Self {
        Self {
            chain: HARVESTER.to_owned(),
            number: 1,
            interface: None,
            search: Search::log(LOG_PREFIX),
        }
    }
}

impl From<&Site> for InsertionPoint {
    /// Returns the point where the chain is not known: before the LOG rule with the site's prefix.
    fn from(site: &Site) -> Self {
        let prefix = site.log_prefix.as_deref().unwrap_or(LOG_PREFIX);
        Self {
            search: Search::log(prefix),
            ..Self::default()
        }
    }
}

impl From<&Place<'_>> for InsertionPoint {
    fn from(place: &Place<'_>) -> Self {
        Self {
            chain: place.chain.name.clone(),
            number: place.number,
            interface: place.rule().and_then(Rule::interface).map(str::to_owned),
            search: Search::of(place),
        }
    }
}

impl InsertionPoint {
    /// Restricts `rule` to the packets that reach the insertion point.
    pub(super) fn fitted(&self, rule: &Rule) -> Rule {
        rule.for_interface(self.interface.as_deref())
    }

    /// Whether its names can be printed: the text of a dump is untrusted.
    pub(super) fn is_tame(&self) -> bool {
        let interface = self.interface.as_deref().unwrap_or_default();
        let mut all = self.chain.chars().chain(interface.chars());
        !all.any(is_hostile)
    }

    /// Whether a command can find it: else only the script does.
    pub(super) fn is_searchable(&self) -> bool {
        self.search.is_possible()
    }

    /// Returns the command that sets `n` to the line of `iptables -S CHAIN` before which a rule is inserted. The first
    /// line is the chain itself, so the rule's number is one less.
    pub(super) fn command(&self, tool: &str) -> String {
        self.search.command(tool, &self.chain)
    }
}
