//! Harvester's CloudInit: YAML, the object, whom its selector picks, what it does at boot, and rules put into it.

pub mod patch;
mod resource;
mod run;
pub mod selector;
pub mod yaml;

pub use resource::{Command, File, Label, Resource, Spot, read};
pub(in crate::cloudinit) use run::boot_assuming;
pub use run::{boot, boot_both_ways, run};
