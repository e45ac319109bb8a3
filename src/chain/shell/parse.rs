//! Shell text: in, its simple commands out, in order. As much of POSIX sh (XCU, 2) as firewall scripts use: quotes,
//! comments, continuation lines, `;`, `&&`, `||`, `if`, redirections, and variables that the text itself sets.
//!
//! Loops, functions, `case` and here-documents are not followed; a [`Fault`] says so.

use std::collections::BTreeMap;

use crate::chain::Fault;

/// The commands of one shell text.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Script {
    pub commands: Vec<Simple>,
    pub faults: Vec<Fault>,
}

/// One command with its words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Simple {
    pub words: Vec<String>,
    /// The line in the file on which it begins.
    pub line: usize,
    pub join: Join,
    /// The keywords before its words.
    pub keywords: Vec<Keyword>,
    /// What it says of its failure is thrown away.
    pub quiet: bool,
    /// It has a shell expansion whose value the text does not tell.
    pub expands: bool,
}

/// How a command follows the one before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Join {
    Then,
    And,
    Or,
}

/// Reserved words that decide whether a command runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Keyword {
    If,
    Then,
    Elif,
    Else,
    Fi,
    Not,
}

/// A variable's value may not grow beyond this.
const LONGEST_VALUE: usize = 4096;
/// A text may expand so much in all.
const MOST_EXPANDED: usize = 1 << 20;

struct Lexer<'a> {
    chars: std::iter::Peekable<std::str::Chars<'a>>,
    line: usize,
    out: Script,
    words: Vec<String>,
    word: Option<String>,
    /// Whether the word at hand had a quote: then it is no keyword.
    quoted: bool,
    start: usize,
    join: Join,
    keywords: Vec<Keyword>,
    quiet: bool,
    expands: bool,
    /// The next word is the target of a redirection; whether of standard error.
    redirects: Option<bool>,
    values: BTreeMap<String, String>,
    expanded: usize,
}

impl Script {
    /// Reads `text`, whose first line is `line` in its file.
    pub fn read(text: &str, line: usize) -> Self {
        let mut lexer = Lexer {
            chars: text.chars().peekable(),
            line,
            out: Self::default(),
            words: Vec::new(),
            word: None,
            quoted: false,
            start: line,
            join: Join::Then,
            keywords: Vec::new(),
            quiet: false,
            expands: false,
            redirects: None,
            values: BTreeMap::new(),
            expanded: 0,
        };
        lexer.all();
        lexer.out
    }
}

impl Lexer<'_> {
    fn next(&mut self) -> Option<char> {
        let c = self.chars.next()?;
        if c == '\n' {
            self.line += 1;
        }
        Some(c)
    }

    fn put(&mut self, c: char) {
        if self.word.is_none() && self.words.is_empty() && self.keywords.is_empty() {
            self.start = self.line;
        }
        self.word.get_or_insert_default().push(c);
    }

    fn open(&mut self) {
        if self.word.is_none() && self.words.is_empty() && self.keywords.is_empty() {
            self.start = self.line;
        }
        self.word.get_or_insert_default();
    }

    fn all(&mut self) {
        while let Some(c) = self.next() {
            match c {
                ' ' | '\t' | '\r' => self.end_word(),
                '\n' | ';' => self.end_command(Join::Then),
                '#' if self.word.is_none() => {
                    while self.chars.peek().is_some_and(|c| *c != '\n') {
                        self.next();
                    }
                }
                '\\' => match self.next() {
                    Some('\n') | None => {}
                    Some('\r') if self.chars.peek() == Some(&'\n') => {
                        self.next();
                    }
                    Some(c) => {
                        self.quoted = true;
                        self.put(c);
                    }
                },
                '\'' => self.single(),
                '"' => self.double(),
                '$' => self.dollar(false),
                '`' => {
                    self.expands = true;
                    self.put(c);
                }
                '&' if self.chars.peek() == Some(&'&') => {
                    self.next();
                    self.end_command(Join::And);
                }
                '|' if self.chars.peek() == Some(&'|') => {
                    self.next();
                    self.end_command(Join::Or);
                }
                '&' if self.chars.peek() == Some(&'>') => {
                    self.end_word();
                    self.next();
                    self.redirect(true);
                }
                '>' | '<' => self.angle(c),
                '&' | '|' | '(' | ')' => self.end_command(Join::Then),
                _ => self.put(c),
            }
        }
        self.end_command(Join::Then);
    }

    fn single(&mut self) {
        self.open();
        self.quoted = true;
        let from = self.line;
        loop {
            match self.next() {
                Some('\'') => return,
                Some(c) => self.put(c),
                None => return self.unclosed(from),
            }
        }
    }

    fn double(&mut self) {
        self.open();
        self.quoted = true;
        let from = self.line;
        loop {
            match self.next() {
                Some('"') => return,
                Some('\\') => match self.next() {
                    Some('\n') | None => {}
                    Some(c @ ('"' | '\\' | '$' | '`')) => self.put(c),
                    Some(c) => {
                        self.put('\\');
                        self.put(c);
                    }
                },
                Some('$') => self.dollar(true),
                Some(c) => {
                    self.expands |= c == '`';
                    self.put(c);
                }
                None => return self.unclosed(from),
            }
        }
    }

    fn unclosed(&mut self, line: usize) {
        self.out.faults.push(Fault::new(line, "a quote stays open"));
        // The shell would not run it.
        self.words.clear();
        self.word = None;
    }

    /// `$NAME` and `${NAME}` of the text's own variables; all else that `$` begins is not known.
    fn dollar(&mut self, in_quotes: bool) {
        let braced = self.chars.peek() == Some(&'{');
        if braced {
            self.next();
        }
        let mut name = String::new();
        while let Some(c) = self.chars.peek().copied()
            && (c.is_ascii_alphanumeric() || c == '_')
        {
            self.next();
            name.push(c);
        }
        let whole = !braced || self.chars.peek() == Some(&'}');
        if braced && whole {
            self.next();
        }
        let value = self.values.get(&name).filter(|_| whole).cloned();
        let Some(value) = value.filter(|value| self.expanded + value.len() <= MOST_EXPANDED) else {
            self.expands = true;
            self.put('$');
            for c in name.chars() {
                self.put(c);
            }
            return;
        };
        self.expanded += value.len();
        for c in value.chars() {
            match c {
                ' ' | '\t' | '\n' if !in_quotes => self.end_word(),
                _ => self.put(c),
            }
        }
    }

    fn angle(&mut self, c: char) {
        let digits = |word: &String| word.bytes().all(|b| b.is_ascii_digit());
        let number = self.word.take_if(|word| !self.quoted && digits(word));
        self.end_word();
        if c == '<' && self.chars.peek() == Some(&'<') {
            self.next();
            self.here_document();
            return;
        }
        while matches!(self.chars.peek(), Some('>' | '&' | '|')) {
            self.next();
        }
        self.redirect(number.as_deref() == Some("2"));
    }

    fn redirect(&mut self, of_errors: bool) {
        self.redirects = Some(of_errors);
    }

    /// Skips to the line that closes it.
    fn here_document(&mut self) {
        self.out
            .faults
            .push(Fault::unfollowed(self.line, "a here-document is not read"));
        let mut mark = String::new();
        while let Some(c) = self.next()
            && c != '\n'
        {
            mark.push(c);
        }
        let mark = mark
            .trim_start_matches('-')
            .trim()
            .trim_matches(['\'', '"'])
            .to_owned();
        let mut line = String::new();
        while let Some(c) = self.next() {
            if c != '\n' {
                line.push(c);
                continue;
            }
            if line.trim() == mark {
                break;
            }
            line.clear();
        }
        self.end_command(Join::Then);
    }

    fn end_word(&mut self) {
        let Some(word) = self.word.take() else { return };
        let quoted = std::mem::take(&mut self.quoted);
        if let Some(of_errors) = self.redirects.take() {
            self.quiet |= of_errors && word == "/dev/null";
            return;
        }
        if self.words.is_empty() && !quoted {
            let keyword = match word.as_str() {
                "if" => Some(Keyword::If),
                "then" => Some(Keyword::Then),
                "elif" => Some(Keyword::Elif),
                "else" => Some(Keyword::Else),
                "fi" => Some(Keyword::Fi),
                "!" => Some(Keyword::Not),
                "{" | "}" | "do" | "done" => return,
                "for" | "while" | "until" | "case" | "function" => {
                    self.out.faults.push(Fault::unfollowed(
                        self.line,
                        format!("the shell's `{word}` is not followed: what stands in it is taken once, as it stands"),
                    ));
                    None
                }
                _ => None,
            };
            if let Some(keyword) = keyword {
                if self.keywords.len() < 16 {
                    self.keywords.push(keyword);
                }
                return;
            }
        }
        self.words.push(word);
    }

    fn end_command(&mut self, next: Join) {
        self.end_word();
        self.redirects = None;
        let words = std::mem::take(&mut self.words);
        let keywords = std::mem::take(&mut self.keywords);
        let quiet = std::mem::take(&mut self.quiet);
        let expands = std::mem::take(&mut self.expands);
        if words.is_empty() && keywords.is_empty() {
            // A line may end behind `&&`.
            if next != Join::Then {
                self.join = next;
            }
            return;
        }
        if keywords.is_empty() && words.iter().all(|word| assignment(word).is_some()) {
            for (name, value) in words.iter().filter_map(|word| assignment(word)) {
                if expands || value.len() > LONGEST_VALUE {
                    self.values.remove(name);
                } else {
                    self.values.insert(name.to_owned(), value.to_owned());
                }
            }
        } else {
            self.out.commands.push(Simple {
                words,
                line: self.start,
                join: self.join,
                keywords,
                quiet,
                expands,
            });
        }
        self.join = next;
    }
}

fn assignment(word: &str) -> Option<(&str, &str)> {
    let (name, value) = word.split_once('=')?;
    let plain = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
    plain.then_some((name, value))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Vec<Vec<String>> {
        Script::read(text, 1)
            .commands
            .into_iter()
            .map(|c| c.words)
            .collect()
    }

    #[test]
    fn cuts_as_a_shell_does() {
        assert_eq!(
            words("a 'b c' \"d\\\"e\" \\\n f # g\nh"),
            [vec!["a", "b c", "d\"e", "f"], vec!["h"]]
        );
        assert_eq!(words("a 2>/dev/null || true"), [vec!["a"], vec!["true"]]);
        assert_eq!(
            words("I='iptables -w'\n$I -S \"$I\""),
            [vec!["iptables", "-w", "-S", "iptables -w"]]
        );
    }

    #[test]
    fn knows_how_commands_join() {
        let script = Script::read("a &&\n b || c; if ! d >/dev/null 2>&1; then e; fi", 7);
        let joins: Vec<_> = script
            .commands
            .iter()
            .map(|c| (c.words.join(" "), c.line, c.join))
            .collect();
        assert_eq!(joins[1], ("b".to_owned(), 8, Join::And));
        assert_eq!(joins[2], ("c".to_owned(), 8, Join::Or));
        assert_eq!(script.commands[3].keywords, [Keyword::If, Keyword::Not]);
        assert_eq!(script.commands[4].keywords, [Keyword::Then]);
    }
}
