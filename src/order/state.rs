//! Where an order is in its life, and what comes next.

use serde::{Deserialize, Serialize};

/// Where an order is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub(crate) enum State {
    /// It was taken.
    Accepted,
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
            Self::Accepted => WireStatus::InProgress,
            Self::Finished => WireStatus::Finished,
            Self::Failed | Self::Cancelled | Self::Released => WireStatus::Error,
        }
    }

    /// Returns whether the order has ended: nothing happens to it any more unless it is asked for.
    pub(crate) const fn has_ended(self) -> bool {
        !matches!(self, Self::Accepted)
    }

    /// Returns the state's word.
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::Accepted => "accepted",
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
    /// Give its server back; an inventory's server waits in quarantine until it is said to be clean.
    Release,
}

/// What the worker has to do about an order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Step {
    /// Call it off.
    Cancel,
    /// Hand its server over.
    HandOver,
    /// Give its server back.
    Release,
    /// Nothing: it has ended.
    File,
}

impl Step {
    /// Returns what follows from a state and a wish.
    pub(super) const fn of(state: State, wish: Option<Wish>) -> Self {
        match (state, wish) {
            (State::Accepted, Some(Wish::Cancel)) => Self::Cancel,
            (State::Accepted, _) => Self::HandOver,
            (State::Finished, Some(Wish::Release)) => Self::Release,
            _ => Self::File,
        }
    }
}
