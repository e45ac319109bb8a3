//! Gauges and counters of the inputs, a series each.

use std::collections::BTreeMap;

use super::{Family, label};
use crate::time::{SECOND, Time};

/// Upper bound on the inputs with a series each; further ones have one together, under [`OTHER_INPUTS`].
const MAX_INPUTS: usize = 20;
/// Source label of the series for inputs beyond [`MAX_INPUTS`].
const OTHER_INPUTS: &str = "other";
/// Upper bound on the characters of a source label; of a longer name the end is kept, which tells files apart.
const MAX_NAME: usize = 100;
/// Name of the journal of this machine.
const JOURNAL: &str = "journal";

/// State of an input.
#[derive(Debug, Clone, PartialEq)]
pub struct InputState {
    /// Name of the input, as the user wrote it; empty for the journal of this machine.
    pub name: String,
    /// Whether it can still be read.
    pub is_up: bool,
    /// Time of the last bytes; `None` before the first.
    pub last_read: Option<Time>,
    /// Number of kernel messages that were lost, by its notices.
    pub lost: u64,
}

impl InputState {
    fn source(&self) -> String {
        if self.name.is_empty() {
            return JOURNAL.to_owned();
        }
        let name = label(&self.name);
        let Some(above) = name.chars().count().checked_sub(MAX_NAME) else {
            return name;
        };
        let end = name.chars().skip(above + 1);
        std::iter::once('\u{2026}').chain(end).collect()
    }
}

/// Returns whether each input can be read, when it was, and what was lost before.
pub(super) fn families(inputs: &[InputState]) -> [Family; 3] {
    let mut up: BTreeMap<String, f64> = BTreeMap::new();
    let mut read = BTreeMap::new();
    let mut lost = BTreeMap::new();
    for (number, input) in inputs.iter().enumerate() {
        let source = if number < MAX_INPUTS {
            input.source()
        } else {
            OTHER_INPUTS.to_owned()
        };
        // Of several inputs under one name, the worst counts: an alert must not miss it.
        let is_up = f64::from(u8::from(input.is_up));
        let last = (input.last_read).map_or(0.0, |time| time.0 as f64 / SECOND as f64);
        let known = up.entry(source.clone()).or_insert(is_up);
        *known = known.min(is_up);
        let known = read.entry(source.clone()).or_insert(last);
        *known = last.min(*known);
        *lost.entry(source).or_default() += input.lost as f64;
    }
    let family = |name, help, is_counter, values: BTreeMap<String, f64>| Family {
        name,
        help,
        is_counter,
        series: values
            .into_iter()
            .map(|(source, value)| (vec![("source", source)], value))
            .collect(),
    };
    [
        family(
            "dropsift_input_up",
            "Whether the input can be read",
            false,
            up,
        ),
        family(
            "dropsift_input_last_read_timestamp_seconds",
            "When the input gave bytes last",
            false,
            read,
        ),
        family(
            "dropsift_input_lost",
            "Kernel messages that the log says were lost",
            true,
            lost,
        ),
    ]
}

#[cfg(test)]
mod tests {
    use super::{Family, InputState, families};
    use crate::time::Time;

    fn input(name: &str, is_up: bool) -> InputState {
        InputState {
            name: name.to_owned(),
            is_up,
            last_read: Some(Time(i64::from(is_up) * 5_000_000)),
            lost: 1,
        }
    }

    fn series(family: &Family) -> Vec<(&str, f64)> {
        let series = family.series.iter();
        series
            .map(|(labels, value)| (&labels[0].1[..], *value))
            .collect()
    }

    #[test]
    fn each_input_has_a_series_and_many_share_one() {
        let [up, read, lost] = families(&[input("a", true), input("", false)]);
        assert_eq!(series(&up), [("a", 1.0), ("journal", 0.0)]);
        assert_eq!(series(&read), [("a", 5.0), ("journal", 0.0)]);
        assert_eq!(series(&lost), [("a", 1.0), ("journal", 1.0)]);
        let mut many: Vec<InputState> = (0..30).map(|n| input(&format!("{n:02}"), true)).collect();
        many[25].is_up = false;
        let [up, _, lost] = families(&many);
        assert_eq!(up.series.len(), 21);
        assert_eq!(series(&up)[20], ("other", 0.0));
        assert_eq!(series(&lost)[20], ("other", 10.0));
    }

    #[test]
    fn names_are_short_and_have_their_end() {
        let long = format!("/{}/kern.log", "x".repeat(5_000));
        let [up, ..] = families(&[input(&long, true), input("a\u{202e}b", true)]);
        let names: Vec<&str> = series(&up).into_iter().map(|(name, _)| name).collect();
        assert!(names[1].chars().count() == 100 && names[1].ends_with("x/kern.log"));
        assert!(!names[0].contains('\u{202e}'));
    }
}
