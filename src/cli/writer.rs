//! Writer of a live run's events, in the form that was asked for.

use std::io::{self, Write};

use crate::report::{Event, LiveText, Report};

/// Writer of events.
pub(super) enum Writer {
    /// No writer: the output is one document at the end.
    None,
    Each(fn(&Event<'_>, &mut dyn Write) -> io::Result<()>),
    Rows(Box<LiveText>),
}

impl Writer {
    /// Returns events as they are printed.
    ///
    /// # Errors
    /// Those of the form, which writes to memory.
    pub(super) fn written(&mut self, events: &[Event<'_>], report: &Report) -> io::Result<Vec<u8>> {
        let mut page = Vec::new();
        match self {
            Self::None => {}
            Self::Each(write) => {
                for event in events {
                    write(event, &mut page)?;
                }
            }
            Self::Rows(rows) => rows.write(events, report, &mut page)?,
        }
        Ok(page)
    }
}
