//! Places of a suggested rule in the chains of its node: in each chain that dropped packets of its finding, and in no
//! other.

use super::accept_rule::{AcceptRule, Disposition};
use super::disposition::Doubt;
use super::insertion_point::InsertionPoint;
use super::packets::seen;
use crate::cause::Test;
use crate::chain::{ChainOutcome, Chains, Place, Question, Sought};
use crate::error::printable_name;
use crate::finding::Finding;
use crate::site::Site;

/// Name of the test for a live rule that does the same as a new one would.
pub const RULE_IN_FORCE: &str = "rule-in-force";

/// Returns `rule` once for each place of the packets of `finding` in the chain of its node, as far as that is known, and
/// tests for the finding. A running rule that does the same makes it superfluous; one of the next boot does not.
pub(super) fn placed(
    rule: &AcceptRule,
    finding: &Finding,
    site: &Site,
) -> (Vec<AcceptRule>, Vec<Test>) {
    let Some(chains) = site.in_force.of(&rule.node, rule.role, rule.family) else {
        return (vec![rule.clone()], Vec::new());
    };
    let prefixes = site.log_prefixes();
    let packets = seen(finding, rule, chains.set);
    let packets: Vec<Option<&Question<'_>>> = match &packets[..] {
        [] => vec![None],
        all => all.iter().map(Some).collect(),
    };
    let (mut out, mut tests): (Vec<AcceptRule>, Vec<Test>) = Default::default();
    let mut live = None;
    for packet in packets {
        let ways: Vec<Sought<'_>> = (chains.ways())
            .map(|set| rule.seek(set, &prefixes, packet))
            .collect();
        let first = ways.iter().find_map(live_at);
        let is_live = ways.iter().all(|way| live_at(way).is_some());
        if let Some(place) = first.filter(|_| is_live && chains.is_running()) {
            let stop = packet.and_then(|packet| chains.stops(packet, None));
            live = live.or(Some((place, stop)));
            continue;
        }
        if let Some(place) = first {
            let test = if is_live {
                at_next_boot(&place, &chains)
            } else {
                on_condition(&place, &chains)
            };
            if !tests.contains(&test) {
                tests.push(test);
            }
        }
        let at = ways.iter().find_map(|way| match way {
            Sought::At(place) => {
                Some((InsertionPoint::from(place), place.number)).filter(|(at, _)| at.is_tame())
            }
            _ => None,
        });
        let mut doubt = ways.iter().find_map(stopped);
        // What the administrator stops has no place; its rule, never applied blindly, has that of the other packets.
        let at = at.or_else(|| match rule.seek(chains.set, &prefixes, None) {
            Sought::At(place) | Sought::Live(place) if doubt.is_some() => {
                Some((InsertionPoint::from(&place), place.number)).filter(|(at, _)| at.is_tame())
            }
            _ => None,
        });
        let mut own = rule.clone();
        if let Some(packet) = packet {
            packet.packet.interface.clone_into(&mut own.interface);
        }
        if let Some((place, number)) = at {
            own.place = place;
            if let Some(packet) = packet.filter(|_| chains.is_running() && doubt.is_none()) {
                let inserted = own.placed();
                let end = chains.stops(packet, Some((&own.place.chain, number, &inserted)));
                doubt = end.map(|end| Doubt::Unreached(end.told()));
            }
            if own.parts(chains.set, &prefixes) {
                own.within = Some(own.place.chain.clone());
            }
        }
        if let Some(doubt) = doubt {
            own.disposition = Disposition::Review;
            own.doubt = Some(own.doubt.unwrap_or(doubt));
        }
        match out.iter_mut().find(|known| known.is_placed_as(&own)) {
            Some(known) if known.doubt.is_some() && own.doubt.is_none() => *known = own,
            Some(_) => {}
            None => out.push(own),
        }
    }
    if let Some((place, stop)) = live.filter(|_| out.is_empty()) {
        tests.push(in_force(&place, stop.as_ref()));
    }
    (out, tests)
}

const fn live_at<'a>(way: &Sought<'a>) -> Option<Place<'a>> {
    match way {
        Sought::Live(place) => Some(*place),
        _ => None,
    }
}

/// Returns the doubt of a rule that drops the packet on purpose.
fn stopped(way: &Sought<'_>) -> Option<Doubt> {
    let Sought::Stopped(place) = way else {
        return None;
    };
    let matches: Vec<String> = place
        .rule()?
        .matches
        .iter()
        .map(ToString::to_string)
        .collect();
    Some(Doubt::Narrowed(format!(
        "rule {} of {} stops these packets with `{}`",
        place.number,
        printable_name(&place.chain.name),
        matches.join(" ")
    )))
}

fn test(name: &'static str, text: String) -> Test {
    Test {
        name,
        met: true,
        text,
    }
}

fn on_condition(live: &Place<'_>, chains: &Chains<'_>) -> Test {
    let text = format!(
        "rule {} of {} (line {} of {}) does the same one way only: {} cannot be known here",
        live.number,
        live.chain.name,
        line(live),
        chains.name,
        chains.question()
    );
    test("rule-on-condition", text)
}

fn at_next_boot(live: &Place<'_>, chains: &Chains<'_>) -> Test {
    let text = format!(
        "rule {} of {} (line {} of {}) does the same from the next boot on: a reboot is due",
        live.number,
        live.chain.name,
        line(live),
        chains.name
    );
    test("rule-at-next-boot", text)
}

/// Describes a live rule; with the end of a packet that does not come to it.
fn in_force(live: &Place<'_>, stop: Option<&ChainOutcome>) -> Test {
    let (chain, number, line) = (&live.chain.name, live.number, line(live));
    let text = match stop {
        None => format!(
            "rule {number} of {chain} (line {line}) does what a new rule would do: none is offered"
        ),
        Some(end) => format!(
            "rule {number} of {chain} (line {line}) would accept it, but such a packet is {} before: none is offered; if it \
             is to get in, change that rule",
            end.told()
        ),
    };
    test(RULE_IN_FORCE, text)
}

fn line(place: &Place<'_>) -> usize {
    place.rule().map_or(0, |rule| rule.line)
}
