//! Text report, in the order in which the reader acts: the answer; missing rules, decisions, findings to review, drops
//! that need no action; cautions; and the commands.

mod answer;
mod caution;
mod commands;
mod evidence;
mod explain;
mod explanation;
mod fixes;
mod known;
mod label;
mod live;
mod missing;
mod no_split;
mod noise;
mod nothing;
mod page;
mod pages;
mod review;
mod row;
mod words;

use std::io::{self, Write};

use super::{Report, Style};
pub(super) use label::Sections;

pub(crate) use answer::{as_filtered, nothing_passes};
pub(super) use answer::{sentence, source, source_and_span, span};
pub(super) use caution::{Caution, cautions, share};
pub(super) use commands::broken;
pub(super) use explain::capital;
pub(super) use explanation::explanation;
pub(super) use fixes::{Commands, applicable, at_next_boot, by_node, lines_by_role};
pub use label::status;
pub(super) use label::{Label, by_rule, decisions, rules};
pub use live::LiveText;
pub(super) use missing::{
    by_doubt, by_guess, decide_tail, guess, listener, missing_notes, missing_tail,
};
pub(crate) use no_split::no_split;
pub use noise::HELD;
pub(super) use nothing::{replies, why_nothing};
pub(super) use page::{BOLD, Page, color, moment, unglued};
pub(super) use pages::{unlisted, unlisted_text};
pub(super) use review::{advice, alike};
pub use words::line;
pub(super) use words::{
    drops, many, node_or_number, peers, peers_by_name, reason, sort_by_node, state, traffic, what,
};
pub(crate) use words::{few, few_filters};

/// Writes the report.
pub(super) fn report(report: &Report, style: Style, out: &mut dyn Write) -> io::Result<()> {
    let one_day = report
        .span
        .is_none_or(|(first, last)| first.is_dated() && first.date() == last.date());
    let page = &mut Page {
        out,
        style,
        one_day,
    };
    let sections = &Sections::of(report);
    answer::headline(page, report, sections)?;
    missing::missing(page, report, sections)?;
    missing::decide(page, report, sections)?;
    review::review(page, sections)?;
    known::known(page, sections)?;
    nothing::nothing(page, sections)?;
    caution::caution(page, report)?;
    fixes::fixes(page, report, sections)
}
