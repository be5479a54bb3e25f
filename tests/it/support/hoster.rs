//! A hoster that counts what it sells and misbehaves just as it is told: a server of HTTP/1.1 on
//! threads, for the made-up API of the definitions in `tests/samples/definitions/`.
//!
//! What it sells is decided under one lock, so its purchases are exact whatever the wire does.

pub(crate) mod addresses;
pub(crate) mod client;
pub(crate) mod cloud;
pub(crate) mod dialect;
pub(crate) mod fault;
pub(crate) mod mode;
pub(crate) mod provider;
mod purchase;
pub(crate) mod request;
pub(crate) mod response;
mod signed;
mod state;
mod wire;

use std::collections::BTreeMap;
use std::io;
use std::net::{Ipv4Addr, Shutdown, SocketAddrV4, TcpListener, TcpStream};
use std::os::fd::AsRawFd;
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::thread::JoinHandle;

use nix::sys::socket::{self, AddressFamily, Backlog, SockFlag, SockType, SockaddrIn, sockopt};

use self::addresses::Address;
use self::cloud::Purchase;
use self::fault::{Fault, Verb};
use self::mode::Mode;
use self::request::Seen;
use self::state::State;

/// What a request must bear as `Authorization: Bearer …`; no output may hold it.
pub(crate) const TOKEN: &str = "canaryTokenOfTheHoster";

/// Who logs in where a hoster wants that.
pub(crate) const USER: &str = "api";

/// The password of whoever logs in; no output may hold it.
pub(crate) const LOGIN_PASSWORD: &str = "canaryLoginPassword";

/// The tokens that a login yields begin so; no output may hold one.
pub(crate) const SESSION: &str = "canarySession";

/// The private key of whoever signs statements: that of RFC 7515, appendix A.2.
pub(crate) const PRIVATE_KEY: &str = include_str!("../../samples/keys/rfc7515-pkcs8.pem");

/// A hoster; it is gone when this is dropped.
#[must_use]
pub(crate) struct Hoster {
    shared: Arc<Shared>,
    port: u16,
    acceptor: Option<JoinHandle<()>>,
}

/// What all threads of a hoster look at.
struct Shared {
    listener: TcpListener,
    gate: Mutex<Gate>,
    gate_moved: Condvar,
    state: Mutex<State>,
}

/// Who may come in, and who is in.
struct Gate {
    position: Position,
    next: u64,
    connections: BTreeMap<u64, Arc<TcpStream>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Position {
    Open,
    Shut,
    Removed,
}

impl Hoster {
    /// Starts a hoster on a port of its own.
    pub(crate) fn start(mode: Mode) -> Self {
        let (listener, port) = listen().expect("there is a free port");
        let gate = Gate { position: Position::Open, next: 0, connections: BTreeMap::new() };
        let shared = Arc::new(Shared {
            listener,
            gate: Mutex::new(gate),
            gate_moved: Condvar::new(),
            state: Mutex::new(State::new(mode)),
        });
        let theirs = Arc::clone(&shared);
        let acceptor = Some(std::thread::spawn(move || theirs.accept()));
        Self { shared, port, acceptor }
    }

    /// Returns what stands before the paths of the API.
    pub(crate) fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Returns the port that it listens on.
    pub(crate) const fn port(&self) -> u16 {
        self.port
    }

    /// Tells what to do with the next `times` requests of a kind, after what was told before;
    /// [`fault::ALWAYS`] is without end.
    pub(crate) fn fault(&self, verb: Verb, fault: Fault, times: usize) {
        self.state().tell(verb, fault, times);
    }

    /// Takes back what was told and did not happen yet.
    pub(crate) fn behave(&self) {
        self.state().forget_faults();
    }

    /// Returns how many requests met what was told.
    pub(crate) fn faults_met(&self) -> usize {
        self.state().met
    }

    /// Changes how it works from now on.
    pub(crate) fn change(&self, change: impl FnOnce(&mut Mode)) {
        change(&mut self.state().mode);
    }

    /// Returns all that was ever sold, in its order.
    pub(crate) fn purchases(&self) -> Vec<Purchase> {
        self.servers(|server| !server.planted)
    }

    /// Returns what was sold and not removed.
    pub(crate) fn alive(&self) -> Vec<Purchase> {
        self.servers(|server| !server.planted && !server.removed)
    }

    /// Adds a server that somebody else bought; returns its id.
    pub(crate) fn plant(&self, name: &str) -> u64 {
        self.state().plant(name)
    }

    /// Sells what another hoster has sold, to the same order: the first thing that this one does.
    pub(crate) fn sell_again(&self, server: &Purchase, addresses: &[Address]) {
        let mut state = self.state();
        let State { mode, cloud, .. } = &mut *state;
        assert_eq!(cloud.sell_again(mode, server), server.id, "it is the first one");
        state.addresses.sell_again(addresses);
    }

    /// Removes every server that was bought, as a person does at the vendor's site.
    pub(crate) fn remove_by_hand(&self) {
        self.state().cloud.remove_all();
    }

    /// Returns what was planted and not removed.
    pub(crate) fn planted(&self) -> Vec<Purchase> {
        self.servers(|server| server.planted && !server.removed)
    }

    fn servers(&self, keep: impl Fn(&Purchase) -> bool) -> Vec<Purchase> {
        let state = self.state();
        let address = |id| state.addresses.of(id).map(str::to_owned);
        let servers = state.cloud.servers().filter(keep);
        let mut servers: Vec<Purchase> = servers.collect();
        for server in &mut servers {
            server.address = address(server.id);
        }
        servers
    }

    /// Adds a public address that somebody else bought, where those are bought apart.
    pub(crate) fn plant_address(&self) {
        self.state().addresses.plant();
    }

    /// Returns the public addresses that were bought apart, or planted, and not given back.
    pub(crate) fn addresses(&self, planted: bool) -> Vec<Address> {
        self.state().addresses.alive(planted).cloned().collect()
    }

    /// Returns every request that was read whole, in its order.
    pub(crate) fn requests(&self) -> Vec<Seen> {
        self.state().seen.clone()
    }

    /// Returns the requests of a kind.
    pub(crate) fn requests_to(&self, verb: Verb) -> Vec<Seen> {
        self.requests().into_iter().filter(|seen| seen.verb() == verb).collect()
    }

    /// Makes every token that a login yielded worthless.
    pub(crate) fn expire_tokens(&self) {
        self.state().sessions.clear();
    }

    /// Ends all connections and refuses further ones; nobody else gets the port meanwhile.
    pub(crate) fn shut(&self) {
        self.shared.close(Position::Shut);
    }

    /// Lets connections in again.
    pub(crate) fn open(&self) {
        let backlog = Backlog::new(128).expect("a backlog");
        socket::listen(&self.shared.listener, backlog).expect("it is still bound to its port");
        self.shared.gate().position = Position::Open;
        self.shared.gate_moved.notify_all();
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.shared.state.lock().expect("no connection panicked")
    }
}

impl Drop for Hoster {
    fn drop(&mut self) {
        self.shared.close(Position::Removed);
        let ended = self.acceptor.take().map(JoinHandle::join);
        if !std::thread::panicking() {
            ended.expect("it is dropped once").expect("no connection panicked");
        }
    }
}

impl Shared {
    /// Serves every connection on a thread of its own until the hoster is removed.
    fn accept(&self) {
        std::thread::scope(|scope| {
            while self.wait_while_shut() {
                let Ok((stream, _)) = self.listener.accept() else {
                    continue;
                };
                if let Some((number, stream)) = self.admit(stream) {
                    scope.spawn(move || {
                        // The client is gone where that fails: there is nobody to tell.
                        let _ = wire::serve(&stream, &self.state);
                        self.gate().connections.remove(&number);
                    });
                }
            }
        });
    }

    /// Returns whether connections may come in, or false where none will any more.
    fn wait_while_shut(&self) -> bool {
        let shut = |gate: &mut Gate| gate.position == Position::Shut;
        let gate = self.gate_moved.wait_while(self.gate(), shut).expect("nobody panicked");
        gate.position == Position::Open
    }

    fn admit(&self, stream: TcpStream) -> Option<(u64, Arc<TcpStream>)> {
        // What is written is on the wire before a reset follows it.
        stream.set_nodelay(true).ok()?;
        let mut gate = self.gate();
        if gate.position != Position::Open {
            return None;
        }
        gate.next += 1;
        let (number, stream) = (gate.next, Arc::new(stream));
        gate.connections.insert(number, Arc::clone(&stream));
        Some((number, stream))
    }

    /// Ends all connections, and lets nobody in.
    fn close(&self, position: Position) {
        let mut gate = self.gate();
        gate.position = position;
        // Closing would not do: a test that forks just now shares the socket for a moment. It fails
        // where it was done before.
        let _ = socket::shutdown(self.listener.as_raw_fd(), socket::Shutdown::Read);
        for stream in gate.connections.values() {
            // The client may have been faster.
            let _ = stream.shutdown(Shutdown::Both);
        }
        drop(gate);
        self.gate_moved.notify_all();
    }

    fn gate(&self) -> MutexGuard<'_, Gate> {
        self.gate.lock().expect("nobody panicked at the gate")
    }
}

/// Returns a listener that keeps its port while nobody may come in: Linux does so where the port
/// was asked for by its number.
fn listen() -> io::Result<(TcpListener, u16)> {
    let finder =
        socket::socket(AddressFamily::Inet, SockType::Stream, SockFlag::SOCK_CLOEXEC, None)?;
    socket::setsockopt(&finder, sockopt::ReuseAddr, &true)?;
    socket::bind(finder.as_raw_fd(), &SockaddrIn::new(127, 0, 0, 1, 0))?;
    let port = socket::getsockname::<SockaddrIn>(finder.as_raw_fd())?.port();
    let listener = TcpListener::bind(SocketAddrV4::new(Ipv4Addr::LOCALHOST, port))?;
    Ok((listener, port))
}
