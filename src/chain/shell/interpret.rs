//! Running commands: a script in, the chains that it leaves out, as a shell and iptables would leave them.
//!
//! What iptables refuses leaves a [`Fault`] and no trace in the chains. A condition that cannot be known is named; the run
//! goes one way, and whoever needs the other runs again with [`Runner::holding`].

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fmt;
use std::rc::Rc;

use crate::chain::shell::apply::apply;
use crate::chain::shell::lex::{Kind, Part, Word, lex};
use crate::chain::shell::outside::{self, Status};
use crate::chain::shell::parse::{Command, Input, Item, Join, List, Script, Simple};
use crate::chain::syntax::arguments;
use crate::chain::{Family, Form, Policy, Rule, RuleSet};

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
const MAX_FAULTS: usize = 1000;
/// How deep functions, `sh -c` and scripts that scripts run may nest.
const DEEPEST: usize = 16;
/// How many commands one run has, loops unrolled.
const MAX_COMMANDS: usize = 50_000;
/// How often a `while` goes round.
const MAX_ROUNDS: usize = 64;
/// A variable's value may not grow beyond this, and all expansions of a run not beyond that.
const MAX_VALUE: usize = 4096;
const MAX_EXPANDED: usize = 1 << 20;

/// Why a list of commands ends before its last one.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Flow {
    On,
    /// `return`, or `break` of a loop.
    Leave,
    /// `exit`, or a failure under `set -e`.
    Exit,
}

/// Runs commands on chains that begin empty.
#[derive(Debug, Clone)]
pub struct Runner {
    set: RuleSet,
    /// The files that were written: scripts and dumps, each with the line where its text begins.
    files: BTreeMap<String, (String, usize)>,
    /// Those of them that were run or loaded.
    used: BTreeSet<String>,
    /// Whether conditions that cannot be known hold.
    holds: bool,
    conditions: Vec<Fault>,
    /// The values of variables, `None` where one is not known.
    variables: HashMap<String, Option<String>>,
    functions: HashMap<String, Rc<List>>,
    /// The arguments of the function or script at hand.
    arguments: Vec<String>,
    errexit: bool,
    depth: usize,
    commands: usize,
    expanded: usize,
    /// The line of what runs, where its text has no lines of its own in the file.
    at: Option<usize>,
}

impl Runner {
    /// With the built-in chains of IPv4, empty.
    pub fn new(form: Form) -> Self {
        let mut runner = Self {
            set: RuleSet::new(form),
            files: BTreeMap::new(),
            used: BTreeSet::new(),
            holds: false,
            conditions: Vec::new(),
            variables: HashMap::new(),
            functions: HashMap::new(),
            arguments: Vec::new(),
            errexit: false,
            depth: 0,
            commands: 0,
            expanded: 0,
            at: None,
        };
        runner.build_in(Family::V4);
        runner
    }

    /// Takes conditions that cannot be known as met; else as not met.
    #[must_use]
    pub const fn holding(mut self, holds: bool) -> Self {
        self.holds = holds;
        self
    }

    /// The chains as they are now.
    pub const fn set(&self) -> &RuleSet {
        &self.set
    }

    /// The chains in the end.
    pub fn finish(self) -> RuleSet {
        self.set.finished()
    }

    /// The conditions that could not be known, where commands of a firewall depend on them.
    pub fn conditions(&self) -> &[Fault] {
        &self.conditions
    }

    /// Forgets the faults so far.
    pub fn forget_faults(&mut self) {
        self.set.faults.clear();
    }

    /// Keeps a fault.
    pub fn fault(&mut self, fault: Fault) {
        if self.set.faults.len() < MAX_FAULTS {
            self.set.faults.push(fault);
        }
    }

    /// Writes a file that commands may run or load; `line` is where its text begins.
    pub fn write(&mut self, path: &str, text: &str, line: usize) {
        self.files.insert(path.to_owned(), (text.to_owned(), line));
    }

    /// Runs a shell text where a condition holds.
    pub fn run_if(&mut self, condition: &Script, script: &Script) {
        let (status, _) = self.list(&condition.list, true);
        if status == Status::Unknown
            && mentions(&script.list)
            && let Some(last) = condition.list.last()
        {
            self.unknown(last.line, &condition.list, last);
        }
        if status == Status::Yes || status == Status::Unknown && self.holds {
            self.run(script);
        }
    }

    /// Names the files with rules in them that were written and that nothing ran or loaded.
    pub fn name_unused(&mut self) {
        let has_rules = |text: &str| {
            text.lines().any(|line| {
                let line = line.trim();
                line == "*filter"
                    || !line.starts_with('#')
                        && (line.contains("iptables ") || line.contains("ip6tables "))
            })
        };
        let unused: Vec<(String, usize)> = (self.files.iter())
            .filter(|(path, (text, _))| !self.used.contains(*path) && has_rules(text))
            .map(|(path, (_, line))| (path.clone(), *line))
            .collect();
        for (path, line) in unused {
            self.fault(Fault::unfollowed(
                line.max(1),
                format!(
                    "`{path}` has rules in it, and nothing here runs or loads it: they are not seen"
                ),
            ));
        }
    }

    /// Runs the commands of one shell text, in a shell of its own.
    pub fn run(&mut self, script: &Script) {
        self.variables.clear();
        self.functions.clear();
        self.arguments.clear();
        self.errexit = false;
        self.script(script);
    }

    fn script(&mut self, script: &Script) -> Status {
        for fault in &script.faults {
            let fault = self.placed(fault.clone());
            self.fault(fault);
        }
        self.list(&script.list, false).0
    }

    /// A fault of a text that has no lines in the file stands where the text does.
    fn placed(&self, fault: Fault) -> Fault {
        Fault {
            line: self.at.unwrap_or(fault.line),
            ..fault
        }
    }

    fn list(&mut self, list: &List, condition: bool) -> (Status, Flow) {
        let mut status = Status::Yes;
        for (at, item) in list.iter().enumerate() {
            let wanted = match item.join {
                Join::Then => Status::Yes,
                Join::And => status,
                Join::Or => status.not(),
            };
            let runs = match wanted {
                Status::Unknown => {
                    if mentions(std::slice::from_ref(item)) {
                        self.unknown(item.line, &list[..at], item);
                    }
                    self.holds == (item.join == Join::And)
                }
                known => known == Status::Yes,
            };
            if !runs {
                continue;
            }
            let next = list.get(at + 1).map(|next| next.join);
            let forgiven = condition || next == Some(Join::Or);
            let (found, flow) = self.pipeline(item, forgiven || next == Some(Join::And));
            status = if item.not { found.not() } else { found };
            if flow != Flow::On {
                return (status, flow);
            }
            let tested = condition || matches!(next, Some(Join::And | Join::Or));
            if self.errexit && status == Status::No && !item.not && !tested {
                return (status, Flow::Exit);
            }
        }
        (status, Flow::On)
    }

    /// Names a condition that cannot be known.
    fn unknown(&mut self, line: usize, before: &[Item], guarded: &Item) {
        let last = before.last().map_or(guarded, |item| item);
        let shown = last.commands.first().map(shown).unwrap_or_default();
        let line = self.at.unwrap_or(line);
        let fault = Fault::unfollowed(
            line,
            format!("whether `{shown}` holds cannot be known here, and rules depend on it"),
        );
        if !self.conditions.contains(&fault) && self.conditions.len() < MAX_FAULTS {
            self.conditions.push(fault);
        }
    }

    fn pipeline(&mut self, item: &Item, forgiven: bool) -> (Status, Flow) {
        if let [command] = &item.commands[..] {
            return self.command(command, forgiven);
        }
        let mut words = Vec::new();
        for command in &item.commands {
            match command {
                Command::Simple(simple) => words.push(self.words(&simple.words)),
                _ => {
                    self.command(command, true);
                    words.push(None);
                }
            }
        }
        // A dump that is piped into iptables-restore, and a listing that is searched.
        if let Some(status) = self.restores_from_pipe(item, &words) {
            return (status, Flow::On);
        }
        (outside::searched(&self.set, &words), Flow::On)
    }

    fn command(&mut self, command: &Command, forgiven: bool) -> (Status, Flow) {
        self.commands += 1;
        if self.commands == MAX_COMMANDS {
            self.fault(Fault::unfollowed(
                1,
                format!("more than {MAX_COMMANDS} commands: the rest was not run"),
            ));
        }
        if self.commands >= MAX_COMMANDS {
            return (Status::Unknown, Flow::Exit);
        }
        match command {
            Command::Simple(simple) => self.simple(simple, forgiven),
            Command::Group(list) => self.list(list, forgiven),
            Command::Function(name, body) => {
                self.functions.insert(name.clone(), Rc::clone(body));
                (Status::Yes, Flow::On)
            }
            Command::If(branches, otherwise) => self.branches(branches, otherwise, forgiven),
            Command::For(name, words, body) => self.repeat(name, words, body, forgiven),
            Command::While(condition, until, body) => {
                self.while_(condition, *until, body, forgiven)
            }
            Command::Case(word, branches) => {
                let word = self.word(word);
                for (patterns, body) in branches {
                    for pattern in patterns {
                        let pattern = self.word(pattern);
                        let met = match (&word, &pattern) {
                            (_, Some(pattern)) if pattern == "*" => Some(true),
                            (Some(word), Some(pattern)) => outside::matches_pattern(word, pattern),
                            _ => None,
                        };
                        if met == Some(true) {
                            return self.list(body, forgiven);
                        }
                        if met.is_none() && mentions(body) {
                            let line = body.first().map_or(1, |item| item.line);
                            self.fault(Fault::unfollowed(
                                self.at.unwrap_or(line),
                                "which branch of `case` is taken cannot be known here: none was followed",
                            ));
                            return (Status::Unknown, Flow::On);
                        }
                    }
                }
                (Status::Yes, Flow::On)
            }
        }
    }

    fn branches(
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
            if status == Status::Unknown
                && (branches.iter().any(|(_, body)| mentions(body)) || mentions(otherwise))
                && let Some(last) = condition.last()
            {
                self.unknown(last.line, condition, last);
            }
            if status == Status::Yes || status == Status::Unknown && self.holds {
                return self.list(body, forgiven);
            }
        }
        self.list(otherwise, forgiven)
    }

    fn repeat(
        &mut self,
        name: &str,
        words: &[Word],
        body: &List,
        forgiven: bool,
    ) -> (Status, Flow) {
        let Some(values) = self.words(words) else {
            if mentions(body) {
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

    fn while_(
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
            if status == Status::Unknown && mentions(body) {
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

    fn simple(&mut self, simple: &Simple, forgiven: bool) -> (Status, Flow) {
        for (name, value) in &simple.assignments {
            if simple.words.is_empty() {
                let value = self.word(value).filter(|value| value.len() <= MAX_VALUE);
                self.variables.insert(name.clone(), value);
            }
        }
        if simple.words.is_empty() {
            return (Status::Yes, Flow::On);
        }
        let line = self.at.unwrap_or(simple.line);
        let Some(words) = self.words(&simple.words) else {
            let shown: Vec<String> = simple.words.iter().map(Word::shown).collect();
            let first = self.words(&simple.words[..1]).unwrap_or_default();
            if first.first().is_some_and(|word| outside::is_tool(word))
                || shown.iter().any(|word| outside::is_tool(word))
            {
                self.fault(Fault::unfollowed(
                    line,
                    "it has a shell expansion whose value is not known; the command was not run",
                ));
            }
            return (Status::Unknown, Flow::On);
        };
        let words = outside::without_wrappers(&words);
        let Some(name) = words.first() else {
            return (Status::Yes, Flow::On);
        };
        if let Some(flow) = self.builtin(words) {
            return flow;
        }
        if let Some(body) = self.functions.get(name).cloned() {
            return self.call(&body, &words[1..], forgiven);
        }
        let result = self.firewall(words, simple, line);
        match result {
            None => {
                self.keep_output(simple, words);
                (outside::status(words, &self.files), Flow::On)
            }
            Some(Ok(status)) => (status, Flow::On),
            Some(Err(text)) => {
                if !forgiven && !simple.quiet {
                    self.fault(Fault::new(line, text));
                }
                (Status::No, Flow::On)
            }
        }
    }

    /// Commands that change the shell itself.
    fn builtin(&mut self, words: &[String]) -> Option<(Status, Flow)> {
        let second = words.get(1).map(String::as_str);
        Some(match words.first()?.as_str() {
            "exit" => (Status::Yes, Flow::Exit),
            "return" => {
                let status = if second.is_none_or(|code| code == "0") {
                    Status::Yes
                } else {
                    Status::No
                };
                (status, Flow::Leave)
            }
            "break" | "continue" => (Status::Yes, Flow::Leave),
            "set" => {
                for word in &words[1..] {
                    let letters = word.trim_start_matches(['-', '+']);
                    if word == "errexit" || word.starts_with('-') && letters.contains('e') {
                        self.errexit = true;
                    } else if word.starts_with('+') && letters.contains('e') {
                        self.errexit = false;
                    }
                }
                (Status::Yes, Flow::On)
            }
            "export" | "readonly" | "local" | "declare" => {
                for word in &words[1..] {
                    if let Some((name, value)) = word.split_once('=') {
                        self.variables
                            .insert(name.to_owned(), Some(value.to_owned()));
                    }
                }
                (Status::Yes, Flow::On)
            }
            "unset" => {
                for word in &words[1..] {
                    self.variables.remove(word);
                }
                (Status::Yes, Flow::On)
            }
            _ => return None,
        })
    }

    fn call(&mut self, body: &Rc<List>, arguments: &[String], forgiven: bool) -> (Status, Flow) {
        if self.depth >= DEEPEST {
            return (Status::Unknown, Flow::On);
        }
        self.depth += 1;
        let before = std::mem::replace(&mut self.arguments, arguments.to_vec());
        let (status, flow) = self.list(body, forgiven);
        self.arguments = before;
        self.depth -= 1;
        (status, if flow == Flow::Leave { Flow::On } else { flow })
    }

    /// Runs what makes chains: iptables, iptables-restore, another shell, a script that was written. `None` for all else.
    fn firewall(
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

    /// Runs a script that was written before, and says where one that makes rules may not be seen.
    fn file(
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

    fn nested(&mut self, script: &Script, at: Option<usize>, arguments: &[String]) -> Status {
        if self.depth >= DEEPEST {
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

    fn iptables(&mut self, family: Family, words: &[String], line: usize) -> Result<(), String> {
        // Targets and options of other tables are not known here.
        if arguments::table(words).is_some_and(|table| table != "filter") {
            return Ok(());
        }
        let command = arguments::read(words, family, line)?;
        self.build_in(family);
        apply(&mut self.set, family, command, line)
    }

    /// What iptables-restore reads: a file that was written, named behind `<` or as its argument, or a here-document.
    fn restore_of(
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

    /// `cat FILE | iptables-restore`, `echo … | iptables-restore`: `None` where the pipeline is another.
    fn restores_from_pipe(&mut self, item: &Item, words: &[Option<Vec<String>>]) -> Option<Status> {
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
    fn restore(&mut self, text: &str, family: Family, words: &[String], before: usize) {
        let keeps = words.iter().any(|word| word == "-n" || word == "--noflush");
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
            if !keeps || rules.is_empty() {
                chain.rules.clear();
            }
            chain.rules.extend(rules);
        }
    }

    /// The text of a here-document; `None` where an expansion in it is not known.
    fn here_document(&mut self, text: &str, expands: bool) -> Option<String> {
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

    /// A file that a command writes: `cat > FILE <<EOF`, `echo … > FILE`.
    fn keep_output(&mut self, simple: &Simple, words: &[String]) {
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

    /// A word with its expansions, as one field; `None` where one is not known.
    fn word(&mut self, word: &Word) -> Option<String> {
        let fields = self.fields(word)?;
        Some(fields.join(" "))
    }

    /// The words with their expansions; `None` where one is not known.
    fn words(&mut self, words: &[Word]) -> Option<Vec<String>> {
        let mut out = Vec::new();
        for word in words {
            out.extend(self.fields(word)?);
        }
        Some(out)
    }

    fn fields(&mut self, word: &Word) -> Option<Vec<String>> {
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

    fn value(&self, name: &str, default: Option<&str>) -> Option<String> {
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

    fn build_in(&mut self, family: Family) {
        if self.set.chain(family, "INPUT").is_some() {
            return;
        }
        for name in ["INPUT", "FORWARD", "OUTPUT"] {
            self.set.chain_or_new(family, name, 0).policy = Some(Policy::Accept);
        }
    }
}

/// A command for people.
fn shown(command: &Command) -> String {
    match command {
        Command::Simple(simple) => {
            let words: Vec<String> = simple.words.iter().map(Word::shown).collect();
            words.join(" ")
        }
        _ => "the condition".to_owned(),
    }
}

/// Whether a list has commands of a firewall in it, or leaves the script.
fn mentions(list: &[Item]) -> bool {
    list.iter()
        .flat_map(|item| &item.commands)
        .any(|command| match command {
            Command::Simple(simple) => simple.words.iter().any(|word| {
                let shown = word.shown();
                outside::is_tool(&shown)
                    || outside::may_be_firewall(&shown)
                    || shown == "exit"
                    || shown.starts_with('$')
            }),
            Command::If(branches, otherwise) => {
                mentions(otherwise)
                    || branches
                        .iter()
                        .any(|(condition, body)| mentions(condition) || mentions(body))
            }
            Command::For(_, _, body) | Command::Group(body) => mentions(body),
            Command::While(condition, _, body) => mentions(condition) || mentions(body),
            Command::Case(_, branches) => branches.iter().any(|(_, body)| mentions(body)),
            Command::Function(_, body) => mentions(body),
        })
}

/// The family of the tool that a command calls, and the words behind its name.
pub(in crate::chain) fn tool(words: &[String]) -> Option<(Family, &[String])> {
    let (name, rest) = outside::without_wrappers(words).split_first()?;
    match name.rsplit('/').next()? {
        "iptables" | "iptables-nft" | "iptables-legacy" => Some((Family::V4, rest)),
        "ip6tables" | "ip6tables-nft" | "ip6tables-legacy" => Some((Family::V6, rest)),
        _ => None,
    }
}

/// The chain and the rule of one command.
pub(in crate::chain) fn rule_of(script: &Script) -> Result<(String, Rule), Fault> {
    let (line, words) = script
        .first_words()
        .ok_or_else(|| Fault::new(1, "no command"))?;
    let fault = |text: String| Fault::new(line, text);
    let (family, words) = tool(&words).ok_or_else(|| fault("no iptables command".to_owned()))?;
    let command = arguments::read(words, family, line).map_err(fault)?;
    let rule = command.rules.into_iter().next();
    command
        .chain
        .zip(rule)
        .ok_or_else(|| Fault::new(line, "no rule in it"))
}
