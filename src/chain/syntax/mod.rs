//! The forms in which iptables prints chains, and the arguments that they share with its commands.

pub(in crate::chain) mod arguments;
mod extensions;
mod form;
pub(in crate::chain) mod listing;
pub(in crate::chain) mod save;
mod table_text;
mod values;
mod words;

pub use form::{Form, detect};
