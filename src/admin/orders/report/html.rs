//! A writer of HTML that is well-formed XML as well: what is no constant of the program is escaped,
//! for there is no other way to write it.

use std::fmt::Write as _;

/// A page, or a part of one.
#[derive(Debug, Default)]
pub(super) struct Html(String);

impl Html {
    /// Begins an element; its name and those of its attributes are the program's own.
    pub(super) fn open(&mut self, name: &'static str, attributes: &[(&'static str, &str)]) {
        self.tag(name, attributes, ">");
    }

    /// Writes an element that has nothing in it.
    pub(super) fn empty(&mut self, name: &'static str, attributes: &[(&'static str, &str)]) {
        self.tag(name, attributes, "/>");
    }

    /// Ends an element.
    pub(super) fn close(&mut self, name: &'static str) {
        let _ = write!(self.0, "</{name}>");
    }

    /// Writes an element with a text in it.
    pub(super) fn element(
        &mut self,
        name: &'static str,
        attributes: &[(&'static str, &str)],
        text: &str,
    ) {
        self.open(name, attributes);
        self.text(text);
        self.close(name);
    }

    /// Writes a text that others have a say in: its direction is its own, and does not turn round
    /// what stands beside it.
    pub(super) fn foreign(&mut self, text: &str) {
        self.element("bdi", &[], text);
    }

    /// Writes a text.
    pub(super) fn text(&mut self, text: &str) {
        escape(&mut self.0, text);
    }

    /// Writes a style sheet, which is the program's own and has nothing to escape.
    pub(super) fn style(&mut self, sheet: &'static str) {
        let _ = write!(self.0, "<style>{sheet}</style>");
    }

    /// Ends a line, for whoever looks at the source.
    pub(super) fn line(&mut self) {
        self.0.push('\n');
    }

    /// Returns the document.
    pub(super) fn document(self) -> String {
        format!("<!DOCTYPE html>\n{}\n", self.0)
    }

    fn tag(&mut self, name: &str, attributes: &[(&'static str, &str)], end: &str) {
        let _ = write!(self.0, "<{name}");
        for (name, value) in attributes {
            let _ = write!(self.0, " {name}=\"");
            escape(&mut self.0, value);
            self.0.push('"');
        }
        self.0.push_str(end);
    }
}

/// Writes a text so that it is nothing but text, between tags and in quotes. Control characters,
/// which XML cannot hold (<https://www.w3.org/TR/xml/#charsets>), are written out.
fn escape(to: &mut String, text: &str) {
    for one in text.chars() {
        match one {
            '&' => to.push_str("&amp;"),
            '<' => to.push_str("&lt;"),
            '>' => to.push_str("&gt;"),
            '"' => to.push_str("&quot;"),
            '\'' => to.push_str("&#39;"),
            '\n' | '\t' => to.push(one),
            one if one.is_control() => to.extend(one.escape_default()),
            '\u{fffe}' | '\u{ffff}' => to.push('\u{fffd}'),
            one => to.push(one),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn any_text_is_text_and_nothing_else(text in "\\PC{0,40}|[<>&\"'\\x00-\\x1f\u{202e}\u{fffe}a/-]{0,40}") {
            let mut html = Html::default();
            html.open("p", &[("title", &text)]);
            html.foreign(&text);
            html.close("p");
            let page = html.document();
            let options = roxmltree::ParsingOptions { allow_dtd: true, ..Default::default() };
            let parsed = roxmltree::Document::parse_with_options(&page, options).unwrap();
            let elements = parsed.descendants().filter(roxmltree::Node::is_element);
            prop_assert_eq!(elements.count(), 2, "{}", &page);
            if !text.chars().any(|one| one.is_control() || "\u{fffe}\u{ffff}".contains(one)) {
                let root = parsed.root_element();
                prop_assert_eq!(root.attribute("title"), Some(&*text));
                prop_assert_eq!(root.first_element_child().unwrap().text().unwrap_or_default(), text);
            }
        }
    }
}
