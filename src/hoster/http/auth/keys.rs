//! What private keys do: signatures. Alone names the reader of keys in PEM. Pure, but for the random
//! salt of a signature.

use ring::rand::SystemRandom;
use ring::signature::{RSA_PKCS1_SHA256, RSA_PSS_SHA256, RsaKeyPair};
use rustls_pki_types::PrivateKeyDer;
use rustls_pki_types::pem::PemObject;

use crate::definition::http::JwtAlgorithm;

/// Returns what is wrong with a private key in PEM; one that is sound signs something.
#[cfg(any(test, fuzzing))]
pub(crate) fn fault_of_key(pem: &str) -> Option<String> {
    let signed = |key: SigningKey| key.sign(JwtAlgorithm::Rs256, b"text");
    SigningKey::read(pem).and_then(signed).err()
}

/// A private RSA key.
pub(super) struct SigningKey(RsaKeyPair);

impl SigningKey {
    /// Reads a key in PEM, as PKCS#8 (`PRIVATE KEY`) or PKCS#1 (`RSA PRIVATE KEY`); lines around it
    /// are skipped.
    ///
    /// # Errors
    /// What is wrong with it, in words that repeat nothing of it.
    pub(super) fn read(pem: &str) -> Result<Self, String> {
        let der = PrivateKeyDer::from_pem_slice(pem.as_bytes())
            .map_err(|_| "it holds no private key in PEM, as PKCS#8 or PKCS#1".to_owned())?;
        let key = match &der {
            PrivateKeyDer::Pkcs8(der) => RsaKeyPair::from_pkcs8(der.secret_pkcs8_der()),
            PrivateKeyDer::Pkcs1(der) => RsaKeyPair::from_der(der.secret_pkcs1_der()),
            _ => return Err("its private key is not one of RSA".to_owned()),
        };
        key.map(Self).map_err(|why| {
            format!("its private key is not one of RSA with 2048 to 4096 bits that is sound: {why}")
        })
    }

    /// Signs a text ([RFC 7518](https://www.rfc-editor.org/rfc/rfc7518#section-3.3), sections 3.3
    /// and 3.5).
    ///
    /// # Errors
    /// That it could not be done, where there is no randomness.
    pub(super) fn sign(&self, algorithm: JwtAlgorithm, text: &[u8]) -> Result<Vec<u8>, String> {
        let padding: &dyn ring::signature::RsaEncoding = match algorithm {
            JwtAlgorithm::Ps256 => &RSA_PSS_SHA256,
            JwtAlgorithm::Rs256 => &RSA_PKCS1_SHA256,
        };
        let mut signature = vec![0; self.0.public().modulus_len()];
        self.0
            .sign(padding, &SystemRandom::new(), text, &mut signature)
            .map_err(|_| "the private key signs nothing".to_owned())?;
        Ok(signature)
    }
}
