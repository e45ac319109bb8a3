//! Which form a text is of, from its content alone.

use crate::chain::Fault;

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

/// Decides by the first line that only one form has.
///
/// # Errors
/// Where no line tells, or the text is nft's own form.
pub fn detect(text: &str) -> Result<Form, Fault> {
    let mut script = None;
    for (place, line) in text.lines().enumerate() {
        let bare = line.trim_end();
        if let Some(form) = telling(bare) {
            return Ok(form);
        }
        if bare.starts_with("table ") && bare.ends_with('{') {
            return Err(Fault::new(
                place + 1,
                "nft's own form is not read; print the chain with `iptables-save`",
            ));
        }
        if script.is_none() && has_tool(bare) {
            script = Some(Form::Script);
        }
    }
    script.ok_or_else(|| {
        Fault::new(
            1,
            "no chain and no CloudInit in it; print the chain with `iptables-save`, `iptables -S` or `iptables -L -v -n`",
        )
    })
}

fn telling(line: &str) -> Option<Form> {
    if line.starts_with('*') || line.starts_with(':') && line.contains(' ') {
        return Some(Form::Save);
    }
    if line.starts_with("Chain ") && line.contains('(') {
        return Some(Form::Listing);
    }
    if line.starts_with("-A ") || line.starts_with('[') && line.contains("] -A ") {
        return Some(Form::Specification);
    }
    if line.starts_with("-P ") || line.starts_with("-N ") {
        return Some(Form::Specification);
    }
    let key = line.trim_start_matches(['-', ' ', '\t', '{', '"', '\'']);
    let is_key = |name: &str| {
        key.strip_prefix(name)
            .is_some_and(|rest| rest.trim_start_matches(['"', '\'', ' ']).starts_with(':'))
    };
    ["apiVersion", "kind", "stages", "items"]
        .into_iter()
        .any(is_key)
        .then_some(Form::CloudInit)
}

fn has_tool(line: &str) -> bool {
    !line.trim_start().starts_with('#') && (line.contains("iptables") || line.contains("ip6tables"))
}
