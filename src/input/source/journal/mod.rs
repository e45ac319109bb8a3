//! Binary journals of systemd: the bytes of one file in, [`Record`]s in their order out, with a description of any
//! damage.
//!
//! [`JournalFile`] reads files; a journal in a stream is copied to one. Follows systemd's `journal-def.h` and
//! docs/JOURNAL_FILE_FORMAT.md. [`chain`] is the walk through all objects, [`index`] and [`search`] find the entries that
//! matter.

mod batch;
mod behind;
mod chain;
mod copies;
mod damage;
mod entry;
mod file;
mod growing;
mod header;
mod index;
mod listed;
mod merge;
mod name;
mod object;
mod pool;
mod proof;
mod record;
mod search;
mod unpack;
mod walk;
mod wanted;
mod window;

pub(super) use batch::Batch;
pub(super) use file::JournalFile;
pub(super) use growing::{Growing, Grown};
pub(super) use header::{MAGIC, realtime_of};
pub(super) use merge::{Item, Merge, Waiting};
pub(super) use name::{destroyed, empty, fault_of, is_journal_name, is_new, is_put_aside};
pub(super) use record::{Boots, Record, Transport};
pub(super) use wanted::Wanted;
