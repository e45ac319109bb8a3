//! Running commands: a script in, the chains that it leaves out, as iptables would leave them.
//!
//! What iptables refuses leaves a [`Fault`] and no trace in the chains.

use std::fmt;

use crate::chain::Form;
use crate::chain::rule::{Rule, Target};
use crate::chain::shell::{Join, Keyword, Script, Simple};
use crate::chain::syntax::arguments::{self, Action, Command};
use crate::chain::{Family, Policy, RuleSet};

/// A line that iptables would refuse, or that was not understood.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// From 1.
    pub line: usize,
    pub text: String,
    /// Iptables, the shell or the API would refuse it; else it may be right, and is not followed here.
    pub refused: bool,
}

impl Fault {
    /// Something that would be refused.
    pub fn new(line: usize, text: impl Into<String>) -> Self {
        Self {
            line,
            text: text.into(),
            refused: true,
        }
    }

    /// Something that is not followed here.
    pub fn unfollowed(line: usize, text: impl Into<String>) -> Self {
        Self {
            refused: false,
            ..Self::new(line, text)
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}: {}", self.line, self.text)
    }
}

/// Faults beyond this many are not kept.
const MOST_FAULTS: usize = 1000;
/// Commands may make so many chains, and so many rules in each: `-D` compares with all of them.
const MOST_CHAINS: usize = 1024;
const MOST_RULES: usize = 4096;
/// How deep `sh -c` may nest.
const DEEPEST: usize = 4;

/// Runs commands on chains that begin empty.
#[derive(Debug, Clone)]
pub struct Runner {
    set: RuleSet,
    /// Whether the last command succeeded.
    succeeded: bool,
    /// For each open `if`: whether its branch at hand runs, and whether one ran.
    branches: Vec<(bool, bool)>,
}

impl Runner {
    /// With the built-in chains of IPv4, empty.
    pub fn new(form: Form) -> Self {
        let mut runner = Self {
            set: RuleSet::new(form),
            succeeded: true,
            branches: Vec::new(),
        };
        runner.build_in(Family::V4);
        runner
    }

    /// The chains as they are now.
    pub const fn set(&self) -> &RuleSet {
        &self.set
    }

    /// The chains in the end.
    pub fn finish(self) -> RuleSet {
        self.set.finished()
    }

    /// Forgets the faults so far.
    pub fn forget_faults(&mut self) {
        self.set.faults.clear();
    }

    /// Keeps a fault.
    pub fn fault(&mut self, fault: Fault) {
        if self.set.faults.len() < MOST_FAULTS {
            self.set.faults.push(fault);
        }
    }

    /// Runs the commands of one shell text.
    pub fn run(&mut self, script: &Script) {
        self.branches.clear();
        self.run_nested(script, 0);
    }

    fn run_nested(&mut self, script: &Script, depth: usize) {
        for fault in &script.faults {
            self.fault(fault.clone());
        }
        for (place, simple) in script.commands.iter().enumerate() {
            self.branch(&simple.keywords);
            let runs = self.branches.iter().all(|(runs, _)| *runs)
                && match simple.join {
                    Join::Then => true,
                    Join::And => self.succeeded,
                    Join::Or => !self.succeeded,
                };
            if !runs || simple.words.is_empty() {
                continue;
            }
            let result = self.simple(simple, depth);
            let forgiven = simple.quiet
                || simple.keywords.contains(&Keyword::If)
                || script
                    .commands
                    .get(place + 1)
                    .is_some_and(|next| next.join == Join::Or);
            self.succeeded = result.is_ok() != simple.keywords.contains(&Keyword::Not);
            if let Err(text) = result
                && !forgiven
            {
                self.fault(Fault::new(simple.line, text));
            }
        }
    }

    /// Opens, turns and closes the branches of `if`.
    fn branch(&mut self, keywords: &[Keyword]) {
        for keyword in keywords {
            match keyword {
                Keyword::If if self.branches.len() < 64 => self.branches.push((true, false)),
                Keyword::Then => {
                    let succeeded = self.succeeded;
                    if let Some((runs, ran)) = self.branches.last_mut() {
                        *runs = succeeded && !*ran;
                        *ran |= succeeded;
                    }
                }
                Keyword::Else => {
                    if let Some((runs, ran)) = self.branches.last_mut() {
                        *runs = !*ran;
                        *ran = true;
                    }
                }
                Keyword::Elif => {
                    if let Some((runs, ran)) = self.branches.last_mut() {
                        *runs = !*ran;
                    }
                }
                Keyword::Fi => {
                    self.branches.pop();
                }
                Keyword::If | Keyword::Not => {}
            }
        }
    }

    fn simple(&mut self, simple: &Simple, depth: usize) -> Result<(), String> {
        let Some((family, words)) = tool(&simple.words) else {
            return match simple.words.iter().map(String::as_str).collect::<Vec<_>>()[..] {
                ["false", ..] => Err("`false` fails".to_owned()),
                [
                    "sh" | "bash" | "/bin/sh" | "/bin/bash",
                    "-c" | "-ec",
                    text,
                    ..,
                ] if depth < DEEPEST => {
                    self.run_nested(&Script::read(text, simple.line), depth + 1);
                    Ok(())
                }
                _ => Ok(()),
            };
        };
        if simple.expands {
            self.fault(Fault::unfollowed(
                simple.line,
                "it has a shell expansion whose value is not known; the command was not run",
            ));
            return Ok(());
        }
        // Targets and options of other tables are not known here.
        if arguments::table(words).is_some_and(|table| table != "filter") {
            return Ok(());
        }
        let command = arguments::read(words, family, simple.line)?;
        self.build_in(family);
        apply(&mut self.set, family, command, simple.line)
    }

    fn build_in(&mut self, family: Family) {
        if self.set.chain(family, "INPUT").is_some() {
            return;
        }
        for name in ["INPUT", "FORWARD", "OUTPUT"] {
            self.set.chain_or_new(family, name, 0).policy = Some(Policy::Accept);
        }
    }
}

/// The family of the tool that a command calls, and the words behind its name.
pub(in crate::chain) fn tool(words: &[String]) -> Option<(Family, &[String])> {
    let mut words = words;
    while let Some((first, rest)) = words.split_first()
        && matches!(
            first.as_str(),
            "sudo" | "command" | "exec" | "nohup" | "env"
        )
    {
        words = rest;
    }
    let (name, rest) = words.split_first()?;
    match name.rsplit('/').next()? {
        "iptables" | "iptables-nft" | "iptables-legacy" => Some((Family::V4, rest)),
        "ip6tables" | "ip6tables-nft" | "ip6tables-legacy" => Some((Family::V6, rest)),
        _ => None,
    }
}

/// The chain and the rule of one command.
pub(in crate::chain) fn rule_of(simple: &Simple) -> Result<(String, Rule), Fault> {
    let fault = |text: String| Fault::new(simple.line, text);
    let (family, words) =
        tool(&simple.words).ok_or_else(|| fault("no iptables command".to_owned()))?;
    let command = arguments::read(words, family, simple.line).map_err(fault)?;
    let rule = command.rules.into_iter().next();
    command
        .chain
        .zip(rule)
        .ok_or_else(|| fault("no rule in it".to_owned()))
}

/// Does what the command does, or says why iptables would not.
fn apply(set: &mut RuleSet, family: Family, command: Command, line: usize) -> Result<(), String> {
    let Command {
        action,
        chain,
        rules,
        ..
    } = command;
    let name = match (chain, &action) {
        (_, Action::Nothing) => return Ok(()),
        (None, Action::Flush) => {
            set.chains
                .iter_mut()
                .filter(|chain| chain.family == family)
                .for_each(|chain| chain.rules.clear());
            return Ok(());
        }
        (None, Action::Remove) => return remove_all(set, family),
        (None, _) => return Err("no chain is named".to_owned()),
        (Some(name), _) => name,
    };
    if action == Action::New {
        if set.chains.len() >= MOST_CHAINS {
            return Err(format!("more than {MOST_CHAINS} chains"));
        }
        if set.chain(family, &name).is_some() {
            return Err(format!("chain `{name}` exists already"));
        }
        set.chain_or_new(family, &name, line);
        return Ok(());
    }
    if matches!(
        action,
        Action::Append | Action::Insert(_) | Action::Replace(_)
    ) {
        for rule in &rules {
            if let Some(to) = rule.target.chain()
                && set.chain(family, to).is_none()
            {
                return Err(format!("no chain or target `{to}`"));
            }
        }
    }
    let referenced = action == Action::Remove && refers(set, family, &name);
    let renamed = matches!(&action, Action::Rename(to) if set.chain(family, to).is_some());
    let Some(chain) = set.chain_mut(family, &name) else {
        return Err(format!("no chain `{name}`"));
    };
    match action {
        Action::Append | Action::Insert(_) if chain.rules.len() >= MOST_RULES => {
            return Err(format!("more than {MOST_RULES} rules in chain `{name}`"));
        }
        Action::Append => chain.rules.extend(rules),
        Action::Insert(number) => {
            if number == 0 || number > chain.rules.len() + 1 {
                return Err(format!("chain `{name}` has no place {number} to insert at"));
            }
            let at = number - 1;
            chain.rules.splice(at..at, rules);
        }
        Action::Replace(number) => {
            let rule = rules.into_iter().next();
            let place = number.checked_sub(1).and_then(|at| chain.rules.get_mut(at));
            match place.zip(rule) {
                Some((place, rule)) => *place = rule,
                None => return Err(format!("chain `{name}` has no rule {number}")),
            }
        }
        Action::DeleteNumber(number) => {
            if number == 0 || number > chain.rules.len() {
                return Err(format!("chain `{name}` has no rule {number}"));
            }
            chain.rules.remove(number - 1);
        }
        Action::Delete | Action::Check => {
            for rule in rules {
                let same = |known: &Rule| known.means(&rule) && known.comment == rule.comment;
                let Some(at) = chain.rules.iter().position(same) else {
                    return Err(format!("chain `{name}` has no such rule"));
                };
                if action == Action::Delete {
                    chain.rules.remove(at);
                }
            }
        }
        Action::Flush => chain.rules.clear(),
        Action::Remove => {
            if chain.policy.is_some() {
                return Err(format!("chain `{name}` is built in"));
            }
            if !chain.rules.is_empty() {
                return Err(format!("chain `{name}` is not empty"));
            }
            if referenced {
                return Err(format!("chain `{name}` is still in use by a rule"));
            }
            set.retain(|chain| chain.family != family || chain.name != name);
        }
        Action::Policy(policy) => {
            let policy = match policy.as_str() {
                "ACCEPT" => Policy::Accept,
                "DROP" => Policy::Drop,
                _ => return Err(format!("bad policy `{policy}`")),
            };
            if chain.policy.replace(policy).is_none() {
                chain.policy = None;
                return Err(format!("chain `{name}` is not built in and has no policy"));
            }
        }
        Action::Rename(_) if renamed => return Err("the new name is taken".to_owned()),
        Action::Rename(to) => {
            chain.name.clone_from(&to);
            rename(set, family, &name, &to);
        }
        Action::New | Action::Nothing => {}
    }
    Ok(())
}

/// Whether a rule sends packets to the chain.
fn refers(set: &RuleSet, family: Family, name: &str) -> bool {
    set.chains
        .iter()
        .filter(|chain| chain.family == family)
        .flat_map(|chain| &chain.rules)
        .any(|rule| rule.target.chain() == Some(name))
}

/// `-X` without a chain: all of the user's, where none has rules or references.
fn remove_all(set: &mut RuleSet, family: Family) -> Result<(), String> {
    let busy = set
        .chains
        .iter()
        .filter(|chain| chain.family == family && chain.policy.is_none())
        .any(|chain| !chain.rules.is_empty() || refers(set, family, &chain.name));
    if busy {
        return Err("a chain is in use or not empty".to_owned());
    }
    set.retain(|chain| chain.family != family || chain.policy.is_some());
    Ok(())
}

fn rename(set: &mut RuleSet, family: Family, from: &str, to: &str) {
    for chain in set.chains.iter_mut().filter(|chain| chain.family == family) {
        for rule in &mut chain.rules {
            if let Target::Jump(name) | Target::Goto(name) = &mut rule.target
                && name == from
            {
                to.clone_into(name);
            }
        }
    }
    set.retain(|_| true);
}
