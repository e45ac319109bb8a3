//! Self-contained HTML pages: one file, no request, readable without a script.

mod assets;
mod diff;
mod embed;
pub(in crate::report) mod escape;
mod finding;
mod page;
mod section;
mod timeline;

pub(super) use diff::diff;
pub(super) use page::report;
