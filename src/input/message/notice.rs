//! Notices: lines that are no drop lines and that report lost messages, or a new start of the log.

use crate::input::event::NoticeKind;
use crate::input::format::Origin;

/// A row: the text to search for, the start of the message, its kind, and its required origin.
pub(in crate::input) struct Row {
    pub(in crate::input) literal: &'static str,
    begins: &'static str,
    pub(in crate::input) kind: NoticeKind,
    from: Origin,
}

const fn row(literal: &'static str, begins: &'static str, kind: NoticeKind, from: Origin) -> Row {
    Row {
        literal,
        begins,
        kind,
        from,
    }
}

/// Notices. The count follows the start, or else precedes the literal.
#[rustfmt::skip]
pub(in crate::input) const ROWS: &[Row] = &[
    // systemd, journald-kmsg.c: "Missed %"PRIu64" kernel messages".
    row(" kernel messages", "Missed ", NoticeKind::Missed, Origin::Journald),
    // systemd, journald-server.c: "Suppressed %i messages from %s".
    row("Suppressed ", "Suppressed ", NoticeKind::JournalSuppressed, Origin::Journald),
    // Linux, lib/ratelimit.c: "%s: %d callbacks suppressed".
    row(" callbacks suppressed", "", NoticeKind::Suppressed, Origin::Kernel),
    // Linux, kernel/printk: "%d messages suppressed.", older ones.
    row(" messages suppressed", "", NoticeKind::Suppressed, Origin::Kernel),
    // Linux, nf_conntrack_core.c; the name stands once or twice.
    row("nf_conntrack: table full", "nf_conntrack: ", NoticeKind::ConntrackFull, Origin::Kernel),
    row("-- Boot ", "-- Boot ", NoticeKind::Boot, Origin::Journalctl),
    row("-- Reboot --", "-- Reboot --", NoticeKind::Boot, Origin::Journalctl),
    // Linux, init/version.c: the first line of each boot.
    row("Linux version ", "Linux version ", NoticeKind::Boot, Origin::Kernel),
];

/// Classifies `message`, written by `origin`. Returns its kind and count; `None` where it is no notice.
pub(super) fn notice(origin: Origin, message: &[u8]) -> Option<(NoticeKind, u64)> {
    ROWS.iter()
        .find_map(|row| Some((row.kind, count(row, origin, message)?)))
}

fn count(row: &Row, origin: Origin, message: &[u8]) -> Option<u64> {
    if origin != row.from {
        return None;
    }
    let rest = message.strip_prefix(row.begins.as_bytes())?;
    let at = memchr::memmem::find(message, row.literal.as_bytes())?;
    let number = if row.begins.is_empty() {
        let before = &message[..at];
        let from = before.iter().rposition(|b| !b.is_ascii_digit());
        &before[from.map_or(0, |from| from + 1)..]
    } else {
        let len = rest.iter().take_while(|b| b.is_ascii_digit()).count();
        &rest[..len]
    };
    match row.kind {
        NoticeKind::Boot | NoticeKind::ConntrackFull => Some(1),
        _ => std::str::from_utf8(number).ok()?.parse().ok(),
    }
}
