//! Rules for findings that a report tells: made by the same code as for a log, and never bolder than the report was.

use super::accept_rule::{AcceptRule, Disposition};
use super::disposition::Doubt;
use crate::finding::Finding;
use crate::flow::Direction;
use crate::site::Site;

/// Adapts `rules`, which are for `finding`, to its report: removes them if it offered none, and marks them as needing a
/// decision where it did. A finding of a log has no report, and keeps them unchanged.
pub(super) fn restrain(rules: &mut Vec<AcceptRule>, finding: &Finding, site: &Site) {
    let Some(told) = &finding.reported else {
        return;
    };
    let offers = told.was_accepted || told.is_doubtful || !told.offers.is_empty();
    if !offers || finding.direction() != Direction::Original {
        rules.clear();
        return;
    }
    // What one of several reports doubts is to be decided. An assumed role is no doubt once the role is known.
    let is_settled = |code: &&str| *code == "role-assumed" && !finding.role_assumed;
    let code = (told.offers.iter())
        .filter_map(|offer| offer.doubt.as_deref())
        .find(|code| !is_settled(code));
    let elsewhere = told.offers.iter().any(|offer| offer.is_elsewhere);
    for rule in rules {
        let is_known = (site.in_force.of(&rule.node, rule.role, rule.family)).is_some();
        let doubt = if told.is_doubtful {
            Some(rule.doubt.clone().unwrap_or(Doubt::Reported))
        } else if let Some(code) = code {
            Some(of_code(code, finding))
        } else if told.offers.is_empty() {
            Some(Doubt::Reported)
        } else if elsewhere && !is_known {
            Some(Doubt::OtherChain)
        } else {
            None
        };
        if let Some(doubt) = doubt {
            rule.disposition = Disposition::Review;
            rule.doubt = Some(doubt);
        }
    }
}

/// Returns the doubt that a report means by its code, in words of our own.
fn of_code(code: &str, finding: &Finding) -> Doubt {
    match code {
        "not-documented" => Doubt::NotDocumented,
        "ipv6" => Doubt::Ipv6,
        "role-assumed" => Doubt::RoleAssumed {
            node: finding.node.clone(),
            role: finding.role,
        },
        "several-nodes" => Doubt::SeveralNodes,
        "outsiders" => Doubt::Outsiders,
        "chain-unknown" => Doubt::ChainUnknown,
        "one-packet" => Doubt::OnePacket,
        "loopback" => Doubt::Loopback,
        "forged" => Doubt::Forged,
        _ => Doubt::Reported,
    }
}
