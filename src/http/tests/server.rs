//! A server of this machine that behaves as a test says.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use rustls::{ServerConfig, ServerConnection, StreamOwned};

/// What a server saw.
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    connections: Arc<AtomicUsize>,
    requests: Arc<Mutex<Vec<String>>>,
}

/// One connection, as its server has it.
pub(crate) struct Connection {
    stream: Box<dyn Stream>,
    socket: TcpStream,
    requests: Arc<Mutex<Vec<String>>>,
}

pub(crate) trait Stream: Read + Write + Send {}

impl<T: Read + Write + Send> Stream for T {}

impl Server {
    /// Starts a server on 127.0.0.1; it lives as long as the tests.
    pub(crate) fn new(behave: impl Fn(&mut Connection) + Send + Sync + 'static) -> Self {
        Self::at("127.0.0.1", behave)
    }

    /// Starts a server on another address.
    pub(crate) fn at(
        address: &str,
        behave: impl Fn(&mut Connection) + Send + Sync + 'static,
    ) -> Self {
        Self::start(address, behave, |socket| Box::new(socket))
    }

    /// Starts a server that speaks TLS.
    pub(crate) fn tls(
        config: Arc<ServerConfig>,
        behave: impl Fn(&mut Connection) + Send + Sync + 'static,
    ) -> Self {
        Self::start("127.0.0.1", behave, move |socket| {
            let session = ServerConnection::new(Arc::clone(&config)).unwrap();
            Box::new(StreamOwned::new(session, socket))
        })
    }

    fn start(
        address: &str,
        behave: impl Fn(&mut Connection) + Send + Sync + 'static,
        wrap: impl Fn(TcpStream) -> Box<dyn Stream> + Send + 'static,
    ) -> Self {
        let listener = TcpListener::bind((address, 0)).unwrap();
        let address = listener.local_addr().unwrap();
        let connections = Arc::new(AtomicUsize::new(0));
        let requests = Arc::new(Mutex::new(Vec::new()));
        let server = Self {
            address,
            connections: Arc::clone(&connections),
            requests: Arc::clone(&requests),
        };
        let behave = Arc::new(behave);
        std::thread::spawn(move || {
            for socket in listener.incoming() {
                let socket = socket.unwrap();
                connections.fetch_add(1, Ordering::SeqCst);
                let mut connection = Connection {
                    stream: wrap(socket.try_clone().unwrap()),
                    socket,
                    requests: Arc::clone(&requests),
                };
                let behave = Arc::clone(&behave);
                std::thread::spawn(move || behave(&mut connection));
            }
        });
        server
    }

    /// Starts a server that reads one request on each connection, answers with these bytes and
    /// hangs up.
    pub(crate) fn answering(bytes: impl AsRef<[u8]> + Send + Sync + 'static) -> Self {
        Self::new(move |connection| {
            connection.request();
            connection.say(bytes.as_ref());
        })
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    pub(crate) fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }

    /// The requests that came, whole and in their order.
    pub(crate) fn requests(&self) -> Vec<String> {
        self.requests.lock().unwrap().clone()
    }
}

impl Connection {
    /// Reads one request, with a body where it tells its length; none at the end.
    pub(crate) fn request(&mut self) -> Option<String> {
        let mut bytes = Vec::new();
        while !bytes.ends_with(b"\r\n\r\n") {
            let mut byte = [0];
            if !matches!(self.stream.read(&mut byte), Ok(1)) {
                return None;
            }
            bytes.push(byte[0]);
        }
        let head = String::from_utf8(bytes.clone()).unwrap().to_lowercase();
        let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
        let mut body = vec![0; length.map_or(0, |length| length.parse().unwrap())];
        self.stream.read_exact(&mut body).ok()?;
        bytes.extend(body);
        let request = String::from_utf8(bytes).unwrap();
        self.requests.lock().unwrap().push(request.clone());
        Some(request)
    }

    /// Sends bytes; tells whether the other side still takes them.
    pub(crate) fn say(&mut self, bytes: impl AsRef<[u8]>) -> bool {
        self.stream.write_all(bytes.as_ref()).and_then(|()| self.stream.flush()).is_ok()
    }

    /// Waits for the first bytes without reading them. A socket that is closed then resets its
    /// connection.
    pub(crate) fn look(&self) {
        let _ = self.socket.peek(&mut [0]);
    }

    /// Passes bytes to and from another server until both are done.
    pub(crate) fn relay(&mut self, target: &str) {
        let target = TcpStream::connect(target).unwrap();
        let (mut up, mut down) = (target.try_clone().unwrap(), target);
        let (mut from, mut to) =
            (self.socket.try_clone().unwrap(), self.socket.try_clone().unwrap());
        let upward = std::thread::spawn(move || {
            let _ = std::io::copy(&mut from, &mut up);
            let _ = up.shutdown(std::net::Shutdown::Write);
        });
        let _ = std::io::copy(&mut down, &mut to);
        let _ = to.shutdown(std::net::Shutdown::Both);
        upward.join().unwrap();
    }
}
