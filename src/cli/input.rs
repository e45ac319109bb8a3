//! The inputs of a live run, each with what was read of it.

use std::path::{Path, PathBuf};

use super::{complain, terminal};
use crate::analyze::Analysis;
use crate::error::printable;
use crate::input::reader::Reader;
use crate::input::source::{Hint, Summary};
use crate::report::metrics::InputState;
use crate::report::{InputReport, Tally, Unjudged};
use crate::time::Time;

/// What was read of all inputs.
pub(super) struct Sums {
    tally: Tally,
    /// Drop lines that came in.
    met: u64,
    /// Kernel messages that were lost.
    lost: u64,
    /// Number of reports among the inputs.
    reports: usize,
}

impl Sums {
    pub(super) fn of(analysis: &Analysis) -> Self {
        Self {
            tally: analysis.tally(),
            met: analysis.met(),
            lost: analysis.lost(),
            reports: analysis.reports(),
        }
    }
}

/// An input of a live run, and what was read of it.
pub(super) struct Input {
    pub(super) path: PathBuf,
    pub(super) summary: Summary,
    /// The account of its lines, and its drop lines that came in.
    tally: Tally,
    met: u64,
    /// Whether it is a report, and the inputs of that of which nothing was judged.
    is_report: bool,
    pub(super) unjudged: Vec<(String, Unjudged)>,
    /// Its first error.
    pub(super) error: Option<String>,
    /// Whether it can be read, and goes on.
    pub(super) is_up: bool,
    /// Time of its last bytes.
    last_read: Option<Time>,
    /// Kernel messages that were lost, by its notices.
    lost: u64,
    /// Bytes that were there behind the last ones that were judged.
    pub(super) left: u64,
    /// Whether journalctl says in it that it lacks the kernel.
    pub(super) hint: Hint,
}

impl Input {
    pub(super) fn new(path: &Path) -> Self {
        Self {
            path: path.to_owned(),
            summary: Summary::default(),
            tally: Tally::default(),
            met: 0,
            is_report: false,
            unjudged: Vec::new(),
            error: None,
            is_up: true,
            last_read: None,
            lost: 0,
            left: 0,
            hint: Hint::default(),
        }
    }

    /// Leaves a line whose rest was there and is not read: the run tore it, and no writer did.
    pub(super) fn leave_torn(&mut self, reader: Option<&mut Reader>) {
        if self.left > 0 {
            self.left += reader.map_or(0, Reader::give_back) as u64;
        }
    }

    /// Says how much of it was there, and is not judged.
    pub(super) fn tell_left(&self) {
        if self.left > 0 {
            complain(&format!(
                "{} bytes at the end of `{}` were not read, since the run was stopped; run again without -f for all of it",
                self.left,
                printable(&self.path.display().to_string())
            ));
        }
    }

    /// Takes account of a part of it: `before` and `after` are the sums of all inputs.
    pub(super) const fn add(&mut self, before: &Sums, after: &Sums) {
        let (tally, sums) = (&mut self.tally, &after.tally);
        tally.drops += sums.drops - before.tally.drops;
        tally.unreadable += sums.unreadable - before.tally.unreadable;
        tally.untrusted += sums.untrusted - before.tally.untrusted;
        tally.outside += sums.outside - before.tally.outside;
        // Lines of the reports in it: all others are counted at the end.
        tally.lines += sums.lines - before.tally.lines;
        self.met += after.met - before.met;
        self.lost += after.lost - before.lost;
        self.is_report |= after.reports > before.reports;
    }

    /// Notes that bytes of it came.
    pub(super) fn hear(&mut self) {
        self.last_read = Some(terminal::now());
    }

    /// Whether none of its drop lines could be judged.
    pub(super) const fn none_judged(&self) -> bool {
        self.tally.refused() > 0 && self.met == 0 && !self.is_report
    }

    /// Returns why nothing of it was judged so far.
    fn why_unjudged(&self) -> Option<Unjudged> {
        let Summary { known, blank, .. } = self.summary;
        let told = self.unjudged.iter().map(|(_, why)| *why).min();
        if told.is_some() {
            told
        } else if self.none_judged() {
            Some(Unjudged::NoDropLine)
        } else if self.error.is_none() && !known && !blank {
            Some(Unjudged::UnknownFormat)
        } else {
            None
        }
    }

    /// Returns the account of it.
    pub(super) fn report(&self) -> InputReport {
        InputReport {
            name: self.path.display().to_string(),
            tally: Tally {
                lines: self.tally.lines + self.summary.lines,
                ..self.tally
            },
            unjudged: self.why_unjudged(),
            has_objects: self.summary.objects,
            error: self.error.clone(),
        }
    }

    /// Returns what `--metrics` tells of it.
    pub(super) fn state(&self) -> InputState {
        InputState {
            name: self.path.display().to_string(),
            is_up: self.is_up,
            last_read: self.last_read,
            lost: self.lost,
        }
    }
}
