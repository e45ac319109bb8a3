//! The stanza of a configuration that accepts one finding.

use crate::date::Date;
use crate::error::{is_hostile, printable};
use crate::finding::Finding;
use crate::packet::proto_name;

/// Whether `text` can stand in a stanza as it is: a reason is for people, and shows all that it says.
pub fn is_quotable(text: &str) -> bool {
    !text.trim().is_empty() && !text.chars().any(is_hostile)
}

/// Returns the stanza that accepts `finding` and no other until the end of `until`: its id, and the peers that it has
/// now, so that another peer's drops count. What it is of stands in a comment.
pub fn stanza(finding: &Finding, reason: &str, until: Date) -> String {
    let mut lines = vec!["[[accept]]".to_owned()];
    let mut key = |key: &str, value: String| lines.push(format!("{key} = {value}"));
    key("verdict", quoted(finding.verdict().code()));
    key("id", quoted(&finding.id));
    key("node", quoted(&finding.node));
    if let Some(proto) = finding.key.proto {
        key("proto", quoted(&proto_name(proto)));
        if let Some(port) = finding.port {
            key("port", port.to_string());
        }
    }
    let peers = finding.peers.iter().map(ToString::to_string);
    let peers: Vec<String> = peers
        .chain(finding.networks.iter().map(ToString::to_string))
        .collect();
    let peers: Vec<String> = peers.iter().map(|peer| quoted(peer)).collect();
    match &peers[..] {
        [] => {}
        [only] => key("peer", only.clone()),
        several => key("peer", format!("[{}]", several.join(", "))),
    }
    key("cause", quoted(finding.cause.code));
    key("reason", quoted(reason));
    key("until", until.to_string());
    if let Some(service) = finding.service {
        lines[0].push_str(&format!(" # {}", printable(service)));
    }
    lines.join("\n") + "\n"
}

/// Quotes `text` as a basic string of TOML, with escapes for control characters and characters that hide text: it is
/// untrusted.
fn quoted(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for c in text.chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            c if is_hostile(c) => out.push_str(&format!("\\U{:08X}", u32::from(c))),
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

#[cfg(test)]
mod tests {
    use super::quoted;

    #[test]
    fn whatever_a_name_has_toml_reads_it_back() {
        for text in [
            "harvester1",
            "a\"b\\c",
            "x\ny\"]\n[[accept]]",
            "\u{1b}[31m\u{202e}",
            "\u{0}\u{7f}\u{85}",
            "ü☃\u{1f600}",
            "'''",
            "",
        ] {
            let line = format!("name = {}", quoted(text));
            assert!(!line.chars().any(crate::error::is_hostile), "{line}");
            let table: toml::Table = line.parse().unwrap();
            assert_eq!(table["name"].as_str(), Some(text));
        }
    }
}
