//! Tables of the text report.
//!
//! A log can have hundreds of rows, so tables in ASCII are laid out here, as comfy-table lays them out: a property test
//! holds that. Other text has widths that comfy-table knows.

use comfy_table::{ContentArrangement, Table, presets};

/// What stands around a cell: a space on both sides.
const PADDING: usize = 2;
/// A line with no more free columns than this is full.
const FULL: usize = 2;
/// A column that needs so many columns less than its share, once its text is split, gets no more than it needs.
const SPARED: usize = 3;

/// A table with `header`, as wide as `width` columns at most, `indent` columns from the left.
pub(super) fn table(
    header: &[&str],
    rows: Vec<Vec<String>>,
    width: usize,
    indent: usize,
) -> String {
    let width = width
        .saturating_sub(indent)
        .clamp(20, usize::from(u16::MAX));
    // Cells are padded on both sides: the first column's own padding is part of the indent.
    let pad = " ".repeat(indent.saturating_sub(1));
    let is_plain = |text: &String| text.bytes().all(|b| (b' '..=b'~').contains(&b));
    if rows.iter().flatten().all(is_plain) {
        return plain(header, &rows, width, &pad);
    }
    any(header, rows, width, &pad)
}

/// A table in any text.
fn any(header: &[&str], rows: Vec<Vec<String>>, width: usize, pad: &str) -> String {
    let mut table = Table::new();
    table
        .load_style(presets::NOTHING)
        .set_content_arrangement(ContentArrangement::Dynamic)
        .set_width(width as u16)
        .set_header(header.iter().copied());
    for row in rows {
        table.add_row(row);
    }
    table
        .lines()
        .map(|line| format!("{pad}{}\n", line.trim_end()))
        .collect()
}

/// The same in ASCII.
fn plain(header: &[&str], rows: &[Vec<String>], width: usize, pad: &str) -> String {
    let widths = widths(header, rows, width);
    let mut text = String::new();
    let mut write = |cells: &mut dyn Iterator<Item = &str>| {
        let mut cells: Vec<_> = cells
            .zip(&widths)
            .map(|(cell, width)| split(cell, *width).into_iter())
            .collect();
        let lines = cells.iter().map(ExactSizeIterator::len).max();
        for _ in 0..lines.unwrap_or_default() {
            text.push_str(pad);
            let mut spaces = 1;
            for (cell, width) in cells.iter_mut().zip(&widths) {
                let part = cell.next().unwrap_or_default();
                // Spaces are written before what follows them, so that no line ends with one.
                let part_width = part.trim_end().len();
                if part_width > 0 {
                    text.extend(std::iter::repeat_n(' ', spaces));
                    text.push_str(&part[..part_width]);
                    spaces = 0;
                }
                spaces += width - part_width + PADDING;
            }
            text.push('\n');
        }
    };
    write(&mut header.iter().copied());
    for row in rows {
        write(&mut row.iter().map(String::as_str));
    }
    text
}

/// The widths of the columns of a table of so much `width`, without their padding.
fn widths(header: &[&str], rows: &[Vec<String>], width: usize) -> Vec<usize> {
    let cells = |column: usize| {
        let own = rows.iter().filter_map(move |row| row.get(column));
        std::iter::once(header[column]).chain(own.map(String::as_str))
    };
    let mut free = width.saturating_sub(header.len() * PADDING);
    let mut widths: Vec<Option<usize>> = vec![None; header.len()];
    // First the columns that need less than their share of what is free get what they need, then those that need less
    // once their text is split; each leaves more to the others.
    let needed: Vec<usize> = (0..header.len())
        .map(|column| cells(column).map(str::len).max().unwrap_or_default())
        .collect();
    let whole = |column: usize, share: usize| Some(needed[column]).filter(|n| *n <= share);
    let in_parts = |column: usize, share: usize| {
        let parts = cells(column).flat_map(|cell| split(cell, share.max(1)));
        let longest = parts.map(str::len).max().unwrap_or_default();
        Some(longest).filter(|longest| longest + SPARED <= share)
    };
    let ways: [&dyn Fn(usize, usize) -> Option<usize>; 2] = [&whole, &in_parts];
    for way in ways {
        let mut found = true;
        while std::mem::take(&mut found) {
            for column in 0..header.len() {
                let open = widths.iter().filter(|width| width.is_none()).count();
                if widths[column].is_some() {
                    continue;
                }
                if let Some(width) = way(column, free / open) {
                    widths[column] = Some(width);
                    free = free.saturating_sub(width);
                    found = true;
                }
            }
        }
    }
    // The others share the rest.
    let open = widths.iter().filter(|width| width.is_none()).count();
    let free = free.max(open);
    let mut others = 0..open;
    let mut share = || {
        let number = others.next().unwrap_or_default();
        free / open + usize::from(number < free % open)
    };
    widths
        .into_iter()
        .map(|width| width.unwrap_or_else(&mut share).max(1))
        .collect()
}

/// `text` in lines of so much `width`: at spaces, but a word that is longer than a line begins on the line before.
fn split(text: &str, width: usize) -> Vec<&str> {
    if text.len() <= width {
        return vec![text];
    }
    let mut lines = Vec::new();
    let (mut line, mut next) = (0..0, 0);
    while next <= text.len() {
        let end = text[next..].find(' ').map_or(text.len(), |len| next + len);
        let word = next..end;
        if line.is_empty() {
            line = next..next;
        }
        if word.end - line.start <= width {
            line.end = word.end;
            next = word.end + 1;
            if line.len() + FULL <= width || line.is_empty() {
                continue;
            }
        } else if word.len() > width {
            let begin = if line.is_empty() { 0 } else { line.len() + 1 };
            let free = width.saturating_sub(begin);
            if line.is_empty() || free > FULL {
                line.end = word.start + free;
                next = line.end;
            }
        }
        lines.push(&text[line]);
        line = 0..0;
    }
    if !line.is_empty() {
        lines.push(&text[line]);
    }
    lines
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{prop_assert_eq, proptest};

    use super::{any, plain};

    proptest! {
        #[test]
        fn ascii_is_laid_out_as_comfy_table_does(
            width in 20..120_usize,
            rows in proptest::collection::vec(["[a-c ]{0,9}", "([a-z]{1,12}[ ]{1,2}){0,9}[a-z]{0,40}", "[0-9]{1,5}", "([a-z]{1,5} ){0,12}"], 0..9),
        ) {
            let header = ["NODE", "TRAFFIC", "N", "WHY IT IS"];
            let rows: Vec<Vec<String>> = rows.into_iter().map(Vec::from).collect();
            let told = plain(&header, &rows, width, " ");
            prop_assert_eq!(told, any(&header, rows, width, " "));
        }
    }
}
