//! Harvester's CloudInit: its YAML, the object, the nodes that its selector matches, its commands at boot, and the
//! insertion of rules.

pub mod patch;
mod resource;
mod run;
pub mod selector;
pub mod yaml;

pub use resource::{Command, File, Label, Resource, Spot, read};
pub(in crate::cloudinit) use run::boot_assuming;
pub use run::{boot, boot_both_ways, run};
