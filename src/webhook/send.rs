//! Sends one message and returns the whole reply: no more than one attempt, and no judgement.
//!
//! Redirects are followed by hand, where the kind does so at all: each hop is checked by the policy
//! when it is connected to, all of them share one deadline, and nothing that could be a credential
//! goes where it was not meant for.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::address::Policy;
use super::message::{Message, Target};
use crate::http::{
    Client, Method, Options, Redirect, Refuses, Reply, Request, Transport as _, redirect,
};

#[cfg(test)]
mod tests;

/// How many bytes of a reply's body are read: what is judged has to be there whole.
const READ: usize = 64 << 10;

/// How many bytes of it are kept.
const SHOWN: usize = 4 << 10;

/// Replies that lead elsewhere (RFC 9110 section 15.4).
const REDIRECTS: [u16; 5] = [301, 302, 303, 307, 308];

/// Those of them after which a POST goes on as a GET without a body: 303 says so, the others are
/// followed like that by curl and by Guzzle.
const GET_NEXT: [u16; 3] = [301, 302, 303];

/// The headers that go to another origin too; any other may be a credential.
const FOR_ALL: [&str; 2] = ["accept", "user-agent"];

/// Sends messages, for any number of threads at once.
pub(crate) struct Sender {
    refuses: Refuses,
    clients: Mutex<BTreeMap<Trust, Arc<Client>>>,
}

/// Whether a receiver's certificate is checked, and the certificates in PEM that it is checked by
/// instead of the built-in ones.
type Trust = (bool, Option<Vec<u8>>);

/// Why an attempt came to no reply that could be judged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Fault {
    /// The redirect that could not be followed; none where there was no whole reply.
    pub(crate) reply: Option<Reply>,
    /// What went wrong. Names hosts and ports at most, nothing else of a URL and nothing of a
    /// header.
    pub(crate) why: String,
}

impl Sender {
    /// Makes a sender that connects to nothing that the policy refuses.
    pub(crate) fn new(policy: Policy) -> Self {
        let refuses: Refuses = Arc::new(move |address| policy.refuses(address));
        Self { refuses, clients: Mutex::default() }
    }

    /// Sends a message and waits for the reply, which is cut after 64 KiB. Where the message says
    /// so, redirects are followed; else one is a reply like any other.
    ///
    /// `timeout` is for all of it, from the first name look-up to the last byte of the last reply.
    ///
    /// # Errors
    /// None for a status. A message that got no reply may have arrived all the same.
    pub(crate) fn send(
        &self,
        target: &Target,
        message: &Message,
        timeout: Duration,
    ) -> Result<Reply, Fault> {
        let begun = Instant::now();
        let client = self.client(target).map_err(|why| Fault { reply: None, why })?;
        let mut request = first(message, timeout);
        let mut followed = 0;
        loop {
            let reply = client.send(&request).map_err(|failure| {
                let why = failure.to_string();
                let why = if followed == 0 { why } else { format!("redirect {followed}: {why}") };
                Fault { reply: None, why }
            })?;
            if message.redirects == 0 || !REDIRECTS.contains(&reply.status) {
                return Ok(reply);
            }
            if followed == message.redirects {
                let why = format!("it was redirected more than {followed} times");
                return Err(Fault { reply: Some(reply), why });
            }
            followed += 1;
            request = follow(&request, &reply).map_err(|problem| {
                let why = format!("redirect {followed}: {problem}");
                Fault { reply: Some(reply), why }
            })?;
            request.timeout = left(timeout, begun);
        }
    }

    /// Looks whether the certificates that a target is to be trusted by can be used.
    ///
    /// # Errors
    /// A sentence that begins with the key.
    pub(crate) fn check(target: &Target) -> Result<(), String> {
        match target.ca {
            Some(_) => Self::new(Policy::default()).client(target).map(drop),
            None => Ok(()),
        }
    }

    fn client(&self, target: &Target) -> Result<Arc<Client>, String> {
        let mut clients = self.clients.lock().unwrap_or_else(PoisonError::into_inner);
        let key = (target.verifies(), target.ca.clone());
        if let Some(known) = clients.get(&key) {
            return Ok(Arc::clone(known));
        }
        let (verify, ca) = key.clone();
        let options = Options { ca, verify, proxy: None, refuses: Some(Arc::clone(&self.refuses)) };
        let client = Client::new(&options).map_err(|problem| format!("ca_file: {problem}"))?;
        let client = Arc::new(client);
        clients.insert(key, Arc::clone(&client));
        Ok(client)
    }
}

/// Returns what the history keeps of a reply's body: its first 4 KiB, what is no UTF-8 replaced.
pub(crate) fn shown(body: &[u8]) -> String {
    // A character may begin in the last byte that is kept, and have four.
    let head = &body[..body.len().min(SHOWN + 3)];
    let mut text = String::from_utf8_lossy(head).into_owned();
    text.truncate(text.floor_char_boundary(SHOWN));
    text
}

fn first(message: &Message, timeout: Duration) -> Request {
    let ours = message.headers.iter().map(|(name, value)| ((*name).to_owned(), value.clone()));
    Request {
        method: Method::Post,
        url: message.url.clone(),
        headers: ours.chain(message.own_headers.iter().cloned()).collect(),
        body: (!message.body.is_empty()).then(|| message.body.clone().into_bytes()),
        // A connection that the receiver has given up meanwhile would cost an attempt.
        fresh: true,
        timeout,
        cut: Some(READ),
    }
}

/// Makes the request that a redirect asks for.
///
/// # Errors
/// Why it is not made.
fn follow(request: &Request, reply: &Reply) -> Result<Request, &'static str> {
    let location = reply.headers.get("location").ok_or("it has no Location")?;
    let Redirect { url, same_origin } = redirect(&request.url, location)?;
    let mut next = Request { url, ..request.clone() };
    if GET_NEXT.contains(&reply.status) {
        next.method = Method::Get;
        next.body = None;
        next.headers.retain(|(name, _)| !name.eq_ignore_ascii_case("content-type"));
    }
    if !same_origin {
        if next.body.is_some() {
            return Err("it leads to another host, and the body is not meant for that");
        }
        next.headers.retain(|(name, _)| FOR_ALL.iter().any(|all| name.eq_ignore_ascii_case(all)));
    }
    Ok(next)
}

/// Returns what is left of the time, in whole milliseconds, for it is told in messages.
fn left(timeout: Duration, begun: Instant) -> Duration {
    let left = timeout.saturating_sub(begun.elapsed());
    Duration::from_millis(u64::try_from(left.as_millis()).unwrap_or(u64::MAX))
}
