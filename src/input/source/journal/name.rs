//! Files that are journals by their names.

use std::io;
use std::path::Path;

use crate::error::Error;

/// Whether journald gives such names to its files: `system.journal`, `system@….journal` once it was rotated, and
/// `system@….journal~` once it was found damaged.
pub(in crate::input::source) fn is_journal_name(path: &Path) -> bool {
    path.extension()
        .is_some_and(|end| end == "journal" || end == "journal~")
}

/// Whether a journal was just made: it is empty until journald writes its header, which it does also where a power cut left
/// it empty. One that was rotated had entries.
pub(in crate::input::source) fn is_new(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().as_encoded_bytes();
    !name.contains(&b'@')
        && !name.ends_with(b"~")
        && path.metadata().is_ok_and(|meta| meta.len() == 0)
}

/// Whether journald put the file aside, since it found it damaged: it never reads it to write to it again.
pub(in crate::input::source) fn is_put_aside(path: &Path) -> bool {
    path.extension().is_some_and(|end| end == "journal~")
}

/// Returns the error for a file of which nothing can be read, although its name is that of a journal.
pub(in crate::input::source) fn destroyed() -> io::Error {
    lost(
        "it does not begin as a journal does: its header is destroyed, and nothing of it can be read; take what it held from \
         a copy, and if it is a log in text, name it by itself",
    )
}

/// Returns the error for a journal that nothing was written to.
pub(in crate::input::source) fn empty() -> io::Error {
    lost(
        "it is empty: journald has not begun it, or a power cut left it so; name the directory that it lies in",
    )
}

/// Returns the error for a journal that ends before its first entry.
pub(super) fn headless() -> io::Error {
    lost("the journal is cut off in its header; nothing of it can be read")
}

fn lost(why: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, why)
}

/// Returns the error `why` of the input `name`. What journald put aside, and has nothing that can be read, is lost for ever:
/// it is no fault of this run.
pub(in crate::input::source) fn fault_of(name: &str, why: io::Error) -> Error {
    let name = name.to_owned();
    if is_put_aside(Path::new(&name)) && why.kind() == io::ErrorKind::InvalidData {
        Error::Aside { name }
    } else {
        Error::Input { name, why }
    }
}
