//! Shell text: cut into tokens, parsed, and run on chains.

mod apply;
mod interpret;
mod lex;
mod outside;
mod parse;

pub(in crate::chain) use interpret::rule_of;
pub use interpret::{Fault, Runner};
pub use parse::Script;
