//! What every plot has: its words for those who do not see it, its colours, its paper.

use std::fmt::Write as _;

/// The width of a plot.
pub(super) const WIDTH: f64 = 760.0;

/// Begins the text of a plot of that height.
pub(super) fn begin(title: &str, words: &str, height: f64) -> String {
    let mut text = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" width=\"{WIDTH}\" \
         height=\"{height}\" role=\"img\" aria-labelledby=\"title desc\">\n"
    );
    let (title, words) = (escaped(title), escaped(words));
    let _ = write!(
        text,
        r#"  <title id="title">{title}</title>
  <desc id="desc">{words}</desc>
  <style>
    text {{ font: 13px ui-sans-serif, system-ui, sans-serif; fill: #1f2328; }}
    .small {{ font-size: 11.5px; fill: #59636e; }}
    .head {{ font-weight: 600; }}
    .paper {{ fill: #ffffff; }}
    .grid {{ stroke: #d1d9e0; stroke-width: 1; }}
    .ours {{ fill: #0969da; }}
    .other {{ fill: #9198a1; }}
    .line {{ fill: none; stroke-width: 2; }}
    .a {{ stroke: #0969da; }} .b {{ stroke: #9a6700; stroke-dasharray: 7 4; }}
    .c {{ stroke: #1a7f37; stroke-dasharray: 2 3; }}
    @media (prefers-color-scheme: dark) {{
      text {{ fill: #f0f6fc; }}
      .small {{ fill: #9198a1; }}
      .paper {{ fill: #0d1117; }}
      .grid {{ stroke: #3d444d; }}
      .ours {{ fill: #4493f8; }}
      .other {{ fill: #656c76; }}
      .a {{ stroke: #4493f8; }} .b {{ stroke: #d29922; }} .c {{ stroke: #3fb950; }}
    }}
  </style>
  <rect class="paper" width="{WIDTH}" height="{height}" rx="8"/>
  <text class="head" x="20" y="28">{title}</text>
"#
    );
    text
}

/// Adds a text; `anchor` is `start`, `middle` or `end`.
pub(super) fn word(text: &mut String, class: &str, place: (f64, f64), anchor: &str, word: &str) {
    let (x, y) = place;
    let word = escaped(word);
    let _ = writeln!(
        text,
        "  <text class=\"{class}\" x=\"{x:.1}\" y=\"{y:.1}\" text-anchor=\"{anchor}\">{word}</text>"
    );
}

/// Adds a line of the grid.
pub(super) fn rule(text: &mut String, from: (f64, f64), to: (f64, f64)) {
    let ((x, y), (right, bottom)) = (from, to);
    let _ = writeln!(text, "  <path class=\"grid\" d=\"M{x:.1} {y:.1} L{right:.1} {bottom:.1}\"/>");
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;")
}
