//! Index of rules by hash, to find the rule that `-D` and `-C` mean, and of the chains that rules lead to: scripts may
//! delete as often as they add.

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};

use crate::chain::rule::Rule;
use crate::chain::{Chain, Family};

/// Hashes of the rules of each chain that was looked up, in the order of the rules.
#[derive(Debug, Clone, Default)]
pub(super) struct RuleIndex {
    hasher: RandomState,
    chains: HashMap<(Family, String), Hashes>,
    /// Number of rules that lead to each chain.
    references: HashMap<(Family, String), usize>,
}

#[derive(Debug, Clone, Default)]
struct Hashes {
    rules: Vec<u64>,
    /// Number of occurrences of each hash.
    counts: HashMap<u64, usize>,
}

impl RuleIndex {
    /// Returns the index of the first rule of `chain` that equals `rule`, comment included.
    pub(super) fn position(&mut self, chain: &Chain, rule: &Rule) -> Option<usize> {
        let hash = |rule: &Rule| {
            self.hasher
                .hash_one((&rule.matches, &rule.target, &rule.comment))
        };
        let key = (chain.family, chain.name.clone());
        let known = self.chains.entry(key).or_insert_with(|| {
            let mut known = Hashes::default();
            known.put(0, chain.rules.iter().map(hash).collect());
            known
        });
        let wanted = hash(rule);
        if !known.counts.contains_key(&wanted) {
            return None;
        }
        let alike = |at: &usize| {
            let other = &chain.rules[*at];
            known.rules[*at] == wanted && other.means(rule) && other.comment == rule.comment
        };
        (0..chain.rules.len()).find(alike)
    }

    /// Whether a rule leads to the chain.
    pub(super) fn leads_to(&self, family: Family, chain: &str) -> bool {
        self.references.contains_key(&(family, chain.to_owned()))
    }

    /// Records that `rules` are inserted at an index of a chain.
    pub(super) fn put(&mut self, (family, chain): (Family, &str), at: usize, rules: &[Rule]) {
        for to in rules.iter().filter_map(|rule| rule.target.chain()) {
            *self.references.entry((family, to.to_owned())).or_default() += 1;
        }
        if let Some(known) = self.chains.get_mut(&(family, chain.to_owned())) {
            let hash = |rule: &Rule| {
                self.hasher
                    .hash_one((&rule.matches, &rule.target, &rule.comment))
            };
            known.put(at, rules.iter().map(hash).collect());
        }
    }

    /// Records that `rule` is removed from its index in a chain.
    pub(super) fn take(&mut self, (family, chain): (Family, &str), at: usize, rule: &Rule) {
        self.release(family, rule);
        if let Some(known) = self.chains.get_mut(&(family, chain.to_owned())) {
            let hash = known.rules.remove(at);
            lower(&mut known.counts, &hash);
        }
    }

    /// Records that a chain is flushed.
    pub(super) fn flush(&mut self, chain: &Chain) {
        for rule in &chain.rules {
            self.release(chain.family, rule);
        }
        self.chains.remove(&(chain.family, chain.name.clone()));
    }

    /// Records that a chain is removed, which is empty and to which no rule leads.
    pub(super) fn remove(&mut self, family: Family, chain: &str) {
        self.chains.remove(&(family, chain.to_owned()));
    }

    /// Rebuilds the index from all chains.
    pub(super) fn renew(&mut self, chains: &[Chain]) {
        self.chains.clear();
        self.references.clear();
        for chain in chains {
            self.put((chain.family, &chain.name), 0, &chain.rules);
        }
    }

    fn release(&mut self, family: Family, rule: &Rule) {
        if let Some(to) = rule.target.chain() {
            lower(&mut self.references, &(family, to.to_owned()));
        }
    }
}

/// Decrements a count, and removes it at zero.
fn lower<K: Eq + std::hash::Hash>(counts: &mut HashMap<K, usize>, key: &K) {
    if let Some(count) = counts.get_mut(key) {
        *count -= 1;
        if *count == 0 {
            counts.remove(key);
        }
    }
}

impl Hashes {
    fn put(&mut self, at: usize, hashes: Vec<u64>) {
        for hash in &hashes {
            *self.counts.entry(*hash).or_default() += 1;
        }
        self.rules.splice(at..at, hashes);
    }
}
