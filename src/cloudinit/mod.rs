//! Harvester's CloudInit: YAML, the object, whom its selector picks, and what it does at boot.

mod resource;
mod run;
pub mod selector;
pub mod yaml;

pub use resource::{Command, File, Label, Resource, Spot, read};
pub use run::{Boot, boot, boot_both_ways, run};
