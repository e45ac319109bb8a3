//! Exit status of commands outside of iptables, as far as a text shows it: tests, searches in listings, written files.

use std::collections::BTreeMap;

use crate::chain::{Family, RuleSet};

/// Upper bound on the rules that one run lists for searches; the result of further searches is unknown.
const MAX_LISTED: usize = 100_000;

/// Exit status of a command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Status {
    Yes,
    No,
    /// A status that depends on the node.
    Unknown,
}

impl Status {
    pub(super) const fn not(self) -> Self {
        match self {
            Self::Yes => Self::No,
            Self::No => Self::Yes,
            Self::Unknown => Self::Unknown,
        }
    }
}

impl From<bool> for Status {
    fn from(yes: bool) -> Self {
        if yes { Self::Yes } else { Self::No }
    }
}

/// Removes wrappers, commands that run the words behind them.
pub(super) fn without_wrappers(words: &[String]) -> &[String] {
    let mut words = words;
    while let Some((first, rest)) = words.split_first()
        && matches!(
            first.as_str(),
            "sudo" | "exec" | "nohup" | "env" | "command" | "builtin" | "time"
        )
        && !rest.first().is_some_and(|next| next.starts_with('-'))
        && !rest.is_empty()
    {
        words = rest;
    }
    words
}

/// Whether a word names a tool that makes chains.
pub(super) fn is_tool(word: &str) -> bool {
    let name = word.rsplit('/').next().unwrap_or_default();
    name.starts_with("iptables") || name.starts_with("ip6tables")
}

/// Whether a path looks like a script that makes rules.
pub(super) fn may_be_firewall(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or_default();
    let speaks = ["firewall", "iptables", "fw", "rules", "netfilter"]
        .iter()
        .any(|word| name.contains(word));
    path.starts_with('/') && (name.ends_with(".sh") || speaks) && !is_tool(path)
}

/// Returns the status of a command that is not of the firewall.
pub(super) fn status(words: &[String], files: &BTreeMap<String, (String, usize)>) -> Status {
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    match words[..] {
        [
            "true" | ":" | "echo" | "printf" | "logger" | "sleep" | "modprobe" | "sysctl" | "mkdir"
            | "touch" | "chmod" | "chown" | "cd" | "umask" | "trap" | "shift" | "sync" | "cat"
            | "tee" | "ipset" | "cp" | "mv" | "rm" | "wait",
            ..,
        ] => Status::Yes,
        ["false", ..] => Status::No,
        ["[", ref test @ .., "]"] | ["[[", ref test @ .., "]]"] | ["test", ref test @ ..] => {
            tested(test, files)
        }
        ["command", "-v", name] | ["which" | "type" | "hash", name] if is_tool(name) => Status::Yes,
        _ => Status::Unknown,
    }
}

fn tested(test: &[&str], files: &BTreeMap<String, (String, usize)>) -> Status {
    match *test {
        ["!", ref rest @ ..] => tested(rest, files).not(),
        ["-f" | "-e" | "-x" | "-r" | "-s", path] if files.contains_key(path) || is_tool(path) => {
            Status::Yes
        }
        ["-n", text] => (!text.is_empty()).into(),
        ["-z", text] => text.is_empty().into(),
        [text] => (!text.is_empty()).into(),
        [one, "=" | "==", other] => (one == other).into(),
        [one, "!=", other] => (one != other).into(),
        [one, how, other] => match (one.parse::<i64>(), other.parse::<i64>()) {
            (Ok(one), Ok(other)) => match how {
                "-eq" => (one == other).into(),
                "-ne" => (one != other).into(),
                "-lt" => (one < other).into(),
                "-le" => (one <= other).into(),
                "-gt" => (one > other).into(),
                "-ge" => (one >= other).into(),
                _ => Status::Unknown,
            },
            _ => Status::Unknown,
        },
        _ => Status::Unknown,
    }
}

/// Evaluates `iptables -S INPUT | grep -q -- TEXT`: whether the listing contains the text; unknown for all other
/// pipelines.
pub(super) fn searched(
    set: &RuleSet,
    pipeline: &[Option<Vec<String>>],
    listed: &mut usize,
) -> Status {
    let [Some(first), rest @ ..] = pipeline else {
        return Status::Unknown;
    };
    let Some((family, lists)) = lists(first) else {
        return Status::Unknown;
    };
    if *listed > MAX_LISTED {
        return Status::Unknown;
    }
    let mut lines = listing(set, family, lists);
    *listed += lines.len();
    let mut found = Status::Yes;
    for words in rest {
        let Some((pattern, inverted)) = words.as_deref().and_then(pattern) else {
            return Status::Unknown;
        };
        lines.retain(|line| line.contains(&pattern) != inverted);
        found = (!lines.is_empty()).into();
    }
    found
}

/// Returns the family and the chain that a command lists.
fn lists(words: &[String]) -> Option<(Family, Option<&str>)> {
    let name = words.first()?.rsplit('/').next()?;
    match name {
        "iptables-save" => return Some((Family::V4, None)),
        "ip6tables-save" => return Some((Family::V6, None)),
        _ => {}
    }
    let (family, rest) = tool(words)?;
    let at = rest.iter().position(|word| {
        matches!(word.as_str(), "--list" | "--list-rules")
            || word.starts_with('-') && !word.starts_with("--") && word.contains(['L', 'S'])
    })?;
    let chain = rest.get(at + 1).filter(|word| !word.starts_with('-'));
    Some((family, chain.map(String::as_str)))
}

/// Lists the rules as `iptables -S` would print them, with the words of `-L` as well, so that searches of either find
/// them.
fn listing(set: &RuleSet, family: Family, chain: Option<&str>) -> Vec<String> {
    let wanted = set
        .chains()
        .iter()
        .filter(|known| known.family == family && chain.is_none_or(|name| known.name == name));
    let mut out = Vec::new();
    for chain in wanted {
        out.push(format!(":{0} -P {0} -N {0} Chain {0}", chain.name));
        out.extend(
            chain
                .rules
                .iter()
                .map(|rule| format!("-A {} {rule} {}", chain.name, rule.target)),
        );
    }
    out
}

/// Returns the fixed text that a `grep` searches for, and whether for lines without it; `None` for a regular expression.
fn pattern(words: &[String]) -> Option<(String, bool)> {
    let name = words.first()?.rsplit('/').next()?;
    if !matches!(name, "grep" | "fgrep") {
        return None;
    }
    let mut inverted = false;
    let mut fixed = name == "fgrep";
    for (at, word) in words.iter().enumerate().skip(1) {
        if word == "--" || word == "-e" {
            return plain(words.get(at + 1)?, fixed).map(|text| (text, inverted));
        }
        let Some(letters) = word.strip_prefix('-') else {
            return plain(word, fixed).map(|text| (text, inverted));
        };
        inverted |= letters.contains('v');
        fixed |= letters.contains('F');
        if letters.contains(['c', 'P', 'f', 'o']) {
            return None;
        }
    }
    None
}

fn plain(text: &str, fixed: bool) -> Option<String> {
    let text = if fixed {
        text.to_owned()
    } else {
        text.replace("\\-", "-")
    };
    (fixed || !text.contains(['*', '[', '^', '$', '\\', '?', '+', '|', '('])).then_some(text)
}

/// Whether a word matches a pattern of `case`; `None` where the pattern is more than text with a `*` at its ends.
pub(super) fn matches_pattern(word: &str, pattern: &str) -> Option<bool> {
    let inner = pattern.trim_matches('*');
    if inner.contains(['*', '?', '[']) {
        return None;
    }
    Some(match (pattern.starts_with('*'), pattern.ends_with('*')) {
        (true, true) => word.contains(inner),
        (true, false) => word.ends_with(inner),
        (false, true) => word.starts_with(inner),
        (false, false) => word == pattern,
    })
}

/// Returns the family of the tool that a command calls, and the words behind its name.
pub(super) fn tool(words: &[String]) -> Option<(Family, &[String])> {
    let (name, rest) = without_wrappers(words).split_first()?;
    match name.rsplit('/').next()? {
        "iptables" | "iptables-nft" | "iptables-legacy" => Some((Family::V4, rest)),
        "ip6tables" | "ip6tables-nft" | "ip6tables-legacy" => Some((Family::V6, rest)),
        _ => None,
    }
}
