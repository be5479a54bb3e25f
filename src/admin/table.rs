//! Tables on a terminal: alone names comfy-table. Readable without colour, and by `cut`.

use comfy_table::{ColumnConstraint, ContentArrangement, Table, Width, presets};

/// The width that a table keeps to, in columns.
pub(super) const WIDTH: u16 = 80;

/// The widest column that is kept whole, as one of times or addresses is.
const WHOLE: u16 = 20;

/// What is left to the others at least, or none is kept whole.
const REST: u16 = 20;

/// Lays out rows under their headings. Where not all fits, long texts are broken first.
pub(super) fn render(headings: &[&str], rows: impl IntoIterator<Item = Vec<String>>) -> String {
    let mut table = table(WIDTH, rows);
    table.set_header(headings.iter().copied());
    let widths = table.column_max_content_widths();
    // With the two blanks behind each.
    let whole: u16 = widths.iter().filter(|width| **width <= WHOLE).map(|width| width + 2).sum();
    if whole <= WIDTH - REST {
        for (column, _) in table.column_iter_mut().zip(widths).filter(|(_, width)| *width <= WHOLE)
        {
            column.set_constraint(ColumnConstraint::ContentWidth);
        }
    }
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

    #[test]
    fn a_time_is_not_broken_while_there_are_longer_texts_to_break() {
        let row = |texts: [&str; 5]| texts.map(str::to_owned).to_vec();
        let verdict = "error: cannot connect by ssh to the server";
        let time = "2026-11-22 18:06:58";
        let text = super::render(
            &["ORDER", "STATE", "SERVER", "PANEL", "CREATED"],
            [row(["1", "finished", "10.0.0.1", verdict, time])],
        );
        assert!(text.contains(time), "{text}");
        let wide = "203.0.113.203, 2001";
        let text = super::render(&["A", "B", "C", "D", "E"], [row([wide, wide, wide, wide, wide])]);
        assert!(text.lines().all(|line| line.chars().count() <= 80), "{text}");
    }
}
