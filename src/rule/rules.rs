//! The suggested rules of a report, each of which is found by its id without a walk through all.

use std::ops::Deref;

use super::accept_rule::AcceptRule;

/// Suggested rules in the order of reports.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Rules {
    all: Vec<AcceptRule>,
    /// Indices of the rules, in the order of their ids.
    by_id: Vec<u32>,
}

impl Rules {
    /// Returns the rule with this id.
    pub fn get(&self, id: &str) -> Option<&AcceptRule> {
        let of = |at: &u32| &self.all[*at as usize];
        let found = (self.by_id).binary_search_by(|at| of(at).id.as_str().cmp(id));
        found.ok().map(|place| of(&self.by_id[place]))
    }

    /// Returns the rules of a node.
    pub fn of_node<'a>(&'a self, node: &'a str) -> impl Iterator<Item = &'a AcceptRule> {
        let first = self.all.partition_point(|rule| *rule.node < *node);
        self.all[first..]
            .iter()
            .take_while(move |rule| rule.node == node)
    }
}

/// From rules with distinct ids, in the order of reports: by node first.
impl From<Vec<AcceptRule>> for Rules {
    fn from(all: Vec<AcceptRule>) -> Self {
        let mut by_id: Vec<u32> = (0..).take(all.len()).collect();
        by_id.sort_unstable_by(|a, b| all[*a as usize].id.cmp(&all[*b as usize].id));
        Self { all, by_id }
    }
}

impl From<Rules> for Vec<AcceptRule> {
    fn from(rules: Rules) -> Self {
        rules.all
    }
}

impl Deref for Rules {
    type Target = [AcceptRule];

    fn deref(&self) -> &[AcceptRule] {
        &self.all
    }
}

impl<'a> IntoIterator for &'a Rules {
    type Item = &'a AcceptRule;
    type IntoIter = std::slice::Iter<'a, AcceptRule>;

    fn into_iter(self) -> Self::IntoIter {
        self.all.iter()
    }
}
