//! Tables of the text report.

use comfy_table::{ContentArrangement, Table, presets};

/// A table with `header`, as wide as `width` columns at most, `indent` columns from the left.
pub(super) fn table(
    header: &[&str],
    rows: Vec<Vec<String>>,
    width: usize,
    indent: usize,
) -> String {
    let mut table = Table::new();
    table
        .load_style(presets::NOTHING)
        .set_content_arrangement(ContentArrangement::Dynamic)
        .set_width(
            width
                .saturating_sub(indent)
                .clamp(20, usize::from(u16::MAX)) as u16,
        )
        .set_header(header.iter().copied());
    for row in rows {
        table.add_row(row);
    }
    // Cells are padded on both sides: the first column's own padding is part of the indent.
    let pad = " ".repeat(indent.saturating_sub(1));
    table
        .lines()
        .map(|line| format!("{pad}{}\n", line.trim_end()))
        .collect()
}
