//! What can go wrong, and with which requests.

use super::request::Seen;
use super::response::Response;

/// As often as such requests come.
pub(crate) const ALWAYS: usize = usize::MAX;

/// What stands in the address that a redirect names, so that a request that follows it is known.
pub(crate) const FOLLOWED: &str = "followed=1";

/// How many bytes a body has that is too large.
const HUGE: usize = 20 * 1024 * 1024;

/// What a request is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Verb {
    /// `POST /login`.
    Login,
    /// `POST /servers`; `POST /orders`, whose server is not started.
    Create,
    /// `PUT /servers/ID/user_data`.
    Configure,
    /// `POST /servers/ID/start`.
    Start,
    /// `POST /servers/ID/stop`.
    Stop,
    /// `POST /servers/ID/reset_password`.
    Recover,
    /// `GET /servers`.
    List,
    /// `GET /servers/ID`.
    Get,
    /// `GET /servers/ID/network`.
    Network,
    /// `DELETE /servers/ID`.
    Delete,
    /// `GET /plans`, `/images` and `/regions`.
    Catalog,
    /// `GET /balance`.
    Balance,
    /// `POST /addresses`.
    Allocate,
    /// `GET /addresses`, and what is done with one of them.
    Addresses,
    /// Anything else: there is no such thing.
    Unknown,
}

impl Verb {
    /// Returns what a request is about.
    pub(crate) fn of(method: &str, path: &str) -> Self {
        let path = path.split('?').next().unwrap_or_default();
        let parts: Vec<&str> = path.split('/').skip(1).collect();
        match (method, parts.as_slice()) {
            ("POST", ["login"]) | ("GET", ["login", "catalog"]) => Self::Login,
            ("POST", ["servers" | "orders"]) => Self::Create,
            ("PUT", ["servers", _, "user_data"]) => Self::Configure,
            ("POST", ["servers", _, "start"]) => Self::Start,
            ("POST", ["servers", _, "stop"]) => Self::Stop,
            ("POST", ["servers", _, "reset_password"]) => Self::Recover,
            ("GET", ["servers"]) => Self::List,
            ("GET", ["servers", _]) => Self::Get,
            ("GET", ["servers", _, "network"]) => Self::Network,
            ("DELETE", ["servers", _]) => Self::Delete,
            ("POST", ["addresses"]) => Self::Allocate,
            (_, ["addresses", ..]) => Self::Addresses,
            ("GET", ["plans" | "images" | "regions"]) => Self::Catalog,
            ("GET", ["balance"]) => Self::Balance,
            _ => Self::Unknown,
        }
    }
}

/// What becomes of one request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// It is done and answered.
    None,
    /// The connection is reset before the request is read: it is not among those seen.
    ResetUnread,
    /// It is not done, and this is the answer.
    Undone(Reply),
    /// It is done, and this is the answer.
    Done(Reply),
}

/// An answer that is not as it should be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reply {
    /// The right answer (where nothing was done: one of status 500) up to a point, and then this.
    Ends(Ending, Point),
    /// An error of that status, as JSON with a reason.
    Status(u16),
    /// A page of that status.
    Html(u16),
    /// An error of that status that says when to come again.
    Busy(u16, RetryAfter),
    /// A redirect of that status to the same address with [`FOLLOWED`] in its query.
    Redirect(u16),
    /// The right answer with 20 MB more in it.
    Huge,
    /// The first half of the right answer, as if it were the whole.
    BrokenJson,
    /// That there is a server of this name.
    Conflict,
    /// An answer of that status that repeats what the hoster was sent: as the reason of an error,
    /// and as that of a server that failed.
    Echo(u16),
    /// A server whose status is what the hoster was sent.
    EchoedWord,
}

/// How an answer ends too early.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ending {
    /// The connection is closed.
    Close,
    /// The connection is reset.
    Reset,
    /// Nothing more comes, and the connection stays.
    Stall,
    /// The rest comes, one byte a second.
    Drip,
}

/// Up to where an answer is as it should be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Point {
    /// Not a byte of it.
    BeforeHeader,
    /// Half of its header.
    InHeader,
    /// Its header.
    AfterHeader,
    /// Its header and half of its body.
    InBody,
    /// All of it.
    AfterBody,
}

/// When to come again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RetryAfter {
    /// In so many seconds.
    Seconds(u32),
    /// At a time so many seconds from now; written in whole seconds, so it may be one less.
    Date(u32),
}

/// A fault with its name.
type Named = (&'static str, Fault);

/// Every fault that a create can meet, by a name for people.
pub(crate) const EVERY: [Named; 43] = {
    use Ending::{Close, Drip, Reset, Stall};
    use Fault::{Done, ResetUnread, Undone};
    use Point::{AfterBody, AfterHeader, BeforeHeader, InBody, InHeader};
    use Reply::{BrokenJson, Busy, Conflict, Ends, Html, Huge, Redirect, Status};
    use RetryAfter::{Date, Seconds};
    [
        ("none", Fault::None),
        ("reset before the request is read", ResetUnread),
        ("reset before buying", Undone(Ends(Reset, BeforeHeader))),
        ("closed before buying", Undone(Ends(Close, BeforeHeader))),
        ("silence without buying", Undone(Ends(Stall, BeforeHeader))),
        ("500 without buying", Undone(Status(500))),
        ("502 as HTML without buying", Undone(Html(502))),
        ("503 without buying", Undone(Status(503))),
        ("504 without buying", Undone(Status(504))),
        ("408 without buying", Undone(Status(408))),
        ("409 without buying", Undone(Status(409))),
        ("409 for a name that is free", Undone(Conflict)),
        ("423 without buying", Undone(Status(423))),
        ("425 without buying", Undone(Status(425))),
        ("429 without Retry-After", Undone(Status(429))),
        ("429, Retry-After in seconds", Undone(Busy(429, Seconds(1)))),
        ("429, Retry-After as a date", Undone(Busy(429, Date(2)))),
        ("503, Retry-After in seconds", Undone(Busy(503, Seconds(1)))),
        ("403 as HTML without a reason", Undone(Html(403))),
        ("422 with a reason", Undone(Status(422))),
        ("an error inside a 200", Undone(Status(200))),
        ("a redirect without buying", Undone(Redirect(307))),
        ("reply lost after buying", Done(Ends(Close, BeforeHeader))),
        ("reset after buying", Done(Ends(Reset, BeforeHeader))),
        ("reset in the header", Done(Ends(Reset, InHeader))),
        ("reset after the header", Done(Ends(Reset, AfterHeader))),
        ("reset in the body", Done(Ends(Reset, InBody))),
        ("reset after the body", Done(Ends(Reset, AfterBody))),
        ("closed in the header", Done(Ends(Close, InHeader))),
        ("closed in the body", Done(Ends(Close, InBody))),
        ("silence after buying", Done(Ends(Stall, BeforeHeader))),
        ("silence in the body", Done(Ends(Stall, InBody))),
        ("one byte a second", Done(Ends(Drip, BeforeHeader))),
        ("one byte of the body a second", Done(Ends(Drip, AfterHeader))),
        ("500 after buying", Done(Status(500))),
        ("502 as HTML after buying", Done(Html(502))),
        ("503 after buying", Done(Status(503))),
        ("504 after buying", Done(Status(504))),
        ("HTML with status 200 after buying", Done(Html(200))),
        ("20 MB after buying", Done(Huge)),
        ("broken JSON after buying", Done(BrokenJson)),
        ("302 after buying", Done(Redirect(302))),
        ("307 after buying", Done(Redirect(307))),
    ]
};

impl Fault {
    /// Returns whether the request is done all the same.
    pub(crate) const fn does(self) -> bool {
        matches!(self, Self::None | Self::Done(_))
    }

    /// Returns what is answered to the last of `seen` instead of the right answer, and where the
    /// answer ends too early; `say` puts what the hoster says of its own into its language.
    pub(crate) fn shape(
        self,
        right: Response,
        seen: &[Seen],
        say: &dyn Fn(Response) -> Response,
    ) -> (Response, Option<(Ending, Point)>) {
        match self {
            Self::None => (right, None),
            // Told between the look at the request's first line and its end.
            Self::ResetUnread => (right, Some((Ending::Reset, Point::BeforeHeader))),
            Self::Undone(Reply::Ends(ending, point)) | Self::Done(Reply::Ends(ending, point)) => {
                (right, Some((ending, point)))
            }
            Self::Undone(reply) | Self::Done(reply) => (reply.instead_of(right, seen, say), None),
        }
    }
}

impl Reply {
    fn instead_of(
        self,
        right: Response,
        seen: &[Seen],
        say: &dyn Fn(Response) -> Response,
    ) -> Response {
        match self {
            Self::Ends(..) => right,
            Self::Status(status) => say(Response::told(status)),
            Self::Html(status) => Response::html(status),
            Self::Busy(status, after) => {
                say(Response::told(status)).with_header("Retry-After", after.text())
            }
            Self::Redirect(status) => {
                let path = seen.last().map_or("/", |seen| &seen.path);
                let separator = if path.contains('?') { '&' } else { '?' };
                let to = format!("{path}{separator}{FOLLOWED}");
                Response::empty(status).with_header("Location", to)
            }
            Self::Huge => right.with_body(|body| {
                let body = body.strip_suffix(b"}").unwrap_or(b"{\"huge\":true");
                [body, b",\"padding\":\"", &vec![b'x'; HUGE], b"\"}"].concat()
            }),
            Self::BrokenJson => right.with_body(|body| body[..body.len() / 2].to_vec()),
            Self::Conflict => say(Response::conflict()),
            Self::Echo(status) => say(Response::echo(status, "error", &said(seen))),
            Self::EchoedWord => say(Response::echo(200, &said(seen), "")),
        }
    }
}

/// Returns what a hoster says that repeats what it was sent: the last request, and where that is
/// about a server all since one was asked for.
fn said(seen: &[Seen]) -> String {
    let Some((last, before)) = seen.split_last() else { return String::new() };
    let about_a_server = last.server().is_some();
    let create = before.iter().rposition(|seen| seen.verb() == Verb::Create);
    let since = create.filter(|_| about_a_server).unwrap_or(before.len());
    // Of a long body what matters: what is told of a message is not without end.
    let bodies = seen[since..].iter().map(|seen| String::from_utf8_lossy(&seen.body));
    let lines = bodies.flat_map(|body| {
        let parts = ["assword", "root:"].into_iter().filter_map(|word| body.rfind(word));
        parts.map(|from| body[from..].chars().take(60).collect::<String>()).collect::<Vec<_>>()
    });
    let headers = last.headers.iter().map(|(name, value)| format!("{name}: {value}"));
    lines.chain(headers).chain([last.path.clone()]).collect::<Vec<_>>().join("; ")
}

impl RetryAfter {
    /// Returns the field's value, as RFC 9110, section 10.2.3, has it.
    fn text(self) -> String {
        match self {
            Self::Seconds(seconds) => seconds.to_string(),
            Self::Date(seconds) => {
                let at = jiff::Timestamp::now() + jiff::SignedDuration::from_secs(seconds.into());
                at.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string()
            }
        }
    }
}
