//! Settings from the configuration file of a run, besides the options.

use std::fmt;
use std::sync::Arc;

use crate::accept::Acceptances;
use crate::config::Config;
use crate::site::{Facts, Provenance};

/// Content of the configuration file; empty if there is none.
#[derive(Clone, Default)]
pub(super) struct Configured(Option<Arc<Config>>);

impl fmt::Debug for Configured {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.as_ref().map_or("no file", |config| &config.name))
    }
}

impl Configured {
    /// Creates a file that was read.
    pub(super) fn of(config: Config) -> Self {
        Self(Some(Arc::new(config)))
    }

    /// Returns the bytes of the complete file.
    pub(super) fn file(&self) -> Option<&Config> {
        self.0.as_deref()
    }

    /// Returns the acceptances in the file.
    pub(super) fn acceptances(&self) -> Acceptances {
        Acceptances(
            self.file()
                .map_or_else(Vec::new, |config| config.acceptances.clone()),
        )
    }

    /// Adds the file's facts about the cluster to those known.
    pub(super) fn tell(&self, known: &mut Facts) {
        let Some(config) = self.file() else {
            return;
        };
        let by = Provenance::Config;
        if let Some(role) = &config.role {
            known.set_role(None, role.value, by);
        }
        for node in &config.nodes {
            if let Some(role) = &node.role {
                known.set_role(Some(&node.name), role.value, by);
            }
            for address in &node.addresses {
                known.set_address(address.value, &node.name, by);
            }
        }
        for net in config.node_nets.iter().flat_map(|nets| &nets.value) {
            known.add_node_net(*net, by);
        }
        for net in config.pod_cidrs.iter().flat_map(|nets| &nets.value) {
            known.add_pod_cidr(*net, by);
        }
        for addon in &config.addons {
            known.set_addon(&addon.value.0, addon.value.1, by);
        }
    }
}

/// Whether the option `--name` is on the command line; otherwise its value is from the file or the default.
pub(super) fn is_typed(name: &str) -> bool {
    let long = format!("--{name}");
    std::env::args_os().skip(1).any(|word| {
        let word = word.to_string_lossy();
        word == long.as_str()
            || word
                .strip_prefix(&long)
                .is_some_and(|rest| rest.starts_with('='))
    })
}
