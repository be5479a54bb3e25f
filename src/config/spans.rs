//! Where each value of a JSON text stands. Pure.
//!
//! A text that `serde_json` has accepted is taken for granted: whoever calls this has parsed it.

use std::ops::Range;

/// A value and its bytes in the text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Node {
    /// The value's bytes.
    pub(super) at: Range<usize>,
    /// What is in it.
    pub(super) inner: Inner,
}

/// What is in a value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Inner {
    /// The members of an object, in their order.
    Object(Vec<Member>),
    /// The elements of a list.
    List(Vec<Node>),
    /// A text, a number, true, false or null.
    Plain,
}

/// A member of an object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Member {
    /// The key, without its quotes and escapes.
    pub(super) key: String,
    /// The bytes of the key, with its quotes.
    pub(super) key_at: Range<usize>,
    /// The value.
    pub(super) value: Node,
}

/// Finds all values of a text.
///
/// # Errors
/// Where the text is no JSON, which its parser tells better.
pub(super) fn of(text: &str) -> Result<Node, String> {
    // serde_json goes no deeper than 128 levels into a value, so this does not either.
    serde_json::from_str::<serde_json::Value>(text).map_err(|error| error.to_string())?;
    let mut scanner = Scanner { bytes: text.as_bytes(), text, at: 0 };
    scanner.value().ok_or_else(|| "it is no JSON".to_owned())
}

struct Scanner<'a> {
    text: &'a str,
    bytes: &'a [u8],
    at: usize,
}

impl Scanner<'_> {
    fn value(&mut self) -> Option<Node> {
        self.space();
        let start = self.at;
        let inner = match self.bytes.get(self.at)? {
            b'{' => Inner::Object(self.members()?),
            b'[' => Inner::List(self.elements()?),
            b'"' => {
                self.quoted()?;
                Inner::Plain
            }
            _ => {
                let rest = &self.bytes[self.at..];
                let ends = |byte: &u8| b",]}".contains(byte) || byte.is_ascii_whitespace();
                self.at += rest.iter().position(ends).unwrap_or(rest.len());
                Inner::Plain
            }
        };
        Some(Node { at: start..self.at, inner })
    }

    fn members(&mut self) -> Option<Vec<Member>> {
        let mut members = Vec::new();
        self.at += 1;
        loop {
            self.space();
            match self.bytes.get(self.at)? {
                b'}' => break,
                b',' => self.at += 1,
                _ => {
                    let key_at = self.quoted()?;
                    let key = serde_json::from_str(self.text.get(key_at.clone())?).ok()?;
                    self.space();
                    // The colon.
                    self.at += 1;
                    members.push(Member { key, key_at, value: self.value()? });
                }
            }
        }
        self.at += 1;
        Some(members)
    }

    fn elements(&mut self) -> Option<Vec<Node>> {
        let mut elements = Vec::new();
        self.at += 1;
        loop {
            self.space();
            match self.bytes.get(self.at)? {
                b']' => break,
                b',' => self.at += 1,
                _ => elements.push(self.value()?),
            }
        }
        self.at += 1;
        Some(elements)
    }

    /// Passes a text in quotes; returns its bytes, quotes and all.
    fn quoted(&mut self) -> Option<Range<usize>> {
        let start = self.at;
        self.at += 1;
        loop {
            match self.bytes.get(self.at)? {
                b'"' => break,
                b'\\' => self.at += 2,
                _ => self.at += 1,
            }
        }
        self.at += 1;
        Some(start..self.at)
    }

    fn space(&mut self) {
        while self.bytes.get(self.at).is_some_and(u8::is_ascii_whitespace) {
            self.at += 1;
        }
    }
}
