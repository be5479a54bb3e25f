//! The text format that Prometheus reads: pure.
//!
//! <https://github.com/prometheus/docs/blob/main/docs/instrumenting/exposition_formats.md>, version
//! 0.0.4: what the node exporter's textfile collector takes.

use std::fmt::{Display, Write as _};

use super::families::{Family, Kind};

/// The bounds of a time that orders take, in seconds: an inventory's are ready at once, a hoster's
/// within minutes, and an hour is the usual deadline.
pub(super) const BOUNDS: [u32; 13] = [1, 5, 15, 30, 60, 120, 180, 300, 600, 900, 1800, 3600, 7200];

/// A page of metrics, each sample with the provider's name.
pub(super) struct Page {
    provider: String,
    text: String,
}

/// How many of what was measured are within each bound.
#[derive(Debug, Default, Clone, PartialEq)]
pub(super) struct Histogram {
    /// How many are within each of [`BOUNDS`] and not within the one before.
    within: [u64; BOUNDS.len()],
    count: u64,
    sum: f64,
}

impl Histogram {
    /// Counts one more.
    pub(super) fn add(&mut self, seconds: f64) {
        if let Some(index) = BOUNDS.iter().position(|bound| seconds <= f64::from(*bound)) {
            self.within[index] += 1;
        }
        self.count += 1;
        self.sum += seconds;
    }
}

impl Page {
    /// Begins an empty page.
    pub(super) fn of(provider: &str) -> Self {
        Self { provider: provider.to_owned(), text: String::new() }
    }

    /// Begins a family: what follows are its samples.
    pub(super) fn family(&mut self, family: &Family) {
        let Family { name, kind, help, .. } = family;
        let help = help.replace('\\', "\\\\").replace('\n', "\\n");
        let kind = match kind {
            Kind::Gauge => "gauge",
            Kind::Histogram => "histogram",
        };
        let _ = writeln!(self.text, "# HELP {name} {help}\n# TYPE {name} {kind}");
    }

    /// Adds a sample of a family, with the values of its labels in their order.
    pub(super) fn sample(&mut self, family: &Family, values: &[&str], value: impl Display) {
        self.line(family, "", values, None, value);
    }

    /// Adds a histogram of a family.
    pub(super) fn histogram(&mut self, family: &Family, values: &[&str], of: &Histogram) {
        let mut sum = 0;
        for (bound, count) in BOUNDS.iter().zip(of.within) {
            sum += count;
            self.line(family, "_bucket", values, Some(&bound.to_string()), sum);
        }
        self.line(family, "_bucket", values, Some("+Inf"), of.count);
        self.line(family, "_sum", values, None, of.sum);
        self.line(family, "_count", values, None, of.count);
    }

    fn line(
        &mut self,
        family: &Family,
        suffix: &str,
        values: &[&str],
        bound: Option<&str>,
        value: impl Display,
    ) {
        let provider = escaped(&self.provider);
        let _ = write!(self.text, "{}{suffix}{{provider=\"{provider}\"", family.name);
        let labels = family.labels.iter().zip(values).map(|(label, value)| (*label, *value));
        for (label, value) in labels.chain(bound.map(|bound| ("le", bound))) {
            let _ = write!(self.text, ",{label}=\"{}\"", escaped(value));
        }
        let _ = writeln!(self.text, "}} {value}");
    }

    /// Returns the page's text.
    pub(super) fn text(self) -> String {
        self.text
    }
}

/// Returns a label's value as it stands between its quotes.
fn escaped(value: &str) -> String {
    value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const ONE: Family =
        Family { name: "one", kind: Kind::Histogram, labels: &["a"], help: "A \\ and\na line." };

    #[test]
    fn a_family_has_its_help_and_type_and_samples_their_labels() {
        let mut page = Page::of("p");
        page.family(&ONE);
        page.sample(&ONE, &["x\"y\\z\n"], 0.5);
        let expected = "# HELP one A \\\\ and\\na line.\n# TYPE one histogram\n\
                        one{provider=\"p\",a=\"x\\\"y\\\\z\\n\"} 0.5\n";
        assert_eq!(page.text(), expected);
    }

    #[test]
    fn a_histogram_counts_upward_to_all() {
        let mut histogram = Histogram::default();
        for seconds in [0.25, 1.0, 1.5, 90_000.0] {
            histogram.add(seconds);
        }
        let mut page = Page::of("p");
        page.histogram(&ONE, &["x"], &histogram);
        let text = page.text();
        for line in [
            "one_bucket{provider=\"p\",a=\"x\",le=\"1\"} 2",
            "one_bucket{provider=\"p\",a=\"x\",le=\"5\"} 3",
            "one_bucket{provider=\"p\",a=\"x\",le=\"7200\"} 3",
            "one_bucket{provider=\"p\",a=\"x\",le=\"+Inf\"} 4",
            "one_sum{provider=\"p\",a=\"x\"} 90002.75",
            "one_count{provider=\"p\",a=\"x\"} 4",
        ] {
            assert!(text.lines().any(|one| one == line), "{line}: {text}");
        }
    }

    proptest! {
        #[test]
        fn whatever_a_label_holds_a_sample_is_one_line(value in ".*") {
            let mut page = Page::of(&value);
            page.sample(&ONE, &[&value], 1);
            let text = page.text();
            prop_assert_eq!(text.matches('\n').count(), 1);
            let quotes = text.replace("\\\\", "").replace("\\\"", "").matches('"').count();
            prop_assert_eq!(quotes, 4);
        }
    }
}
