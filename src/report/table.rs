//! Tables of the text report.

use comfy_table::{CellAlignment, ColumnConstraint, ContentArrangement, Table, Width, presets};

/// Creates a table without rows, of at most `width` columns with its indent.
fn plain(width: usize, indent: usize) -> Table {
    let width = width.saturating_sub(indent).clamp(20, u16::MAX.into());
    let mut table = Table::new();
    table
        .load_style(presets::NOTHING)
        .set_content_arrangement(ContentArrangement::Dynamic)
        .set_width(width as u16);
    table
}

/// Formats a table. Cells are padded on both sides: the first column's own padding is part of the indent.
fn lines(table: &Table, indent: usize) -> String {
    let pad = " ".repeat(indent.saturating_sub(1));
    table
        .lines()
        .map(|line| format!("{pad}{}\n", line.trim_end().replace(GLUE, " ")))
        .collect()
}

/// No-break space.
pub(super) const GLUE: char = '\u{a0}';

/// Kind of a column's content.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Column {
    /// Names, ports and addresses, which stay whole.
    Whole,
    /// Numbers, which stand below each other.
    Number,
    /// Words, which may be wrapped.
    Words,
}

/// The padding of a cell, on both sides together.
const PADDING: usize = 2;

/// Formats a table in which only [`Column::Words`] is wrapped, between words; `None` where it does not fit. An empty
/// header is omitted.
pub(super) fn fitted(
    columns: &[(&str, Column)],
    rows: &[Vec<String>],
    width: usize,
    indent: usize,
) -> Option<String> {
    let display = textwrap::core::display_width;
    let cells = |place: usize| {
        let header = columns.get(place).map(|(title, _)| *title);
        let own = rows.iter().filter_map(move |row| row.get(place));
        header.into_iter().chain(own.map(String::as_str))
    };
    let places = 0..columns.len();
    let whole: Vec<usize> = (places.clone())
        .map(|place| cells(place).map(display).max().unwrap_or(0))
        .collect();
    let least: Vec<usize> = places
        .map(|place| match columns.get(place) {
            Some((_, Column::Words)) => {
                let words = cells(place).flat_map(|text| text.split(' '));
                words.map(display).max().unwrap_or(0)
            }
            _ => whole.get(place).copied().unwrap_or(0),
        })
        .collect();
    let padding = columns.len().saturating_sub(1) * PADDING;
    let mut left = width.checked_sub(indent + padding + least.iter().sum::<usize>())?;
    // The padding on the right of the last column is not visible.
    let mut table = plain(width + PADDING, indent);
    if columns.iter().any(|(title, _)| !title.is_empty()) {
        table.set_header(columns.iter().map(|(title, _)| *title));
    }
    for row in rows {
        table.add_row(row.clone());
    }
    for (place, (_, kind)) in columns.iter().enumerate() {
        let more = left.min(whole[place] - least[place]);
        left -= more;
        let wide = (least[place] + more + PADDING) as u16;
        let column = table.column_mut(place)?;
        column.set_constraint(ColumnConstraint::Absolute(Width::Fixed(wide)));
        if *kind == Column::Number {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    Some(lines(&table, indent))
}

#[cfg(test)]
mod tests {
    use super::{Column, fitted};

    #[test]
    fn words_are_wrapped_and_nothing_else() {
        let columns = [
            ("PORT", Column::Whole),
            ("SERVICE", Column::Words),
            ("DROPS", Column::Number),
        ];
        let row = ["tcp/2112", "kube-vip Prometheus metrics", "9"].map(str::to_owned);
        let rows = [row.to_vec()];
        let text = fitted(&columns, &rows, 80, 2).unwrap();
        assert_eq!(
            text,
            "  PORT      SERVICE                      DROPS\n  tcp/2112  kube-vip Prometheus metrics      9\n"
        );
        for width in 29..60 {
            let text = fitted(&columns, &rows, width, 2).unwrap();
            assert!(
                text.lines().all(|line| line.len() <= width),
                "{width}\n{text}"
            );
            for word in ["tcp/2112", "kube-vip", "Prometheus", "metrics"] {
                assert!(text.contains(word), "{width}\n{text}");
            }
        }
        assert_eq!(fitted(&columns, &rows, 28, 2), None);
    }
}
