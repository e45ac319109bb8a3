//! Shell text: cut into tokens, parsed, and run on chains.

mod apply;
mod condition;
mod conditions;
mod control;
mod expand;
mod fault;
mod interpret;
mod lex;
mod outside;
mod parse;
mod programs;
mod restore;
mod rule_index;

pub use condition::{Assume, Condition};
pub use fault::Fault;
pub use interpret::Runner;
pub(in crate::chain) use interpret::rule_of;
pub(in crate::chain) use parse::MAX_SCRIPT;
pub use parse::Script;
