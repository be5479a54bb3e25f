//! How deliveries are made of an order's events.

use super::super::hooks::Hook;
use super::Deliveries;
use crate::clock;
use crate::delivery::Delivery;
use crate::error::Error;
use crate::order::{Order, TaskId};
use crate::webhook::{kinds, select};

impl Deliveries<'_> {
    /// Returns whether deliveries have yet to be made of an order's events.
    pub(in super::super) fn are_due_of(&mut self, order: &Order) -> Result<bool, Error> {
        Ok(!self.made_of(order)?.is_empty())
    }

    /// Makes deliveries of an order's events, durably, unless that was done.
    pub(in super::super) fn announce(&mut self, order: &Order) -> Result<(), Error> {
        let made = self.made_of(order)?;
        if !made.is_empty() {
            self.outbox.add(&made)?;
            self.listed = None;
        }
        self.announced.insert(order.task_id, order.events.len());
        Ok(())
    }

    /// The same for an order that is still open, which waits for nobody who is to be told: what
    /// cannot be made now is made before the order is filed.
    pub(in super::super) fn announce_early(&mut self, order: &Order) {
        if let Err(error) = self.announce(order) {
            self.say("events", format!("deliveries of events are made later: {error}"));
        }
    }

    /// Forgets an order that was filed.
    pub(in super::super) fn filed(&mut self, id: TaskId) {
        self.announced.remove(&id);
    }

    fn made_of(&mut self, order: &Order) -> Result<Vec<Delivery>, Error> {
        let known = self.announced.get(&order.task_id).copied().unwrap_or_default();
        let known = known.max(order.announced);
        let news = order.events.iter().enumerate().skip(known);
        if news.len() == 0 {
            return Ok(Vec::new());
        }
        let hooks = self.hooks.current()?;
        let now = clock::now();
        let mut made = Vec::new();
        for (position, event) in news {
            let wanting = hooks
                .hooks
                .iter()
                .filter(|hook| hook.webhook.enabled && select::wants(&hook.webhook, event));
            made.extend(wanting.map(|Hook { webhook, plan, .. }| {
                let body = kinds::frozen_body(webhook, event);
                let position = u32::try_from(position).unwrap_or(u32::MAX);
                let first = |id: &str| plan.wait_after(0, id).unwrap_or_default();
                Delivery::new(&webhook.name, event.clone(), position, body, now, first)
                    .of_kind(webhook.kind)
            }));
        }
        Ok(made)
    }
}
