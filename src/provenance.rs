//! Provenance of the facts about the cluster.

/// Source of a fact, the weightiest first: a flag overrides the configuration file, and that overrides facts found in
/// inputs.
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
    /// The default, for want of a source.
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

    /// Returns the source in one word, as outputs write it.
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

    /// Returns the source for use in a sentence: "control-plane by the options".
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

    /// Whether the user stated the fact: facts found in inputs may add to it, but never override it.
    pub const fn is_told(self) -> bool {
        matches!(self, Self::Told | Self::Config)
    }
}
