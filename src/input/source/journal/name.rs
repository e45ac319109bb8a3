//! Files that are journals by their names.

use std::io;
use std::path::Path;

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

/// Returns the error for a file that is a journal by its name, and does not begin as one.
pub(in crate::input::source) fn destroyed() -> io::Error {
    io::Error::other(
        "it does not begin as a journal does: its header is destroyed, and nothing of it can be read; take what it held from \
         a copy, and if it is a log in text, name it by itself",
    )
}
