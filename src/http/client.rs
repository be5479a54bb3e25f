//! The client that sends requests over the network, by ureq.

use std::collections::BTreeMap;
use std::io::Read;
use std::sync::Arc;
use std::time::Duration;

use ureq::http::{self, HeaderName, HeaderValue, Uri, header};
use ureq::tls::{PemItem, RootCerts, TlsConfig, parse_pem};
use ureq::unversioned::transport::{ConnectProxyConnector, Connector, TcpConnector};
use ureq::{Agent, AsSendBody, Body, Proxy, ProxyProtocol, Timeout};

use super::guard::Guard;
use super::{Failure, Method, Options, Reply, Request, Transport, watch};

/// How long a connection may take to be made at most, TLS and a proxy included.
const LONGEST_CONNECT: Duration = Duration::from_secs(10);

/// The longest time limit of a request; a longer one is cut to it.
const LONGEST: Duration = Duration::from_hours(1);

/// How many bytes the body of a reply may have.
const LARGEST_REPLY: u64 = 4 << 20;

/// How many bytes the head of a reply may have. ureq takes 128 headers at most.
const LARGEST_HEAD: usize = 64 << 10;

/// How many bytes are written at a time; a header's line must fit in.
const WRITTEN_AT_ONCE: usize = 64 << 10;

/// How many idle connections are kept for a host: as many as a worker has threads by default.
const IDLE_CONNECTIONS: usize = 8;

/// How we call ourselves.
pub(super) const USER_AGENT: &str = concat!(env!("CARGO_PKG_NAME"), "/", env!("CARGO_PKG_VERSION"));

/// Sends requests over the network, for any number of threads at once.
pub(crate) struct Client {
    /// Keeps connections for the next request.
    pub(super) pooled: Agent,
    /// Makes a connection for every request.
    pub(super) fresh: Agent,
    /// The proxy's host and port.
    proxy: Option<String>,
}

impl Client {
    /// Makes a client. Nothing is connected, and the settings of TLS are made when they are needed
    /// first.
    ///
    /// # Errors
    /// What is wrong with the certificates or the proxy's URL, without what that URL holds.
    pub(crate) fn new(options: &Options) -> Result<Self, String> {
        let proxy = options.proxy.as_deref().map(parse_proxy).transpose()?;
        let mut tls = TlsConfig::builder().disable_verification(!options.verify);
        if let Some(pem) = &options.ca {
            tls = tls.root_certs(parse_roots(pem)?);
        }
        let tls_config = tls.build();
        let tls = watch::Tls::default();
        let agent = |idle| {
            let config = Agent::config_builder()
                // ureq's own default comes from the environment.
                .proxy(proxy.clone())
                .http_status_as_error(false)
                .max_redirects(0)
                .max_redirects_will_error(false)
                .user_agent(USER_AGENT)
                .accept_encoding("")
                .max_response_header_size(LARGEST_HEAD)
                .output_buffer_size(WRITTEN_AT_ONCE)
                .max_idle_connections(idle)
                .max_idle_connections_per_host(idle)
                .tls_config(tls_config.clone())
                .build();
            let connector =
                ().chain(ConnectProxyConnector::default())
                    .chain(TcpConnector::default())
                    .chain(watch::Timer)
                    .chain(tls.clone())
                    .chain(watch::Watcher { proxied: proxy.is_some() });
            Agent::with_parts(config, connector, Guard::new(options.refuses.clone()))
        };
        Ok(Self {
            pooled: agent(IDLE_CONNECTIONS),
            fresh: agent(0),
            proxy: proxy.as_ref().map(|proxy| format!("{}:{}", proxy.host(), proxy.port())),
        })
    }

    /// Says where a request goes.
    fn way(&self, url: &str) -> String {
        match &self.proxy {
            Some(proxy) => format!("{} through proxy {proxy}", place(url)),
            None => place(url),
        }
    }

    fn exchange(&self, request: &Request, timeout: Duration) -> Result<Reply, String> {
        let agent = if request.fresh { &self.fresh } else { &self.pooled };
        let head = head(request)?;
        let sent = match &request.body {
            Some(body) => run(agent, head, body.as_slice(), timeout),
            // Without it ureq takes their body for one of unknown length.
            None if matches!(request.method, Method::Post | Method::Put | Method::Patch) => {
                run(agent, head, [].as_slice(), timeout)
            }
            None => run(agent, head, (), timeout),
        };
        let response = sent.map_err(|error| words(&error, timeout))?;
        read(response, timeout, request.cut)
    }
}

impl Transport for Client {
    fn send(&self, request: &Request) -> Result<Reply, Failure> {
        let timeout = request.timeout.min(LONGEST);
        let (result, seen) = watch::during(timeout, || self.exchange(request, timeout));
        let problem = match result {
            Ok(reply) if !seen.broken => return Ok(reply),
            Ok(_) => "the connection broke off, and the reply may be cut".to_owned(),
            Err(problem) => problem,
        };
        let way = self.way(&request.url);
        // ureq may have taken a connection that was idle: what became of it is not known.
        if request.fresh && !seen.sent {
            return Err(Failure::NotSent(format!("nothing was sent to {way}: {problem}")));
        }
        Err(Failure::Unknown(format!("no whole reply from {way}: {problem}")))
    }
}

/// Returns a URL's host, and its port where it names one; all else may be a secret.
pub(super) fn place(url: &str) -> String {
    let Ok(url) = url.parse::<Uri>() else {
        return "a malformed URL".to_owned();
    };
    let host = url.host().unwrap_or("no host");
    url.port_u16().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
}

fn parse_proxy(url: &str) -> Result<Proxy, String> {
    let proxy = Proxy::new(url).map_err(|_| "it is not a usable URL".to_owned())?;
    match proxy.protocol() {
        ProxyProtocol::Http | ProxyProtocol::Https => Ok(proxy),
        _ => Err("its scheme is not `http` or `https`".to_owned()),
    }
}

fn parse_roots(pem: &[u8]) -> Result<RootCerts, String> {
    let mut roots = Vec::new();
    for item in parse_pem(pem) {
        match item {
            Ok(PemItem::Certificate(certificate)) => roots.push(certificate),
            Ok(_) => {}
            Err(_) => return Err("it is not well-formed PEM".to_owned()),
        }
    }
    if roots.is_empty() {
        return Err("it holds no certificate in PEM".to_owned());
    }
    Ok(RootCerts::Specific(Arc::new(roots)))
}

/// Headers that say how a message is framed or what the connection does: ours to set.
const RESERVED: [HeaderName; 5] = [
    header::CONNECTION,
    header::CONTENT_LENGTH,
    header::EXPECT,
    header::TRANSFER_ENCODING,
    header::UPGRADE,
];

/// Makes the head of a request.
fn head(request: &Request) -> Result<http::request::Builder, String> {
    let method = match request.method {
        Method::Get => http::Method::GET,
        Method::Post => http::Method::POST,
        Method::Put => http::Method::PUT,
        Method::Patch => http::Method::PATCH,
        Method::Delete => http::Method::DELETE,
    };
    let url: Uri = request.url.parse().map_err(|_| "the URL is malformed".to_owned())?;
    if !matches!(url.scheme_str(), Some("http" | "https")) {
        return Err("the URL is not one of `http` or `https`".to_owned());
    }
    let mut head = http::Request::builder().method(method).uri(url);
    for (name, value) in &request.headers {
        let name = HeaderName::try_from(name)
            .map_err(|_| format!("`{}` is no name of a header", name.escape_default()))?;
        if RESERVED.contains(&name) {
            return Err(format!("header `{name}` cannot be set"));
        }
        let mut value = HeaderValue::try_from(value.as_bytes())
            .map_err(|_| format!("header `{name}` has a character that cannot be sent"))?;
        // For whoever turns ureq's log on.
        value.set_sensitive(true);
        head = head.header(name, value);
    }
    Ok(head)
}

fn run(
    agent: &Agent,
    head: http::request::Builder,
    body: impl AsSendBody,
    timeout: Duration,
) -> Result<http::Response<Body>, ureq::Error> {
    let connect = Some(timeout.min(LONGEST_CONNECT));
    let request = agent
        .configure_request(head.body(body)?)
        .timeout_global(Some(timeout))
        .timeout_resolve(connect)
        .timeout_connect(connect)
        .build();
    agent.run(request)
}

/// Reads the whole reply, or as much of its body as is wanted. A connection whose body was not read
/// to its end is closed.
fn read(
    response: http::Response<Body>,
    timeout: Duration,
    cut: Option<usize>,
) -> Result<Reply, String> {
    let (head, mut body) = response.into_parts();
    let mut bytes = Vec::new();
    body.as_reader()
        .take(cut.map_or(LARGEST_REPLY + 1, |cut| cut as u64))
        .read_to_end(&mut bytes)
        .map_err(|error| words(&ureq::Error::from(error), timeout))?;
    if cut.is_none() && bytes.len() as u64 > LARGEST_REPLY {
        return Err(format!("the reply is longer than {} MiB", LARGEST_REPLY >> 20));
    }
    let mut reply = Reply {
        status: head.status.as_u16(),
        headers: BTreeMap::new(),
        cookies: BTreeMap::new(),
        body: bytes,
    };
    for (name, value) in &head.headers {
        let value = String::from_utf8_lossy(value.as_bytes());
        if name == header::SET_COOKIE {
            // RFC 6265 section 5.2.
            let pair = value.split(';').next().unwrap_or_default();
            if let Some((name, value)) = pair.split_once('=') {
                reply.cookies.insert(name.trim().to_owned(), value.trim().to_owned());
            }
            continue;
        }
        match reply.headers.get_mut(name.as_str()) {
            Some(joined) => {
                joined.push_str(", ");
                joined.push_str(&value);
            }
            None => {
                reply.headers.insert(name.as_str().to_owned(), value.into_owned());
            }
        }
    }
    Ok(reply)
}

/// Says what went wrong, with nothing of the request in it.
fn words(error: &ureq::Error, timeout: Duration) -> String {
    match error {
        ureq::Error::Timeout(Timeout::Connect | Timeout::Resolve) => {
            format!("no connection within {} s", timeout.min(LONGEST_CONNECT).as_secs_f64())
        }
        ureq::Error::Timeout(_) => format!("time was up after {} s", timeout.as_secs_f64()),
        ureq::Error::HostNotFound => "the name has no address".to_owned(),
        ureq::Error::Io(error) => error.to_string(),
        ureq::Error::Protocol(error) => format!("this is not HTTP/1.1: {error}"),
        ureq::Error::Rustls(error) => error.to_string(),
        ureq::Error::Tls(problem) => (*problem).to_owned(),
        ureq::Error::ConnectProxyFailed(problem) => problem.clone(),
        ureq::Error::LargeResponseHeader(..) => {
            format!("the head of the reply is longer than {} KiB", LARGEST_HEAD >> 10)
        }
        // Others can hold a URL.
        _ => "the request cannot be made".to_owned(),
    }
}
