//! The status line of a live run: one line on stderr, redrawn in place where stderr is a terminal.

use std::collections::VecDeque;
use std::io::{self, IsTerminal, Write};
use std::time::{Duration, Instant};

use super::terminal;
use crate::report::{Report, status};

/// How often the line is drawn anew at most.
const REDRAW: Duration = Duration::from_millis(250);
/// The distance of two counts of drops.
const SECOND: Duration = Duration::from_secs(1);
/// The time over which drops are counted as a rate.
const MINUTE: Duration = Duration::from_secs(60);

/// The line.
pub(super) struct Status {
    /// Whether there is a terminal, and somebody who wants it.
    shown: bool,
    text: String,
    /// What stands on the terminal; empty where nothing does.
    drawn: String,
    /// When it was drawn last.
    at: Option<Instant>,
    /// Drops so far, by when they were counted.
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

    /// Takes the line away, so that something else can be printed.
    pub(super) fn clear(&mut self) {
        if !self.drawn.is_empty() {
            self.drawn.clear();
            // Nobody may look any more.
            let _ = io::stderr().write_all(b"\r\x1b[K");
        }
    }

    /// Takes what the line is to say from `report`.
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

    /// When the line must be drawn anew; `None` where it says what it should.
    pub(super) fn due(&self) -> Option<Instant> {
        let stale = self.shown && self.drawn != self.text;
        let at = self.at.filter(|_| stale && !self.drawn.is_empty());
        at.map(|at| at + REDRAW)
    }

    /// Draws the line where it is not there, or is due.
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
