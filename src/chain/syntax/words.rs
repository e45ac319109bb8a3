//! The words of a line as `iptables-restore` cuts them (`add_param_to_argv()` of xshared.c).
//!
//! Not the shell's way: inside double quotes a backslash makes any next character plain, and `iptables-save` writes
//! `\'` there.

/// Cuts `line` into words; `None` where a quote stays open.
pub(in crate::chain) fn words(line: &str) -> Option<Vec<String>> {
    let mut out = Vec::new();
    let mut word: Option<String> = None;
    let mut quoted = false;
    let mut chars = line.chars();
    while let Some(c) = chars.next() {
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
    (!quoted).then_some(out)
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
        assert_eq!(words(r#"a "b"#), None);
    }
}
