//! Why deliveries to a webhook wait.

use std::time::{Duration, Instant};

use super::super::hooks::Hooks;
use super::Deliveries;
use crate::webhook::delivery::DeliveryId;

/// For how long a delivery that the kernel refuses to read keeps others of its webhook waiting.
const UNREAD: Duration = Duration::from_mins(1);

/// Why nothing is sent to a webhook.
pub(super) enum Hold {
    /// Somebody has to do something.
    UntilChanged,
    /// It cannot be known whether something may be sent.
    ForNow,
}

impl Deliveries<'_> {
    /// Returns why nothing is sent to a webhook.
    pub(super) fn hold(&mut self, hooks: &Hooks, webhook: &str) -> Option<Hold> {
        if hooks.named(webhook).is_none_or(|hook| !hook.webhook.enabled) {
            return Some(Hold::UntilChanged);
        }
        // One that cannot be read may be of an order that comes first.
        let unread = |(id, since): (&DeliveryId, &Instant)| {
            id.webhook() == webhook && since.elapsed() < UNREAD
        };
        if self.unread.iter().any(unread) {
            return Some(Hold::ForNow);
        }
        match self.store.health(webhook) {
            Ok(health) => health.disabled.map(|_| Hold::UntilChanged),
            Err(error) => {
                // Its receiver may have said that it wants no more.
                let line = format!("nothing is sent to webhook {webhook} for now: {error}");
                self.say(webhook, line);
                Some(if error.is_lasting() { Hold::UntilChanged } else { Hold::ForNow })
            }
        }
    }
}
