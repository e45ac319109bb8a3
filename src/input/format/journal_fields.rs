//! Origin, time and boot of a journal record, for JSON, export, verbose and binary journals alike.
//!
//! Follows systemd.journal-fields(7). Fields that begin with `_` are set by journald, and no sender can forge them.

use std::hash::{DefaultHasher, Hash, Hasher};

use super::header::{digits, origin};
use super::record::Origin;
use crate::time::{SECOND, Stamp, Time};

/// The fields that matter, as far as a record has them.
#[derive(Debug, Default, Clone, Copy)]
pub(in crate::input) struct JournalFields<'a> {
    pub(in crate::input) transport: Option<&'a [u8]>,
    /// Name that the sender claims.
    pub(in crate::input) identifier: Option<&'a [u8]>,
    /// The process that sent it; the kernel has none.
    pub(in crate::input) process: Option<&'a [u8]>,
    /// What journald says of that process: its unit, user or program.
    pub(in crate::input) owner: Option<&'a [u8]>,
    pub(in crate::input) facility: Option<&'a [u8]>,
    /// Facility times eight, plus level.
    pub(in crate::input) priority: Option<i64>,
    pub(in crate::input) boot: Option<&'a [u8]>,
    /// Microseconds since 1970, of reception.
    pub(in crate::input) realtime: Option<i64>,
    /// Microseconds since boot, of reception.
    pub(in crate::input) monotonic: Option<i64>,
    /// Microseconds since boot, when the kernel wrote it.
    pub(in crate::input) source_monotonic: Option<i64>,
}

/// Longest delay, in microseconds, for which the time of reception stands for the time of the message, in all forms
/// alike: a running journal receives a message within milliseconds.
const MAX_DELAY: i64 = SECOND;

impl<'a> JournalFields<'a> {
    /// Keeps a field; if it occurs twice, the first. Of two transports, that of a sender counts.
    pub(in crate::input) fn put(&mut self, key: &[u8], value: &'a [u8]) {
        match key {
            b"_TRANSPORT" if matches!(self.transport, None | Some(b"kernel")) => {
                self.transport = Some(value);
            }
            b"SYSLOG_IDENTIFIER" => _ = self.identifier.get_or_insert(value),
            b"_PID" | b"SYSLOG_PID" => _ = self.process.get_or_insert(value),
            b"_SYSTEMD_UNIT" | b"_UID" | b"_EXE" | b"_COMM" => {
                _ = self.owner.get_or_insert(value);
            }
            b"SYSLOG_FACILITY" => _ = self.facility.get_or_insert(value),
            b"_BOOT_ID" => _ = self.boot.get_or_insert(value),
            b"__REALTIME_TIMESTAMP" => self.realtime = number(value),
            b"__MONOTONIC_TIMESTAMP" => self.monotonic = number(value),
            b"_SOURCE_MONOTONIC_TIMESTAMP" => self.source_monotonic = number(value),
            _ => {}
        }
    }

    /// Returns the origin of the record; `None` where no field shows it.
    pub(in crate::input) fn origin(&self) -> Option<Origin> {
        let named = self.identifier.map(|name| {
            let name = name.trim_ascii();
            origin(name.strip_suffix(b":").unwrap_or(name))
        });
        let carried = match (self.transport, named) {
            // journald takes the name in a message only if its facility is not the kernel's: from a writer of /dev/kmsg.
            (Some(b"kernel"), Some(Origin::Other | Origin::Journald)) => {
                return Some(Origin::Other);
            }
            (Some(b"kernel"), _) => Some(Origin::Kernel),
            // Messages of journald itself have the transport `driver`.
            (Some(b"driver"), Some(Origin::Journald)) => return named,
            (Some(_), Some(Origin::Other | Origin::Journald)) => return Some(Origin::Other),
            (Some(_), _) => return Some(Origin::Forged),
            (None, Some(Origin::Other | Origin::Journald)) => return named,
            (None, _) => None,
        };
        let facility = match self.facility {
            None => self.priority.map(of_priority),
            Some(b"" | b"-") => Some(Origin::Kernel),
            Some(name) if is_kern(name) => Some(Origin::Kernel),
            Some(_) => Some(Origin::Forged),
        };
        let process = (self.process)
            .filter(|process| !matches!(*process, b"" | b"-" | b"0"))
            .map(|_| Origin::Forged);
        let owner = (self.owner)
            .filter(|owner| !matches!(*owner, b"" | b"-" | b"kernel"))
            .map(|_| Origin::Other);
        // Of contradicting statements, the least trusted one counts.
        let said = [carried, named, facility, process, owner];
        let mut said = said.iter().flatten();
        let least = said.clone().find(|origin| **origin != Origin::Kernel);
        least.or_else(|| said.next()).copied()
    }

    /// Returns the time of reception, and the microseconds by which the kernel wrote the message earlier. At boot these
    /// are seconds: the journal starts long after the kernel.
    pub(in crate::input) fn when(&self) -> Option<(Stamp, i64)> {
        let at = Time(self.realtime?);
        let waited = match (self.monotonic, self.source_monotonic) {
            (Some(received), Some(written)) if written > 0 => received.saturating_sub(written),
            _ => 0,
        };
        let late = if waited > MAX_DELAY { waited } else { 0 };
        Some((Stamp::Dated { at, fine: true }, late))
    }

    /// Returns a hash of the boot ID: equal for equal IDs.
    pub(in crate::input) fn boot(&self) -> Option<u64> {
        let mut hasher = DefaultHasher::new();
        self.boot?.hash(&mut hasher);
        Some(hasher.finish())
    }
}

/// Whether a facility is the kernel's, by its number, its name, or as RFC 5424 and syslog(3) call it.
fn is_kern(facility: &[u8]) -> bool {
    const NAMES: [&[u8]; 6] = [
        b"0",
        b"kern",
        b"kernel",
        b"kern messages",
        b"kernel messages",
        b"log_kern",
    ];
    (NAMES.iter()).any(|name| name.eq_ignore_ascii_case(facility))
}

/// Whether the facility in `priority` is 0, the kernel's own, which no program can send.
pub(super) const fn is_kernels(priority: i64) -> bool {
    priority >> 3 == 0
}

/// Returns the origin by `priority`.
pub(super) const fn of_priority(priority: i64) -> Origin {
    if is_kernels(priority) {
        Origin::Kernel
    } else {
        Origin::Forged
    }
}

/// Parses the number in a field.
pub(super) fn number(value: &[u8]) -> Option<i64> {
    // As all that journald writes, and without a check for what exceeds 64 bits.
    let mut rest = value;
    match digits(&mut rest, 1, 18) {
        Some(number) if rest.is_empty() => Some(number),
        _ => std::str::from_utf8(value).ok()?.parse().ok(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_wrote_it_is_journalds_word_first() {
        const NOBODY: JournalFields<'_> = JournalFields {
            transport: None,
            identifier: None,
            process: None,
            owner: None,
            facility: None,
            priority: None,
            boot: None,
            realtime: None,
            monotonic: None,
            source_monotonic: None,
        };
        let of = |transport, identifier| JournalFields {
            transport,
            identifier,
            ..NOBODY
        };
        for (fields, origin) in [
            (NOBODY, None),
            (of(Some(b"kernel"), Some(b"kernel")), Some(Origin::Kernel)),
            (of(Some(b"kernel"), Some(b"app")), Some(Origin::Other)),
            (
                JournalFields {
                    facility: Some(b"1"),
                    ..of(Some(b"kernel"), Some(b"kernel"))
                },
                Some(Origin::Forged),
            ),
            (
                JournalFields {
                    process: Some(b"7"),
                    ..of(Some(b"kernel"), None)
                },
                Some(Origin::Forged),
            ),
            (
                JournalFields {
                    facility: Some(b"0"),
                    priority: Some(4),
                    ..of(Some(b"kernel"), None)
                },
                Some(Origin::Kernel),
            ),
            (
                JournalFields {
                    owner: Some(b"0"),
                    ..NOBODY
                },
                Some(Origin::Other),
            ),
            (of(Some(b"syslog"), Some(b"kernel")), Some(Origin::Forged)),
            (of(Some(b"stdout"), None), Some(Origin::Forged)),
            (of(Some(b"stdout"), Some(b"app")), Some(Origin::Other)),
            (of(None, Some(b"vmunix")), Some(Origin::Kernel)),
            (of(None, Some(b"kernel:")), Some(Origin::Kernel)),
            (of(None, Some(b"kernel[7]:")), Some(Origin::Forged)),
            (
                of(Some(b"driver"), Some(b"systemd-journald")),
                Some(Origin::Journald),
            ),
            (
                of(Some(b"syslog"), Some(b"systemd-journald")),
                Some(Origin::Other),
            ),
            (
                JournalFields {
                    process: Some(b"7"),
                    identifier: Some(b"kernel"),
                    ..NOBODY
                },
                Some(Origin::Forged),
            ),
            (
                JournalFields {
                    facility: Some(b"user"),
                    identifier: Some(b"kernel"),
                    ..NOBODY
                },
                Some(Origin::Forged),
            ),
            (
                JournalFields {
                    priority: Some(4),
                    ..NOBODY
                },
                Some(Origin::Kernel),
            ),
            (
                JournalFields {
                    priority: Some(12),
                    ..NOBODY
                },
                Some(Origin::Forged),
            ),
        ] {
            assert_eq!(fields.origin(), origin, "{fields:?}");
        }
    }

    #[test]
    fn a_message_that_waited_is_dated_when_it_was_written() {
        let when = |monotonic, source_monotonic| {
            let realtime = Some(1_776_852_001_123_456);
            let fields = JournalFields {
                realtime,
                monotonic,
                source_monotonic,
                ..Default::default()
            };
            fields.when().map(|(_, late)| late)
        };
        assert_eq!(when(Some(12_000_000), Some(2_000_000)), Some(10_000_000));
        assert_eq!(when(Some(12_000_000), Some(11_500_000)), Some(0));
        assert_eq!(when(Some(12_000_000), None), Some(0));
        assert_eq!(when(Some(2), Some(12_000_000)), Some(0));
    }
}
