//! Tables on a terminal: alone names comfy-table. Readable without colour, and by `cut`.

use comfy_table::{ColumnConstraint, ContentArrangement, Table, Width, presets};

/// The width that a table keeps to, in columns.
pub(super) const WIDTH: u16 = 80;

/// Lays out rows under their headings.
pub(super) fn render(headings: &[&str], rows: impl IntoIterator<Item = Vec<String>>) -> String {
    let mut table = table(WIDTH, rows);
    table.set_header(headings.iter().copied());
    text(&mut table)
}

/// Lays out rows without headings: the first columns are so wide, the last one takes what is left.
pub(super) fn render_fixed(
    width: u16,
    columns: &[u16],
    rows: impl IntoIterator<Item = Vec<String>>,
) -> String {
    let mut table = table(width, rows);
    for (column, width) in table.column_iter_mut().zip(columns) {
        // With the two blanks behind each column.
        column.set_constraint(ColumnConstraint::Absolute(Width::Fixed(width + 2)));
    }
    text(&mut table)
}

fn table(width: u16, rows: impl IntoIterator<Item = Vec<String>>) -> Table {
    let mut table = Table::new();
    table
        .load_preset(presets::NOTHING)
        .set_content_arrangement(ContentArrangement::Dynamic)
        .set_width(width);
    for row in rows {
        table.add_row(row);
    }
    table
}

fn text(table: &mut Table) -> String {
    for column in table.column_iter_mut() {
        column.set_padding((0, 2));
    }
    table.lines().fold(String::new(), |text, line| text + line.trim_end() + "\n")
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_table_keeps_to_eighty_columns_and_any_language() {
        let rows = vec![vec!["1".to_owned(), "Сервер ".repeat(30)]];
        let text = super::render(&["ORDER", "REASON"], rows);
        assert!(text.lines().all(|line| line.chars().count() <= 80), "{text}");
        assert!(text.contains("Сервер"), "{text}");
    }
}
