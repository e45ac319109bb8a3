//! Upgrades of the cluster: when each began and ended.
//!
//! `Upgrade` (harvester/harvester, pkg/apis/harvesterhci.io/v1beta1/upgrade.go) has conditions, `UpgradePlan`
//! (harvester/upgrade-toolkit, api/v1beta1/upgradeplan_types.go) phases. Either begins when the object is made.

use super::tree::Tree;
use crate::input::event::ClusterFact;
use crate::time::{Time, parse_rfc3339};

/// Label with the state of an `Upgrade`, and its values after the end.
const STATE: &str = "harvesterhci.io/upgradeState";
const ENDED: [&str; 2] = ["Succeeded", "Failed"];

/// An upgrade.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Upgrade {
    from: Time,
    end: End,
}

/// End of an upgrade.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    At(Time),
    /// It has ended, at an unknown time.
    Unknown,
    NotYet,
}

impl Upgrade {
    /// Reads an `Upgrade`; `None` where nothing says when it began.
    pub(super) fn read(object: &Tree) -> Option<Self> {
        let from = began(object)?;
        let conditions = object
            .at(["status", "conditions"])
            .map_or(&[][..], Tree::items);
        let completed = conditions
            .iter()
            .find(|one| one.text(["type"]) == Some("Completed"));
        let status = completed.and_then(|one| one.text(["status"]));
        let state = object
            .at(["metadata", "labels"])
            .and_then(|labels| labels.text([STATE]));
        // An upgrade that goes on has the condition too, as `Unknown`.
        let has_ended = matches!(status, Some("True" | "False"))
            || state.is_some_and(|state| ENDED.contains(&state));
        if !has_ended {
            return Some(Self {
                from,
                end: End::NotYet,
            });
        }
        let last = completed.and_then(updated).or_else(|| {
            // Some conditions have no times: then the last that has one, else the last write to the object.
            let others = conditions.iter().filter_map(updated).max();
            others.or_else(|| written(object))
        });
        Some(Self {
            from,
            end: last.filter(|to| *to >= from).map_or(End::Unknown, End::At),
        })
    }

    /// Reads an `UpgradePlan`; `None` where nothing says when it began.
    pub(super) fn read_plan(object: &Tree) -> Option<Self> {
        let from = began(object)?;
        let phase = object.text(["status", "currentPhase"]).unwrap_or_default();
        if !ENDED.contains(&phase) {
            return Some(Self {
                from,
                end: End::NotYet,
            });
        }
        let changes = object
            .at(["status", "phaseTransitionTimestamps"])
            .map_or(&[][..], Tree::items);
        let at = |change: &Tree| parse_rfc3339(change.text(["phaseTransitionTimestamp"])?);
        let own = changes
            .iter()
            .filter(|change| change.text(["phase"]) == Some(phase));
        let last = own.filter_map(at).max();
        let last = last.or_else(|| changes.iter().filter_map(at).max());
        let last = last.or_else(|| written(object));
        Some(Self {
            from,
            end: last.filter(|to| *to >= from).map_or(End::Unknown, End::At),
        })
    }
}

fn began(object: &Tree) -> Option<Time> {
    parse_rfc3339(object.text(["metadata", "creationTimestamp"])?)
}

/// Returns the time of the last update of a condition.
fn updated(condition: &Tree) -> Option<Time> {
    let time = condition.text(["lastUpdateTime"]);
    parse_rfc3339(time.or_else(|| condition.text(["lastTransitionTime"]))?)
}

/// Returns the time of the last write to the object, from its managed fields.
fn written(object: &Tree) -> Option<Time> {
    let fields = object.at(["metadata", "managedFields"])?.items();
    fields
        .iter()
        .filter_map(|one| parse_rfc3339(one.text(["time"])?))
        .max()
}

/// Returns the windows of upgrades, in the order of time. One that has not ended ends where the next begins: two never
/// run at once.
pub(super) fn facts(mut upgrades: Vec<Upgrade>) -> Vec<ClusterFact> {
    upgrades.sort_by_key(|upgrade| upgrade.from);
    let mut facts = Vec::new();
    for (at, upgrade) in upgrades.iter().enumerate() {
        let next = upgrades[at + 1..]
            .iter()
            .map(|next| next.from)
            .find(|next| *next > upgrade.from);
        let to = match upgrade.end {
            End::At(to) => Some(to),
            End::Unknown | End::NotYet if next.is_some() => next,
            End::NotYet => None,
            End::Unknown => {
                facts.push(ClusterFact::Remark(format!(
                    "the upgrade of {} has ended, and its object does not say when: --upgrade sets its time",
                    upgrade.from
                )));
                continue;
            }
        };
        facts.push(ClusterFact::Upgrade {
            from: upgrade.from,
            to,
        });
    }
    facts
}
