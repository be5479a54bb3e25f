//! Bars on a logarithmic scale.

use std::fmt::Write as _;

use super::page::{WIDTH, begin, rule, word};
use crate::table::number;

/// A bar.
pub(super) struct Bar {
    pub(super) label: String,
    /// At least 1.
    pub(super) value: f64,
    pub(super) is_ours: bool,
}

/// Where the bars begin and end, and how high a row is.
const LEFT: f64 = 170.0;
const RIGHT: f64 = WIDTH - 70.0;
const ROW: f64 = 24.0;

/// Draws bars, from 1 to the next power of ten.
pub(super) fn draw(title: &str, words: &str, bars: &[Bar]) -> String {
    let most = bars.iter().map(|bar| bar.value).fold(10.0, f64::max);
    let decades = most.log10().ceil();
    let x = |value: f64| LEFT + (RIGHT - LEFT) * value.max(1.0).log10() / decades;
    let bottom = 50.0 + ROW * bars.len() as f64;
    let mut text = begin(title, words, bottom + 34.0);
    let mut power = 1.0;
    while power <= 10_f64.powf(decades) {
        rule(&mut text, (x(power), 44.0), (x(power), bottom));
        word(&mut text, "small", (x(power), bottom + 18.0), "middle", &format!("{power}×"));
        power *= 10.0;
    }
    for (row, bar) in bars.iter().enumerate() {
        let y = 50.0 + ROW * row as f64;
        let class = if bar.is_ours { "ours" } else { "other" };
        let _ = writeln!(
            text,
            "  <rect class=\"{class}\" x=\"{LEFT}\" y=\"{:.1}\" width=\"{:.1}\" height=\"15\" rx=\"2\"/>",
            y + 2.0,
            x(bar.value) - LEFT
        );
        word(&mut text, "", (LEFT - 8.0, y + 14.0), "end", &bar.label);
        word(&mut text, "small", (x(bar.value) + 6.0, y + 14.0), "start", &number(bar.value));
    }
    text + "</svg>\n"
}
