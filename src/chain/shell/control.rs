//! `if`, `for`, `while` and `case`, as far as the status of their conditions is known.

use crate::chain::shell::fault::Fault;
use crate::chain::shell::interpret::{Flow, Runner};
use crate::chain::shell::lex::Word;
use crate::chain::shell::outside::{self, Status};
use crate::chain::shell::parse::List;

/// Upper bound on the iterations of a `while`.
const MAX_ROUNDS: usize = 64;

impl Runner {
    pub(super) fn branches(
        &mut self,
        branches: &[(List, List)],
        otherwise: &List,
        forgiven: bool,
    ) -> (Status, Flow) {
        for (condition, body) in branches {
            let (status, flow) = self.list(condition, true);
            if flow == Flow::Exit {
                return (status, flow);
            }
            let guarded =
                branches.iter().any(|(_, body)| self.mentions(body)) || self.mentions(otherwise);
            if status.or(|| self.assumes_list(condition, guarded)) {
                return self.list(body, forgiven);
            }
        }
        self.list(otherwise, forgiven)
    }

    pub(super) fn repeat(
        &mut self,
        name: &str,
        words: &[Word],
        body: &List,
        forgiven: bool,
    ) -> (Status, Flow) {
        let Some(values) = self.words(words) else {
            if self.mentions(body) {
                let line = body.first().map_or(1, |item| item.line);
                self.fault(Fault::unfollowed(
                    self.at.unwrap_or(line),
                    "the shell's `for` runs over words that cannot be known here: it was not followed",
                ));
            }
            return (Status::Unknown, Flow::On);
        };
        let mut status = Status::Yes;
        for value in values {
            self.variables.insert(name.to_owned(), Some(value));
            let (found, flow) = self.list(body, forgiven);
            status = found;
            match flow {
                Flow::On => {}
                Flow::Leave => break,
                Flow::Exit => return (status, flow),
            }
        }
        (status, Flow::On)
    }

    pub(super) fn while_(
        &mut self,
        condition: &List,
        until: bool,
        body: &List,
        forgiven: bool,
    ) -> (Status, Flow) {
        for _ in 0..MAX_ROUNDS {
            let (status, flow) = self.list(condition, true);
            if flow != Flow::On {
                return (status, flow);
            }
            let status = if until { status.not() } else { status };
            if status == Status::Unknown && self.mentions(body) {
                let line = body.first().map_or(1, |item| item.line);
                self.fault(Fault::unfollowed(
                    self.at.unwrap_or(line),
                    "how often the shell's `while` goes round cannot be known here: it was not followed",
                ));
            }
            if status != Status::Yes {
                return (Status::Yes, Flow::On);
            }
            match self.list(body, forgiven) {
                (_, Flow::On) => {}
                (status, Flow::Leave) => return (status, Flow::On),
                (status, Flow::Exit) => return (status, Flow::Exit),
            }
        }
        (Status::Yes, Flow::On)
    }

    pub(super) fn case(
        &mut self,
        word: &Word,
        branches: &[(Vec<Word>, List)],
        forgiven: bool,
    ) -> (Status, Flow) {
        let shown = word.shown();
        let word = self.word(word);
        for (patterns, body) in branches {
            for pattern in patterns {
                let text = format!("{shown} is {}", pattern.shown());
                let pattern = self.word(pattern);
                let met = match (&word, &pattern) {
                    (_, Some(pattern)) if pattern == "*" => Some(true),
                    (Some(word), Some(pattern)) => outside::matches_pattern(word, pattern),
                    _ => None,
                };
                let is_met = met.unwrap_or_else(|| {
                    let guarded = branches.iter().any(|(_, body)| self.mentions(body));
                    let line = body.first().map_or(1, |item| item.line);
                    self.assumes(text, line, guarded)
                });
                if is_met {
                    return self.list(body, forgiven);
                }
            }
        }
        (Status::Yes, Flow::On)
    }
}
