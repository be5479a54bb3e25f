//! How a request shows who sends it; these comments are the schema's descriptions too.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

use super::Template;
use super::step::Step;

/// The longest time for which a token is asked for or a signature holds, in seconds.
const LONGEST: u32 = 86_400;

/// How a request shows who sends it.
#[derive(Debug, Clone, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub(crate) enum Auth {
    /// By headers that hold a credential.
    Header {
        /// The headers.
        headers: BTreeMap<String, Template>,
    },
    /// By a token that is asked for first, and once more when it has run out or a reply has status
    /// 401.
    Login {
        /// The requests that get the token and save it. What they save as `expires_in`, seconds, or
        /// `expires_at`, a time, says for how long it is good.
        steps: Vec<Step>,
        /// The headers of all other requests, made of what the steps saved.
        headers: BTreeMap<String, Template>,
        /// What stands before the paths of all other requests, where the steps have asked for that.
        /// Expressions can read `base_url`, which is what otherwise stands there.
        base_url: Option<Template>,
    },
    /// By a signature of all parameters, in the query or in the form, as Apache `CloudStack` wants it.
    Cloudstack {
        /// The API key.
        api_key: Template,
        /// The secret key.
        secret_key: Template,
        /// For how long a request is good after it was signed, in seconds. Absent: for ever.
        #[cfg_attr(test, schemars(range(min = 1, max = 86400)))]
        expires_seconds: Option<u32>,
    },
    /// By a signature of the request, as AWS wants it: Signature Version 4 with HMAC-SHA256, in the
    /// header `authorization`.
    AwsSigv4 {
        /// The id of the access key.
        access_key: Template,
        /// The secret access key.
        secret_key: Template,
        /// The session token that belongs to a temporary key.
        session_token: Option<Template>,
        /// The service, as `ec2`.
        service: Template,
        /// The region, as `eu-central-1`.
        region: Template,
    },
    /// By a token that is given for a signed statement of who we are: a JSON Web Token. The token
    /// is asked for once more when it has run out or a reply has status 401.
    Jwt {
        /// How the statement is signed.
        algorithm: JwtAlgorithm,
        /// The private RSA key, as PEM.
        private_key: Template,
        /// What its header holds besides `alg` and `typ`: `kid` mostly.
        #[serde(default)]
        header: BTreeMap<String, Value>,
        /// What it states besides the times `iat` and `exp`: `iss`, `aud` and others.
        claims: BTreeMap<String, Value>,
        /// For how long the statement is good, in seconds.
        #[serde(default = "lifetime")]
        #[cfg_attr(test, schemars(range(min = 1, max = 86400)))]
        lifetime_seconds: u32,
        /// The requests that get the token for the statement, which is `assertion`, and save it.
        /// What they save as `expires_in`, seconds, or `expires_at`, a time, says for how long it is
        /// good.
        steps: Vec<Step>,
        /// The headers of all other requests, made of what the steps saved.
        headers: BTreeMap<String, Template>,
    },
}

/// How a JSON Web Token is signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) enum JwtAlgorithm {
    /// RSASSA-PSS with SHA-256.
    #[serde(rename = "PS256")]
    Ps256,
    /// RSASSA-PKCS1-v1_5 with SHA-256.
    #[serde(rename = "RS256")]
    Rs256,
}

impl Auth {
    /// Returns the requests that get a token; none where there is nothing to be asked for first.
    pub(crate) fn steps(&self) -> &[Step] {
        match self {
            Self::Login { steps, .. } | Self::Jwt { steps, .. } => steps,
            Self::Header { .. } | Self::Cloudstack { .. } | Self::AwsSigv4 { .. } => &[],
        }
    }

    /// Returns whether a token is asked for first.
    pub(crate) const fn has_session(&self) -> bool {
        matches!(self, Self::Login { .. } | Self::Jwt { .. })
    }

    /// Returns what stands before the paths once there is a token, where a login says so.
    pub(crate) const fn base_url(&self) -> Option<&Template> {
        match self {
            Self::Login { base_url, .. } => base_url.as_ref(),
            _ => None,
        }
    }

    /// Returns the templates that must read a credential, with their names.
    pub(crate) fn secrets(&self) -> Vec<(&'static str, &Template)> {
        match self {
            Self::Header { .. } | Self::Login { .. } => Vec::new(),
            Self::Cloudstack { api_key, secret_key, .. } => {
                vec![("api_key", api_key), ("secret_key", secret_key)]
            }
            Self::AwsSigv4 { access_key, secret_key, .. } => {
                vec![("access_key", access_key), ("secret_key", secret_key)]
            }
            Self::Jwt { private_key, .. } => vec![("private_key", private_key)],
        }
    }

    /// Checks what the types cannot say.
    ///
    /// # Errors
    /// A sentence that names the place and the fault.
    pub(super) fn checked(&self) -> Result<(), String> {
        if self.has_session() && self.steps().is_empty() {
            return Err("auth.steps: nothing asks for the token".to_owned());
        }
        if let Self::Jwt { header, claims, .. } = self {
            let header = ["alg", "typ"].into_iter().find(|name| header.contains_key(*name));
            let claim = ["exp", "iat"].into_iter().find(|name| claims.contains_key(*name));
            if let Some(name) = header.or(claim) {
                return Err(format!("auth: `{name}` is set by itself"));
            }
        }
        let seconds = match self {
            Self::Cloudstack { expires_seconds: Some(seconds), .. } => ("expires_seconds", seconds),
            Self::Jwt { lifetime_seconds, .. } => ("lifetime_seconds", lifetime_seconds),
            _ => return Ok(()),
        };
        match seconds {
            (name, seconds) if !(1..=LONGEST).contains(seconds) => {
                Err(format!("auth.{name}: {seconds} is not between 1 and {LONGEST}"))
            }
            _ => Ok(()),
        }
    }
}

const fn lifetime() -> u32 {
    3600
}
