//! Why deliveries to a webhook wait.

use std::time::{Duration, Instant};

use super::super::hooks::Hooks;
use super::Deliveries;
use crate::delivery::DeliveryId;

/// For how long a delivery that the kernel refuses to read keeps others of its webhook waiting.
const UNREAD: Duration = Duration::from_mins(1);

/// Why nothing is sent to a webhook.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Hold {
    /// Somebody has to do something.
    UntilChanged,
    /// It cannot be known whether something may be sent.
    ForNow,
}

impl Deliveries<'_> {
    /// Returns why nothing is sent to a webhook.
    pub(super) fn hold(&mut self, hooks: &Hooks, webhook: &str) -> Option<Hold> {
        let Some(hook) = hooks.named(webhook).filter(|hook| hook.webhook.enabled) else {
            return Some(Hold::UntilChanged);
        };
        // One that cannot be read may be of an order that comes first.
        let unread = |(id, since): (&DeliveryId, &Instant)| {
            id.webhook() == webhook && since.elapsed() < UNREAD
        };
        if self.unread.iter().any(unread) {
            return Some(Hold::ForNow);
        }
        match self.store.health(webhook) {
            Ok(health) if health.disabled.is_some() => Some(Hold::UntilChanged),
            Ok(_) => {
                let why = hook.target.as_ref().err().filter(|_| hook.waits)?;
                self.say(webhook, format!("nothing is sent to webhook {webhook} for now: {why}"));
                Some(Hold::ForNow)
            }
            Err(error) => {
                // Its receiver may have said that it wants no more.
                let line = format!("nothing is sent to webhook {webhook} for now: {error}");
                self.say(webhook, line);
                Some(if error.is_lasting() { Hold::UntilChanged } else { Hold::ForNow })
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::channel;

    use serde_json::json;

    use super::*;
    use crate::store::Store;
    use crate::worker::hooks::Reader;
    use crate::worker::hooks::tests::provider;

    #[test]
    fn a_delivery_that_cannot_be_read_holds_back_its_webhook_alone_and_for_a_minute() {
        let webhook = |name| json!({ "name": name, "kind": "generic", "url": "http://h/" });
        let (_root, home) = provider(&json!([webhook("hook"), webhook("other")]));
        let store = Store::of(&home);
        drop(store.lock("test").unwrap());
        let outbox = store.outbox(&store.try_worker_lock("test").unwrap().unwrap()).unwrap();
        let mut deliveries = Deliveries::new(&home, &store, outbox, channel().0);
        let hooks = Reader::new(&home, &store).current().unwrap();

        let id: DeliveryId = "0198c5f0-0000-7000-8000-000000000000.hook".parse().unwrap();
        deliveries.unread.insert(id.clone(), Instant::now());
        assert_eq!(deliveries.hold(&hooks, "hook"), Some(Hold::ForNow));
        assert_eq!(deliveries.hold(&hooks, "other"), None);
        deliveries.unread.insert(id, Instant::now().checked_sub(UNREAD).unwrap());
        assert_eq!(deliveries.hold(&hooks, "hook"), None);
        assert_eq!(deliveries.hold(&hooks, "unknown"), Some(Hold::UntilChanged));
    }
}
