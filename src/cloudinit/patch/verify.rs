//! Verification of a patched file against the original.

use super::{Wanted, Way};
use crate::chain::{Assume, Fault, Rule, RuleSet, Sought};
use crate::cloudinit::{self, Resource, boot_assuming, boot_both_ways};

/// Parses the new text and compares it with the old resources: under every assumption about the conditions, each chain
/// must be the old one, with the wanted rules before LOG.
///
/// # Errors
/// Where they differ in anything else.
pub(super) fn verify(before: &[Resource], text: &str, wanted: &[Vec<Wanted>]) -> Result<(), Fault> {
    let broken = || {
        Fault::new(
            1,
            "the file is written in a way that lines cannot be put in",
        )
    };
    let after = cloudinit::read(text).map_err(|_| broken())?;
    if after.len() != before.len() {
        return Err(broken());
    }
    for ((old, new), wanted) in before.iter().zip(&after).zip(wanted) {
        let ways = boot_both_ways([old]);
        let mut assumed = vec![Assume::None, Assume::All];
        assumed.extend(Assume::mixed(&ways.conditions, &ways.set));
        let pairs: Vec<[RuleSet; 2]> = (assumed.iter())
            .map(|assume| [old, new].map(|one| boot_assuming(one, assume.clone())))
            .collect();
        // A line inserted for one combination of conditions may be in the chains of another too.
        let active = || wanted.iter().filter(|wanted| wanted.is_active);
        let may_be_new: Vec<Rule> = (pairs.iter())
            .flat_map(|[old, _]| active().map(move |wanted| (old, wanted)))
            .filter_map(|(old, wanted)| Some(Way::of(&wanted.seek(old))?.fitted(&wanted.rule)))
            .collect();
        if !pairs.iter().all(|sets| is_sound(sets, wanted, &may_be_new)) {
            return Err(broken());
        }
    }
    Ok(())
}

/// Whether one way is as it was, but for new rules before LOG.
fn is_sound([old, new]: &[RuleSet; 2], wanted: &[Wanted], may_be_new: &[Rule]) -> bool {
    let as_it_was = old.chains().iter().all(|chain| {
        let Some(now) = new.chain(chain.family, &chain.name) else {
            return false;
        };
        let mut known = chain.rules.iter().peekable();
        let is_right = |rule: &Rule| {
            let is_known = known.next_if(|known| known.means(rule)).is_some();
            is_known || may_be_new.iter().any(|new| new.means(rule))
        };
        now.rules.iter().all(is_right) && known.next().is_none()
    });
    // Chains that drop none of its packets have no insertion point for a rule, before and after.
    let all_live = (wanted.iter().filter(|wanted| wanted.is_active))
        .all(|wanted| !matches!(wanted.seek(new), Sought::At(_)));
    as_it_was && all_live
}
