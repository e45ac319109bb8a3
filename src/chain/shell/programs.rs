//! Programs that make chains: iptables, iptables-restore, other shells, scripts that were written.

use crate::chain::Family;
use crate::chain::shell::apply::apply;
use crate::chain::shell::fault::Fault;
use crate::chain::shell::interpret::{MAX_DEPTH, Runner};
use crate::chain::shell::outside::tool;
use crate::chain::shell::outside::{self, Status};
use crate::chain::shell::parse::{Input, Script, Simple};
use crate::chain::syntax::arguments;

impl Runner {
    /// Runs a program that changes chains: iptables, iptables-restore, another shell, a written script. `None` for all
    /// others.
    pub(super) fn firewall(
        &mut self,
        words: &[String],
        simple: &Simple,
        line: usize,
    ) -> Option<Result<Status, String>> {
        let name = words.first()?.rsplit('/').next()?;
        if let Some((family, arguments)) = tool(words) {
            return Some(self.iptables(family, arguments, line).map(|()| Status::Yes));
        }
        match name {
            "iptables-restore" | "iptables-nft-restore" | "iptables-legacy-restore" => {
                Some(Ok(self.restore_of(words, simple, Family::V4, line)))
            }
            "ip6tables-restore" | "ip6tables-nft-restore" | "ip6tables-legacy-restore" => {
                Some(Ok(self.restore_of(words, simple, Family::V6, line)))
            }
            "sh" | "bash" | "dash" | "ash" => {
                let options = words[1..]
                    .iter()
                    .take_while(|word| word.starts_with('-'))
                    .count();
                let rest = &words[1 + options..];
                let inline = words[1..=options].iter().any(|word| word.contains('c'));
                match (inline, rest.first()) {
                    (true, Some(text)) => Some(Ok(self.nested(
                        &Script::read(text, line),
                        Some(line),
                        &rest[1..],
                    ))),
                    (false, Some(path)) => self.file(path, &rest[1..], line),
                    (false, None) => match &simple.input {
                        Some(Input::Text(text, expands)) => {
                            let text = self.here_document(text, *expands)?;
                            let script = Script::read(&text, simple.line + 1);
                            Some(Ok(self.nested(&script, self.at, &[])))
                        }
                        _ => None,
                    },
                    _ => None,
                }
            }
            "." | "source" => self.file(words.get(1)?, &words[2..], line),
            "eval" => {
                let text = words[1..].join(" ");
                Some(Ok(self.nested(&Script::read(&text, line), Some(line), &[])))
            }
            "nft" => {
                self.fault(Fault::unfollowed(
                    line,
                    "nft's own commands are not followed: rules that they make are not seen",
                ));
                Some(Ok(Status::Yes))
            }
            _ => self.file(&words[0], &words[1..], line),
        }
    }

    /// Runs a script that was written before; records a fault for an unknown script that may create rules.
    pub(super) fn file(
        &mut self,
        path: &str,
        arguments: &[String],
        line: usize,
    ) -> Option<Result<Status, String>> {
        if let Some((text, begins)) = self.files.get(path).cloned() {
            self.used.insert(path.to_owned());
            let (begins, at) = if begins > 0 {
                (begins, None)
            } else {
                (line, Some(line))
            };
            let script = Script::read(&text, begins);
            return Some(Ok(self.nested(&script, self.at.or(at), arguments)));
        }
        if outside::may_be_firewall(path) {
            self.fault(Fault::unfollowed(
                line,
                format!("`{path}` is not in the text: rules that it makes are not seen"),
            ));
            return Some(Ok(Status::Yes));
        }
        None
    }

    pub(super) fn nested(
        &mut self,
        script: &Script,
        at: Option<usize>,
        arguments: &[String],
    ) -> Status {
        if self.depth >= MAX_DEPTH {
            return Status::Unknown;
        }
        self.depth += 1;
        let before = (
            std::mem::replace(&mut self.at, at),
            std::mem::replace(&mut self.arguments, arguments.to_vec()),
            std::mem::take(&mut self.errexit),
        );
        let status = self.script(script);
        (self.at, self.arguments, self.errexit) = before;
        self.depth -= 1;
        status
    }

    pub(super) fn iptables(
        &mut self,
        family: Family,
        words: &[String],
        line: usize,
    ) -> Result<(), String> {
        // Targets and options of other tables are not known here.
        if arguments::table(words).is_some_and(|table| table != "filter") {
            return Ok(());
        }
        let command = arguments::read(words, family, line)?;
        self.build_in(family);
        apply(&mut self.set, &mut self.index, family, command, line)
    }
}
