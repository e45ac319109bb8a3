//! What commands leave where conditions in them cannot be known: the chains of each way that the conditions may go.

use crate::chain::{Assume, Condition, Form, RuleSet, Runner};

/// So many conditions are tried one by one; with more, all of them are taken as met or as not met together.
const MAX_VARIED: usize = 16;
/// How many conditions times rules.
const MAX_WORK: usize = 10_000;

/// The chains that commands leave, whichever way the conditions go that cannot be known.
#[derive(Debug, Clone)]
pub struct Ways {
    /// Where no condition holds.
    pub set: RuleSet,
    /// Where all hold; `None` where that is the same, or there are none.
    pub holding: Option<RuleSet>,
    /// What else comes out where one alone holds, or one alone does not.
    pub mixed: Vec<RuleSet>,
    /// The conditions that make a difference.
    pub conditions: Vec<Condition>,
}

impl Assume {
    /// The ways beside the two in which all conditions go together: one alone holds, or one alone does not. None where so
    /// many conditions in a script that leaves so many rules would take too long.
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
    /// Chains on which nothing depends that cannot be known.
    pub const fn certain(set: RuleSet) -> Self {
        Self {
            set,
            holding: None,
            mixed: Vec::new(),
            conditions: Vec::new(),
        }
    }

    /// Runs the commands each way. The set of the first names the conditions among its faults.
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
        // One condition may hide another.
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

    /// The chains of every way, the one in which no condition holds first.
    pub fn sets(&self) -> impl Iterator<Item = &RuleSet> {
        [&self.set].into_iter().chain(self.others())
    }

    /// What is not known, for people: `` whether `[ -f /oem/x ]` (line 12) holds ``; the first of the conditions.
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

    /// The chains of the other ways.
    pub fn others(&self) -> impl Iterator<Item = &RuleSet> {
        self.holding.iter().chain(&self.mixed)
    }
}
