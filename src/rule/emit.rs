//! Rules as text to apply: a shell script, lines for a CloudInit resource, or that resource with the lines in it.

use std::io::{self, Write};

use similar::TextDiff;

use super::{AcceptRule, CloudInitFile, Split, script};
use crate::error::{Error, printable};

/// Rules and options to be written.
#[derive(Debug, Clone, Copy)]
pub struct Offer<'a> {
    pub rules: &'a [AcceptRule],
    /// LOG rules to split, of the nodes where their limit hid lines.
    pub splits: &'a [Split],
    /// Starts of the LOG rule's prefix.
    pub prefixes: &'a [String],
    /// The CloudInit to be patched.
    pub file: Option<CloudInitFile<'a>>,
    /// What to say where there is no rule to add, and where no LOG rule is to be split.
    pub no_rule: &'a str,
    pub no_split: &'a str,
    /// The patch as a unified diff.
    pub diff: bool,
}

/// A form of the rules.
pub struct Emitter {
    /// Name of the form on the command line.
    pub code: &'static str,
    pub title: &'static str,
    /// Whether the first input is a CloudInit to be changed, no log.
    pub patches: bool,
    /// Whether it is a script, to be run on the nodes.
    pub is_script: bool,
    /// Writes the rules. Returns notes for the reader, one line each.
    pub emit: fn(&Offer<'_>, &mut dyn Write) -> Result<Vec<String>, Error>,
}

/// All forms, the default first.
pub const EMITTERS: &[&Emitter] = &[&IPTABLES, &CLOUDINIT, &CLOUDINIT_PATCH, &SPLIT_LOG];

static IPTABLES: Emitter = Emitter {
    code: "iptables",
    title: "a shell script that changes the running chain",
    patches: false,
    is_script: true,
    emit: |offer, out| told(script::accept(offer, out)),
};

static CLOUDINIT: Emitter = Emitter {
    code: "cloudinit",
    title: "lines for the CloudInit resource of each role",
    patches: false,
    is_script: false,
    emit: |offer, out| told(cloudinit(offer, out)),
};

static CLOUDINIT_PATCH: Emitter = Emitter {
    code: "cloudinit-patch",
    title: "your CloudInit, the first input, with the lines in it",
    patches: true,
    is_script: false,
    emit: cloudinit_patch,
};

static SPLIT_LOG: Emitter = Emitter {
    code: "split-log",
    title: "three limited LOG rules in place of one, where its limit hid lines",
    patches: false,
    is_script: true,
    emit: |offer, out| told(script::split_log(offer, out)),
};

fn told(written: io::Result<()>) -> Result<Vec<String>, Error> {
    written.map(|()| Vec::new()).map_err(Error::Output)
}

/// Mark of a rule that needs the user's decision.
const DECIDE: &str = "decide first";

fn cloudinit(offer: &Offer<'_>, out: &mut dyn Write) -> io::Result<()> {
    let rules = offer.rules;
    if rules.is_empty() {
        return writeln!(out, "# {}", offer.no_rule);
    }
    writeln!(
        out,
        "# Lines for the CloudInit resource of each role, before its LOG line. Edit the resource that exists: a second"
    )?;
    writeln!(
        out,
        "# one with the same file name is refused. They take effect at the next boot."
    )?;
    let mut told: Vec<(&str, String)> = Vec::new();
    for rule in rules {
        let line = rule.append();
        if told
            .iter()
            .any(|(role, known)| *role == rule.role.code() && *known == line)
        {
            continue;
        }
        if !told.iter().any(|(role, _)| *role == rule.role.code()) {
            writeln!(out, "\n# {}", rule.role)?;
        }
        let mark = match rule.is_for_role(rules) {
            true => String::new(),
            false => format!("# {DECIDE}: "),
        };
        writeln!(out, "{mark}- {line}")?;
        told.push((rule.role.code(), line));
    }
    Ok(())
}

/// Returns the unified diff from `old` to `new`, for patch(1): only a line feed ends a line.
fn diff(name: &str, old: &str, new: &str) -> String {
    let [old, new] = [old, new].map(|text| text.split_inclusive('\n').collect::<Vec<_>>());
    let diff = TextDiff::configure()
        .newline_terminated(true)
        .diff_slices(&old, &new);
    let mut text = diff.unified_diff().header(name, name).to_string();
    // The diff crate treats a lone carriage return as a line end.
    if text.ends_with('\r') {
        text.push_str("\n\\ No newline at end of file\n");
    }
    text
}

/// Writes the user's file with the rules inserted, or the diff.
fn cloudinit_patch(offer: &Offer<'_>, out: &mut dyn Write) -> Result<Vec<String>, Error> {
    let Some(file) = offer.file else {
        return Err(Error::Usage(
            "the form cloudinit-patch changes a file; name it as the first input, before the logs"
                .to_owned(),
        ));
    };
    let patched = file.patched(offer.rules)?;
    let text = if offer.diff {
        diff(&printable(file.name), file.text, &patched.text)
    } else {
        patched.text
    };
    out.write_all(text.as_bytes()).map_err(Error::Output)?;
    let mut notes = patched.notes;
    if patched.added > 0 {
        let advice = [
            "it takes effect at the next boot: a reboot is needed, or the script of `dropsift rules` on the nodes as well",
            "edit the CloudInit that exists: a second one with the same file name is refused",
            "keep the selectors exclusive: a node that two of them pick makes its chain twice",
        ];
        notes.extend(advice.map(str::to_owned));
    }
    Ok(notes)
}
