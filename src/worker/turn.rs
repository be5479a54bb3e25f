//! An order in the hands of a thread, until it has to wait for something.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, SystemTime};

use super::drive::{Drive, Memory, Next};
use super::shop::Shop;
use super::stranded;
use crate::error::Error;
use crate::home::Home;
use crate::order::TaskId;
use crate::store::{Place, Store};

/// An order to be driven.
pub(super) struct Turn {
    pub(super) id: TaskId,
    pub(super) memory: Memory,
    pub(super) shop: Arc<Shop>,
}

/// What became of it.
pub(super) struct Done {
    pub(super) id: TaskId,
    pub(super) memory: Memory,
    pub(super) outcome: Outcome,
}

/// What became of an order that a thread drove.
pub(super) enum Outcome {
    /// It went as far as it could for now; its file was of that time when it was read last.
    Next(Next, Option<SystemTime>),
    /// Its file, its configuration or its definition cannot be used for now.
    Error(Error),
    /// The program has a fault.
    Panic,
}

impl Turn {
    /// Drives the order; `ending` says when nothing more is to be begun.
    pub(super) fn take(self, home: &Home, store: &Store, ending: &AtomicBool) -> Done {
        let Self { id, mut memory, shop } = self;
        let driven =
            catch_unwind(AssertUnwindSafe(|| drive(home, store, &shop, id, &mut memory, ending)));
        let outcome = match driven {
            Ok(Ok((next, seen))) => Outcome::Next(next, seen),
            Ok(Err(error)) => Outcome::Error(error),
            Err(_) => Outcome::Panic,
        };
        Done { id, memory, outcome }
    }
}

/// Drives an order until it has to wait for something.
fn drive(
    home: &Home,
    store: &Store,
    shop: &Shop,
    id: TaskId,
    memory: &mut Memory,
    ending: &AtomicBool,
) -> Result<(Next, Option<SystemTime>), Error> {
    loop {
        // What changes the file from here on brings the order back at once.
        let seen = store.changed_at(id);
        if ending.load(Ordering::Relaxed) {
            return Ok((Next::After(shop.poll), seen));
        }
        let Some(order) = store.read_in(Place::Active, id)? else {
            return Ok((Next::Nothing, seen));
        };
        let hoster = match shop.serves(home, &order) {
            Ok(hoster) => hoster,
            Err(error) => {
                stranded::end_if_late(store, id, Some(shop.timeout), error)?;
                return Ok((Next::Nothing, seen));
            }
        };
        let next = Drive { store, shop, hoster, id, memory }.step()?;
        if next != Next::After(Duration::ZERO) {
            return Ok((next, seen));
        }
    }
}
