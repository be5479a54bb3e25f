//! How a hoster works where nothing goes wrong.

use std::time::Duration;

use super::dialect::Dialect;

/// How a hoster works.
#[derive(Debug, Clone)]
pub(crate) struct Mode {
    /// How it knows who asks.
    pub(crate) auth: Auth,
    /// The vendor whose API it speaks; none speaks the made-up one.
    pub(crate) dialect: Option<Dialect>,
    /// Whether two of its servers may have the same name.
    pub(crate) names: Names,
    /// Whether a create with an `Idempotency-Key` that it has met is answered as the first time.
    pub(crate) replays_keys: bool,
    /// Whether it chooses the root password and tells it in its reply to a create.
    pub(crate) chooses_password: bool,
    /// Whether the id of a removed server is given to the next one.
    pub(crate) reuses_ids: bool,
    /// How many looks at a new server find none.
    pub(crate) absent_polls: usize,
    /// How many looks after that find it being built.
    pub(crate) building_polls: usize,
    /// What becomes of it then.
    pub(crate) outcome: Outcome,
    /// How many looks at a removed server still find it.
    pub(crate) removing_polls: usize,
    /// When a new server shows up in lists.
    pub(crate) listed: Listed,
    /// The public address of every server; none gives each its own, beginning with 127.0.0.1.
    pub(crate) address: Option<String>,
    /// For how many seconds the tokens that it gives out are said to be good.
    pub(crate) tokens_last: u64,
    /// How long it takes for each answer.
    pub(crate) delay: Duration,
}

/// How a hoster knows who asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Auth {
    /// By `Authorization: Bearer …`.
    Token,
    /// By `X-Auth-Token`, which it gives out as `X-Subject-Token` in reply to a login.
    Login,
    /// By `X-Auth-Token`, which it gives out as a cookie; where its servers are it tells who has it.
    Chain,
    /// By a bearer token that it gives out for a signed statement.
    Jwt,
    /// By a signature of all parameters.
    Cloudstack,
    /// By a signature of the request; such a hoster answers in XML.
    AwsSigv4,
}

/// Whether two servers may have the same name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Names {
    /// The second one is refused.
    Unique,
    /// They may.
    Any,
}

/// What becomes of a server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// It runs.
    Runs,
    /// It never will.
    Fails,
}

/// When a new server shows up in lists.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Listed {
    /// At once.
    AtOnce,
    /// After so many lists without it; pages after the first do not count.
    AfterLists(usize),
    /// After that time.
    After(Duration),
}

impl Mode {
    /// Returns a hoster whose names are unique: `fake-unique`.
    pub(crate) fn unique() -> Self {
        Self {
            auth: Auth::Token,
            dialect: None,
            names: Names::Unique,
            replays_keys: false,
            chooses_password: false,
            reuses_ids: false,
            absent_polls: 0,
            building_polls: 1,
            outcome: Outcome::Runs,
            removing_polls: 0,
            listed: Listed::AtOnce,
            address: None,
            tokens_last: 3600,
            delay: Duration::ZERO,
        }
    }

    /// Returns a hoster with nothing against a second server: `fake-plain` and
    /// `fake-three-steps`.
    pub(crate) fn plain() -> Self {
        Self { names: Names::Any, ..Self::unique() }
    }

    /// Returns a hoster that knows a repeated create by its `Idempotency-Key`: `fake-token`.
    pub(crate) fn token() -> Self {
        Self { replays_keys: true, ..Self::plain() }
    }

    /// Returns a hoster that wants a login, and chooses the passwords: `fake-login`.
    pub(crate) fn login() -> Self {
        Self { auth: Auth::Login, chooses_password: true, ..Self::unique() }
    }

    /// Returns a vendor's hoster that has nothing against a second server.
    fn vendor(dialect: Dialect, auth: Auth) -> Self {
        Self { dialect: Some(dialect), auth, ..Self::plain() }
    }

    /// Returns whether a removed server is shown as such for ever after that.
    pub(crate) const fn removed_stay(&self) -> bool {
        matches!(self.dialect, Some(Dialect::Ec2))
    }

    /// Returns whether a server has no public address but one that was bought for it.
    pub(crate) const fn addresses_apart(&self) -> bool {
        matches!(self.dialect, Some(Dialect::Openstack))
    }

    /// Returns the hoster that a definition is about: one of `providers/`, or one in `tests/samples/definitions/` is about.
    #[track_caller]
    pub(crate) fn of(definition: &str) -> Self {
        match definition {
            "fake-unique" => Self::unique(),
            "fake-plain" | "fake-three-steps" => Self::plain(),
            "fake-token" => Self::token(),
            "fake-login" => Self::login(),
            "fake-chain" => Self { auth: Auth::Chain, ..Self::plain() },
            "fake-jwt" => Self { auth: Auth::Jwt, ..Self::plain() },
            "fake-cloudstack" => Self { auth: Auth::Cloudstack, ..Self::plain() },
            "fake-sigv4" => Self { auth: Auth::AwsSigv4, ..Self::plain() },
            "ec2" => Self { replays_keys: true, ..Self::vendor(Dialect::Ec2, Auth::AwsSigv4) },
            "cloudstack" => Self::vendor(Dialect::Cloudstack, Auth::Cloudstack),
            "openstack" => Self::vendor(Dialect::Openstack, Auth::Login),
            _ => panic!("{definition} is not in tests/samples/definitions/"),
        }
    }
}
