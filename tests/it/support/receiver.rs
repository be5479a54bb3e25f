//! A receiver of webhooks: it answers as it is told, and writes down what it was sent.

use std::collections::{BTreeSet, VecDeque};
use std::io::{self, BufReader, Read, Write};
use std::net::TcpStream;
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::time::Duration;

use super::hoster::fault::Point;
use super::hoster::request::Seen;
use super::hoster::response::Response;
use super::plugin::CANARY;
use super::service::Service;
use super::wait_until;

/// How long lies between two bytes that drip: less than any time-out for one read.
const DRIP: Duration = Duration::from_millis(20);

/// What becomes of a request once it is written down.
#[derive(Debug, Clone)]
pub(crate) enum Reply {
    /// It is answered.
    Answer(Response),
    /// It is answered so, and not before [`Receiver::release`].
    Held(Response),
    /// It is answered with 200 and a body that comes a byte at a time, without end.
    Drip,
    /// Nothing comes, and the connection stays.
    Hang,
    /// The connection is closed in the middle of the body of a 200.
    CloseMidBody,
}

impl Reply {
    pub(crate) const fn status(status: u16) -> Self {
        Self::Answer(Response::empty(status))
    }

    /// Returns a redirect.
    pub(crate) fn redirect(status: u16, to: &str) -> Self {
        Self::Answer(Response::empty(status).with_header("Location", to.to_owned()))
    }

    /// Returns an error that says when to come again.
    pub(crate) fn busy(status: u16, retry_after: &str) -> Self {
        let response = Response::told(status);
        Self::Answer(response.with_header("Retry-After", retry_after.to_owned()))
    }
}

/// A receiver on a port of its own; it takes no connection any more when this is dropped.
#[must_use]
pub(crate) struct Receiver {
    service: Service,
    desk: Arc<Desk>,
}

/// Says what becomes of a request that nothing else was said of.
type Usual = dyn Fn(&Seen) -> Reply + Send + Sync;

struct Desk {
    usual: Box<Usual>,
    state: Mutex<State>,
    released: Condvar,
}

#[derive(Default)]
struct State {
    seen: Vec<Seen>,
    /// Which of them came of somebody who was gone by then.
    gone: BTreeSet<usize>,
    /// Which of them were answered with a whole 2xx.
    taken: BTreeSet<usize>,
    next: VecDeque<Reply>,
    released: bool,
}

impl Receiver {
    /// Starts a receiver that answers 200.
    pub(crate) fn start() -> Self {
        Self::answering(|_| Reply::status(200))
    }

    /// Starts a receiver that answers so.
    pub(crate) fn answering(usual: impl Fn(&Seen) -> Reply + Send + Sync + 'static) -> Self {
        let (state, released) = (Mutex::default(), Condvar::new());
        let desk = Arc::new(Desk { usual: Box::new(usual), state, released });
        let served = Arc::clone(&desk);
        Self { service: Service::serving(move |stream| served.serve(stream)), desk }
    }

    /// Does so with the next requests, one after the other.
    pub(crate) fn next(&self, replies: impl IntoIterator<Item = Reply>) {
        self.desk.state().next.extend(replies);
    }

    /// Answers what is held, and holds nothing any more.
    pub(crate) fn release(&self) {
        self.desk.state().released = true;
        self.desk.released.notify_all();
    }

    /// Returns its URL, with a path of its own.
    pub(crate) fn url(&self) -> String {
        format!("{}/hook", self.service.url())
    }

    /// Returns what it was sent, in the order in which it came.
    #[track_caller]
    pub(crate) fn requests(&self) -> Vec<Seen> {
        let seen = self.desk.state().seen.clone();
        for request in &seen {
            let told = format!("{} {:?}", request.path, request.headers);
            let body = String::from_utf8_lossy(&request.body);
            assert!(!told.contains(CANARY) && !body.contains(CANARY), "a password got out");
        }
        seen
    }

    /// Returns which of its requests were read when their sender had closed the connection or was
    /// dead: what others sent meanwhile may have been read before.
    pub(crate) fn gone(&self) -> BTreeSet<usize> {
        self.desk.state().gone.clone()
    }

    /// Returns which of its requests it answered with a whole 2xx.
    pub(crate) fn taken(&self) -> BTreeSet<usize> {
        self.desk.state().taken.clone()
    }

    /// Waits until it was sent so many requests; returns all.
    #[track_caller]
    pub(crate) fn wait_for(&self, number: usize) -> Vec<Seen> {
        wait_until(&format!("{number} requests"), || self.desk.state().seen.len() >= number);
        self.requests()
    }

    /// Waits for its first request, and expects that there is no other.
    #[track_caller]
    pub(crate) fn only(&self) -> Seen {
        let mut all = self.wait_for(1);
        assert_eq!(all.len(), 1, "{all:?}");
        all.remove(0)
    }
}

impl Desk {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("no connection panicked")
    }

    fn serve(&self, mut stream: &TcpStream) -> io::Result<()> {
        stream.set_nodelay(true)?;
        let mut reader = BufReader::new(stream);
        while let Some(seen) = Seen::read(&mut reader)? {
            let last = seen.is_the_last();
            let (number, reply) = self.take(seen, stream);
            let response = match reply {
                Reply::Answer(response) => response,
                Reply::Held(response) => {
                    let held = self.released.wait_while(self.state(), |state| !state.released);
                    drop(held.expect("no connection panicked"));
                    response
                }
                Reply::Drip => return drip(stream),
                Reply::Hang => return reader.read_to_end(&mut Vec::new()).map(|_| ()),
                Reply::CloseMidBody => {
                    return stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf");
                }
            };
            if (200..300).contains(&response.status) {
                // Before it is said: whoever hears it may look here at once.
                self.state().taken.insert(number);
            }
            stream.write_all(&response.bytes(Point::AfterBody).0)?;
            if last {
                return Ok(());
            }
        }
        Ok(())
    }

    fn take(&self, seen: Seen, stream: &TcpStream) -> (usize, Reply) {
        let mut state = self.state();
        let reply = state.next.pop_front().unwrap_or_else(|| (self.usual)(&seen));
        let number = state.seen.len();
        if is_gone(stream) {
            state.gone.insert(number);
        }
        state.seen.push(seen);
        (number, reply)
    }
}

/// Returns whether nobody is at the other end any more.
fn is_gone(stream: &TcpStream) -> bool {
    if stream.set_nonblocking(true).is_err() {
        return true;
    }
    let looked = stream.peek(&mut [0]);
    let waits = looked.as_ref().is_err_and(|error| error.kind() == io::ErrorKind::WouldBlock);
    stream.set_nonblocking(false).is_err() || !(waits || looked.is_ok_and(|length| length > 0))
}

fn drip(mut stream: &TcpStream) -> io::Result<()> {
    stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n")?;
    loop {
        stream.write_all(b"x")?;
        std::thread::sleep(DRIP);
    }
}
