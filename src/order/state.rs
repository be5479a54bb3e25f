//! Where an order is in its life, and what comes next.

use serde::{Deserialize, Serialize};

/// Where an order is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub(crate) enum State {
    /// It was taken; no server is being bought.
    Accepted,
    /// A request that buys is about to be sent, or was: found so later, its outcome is not known.
    Buying,
    /// A request that buys was sent, and nobody knows what came of it.
    Unknown,
    /// A server was bought and is being built.
    Building,
    /// The hoster calls the server ready; the pool has yet to get in.
    Checking,
    /// Its server was handed over.
    Finished,
    /// It came to nothing.
    Failed,
    /// It was called off before a server was handed over.
    Cancelled,
    /// Its server was given back.
    Released,
}

impl State {
    /// Returns what the wire says of this state.
    pub(crate) const fn status(self) -> WireStatus {
        match self {
            Self::Accepted | Self::Buying | Self::Unknown | Self::Building | Self::Checking => {
                WireStatus::InProgress
            }
            Self::Finished => WireStatus::Finished,
            Self::Failed | Self::Cancelled | Self::Released => WireStatus::Error,
        }
    }

    /// Returns whether the order has ended: nothing happens to it any more unless it is asked for.
    pub(crate) const fn has_ended(self) -> bool {
        matches!(self, Self::Finished | Self::Failed | Self::Cancelled | Self::Released)
    }

    /// Returns the state's word.
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::Accepted => "accepted",
            Self::Buying => "buying",
            Self::Unknown => "unknown",
            Self::Building => "building",
            Self::Checking => "checking",
            Self::Finished => "finished",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
            Self::Released => "released",
        }
    }
}

/// What `order_status` says of an order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub(crate) enum WireStatus {
    /// Ask again later.
    InProgress,
    /// The server is ready.
    Finished,
    /// There is no server, or no more.
    Error,
}

impl WireStatus {
    /// Returns the status's word on the wire.
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::InProgress => "in_progress",
            Self::Finished => "finished",
            Self::Error => "error",
        }
    }
}

/// What somebody asked for and the worker has yet to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub(crate) enum Wish {
    /// Call the order off.
    Cancel,
    /// Give its server back: the hoster removes it; an inventory's waits in quarantine until it is
    /// said to be clean.
    Release,
}

/// What the worker has to do about an order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Step {
    /// Call it off.
    Cancel,
    /// Go on towards a server that is handed over.
    GoOn,
    /// Give its server back.
    Release,
    /// Nothing: it has ended.
    File,
}

impl Step {
    /// Returns what follows from a state and a wish.
    pub(super) const fn of(state: State, wish: Option<Wish>) -> Self {
        match wish {
            Some(Wish::Cancel) if !state.has_ended() => Self::Cancel,
            _ if !state.has_ended() => Self::GoOn,
            Some(Wish::Release) if matches!(state, State::Finished | State::Failed) => {
                Self::Release
            }
            _ => Self::File,
        }
    }
}
