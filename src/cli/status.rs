//! The status line of a live run: one line on stderr, redrawn in place where stderr is a terminal.

use std::collections::VecDeque;
use std::io::{self, IsTerminal, Write};
use std::time::{Duration, Instant};

use super::terminal;
use crate::report::{Report, status};

/// Least interval between two updates of the line.
const REDRAW: Duration = Duration::from_millis(250);
/// Interval between two counts of drops.
const SECOND: Duration = Duration::from_secs(1);
/// The time over which drops are counted as a rate.
const MINUTE: Duration = Duration::from_secs(60);

/// The line.
pub(super) struct Status {
    /// Whether stderr is a terminal and the line is wanted.
    shown: bool,
    text: String,
    /// Text on the terminal; empty where there is none.
    drawn: String,
    /// Time of the last update.
    at: Option<Instant>,
    /// Number of drops so far, by the time of counting.
    counts: VecDeque<(Instant, u64)>,
}

impl Status {
    pub(super) fn new(quiet: bool) -> Self {
        Self {
            shown: !quiet && io::stderr().is_terminal(),
            text: String::new(),
            drawn: String::new(),
            at: None,
            counts: VecDeque::new(),
        }
    }

    /// Removes the line, so that other text can be printed.
    pub(super) fn clear(&mut self) {
        if !self.drawn.is_empty() {
            self.drawn.clear();
            // Errors are ignored, because stderr may be closed.
            let _ = io::stderr().write_all(b"\r\x1b[K");
        }
    }

    /// Updates the text from `report`.
    pub(super) fn update(&mut self, now: Instant, report: &Report) {
        if !self.shown {
            return;
        }
        let drops = report.tally.drops;
        let counted = self.counts.back().is_some_and(|(at, _)| now - *at < SECOND);
        if !counted {
            self.counts.push_back((now, drops));
        }
        while self
            .counts
            .front()
            .is_some_and(|(at, _)| now - *at > MINUTE)
        {
            self.counts.pop_front();
        }
        let before = self.counts.front().map_or(drops, |(_, drops)| *drops);
        self.text = status(report, drops - before, terminal::stderr_width());
    }

    /// Returns the time of the next update; `None` where the line is up to date.
    pub(super) fn due(&self) -> Option<Instant> {
        let stale = self.shown && self.drawn != self.text;
        let at = self.at.filter(|_| stale && !self.drawn.is_empty());
        at.map(|at| at + REDRAW)
    }

    /// Draws the line if it is missing, or due.
    pub(super) fn draw(&mut self, now: Instant) {
        let is_due = self.drawn.is_empty() || self.due().is_some_and(|due| due <= now);
        if self.shown && is_due && self.drawn != self.text {
            self.clear();
            let _ = io::stderr().write_all(self.text.as_bytes());
            self.drawn.clone_from(&self.text);
            self.at = Some(now);
        }
    }
}
