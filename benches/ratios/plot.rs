//! The plots, as SVG that needs nothing from elsewhere and can be read on a light and a dark page.

mod bars;
mod lines;
mod page;

use std::path::Path;

use crate::setting::Setting;
use crate::table::{Row, number};
use bars::Bar;
use lines::Line;

/// Draws what was measured; a part that did not run has no plot.
pub(crate) fn draw(folder: &Path, setting: &Setting) {
    std::fs::create_dir_all(folder).expect("a folder");
    let table = |name: &str| setting.tables.get(name).map(Vec::as_slice);
    let mut plots = Vec::new();
    if let (Some(start), Some(scripts)) = (table("start"), table("scripts")) {
        plots.push(("start", starts(start, scripts)));
    }
    if let Some(callers) = table("callers") {
        plots.push(("callers", rates(callers)));
    }
    if let Some(stored) = table("stored") {
        plots.push(("stored", flat(stored)));
    }
    for (name, text) in plots {
        let path = folder.join(format!("performance-{name}.svg"));
        std::fs::write(&path, text).expect("written");
        println!("{}", path.display());
    }
}

/// Starts, in multiples of the minimal C program.
fn starts(start: &[Row], scripts: &[Row]) -> String {
    let mut bars = Vec::new();
    for row in start {
        let word = row.name.split(' ').next().unwrap_or_default();
        bars.push(Bar { label: format!("{word}, ours"), value: row.ratio(), is_ours: true });
        for script in scripts.iter().filter(|script| script.name.starts_with(&format!("{word}, ")))
        {
            // Ours was measured in both tables: what a script takes is known as so many of ours.
            let value = row.ratio() / script.ratio();
            bars.push(Bar { label: script.name.clone(), value, is_ours: false });
        }
    }
    bars::draw(
        "How long a call takes, in multiples of a minimal C program",
        "Bars on a logarithmic scale: help, configs and order_status, ours beside scripts in Perl, \
         Python and shell that do the same.",
        &bars,
    )
}

/// Orders a second by how many callers there are.
fn rates(callers: &[Row]) -> String {
    let at = |row: &Row| row.name.split(' ').next().unwrap_or_default().to_owned();
    let points = |value: fn(&Row) -> f64| callers.iter().map(|row| (at(row), value(row))).collect();
    lines::draw(
        "Orders a second, by callers at once",
        "Lines: orders a second of 1 to 32 callers, and the durable commits that as many \
         processes make on the same disk.",
        "/s",
        &[
            Line { label: "orders".to_owned(), points: points(|row| row.ours) },
            Line { label: "raw commits".to_owned(), points: points(|row| row.reference) },
        ],
    )
}

/// What calls cost with ever more orders stored, in multiples of what they cost with 100.
fn flat(stored: &[Row]) -> String {
    let mut lines: Vec<Line> = Vec::new();
    for row in stored {
        let Some((name, size)) =
            row.name.strip_suffix(" orders stored").and_then(|name| name.rsplit_once(", "))
        else {
            continue;
        };
        let point = (size.to_owned(), row.ratio());
        if let Some(line) = lines.iter_mut().find(|line| line.label == name) {
            line.points.push(point);
        } else {
            let points = vec![("100".to_owned(), 1.0), point];
            lines.push(Line { label: name.to_owned(), points });
        }
    }
    let last = lines.iter().filter_map(|line| line.points.last().map(|(_, value)| *value));
    let worst = last.fold(0.0, f64::max);
    lines::draw(
        "What a call costs, by orders stored",
        &format!(
            "Lines that stay level: order, order_status and a worker's pass, in multiples of what \
             they cost with 100 orders stored; at the right end {} at most.",
            number(worst)
        ),
        "",
        &lines,
    )
}
