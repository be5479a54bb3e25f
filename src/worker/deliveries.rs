//! The pending deliveries: how they are made of events, and which is to be sent when.
//!
//! Those to one webhook about one order go one after the other. A webhook takes no more than half
//! of the threads, so that one which does not answer leaves room for the others.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::mpsc::Sender;
use std::time::{Duration, Instant, SystemTime};

use super::attempt::{Attempted, Due, Outcome};
use super::hooks::{Hook, Hooks, Reader};
use super::pool::Pool;
use super::{LOOK, Report};
use crate::clock::{self, Timestamp};
use crate::error::Error;
use crate::home::Home;
use crate::order::{Order, TaskId};
use crate::store::{Outbox, Shelf, Store};
use crate::webhook::delivery::{Delivery, DeliveryId, State};
use crate::webhook::{kinds, schedule, select};

/// How long a delivery is left alone whose outcome could not be written down.
const PAUSE: Duration = Duration::from_secs(30);

/// How often the folder is listed although its change time says that nothing came.
const SURELY: Duration = Duration::from_secs(5);

/// How often it is looked whether a broken configuration was mended.
const MENDED: Duration = Duration::from_secs(1);

/// The pending deliveries.
pub(super) struct Deliveries<'a> {
    pool: Pool<Due>,
    store: &'a Store,
    outbox: Outbox,
    hooks: Reader<'a>,
    /// How many of an open order's events are deliveries.
    announced: BTreeMap<TaskId, usize>,
    pending: BTreeMap<DeliveryId, Pending>,
    /// What can be sent now.
    ready: VecDeque<DeliveryId>,
    /// When something else can be; none where the rest is held.
    next: Option<Instant>,
    /// Whether `ready` and `next` were found before something changed.
    stale: bool,
    under_way: BTreeMap<DeliveryId, String>,
    threads: usize,
    /// Those that have arrived, of each webhook; read when the first arrives.
    arrived: Option<BTreeMap<String, BTreeSet<(Timestamp, DeliveryId)>>>,
    listed: Option<(Instant, Option<SystemTime>)>,
}

/// A pending delivery, as far as its turn depends on it.
struct Pending {
    webhook: String,
    /// The order; what is about it goes in the order of `rank`.
    task_id: String,
    rank: (bool, Timestamp, u32),
    /// When it is to be sent; none where its file cannot be read.
    wake: Option<Instant>,
    /// Its file's change time.
    seen: Option<SystemTime>,
}

impl<'a> Deliveries<'a> {
    /// Begins with none; threads report to `report`.
    pub(super) fn new(
        home: &'a Home,
        store: &'a Store,
        outbox: Outbox,
        report: Sender<Report>,
    ) -> Self {
        let (book, out) = (store.clone(), outbox.clone());
        Self {
            pool: Pool::new(move |due: Due, _| {
                let _ = report.send(Report::Delivery(due.send(&book, &out)));
            }),
            store,
            outbox,
            hooks: Reader::new(home, store),
            announced: BTreeMap::new(),
            pending: BTreeMap::new(),
            ready: VecDeque::new(),
            next: None,
            stale: true,
            under_way: BTreeMap::new(),
            threads: 1,
            arrived: None,
            listed: None,
        }
    }

    /// Returns whether deliveries have yet to be made of an order's events.
    pub(super) fn are_due_of(&mut self, order: &Order) -> Result<bool, Error> {
        Ok(!self.made_of(order)?.is_empty())
    }

    /// Makes deliveries of an order's events, durably, unless that was done.
    pub(super) fn announce(&mut self, order: &Order) -> Result<(), Error> {
        let made = self.made_of(order)?;
        if !made.is_empty() {
            self.outbox.add(&made)?;
            self.listed = None;
        }
        self.announced.insert(order.task_id, order.events.len());
        Ok(())
    }

    /// Forgets an order that was filed.
    pub(super) fn filed(&mut self, id: TaskId) {
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
            }));
        }
        Ok(made)
    }

    /// Lists the pending deliveries, and notices those that somebody changed.
    pub(super) fn look(&mut self) -> Result<(), Error> {
        let changed_at = self.store.shelf_changed_at(Shelf::Pending);
        if let Some((listed, seen)) = self.listed {
            let still = seen == changed_at && listed.elapsed() < SURELY;
            if still || listed.elapsed() < LOOK {
                return Ok(());
            }
        }
        self.listed = Some((Instant::now(), changed_at));
        let listed: BTreeSet<DeliveryId> =
            self.store.deliveries(Shelf::Pending)?.into_iter().collect();
        let before = self.pending.len();
        let under_way = &self.under_way;
        self.pending.retain(|id, _| listed.contains(id) || under_way.contains_key(id));
        self.stale |= self.pending.len() != before;
        for id in listed {
            if self.under_way.contains_key(&id) {
                continue;
            }
            let seen = self.store.delivery_changed_at(&id);
            if self.pending.get(&id).is_none_or(|known| known.seen != seen) {
                self.read(id, seen)?;
            }
        }
        Ok(())
    }

    /// Lists the pending deliveries, whenever that was done last.
    pub(super) fn look_again(&mut self) -> Result<(), Error> {
        self.listed = None;
        self.look()
    }

    fn read(&mut self, id: DeliveryId, seen: Option<SystemTime>) -> Result<(), Error> {
        self.stale = true;
        match self.store.delivery_on(Shelf::Pending, &id) {
            Ok(Some(delivery)) if delivery.state == State::Pending => {
                self.pending.insert(id, Pending::of(&delivery, seen));
            }
            // A crash left it here.
            Ok(Some(delivery)) => self.outbox.file(&delivery)?,
            Ok(None) => {}
            Err(error) => {
                // For a person to look at; it stops no other.
                self.store.log(clock::now(), None, format!("left alone for now: {error}"));
                let (webhook, task_id) = (id.webhook().to_owned(), String::new());
                let rank = (false, Timestamp::UNIX_EPOCH, 0);
                self.pending.insert(id, Pending { webhook, task_id, rank, wake: None, seen });
            }
        }
        Ok(())
    }

    /// Hands to threads what can be sent.
    pub(super) fn pass(&mut self) -> Result<(), Error> {
        self.look()?;
        if !self.is_due() {
            return Ok(());
        }
        let Ok(hooks) = self.hooks.current() else {
            self.ready.clear();
            self.stale = false;
            self.next = (!self.pending.is_empty()).then(|| Instant::now() + MENDED);
            return Ok(());
        };
        self.threads = hooks.threads;
        if self.ready.is_empty() {
            self.refill(&hooks)?;
        }
        while self.under_way.len() < self.threads
            && let Some(id) = self.ready.pop_front()
        {
            self.hand_on(&hooks, id)?;
        }
        Ok(())
    }

    /// Finds out what can be sent now, and when something else can be.
    fn refill(&mut self, hooks: &Hooks) -> Result<(), Error> {
        let mut heads: BTreeMap<(&str, &str), (&DeliveryId, &Pending)> = BTreeMap::new();
        for (id, pending) in self.pending.iter().filter(|(_, pending)| pending.wake.is_some()) {
            let head = heads.entry((&pending.webhook, &pending.task_id)).or_insert((id, pending));
            if pending.rank < head.1.rank {
                *head = (id, pending);
            }
        }
        let mut held = BTreeMap::new();
        let now = Instant::now();
        let (mut ready, mut next) = (Vec::new(), None);
        for ((webhook, _), (id, pending)) in heads {
            if !held.contains_key(webhook) {
                let enabled = hooks.named(webhook).is_some_and(|hook| hook.webhook.enabled);
                held.insert(webhook, !enabled || self.store.health(webhook)?.disabled.is_some());
            }
            let busy = self.under_way.contains_key(id);
            let Some(wake) = pending.wake.filter(|_| !held[webhook] && !busy) else { continue };
            if wake <= now {
                ready.push(id.clone());
            } else {
                next = next.map_or(Some(wake), |next: Instant| Some(next.min(wake)));
            }
        }
        ready.sort_unstable();
        self.ready = ready.into();
        (self.next, self.stale) = (next, false);
        Ok(())
    }

    fn hand_on(&mut self, hooks: &Hooks, id: DeliveryId) -> Result<(), Error> {
        let Some(hook) = hooks.named(id.webhook()) else { return Ok(()) };
        let name = &hook.webhook.name;
        let busy = self.under_way.values().filter(|webhook| *webhook == name).count();
        if busy >= self.threads.div_ceil(2) || !self.pending.contains_key(&id) {
            // It is found again when a thread is done.
            return Ok(());
        }
        self.pool.grow(self.under_way.len() + 1)?;
        self.under_way.insert(id.clone(), name.clone());
        self.pool.hand(Due {
            id,
            target: hook.target.clone(),
            plan: hook.plan.clone(),
            sender: hooks.sender.clone(),
        });
        Ok(())
    }

    /// Takes a delivery back from its thread.
    pub(super) fn take_back(&mut self, attempted: Attempted) {
        let Attempted { id, outcome } = attempted;
        self.under_way.remove(&id);
        self.stale = true;
        let seen = self.store.delivery_changed_at(&id);
        match outcome {
            Outcome::Recorded(delivery) if delivery.state == State::Pending => {
                self.pending.insert(id, Pending::of(&delivery, seen));
            }
            Outcome::Recorded(delivery) => {
                self.pending.remove(&id);
                if delivery.state == State::Delivered
                    && let Err(error) = self.prune(&delivery)
                {
                    self.store.log(clock::now(), None, format!("cannot prune: {error}"));
                }
            }
            Outcome::Gone => {
                self.pending.remove(&id);
            }
            Outcome::Error(error) => {
                let line = format!("delivery {id} is left alone for now: {error}");
                self.store.log(clock::now(), None, line);
                if let Some(pending) = self.pending.get_mut(&id) {
                    pending.wake = Some(Instant::now() + PAUSE);
                }
            }
            Outcome::Panic => {
                if let Some(pending) = self.pending.get_mut(&id) {
                    (pending.wake, pending.seen) = (None, seen);
                }
            }
        }
    }

    /// Forgets the oldest deliveries of a webhook that have arrived, all but those to be kept.
    ///
    /// One of an order that has yet to be filed stays: it would be made, and sent, again.
    fn prune(&mut self, delivery: &Delivery) -> Result<(), Error> {
        let kept = self.hooks.current()?.kept;
        let arrived = match &mut self.arrived {
            Some(arrived) => arrived,
            none => none.insert(all_arrived(self.store)?),
        };
        let own = arrived.entry(delivery.webhook.clone()).or_default();
        own.insert((delivery.made_at, delivery.id.clone()));
        let surplus: Vec<_> = own.iter().take(own.len().saturating_sub(kept)).cloned().collect();
        for (at, id) in surplus {
            let found = self.store.delivery_on(Shelf::Done, &id)?;
            if !found.is_some_and(|delivery| self.store.is_active(&delivery)) {
                self.outbox.forget(&id)?;
                own.remove(&(at, id));
            }
        }
        Ok(())
    }

    /// Returns how many deliveries threads are sending.
    pub(super) fn under_way(&self) -> usize {
        self.under_way.len()
    }

    /// Returns whether something can be done now.
    pub(super) fn is_due(&self) -> bool {
        let due = self.next.is_some_and(|next| next <= Instant::now());
        self.under_way.len() < self.threads && (!self.ready.is_empty() || self.stale || due)
    }

    /// Returns whether no pending delivery can ever be sent unless somebody does something.
    pub(super) fn are_held(&self) -> bool {
        self.under_way.is_empty() && self.ready.is_empty() && !self.stale && self.next.is_none()
    }

    /// Returns how long it takes until the next delivery can be sent.
    pub(super) fn pause(&self) -> Option<Duration> {
        self.next.map(|next| next.saturating_duration_since(Instant::now()))
    }
}

impl Pending {
    fn of(delivery: &Delivery, seen: Option<SystemTime>) -> Self {
        let again = delivery.redelivery_of.is_some();
        // Events of an order have no other order than their places: clocks are stepped.
        let made_at = if again { delivery.made_at } else { Timestamp::UNIX_EPOCH };
        let before = delivery.attempts.last().map_or(delivery.made_at, |last| last.at);
        let now = clock::now();
        let wait = schedule::due(delivery.next_attempt_at.unwrap_or(now), before, now);
        Self {
            webhook: delivery.webhook.clone(),
            task_id: delivery.event.data.order.id.clone(),
            rank: (again, made_at, delivery.position),
            wake: Some(Instant::now() + wait),
            seen,
        }
    }
}

/// Reads which deliveries have arrived.
fn all_arrived(
    store: &Store,
) -> Result<BTreeMap<String, BTreeSet<(Timestamp, DeliveryId)>>, Error> {
    let mut arrived: BTreeMap<String, BTreeSet<_>> = BTreeMap::new();
    for id in store.deliveries(Shelf::Done)? {
        // A damaged file is for a person to look at.
        if let Ok(Some(delivery)) = store.delivery_on(Shelf::Done, &id)
            && delivery.state == State::Delivered
        {
            let own = arrived.entry(delivery.webhook).or_default();
            own.insert((delivery.made_at, id));
        }
    }
    Ok(arrived)
}
