//! What may reach a terminal or a file that a user opens.

/// Characters that steer a terminal or turn the reading direction: C0 but for the line's end, DEL, C1, line separators
/// and the bidi marks of Unicode (UAX #9).
fn steers(c: char) -> bool {
    match c {
        '\n' => false,
        '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => {
            true
        }
        _ => c.is_control(),
    }
}

/// `bytes` as text, which has nothing in it that steers a terminal.
pub fn plain(what: &str, bytes: Vec<u8>) -> String {
    let text = String::from_utf8(bytes).unwrap_or_else(|_| panic!("{what} is no UTF-8"));
    if let Some(c) = text.chars().find(|c| steers(*c)) {
        panic!("{what} has a raw {c:?}: {text:?}");
    }
    text
}

/// The same of text in colours, which is given back without them.
pub fn colored(what: &str, bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    let mut parts = text.split("\u{1b}[");
    let mut out = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        // SGR, and nothing else that a terminal does.
        let end = part
            .find(|c: char| !c.is_ascii_digit() && c != ';')
            .unwrap_or(part.len());
        let after = part[end..].strip_prefix('m');
        out += after.unwrap_or_else(|| panic!("{what} has an escape that is no colour: {text:?}"));
    }
    plain(what, out.into_bytes())
}

/// A JSON document on one line, with nothing raw in it.
pub fn json(what: &str, bytes: Vec<u8>) -> serde_json::Value {
    let text = plain(what, bytes);
    serde_json::from_str(&text).unwrap_or_else(|why| panic!("{what} is no JSON: {why}: {text}"))
}
