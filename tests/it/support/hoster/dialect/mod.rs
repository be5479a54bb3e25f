//! Languages of vendors: their requests in the words of the made-up API, and its answers in theirs.
//! All of it is pure; what is sold, and what goes wrong, is decided elsewhere.

mod cloudstack;
pub(crate) mod ec2;
mod openstack;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use super::fault::FOLLOWED;
use super::request::Seen;
use super::response::Response;

/// What stands in the name of a plan or an image that no hoster sells.
pub(crate) const UNSOLD: &str = "unsold";

/// The path of a request that no API knows.
const NOWHERE: &str = "/nowhere";

/// Which API is spoken instead of the made-up one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Dialect {
    /// Amazon EC2: forms, and replies in XML.
    Ec2,
    /// Apache `CloudStack`: commands in a query or a form, and jobs.
    Cloudstack,
    /// `OpenStack`: Keystone, Nova and Neutron.
    Openstack,
}

/// A request in the words of the made-up API.
struct Plain {
    method: &'static str,
    path: String,
    body: Value,
}

impl Plain {
    fn new(method: &'static str, path: impl Into<String>) -> Self {
        Self { method, path: path.into(), body: Value::Null }
    }

    fn with(self, body: Value) -> Self {
        Self { body, ..self }
    }

    fn unknown() -> Self {
        Self::new("GET", NOWHERE)
    }

    /// Asks about a server by what the vendor calls it; an id that is none names no server.
    fn at(method: &'static str, id: Option<u64>) -> Self {
        Self::new(method, format!("/servers/{}", id.unwrap_or_default()))
    }

    /// Asks for all servers; a further page of a list is no new look at it.
    fn all(continued: bool) -> Self {
        let more = if continued { "&continued=1" } else { "" };
        Self::new("GET", format!("/servers?per_page=1000000{more}"))
    }
}

impl Dialect {
    /// Returns how the vendor shows the id of a server.
    pub(crate) fn id(self, id: u64) -> String {
        match self {
            Self::Ec2 => ec2::id(id),
            Self::Cloudstack | Self::Openstack => uuid(id, 'a'),
        }
    }

    /// Returns what a request asks for, in the words of the made-up API.
    pub(crate) fn request(self, seen: &Seen) -> Seen {
        let Plain { method, mut path, body } = match self {
            Self::Ec2 => ec2::request(seen),
            Self::Cloudstack => cloudstack::request(seen),
            Self::Openstack => openstack::request(seen),
        };
        if seen.path.contains(FOLLOWED) {
            path = format!("{path}{}{FOLLOWED}", if path.contains('?') { '&' } else { '?' });
        }
        let mut plain = Seen { method: method.to_owned(), path, body: Vec::new(), ..seen.clone() };
        if let Some(token) = body["vendor"]["ClientToken"].as_str() {
            plain.headers.insert("idempotency-key".to_owned(), token.to_owned());
        }
        if !body.is_null() {
            plain.body = body.to_string().into_bytes();
        }
        plain
    }

    /// Returns an answer to `asked`, the vendor's request, as the vendor would give it.
    pub(crate) fn answer(self, asked: &Seen, plain: Response) -> Response {
        match self {
            Self::Ec2 => ec2::answer(asked, &plain),
            Self::Cloudstack => cloudstack::answer(asked, &plain),
            Self::Openstack => openstack::answer(asked, plain),
        }
    }
}

/// Returns a UUID that has a number in it, of a kind of things.
fn uuid(number: u64, kind: char) -> String {
    format!("{kind}0000000-0000-4000-8000-{number:012x}")
}

/// Returns the number in a UUID of that kind.
fn number(uuid: &str, kind: char) -> Option<u64> {
    let digits = uuid.strip_prefix(kind)?.strip_prefix("0000000-0000-4000-8000-")?;
    u64::from_str_radix(digits, 16).ok()
}

/// Returns the text of user-data that came as base64.
fn decoded(text: &str) -> Option<String> {
    String::from_utf8(STANDARD.decode(text).ok()?).ok()
}

/// Returns the made-up hoster's plan for one of the vendor's, which are all sold but [`UNSOLD`].
fn plan(name: &str, image: &str) -> &'static str {
    if name.is_empty() || name.contains(UNSOLD) || image.contains(UNSOLD) {
        UNSOLD
    } else {
        "small"
    }
}
