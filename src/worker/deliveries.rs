//! The pending deliveries: how they are made of events, and which is to be sent when.
//!
//! Those to one webhook about one order go one after the other. A webhook takes no more than half
//! of the threads, so that one which does not answer leaves room for the others. A delivery that has
//! arrived takes none of them any more: that is written out while others are sent, and the file
//! system writes out many at once as fast as one.

mod announce;
mod hold;
mod kept;
mod listing;
mod pending;
mod ready;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::mpsc::Sender;
use std::time::{Duration, Instant, SystemTime};

use super::Report;
use super::attempt::{Attempted, Due, Outcome};
use super::hooks::{Hooks, Reader};
use super::pool::Pool;
use crate::clock;
use crate::delivery::{Delivery, DeliveryId, State};
use crate::error::Error;
use crate::home::Home;
use crate::order::TaskId;
use crate::store::{Outbox, Store};
use hold::Hold;
use kept::Kept;
use pending::{Pending, heads};
use ready::Ready;

/// How long a delivery is left alone whose outcome could not be written down.
const PAUSE: Duration = Duration::from_secs(30);

/// How many deliveries that have arrived may wait until that is written out: so many more are sent
/// again at most after a kill.
const ARRIVED: usize = 8;

/// How often it is looked again at what is broken, or could not be read.
const MENDED: Duration = Duration::from_secs(1);

/// A delivery in the hands of a thread.
struct UnderWay {
    webhook: String,
    /// Whether all that is left is to write down that it has arrived.
    has_arrived: bool,
}

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
    ready: Ready,
    /// When something else can be; none where the rest is held.
    next: Option<Instant>,
    /// Whether `ready` and `next` were found before something changed.
    stale: bool,
    under_way: BTreeMap<DeliveryId, UnderWay>,
    threads: usize,
    kept: Kept,
    listed: Option<(Instant, Option<SystemTime>)>,
    /// Whether they could not be listed, or not all be read, the last time: there may be more.
    unlisted: bool,
    /// Those that the kernel refuses to read, and since when.
    unread: BTreeMap<DeliveryId, Instant>,
    /// What the log said last, by what it was about.
    said: BTreeMap<String, String>,
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
                let arrived = |id: &DeliveryId| drop(report.send(Report::Arrived(id.clone())));
                let _ = report.send(Report::Delivery(due.send(&book, &out, arrived)));
            }),
            store,
            outbox,
            hooks: Reader::new(home, store),
            announced: BTreeMap::new(),
            pending: BTreeMap::new(),
            ready: Ready::default(),
            next: None,
            stale: true,
            under_way: BTreeMap::new(),
            threads: 1,
            kept: Kept::default(),
            listed: None,
            unlisted: false,
            unread: BTreeMap::new(),
            said: BTreeMap::new(),
        }
    }

    /// Hands to threads what can be sent. Whatever is wrong here, orders are driven on.
    pub(super) fn pass(&mut self) {
        self.look();
        if !self.is_due() {
            return;
        }
        let Ok(hooks) = self.hooks.current() else {
            self.ready.clear();
            self.stale = false;
            self.next = (!self.pending.is_empty()).then(|| Instant::now() + MENDED);
            return;
        };
        self.threads = hooks.threads;
        if self.is_to_be_refilled() {
            self.refill(&hooks);
        }
        while self.has_room()
            && let Some(id) = self.ready.oldest(|webhook| self.is_free(webhook))
        {
            self.ready.remove(&id);
            if let Err(error) = self.hand_on(&hooks, id) {
                return self.rest(&error);
            }
        }
    }

    /// Finds out what can be sent now, and when something else can be.
    fn refill(&mut self, hooks: &Hooks) {
        let webhooks: BTreeSet<&str> = self.pending.values().map(|one| &*one.webhook).collect();
        let webhooks: Vec<String> = webhooks.into_iter().map(str::to_owned).collect();
        let now = Instant::now();
        let (mut ready, mut next) = (Ready::default(), None);
        let mut held = BTreeSet::new();
        for webhook in webhooks {
            match self.hold(hooks, &webhook) {
                None => continue,
                Some(Hold::UntilChanged) => {}
                Some(Hold::ForNow) => next = Some(now + MENDED),
            }
            held.insert(webhook);
        }
        for (id, pending, wake) in heads(&self.pending) {
            if held.contains(&pending.webhook) || self.under_way.contains_key(id) {
                continue;
            }
            if wake <= now {
                ready.add(id.clone());
            } else {
                next = next.map_or(Some(wake), |next: Instant| Some(next.min(wake)));
            }
        }
        (self.ready, self.next, self.stale) = (ready, next, false);
    }

    fn hand_on(&mut self, hooks: &Hooks, id: DeliveryId) -> Result<(), Error> {
        let Some(hook) = hooks.named(id.webhook()) else { return Ok(()) };
        let name = &hook.webhook.name;
        // It may have been disabled since it was found that this can be sent.
        if let Some(hold) = self.hold(hooks, name) {
            if matches!(hold, Hold::ForNow) {
                let again = Instant::now() + MENDED;
                self.next = Some(self.next.map_or(again, |next| next.min(again)));
            }
            return Ok(());
        }
        self.pool.grow(self.under_way.len() + 1)?;
        let Some(pending) = self.pending.get_mut(&id) else { return Ok(()) };
        let under_way = UnderWay { webhook: name.clone(), has_arrived: false };
        self.under_way.insert(id.clone(), under_way);
        self.pool.hand(Due {
            id,
            target: hook.target.clone(),
            plan: hook.plan.clone(),
            sender: hooks.sender.clone(),
            sent: pending.sent.take(),
        });
        Ok(())
    }

    /// Lets another be sent in the place of one that has arrived.
    pub(super) fn arrived(&mut self, id: &DeliveryId) {
        if let Some(one) = self.under_way.get_mut(id) {
            one.has_arrived = true;
        }
    }

    /// Takes a delivery back from its thread.
    pub(super) fn take_back(&mut self, attempted: Attempted) {
        let Attempted { id, outcome } = attempted;
        self.under_way.remove(&id);
        let arrived = matches!(&outcome, Outcome::Recorded(one) if one.state == State::Delivered);
        self.stale |= !arrived;
        let seen = self.store.delivery_changed_at(&id);
        match outcome {
            Outcome::Recorded(delivery) if delivery.state == State::Pending => {
                // Somebody may have changed its file since: it is read the next time.
                self.pending.insert(id, Pending::of(&delivery, None));
            }
            Outcome::Recorded(delivery) => {
                self.pending.remove(&id);
                if arrived {
                    self.follow(&delivery);
                }
                if arrived && let Err(error) = self.prune(&delivery) {
                    self.store.log(clock::now(), None, format!("cannot prune: {error}"));
                }
            }
            Outcome::Gone => {
                self.pending.remove(&id);
            }
            Outcome::Error(error, sent) => {
                let line = format!("delivery {id} is left alone for now: {error}");
                self.store.log(clock::now(), None, line);
                if let Some(pending) = self.pending.get_mut(&id) {
                    // Its file may have been changed before it came to that.
                    (pending.wake, pending.seen) = (Some(Instant::now() + PAUSE), seen);
                    pending.sent = sent;
                }
            }
            Outcome::Panic => {
                if let Some(pending) = self.pending.get_mut(&id) {
                    (pending.wake, pending.seen) = (None, seen);
                }
            }
        }
    }

    /// Keeps no more of what has arrived than is wanted.
    fn prune(&mut self, delivery: &Delivery) -> Result<(), Error> {
        let newest = self.hooks.current()?.kept;
        self.kept.add(delivery, newest, self.store, &self.outbox)
    }

    /// Leaves all deliveries alone for a while; what threads have under way comes to its end.
    fn rest(&mut self, error: &Error) {
        self.say("sending", format!("no delivery is sent for now: {error}"));
        self.ready.clear();
        (self.next, self.stale) = (Some(Instant::now() + PAUSE), false);
    }

    /// Writes a line into the log, unless it said the same last about this.
    fn say(&mut self, about: &str, line: String) {
        if self.said.get(about) != Some(&line) {
            self.store.log(clock::now(), None, line.clone());
            self.said.insert(about.to_owned(), line);
        }
    }

    /// Returns how many deliveries threads are sending or writing down.
    pub(super) fn under_way(&self) -> usize {
        self.under_way.len()
    }

    /// Returns whether something can be done now.
    pub(super) fn is_due(&self) -> bool {
        let any = || self.ready.has_any(|webhook| self.is_free(webhook));
        self.has_room() && (self.is_to_be_refilled() || any())
    }

    fn is_to_be_refilled(&self) -> bool {
        self.stale || self.next.is_some_and(|next| next <= Instant::now())
    }

    /// Returns whether a webhook has fewer threads than it may take.
    fn is_free(&self, webhook: &str) -> bool {
        self.sending(Some(webhook)) < self.threads.div_ceil(2)
    }

    fn has_room(&self) -> bool {
        let bound = self.threads + ARRIVED;
        self.sending(None) < self.threads && self.under_way.len() < bound
    }

    /// Returns how many deliveries are being sent, to that webhook where one is named.
    fn sending(&self, webhook: Option<&str>) -> usize {
        let is_so = |one: &&UnderWay| webhook.is_none_or(|webhook| one.webhook == webhook);
        self.under_way.values().filter(|one| !one.has_arrived).filter(is_so).count()
    }

    /// Returns whether no pending delivery can ever be sent unless somebody does something.
    pub(super) fn are_held(&self) -> bool {
        let nothing_comes = self.ready.is_empty() && !self.stale && self.next.is_none();
        nothing_comes && self.under_way.is_empty() && !self.unlisted
    }

    /// Returns how long it takes until the next delivery can be sent.
    pub(super) fn pause(&self) -> Option<Duration> {
        self.next.map(|next| next.saturating_duration_since(Instant::now()))
    }
}
