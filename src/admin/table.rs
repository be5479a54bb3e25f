//! Tables on a terminal: alone names comfy-table. Readable without colour, and by `cut`.

use comfy_table::{ContentArrangement, Table, presets};

/// The width that a table keeps to, in columns.
const WIDTH: u16 = 80;

/// Lays out rows under their headings.
pub(super) fn render(headings: &[&str], rows: impl IntoIterator<Item = Vec<String>>) -> String {
    let mut table = Table::new();
    table
        .load_preset(presets::NOTHING)
        .set_content_arrangement(ContentArrangement::Dynamic)
        .set_width(WIDTH)
        .set_header(headings.iter().copied());
    for row in rows {
        table.add_row(row);
    }
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
