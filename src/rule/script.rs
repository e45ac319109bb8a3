//! Shell scripts that find the insertion point on the node, at run time: [`accept`] for rules, [`split_log`] for LOG
//! rules.
//!
//! Their functions are in `script/`: shell around three programs for awk, of which `walk.awk` follows a connection
//! through the output of `iptables -S`. Below them is one line for each rule.

use std::io::{self, Write};

use super::{Disposition, Offer};
use crate::chain::{Family, quoted};
use crate::error::{printable, printable_name};

const COMMON: &str = include_str!("script/common.sh");
const ACCEPT: &str = include_str!("script/accept.sh");
const SPLIT: &str = include_str!("script/split.sh");
/// The programs for awk, each by the name of its shell variable.
const PROGRAMS: [(&str, &str); 4] = [
    ("words", include_str!("script/words.awk")),
    ("walk", include_str!("script/walk.awk")),
    ("requote", include_str!("script/requote.awk")),
    ("find_marked", include_str!("script/find_marked.awk")),
];

/// A LOG rule whose limit hid lines, to be split in three: opening SYNs, other protocols, and the rest of TCP, so that a
/// storm of one kind of packet hides no other.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Split {
    pub node: String,
    pub family: Family,
    /// Interface on which the drops arrived.
    pub interface: String,
}

/// Writes the script that puts `rules` into the running chains; those to be reviewed as comments.
pub(super) fn accept(offer: &Offer<'_>, out: &mut dyn Write) -> io::Result<()> {
    let rules = offer.rules;
    if rules.is_empty() {
        return writeln!(out, "# {}", offer.no_rule);
    }
    let about = "\
# ACCEPT rules that a drop log asks for. Run it on each node: each rule goes before the LOG rule of the chain that INPUT
# leads to, wherever that stands now, and running it twice changes nothing. A rule behind `decide first` is for you to
# decide about: take the words off to have it.";
    functions(about, ACCEPT, offer.prefixes, out)?;
    let mut node = None;
    for rule in rules {
        if node != Some(&rule.node) {
            let own = rules.iter().filter(|known| known.node == rule.node);
            let role = format!("# {} ({})", printable_name(&rule.node), rule.role);
            part(&role, &rule.node, own.map(|rule| rule.family), out)?;
            node = Some(&rule.node);
        }
        if let Some(doubt) = &rule.doubt {
            writeln!(out, "# {}", printable(&doubt.text()))?;
        }
        let mark = match rule.disposition {
            Disposition::Documented => "",
            Disposition::Review => "# decide first: ",
        };
        let within = (rule.within.as_deref())
            .map_or_else(String::new, |chain| format!("-c {} ", quoted(chain)));
        writeln!(
            out,
            "{mark}accept {}{} {} \"{}\" {}",
            within,
            rule.program(),
            interface(&rule.interface),
            rule.comment(),
            rule.matches_text(),
        )?;
    }
    writeln!(out, "\nfinish")
}

/// Writes the script that splits LOG rules.
pub(super) fn split_log(offer: &Offer<'_>, out: &mut dyn Write) -> io::Result<()> {
    if offer.splits.is_empty() {
        return writeln!(out, "# {}", offer.no_split);
    }
    let about = "\
# Three limited LOG rules in place of one, so that a storm of one kind of packet hides no other. Run it on each node. At
# no time is the chain without its LOG and its DROP. The CloudInit resource keeps the one rule until you change its LOG
# line into the three as well.";
    functions(about, SPLIT, offer.prefixes, out)?;
    for split in offer.splits {
        let name = format!("# {}", printable_name(&split.node));
        part(&name, &split.node, [split.family].into_iter(), out)?;
        let (tool, interface) = (split.family.tool(), interface(&split.interface));
        writeln!(out, "split_log {tool} {interface}")?;
    }
    writeln!(out, "\nfinish")
}

/// Writes the functions that precede the parts of the nodes.
fn functions(about: &str, own: &str, prefixes: &[String], out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "#!/bin/sh\n{about}\n{COMMON}")?;
    let list = prefixes.join("\n").replace('\'', "'\\''");
    writeln!(
        out,
        "# How the --log-prefix of the LOG rule begins, one a line.\nprefixes='{list}'\n"
    )?;
    for (name, program) in PROGRAMS {
        writeln!(out, "{name}='\n{program}'\n")?;
    }
    writeln!(out, "{own}")
}

/// Begins the part of a node, for the tools of its rules.
fn part(
    title: &str,
    node: &str,
    families: impl Iterator<Item = Family>,
    out: &mut dyn Write,
) -> io::Result<()> {
    let mut tools: Vec<&str> = families.map(Family::tool).collect();
    tools.sort_unstable();
    tools.dedup();
    writeln!(
        out,
        "\n{title}\npart {} {}",
        host_name(node),
        tools.join(" ")
    )
}

/// Returns a node's name as a word. The text of a log is untrusted: characters that no host name has become `_`, which
/// no host name has either (hostname(7)), so that the part matches no host.
fn host_name(name: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-.".contains(c);
    let tame: String = name
        .chars()
        .map(|c| if plain(c) { c } else { '_' })
        .collect();
    match tame.strip_prefix('-') {
        Some(rest) => format!("_{rest}"),
        None if tame.is_empty() => "_".to_owned(),
        None => tame,
    }
}

/// Returns an interface as a word; empty, for any, if the text of the log is no name that `-i` accepts
/// (`dev_valid_name`, IFNAMSIZ).
fn interface(name: &str) -> String {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"-._@:".contains(&b);
    if (1..16).contains(&name.len()) && name.bytes().all(plain) {
        quoted(name).into_owned()
    } else {
        "''".to_owned()
    }
}
