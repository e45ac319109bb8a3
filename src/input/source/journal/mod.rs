//! Binary journals of systemd: the bytes of one file become [`Record`]s, in their order, with what damage there is.
//!
//! [`JournalFile`] reads what can be sought in, [`JournalStream`] what cannot; both give the same records. Follows systemd's
//! `journal-def.h` and docs/JOURNAL_FILE_FORMAT.md. [`chain`] is the walk through all objects that both have in common,
//! [`index`] and [`search`] are the ways to the entries that matter.

mod ahead;
mod batch;
mod chain;
mod damage;
mod entry;
mod file;
mod growing;
mod guard;
mod header;
mod index;
mod listed;
mod merge;
mod object;
mod pool;
mod proof;
mod record;
mod search;
mod stream;
mod unpack;
mod volume;
mod walk;
mod wanted;
mod window;

pub(super) use batch::Batch;
pub(super) use file::JournalFile;
pub(super) use growing::{Growing, Grown};
pub(super) use merge::{Item, Merge, Source, Waiting};
pub(super) use record::{Record, Transport};
pub(super) use stream::JournalStream;
pub(super) use wanted::Wanted;
