//! A server of HTTP/1.1 that answers as a function says.

use std::io::{self, BufReader, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;

use super::hoster::fault::Point;
use super::hoster::request::Seen;
use super::hoster::response::Response;

/// A server on a port of its own; it takes no connection any more when this is dropped.
#[must_use]
pub(crate) struct Service {
    port: u16,
    ended: Arc<AtomicBool>,
    acceptor: Option<JoinHandle<()>>,
}

impl Service {
    /// Starts a server that answers so.
    pub(crate) fn start(
        answers: impl Fn(&Seen) -> Option<Response> + Send + Sync + 'static,
    ) -> Self {
        Self::serving(move |stream| serve(stream, &answers))
    }

    /// Starts a server that does so with each connection.
    pub(crate) fn serving(
        serve: impl Fn(&TcpStream) -> io::Result<()> + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("there is a free port");
        let port = listener.local_addr().expect("it is bound").port();
        let ended = Arc::new(AtomicBool::new(false));
        let over = Arc::clone(&ended);
        let serve = Arc::new(serve);
        let acceptor = std::thread::spawn(move || {
            for stream in listener.incoming() {
                if over.load(Ordering::SeqCst) {
                    return;
                }
                let serve = Arc::clone(&serve);
                // The client is gone where that fails: there is nobody to tell.
                std::thread::spawn(move || stream.and_then(|stream| serve(&stream)));
            }
        });
        Self { port, ended, acceptor: Some(acceptor) }
    }

    /// Returns its URL.
    pub(crate) fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        self.ended.store(true, Ordering::SeqCst);
        // It looks when somebody comes.
        let _ = TcpStream::connect((Ipv4Addr::LOCALHOST, self.port));
        let ended = self.acceptor.take().map(JoinHandle::join);
        if !std::thread::panicking() {
            ended.expect("it is dropped once").expect("it does not panic");
        }
    }
}

/// Answers what is asked; none closes the connection instead.
fn serve(mut stream: &TcpStream, answers: &impl Fn(&Seen) -> Option<Response>) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let mut reader = BufReader::new(stream);
    while let Some(seen) = Seen::read(&mut reader)? {
        let Some(response) = answers(&seen) else {
            return Ok(());
        };
        stream.write_all(&response.bytes(Point::AfterBody).0)?;
        if seen.is_the_last() {
            return Ok(());
        }
    }
    Ok(())
}
