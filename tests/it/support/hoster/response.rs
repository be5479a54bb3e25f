//! An answer, as bytes.

use serde_json::{Value, json};

use super::fault::Point;

/// An answer.
#[derive(Debug, Clone)]
pub(crate) struct Response {
    pub(crate) status: u16,
    headers: Vec<(&'static str, String)>,
    body: Vec<u8>,
}

impl Response {
    pub(crate) fn json(status: u16, body: &Value) -> Self {
        Self::empty(status)
            .with_header("Content-Type", "application/json".to_owned())
            .with_body(|_| body.to_string().into_bytes())
    }

    pub(crate) const fn empty(status: u16) -> Self {
        Self { status, headers: Vec::new(), body: Vec::new() }
    }

    /// Returns a page of something that stands between a client and the API.
    pub(crate) fn html(status: u16) -> Self {
        let page = format!("<html><head><title>{status}</title></head><body>Oops</body></html>");
        Self::empty(status)
            .with_header("Content-Type", "text/html; charset=utf-8".to_owned())
            .with_body(|_| page.into_bytes())
    }

    pub(crate) fn error(status: u16, code: &str, message: &str) -> Self {
        Self::json(status, &json!({ "error": { "code": code, "message": message } }))
    }

    /// Returns the error that goes with a status.
    pub(crate) fn told(status: u16) -> Self {
        let (code, message) = match status {
            400 => ("invalid_input", "the request makes no sense"),
            401 => ("unauthorized", "unable to authenticate"),
            403 => ("forbidden", "the token may not do that"),
            404 => ("not_found", "there is no such thing"),
            408 => ("timeout", "the request took too long"),
            409 => ("conflict", "something else is going on"),
            422 => ("invalid_input", "the plan is not sold any more"),
            423 => ("locked", "the server is locked"),
            425 => ("too_early", "too early"),
            429 => ("rate_limit_exceeded", "too many requests"),
            503 => ("unavailable", "come again later"),
            500.. => ("server_error", "something went wrong"),
            _ => ("refused", "the account is blocked"),
        };
        Self::error(status, code, message)
    }

    /// Returns an error with this message, which is a server too: with this status, and the message
    /// as the reason for it.
    pub(crate) fn echo(status: u16, word: &str, message: &str) -> Self {
        let mut body = json!({ "server": { "id": 1001, "name": message, "status": word,
            "reason": message, "ip": null, "private_ip": null } });
        if !message.is_empty() {
            body["error"] = json!({ "code": "echo", "message": message });
        }
        Self::json(status, &body)
    }

    /// Returns the error for a name that is taken.
    pub(crate) fn conflict() -> Self {
        Self::error(409, "uniqueness_error", "server name is already used")
    }

    /// Returns the same in XML: what is null is left out, and the elements of lists are `item`.
    pub(crate) fn in_xml(self) -> Self {
        match serde_json::from_slice(&self.body) {
            Ok(body) => Self::xml(self.status, &element("Response", &body)),
            Err(_) => self,
        }
    }

    /// Returns an answer that is a document.
    pub(crate) fn xml(status: u16, text: &str) -> Self {
        Self::empty(status)
            .with_header("Content-Type", "text/xml;charset=UTF-8".to_owned())
            .with_body(|_| format!("<?xml version=\"1.0\"?>\n{text}").into_bytes())
    }

    /// Returns what it says; null where that is no JSON.
    pub(crate) fn told_json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }

    pub(crate) fn with_header(mut self, name: &'static str, value: String) -> Self {
        self.headers.push((name, value));
        self
    }

    pub(crate) fn with_body(mut self, change: impl FnOnce(&[u8]) -> Vec<u8>) -> Self {
        self.body = change(&self.body);
        self
    }

    /// Returns all bytes, and how many of them lie before `point`.
    pub(crate) fn bytes(&self, point: Point) -> (Vec<u8>, usize) {
        let mut head = format!("HTTP/1.1 {} {}\r\n", self.status, reason(self.status));
        for (name, value) in &self.headers {
            head.extend([name, ": ", value, "\r\n"]);
        }
        // RFC 9110, section 8.6: a 204 has no length.
        if self.status != 204 {
            head.extend(["Content-Length: ", &self.body.len().to_string(), "\r\n"]);
        }
        head.push_str("\r\n");
        let (head, body) = (head.len(), [head.as_bytes(), &self.body].concat());
        let before = match point {
            Point::BeforeHeader => 0,
            Point::InHeader => head / 2,
            Point::AfterHeader => head,
            Point::InBody => head + self.body.len() / 2,
            Point::AfterBody => body.len(),
        };
        (body, before)
    }
}

/// Returns an element of XML.
pub(crate) fn element(name: &str, value: &Value) -> String {
    let inner = match value {
        Value::Null => return String::new(),
        Value::Array(all) => all.iter().map(|one| element("item", one)).collect(),
        Value::Object(all) => all.iter().map(|(name, one)| element(name, one)).collect(),
        Value::String(text) => text.replace('&', "&amp;").replace('<', "&lt;"),
        other => other.to_string(),
    };
    format!("<{name}>{inner}</{name}>")
}

/// Returns a status in words; no client may care.
const fn reason(status: u16) -> &'static str {
    match status {
        200 => "OK",
        201 => "Created",
        204 => "No Content",
        300..400 => "Elsewhere",
        400..500 => "Not So",
        500.. => "Broken",
        _ => "Well",
    }
}
