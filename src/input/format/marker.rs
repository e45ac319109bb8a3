//! The lines that journalctl and grep write about a log: `-- Boot 1f2e… --`, `-- No entries --`, `-- Journal begins at `.

use super::record::{Format, Layer, Origin, Read, Record};
use crate::time::Stamp;

pub(super) static MARKER: Format = Format {
    code: "marker",
    title: "what journalctl says about the journal itself: -- Boot, -- Reboot, -- No entries, -- cursor",
    sample: "-- No entries --",
    begins: b"-",
    read: Read::Text(read),
};

/// Starts of marker lines; systemd, journalctl.c and logs-show.c, since v206.
const MARKERS: [&[u8]; 6] = [
    b"-- Boot ",
    b"-- Reboot --",
    b"-- No entries --",
    b"-- Journal begins at ",
    b"-- Logs begin at ",
    b"-- cursor: ",
];

fn read<'a>(record: &'a [u8], _: Layer<'_>) -> Option<Record<'a>> {
    MARKERS.iter().find(|marker| record.starts_with(marker))?;
    Some(Record::new(
        Stamp::None,
        None,
        Origin::Journalctl,
        record.into(),
    ))
}
