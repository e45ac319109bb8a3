//! Search for a rule in the output of `iptables -S`, as grep on the node makes it. A search by text may find another rule:
//! where the chain is known, only one that finds the wanted rule in it is printed.

use crate::catalog::LOG_PREFIX;
use crate::chain::{Chain, Place, Ports, Rule, Side, Target, Test, quoted};
use crate::error::is_hostile;
use crate::packet::{proto, proto_name};

/// Options that restrict a rule to other packets than the wanted ones, as `-S` prints them.
const NARROWING: [&str; 9] = [
    " -s ",
    " -d ",
    " --dport ",
    " --dports ",
    " --match-set ",
    " --src-range ",
    " --mac-source ",
    " -p udp ",
    " -p tcp ",
];

/// How grep finds a line of `iptables -S CHAIN`.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Pattern {
    /// The prefix of the LOG rule, wherever in the line, as the documentation has it.
    Text(String),
    /// A LOG rule whose prefix begins so, as `-S` prints it; with `whole`, that is the whole prefix.
    Log { prefix: String, whole: bool },
    /// The jump to a chain, without a target's options behind it.
    Jump(String),
    /// The first rule of the chain that drops all, of any interface.
    Drop(String),
    /// This line.
    Line(String),
    /// Behind the last one: the policy drops.
    End,
    /// No text that can be printed finds the rule and no other.
    Nothing,
}

/// A search for the rule before which another one is inserted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Search {
    pattern: Pattern,
    /// Text by which lines that the pattern finds too are skipped.
    passed: Option<&'static str>,
}

impl Search {
    /// Searches for the LOG rule with this prefix, in a chain that is not known.
    pub(super) fn log(prefix: &str) -> Self {
        let [text, log, _] = logs(prefix);
        // Another text may be that of any rule, as `DROP` is.
        let is_documented = prefix.trim_end() == LOG_PREFIX;
        Self::from(if is_documented { text } else { log })
    }

    /// Returns the first search that finds `place` in its chain, the shortest first.
    pub(super) fn of(place: &Place<'_>) -> Self {
        let Some(rule) = place.rule() else {
            return Self::from(Pattern::End);
        };
        let patterns = match &rule.target {
            Target::Log(log) => {
                let all = logs(&log.prefix);
                let is_plain = is_plain(log.prefix.trim_end());
                (all.into_iter().skip(usize::from(!is_plain))).collect()
            }
            Target::Jump(to) | Target::Goto(to) => vec![Pattern::Jump(to.clone())],
            _ => vec![Pattern::Drop(place.chain.name.clone())],
        };
        let lines: Vec<String> = (place.chain.rules.iter())
            .map(|rule| line(place.chain, rule).0)
            .collect();
        let own = match line(place.chain, rule) {
            (text, true) => Pattern::Line(text),
            _ => Pattern::Nothing,
        };
        let skipping = patterns.iter().flat_map(|pattern| {
            NARROWING.map(|words| Self {
                pattern: pattern.clone(),
                passed: Some(words),
            })
        });
        let all = (patterns.iter().cloned().map(Self::from)).chain(skipping);
        all.chain([Self::from(own)])
            .filter(|search| !search.command("", "").chars().any(is_hostile))
            .find(|search| {
                lines.iter().position(|line| search.finds(line)) == Some(place.number - 1)
            })
            .unwrap_or_else(|| Self::from(Pattern::Nothing))
    }

    /// Whether it finds anything.
    pub(super) fn is_possible(&self) -> bool {
        self.pattern != Pattern::Nothing
    }

    /// Returns the command that sets `n` to the number of the line.
    pub(super) fn command(&self, tool: &str, chain: &str) -> String {
        let chain = quoted(chain);
        let basic = |text: String| ("", text);
        let (how, text) = match &self.pattern {
            Pattern::Text(prefix) if self.passed.is_none() => {
                return format!("n=$({tool} -S {chain} | grep -nm1 {prefix} | cut -d: -f1)");
            }
            Pattern::Text(prefix) => basic(prefix.clone()),
            Pattern::Log { prefix, whole } => {
                let end = if *whole { r#" *"*\( --\|$\)"# } else { "" };
                basic(format!("-j LOG --log-prefix \"*{}{end}", pattern(prefix)))
            }
            Pattern::Jump(to) => basic(format!("-[jg] {}$", pattern(to))),
            Pattern::Drop(chain) => {
                let all =
                    "\\(-i [^ ]* \\)\\?\\(-m comment --comment \\(\"[^\"]*\"\\|[^ ]*\\) \\)\\?";
                let chain = pattern(chain);
                basic(format!("^-A {chain} {all}-j \\(DROP$\\|REJECT \\)"))
            }
            Pattern::Line(line) => ("Fx", line.clone()),
            Pattern::End => return format!("n=$(($({tool} -S {chain} | wc -l)+1))"),
            // Empty, so that the command behind it fails, whatever `n` was before.
            Pattern::Nothing => {
                let why = format!(
                    "no text tells the place in {chain} from others: use the script that dropsift rules prints"
                );
                return format!("n=; echo {} >&2", quoted(&why));
            }
        };
        let text = quoted(&text);
        match self.passed {
            None => format!("n=$({tool} -S {chain} | grep -{how}nm1 -e {text} | cut -d: -f1)"),
            Some(words) => format!(
                "n=$({tool} -S {chain} | grep -{how}n -e {text} | grep -vm1 -e '{words}' | cut -d: -f1)"
            ),
        }
    }

    /// Whether the command finds this line, as grep would.
    fn finds(&self, line: &str) -> bool {
        if self.passed.is_some_and(|words| line.contains(words)) {
            return false;
        }
        match &self.pattern {
            Pattern::Text(prefix) => line.contains(prefix.as_str()),
            Pattern::Log { prefix, whole } => {
                (line.match_indices("-j LOG --log-prefix ")).any(|(at, found)| {
                    let rest = line[at + found.len()..].trim_start_matches('"');
                    (rest.strip_prefix(prefix.as_str())).is_some_and(|rest| !whole || ends(rest))
                })
            }
            Pattern::Jump(to) => (line.strip_suffix(to.as_str()))
                .is_some_and(|rest| rest.ends_with("-j ") || rest.ends_with("-g ")),
            Pattern::Drop(chain) => {
                (line.strip_prefix(&format!("-A {chain} "))).is_some_and(is_drop)
            }
            Pattern::Line(own) => own == line,
            Pattern::End | Pattern::Nothing => false,
        }
    }
}

impl From<Pattern> for Search {
    fn from(pattern: Pattern) -> Self {
        Self {
            pattern,
            passed: None,
        }
    }
}

/// Returns the searches for a LOG rule with this prefix, the shortest first.
fn logs(prefix: &str) -> [Pattern; 3] {
    let prefix = in_word(prefix.trim_end());
    let log = |whole| Pattern::Log {
        prefix: prefix.clone(),
        whole,
    };
    [Pattern::Text(prefix.clone()), log(false), log(true)]
}

/// Whether it is the same to the shell, to grep and to iptables.
fn is_plain(text: &str) -> bool {
    let is_plain = |b: u8| b.is_ascii_alphanumeric() || b == b'_' || b == b'-';
    !text.is_empty() && !text.starts_with('-') && text.bytes().all(is_plain)
}

/// Whether ` *"*\( --\|$\)` matches from the start of `rest`.
fn ends(rest: &str) -> bool {
    let text = rest.trim_start_matches(' ');
    let behind = text.trim_start_matches('"');
    behind.is_empty()
        || behind.starts_with(" --")
        || text.len() < rest.len() && text.starts_with("--")
}

/// Whether the rest of the pattern of a rule that drops all matches `rest`.
fn is_drop(rest: &str) -> bool {
    let skip_word = |text: &str| text.split_once(' ').map(|(_, rest)| rest.to_owned());
    let is_end = |text: &str| text == "-j DROP" || text.starts_with("-j REJECT ");
    let behind = rest.strip_prefix("-i ").and_then(skip_word);
    [Some(rest), behind.as_deref()]
        .into_iter()
        .flatten()
        .any(|rest| {
            let comment = rest.strip_prefix("-m comment --comment ");
            let in_quotes = comment
                .and_then(|text| text.strip_prefix('"')?.split_once("\" "))
                .filter(|(text, _)| !text.contains('"'));
            let word = comment.and_then(|text| text.split_once(' '));
            is_end(rest)
                || [in_quotes, word]
                    .into_iter()
                    .flatten()
                    .any(|(_, rest)| is_end(rest))
        })
}

/// Returns a rule as a line of `iptables -S`, and whether that prints it in just these words.
fn line(chain: &Chain, rule: &Rule) -> (String, bool) {
    let mut matches: Vec<(u8, String)> = Vec::new();
    let (mut modules, mut is_exact) = (0, true);
    for m in &rule.matches {
        let not = if m.negated { "! " } else { "" };
        let mut text = m.to_string();
        let place = match &m.test {
            Test::Net(side, net) => {
                let (place, option) = if *side == Side::Source {
                    (0, 's')
                } else {
                    (1, 'd')
                };
                text = format!("{not}-{option} {net}");
                place
            }
            Test::Interface(Side::Source, name) => {
                text = format!("{not}-i {name}");
                2
            }
            Test::Protocol(proto::TCP | proto::UDP | proto::ICMP) => 3,
            Test::Ports(Ports::Source | Ports::Destination, ranges) if ranges.len() == 1 => {
                let module = rule.protocol().map(proto_name).unwrap_or_default();
                text = format!("-m {module} {text}");
                modules += 1;
                4
            }
            Test::Limit { .. } => {
                modules += 1;
                4
            }
            _ => {
                is_exact = false;
                4
            }
        };
        matches.push((place, text));
    }
    matches.sort_by_key(|(place, _)| *place);
    let mut words = vec![format!("-A {}", chain.name)];
    words.extend(matches.into_iter().map(|(_, text)| text));
    if let Some(comment) = &rule.comment {
        modules += 1;
        words.push(format!("-m comment --comment {}", word(comment)));
    }
    words.push(match &rule.target {
        Target::Jump(to) => format!("-j {to}"),
        Target::Goto(to) => format!("-g {to}"),
        Target::Log(log) => {
            is_exact &= log.flags == 0;
            let prefix = match log.prefix.as_str() {
                "" => String::new(),
                prefix => format!(" --log-prefix {}", word(prefix)),
            };
            let level = match log.level {
                4 => String::new(),
                level => format!(" --log-level {level}"),
            };
            format!("-j LOG{prefix}{level}")
        }
        Target::Reject(with) => format!("-j REJECT --reject-with {with}"),
        target => format!("-j {target}"),
    });
    // Modules stand as they were given, which is not kept.
    (words.join(" "), is_exact && modules < 2)
}

/// Returns a word as iptables prints it (`xtables_save_string`).
fn word(text: &str) -> String {
    let is_plain = |b: u8| b.is_ascii_alphanumeric() || b == b'_' || b == b'-';
    if !text.is_empty() && text.bytes().all(is_plain) {
        return text.to_owned();
    }
    format!("\"{}\"", in_word(text))
}

/// Returns a word as iptables prints it, without the double quotes around it.
fn in_word(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if r#""\'"#.contains(c) {
            out.push('\\');
        }
        out.push(c);
    }
    out
}

/// Escapes `text` for a basic regular expression.
fn pattern(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if r".[]*^$\".contains(c) {
            out.push('\\');
        }
        out.push(c);
    }
    out
}
