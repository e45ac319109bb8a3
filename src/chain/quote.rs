//! Shell quoting: the names in a chain's text are untrusted, and a printed command may be pasted into a root shell.

use std::borrow::Cow;

use crate::error::printable;

/// Quotes `word` for a shell: unquoted where no character in it is special, otherwise in single quotes.
pub fn quoted(word: &str) -> Cow<'_, str> {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"_-+.,:/=@%".contains(&b);
    if !word.is_empty() && word.bytes().all(plain) {
        return word.into();
    }
    format!("'{}'", word.replace('\'', "'\\''")).into()
}

/// `NODE=VALUE`, the value of an option such as `--role`, as one word that can be shown and pasted.
pub fn of_node(node: &str, value: &str) -> String {
    printable(&quoted(&format!("{node}={value}")))
}

#[cfg(test)]
mod tests {
    use super::{of_node, quoted};

    #[test]
    fn the_name_of_a_node_is_no_command() {
        assert_eq!(of_node("harvester1", "worker"), "harvester1=worker");
        assert_eq!(of_node("x;halt", "ROLE"), "'x;halt=ROLE'");
        assert_eq!(of_node("a b", "FILE"), "'a b=FILE'");
    }

    #[test]
    fn a_word_stays_a_word() {
        assert_eq!(quoted("HARVESTER_INPUT"), "HARVESTER_INPUT");
        assert_eq!(quoted("mgmt-br.2025"), "mgmt-br.2025");
        assert_eq!(quoted(""), "''");
        assert_eq!(quoted("$(reboot)"), "'$(reboot)'");
        assert_eq!(quoted("it's"), "'it'\\''s'");
        assert_eq!(quoted("eth+ b"), "'eth+ b'");
    }
}
