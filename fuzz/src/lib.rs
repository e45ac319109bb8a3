//! What holds for any bytes: one function a target, which panics where an invariant is broken. The fuzz targets and
//! `tests/it/fuzz.rs` call the same functions.
//!
//! What is expected comes of the kernel's and the tools' formats, or of two ways to one answer, never of what the code
//! answered once.

mod bundle;
mod chain;
mod cloudinit;
mod dice;
mod journal;
mod listing;
mod packet;
mod print;
mod report;
mod scan;
mod seen;
mod shown;
mod unpack;

pub use bundle::bundle;
pub use chain::chain;
pub use cloudinit::cloudinit;
pub use dice::Dice;
pub use journal::journal;
pub use packet::packet;
pub use report::report;
pub use scan::{document, scan};
pub use unpack::unpack;

/// A target: its name, which is that of its folder of seeds too, and its function.
pub type Target = (&'static str, fn(&[u8]));

/// All targets.
pub const TARGETS: &[Target] = &[
    ("packet", packet),
    ("scan", scan),
    ("document", document),
    ("report", report),
    ("chain", chain),
    ("cloudinit", cloudinit),
    ("journal", journal),
    ("unpack", unpack),
    ("bundle", bundle),
];
