//! Several tables in one text: of both families, of the legacy backend beside nft's, of other tables than `filter`.

use crate::chain::rule::Test;
use crate::chain::{Family, Fault, Form, RuleSet};
use crate::packet::proto;
use crate::time::Time;

/// The tables of a text, the last one open.
pub(in crate::chain) struct Blocks {
    form: Form,
    done: Vec<Block>,
    open: Block,
    taken: Option<Time>,
}

struct Block {
    set: RuleSet,
    /// Family, where the text states it.
    told: Option<Family>,
    line: usize,
}

impl Blocks {
    pub(in crate::chain) fn new(form: Form) -> Self {
        Self {
            form,
            done: Vec::new(),
            open: Block {
                set: RuleSet::new(form),
                told: None,
                line: 1,
            },
            taken: None,
        }
    }

    /// Begins the next table.
    pub(in crate::chain) fn next(&mut self, told: Option<Family>, line: usize) {
        if self.open.set.chains().is_empty() {
            self.open.told = told;
            self.open.line = line;
            return;
        }
        let set = RuleSet::new(self.form);
        let closed = std::mem::replace(&mut self.open, Block { set, told, line });
        self.done.push(closed);
    }

    /// Records the family that the open table shows.
    pub(in crate::chain) const fn is_of(&mut self, family: Family) {
        self.open.told = Some(family);
    }

    /// Returns the open table.
    pub(in crate::chain) const fn set(&mut self) -> &mut RuleSet {
        &mut self.open.set
    }

    /// Returns the family in which the open table is read.
    pub(in crate::chain) fn family(&self) -> Family {
        self.open.told.unwrap_or_default()
    }

    /// Keeps the earliest stamp.
    pub(in crate::chain) fn take_stamp(&mut self, taken: Option<Time>) {
        self.taken = match (self.taken, taken) {
            (Some(known), Some(taken)) => Some(known.min(taken)),
            (known, taken) => known.or(taken),
        };
    }

    /// Merges all tables into one set: for each family the first that filters.
    pub(in crate::chain) fn finish(mut self) -> RuleSet {
        self.done.push(self.open);
        let mut out = RuleSet::new(self.form);
        out.taken = self.taken;
        let mut kept: [Option<Block>; 2] = [None, None];
        for mut block in self.done {
            out.beside.append(&mut block.set.beside);
            // Another table than `filter`, which `-S` does not name.
            let of_nat = |name| {
                let families = [Family::V4, Family::V6];
                families
                    .iter()
                    .any(|family| block.set.chain(*family, name).is_some())
            };
            if ["PREROUTING", "POSTROUTING"].into_iter().any(of_nat) {
                continue;
            }
            let family = block.told.unwrap_or_else(|| guess(&block.set));
            block.set.is_of(family);
            block.set = block.set.finished();
            let place = &mut kept[family as usize];
            let Some(known) = place else {
                *place = Some(block);
                continue;
            };
            let filters = |block: &Block| block.set.filters(family);
            let unread = if !filters(known) && filters(&block) {
                std::mem::replace(known, block)
            } else {
                block
            };
            if unread
                .set
                .chains()
                .iter()
                .any(|chain| !chain.rules.is_empty())
                || filters(&unread)
            {
                out.beside.push(Fault::unfollowed(
                    unread.line,
                    format!(
                        "a second table of {} begins here, of another backend or family: its rules are not seen",
                        family.tool()
                    ),
                ));
            }
        }
        for block in kept.into_iter().flatten() {
            out.take_all(block.set);
        }
        out.finished()
    }
}

/// Guesses the family: IPv6 where a rule has an IPv6 address or matches ICMPv6.
fn guess(set: &RuleSet) -> Family {
    let is_v6 = |test: &Test| match test {
        Test::Net(_, net) => !net.addr().is_ipv4(),
        Test::IpRange(_, first, _) => !first.is_ipv4(),
        Test::Protocol(number) => *number == proto::ICMPV6,
        Test::HopLimit(..) => true,
        _ => false,
    };
    let mut rules = set.chains().iter().flat_map(|chain| &chain.rules);
    if rules.any(|rule| rule.matches.iter().any(|m| is_v6(&m.test))) {
        Family::V6
    } else {
        Family::V4
    }
}

/// Whether a line begins a table in nft's own form.
pub(in crate::chain) fn is_native(line: &str) -> bool {
    line.starts_with("table ") && line.ends_with('{')
}

impl RuleSet {
    /// Records a line around a dump that mentions rules which the dump does not show.
    pub(in crate::chain) fn note_beside(&mut self, line: &str, number: usize) {
        let text = if line.contains("iptables-legacy tables present") {
            "there are iptables-legacy tables too: their rules are not seen; print them with `iptables-legacy-save`"
        } else if line.contains("ip6tables-legacy tables present") {
            "there are ip6tables-legacy tables too: their rules are not seen; print them with `ip6tables-legacy-save`"
        } else if line.contains("is incompatible, use 'nft' tool") || is_native(line) {
            "there is a table in nft's own form too: its rules are not seen; print it with `nft list ruleset`"
        } else {
            return;
        };
        self.beside.push(Fault::unfollowed(number, text));
    }

    /// Adds the chains and faults of another set.
    fn take_all(&mut self, other: Self) {
        for chain in other.chains {
            let place = self.chain_or_new(chain.family, &chain.name, chain.line);
            *place = chain;
        }
        self.faults.extend(other.faults);
    }
}
