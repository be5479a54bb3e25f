//! What a request's connection saw: whether a byte of the request left, whether the reply broke
//! off, and whether its time is up.
//!
//! The kind of an error does not tell whether anything was sent, and a library's kinds change. So
//! the connection itself takes note: [`Watched`] stands above TLS and above a proxy's tunnel, where
//! nothing passes but the bytes of requests and replies. [`Timed`] stands on the socket, because a
//! proxy's answer to CONNECT is otherwise bounded read by read only.
//!
//! ureq runs a request on the thread that asks for it, from the name look-up to the last byte, so
//! the notes lie in that thread's own storage.

use std::cell::Cell;
use std::io::ErrorKind;
use std::sync::Arc;
use std::time::{Duration, Instant};

use ureq::unversioned::transport::{
    Buffers, ConnectionDetails, Connector, NextTimeout, RustlsConnector, Transport, time,
};
use ureq::{Error, Timeout};

/// What the connection of the request saw that this thread sent last.
#[derive(Clone, Copy, Default)]
pub(super) struct Seen {
    deadline: Option<Instant>,
    /// Bytes of the request were handed to the connection; they may have arrived.
    pub(super) sent: bool,
    /// The connection ended otherwise than in order: by a reset, or by an end of TCP without one of
    /// TLS, which anybody in between can forge (RFC 8446 section 6.1).
    pub(super) broken: bool,
}

thread_local! {
    static SEEN: Cell<Seen> = const { Cell::new(Seen { deadline: None, sent: false, broken: false }) };
}

/// Runs `exchange`, whose connections may be used for at most `time`, and returns what they saw.
pub(super) fn during<T>(time: Duration, exchange: impl FnOnce() -> T) -> (T, Seen) {
    SEEN.set(Seen { deadline: Instant::now().checked_add(time), ..Seen::default() });
    let result = exchange();
    (result, SEEN.take())
}

fn note(change: impl FnOnce(&mut Seen)) {
    let mut seen = SEEN.get();
    change(&mut seen);
    SEEN.set(seen);
}

/// Shortens a time limit to what is left for the request.
fn within_deadline(mut timeout: NextTimeout) -> Result<NextTimeout, Error> {
    if let Some(deadline) = SEEN.get().deadline {
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(Error::Timeout(Timeout::Global));
        }
        if left < *timeout.after {
            timeout.after = time::Duration::Exact(left);
            timeout.reason = Timeout::Global;
        }
    }
    Ok(timeout)
}

/// Keeps the socket below to the deadline of the request.
#[derive(Debug)]
pub(super) struct Timed<T>(T);

/// Puts [`Timed`] on the socket.
#[derive(Debug)]
pub(super) struct Timer;

impl<In: Transport> Connector<In> for Timer {
    type Out = Timed<In>;

    fn connect(
        &self,
        _: &ConnectionDetails,
        chained: Option<In>,
    ) -> Result<Option<Self::Out>, Error> {
        Ok(chained.map(Timed))
    }
}

impl<T: Transport> Transport for Timed<T> {
    fn buffers(&mut self) -> &mut dyn Buffers {
        self.0.buffers()
    }

    fn transmit_output(&mut self, amount: usize, timeout: NextTimeout) -> Result<(), Error> {
        self.0.transmit_output(amount, within_deadline(timeout)?)
    }

    fn await_input(&mut self, timeout: NextTimeout) -> Result<bool, Error> {
        self.0.await_input(within_deadline(timeout)?)
    }

    fn is_open(&mut self) -> bool {
        self.0.is_open()
    }

    fn is_tls(&self) -> bool {
        self.0.is_tls()
    }
}

/// TLS whose settings are made once for all requests of a client.
#[derive(Clone, Debug, Default)]
pub(super) struct Tls(Arc<RustlsConnector>);

impl<In: Transport> Connector<In> for Tls {
    type Out = <RustlsConnector as Connector<In>>::Out;

    fn connect(
        &self,
        details: &ConnectionDetails,
        chained: Option<In>,
    ) -> Result<Option<Self::Out>, Error> {
        let details = ConnectionDetails {
            uri: details.uri,
            addrs: details.addrs.clone(),
            config: details.config,
            // What one request may change is its time limits, not its TLS; without this the roots
            // would be read anew for every connection.
            request_level: false,
            resolver: details.resolver,
            now: details.now,
            timeout: details.timeout,
            current_time: Arc::clone(&details.current_time),
            run_connector: Arc::clone(&details.run_connector),
            register_shutdown: Arc::clone(&details.register_shutdown),
        };
        self.0.connect(&details, chained)
    }
}

/// Takes note of what goes over the connection below.
#[derive(Debug)]
pub(super) struct Watched<T> {
    inner: T,
    /// Whether this leads to the hoster; the connection to a proxy carries nothing of the request.
    counts: bool,
}

/// Puts [`Watched`] on a connection.
#[derive(Debug)]
pub(super) struct Watcher {
    /// Whether the client has a proxy.
    pub(super) proxied: bool,
}

impl<In: Transport> Connector<In> for Watcher {
    type Out = Watched<In>;

    fn connect(
        &self,
        details: &ConnectionDetails,
        chained: Option<In>,
    ) -> Result<Option<Self::Out>, Error> {
        // The connection to the proxy is made with the same settings, less the proxy.
        let counts = details.config.proxy().is_some() == self.proxied;
        Ok(chained.map(|inner| Watched { inner, counts }))
    }
}

impl<T: Transport> Transport for Watched<T> {
    fn buffers(&mut self) -> &mut dyn Buffers {
        self.inner.buffers()
    }

    fn transmit_output(&mut self, amount: usize, timeout: NextTimeout) -> Result<(), Error> {
        if self.counts {
            note(|seen| seen.sent = true);
        }
        self.inner.transmit_output(amount, timeout)
    }

    fn await_input(&mut self, timeout: NextTimeout) -> Result<bool, Error> {
        let result = self.inner.await_input(timeout);
        if let Err(Error::Io(error)) = &result
            && self.counts
            && is_a_broken_end(error.kind())
        {
            note(|seen| seen.broken = true);
        }
        result
    }

    fn is_open(&mut self) -> bool {
        self.inner.is_open()
    }

    fn is_tls(&self) -> bool {
        self.inner.is_tls()
    }
}

/// Tells whether ureq would take an error for the end of a body that has no length of its own.
fn is_a_broken_end(kind: ErrorKind) -> bool {
    matches!(
        kind,
        ErrorKind::UnexpectedEof | ErrorKind::ConnectionReset | ErrorKind::ConnectionAborted
    )
}
