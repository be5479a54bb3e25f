//! One request over HTTP and its whole reply: nothing outside names ureq.
//!
//! What matters here is what is known after a failure. [`Failure::NotSent`] is promised only where
//! no byte of the request left; everything else may have happened. Nothing is ever sent twice, a
//! redirect is a reply like any other, and a reply that is cut off is none.
//!
//! No message names a path, a query, a header or who logs in: a host and a port at most. The
//! environment has no say: `HTTP_PROXY` and its kin are not looked at.

mod client;
mod guard;
mod redirect;
mod watch;

#[cfg(test)]
pub(crate) mod tests;

use std::collections::BTreeMap;
use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use serde::Deserialize;

pub(crate) use client::Client;
pub(crate) use redirect::{Redirect, redirect};

/// What is done with a resource.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "UPPERCASE")]
pub(crate) enum Method {
    /// Looks.
    Get,
    /// Makes or does.
    Post,
    /// Replaces.
    Put,
    /// Changes.
    Patch,
    /// Removes.
    Delete,
}

/// A request.
#[derive(Clone)]
pub(crate) struct Request {
    /// What is done.
    pub(crate) method: Method,
    /// To what: an absolute `http` or `https` URL. A name and password in it become basic
    /// authentication.
    pub(crate) url: String,
    /// Headers by name, in any case of letters. How the message is framed is not theirs to say.
    pub(crate) headers: Vec<(String, String)>,
    /// The body, without an encoding.
    pub(crate) body: Option<Vec<u8>>,
    /// Whether the connection must be a new one. Only then can a failure be
    /// [`Failure::NotSent`]; a connection that was idle may have been lost at either end.
    pub(crate) fresh: bool,
    /// How long everything may take, from the name look-up to the last byte of the reply; an hour
    /// at most.
    pub(crate) timeout: Duration,
    /// After how many bytes the body of the reply is cut, which then counts as the whole; none:
    /// a body that is longer than 4 MiB is no reply.
    pub(crate) cut: Option<usize>,
}

impl fmt::Debug for Request {
    /// Names the method and the place only: all else may hold secrets.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Request({:?} {})", self.method, client::place(&self.url))
    }
}

/// A whole reply, whatever its status.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Reply {
    /// The status, 100 to 999.
    pub(crate) status: u16,
    /// The headers by their names in small letters; those of one name joined by `, ` (RFC 9110
    /// section 5.3). `set-cookie`, which cannot be joined, is not among them.
    pub(crate) headers: BTreeMap<String, String>,
    /// The values of `Set-Cookie` by name, without their attributes; of one name, the last.
    pub(crate) cookies: BTreeMap<String, String>,
    /// The body, as it came; no more of it than [`Request::cut`] asked for.
    pub(crate) body: Vec<u8>,
}

impl fmt::Debug for Reply {
    /// Tells the status and the size only: all else may hold secrets.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Reply({}, {} bytes)", self.status, self.body.len())
    }
}

/// Why there is no reply, in words that hold no secret.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Failure {
    /// Surely no byte of the request left this machine.
    #[error("{0}")]
    NotSent(String),
    /// The request may have been received and acted on.
    #[error("{0}")]
    Unknown(String),
}

/// Says why an address must not be connected to; none where it may be.
pub(crate) type Refuses = Arc<dyn Fn(IpAddr) -> Option<String> + Send + Sync>;

/// How requests are sent.
#[derive(Clone)]
pub(crate) struct Options {
    /// Certificates in PEM that are trusted instead of the built-in roots.
    pub(crate) ca: Option<Vec<u8>>,
    /// Whether the other side must prove who it is; `false` is for tests and for closed networks.
    pub(crate) verify: bool,
    /// An HTTP proxy as a URL, `http` or `https`, perhaps with a name and a password. It is asked
    /// to CONNECT for requests without TLS too, and looks up the hoster's name itself.
    pub(crate) proxy: Option<String>,
    /// Is asked about each address that a connection could be made to, the proxy's where there is
    /// one. Where it lets none pass, nothing is sent.
    pub(crate) refuses: Option<Refuses>,
}

impl Default for Options {
    fn default() -> Self {
        Self { ca: None, verify: true, proxy: None, refuses: None }
    }
}

/// Whatever answers requests: a [`Client`], or recorded replies.
pub(crate) trait Transport: Send + Sync {
    /// Sends a request and waits for the whole reply.
    ///
    /// # Errors
    /// None for a status: a failure means that there is no whole reply.
    fn send(&self, request: &Request) -> Result<Reply, Failure>;
}
