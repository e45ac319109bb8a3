//! Acceptances: known findings that the administrator leaves as they are, with a reason and an end.

mod acceptance;
mod notes;
mod stanza;

use acceptance::{ACCEPTED, Bar, PARTIAL};

use crate::cause::Test;
use crate::date::Date;
use crate::finding::{Accepted, Finding};

pub use acceptance::{Acceptance, MAX_DAYS};
pub use notes::{Note, UNUSED};
pub use stanza::{is_quotable, stanza};

/// The acceptances of a run.
#[derive(Clone, Default)]
pub struct Acceptances(pub Vec<Acceptance>);

impl Acceptances {
    /// Marks the findings that are accepted on `today`, and returns notes on acceptances with a fault. Where several
    /// cover one finding, the one with the latest end counts, of those the first.
    pub fn apply(&self, findings: &mut [Finding], today: Date) -> Vec<Note> {
        for finding in findings.iter_mut() {
            // An acceptance from a report stays until its end.
            let holds = |told: &Accepted| {
                told.origin.is_none()
                    && today <= told.until
                    && told.until.days_since(today) <= MAX_DAYS
            };
            finding.accepted = finding.accepted.take().filter(holds);
            let covering = self
                .0
                .iter()
                .filter(|one| one.holds(today) && one.names(finding));
            let covering: Vec<&Acceptance> =
                covering.filter(|one| one.bar(finding).is_none()).collect();
            let latest = covering.iter().rev().max_by_key(|one| one.until);
            if let Some(one) = latest {
                finding.accepted = Some(one.accepted());
            }
            finding.evidence.retain(|test| test.name != ACCEPTED);
            if let Some(accepted) = &finding.accepted {
                let text = format!("{}: {}", accepted.words(), accepted.reason);
                finding.evidence.push(Test {
                    name: ACCEPTED,
                    met: true,
                    text,
                });
                continue;
            }
            let partial = self
                .0
                .iter()
                .filter(|one| one.holds(today) && one.names(finding));
            let texts: Vec<String> = partial
                .filter(|one| one.bar(finding) == Some(Bar::Peers { all: false }))
                .map(|one| notes::partial(one, finding))
                .collect();
            finding.evidence.extend(texts.into_iter().map(|text| Test {
                name: PARTIAL,
                met: false,
                text,
            }));
        }
        notes::notes(&self.0, findings, today)
    }
}
