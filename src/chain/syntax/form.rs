//! Detection of the form of a text, from its content alone.

use crate::chain::Fault;
use crate::chain::syntax::bare_line;

/// The forms in which chains are printed or written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Form {
    /// `iptables-save`.
    Save,
    /// `iptables -S`.
    Specification,
    /// `iptables -L`.
    Listing,
    /// Harvester's CloudInit, or the stages file that it writes to `/oem`.
    CloudInit,
    /// A shell script of iptables commands.
    Script,
}

/// Detects the form by the first line that only one form has. Dumps may be indented, and follow a prompt; scripts and
/// CloudInits may contain a dump in a here-document, so their own first lines take precedence.
///
/// # Errors
/// If no line settles the form, or the text is in nft's own form.
pub fn detect(text: &str) -> Result<Form, Fault> {
    let mut script = None;
    let mut native = None;
    for (place, line) in text.lines().enumerate() {
        let whole = line.trim_end();
        if is_cloud_init(whole) {
            return Ok(Form::CloudInit);
        }
        let bare = bare_line(whole);
        if script.is_none() && has_tool(bare) {
            script = Some(Form::Script);
            if is_loader(bare) {
                return Ok(Form::Script);
            }
        }
        if place == 0 && bare.starts_with("#!") {
            return Ok(Form::Script);
        }
        if let Some(form) = printed(bare) {
            return Ok(form);
        }
        if bare.starts_with("table ") && bare.ends_with('{') {
            native.get_or_insert(place + 1);
        }
    }
    if let Some(line) = native {
        return Err(Fault::new(
            line,
            "nft's own form is not read; print the chain with `iptables-save`",
        ));
    }
    script.ok_or_else(|| {
        Fault::new(
            1,
            "no chain and no CloudInit in it; print the chain with `iptables-save`, `iptables -S` or `iptables -L -v -n`",
        )
    })
}

/// Returns the form of a line that only a dump has; `None` for any other line.
fn printed(line: &str) -> Option<Form> {
    let declares = |line: &str| {
        let mut words = line.split_whitespace();
        let name = words.next().is_some_and(|name| name.len() > 1);
        name && matches!(words.next(), Some("-" | "ACCEPT" | "DROP"))
    };
    if matches!(line, "*filter" | "*nat" | "*mangle" | "*raw" | "*security")
        || line.starts_with(':') && declares(line)
    {
        return Some(Form::Save);
    }
    if line.starts_with("Chain ") && line.contains('(') {
        return Some(Form::Listing);
    }
    let begins = |start: &str| line.starts_with(start);
    (begins("-A ") || begins("-P ") || begins("-N ") || begins("[") && line.contains("] -A "))
        .then_some(Form::Specification)
}

/// Whether a line is a top-level key of a CloudInit, or the first line of a cloud-config.
fn is_cloud_init(line: &str) -> bool {
    if line == "#cloud-config" {
        return true;
    }
    let key = line.strip_prefix("- ").unwrap_or(line);
    if key.starts_with([' ', '\t']) && !line.trim_start().starts_with('"') {
        return false;
    }
    let key = key.trim_start_matches([' ', '\t', '{', '"', '\'']);
    let is_key = |name: &str| {
        key.strip_prefix(name)
            .is_some_and(|rest| rest.trim_start_matches(['"', '\'', ' ']).starts_with(':'))
    };
    ["apiVersion", "kind", "stages", "items"]
        .into_iter()
        .any(is_key)
}

fn has_tool(line: &str) -> bool {
    !line.starts_with('#') && (line.contains("iptables") || line.contains("ip6tables"))
}

/// Whether a line is a command that reads a dump from a here-document.
fn is_loader(line: &str) -> bool {
    line.contains("-restore") && line.contains("<<")
}

/// Whether a line is a shell's prompt with a command behind it, or a command alone: `harvester1:~ # iptables -S`.
pub(in crate::chain) fn is_prompt(line: &str) -> bool {
    let command = |rest: &str| {
        let first = rest.split_whitespace().find(|word| *word != "sudo");
        first.is_none_or(|word| word.contains("tables"))
    };
    let prompt = |mark: &str| {
        line.split_once(mark).is_some_and(|(host, rest)| {
            let host = host.trim();
            (host.is_empty() || host.contains([':', '@', ']']))
                && !host.contains("  ")
                && command(rest)
        })
    };
    (line.starts_with("iptables") || line.starts_with("ip6tables") || line.starts_with("sudo "))
        || ["# ", "$ ", "> "].iter().any(|mark| prompt(mark))
        || line.ends_with(['#', '$'])
            && line.contains([':', '@'])
            && line.split_whitespace().count() < 4
}
