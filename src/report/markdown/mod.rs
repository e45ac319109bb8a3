//! Markdown for issues and chats: at most as long as an issue may be, and what it cuts it says.

mod diff;
mod lists;
mod passages;
mod report;
mod words;

pub(super) use diff::diff;
pub(super) use lists::{audit, explanation, ports, simulation};
pub use passages::MAX_CHARACTERS;
pub(super) use report::report;
