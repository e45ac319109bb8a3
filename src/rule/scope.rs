//! Sources that suggested rules accept.

/// Sources that the rules accept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Scope {
    /// Sources of the documentation: any; for unlisted ports the peers.
    #[default]
    Documented,
    /// Sources in the sources column of the port's row: the known nodes, or any.
    Sources,
    /// The peers that the log shows.
    Peers,
    /// The network of the nodes.
    NodeNet,
}

impl Scope {
    pub const ALL: [Self; 4] = [Self::Documented, Self::Sources, Self::Peers, Self::NodeNet];

    /// Returns the scope as users write it.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Documented => "documented",
            Self::Sources => "sources",
            Self::Peers => "peers",
            Self::NodeNet => "node-net",
        }
    }
}
