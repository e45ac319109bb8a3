//! Use of the bounds on flows.

use std::collections::{HashMap, HashSet};

use foldhash::fast::RandomState;

use super::FlowKey;

/// Upper bound on the unlisted ports of one peer once there is no room for more flows.
const MAX_PORTS_IN_NEED: u16 = 8;

/// Counts the flows of documented ports, and the unlisted ports that each peer tried.
#[derive(Debug, Clone, Default)]
pub(super) struct Quota {
    /// Number of flows in the reserve for documented ports.
    pub(super) documented: usize,
    /// Number of unlisted ports kept for a peer, or a network, on a node.
    tried: HashMap<FlowKey, u16, RandomState>,
    /// Peers with [`MAX_PORTS_IN_NEED`] or more: few, and looked up with each line that has no flow.
    pub(super) many: HashSet<FlowKey, RandomState>,
}

impl Quota {
    /// Counts another port of a peer, or of a network, on a node.
    pub(super) fn try_port(&mut self, of: FlowKey) {
        let tried = self.tried.entry(of).or_default();
        *tried = tried.saturating_add(1);
        if *tried == MAX_PORTS_IN_NEED {
            self.many.insert(of);
        }
    }

    pub(super) fn tried(&self, of: FlowKey) -> u16 {
        self.tried.get(&of).copied().unwrap_or_default()
    }
}

/// Place of an admitted line.
pub(super) enum Admitted {
    /// Index of an existing flow.
    Place(usize),
    /// Key of a flow that may exist or not.
    Key(FlowKey),
}
