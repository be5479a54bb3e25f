//! TLS: whom we trust, and what an interrupted handshake means.

use std::sync::Arc;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::ServerConfig;
use rustls::pki_types::PrivateKeyDer;

use super::*;

/// Returns an authority's certificate in PEM and the settings of a server for `name`.
fn authority(name: &str) -> (Vec<u8>, Arc<ServerConfig>) {
    let mut params = CertificateParams::default();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let issuer = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
    let key = KeyPair::generate().unwrap();
    let leaf = CertificateParams::new([name.to_owned()]).unwrap().signed_by(&key, &issuer).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(
            vec![leaf.der().clone()],
            PrivateKeyDer::try_from(key.serialize_der()).unwrap(),
        )
        .unwrap();
    let encoded = BASE64_STANDARD.encode(issuer.as_ref().der());
    let lines = encoded.as_bytes().chunks(64).map(|line| std::str::from_utf8(line).unwrap());
    let text = lines.collect::<Vec<_>>().join("\n");
    let pem = format!("-----BEGIN CERTIFICATE-----\n{text}\n-----END CERTIFICATE-----\n");
    (pem.into_bytes(), Arc::new(config))
}

pub(super) fn https(server: &Server) -> String {
    server.url("/").replace("http:", "https:")
}

fn keep_alive(config: Arc<ServerConfig>) -> Server {
    Server::tls(config, |connection| while connection.request().is_some() && connection.say(OK) {})
}

fn trusting(ca: &[u8]) -> Client {
    Client::new(&Options { ca: Some(ca.to_vec()), ..Options::default() }).unwrap()
}

#[test]
fn an_authority_of_ones_own_is_trusted_instead_of_the_built_in_ones() {
    let (ca, config) = authority("127.0.0.1");
    let server = keep_alive(config);
    let trusting = trusting(&ca);
    for fresh in [true, false, false] {
        let request = Request { fresh, ..post(&https(&server)) };
        assert_eq!(trusting.send(&request).unwrap().body, b"hello");
    }
    assert_eq!(server.connections(), 2);
    let message = not_sent(client().send(&post(&https(&server))));
    assert!(message.contains("UnknownIssuer"), "{message}");
    assert_eq!(server.requests().len(), 3);
}

#[test]
fn a_certificate_for_another_name_is_not_sent_to_unless_verification_is_off() {
    let (ca, config) = authority("panel.example");
    let server = keep_alive(config);
    let message = not_sent(trusting(&ca).send(&post(&https(&server))));
    assert!(message.contains("panel.example"), "{message}");
    assert_eq!(server.requests().len(), 0);
    let careless = Client::new(&Options { verify: false, ..Options::default() }).unwrap();
    assert_eq!(careless.send(&post(&https(&server))).unwrap().status, 200);
}

#[test]
fn a_handshake_that_fails_is_surely_not_sent() {
    let plain = Server::new(|connection| {
        connection.look();
        connection.say("HTTP/1.1 400 This is not TLS\r\n\r\n");
    });
    not_sent(client().send(&post(&https(&plain))));
    let reset = Server::new(|connection| connection.look());
    not_sent(client().send(&post(&https(&reset))));
    let silent = Server::new(|_| std::thread::sleep(Duration::from_mins(1)));
    let request = Request { timeout: Duration::from_millis(300), ..post(&https(&silent)) };
    let message = not_sent(client().send(&request));
    assert!(message.contains("0.3 s"), "{message}");
    unknown(client().send(&Request { fresh: false, ..request }));
}

#[test]
fn an_end_that_tls_did_not_announce_cuts_the_reply() {
    let (ca, config) = authority("127.0.0.1");
    for reply in ["", "HTTP/1.1 200 OK\r\n\r\nhel", &OK[..OK.len() - 1]] {
        let server = Server::tls(Arc::clone(&config), move |connection| {
            connection.request();
            connection.say(reply);
        });
        unknown(trusting(&ca).send(&post(&https(&server))));
    }
    // A reply that tells its length needs no such announcement.
    let server = Server::tls(config, |connection| {
        connection.request();
        connection.say(OK);
    });
    assert_eq!(trusting(&ca).send(&post(&https(&server))).unwrap().body, b"hello");
}

#[test]
fn a_file_without_certificates_is_refused() {
    let broken = "-----BEGIN CERTIFICATE-----\n????\n-----END CERTIFICATE-----\n";
    for text in ["", "canary", broken] {
        let options = Options { ca: Some(text.into()), ..Options::default() };
        let problem = Client::new(&options).map(|_| ()).unwrap_err();
        assert!(problem.starts_with("it ") && !problem.contains("canary"), "{problem}");
    }
}
