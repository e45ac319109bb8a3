//! Shows a text that is longer than the terminal in a pager.

use std::io::{self, IsTerminal, Write};
use std::process::{Command, Stdio};

use super::terminal;

/// Default pager: it keeps colours, and exits at once if the text fits on the screen.
const LESS: &str = "less -FRX";

/// Writes `text` to stdout: through the pager if that is a terminal with fewer rows, and `wanted`.
///
/// # Errors
/// If stdout cannot be written to.
pub(super) fn show(text: &[u8], wanted: bool) -> io::Result<()> {
    let rows = text.iter().filter(|byte| **byte == b'\n').count();
    let is_long = terminal::rows().is_some_and(|height| rows >= height);
    if wanted && is_long && io::stdout().is_terminal() && page(text) {
        return Ok(());
    }
    let mut out = io::stdout().lock();
    out.write_all(text)?;
    out.flush()
}

/// Writes what `write` writes to stdout: through the pager where that is a terminal with fewer rows, and `wanted`. What no
/// pager may take is not kept.
///
/// # Errors
/// Where stdout cannot be written to.
pub(super) fn rendered(
    wanted: bool,
    write: impl FnOnce(&mut dyn Write) -> io::Result<()>,
) -> io::Result<()> {
    if wanted && io::stdout().is_terminal() {
        let mut text = Vec::new();
        return write(&mut text).and_then(|()| show(&text, wanted));
    }
    let mut out = io::BufWriter::with_capacity(1 << 16, io::stdout().lock());
    write(&mut out)?;
    out.flush()
}

/// Shows `text` in the pager. Returns whether there was one.
fn page(text: &[u8]) -> bool {
    let told = std::env::var("PAGER").ok();
    let pager = told.as_deref().unwrap_or(LESS).trim();
    if pager.is_empty() || pager == "cat" {
        return false;
    }
    // As in git and journalctl: PAGER may contain options.
    let started = Command::new("sh")
        .args(["-c", pager])
        .stdin(Stdio::piped())
        .spawn();
    let Ok(mut child) = started else {
        return false;
    };
    if let Some(mut stdin) = child.stdin.take() {
        // The user may quit the pager before the end.
        let _ = stdin.write_all(text);
    }
    // 127: there is no such program (sh(1)).
    child.wait().is_ok_and(|status| status.code() != Some(127))
}
