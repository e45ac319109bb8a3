//! Words with their expansions (POSIX XCU, 2.6): variables, arguments, fields.

use crate::chain::shell::interpret::Runner;
use crate::chain::shell::lex::{Part, Word};

/// Upper bound, in bytes, on the sum of all expansions of a run.
const MAX_EXPANDED: usize = 1 << 20;

impl Runner {
    /// Returns a word with its expansions, as one field; `None` where one is not known.
    pub(super) fn word(&mut self, word: &Word) -> Option<String> {
        let fields = self.fields(word)?;
        Some(fields.join(" "))
    }

    /// Returns the words with their expansions; `None` where one is not known.
    pub(super) fn words(&mut self, words: &[Word]) -> Option<Vec<String>> {
        let mut out = Vec::new();
        for word in words {
            out.extend(self.fields(word)?);
        }
        Some(out)
    }

    pub(super) fn fields(&mut self, word: &Word) -> Option<Vec<String>> {
        let mut out: Vec<String> = Vec::new();
        let mut field: Option<String> = None;
        for part in &word.0 {
            match part {
                Part::Text(text, _) => field.get_or_insert_default().push_str(text),
                Part::Unknown(_) => return None,
                Part::Variable(name, default, quoted) => {
                    let value = self.value(name, default.as_deref())?;
                    self.expanded += value.len();
                    if self.expanded > MAX_EXPANDED {
                        return None;
                    }
                    if *quoted && name != "@" {
                        field.get_or_insert_default().push_str(&value);
                        continue;
                    }
                    let mut pieces = value.split_whitespace().peekable();
                    if value.starts_with(char::is_whitespace) {
                        out.extend(field.take());
                    }
                    while let Some(piece) = pieces.next() {
                        field.get_or_insert_default().push_str(piece);
                        if pieces.peek().is_some() || value.ends_with(char::is_whitespace) {
                            out.extend(field.take());
                        }
                    }
                }
            }
        }
        out.extend(field);
        Some(out)
    }

    pub(super) fn value(&self, name: &str, default: Option<&str>) -> Option<String> {
        if name == "@" || name == "*" {
            return Some(self.arguments.join(" "));
        }
        if let Ok(number) = name.parse::<usize>() {
            let argument = number
                .checked_sub(1)
                .map(|at| self.arguments.get(at).cloned())?;
            return argument
                .or_else(|| default.map(str::to_owned))
                .or(Some(String::new()));
        }
        match self.variables.get(name) {
            Some(known) => known.clone(),
            None => default.map(str::to_owned),
        }
    }
}
