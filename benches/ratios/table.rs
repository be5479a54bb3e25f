//! Tables of ratios: printed row by row, and kept for the plots.

use std::time::Duration;

/// A table: what is ours, what it stands beside, and ours divided by that.
pub(crate) struct Table {
    rows: Vec<Row>,
}

/// A row of it.
#[derive(Clone)]
pub(crate) struct Row {
    pub(crate) name: String,
    pub(crate) ours: f64,
    pub(crate) reference: f64,
}

impl Row {
    pub(crate) fn ratio(&self) -> f64 {
        self.ours / self.reference
    }
}

impl Table {
    /// Begins a table, with what was measured how, and what ours stands beside.
    pub(crate) fn new(what: &str, reference: &str) -> Self {
        Self::beside(what, "ours", reference)
    }

    /// Begins a table of two columns.
    pub(crate) fn beside(what: &str, ours: &str, reference: &str) -> Self {
        println!("\n{what:<48}{ours:>11}{reference:>14}{:>9}", "ratio");
        Self { rows: Vec::new() }
    }

    /// Adds times.
    pub(crate) fn times(&mut self, name: &str, ours: Duration, reference: Duration) {
        let micros = |time: Duration| time.as_secs_f64() * 1e6;
        self.add(name, micros(ours), micros(reference), "us");
    }

    /// Adds what is counted in another unit.
    pub(crate) fn add(&mut self, name: &str, ours: f64, reference: f64, unit: &str) {
        let row = Row { name: name.to_owned(), ours, reference };
        let (ours, reference) = (number(ours), number(reference));
        let gap = if unit.is_empty() { "" } else { " " };
        println!(
            "{name:<48}{:>11}{:>14}{:>9}",
            format!("{ours}{gap}{unit}"),
            format!("{reference}{gap}{unit}"),
            number(row.ratio())
        );
        self.rows.push(row);
    }

    /// Returns the rows.
    pub(crate) fn rows(self) -> Vec<Row> {
        self.rows
    }
}

/// Says something beneath a row.
pub(crate) fn note(text: &str) {
    println!("  {text}");
}

/// Returns a number with as many digits as are worth looking at.
pub(crate) fn number(value: f64) -> String {
    let digits = match value.abs() {
        size if size >= 100.0 || size == 0.0 => 0,
        size if size >= 10.0 => 1,
        size if size >= 0.1 => 2,
        _ => 4,
    };
    format!("{value:.digits$}")
}

/// Returns a count with its thousands apart.
pub(crate) fn count(number: usize) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}
