//! Replies in XML, as the tree that expressions read. Pure.

use roxmltree::{Document, Node, ParsingOptions};
use serde_json::{Map, Value};

use crate::definition::http::ReplyFormat;

/// How deep elements may be nested, as deep as JSON goes.
const DEEPEST: usize = 128;

/// How many nodes a document may have: some are made of four bytes.
const MOST_NODES: u32 = 1 << 20;

/// How many attributes an element may have: the parser compares each with all others of it.
const MOST_ATTRIBUTES: usize = 256;

/// How many name spaces a document may declare: the parser writes down for each element that declares
/// one all those of the elements around it.
const MOST_NAMESPACES: usize = 2048;

/// Where the text of an element stands that has attributes or elements too.
const TEXT: &str = "#text";

/// Returns what a reply is by its content type, in small letters (RFC 7303, section 3).
pub(super) fn format_of(content_type: &str) -> ReplyFormat {
    let kind = content_type.split(';').next().unwrap_or_default().trim();
    let is_xml = matches!(kind, "application/xml" | "text/xml") || kind.ends_with("+xml");
    if is_xml { ReplyFormat::Xml } else { ReplyFormat::Json }
}

/// Returns the tree of a document: an object with the name of its root; none where it is no XML, or
/// defines entities, which can grow without bounds.
pub(super) fn tree(body: &[u8]) -> Option<Value> {
    let text = std::str::from_utf8(body).ok().filter(|text| is_modest(text))?;
    let options = ParsingOptions { allow_dtd: false, nodes_limit: MOST_NODES, ..<_>::default() };
    let document = Document::parse_with_options(text, options).ok()?;
    let root = document.root_element();
    let value = element(root, DEEPEST)?;
    Some(Value::Object([(root.tag_name().name().to_owned(), value)].into_iter().collect()))
}

/// Returns whether a document is none that would take the parser minutes, or gigabytes.
///
/// No attribute holds a `<`, so all of an element stand between two of them. Text with as many
/// assignments in it is taken for such an element; no hoster's is known.
fn is_modest(text: &str) -> bool {
    let is_quoted = |rest: &&str| rest.trim_start().starts_with(['"', '\'']);
    let few = |part: &str| part.split('=').skip(1).filter(is_quoted).count() <= MOST_ATTRIBUTES;
    text.matches("xmlns").count() <= MOST_NAMESPACES && text.split('<').all(few)
}

/// Returns what an element holds: a text where it has neither attributes nor elements, else an
/// object; none where it is nested too deep.
fn element(node: Node<'_, '_>, deepest: usize) -> Option<Value> {
    let deepest = deepest.checked_sub(1)?;
    let mut members = Map::new();
    for attribute in node.attributes() {
        members.insert(format!("@{}", attribute.name()), attribute.value().into());
    }
    let mut text = String::new();
    for child in node.children() {
        if child.is_element() {
            add(&mut members, child.tag_name().name(), element(child, deepest)?);
        } else if child.is_text() {
            text.push_str(child.text().unwrap_or_default());
        }
    }
    let text = text.trim();
    if members.is_empty() {
        return Some(text.into());
    }
    if !text.is_empty() {
        members.insert(TEXT.to_owned(), text.into());
    }
    Some(Value::Object(members))
}

/// Adds a member; several of one name become a list, in their order.
fn add(members: &mut Map<String, Value>, name: &str, value: Value) {
    match members.get_mut(name) {
        None => {
            members.insert(name.to_owned(), value);
        }
        // An element is never a list by itself.
        Some(Value::Array(all)) => all.push(value),
        Some(one) => *one = Value::Array(vec![one.take(), value]),
    }
}

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;

    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn read(text: &str) -> Option<Value> {
        tree(text.as_bytes())
    }

    #[test]
    fn elements_are_members_and_repeated_ones_are_lists() {
        let text = r#"<?xml version="1.0" encoding="UTF-8"?>
            <R xmlns="http://ec2.amazonaws.com/doc/2016-11-15/">
              <set><item><id>i-1</id></item><item><id>i-2</id><id>i-3</id></item></set>
              <one><item><id> i-4 </id></item></one>
              <none/><empty></empty>
            </R>"#;
        let set = json!([{ "id": "i-1" }, { "id": ["i-2", "i-3"] }]);
        let one = json!({ "item": { "id": "i-4" } });
        let whole = json!({ "set": { "item": set }, "one": one, "none": "", "empty": "" });
        assert_eq!(read(text), Some(json!({ "R": whole })));
    }

    #[test]
    fn attributes_and_texts_have_names_of_their_own_and_namespaces_have_none() {
        let text = r#"<a:r xmlns:a="urn:a" xmlns:xsi="urn:x">
            <a:v unit="GB" xsi:nil="false">4<!-- no --><![CDATA[ & ]]>2</a:v>x &lt;&#x41;
            <v/></a:r>"#;
        let v = json!([{ "@unit": "GB", "@nil": "false", "#text": "4 & 2" }, ""]);
        assert_eq!(read(text), Some(json!({ "r": { "v": v, "#text": "x <A" } })));
        assert_eq!(read("<r>17</r>"), Some(json!({ "r": "17" })));
    }

    #[test]
    fn what_is_no_xml_or_defines_entities_or_is_nested_too_deep_is_none() {
        let bomb = r#"<!DOCTYPE r [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]><r>&b;</r>"#;
        let deep = "<a>".repeat(100_000) + &"</a>".repeat(100_000);
        for text in ["", "{}", "<r>", "<r/><r/>", "<r>&b;</r>", "<r a=1/>", bomb, deep.as_str()] {
            assert_eq!(read(text), None, "{text:.40}");
        }
        assert_eq!(tree(b"<r>\xff</r>"), None);
        let nested = |depth| read(&("<a>".repeat(depth) + &"</a>".repeat(depth)));
        assert!(nested(DEEPEST).is_some() && nested(DEEPEST + 1).is_none());
        let wide = format!("<r>{}</r>", "<a/>".repeat(1 << 20));
        assert_eq!(read(&wide), None);
    }

    #[test]
    fn what_would_take_the_parser_minutes_or_gigabytes_is_none() {
        let attributes = |count: usize| {
            let all = (0..count).fold(String::new(), |all, number| all + &format!(" a{number}=''"));
            format!("<r{all}>a = 'b'</r>")
        };
        assert!(read(&attributes(MOST_ATTRIBUTES - 1)).is_some());
        assert_eq!(read(&attributes(300_000)), None);
        let nested = |count: usize| {
            let declare = |number: usize| format!("<a xmlns:n{}='u'>", number % 60_000);
            (0..count).map(declare).collect::<String>() + &"</a>".repeat(count)
        };
        assert!(read(&nested(DEEPEST)).is_some());
        assert_eq!(read(&nested(150_000)), None);
    }

    #[test]
    fn the_content_type_tells_what_a_reply_is() {
        for kind in ["text/xml;charset=utf-8", "application/xml", "application/soap+xml; x=y"] {
            assert_eq!(format_of(kind), ReplyFormat::Xml, "{kind}");
        }
        for kind in ["", "application/json", "text/html", "text/xmlish"] {
            assert_eq!(format_of(kind), ReplyFormat::Json, "{kind}");
        }
    }

    /// Writes a tree of texts, objects and lists of several as XML.
    fn written(name: &str, value: &Value, into: &mut String) {
        match value {
            Value::Array(all) => all.iter().for_each(|one| written(name, one, into)),
            Value::Object(all) => {
                write!(into, "<{name}>").unwrap();
                all.iter().for_each(|(name, value)| written(name, value, into));
                write!(into, "</{name}>").unwrap();
            }
            text => {
                let text = text.as_str().unwrap_or_default();
                let text = text.replace('&', "&amp;").replace('<', "&lt;").replace("]]>", "]]&gt;");
                write!(into, "<{name}>{text}</{name}>").unwrap();
            }
        }
    }

    fn trees() -> impl Strategy<Value = Value> {
        let text = r"[!-~äж€😀]{0,8}".prop_map(Value::from);
        text.prop_recursive(4, 32, 4, |inner| {
            let one = inner.clone().prop_filter("no list in a list", |one| !one.is_array());
            let many = prop::collection::vec(one, 2..4).prop_map(Value::from);
            let members = prop::collection::btree_map("[a-z]{1,3}", prop_oneof![inner, many], 1..4);
            members.prop_map(|all| Value::Object(all.into_iter().collect()))
        })
    }

    proptest! {
        #[test]
        fn a_tree_is_read_as_it_was_written(tree in trees()) {
            let mut text = String::new();
            written("r", &tree, &mut text);
            prop_assert_eq!(read(&text), Some(json!({ "r": tree })));
        }

        #[test]
        fn no_bytes_are_too_strange(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            tree(&bytes);
        }

        #[test]
        fn no_text_is_too_strange(text in r#"(<|>|/|\?|!|\[|CDATA|\]|-|&|;|=|"|a|x:|xmlns| |#){0,60}"#) {
            tree(text.as_bytes());
        }
    }
}
