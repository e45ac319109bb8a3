//! Shell text cut into tokens (POSIX XCU, 2.3): words with their quotes and expansions, operators, here-documents.

use std::iter::Peekable;
use std::str::Chars;

use crate::chain::Fault;

/// One word, unexpanded.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Word(pub(super) Vec<Part>);

/// A piece of a word.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Part {
    /// Text, and whether it was quoted.
    Text(String, bool),
    /// `$NAME` or `${NAME:-DEFAULT}`: the name, the default, and whether it was quoted.
    Variable(String, Option<String>, bool),
    /// Text of another expansion.
    Unknown(String),
}

/// A token and the line on which it begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Token {
    pub(super) kind: Kind,
    pub(super) line: usize,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Kind {
    Word(Word),
    /// `\n ; ;; & && || | ( )`.
    Operator(&'static str),
    /// A redirection: its file descriptor, where one is given, and its operator; a word follows.
    Redirect(Option<u32>, &'static str),
    /// The text of a here-document, and whether expansions in it count.
    HereDocument(String, bool),
}

impl Word {
    /// Returns the text of a word without quotes and expansions: only such a word can be reserved.
    pub(super) fn bare(&self) -> Option<&str> {
        match &self.0[..] {
            [Part::Text(text, false)] => Some(text),
            _ => None,
        }
    }

    /// Returns the word as it stands in the script, for messages.
    pub(super) fn shown(&self) -> String {
        let part = |part: &Part| match part {
            Part::Text(text, _) | Part::Unknown(text) => text.clone(),
            Part::Variable(name, ..) => format!("${name}"),
        };
        self.0.iter().map(part).collect()
    }

    fn push(&mut self, c: char, quoted: bool) {
        match self.0.last_mut() {
            Some(Part::Text(text, known)) if *known == quoted => text.push(c),
            _ => self.0.push(Part::Text(c.to_string(), quoted)),
        }
    }
}

struct Lexer<'a> {
    chars: Peekable<Chars<'a>>,
    line: usize,
    tokens: Vec<Token>,
    faults: Vec<Fault>,
    /// Current word, and the line where it began.
    word: Option<Word>,
    start: usize,
    /// Here-documents whose text begins on the next line: index of the token, end mark, whether leading tabs are
    /// removed.
    pending: Vec<(usize, String, bool)>,
    /// Set while the next word is the end mark of a here-document; whether leading tabs are removed.
    mark: Option<bool>,
}

/// Splits `text`, whose first line is `line` in its file, into tokens.
pub(super) fn lex(text: &str, line: usize) -> (Vec<Token>, Vec<Fault>) {
    let mut lexer = Lexer {
        chars: text.chars().peekable(),
        line,
        tokens: Vec::new(),
        faults: Vec::new(),
        word: None,
        start: line,
        pending: Vec::new(),
        mark: None,
    };
    lexer.all();
    (lexer.tokens, lexer.faults)
}

impl Lexer<'_> {
    fn next(&mut self) -> Option<char> {
        let c = self.chars.next()?;
        if c == '\n' {
            self.line += 1;
        }
        Some(c)
    }

    fn take(&mut self, wanted: char) -> bool {
        let found = self.chars.peek() == Some(&wanted);
        if found {
            self.next();
        }
        found
    }

    /// Returns the current word; begins one where there is none.
    fn open(&mut self) -> &mut Word {
        let line = self.line;
        if self.word.is_none() {
            self.start = line;
        }
        self.word.get_or_insert_default()
    }

    fn token(&mut self, kind: Kind, line: usize) {
        self.tokens.push(Token { kind, line });
    }

    fn operator(&mut self, text: &'static str) {
        self.end_word();
        let line = self.line;
        self.token(Kind::Operator(text), line);
    }

    fn all(&mut self) {
        while let Some(c) = self.next() {
            match c {
                ' ' | '\t' | '\r' => self.end_word(),
                '\n' => {
                    self.end_word();
                    let line = self.line - 1;
                    self.token(Kind::Operator("\n"), line);
                    self.here_documents();
                }
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
                    Some(c) => self.open().push(c, true),
                },
                '\'' => self.single(),
                '"' => self.double(),
                '$' => self.dollar(false),
                '`' => self.backquote(),
                ';' if self.take(';') => self.operator(";;"),
                ';' => self.operator(";"),
                '&' if self.take('&') => self.operator("&&"),
                '&' if self.take('>') => self.redirect(None, "&>"),
                '&' => self.operator("&"),
                '|' if self.take('|') => self.operator("||"),
                '|' => self.operator("|"),
                '(' => self.operator("("),
                ')' => self.operator(")"),
                '<' | '>' => self.angle(c),
                c => self.open().push(c, false),
            }
        }
        self.end_word();
        self.here_documents();
    }

    fn single(&mut self) {
        let from = self.line;
        self.open().0.push(Part::Text(String::new(), true));
        loop {
            match self.next() {
                Some('\'') => return,
                Some(c) => self.open().push(c, true),
                None => return self.unclosed(from),
            }
        }
    }

    fn double(&mut self) {
        let from = self.line;
        self.open().0.push(Part::Text(String::new(), true));
        loop {
            match self.next() {
                Some('"') => return,
                Some('\\') => match self.next() {
                    Some('\n') | None => {}
                    Some(c @ ('"' | '\\' | '$' | '`')) => self.open().push(c, true),
                    Some(c) => {
                        self.open().push('\\', true);
                        self.open().push(c, true);
                    }
                },
                Some('$') => self.dollar(true),
                Some('`') => self.backquote(),
                Some(c) => self.open().push(c, true),
                None => return self.unclosed(from),
            }
        }
    }

    /// Records a fault for an open quote, and discards the unfinished command.
    fn unclosed(&mut self, line: usize) {
        self.faults.push(Fault::new(line, "a quote stays open"));
        self.word = None;
        let begins = |token: &Token| matches!(token.kind, Kind::Operator("\n" | ";"));
        let kept = self.tokens.iter().rposition(begins).map_or(0, |at| at + 1);
        self.tokens.truncate(kept);
    }

    fn backquote(&mut self) {
        let mut text = "`".to_owned();
        while let Some(c) = self.next() {
            text.push(c);
            if c == '`' {
                break;
            }
        }
        self.open().0.push(Part::Unknown(text));
    }

    fn dollar(&mut self, quoted: bool) {
        match self.chars.peek().copied() {
            Some('(') => {
                let text = format!("${}", self.balanced('(', ')'));
                self.open().0.push(Part::Unknown(text));
            }
            Some('{') => {
                let text = self.balanced('{', '}');
                let inner = text.trim_start_matches('{').trim_end_matches('}');
                let end = inner
                    .find(|c: char| !c.is_ascii_alphanumeric() && c != '_' && c != '@' && c != '*');
                let (name, rest) = inner.split_at(end.unwrap_or(inner.len()));
                let default = rest.strip_prefix(":-").or_else(|| rest.strip_prefix('-'));
                let plain = |text: &str| !text.contains(['$', '`', '"', '\'']);
                let part = match default {
                    None if rest.is_empty() && !name.is_empty() => {
                        Part::Variable(name.to_owned(), None, quoted)
                    }
                    Some(default) if plain(default) && !name.is_empty() => {
                        Part::Variable(name.to_owned(), Some(default.to_owned()), quoted)
                    }
                    _ => Part::Unknown(format!("${text}")),
                };
                self.open().0.push(part);
            }
            Some(c @ ('@' | '*' | '0'..='9')) => {
                self.next();
                self.open()
                    .0
                    .push(Part::Variable(c.to_string(), None, quoted));
            }
            Some(c) if c.is_ascii_alphabetic() || c == '_' => {
                let mut name = String::new();
                while let Some(c) = self.chars.peek().copied()
                    && (c.is_ascii_alphanumeric() || c == '_')
                {
                    self.next();
                    name.push(c);
                }
                self.open().0.push(Part::Variable(name, None, quoted));
            }
            Some(c @ ('#' | '?' | '$' | '!' | '-')) => {
                self.next();
                self.open().0.push(Part::Unknown(format!("${c}")));
            }
            _ => self.open().push('$', quoted),
        }
    }

    /// Text from an opening bracket to the one that closes it.
    fn balanced(&mut self, opens: char, closes: char) -> String {
        let mut text = String::new();
        let mut depth = 0;
        while let Some(c) = self.next() {
            text.push(c);
            if c == opens {
                depth += 1;
            } else if c == closes {
                depth -= 1;
                if depth == 0 {
                    break;
                }
            }
        }
        text
    }

    fn angle(&mut self, c: char) {
        // Digits directly before a redirection are a file descriptor.
        let descriptor = self
            .word
            .as_ref()
            .and_then(Word::bare)
            .and_then(|text| text.parse().ok());
        if descriptor.is_some() {
            self.word = None;
        }
        match c {
            '<' if self.take('<') => {
                if self.take('<') {
                    self.redirect(descriptor, "<<<");
                } else {
                    self.end_word();
                    self.mark = Some(self.take('-'));
                }
            }
            '<' if self.take('&') => self.redirect(descriptor, "<&"),
            '<' => self.redirect(descriptor, "<"),
            _ if self.take('>') => self.redirect(descriptor, ">>"),
            _ if self.take('&') => self.redirect(descriptor, ">&"),
            _ => {
                let _ = self.take('|');
                self.redirect(descriptor, ">");
            }
        }
    }

    fn redirect(&mut self, descriptor: Option<u32>, operator: &'static str) {
        self.end_word();
        let line = self.line;
        self.token(Kind::Redirect(descriptor, operator), line);
    }

    fn end_word(&mut self) {
        let Some(word) = self.word.take() else { return };
        let line = self.start;
        if let Some(tabs) = self.mark.take() {
            let quoted = word
                .0
                .iter()
                .any(|part| matches!(part, Part::Text(_, true)));
            self.pending.push((self.tokens.len(), word.shown(), tabs));
            self.token(Kind::HereDocument(String::new(), !quoted), line);
            return;
        }
        self.token(Kind::Word(word), line);
    }

    /// Reads the texts of the here-documents that the line before opened.
    fn here_documents(&mut self) {
        for (at, mark, tabs) in std::mem::take(&mut self.pending) {
            let mut text = String::new();
            let mut line = String::new();
            loop {
                let c = self.next();
                if let Some(c) = c.filter(|c| *c != '\n') {
                    line.push(c);
                    continue;
                }
                let bare = if tabs {
                    line.trim_start_matches('\t')
                } else {
                    &line
                };
                if bare.trim_end_matches('\r') == mark {
                    break;
                }
                text.push_str(bare);
                text.push('\n');
                line.clear();
                if c.is_none() {
                    break;
                }
            }
            if let Some(Token {
                kind: Kind::HereDocument(body, _),
                ..
            }) = self.tokens.get_mut(at)
            {
                *body = text;
            }
        }
    }
}
