//! Gauges and counters of the LOG limit: where it is used up, drops are not logged.

use std::collections::BTreeMap;

use super::{Family, Labels, family, label, seconds};
use crate::report::Report;
use crate::saturation::Stretch;
use crate::time::SECOND;

/// Time after its last line, in microseconds, for which a saturated stretch counts as going on: two refills of the
/// documented limit.
const GOES_ON: i64 = 12 * SECOND;

/// Seconds for which the LOG limit of a node was exhausted, by node and address family. A stretch may shrink when it is
/// judged again; a counter may not, or `rate()` would invent drops.
pub type SaturatedSeconds = BTreeMap<(String, &'static str), f64>;

pub(super) fn log_saturated(report: &Report) -> Family {
    let now = report.end();
    let series = stretches(report).map(|(node, family, stretches)| {
        let last = stretches.last().map(|stretch| stretch.to);
        let goes_on = last
            .zip(now)
            .is_some_and(|(last, now)| now.since(last) <= GOES_ON);
        (node_and_family(node, family), f64::from(u8::from(goes_on)))
    });
    Family {
        name: "dropsift_log_saturated",
        help: "Whether the LOG limit is used up: what is not logged then may be missing too",
        is_counter: false,
        series: series.collect(),
    }
}

pub(super) fn saturated_seconds(report: &Report, known: &mut SaturatedSeconds) -> Family {
    for (node, family, stretches) in stretches(report) {
        let total: i64 = stretches.iter().map(|s| s.to.since(s.from).max(0)).sum();
        let counted = known.entry((node.to_owned(), family)).or_default();
        *counted = counted.max(seconds(total));
    }
    let series = known
        .iter()
        .map(|((node, family), total)| (node_and_family(node, family), *total));
    Family {
        name: "dropsift_log_saturated_seconds",
        help: "For how long the LOG limit was used up",
        is_counter: true,
        series: series.collect(),
    }
}

fn stretches(report: &Report) -> impl Iterator<Item = (&str, &'static str, &[Stretch])> {
    report.nodes.iter().flat_map(|node| {
        let families = [false, true].into_iter().zip(&node.saturated_by_family);
        families.map(|(is_v6, stretches)| (node.node.as_str(), family(is_v6), &stretches[..]))
    })
}

fn node_and_family(node: &str, family: &str) -> Labels {
    vec![("node", label(node)), ("family", family.to_owned())]
}
