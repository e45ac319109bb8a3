//! Writer of a live run's events, in the form that was asked for.

use std::io::{self, Write};

use super::status::Status;
use crate::report::{Event, LiveText, Report};

/// Number of bytes that are written at once: the rows of one moment, because each write wakes the reader, but not all of a
/// flood.
const AT_ONCE: usize = 256 << 10;

/// Writer of events.
pub(super) enum Writer {
    /// No writer: the output is one document at the end.
    None,
    Each(fn(&Event<'_>, &mut dyn Write) -> io::Result<()>),
    Rows(Box<LiveText>),
}

impl Writer {
    /// Writes events.
    ///
    /// # Errors
    /// If `out` cannot be written to.
    pub(super) fn write(
        &mut self,
        events: &[Event<'_>],
        report: &Report,
        out: &mut dyn Write,
    ) -> io::Result<()> {
        match self {
            Self::None => Ok(()),
            Self::Each(write) => events.iter().try_for_each(|event| write(event, out)),
            Self::Rows(rows) => rows.write(events, report, out),
        }
    }
}

/// Standard output below which stands the status line, which is removed before something is printed.
pub(super) struct Page<'s> {
    status: &'s mut Status,
    waiting: Vec<u8>,
}

impl<'s> Page<'s> {
    pub(super) const fn new(status: &'s mut Status) -> Self {
        Self {
            status,
            waiting: Vec::new(),
        }
    }
}

impl Write for Page<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.waiting.extend_from_slice(bytes);
        if self.waiting.len() >= AT_ONCE {
            self.flush()?;
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        if self.waiting.is_empty() {
            return Ok(());
        }
        self.status.clear();
        let mut out = io::stdout().lock();
        out.write_all(&self.waiting)?;
        self.waiting.clear();
        out.flush()
    }
}
