//! Dumps that a script loads, and files that it writes.

use std::collections::HashSet;

use crate::chain::shell::fault::Fault;
use crate::chain::shell::interpret::{MAX_FAULTS, Runner};
use crate::chain::shell::lex::{Kind, lex};
use crate::chain::shell::outside::Status;
use crate::chain::shell::parse::{Input, Item, Simple};
use crate::chain::{Family, Form, Policy, Rule};

/// Upper bound on the bytes of dumps that one run loads, counted each time a dump is loaded.
const MAX_RESTORED: usize = 64 << 20;

impl Runner {
    /// Runs iptables-restore on its input: a written file, named behind `<` or as its argument, or a here-document.
    pub(super) fn restore_of(
        &mut self,
        words: &[String],
        simple: &Simple,
        family: Family,
        line: usize,
    ) -> Status {
        let named = words[1..]
            .iter()
            .find(|word| !word.starts_with('-'))
            .cloned();
        let file = match &simple.input {
            Some(Input::Text(text, expands)) => {
                let Some(text) = self.here_document(text, *expands) else {
                    let text = "the here-document has an expansion whose value is not known: its rules are not seen";
                    self.fault(Fault::unfollowed(line, text));
                    return Status::Unknown;
                };
                self.restore(&text, family, words, simple.line);
                return Status::Yes;
            }
            Some(Input::File(word)) => self.word(word),
            None => named,
        };
        let known = file.as_ref().and_then(|path| self.files.get(path)).cloned();
        self.used.extend(file.clone());
        match known {
            Some((text, begins)) => {
                self.restore(&text, family, words, begins.saturating_sub(1));
                Status::Yes
            }
            None => {
                let shown = file.unwrap_or_else(|| "what it reads".to_owned());
                self.fault(Fault::unfollowed(
                    line,
                    format!("`{shown}` is not in the text: the rules that iptables-restore loads are not seen"),
                ));
                Status::Unknown
            }
        }
    }

    /// Runs `cat FILE | iptables-restore` or `echo … | iptables-restore`; `None` for any other pipeline.
    pub(super) fn restores_from_pipe(
        &mut self,
        item: &Item,
        words: &[Option<Vec<String>>],
    ) -> Option<Status> {
        let last = words.last()?.as_ref()?;
        let name = last.first()?.rsplit('/').next()?;
        if !name.ends_with("tables-restore") {
            return None;
        }
        let family = if name.starts_with("ip6") {
            Family::V6
        } else {
            Family::V4
        };
        let text = match words
            .first()?
            .as_ref()
            .map(|words| words.iter().map(String::as_str).collect::<Vec<_>>())
        {
            Some(first) if first.first() == Some(&"cat") => {
                let path = first.get(1).copied().unwrap_or_default();
                self.used.insert(path.to_owned());
                self.files.get(path).cloned()
            }
            Some(first) if matches!(first.first(), Some(&("echo" | "printf"))) => {
                Some((first[1..].join(" ").replace("\\n", "\n"), 0))
            }
            _ => None,
        };
        let line = self.at.unwrap_or(item.line);
        match text {
            Some((text, begins)) => {
                let at = self.at;
                if begins == 0 {
                    self.at = Some(line);
                }
                self.restore(&text, family, last, begins.saturating_sub(1));
                self.at = at;
                Some(Status::Yes)
            }
            None => {
                let text =
                    "what is piped into iptables-restore is not known: its rules are not seen";
                self.fault(Fault::unfollowed(line, text));
                Some(Status::Unknown)
            }
        }
    }

    /// Loads a dump as iptables-restore does; `before` is the line before the first of its text.
    pub(super) fn restore(&mut self, text: &str, family: Family, words: &[String], before: usize) {
        let keeps = words.iter().any(|word| word == "-n" || word == "--noflush");
        self.restored += text.len();
        if self.restored > MAX_RESTORED {
            let text = "more than 64 MiB of dumps are loaded: this one was not";
            self.fault(Fault::unfollowed(self.at.unwrap_or(before + 1), text));
            return;
        }
        let declared: HashSet<&str> = (text.lines())
            .filter_map(|line| {
                line.trim_start()
                    .strip_prefix(':')?
                    .split_whitespace()
                    .next()
            })
            .collect();
        let loaded = crate::chain::syntax::save::read(Form::Save, text);
        let line = |line: usize| self.at.unwrap_or(line + before);
        let mut faults: Vec<Fault> = (loaded.faults.iter().cloned())
            .map(|fault| Fault {
                line: line(fault.line),
                ..fault
            })
            .collect();
        let chains: Vec<(String, Option<Policy>, Vec<Rule>, usize)> = (loaded.chains().iter())
            .map(|chain| {
                let rules = chain.rules.iter().cloned().map(|rule| Rule {
                    line: line(rule.line),
                    ..rule
                });
                (
                    chain.name.clone(),
                    chain.policy,
                    rules.collect(),
                    line(chain.line),
                )
            })
            .collect();
        self.set.faults.append(&mut faults);
        self.set.faults.truncate(MAX_FAULTS);
        if !keeps {
            self.set.retain(|chain| chain.family != family);
        }
        self.build_in(family);
        for (name, policy, rules, line) in chains {
            let chain = self.set.chain_or_new(family, &name, line);
            chain.policy = policy.or(chain.policy);
            // With --noflush a chain of the user that is declared is emptied, and a built-in one is not (iptables-restore.c).
            if !keeps || policy.is_none() && declared.contains(&*name) {
                chain.rules.clear();
            }
            chain.rules.extend(rules);
        }
        self.index.renew(&self.set.chains);
    }

    /// Returns the text of a here-document; `None` where an expansion in it is not known.
    pub(super) fn here_document(&mut self, text: &str, expands: bool) -> Option<String> {
        if !expands || !text.contains(['$', '`', '\\']) {
            return Some(text.to_owned());
        }
        let quoted = format!("\"{}\"", text.replace('"', "\\\""));
        let (tokens, _) = lex(&quoted, 1);
        match tokens.first().map(|token| &token.kind) {
            Some(Kind::Word(word)) => self.word(&word.clone()),
            _ => None,
        }
    }

    /// Keeps a file that a command writes: `cat > FILE <<EOF`, `echo … > FILE`.
    pub(super) fn keep_output(&mut self, simple: &Simple, words: &[String]) {
        let Some((file, more)) = &simple.output else {
            return;
        };
        let Some(path) = self.word(file) else { return };
        let (text, line) = match (&simple.input, words.first().map(String::as_str)) {
            (Some(Input::Text(text, expands)), Some("cat" | "tee")) => {
                let Some(text) = self.here_document(text, *expands) else {
                    return;
                };
                (text, simple.line + 1)
            }
            (_, Some("echo" | "printf")) => {
                let text = words[1..].join(" ").replace("\\n", "\n");
                (format!("{}\n", text.trim_end_matches('\n')), 0)
            }
            _ => return,
        };
        if let Some((known, _)) = self.files.get_mut(&path).filter(|_| *more) {
            known.push_str(&text);
        } else {
            self.files.insert(path, (text, line));
        }
    }
}
