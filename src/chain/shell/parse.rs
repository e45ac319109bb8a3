//! Parser from tokens to a syntax tree (POSIX XCU, 2.9): lists, pipelines, `if`, `for`, `while`, `case`, groups,
//! functions.

use std::rc::Rc;

use crate::chain::Fault;
use crate::chain::shell::lex::{Kind, Token, Word, lex};

/// The longest script that is read, in bytes: what is parsed of one takes two hundred times its length.
pub(in crate::chain) const MAX_SCRIPT: usize = 256 << 10;

/// A shell text, parsed.
#[derive(Debug, Clone, Default)]
pub struct Script {
    pub(super) list: List,
    pub faults: Vec<Fault>,
}

/// Commands one after the other.
pub(super) type List = Vec<Item>;

/// A pipeline, and how it follows the one before.
#[derive(Debug, Clone)]
pub(super) struct Item {
    pub(super) join: Join,
    /// Whether `!` negates the pipeline.
    pub(super) not: bool,
    pub(super) commands: Vec<Command>,
    pub(super) line: usize,
}

/// Operator between a pipeline and the one before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Join {
    Then,
    And,
    Or,
}

#[derive(Debug, Clone)]
pub(super) enum Command {
    Simple(Simple),
    /// Condition and body of each branch, and the body of `else`.
    If(Vec<(List, List)>, List),
    /// The variable, the words, the body.
    For(String, Vec<Word>, List),
    /// The condition, whether it is `until`, the body.
    While(List, bool, List),
    /// The word, and for each branch its patterns and its body.
    Case(Word, Vec<(Vec<Word>, List)>),
    Group(List),
    Function(String, Rc<List>),
}

/// One command with its words.
#[derive(Debug, Clone)]
pub(super) struct Simple {
    pub(super) assignments: Vec<(String, Word)>,
    pub(super) words: Vec<Word>,
    pub(super) line: usize,
    /// Whether its error output is discarded.
    pub(super) quiet: bool,
    pub(super) input: Option<Input>,
    /// File to which its output is redirected, and whether it is appended.
    pub(super) output: Option<(Word, bool)>,
}

/// Standard input of a command.
#[derive(Debug, Clone)]
pub(super) enum Input {
    /// A here-document, and whether expansions in it count.
    Text(String, bool),
    File(Word),
}

impl Script {
    /// Parses `text`, whose first line is `line` in its file.
    pub fn read(text: &str, line: usize) -> Self {
        if text.len() > MAX_SCRIPT {
            let fault = Fault::unfollowed(line, "a script of more than 256 KiB is not followed");
            return Self {
                list: List::new(),
                faults: vec![fault],
            };
        }
        let (tokens, faults) = lex(text, line);
        let mut parser = Parser {
            tokens,
            at: 0,
            depth: 0,
            faults,
        };
        let mut list = List::new();
        while parser.at < parser.tokens.len() {
            let before = parser.at;
            list.extend(parser.list(&[]));
            if parser.at == before {
                // A reserved word or a bracket that does not close anything.
                let line = parser.tokens[before].line;
                parser.faults.push(Fault::unfollowed(
                    line,
                    "the shell's text ends in the middle of a command, or goes on behind its end",
                ));
                parser.at += 1;
            }
        }
        Self {
            list,
            faults: parser.faults,
        }
    }

    /// Returns the line of its first command.
    pub fn first_line(&self) -> Option<usize> {
        self.list.first().map(|item| item.line)
    }

    /// Returns the words of its first command, where that is a simple one without expansions.
    pub fn first_words(&self) -> Option<(usize, Vec<String>)> {
        let Command::Simple(simple) = self.list.first()?.commands.first()? else {
            return None;
        };
        let words = simple.words.iter().map(Word::shown).collect();
        Some((simple.line, words))
    }
}

/// Upper bound on the nesting of commands.
const MAX_DEPTH: usize = 64;

struct Parser {
    tokens: Vec<Token>,
    at: usize,
    depth: usize,
    faults: Vec<Fault>,
}

impl Parser {
    fn peek(&self) -> Option<&Kind> {
        self.tokens.get(self.at).map(|token| &token.kind)
    }

    fn line(&self) -> usize {
        let token = self.tokens.get(self.at).or(self.tokens.last());
        token.map_or(1, |token| token.line)
    }

    /// Returns the current reserved word or operator.
    fn reserved(&self) -> Option<&str> {
        match self.peek()? {
            Kind::Word(word) => word.bare(),
            Kind::Operator(text) => Some(text),
            _ => None,
        }
    }

    fn take(&mut self, wanted: &str) -> bool {
        let found = self.reserved() == Some(wanted);
        self.at += usize::from(found);
        found
    }

    fn expect(&mut self, wanted: &str) {
        self.skip_newlines();
        if !self.take(wanted) {
            let line = self.line();
            self.faults.push(Fault::unfollowed(
                line,
                format!("the shell expects `{wanted}` here"),
            ));
        }
    }

    fn skip_newlines(&mut self) {
        while matches!(self.peek(), Some(Kind::Operator("\n" | ";"))) {
            self.at += 1;
        }
    }

    /// Parses commands up to one of the reserved words, which is not consumed.
    fn list(&mut self, ends: &[&str]) -> List {
        let mut out = List::new();
        let mut join = Join::Then;
        loop {
            match self.reserved() {
                None if self.peek().is_none() => break,
                Some("\n" | ";" | "&") => {
                    // A line may end after `&&`.
                    if join == Join::Then || self.reserved() != Some("\n") {
                        join = Join::Then;
                    }
                    self.at += 1;
                    continue;
                }
                Some("&&") => join = Join::And,
                Some("||") => join = Join::Or,
                Some(";;" | ")" | "}") => break,
                Some(word) if ends.contains(&word) => break,
                Some("then" | "do" | "done" | "fi" | "esac" | "elif" | "else") => break,
                _ => {
                    let line = self.line();
                    let not = self.take("!");
                    let commands = self.pipeline();
                    if commands.is_empty() {
                        break;
                    }
                    out.push(Item {
                        join,
                        not,
                        commands,
                        line,
                    });
                    join = Join::Then;
                    continue;
                }
            }
            self.at += 1;
        }
        out
    }

    fn pipeline(&mut self) -> Vec<Command> {
        let mut out = Vec::new();
        while let Some(command) = self.command() {
            out.push(command);
            if !self.take("|") {
                break;
            }
            self.skip_newlines();
        }
        out
    }

    fn command(&mut self) -> Option<Command> {
        if self.depth >= MAX_DEPTH {
            return None;
        }
        self.depth += 1;
        let command = match self.reserved() {
            Some("if") => Some(self.branches()),
            Some("for") => self.repeated(),
            Some(word @ ("while" | "until")) => {
                let until = word == "until";
                self.at += 1;
                let condition = self.list(&["do"]);
                Some(Command::While(condition, until, self.body()))
            }
            Some("case") => self.case(),
            Some(open @ ("{" | "(")) => {
                let close = if open == "{" { "}" } else { ")" };
                self.at += 1;
                let list = self.list(&[close]);
                self.expect(close);
                Some(Command::Group(list))
            }
            Some("function") => {
                self.at += 1;
                let name = self.word().map(|word| word.shown());
                if self.take("(") {
                    self.take(")");
                }
                self.function(name.unwrap_or_default())
            }
            _ => self.simple(),
        };
        // Redirections of a whole group are parsed and ignored.
        if !matches!(command, Some(Command::Simple(_))) {
            while matches!(
                self.peek(),
                Some(Kind::Redirect(..) | Kind::HereDocument(..))
            ) {
                if matches!(self.peek(), Some(Kind::Redirect(..))) {
                    self.at += 1;
                }
                self.at += 1;
            }
        }
        self.depth -= 1;
        command
    }

    fn word(&mut self) -> Option<Word> {
        let Some(Kind::Word(word)) = self.peek() else {
            return None;
        };
        let word = word.clone();
        self.at += 1;
        Some(word)
    }

    fn branches(&mut self) -> Command {
        let mut branches = Vec::new();
        let mut otherwise = List::new();
        self.at += 1;
        loop {
            let condition = self.list(&["then"]);
            self.expect("then");
            let body = self.list(&["elif", "else", "fi"]);
            branches.push((condition, body));
            if !self.take("elif") {
                break;
            }
        }
        if self.take("else") {
            otherwise = self.list(&["fi"]);
        }
        self.expect("fi");
        Command::If(branches, otherwise)
    }

    fn repeated(&mut self) -> Option<Command> {
        self.at += 1;
        let name = self.word()?.shown();
        self.skip_newlines();
        let mut words = Vec::new();
        if self.take("in") {
            while let Some(word) = self.word() {
                words.push(word);
            }
        }
        Some(Command::For(name, words, self.body()))
    }

    fn body(&mut self) -> List {
        self.skip_newlines();
        self.expect("do");
        let body = self.list(&["done"]);
        self.expect("done");
        body
    }

    fn case(&mut self) -> Option<Command> {
        self.at += 1;
        let word = self.word()?;
        self.skip_newlines();
        self.expect("in");
        let mut branches = Vec::new();
        loop {
            self.skip_newlines();
            while self.take(";;") {
                self.skip_newlines();
            }
            if self.take("esac") || self.peek().is_none() {
                break;
            }
            self.take("(");
            let mut patterns = Vec::new();
            while let Some(pattern) = self.word() {
                patterns.push(pattern);
                if !self.take("|") {
                    break;
                }
            }
            if patterns.is_empty() || !self.take(")") {
                self.at += 1;
                continue;
            }
            branches.push((patterns, self.list(&["esac"])));
        }
        Some(Command::Case(word, branches))
    }

    fn function(&mut self, name: String) -> Option<Command> {
        self.skip_newlines();
        let body = match self.command()? {
            Command::Group(list) => list,
            command => vec![Item {
                join: Join::Then,
                not: false,
                line: self.line(),
                commands: vec![command],
            }],
        };
        Some(Command::Function(name, Rc::new(body)))
    }

    fn simple(&mut self) -> Option<Command> {
        let mut out = Simple {
            assignments: Vec::new(),
            words: Vec::new(),
            line: self.line(),
            quiet: false,
            input: None,
            output: None,
        };
        let from = self.at;
        loop {
            match self.peek() {
                Some(Kind::Word(word)) => {
                    let word = word.clone();
                    self.at += 1;
                    match assignment(&word).filter(|_| out.words.is_empty()) {
                        Some(assignment) => out.assignments.push(assignment),
                        None => out.words.push(word),
                    }
                }
                Some(Kind::Redirect(descriptor, operator)) => {
                    let (descriptor, operator) = (*descriptor, *operator);
                    self.at += 1;
                    let target = self.word().unwrap_or_default();
                    let void = target.bare() == Some("/dev/null");
                    match (operator, descriptor) {
                        ("<", _) => out.input = Some(Input::File(target)),
                        ("<<<", _) => out.input = Some(Input::Text(target.shown(), false)),
                        (">" | ">>" | ">&" | "&>", Some(2)) | ("&>", None) => out.quiet |= void,
                        (">" | ">>", None | Some(1)) if !void => {
                            out.output = Some((target, operator == ">>"));
                        }
                        _ => {}
                    }
                }
                Some(Kind::HereDocument(text, expands)) => {
                    out.input = Some(Input::Text(text.clone(), *expands));
                    self.at += 1;
                }
                Some(Kind::Operator("(")) if out.words.len() == 1 && out.assignments.is_empty() => {
                    self.at += 1;
                    self.take(")");
                    let name = out.words[0].shown();
                    return self.function(name);
                }
                _ => break,
            }
        }
        (self.at > from).then_some(Command::Simple(out))
    }
}

/// `NAME=VALUE`, the name unquoted.
fn assignment(word: &Word) -> Option<(String, Word)> {
    use crate::chain::shell::lex::Part;
    let Some(Part::Text(text, false)) = word.0.first() else {
        return None;
    };
    let (name, value) = text.split_once('=')?;
    let plain = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
    if !plain {
        return None;
    }
    let mut rest = Word(vec![Part::Text(value.to_owned(), false)]);
    rest.0.extend_from_slice(&word.0[1..]);
    Some((name.to_owned(), rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Vec<Vec<String>> {
        let list = Script::read(text, 1).list;
        let simple = |item: Item| match item.commands.into_iter().next() {
            Some(Command::Simple(simple)) => simple.words.iter().map(Word::shown).collect(),
            _ => Vec::new(),
        };
        list.into_iter().map(simple).collect()
    }

    #[test]
    fn cuts_as_a_shell_does() {
        assert_eq!(
            words("a 'b c' \"d\\\"e\" \\\n f # g\nh"),
            [vec!["a", "b c", "d\"e", "f"], vec!["h"]]
        );
        assert_eq!(words("a 2>/dev/null || true"), [vec!["a"], vec!["true"]]);
        assert_eq!(words("a <<E b\nx\ny\nE\nc"), [vec!["a", "b"], vec!["c"]]);
    }

    #[test]
    fn knows_how_commands_join() {
        let script = Script::read("a &&\n b || c; if ! d >/dev/null 2>&1; then e; fi", 7);
        assert!(script.faults.is_empty(), "{:?}", script.faults);
        let joins: Vec<_> = script
            .list
            .iter()
            .map(|item| (item.line, item.join))
            .collect();
        assert_eq!(joins[..3], [(7, Join::Then), (8, Join::And), (8, Join::Or)]);
        let Command::If(branches, _) = &script.list[3].commands[0] else {
            panic!("{script:?}")
        };
        assert!(branches[0].0[0].not && branches[0].1.len() == 1);
    }

    #[test]
    fn reads_loops_functions_and_cases() {
        let text = "f() {\n a $1\n}\nfor p in 22 80; do f \"$p\"; done\ncase $x in a|b) c ;; *) d;; esac\nwhile e; do g; done";
        let script = Script::read(text, 1);
        assert!(script.faults.is_empty(), "{:?}", script.faults);
        assert_eq!(script.list.len(), 4, "{script:?}");
    }
}
