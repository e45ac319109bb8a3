//! One iptables command on the chains: done as iptables does it, or refused for its reason.

use crate::chain::rule::Target;
use crate::chain::shell::rule_index::RuleIndex;
use crate::chain::syntax::arguments::Command;
use crate::chain::syntax::reader::Action;
use crate::chain::{Chain, Family, Policy, RuleSet};

/// Upper bound on the chains that commands may create, and on the rules in each: `-D` compares with all of them.
const MAX_CHAINS: usize = 1024;
const MAX_RULES: usize = 4096;

/// Applies a command to the chains. The error says why iptables would refuse it.
pub(super) fn apply(
    set: &mut RuleSet,
    index: &mut RuleIndex,
    family: Family,
    command: Command,
    line: usize,
) -> Result<(), String> {
    let Command {
        action,
        chain,
        rules,
        ..
    } = command;
    let name = match (chain, &action) {
        (Some(name), Action::Nothing) if set.chain(family, &name).is_none() => {
            return Err(format!("no chain `{name}`"));
        }
        (_, Action::Nothing) => return Ok(()),
        (None, Action::Flush) => {
            for chain in (set.chains.iter_mut()).filter(|chain| chain.family == family) {
                index.flush(chain);
                chain.rules.clear();
            }
            return Ok(());
        }
        (None, Action::Remove) => {
            return remove_all(set, index, family);
        }
        (None, _) => return Err("no chain is named".to_owned()),
        (Some(name), _) => name,
    };
    if action == Action::New {
        if set.chains.len() >= MAX_CHAINS {
            return Err(format!("more than {MAX_CHAINS} chains"));
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
    let referenced = index.leads_to(family, &name);
    let renamed = matches!(&action, Action::Rename(to) if set.chain(family, to).is_some());
    let Some(chain) = set.chain_mut(family, &name) else {
        return Err(format!("no chain `{name}`"));
    };
    match action {
        Action::Append | Action::Insert(_) if chain.rules.len() >= MAX_RULES => {
            return Err(format!("more than {MAX_RULES} rules in chain `{name}`"));
        }
        Action::Append => {
            index.put((family, &name), chain.rules.len(), &rules);
            chain.rules.extend(rules);
        }
        Action::Insert(number) => {
            if number == 0 || number > chain.rules.len() + 1 {
                return Err(format!("chain `{name}` has no place {number} to insert at"));
            }
            let at = number - 1;
            index.put((family, &name), at, &rules);
            chain.rules.splice(at..at, rules);
        }
        Action::Replace(number) => {
            let rule = rules.into_iter().next();
            let place = number.checked_sub(1).and_then(|at| chain.rules.get_mut(at));
            match place.zip(rule) {
                Some((place, rule)) => {
                    index.take((family, &name), number - 1, place);
                    index.put((family, &name), number - 1, std::slice::from_ref(&rule));
                    *place = rule;
                }
                None => return Err(format!("chain `{name}` has no rule {number}")),
            }
        }
        Action::DeleteNumber(number) => {
            if number == 0 || number > chain.rules.len() {
                return Err(format!("chain `{name}` has no rule {number}"));
            }
            let rule = chain.rules.remove(number - 1);
            index.take((family, &name), number - 1, &rule);
        }
        Action::Delete | Action::Check => {
            for rule in rules {
                let Some(at) = index.position(chain, &rule) else {
                    return Err(format!("chain `{name}` has no such rule"));
                };
                if action == Action::Delete {
                    let rule = chain.rules.remove(at);
                    index.take((family, &name), at, &rule);
                }
            }
        }
        Action::Flush => {
            index.flush(chain);
            chain.rules.clear();
        }
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
            index.remove(family, &name);
            set.remove_chain(family, &name);
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
            if referenced {
                lead_to(set, family, &name, &to);
            }
            set.retain(|_| true);
            index.renew(&set.chains);
        }
        Action::New | Action::Nothing => {}
    }
    Ok(())
}

/// Applies `-X` without a chain: removes all user-defined chains, if none has rules or references.
fn remove_all(set: &mut RuleSet, index: &mut RuleIndex, family: Family) -> Result<(), String> {
    let own = |chain: &Chain| chain.family == family && chain.policy.is_none();
    let busy = (set.chains.iter().filter(|chain| own(chain)))
        .any(|chain| !chain.rules.is_empty() || index.leads_to(family, &chain.name));
    if busy {
        return Err("a chain is in use or not empty".to_owned());
    }
    set.retain(|chain| !own(chain));
    index.renew(&set.chains);
    Ok(())
}

/// Redirects the rules that lead to one chain to another.
fn lead_to(set: &mut RuleSet, family: Family, from: &str, to: &str) {
    for chain in set.chains.iter_mut().filter(|chain| chain.family == family) {
        for rule in &mut chain.rules {
            if let Target::Jump(name) | Target::Goto(name) = &mut rule.target
                && name == from
            {
                to.clone_into(name);
            }
        }
    }
}
