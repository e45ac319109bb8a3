//! The words of a line as `iptables-restore` cuts them (`add_param_to_argv()` of xshared.c).
//!
//! Not the shell's way: inside double quotes a backslash makes any next character plain, and `iptables-save` writes
//! `\'` there.

/// Upper bound on the words of a line (`MAX_ARGC` of xshared.h).
const MAX_WORDS: usize = 255;

/// Cuts `line` into words.
///
/// # Errors
/// If a quote stays open, or it has more words than `iptables-restore` takes.
pub(in crate::chain) fn words(line: &str) -> Result<Vec<String>, &'static str> {
    let mut out = Vec::new();
    let mut word: Option<String> = None;
    let mut quoted = false;
    let mut chars = line.chars();
    while let Some(c) = chars.next() {
        if out.len() > MAX_WORDS {
            break;
        }
        match c {
            '\\' if quoted => word.get_or_insert_default().extend(chars.next()),
            '"' => {
                quoted = !quoted;
                word.get_or_insert_default();
            }
            ' ' | '\t' | '\r' if !quoted => out.extend(word.take()),
            _ => word.get_or_insert_default().push(c),
        }
    }
    out.extend(word);
    match quoted {
        _ if out.len() > MAX_WORDS => Err("more than 255 words"),
        true => Err("a quote stays open"),
        false => Ok(out),
    }
}

#[cfg(test)]
mod tests {
    use super::words;

    #[test]
    fn as_iptables_restore_cuts() {
        assert_eq!(
            words(r#"-m comment --comment "it\'s \"q\" " -j  LOG"#).unwrap(),
            ["-m", "comment", "--comment", "it's \"q\" ", "-j", "LOG"]
        );
        assert_eq!(words(r#"a "" b"#).unwrap(), ["a", "", "b"]);
        assert_eq!(words(r#"a "b"#), Err("a quote stays open"));
        assert_eq!(words(&"a ".repeat(255)).unwrap().len(), 255);
        assert_eq!(words(&"a ".repeat(256)), Err("more than 255 words"));
    }
}
