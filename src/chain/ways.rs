//! Chains that commands leave for all outcomes of conditions that cannot be known.

use crate::chain::{Assume, Condition, Form, RuleSet, Runner};

/// Upper bound on the conditions that are varied one by one; more of them are varied only together.
const MAX_VARIED: usize = 16;
/// Upper bound on the product of conditions and rules.
const MAX_WORK: usize = 10_000;

/// Chains that commands leave, for all outcomes of unknown conditions.
#[derive(Debug, Clone)]
pub struct Ways {
    /// Chains if no condition holds.
    pub set: RuleSet,
    /// Chains if all conditions hold; `None` where they are the same, or there are no conditions.
    pub holding: Option<RuleSet>,
    /// Further chains, if a single condition holds, or a single one does not.
    pub mixed: Vec<RuleSet>,
    /// Conditions that make a difference.
    pub conditions: Vec<Condition>,
}

impl Assume {
    /// Returns the ways beside the two in which all conditions go together: one alone holds, or one alone does not. None
    /// where so many conditions in a script that leaves so many rules would take too long.
    pub fn mixed(conditions: &[Condition], set: &RuleSet) -> Vec<Self> {
        let rules: usize = set.chains().iter().map(|chain| chain.rules.len()).sum();
        let mut texts: Vec<&String> = conditions.iter().map(|condition| &condition.text).collect();
        texts.sort_unstable();
        texts.dedup();
        if !(2..=MAX_VARIED).contains(&texts.len()) || texts.len() * rules > MAX_WORK {
            return Vec::new();
        }
        let both = |text: &String| [Self::Only(text.clone()), Self::AllBut(text.clone())];
        texts.into_iter().flat_map(both).collect()
    }
}

impl Ways {
    /// Creates the result for commands without unknown conditions.
    pub const fn certain(set: RuleSet) -> Self {
        Self {
            set,
            holding: None,
            mixed: Vec::new(),
            conditions: Vec::new(),
        }
    }

    /// Runs the commands for each outcome. The faults of the first set report the conditions.
    pub fn of(form: Form, run: &mut dyn FnMut(&mut Runner)) -> Self {
        let mut way = |assume: Assume| {
            let mut runner = Runner::new(form).assuming(assume);
            run(&mut runner);
            let conditions = runner.conditions().to_vec();
            (runner, conditions)
        };
        let (runner, mut conditions) = way(Assume::None);
        if conditions.is_empty() {
            return Self::certain(runner.finish());
        }
        let (holding, more) = way(Assume::All);
        // One condition may guard another.
        let new = |condition: &Condition| !conditions.contains(condition);
        let new: Vec<Condition> = more.into_iter().filter(new).collect();
        conditions.extend(new);
        let holding = holding.finish();
        let mut mixed: Vec<RuleSet> = Vec::new();
        let varied = Assume::mixed(&conditions, runner.set());
        let is_settled = conditions.len() == 1 || !varied.is_empty();
        for assume in varied {
            let set = way(assume).0.finish();
            let is_known = |known: &RuleSet| known.chains() == set.chains();
            if !is_known(runner.set()) && !is_known(&holding) && !mixed.iter().any(is_known) {
                mixed.push(set);
            }
        }
        let same = holding.chains() == runner.set().chains();
        if same && mixed.is_empty() && is_settled {
            conditions.clear();
        }
        let mut runner = runner;
        for condition in &conditions {
            runner.fault(condition.fault());
        }
        Self {
            set: runner.finish(),
            holding: (!same).then_some(holding),
            mixed,
            conditions,
        }
    }

    /// Returns the chains of all outcomes; the first is the one in which no condition holds.
    pub fn sets(&self) -> impl Iterator<Item = &RuleSet> {
        [&self.set].into_iter().chain(self.others())
    }

    /// Describes the first of the conditions: `` whether `[ -f /oem/x ]` (line 12) holds ``.
    pub fn question(&self) -> String {
        const MAX: usize = 3;
        let of = |condition: &Condition| format!("`{}` (line {})", condition.text, condition.line);
        let mut shown: Vec<String> = self.conditions.iter().take(MAX).map(of).collect();
        if self.conditions.len() > MAX {
            shown.push(format!("{} more", self.conditions.len() - MAX));
        }
        let verb = if shown.len() == 1 { "holds" } else { "hold" };
        format!("whether {} {verb}", shown.join(" and "))
    }

    /// Returns the chains of the other outcomes.
    pub fn others(&self) -> impl Iterator<Item = &RuleSet> {
        self.holding.iter().chain(&self.mixed)
    }
}
