//! Lines that are no drop lines and tell how far a log can be believed: what of it was lost, and where it begins anew.

use super::{Origin, Record};

/// What a notice says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum NoticeKind {
    /// The journal lost kernel messages: the ring buffer was overwritten before they were read.
    Missed,
    /// The kernel's own rate limit kept messages back.
    Suppressed,
    /// The journal's rate limit kept messages back.
    JournalSuppressed,
    /// Packets were dropped for want of conntrack entries.
    ConntrackFull,
    /// The machine started; the count is 0 where a line before has told so already.
    Boot,
    /// The clock was set back, or the log's parts are out of order: the count is by how many seconds.
    TimeBack,
}

/// A row: the text that nominates a line, how the message begins, what it says, and who may say so.
pub(super) struct Row {
    pub(super) literal: &'static str,
    begins: &'static str,
    pub(super) kind: NoticeKind,
    from: Source,
}

/// Who may say it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Source {
    Kernel,
    Journald,
    /// journalctl itself, in a line of its own.
    Marker,
}

const fn row(literal: &'static str, begins: &'static str, kind: NoticeKind, from: Source) -> Row {
    Row {
        literal,
        begins,
        kind,
        from,
    }
}

/// The lines that are noticed. A count stands behind the begin, or else before the literal.
#[rustfmt::skip]
pub(super) const ROWS: &[Row] = &[
    // systemd, journald-kmsg.c: "Missed %"PRIu64" kernel messages".
    row(" kernel messages", "Missed ", NoticeKind::Missed, Source::Journald),
    // systemd, journald-server.c: "Suppressed %i messages from %s".
    row("Suppressed ", "Suppressed ", NoticeKind::JournalSuppressed, Source::Journald),
    // Linux, lib/ratelimit.c: "%s: %d callbacks suppressed".
    row(" callbacks suppressed", "", NoticeKind::Suppressed, Source::Kernel),
    // Linux, kernel/printk: "%d messages suppressed.", older ones.
    row(" messages suppressed", "", NoticeKind::Suppressed, Source::Kernel),
    // Linux, nf_conntrack_core.c; the name stands once or twice.
    row("nf_conntrack: table full", "nf_conntrack: ", NoticeKind::ConntrackFull, Source::Kernel),
    row("-- Boot ", "-- Boot ", NoticeKind::Boot, Source::Marker),
    row("-- Reboot --", "-- Reboot --", NoticeKind::Boot, Source::Marker),
    // Linux, init/version.c: the first line of each boot.
    row("Linux version ", "Linux version ", NoticeKind::Boot, Source::Kernel),
];

/// How much `record`, whose text is `message`, says by `row`: `None` where it only holds the words. `raw` is what it was
/// read from.
pub(super) fn count(row: &Row, record: &Record<'_>, message: &[u8], raw: &[u8]) -> Option<u64> {
    let head = raw.strip_suffix(record.message.as_ref()).unwrap_or(raw);
    let may = match row.from {
        Source::Kernel => record.origin == Origin::Kernel,
        Source::Journald => {
            record.origin == Origin::Other
                && memchr::memmem::find(head, b"systemd-journald").is_some()
        }
        Source::Marker => raw.starts_with(row.begins.as_bytes()),
    };
    let rest = message.strip_prefix(row.begins.as_bytes())?;
    let at = memchr::memmem::find(message, row.literal.as_bytes())?;
    if !may {
        return None;
    }
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
