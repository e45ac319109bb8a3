//! Suggestions for misspelt words: the nearest known word.

use crate::error::printable_name;
use strsim::damerau_levenshtein;

/// Returns the word of `known` that is nearest to `typed`, if one is near: at most one edit for every three letters, or
/// `typed` is a part of it.
pub(crate) fn nearest<'k>(
    typed: &str,
    known: impl IntoIterator<Item = &'k str>,
) -> Option<&'k str> {
    /// Shorter parts occur in too many words.
    const SHORTEST_PART: usize = 3;
    /// Longer words are no typing errors, and the comparison takes the product of the lengths.
    const MAX_WORD: usize = 100;
    let typed = typed.to_lowercase();
    if typed.len() > MAX_WORD {
        return None;
    }
    let slips = |word: &'k str| {
        let lower = word.to_lowercase();
        let slips = damerau_levenshtein(&typed, &lower);
        let is_part = typed.len() >= SHORTEST_PART && lower.contains(&typed);
        let allowed = (word.chars().count() / 3).max(1);
        (slips <= allowed || is_part).then_some((slips, word))
    };
    let near = known.into_iter().filter_map(slips).min();
    near.map(|(_, word)| word)
}

/// ` did you mean …?`, where a known word is near.
pub(crate) fn hint<'k>(typed: &str, known: impl IntoIterator<Item = &'k str>) -> String {
    nearest(typed, known).map_or_else(String::new, |word| {
        format!(" did you mean `{}`?", printable_name(word))
    })
}

#[cfg(test)]
mod tests {
    use super::nearest;

    #[test]
    fn slips_are_near_and_other_words_are_not() {
        let known = ["rules", "audit", "simulate", "explain", "ports", "man"];
        for (typed, meant) in [
            ("audti", Some("audit")),
            ("Audit", Some("audit")),
            ("rule", Some("rules")),
            ("explian", Some("explain")),
            ("simul", Some("simulate")),
            ("kernel.log", None),
            ("a", None),
            ("", None),
        ] {
            assert_eq!(nearest(typed, known), meant, "{typed}");
        }
    }
}
