//! The deliveries that can be sent now, by webhook: those of one that is busy are in nobody's way.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Instant;

use super::Deliveries;
use super::pending::head;
use crate::delivery::{Delivery, DeliveryId};

/// The deliveries that can be sent now, those of each webhook by their ids: older events first.
#[derive(Default)]
pub(super) struct Ready(BTreeMap<String, BTreeSet<DeliveryId>>);

impl Ready {
    /// Adds one; one that is there already stays.
    pub(super) fn add(&mut self, id: DeliveryId) {
        match self.0.get_mut(id.webhook()) {
            Some(own) => {
                own.insert(id);
            }
            None => {
                self.0.insert(id.webhook().to_owned(), BTreeSet::from([id]));
            }
        }
    }

    /// Returns the oldest of those whose webhook is free.
    pub(super) fn oldest(&self, is_free: impl Fn(&str) -> bool) -> Option<DeliveryId> {
        let free = self.0.iter().filter(|(webhook, _)| is_free(webhook));
        free.filter_map(|(_, own)| own.first()).min().cloned()
    }

    /// Takes one out.
    pub(super) fn remove(&mut self, id: &DeliveryId) {
        if let Some(own) = self.0.get_mut(id.webhook()) {
            own.remove(id);
        }
    }

    /// Returns whether there is one whose webhook is free.
    pub(super) fn has_any(&self, is_free: impl Fn(&str) -> bool) -> bool {
        self.0.iter().any(|(webhook, own)| !own.is_empty() && is_free(webhook))
    }

    /// Returns whether there is none.
    pub(super) fn is_empty(&self) -> bool {
        self.0.values().all(BTreeSet::is_empty)
    }

    /// Forgets all.
    pub(super) fn clear(&mut self) {
        self.0.clear();
    }
}

impl Deliveries<'_> {
    /// Finds out what comes after a delivery that has arrived: to look at all would take too long
    /// where there are thousands.
    pub(super) fn follow(&mut self, delivery: &Delivery) {
        let order = &delivery.event.data.order.id;
        match head(&self.pending, &delivery.webhook, order) {
            Some((id, _)) if self.under_way.contains_key(id) => {}
            Some((id, wake)) if wake <= Instant::now() => self.ready.add(id.clone()),
            next => self.stale |= next.is_some(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn take(ready: &mut Ready, is_free: impl Fn(&str) -> bool) -> Option<DeliveryId> {
        let oldest = ready.oldest(is_free)?;
        ready.remove(&oldest);
        Some(oldest)
    }

    fn id(event: u32, webhook: &str) -> DeliveryId {
        format!("01a20427-bb65-7227-affa-{event:012}.{webhook}").parse().unwrap()
    }

    #[test]
    fn the_oldest_comes_first_and_a_busy_webhook_keeps_no_other_waiting() {
        let mut ready = Ready::default();
        for (event, webhook) in [(3, "slow"), (1, "slow"), (2, "fast"), (1, "slow"), (4, "fast")] {
            ready.add(id(event, webhook));
        }
        assert_eq!(take(&mut ready, |_| true), Some(id(1, "slow")));
        assert_eq!(take(&mut ready, |webhook| webhook == "fast"), Some(id(2, "fast")));
        assert_eq!(take(&mut ready, |webhook| webhook == "fast"), Some(id(4, "fast")));
        assert!(!ready.has_any(|webhook| webhook == "fast"));
        assert_eq!(take(&mut ready, |webhook| webhook == "fast"), None);
        assert!(!ready.is_empty() && ready.has_any(|_| true));
        assert_eq!(take(&mut ready, |_| true), Some(id(3, "slow")));
        assert!(ready.is_empty() && !ready.has_any(|_| true));
    }
}
