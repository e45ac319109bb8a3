//! Who says what is known of the cluster.

/// Who says a fact, the weightiest first: a flag stands against the configuration file, that against what was learned.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Provenance {
    /// An option of the command line.
    Told,
    /// The configuration file.
    Config,
    /// Kubernetes objects of the cluster.
    Cluster,
    /// The files of a node.
    Host,
    /// A support bundle.
    Bundle,
    /// Nobody: the default.
    Assumed,
}

impl Provenance {
    pub const ALL: [Self; 6] = [
        Self::Told,
        Self::Config,
        Self::Cluster,
        Self::Host,
        Self::Bundle,
        Self::Assumed,
    ];

    /// In one word, as outputs write it.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Told => "told",
            Self::Config => "config",
            Self::Cluster => "cluster",
            Self::Host => "host",
            Self::Bundle => "bundle",
            Self::Assumed => "assumed",
        }
    }

    /// As a sentence names it: "control-plane by the options".
    pub const fn name(self) -> &'static str {
        match self {
            Self::Told => "the options",
            Self::Config => "the configuration file",
            Self::Cluster => "the cluster's objects",
            Self::Host => "the node's files",
            Self::Bundle => "the support bundle",
            Self::Assumed => "the default",
        }
    }

    /// Whether somebody wrote it down for this tool: what was learned may add to it, and never against it.
    pub const fn is_told(self) -> bool {
        matches!(self, Self::Told | Self::Config)
    }
}
