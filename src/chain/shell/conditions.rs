//! Handling of unknown conditions in a run: their assumed value, and their record.

use crate::chain::shell::condition::Condition;
use crate::chain::shell::interpret::{MAX_DEPTH, MAX_FAULTS, Runner};
use crate::chain::shell::lex::Word;
use crate::chain::shell::outside::{self, Status};
use crate::chain::shell::parse::{Command, Item, List, Simple};

impl Runner {
    /// Returns the assumed value of an unknown condition, and records the condition if firewall commands are `guarded`
    /// by it.
    pub(super) fn assumes(&mut self, text: String, line: usize, guarded: bool) -> bool {
        let holds = self.assume.holds(&text);
        let line = self.at.unwrap_or(line);
        let condition = Condition { line, text };
        let is_new = || !self.conditions.contains(&condition);
        if guarded && self.conditions.len() < MAX_FAULTS && is_new() {
            self.conditions.push(condition);
        }
        holds
    }

    /// Returns the text of a condition with the known variables expanded: in a loop each round tests another text.
    pub(super) fn text_of(&mut self, item: &Item) -> String {
        let mut commands: Vec<String> = Vec::new();
        for command in &item.commands {
            let Command::Simple(simple) = command else {
                commands.push("the condition".to_owned());
                continue;
            };
            let mut words: Vec<String> = Vec::new();
            for word in &simple.words {
                words.push(self.word(word).unwrap_or_else(|| word.shown()));
            }
            commands.push(words.join(" "));
        }
        let not = if item.not { "! " } else { "" };
        format!("{not}{}", commands.join(" | "))
    }

    /// Whether a list affects the chains: by firewall commands, by variables in them, or by ending the script.
    pub(super) fn mentions(&self, list: &[Item]) -> bool {
        self.mentions_within(list, 0)
    }

    fn mentions_within(&self, list: &[Item], depth: usize) -> bool {
        if depth > MAX_DEPTH {
            return true;
        }
        let inner = |list: &List| self.mentions_within(list, depth + 1);
        (list.iter().flat_map(|item| &item.commands)).any(|command| match command {
            Command::Simple(simple) => {
                let calls = simple.words.first().map(Word::shown);
                let body = calls.and_then(|name| self.functions.get(&name));
                self.speaks(simple) || body.is_some_and(|body| inner(body))
            }
            Command::If(branches, otherwise) => {
                inner(otherwise)
                    || (branches.iter()).any(|(condition, body)| inner(condition) || inner(body))
            }
            Command::For(_, _, body) | Command::Group(body) => inner(body),
            Command::While(condition, _, body) => inner(condition) || inner(body),
            Command::Case(_, branches) => branches.iter().any(|(_, body)| inner(body)),
            Command::Function(_, body) => inner(body),
        })
    }

    fn speaks(&self, simple: &Simple) -> bool {
        const LEAVES: [&str; 5] = ["exit", "return", "break", "continue", "shift"];
        const DEVICES: [&str; 4] = ["/dev/", "/proc/", "/sys/", "&"];
        let sets =
            |word: &str| matches!(word, "export" | "readonly" | "local" | "declare" | "eval");
        let keeps = |file: &str| !DEVICES.iter().any(|folder| file.starts_with(folder));
        let calls = simple.words.first().map(Word::shown).unwrap_or_default();
        !simple.assignments.is_empty() && simple.words.is_empty()
            || simple
                .output
                .as_ref()
                .is_some_and(|(file, _)| keeps(&file.shown()))
            || LEAVES.contains(&calls.as_str())
            || sets(&calls)
            || simple.words.iter().any(|word| {
                let shown = word.shown();
                shown.split([' ', '\n', ';']).any(outside::is_tool)
                    || outside::may_be_firewall(&shown)
                    || self.files.contains_key(&shown)
                    || shown.starts_with('$')
            })
    }
}

impl Status {
    /// Whether the status is success; `assumed` gives the value of an unknown one.
    pub(super) fn or(self, assumed: impl FnOnce() -> bool) -> bool {
        match self {
            Self::Yes => true,
            Self::No => false,
            Self::Unknown => assumed(),
        }
    }
}
