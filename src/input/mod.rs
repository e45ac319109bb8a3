//! Input: bytes of logs, journals and bundles become [`event::LogEvent`]s, above all drop lines.
//!
//! Imports go `source → reader → framing | message → format → event`; `fast` is used by `reader` alone, `objects` by
//! `source`, and `search` and `scan` lie below all of them.

pub mod event;
mod fast;
mod format;
mod framing;
mod message;
pub mod objects;
pub mod reader;
mod scan;
mod search;
pub mod source;

pub use format::{FORMATS, Format, Prefixes, format_of, short_stamp};
pub use framing::{PLACES, Place};
pub use message::Dedup;
pub use reader::{Line, line};
