//! Sources that suggested rules accept.

/// Sources that the rules accept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Scope {
    /// Those of the documentation: any source; for unlisted ports the peers.
    #[default]
    Documented,
    /// Those of the sources column in the port's row: the known nodes, or any source.
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
