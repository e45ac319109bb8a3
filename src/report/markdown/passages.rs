//! Passages of a document that is at most as long as an issue may be.

use std::io::{self, Write};

/// The most characters of a document: as many as an issue and a comment on GitHub take, and GitLab more.
pub const MAX_CHARACTERS: usize = 65_536;

/// A passage: what stands before its items, the items, and what stands behind them.
#[derive(Debug, Clone, Default)]
pub(super) struct Passage {
    /// Passages of a low rank take their items first where there is no room for all.
    pub(super) rank: u8,
    pub(super) before: String,
    pub(super) items: Vec<String>,
    pub(super) after: String,
    /// One item in words, for the note on those that were cut.
    pub(super) item: &'static str,
}

impl Passage {
    /// Creates a passage that has no items and is never cut.
    pub(super) fn whole(text: String) -> Self {
        Self {
            before: text,
            ..Self::default()
        }
    }
}

/// Writes the passages, and where items were cut how many.
pub(super) fn write(passages: &[Passage], out: &mut dyn Write) -> io::Result<()> {
    let note = |passage: &Passage, kept: usize| match passage.items.len() - kept {
        0 => String::new(),
        more => {
            let one = passage.item;
            let plural = if more == 1 { "" } else { "s" };
            format!("\n*Cut here: {more} more {one}{plural}, which `-o json` has.*\n")
        }
    };
    let count = |text: &str| text.chars().count();
    let fixed = |passage: &Passage| {
        count(&passage.before) + count(&passage.after) + count(&note(passage, 0))
    };
    let mut room = MAX_CHARACTERS.saturating_sub(passages.iter().map(fixed).sum());
    let mut kept = vec![0; passages.len()];
    let mut order: Vec<usize> = (0..passages.len()).collect();
    order.sort_by_key(|place| passages[*place].rank);
    for place in order {
        for item in &passages[place].items {
            let Some(left) = room.checked_sub(count(item)) else {
                break;
            };
            room = left;
            kept[place] += 1;
        }
    }
    for (passage, kept) in passages.iter().zip(kept) {
        out.write_all(passage.before.as_bytes())?;
        for item in &passage.items[..kept] {
            out.write_all(item.as_bytes())?;
        }
        out.write_all(note(passage, kept).as_bytes())?;
        out.write_all(passage.after.as_bytes())?;
    }
    Ok(())
}

/// Returns the head of a table; a title that ends in `:` is of numbers.
pub(super) fn table_head(titles: &[&str]) -> String {
    let names: Vec<&str> = titles
        .iter()
        .map(|title| title.trim_end_matches(':'))
        .collect();
    let lines = titles
        .iter()
        .map(|title| if title.ends_with(':') { "--:" } else { "---" });
    let lines: Vec<&str> = lines.collect();
    format!("\n| {} |\n| {} |\n", names.join(" | "), lines.join(" | "))
}

/// Returns a row of a table, whose cells are Markdown.
pub(super) fn row(cells: &[String]) -> String {
    let cells: Vec<String> = cells.iter().map(|text| super::words::cell(text)).collect();
    format!("| {} |\n", cells.join(" | "))
}

#[cfg(test)]
mod tests {
    use super::{MAX_CHARACTERS, Passage, write};

    #[test]
    fn what_is_cut_is_said_and_what_matters_stays() {
        let passage = |rank, number: usize, letter: &str| Passage {
            rank,
            before: format!("{letter} begins\n"),
            items: vec![format!("{}\n", letter.repeat(99)); number],
            after: format!("{letter} ends\n"),
            item: "line",
        };
        let passages = [
            passage(2, 600, "ä"),
            passage(1, 500, "b"),
            Passage::whole("whole\n".to_owned()),
        ];
        let mut out = Vec::new();
        write(&passages, &mut out).unwrap();
        let text = String::from_utf8(out).unwrap();
        let characters = text.chars().count();
        assert!(
            characters <= MAX_CHARACTERS && characters > MAX_CHARACTERS - 200,
            "{characters}"
        );
        let lines = |letter: &str| {
            text.lines()
                .filter(|line| *line == letter.repeat(99))
                .count()
        };
        assert_eq!(lines("b"), 500);
        let cut = 600 - lines("ä");
        assert!(cut > 0 && text.contains(&format!("*Cut here: {cut} more lines, which")));
        assert!(text.contains("ä ends\n") && text.ends_with("b ends\nwhole\n"));
    }
}
