//! Lines over sizes that grow evenly.

use std::fmt::Write as _;

use super::page::{WIDTH, begin, rule, word};
use crate::table::number;

/// A line: what its points are called, and how high they are.
pub(super) struct Line {
    pub(super) label: String,
    pub(super) points: Vec<(String, f64)>,
}

/// The classes of the lines, in their order.
const CLASSES: [&str; 3] = ["a", "b", "c"];

const LEFT: f64 = 70.0;
const RIGHT: f64 = WIDTH - 30.0;
const TOP: f64 = 52.0;
const BOTTOM: f64 = 272.0;

/// Draws at most three lines, from 0 to the next round number.
pub(super) fn draw(title: &str, words: &str, unit: &str, lines: &[Line]) -> String {
    let values = || lines.iter().flat_map(|line| line.points.iter().map(|(_, value)| *value));
    let most = round(values().fold(0.0, f64::max));
    let height = BOTTOM + 44.0 + 20.0 * lines.len() as f64;
    let mut text = begin(title, words, height);
    let y = |value: f64| BOTTOM - (BOTTOM - TOP) * value / most;
    for part in 0..=4 {
        let value = most * f64::from(part) / 4.0;
        rule(&mut text, (LEFT, y(value)), (RIGHT, y(value)));
        let label = format!("{}{unit}", number(value));
        word(&mut text, "small", (LEFT - 8.0, y(value) + 4.0), "end", &label);
    }
    let sizes = lines.first().map_or(&[][..], |line| &line.points);
    let step = (RIGHT - LEFT) / sizes.len().saturating_sub(1).max(1) as f64;
    let x = |place: usize| LEFT + step * place as f64;
    for (place, (size, _)) in sizes.iter().enumerate() {
        let anchor = if place + 1 == sizes.len() { "end" } else { "middle" };
        word(&mut text, "small", (x(place), BOTTOM + 18.0), anchor, size);
    }
    for (number, (line, class)) in lines.iter().zip(CLASSES).enumerate() {
        let points = line.points.iter().enumerate();
        let way: Vec<String> =
            points.map(|(place, (_, value))| format!("{:.1} {:.1}", x(place), y(*value))).collect();
        let _ = writeln!(text, "  <path class=\"line {class}\" d=\"M{}\"/>", way.join(" L"));
        let row = BOTTOM + 42.0 + 20.0 * number as f64;
        let sample = format!("M{LEFT} {row} H{}", LEFT + 34.0);
        let _ = writeln!(text, "  <path class=\"line {class}\" d=\"{sample}\"/>");
        word(&mut text, "", (LEFT + 44.0, row + 4.0), "start", &line.label);
    }
    text + "</svg>\n"
}

/// Returns the next of 1, 2, 4 and 8 of a power of ten.
fn round(value: f64) -> f64 {
    let power = 10_f64.powf(value.max(1e-9).log10().floor());
    let steps = [1.0, 2.0, 4.0, 8.0, 10.0].map(|step| step * power);
    steps.into_iter().find(|step| *step >= value).unwrap_or(value)
}
