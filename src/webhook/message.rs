//! What is sent to a receiver, and what it is made of besides the event.

use std::collections::BTreeMap;
use std::fmt;

use super::file::Webhook;
use crate::clock::Timestamp;
use crate::delivery::Kind;
use crate::secret::Secret;

/// A webhook with all that its files hold: what a message is made of besides the event.
pub(crate) struct Target {
    /// The webhook as it is written.
    pub(crate) webhook: Webhook,
    /// Where it is sent.
    pub(crate) url: Secret,
    /// The access token or trigger token, for the kinds that have one.
    pub(crate) token: Option<Secret>,
    /// The secret variables.
    pub(crate) variables: BTreeMap<String, Secret>,
    /// What deliveries are signed with, the newest first, and until when.
    pub(crate) secrets: Vec<(Secret, Option<Timestamp>)>,
    /// Certificates in PEM that are trusted instead of the built-in ones.
    pub(crate) ca: Option<Vec<u8>>,
}

impl Target {
    /// Returns whether the receiver's certificate is checked.
    ///
    /// `SolusVM` 2 does not check them, and its receivers count on that.
    pub(crate) fn verifies(&self) -> bool {
        self.webhook.tls_verify.unwrap_or(self.webhook.kind != Kind::Solusvm2)
    }
}

/// A request to a receiver; always a POST.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Message {
    /// Where it goes.
    pub(crate) url: String,
    /// Its headers, each name once.
    pub(crate) headers: Vec<(&'static str, String)>,
    /// The webhook's own headers, which go to no other host.
    pub(crate) own_headers: Vec<(String, String)>,
    /// Its body.
    pub(crate) body: String,
    /// How many redirects are followed.
    pub(crate) redirects: u8,
}

impl fmt::Debug for Message {
    /// Tells the size only: all else may hold secrets.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Message({} bytes)", self.body.len())
    }
}
