//! Words of a fixed set, which a report has as text.

use std::collections::BTreeSet;
use std::sync::{LazyLock, Mutex};

/// The longest name of a test or code of a warning, in bytes.
const MAX_WORD: usize = 48;
/// The most of them that are kept.
const MAX_WORDS: usize = 512;

static WORDS: LazyLock<Mutex<BTreeSet<&'static str>>> = LazyLock::new(Mutex::default);

/// Returns a kebab-case word as the program has its own; `None` where it is none, or there are too many.
pub(super) fn word(text: &str) -> Option<&'static str> {
    let is_part = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    if text.is_empty() || text.len() > MAX_WORD || !text.bytes().all(is_part) {
        return None;
    }
    let mut words = WORDS.lock().ok()?;
    if let Some(known) = words.get(text) {
        return Some(known);
    }
    if words.len() >= MAX_WORDS {
        return None;
    }
    // As many as there are tests and warnings, for the whole run.
    let kept: &'static str = String::leak(text.to_owned());
    words.insert(kept);
    Some(kept)
}

/// Returns the value of a code.
///
/// # Errors
/// If no value has it.
pub(super) fn coded<T: Copy>(
    all: &[T],
    code: fn(T) -> &'static str,
    text: &str,
    what: &str,
) -> Result<T, String> {
    let found = all.iter().copied().find(|one| code(*one) == text);
    found.ok_or_else(|| {
        let text: String = crate::error::printable(text).chars().take(80).collect();
        format!("its {what} `{text}` is not known here: read it with the version that wrote it, or report the log again")
    })
}
