//! Whom suggested rules accept.

/// Whom the rules are to accept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Scope {
    /// As the documentation writes them: anybody; unlisted ports by peer.
    #[default]
    Documented,
    /// Those that the sources column of the port's row names: the known nodes, or anybody.
    Sources,
    /// The peers that the log shows.
    Peers,
    /// The network of the nodes.
    NodeNet,
}

impl Scope {
    pub const ALL: [Self; 4] = [Self::Documented, Self::Sources, Self::Peers, Self::NodeNet];

    /// As users write it.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Documented => "documented",
            Self::Sources => "sources",
            Self::Peers => "peers",
            Self::NodeNet => "node-net",
        }
    }
}
