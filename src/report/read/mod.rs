//! Parser of this program's own output: reports and events, of one run or several, are converted to findings.
//!
//! The content of a report is untrusted, as a line of a log is. Its texts are only displayed, its rules are generated
//! anew from its findings, and its commands are never read.

mod document;
mod events;
mod finding;
mod merge;
mod part;
mod verdict;
mod words;

use std::collections::BTreeSet;
use std::hash::BuildHasher;

use foldhash::fast::FixedState;

use super::{Networks, Tally, Unjudged};
use document::Document;
use events::Fold;
use words::coded;

pub use merge::merge;
pub use part::Part;

/// The reports among the inputs of a run.
#[derive(Default)]
pub struct Reports {
    parts: Vec<Part>,
    /// The events of the input that is read, since its last report.
    fold: Fold,
    /// Hashes of the reports that were read: one that is given twice counts once.
    seen: BTreeSet<u64>,
    /// Faults since the last call of [`Reports::take_faults`].
    faults: Vec<String>,
    /// Inputs of which nothing was judged when their report was made, since the last call of [`Reports::take_unjudged`].
    unjudged: Vec<(String, Unjudged)>,
    /// Whether a document of the input was refused: later documents may depend on it.
    is_refused: bool,
}

impl Reports {
    /// Takes a document of the input `input`; `known` is what this run knows.
    pub fn push(&mut self, input: &str, text: &str, known: &Networks) {
        if self.is_refused {
            return;
        }
        let taken = match document::parse(text) {
            Ok(Document::Report(report)) => self.report(input, text, *report, known),
            Ok(Document::Event(event)) => match event.report {
                Some(report) => {
                    // It has all that the events before it said.
                    self.fold = Fold::default();
                    self.report(input, text, report, known)
                }
                None => self.fold.push(*event),
            },
            Err(why) => Err(why),
        };
        if let Err(why) = taken {
            self.is_refused = true;
            self.faults.push(why);
        }
    }

    fn report(
        &mut self,
        input: &str,
        text: &str,
        report: super::json::ReportV1<'_>,
        known: &Networks,
    ) -> Result<(), String> {
        if !self.seen.insert(fingerprint(text)) {
            return Ok(());
        }
        let unread = report
            .inputs
            .iter()
            .find_map(|read| Some((read.name.clone(), read.error.clone()?)));
        if let Some((name, why)) = unread {
            self.faults.push(format!(
                "an input of this report, `{name}`, could not be read when it was written ({why}): what it has counts; report \
                 that input again"
            ));
        }
        for read in &report.inputs {
            let Some(code) = &read.unjudged else { continue };
            let why = coded(&Unjudged::ALL, Unjudged::code, code, "reason")?;
            self.unjudged.push((read.name.to_string(), why));
        }
        self.parts.push(Part::of(input, report, known)?);
        Ok(())
    }

    /// Ends the input `input`: events without a report after them become one.
    pub fn end_input(&mut self, input: &str) {
        let fold = std::mem::take(&mut self.fold);
        match fold.part(input) {
            Ok(part) => self.parts.extend(part),
            Err(why) => self.faults.push(why),
        }
        self.is_refused = false;
    }

    /// Returns the faults since the last call, each with its remedy.
    pub fn take_faults(&mut self) -> Vec<String> {
        std::mem::take(&mut self.faults)
    }

    /// Returns the inputs of reports of which nothing was judged, since the last call.
    pub fn take_unjudged(&mut self) -> Vec<(String, Unjudged)> {
        std::mem::take(&mut self.unjudged)
    }

    /// Whether there is none.
    pub const fn is_empty(&self) -> bool {
        self.parts.is_empty()
    }

    /// Returns the reports, in the order of the inputs.
    pub const fn parts(&self) -> &[Part] {
        self.parts.as_slice()
    }

    /// Returns the account of all of them together.
    pub fn tally(&self) -> Tally {
        part::sum(self.parts.iter().map(|part| part.tally))
    }
}

/// Returns a hash of a document: the same whether it stands in a page, which has escapes for three characters, or alone.
fn fingerprint(text: &str) -> u64 {
    let mut plain = text.to_owned();
    for (escape, character) in [("\\u003c", "<"), ("\\u003e", ">"), ("\\u0026", "&")] {
        if plain.contains(escape) {
            plain = plain.replace(escape, character);
        }
    }
    FixedState::default().hash_one(plain)
}
