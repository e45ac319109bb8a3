//! Interpreter: a script in, the chains that it leaves out, as a shell and iptables would leave them.
//!
//! What iptables refuses leaves a [`Fault`] and no trace in the chains. A condition that cannot be known is named; the run
//! goes one way, and another run goes the other with [`Runner::assuming`].

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::rc::Rc;

use crate::chain::shell::condition::{Assume, Condition};
use crate::chain::shell::fault::Fault;
use crate::chain::shell::lex::Word;
use crate::chain::shell::outside::{self, Status, tool};
use crate::chain::shell::parse::{Command, Item, Join, List, Script, Simple};
use crate::chain::shell::rule_index::RuleIndex;
use crate::chain::syntax::arguments;
use crate::chain::{Family, Form, Policy, Rule, RuleSet};

/// Faults beyond this many are not kept.
pub(super) const MAX_FAULTS: usize = 1000;
/// Upper bound on the nesting of functions, `sh -c` and scripts that scripts run.
pub(super) const MAX_DEPTH: usize = 16;
/// Upper bound on the commands of one run, loops unrolled.
const MAX_COMMANDS: usize = 50_000;
/// A variable's value may not grow beyond this.
const MAX_VALUE: usize = 4096;

/// Control flow after a command.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Flow {
    On,
    /// `return`, or `break` of a loop.
    Leave,
    /// `exit`, or a failure under `set -e`.
    Exit,
}

/// Interpreter of commands, on chains that are empty at first.
#[derive(Debug, Clone)]
pub struct Runner {
    pub(super) set: RuleSet,
    pub(super) index: RuleIndex,
    /// Files that the commands wrote: scripts and dumps, each with the line where its text begins.
    pub(super) files: BTreeMap<String, (String, usize)>,
    /// Files of `files` that were run or loaded.
    pub(super) used: BTreeSet<String>,
    /// Assumed values of unknown conditions.
    pub(super) assume: Assume,
    pub(super) conditions: Vec<Condition>,
    /// The values of variables, `None` where one is not known.
    pub(super) variables: HashMap<String, Option<String>>,
    pub(super) functions: HashMap<String, Rc<List>>,
    /// The arguments of the function or script at hand.
    pub(super) arguments: Vec<String>,
    pub(super) errexit: bool,
    pub(super) depth: usize,
    pub(super) commands: usize,
    pub(super) expanded: usize,
    /// Number of bytes of dumps loaded so far.
    pub(super) restored: usize,
    /// Number of rules listed for searches so far.
    pub(super) listed: usize,
    /// Line to report for the commands at hand, where their text has no lines of its own in the file.
    pub(super) at: Option<usize>,
}

impl Runner {
    /// Creates a runner with the built-in chains of IPv4, empty.
    pub fn new(form: Form) -> Self {
        let mut runner = Self {
            set: RuleSet::new(form),
            index: RuleIndex::default(),
            files: BTreeMap::new(),
            used: BTreeSet::new(),
            assume: Assume::None,
            conditions: Vec::new(),
            variables: HashMap::new(),
            functions: HashMap::new(),
            arguments: Vec::new(),
            errexit: false,
            depth: 0,
            commands: 0,
            expanded: 0,
            restored: 0,
            listed: 0,
            at: None,
        };
        runner.build_in(Family::V4);
        runner
    }

    /// Sets the assumption about conditions that cannot be known; by default they count as not met.
    #[must_use]
    pub fn assuming(mut self, assume: Assume) -> Self {
        self.assume = assume;
        self
    }

    /// Returns the chains as they are now.
    pub const fn set(&self) -> &RuleSet {
        &self.set
    }

    /// Returns the chains after the last command.
    pub fn finish(self) -> RuleSet {
        self.set.finished()
    }

    /// Returns the conditions that could not be known and on which firewall commands depend.
    pub fn conditions(&self) -> &[Condition] {
        &self.conditions
    }

    /// Discards the faults so far.
    pub fn forget_faults(&mut self) {
        self.set.faults.clear();
    }

    /// Keeps a fault.
    pub fn fault(&mut self, fault: Fault) {
        if self.set.faults.len() < MAX_FAULTS {
            self.set.faults.push(fault);
        }
    }

    /// Adds a file that commands may run or load; `line` is the line where its text begins.
    pub fn write(&mut self, path: &str, text: &str, line: usize) {
        self.files.insert(path.to_owned(), (text.to_owned(), line));
    }

    /// Runs a shell text if a condition holds.
    pub fn run_if(&mut self, condition: &Script, script: &Script) {
        let (status, _) = self.list(&condition.list, true);
        let guarded = self.mentions(&script.list);
        let holds = status.or(|| self.assumes_list(&condition.list, guarded));
        if holds {
            self.run(script);
        }
    }

    /// Records a fault for each written file that contains rules and that no command ran or loaded.
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

    pub(super) fn script(&mut self, script: &Script) -> Status {
        for fault in &script.faults {
            let fault = self.placed(fault.clone());
            self.fault(fault);
        }
        self.list(&script.list, false).0
    }

    /// Moves a fault of a text without own lines in the file to the line of the text.
    fn placed(&self, fault: Fault) -> Fault {
        Fault {
            line: self.at.unwrap_or(fault.line),
            ..fault
        }
    }

    pub(super) fn list(&mut self, list: &List, condition: bool) -> (Status, Flow) {
        let mut status = Status::Yes;
        // Item that gave `status`: in `a && b || c` the status is that of `a` where `b` did not run.
        let mut answered = 0;
        for (at, item) in list.iter().enumerate() {
            let wanted = match item.join {
                Join::Then => Status::Yes,
                Join::And => status,
                Join::Or => status.not(),
            };
            let runs = match wanted {
                Status::Unknown => {
                    let guarded = self.mentions(std::slice::from_ref(item));
                    let text = self.text_of(&list[answered]);
                    self.assumes(text, item.line, guarded) == (item.join == Join::And)
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
            answered = at;
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

    /// Returns the assumed value of a list of conditions with an unknown status.
    pub(super) fn assumes_list(&mut self, condition: &List, guarded: bool) -> bool {
        let Some(last) = condition.last() else {
            return true;
        };
        let text = self.text_of(last);
        self.assumes(text, last.line, guarded)
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
        // A dump piped into iptables-restore, and a search in a listing.
        if let Some(status) = self.restores_from_pipe(item, &words) {
            return (status, Flow::On);
        }
        (
            outside::searched(&self.set, &words, &mut self.listed),
            Flow::On,
        )
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
            Command::Case(word, branches) => self.case(word, branches, forgiven),
        }
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

    /// Runs a command that changes the shell itself.
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
        if self.depth >= MAX_DEPTH {
            return (Status::Unknown, Flow::On);
        }
        self.depth += 1;
        let before = std::mem::replace(&mut self.arguments, arguments.to_vec());
        let (status, flow) = self.list(body, forgiven);
        self.arguments = before;
        self.depth -= 1;
        (status, if flow == Flow::Leave { Flow::On } else { flow })
    }

    pub(super) fn build_in(&mut self, family: Family) {
        if self.set.chain(family, "INPUT").is_some() {
            return;
        }
        for name in ["INPUT", "FORWARD", "OUTPUT"] {
            self.set.chain_or_new(family, name, 0).policy = Some(Policy::Accept);
        }
    }
}

/// Parses the chain and the rule of one command.
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
