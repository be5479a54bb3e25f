//! Once a day: what was stored long enough is forgotten, and passwords that were used are erased.
//!
//! A few orders at a time, so that nobody who orders meanwhile waits for a long list. A worker ends
//! only after it has seen all of them; one that is killed leaves the rest to the next.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use crate::clock;
use crate::config::Config;
use crate::error::Error;
use crate::home::Home;
use crate::order::TaskId;
use crate::retention::{self, PASSWORD_DAYS, Pruned};
use crate::store::{Place, Store};

/// For how long orders are looked at before something else has its turn.
const SLICE: Duration = Duration::from_millis(20);

/// The day's look at the orders that have ended.
pub(super) struct Sweep<'a> {
    home: &'a Home,
    store: &'a Store,
    /// The day (UTC) whose look is done or under way.
    day: String,
    /// Those that are left to look at.
    left: VecDeque<TaskId>,
    orders_days: Option<u32>,
    password_days: u32,
    /// Whether any was looked at, and none failed.
    is_to_be_noted: bool,
}

impl<'a> Sweep<'a> {
    pub(super) fn new(home: &'a Home, store: &'a Store) -> Self {
        let day = store.swept_day().unwrap_or_default();
        Self {
            home,
            store,
            day,
            left: VecDeque::new(),
            orders_days: None,
            password_days: PASSWORD_DAYS,
            is_to_be_noted: false,
        }
    }

    /// Returns whether there is something to look at.
    pub(super) fn is_due(&self) -> bool {
        !self.left.is_empty() || self.day != clock::day(clock::now())
    }

    /// Looks at some. Whatever is wrong here, orders are driven on, and it is tried again by the next
    /// worker, or tomorrow.
    pub(super) fn pass(&mut self) {
        if !self.is_due() {
            return;
        }
        let looked = self.begin().and_then(|()| self.look());
        if let Err(error) = looked {
            self.left.clear();
            self.is_to_be_noted = false;
            self.store.log(clock::now(), None, format!("nothing is pruned for now: {error}"));
        }
        if self.left.is_empty() && std::mem::take(&mut self.is_to_be_noted) {
            // A cache: without it the next worker looks again.
            let _ = self.store.note_swept(&self.day);
        }
    }

    /// Lists what there is to look at on a new day.
    fn begin(&mut self) -> Result<(), Error> {
        let today = clock::day(clock::now());
        if self.day == today {
            return Ok(());
        }
        self.day = today;
        let ids = self.store.ids(Place::Done)?;
        if ids.is_empty() {
            return Ok(());
        }
        let retention = Config::load(self.home)?.retention;
        self.orders_days = retention.orders_days;
        self.password_days = retention.password_days.unwrap_or(PASSWORD_DAYS);
        self.left = ids.into();
        self.is_to_be_noted = true;
        Ok(())
    }

    fn look(&mut self) -> Result<(), Error> {
        let began = Instant::now();
        while began.elapsed() < SLICE
            && let Some(id) = self.left.pop_front()
        {
            self.look_at(id)?;
        }
        Ok(())
    }

    fn look_at(&self, id: TaskId) -> Result<(), Error> {
        let Self { home, store, .. } = *self;
        let now = clock::now();
        // A damaged file is for a person to look at. No lock where there is nothing to do.
        let Ok(Some(order)) = store.read_in(Place::Done, id) else { return Ok(()) };
        if let Some(days) = self.orders_days
            && order.ended_days_ago(days, now)
            && retention::prune(home, store, id, days, now, false)? == Pruned::Forgotten
        {
            store.log(now, Some(id), format!("forgotten: it ended at {}", order.updated_at));
            return Ok(());
        }
        let verdict = retention::verdict(store, id);
        if order.has_password_to_erase(verdict, self.password_days, now)
            && retention::erase_password(store, id, self.password_days, now)?
        {
            store.log(now, Some(id), "its root password is erased".to_owned());
        }
        Ok(())
    }
}
