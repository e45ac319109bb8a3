//! Shell text: parsed into simple commands, which are run on chains.

mod interpret;
mod parse;

pub(in crate::chain) use interpret::rule_of;
pub use interpret::{Fault, Runner};
use parse::{Join, Keyword};
pub use parse::{Script, Simple};
