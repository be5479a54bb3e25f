//! Taking an order: everything that can be refused is refused here, and nothing is bought.
//!
//! No network. What is stored here is not acted on before its number has reached the caller.

use uuid::Uuid;

use crate::clock::{self, Timestamp};
use crate::config::{Config, Configuration, Status};
use crate::definition::{self, Definition};
use crate::error::Error;
use crate::home::Home;
use crate::hoster::account;
use crate::hoster::inventory::{self, Inventory};
use crate::order::{Author, INVENTORY, NewOrder, Order, Ordered, Step, TaskId};
use crate::store::{Book, Place, Store};
use crate::system::{self, Caller};

/// What stays free so that orders that were paid for can finish, in bytes: this, and for each open
/// order [`ORDER_BYTES`].
const FLOOR_BYTES: u64 = 1 << 20;
const ORDER_BYTES: u64 = 256 << 10;
/// How many files can still be made then.
const FLOOR_FILES: u64 = 64;
/// With room for that many open orders nobody counts them.
const AMPLE_ORDERS: u64 = 10_000;

/// How much of a configuration may go into an order, in bytes of JSON.
const LARGEST_TOLD: usize = 16 << 10;

/// The longest key that a caller may give, in characters.
const LONGEST_KEY: usize = 200;

/// A call of `order`.
pub(crate) struct Request {
    /// The configuration's id.
    pub(crate) configuration: String,
    /// What makes the call safe to repeat.
    pub(crate) key: Option<String>,
    /// Who calls.
    pub(crate) caller: Caller,
    /// The order that came to nothing and that this one is to take the place of.
    pub(crate) retry_of: Option<TaskId>,
}

/// Stores an order, or finds the one that the same key was used for.
///
/// The caller is to be told the number next; then comes [`answered`] or [`unanswered`].
pub(crate) fn accept(home: &Home, store: &Store, request: Request) -> Result<TaskId, Error> {
    if system::stdout_leads_nowhere() {
        return Err(Error::usage(
            "standard output is closed or /dev/null: nobody would learn the order's number",
        ));
    }
    home.require_holder()?;
    check_key(request.key.as_deref())?;
    // A caller who repeats itself is told the number also where nothing can be ordered any more.
    if let Some(key) = request.key.as_ref().filter(|_| store.exists())
        && let Some(id) = known(&mut store.lock("order")?, key, &request.configuration)?
    {
        return Ok(id);
    }
    let config = Config::load(home)?;
    if config.status == Status::Disabled {
        return Err(Error::Disabled { name: home.name.clone() });
    }
    let definition = definition::load(home, &config.definition)?;
    let configuration = config.configuration(&request.configuration)?;
    check_size(home, &config, configuration)?;
    let call = |definition| Call { home, store, config: &config, configuration, definition };
    // Read before the lock is taken: long files must keep nobody else waiting.
    match definition {
        // What is wrong with an inventory is an error for a new order only.
        Definition::Inventory(_) => match inventory::read(home) {
            Ok(bytes) => {
                let inventory = inventory::parse(home, &bytes);
                call(INVENTORY).under_lock(request, |book, order, now| {
                    claim(home, &inventory?, book, order, now)
                })
            }
            Err(error) => call(INVENTORY).under_lock(request, |_, _, _| Err(error)),
        },
        Definition::Http(definition) => {
            let equipment = account::check(home, &config, configuration, &definition)?;
            call(&config.definition).under_lock(request, |_, order, _| {
                order.equip(equipment);
                Ok(())
            })
        }
    }
}

/// What a new order is made from.
struct Call<'a> {
    home: &'a Home,
    store: &'a Store,
    config: &'a Config,
    configuration: &'a Configuration,
    definition: &'a str,
}

impl Call<'_> {
    /// Stores the order, with what `complete` adds to it.
    fn under_lock(
        &self,
        request: Request,
        complete: impl FnOnce(&mut Book<'_>, &mut Order, Timestamp) -> Result<(), Error>,
    ) -> Result<TaskId, Error> {
        let Self { home, store, config, configuration, definition } = *self;
        let author = author(&request.caller);
        let (key, event) = (Uuid::now_v7(), Uuid::now_v7());
        let mut book = store.lock("order")?;
        let now = clock::now();
        if let Some(key) = &request.key
            && let Some(id) = known(&mut book, key, &configuration.id)?
        {
            return Ok(id);
        }
        check_space(store)?;
        check_limits(config, store, &mut book, now)?;
        let new = NewOrder {
            task_id: book.next_id(now)?,
            key,
            caller_key: request.key,
            provider: home.name.clone(),
            definition: definition.to_owned(),
            configuration: ordered(configuration),
            author,
            account: config.account.clone(),
        };
        let mut order = Order::accept(new, event, now);
        order.retry_of = request.retry_of;
        order.boot = system::boot(now);
        complete(&mut book, &mut order, now)?;
        book.insert(&order, now)?;
        Ok(order.task_id)
    }
}

/// Hands an order whose number reached its caller to the worker.
pub(crate) fn answered(store: &Store, id: TaskId) -> Result<(), Error> {
    // One that was asked for again by its key may be with the worker already.
    if !store.is_in(Place::Accepted, id) {
        return Ok(());
    }
    store.lock("activate")?.activate(id)
}

/// Takes back an order whose number did not reach its caller.
pub(crate) fn unanswered(store: &Store, id: TaskId) -> Result<(), Error> {
    store.lock("withdraw")?.abandon(id, clock::now())
}

fn check_key(key: Option<&str>) -> Result<(), Error> {
    match key {
        Some(key) if key.is_empty() || key.chars().count() > LONGEST_KEY => Err(Error::usage(
            format!("`--key` takes 1 to {LONGEST_KEY} characters, not {}", key.chars().count()),
        )),
        Some(key) if key.chars().any(char::is_control) => {
            Err(Error::usage(format!("`--key` takes printable characters, not {key:?}")))
        }
        _ => Ok(()),
    }
}

/// Returns the order that the key was used for.
fn known(book: &mut Book<'_>, key: &str, configuration: &str) -> Result<Option<TaskId>, Error> {
    let now = clock::now();
    let Some(found) = book.order_of_key(key, now)? else {
        return Ok(None);
    };
    let task_id = found.order.task_id;
    if found.order.configuration.id != configuration {
        return Err(Error::KeyConflict {
            key: key.to_owned(),
            configuration: found.order.configuration.id,
            task_id,
        });
    }
    if found.place == Place::Accepted {
        book.add_caller(found.order, now)?;
    }
    Ok(Some(task_id))
}

/// Refuses what would make an order's file larger than one that is read, and than what is kept free for
/// it: each event repeats these.
pub(crate) fn check_size(
    home: &Home,
    config: &Config,
    configuration: &Configuration,
) -> Result<(), Error> {
    let told = (&config.account, &configuration.descr, &configuration.parameters);
    let size = serde_json::to_string_pretty(&told).map_or(0, |text| text.len());
    if size > LARGEST_TOLD {
        return Err(Error::ConfigurationInvalid {
            path: home.config(),
            problem: format!(
                "`account` and the `descr` and parameters of configuration `{}` have {size} bytes \
                 together, and {LARGEST_TOLD} at most go into an order",
                configuration.id
            ),
        });
    }
    Ok(())
}

/// Refuses new orders while less is free than open ones may need.
///
/// # Errors
/// `disk_full`, saying how much is free and how much may be needed.
pub(crate) fn check_space(store: &Store) -> Result<(), Error> {
    let free = store.free()?;
    if let Some(files) = free.files.filter(|files| *files < FLOOR_FILES) {
        return Err(Error::DiskFull {
            problem: format!(
                "{files} files can still be made, and open orders may need {FLOOR_FILES}"
            ),
        });
    }
    if free.bytes >= FLOOR_BYTES + AMPLE_ORDERS * ORDER_BYTES {
        return Ok(());
    }
    let needed = FLOOR_BYTES + open_orders(store)? * ORDER_BYTES;
    if free.bytes < needed {
        return Err(Error::DiskFull {
            problem: format!("{} bytes are free, and open orders may need {needed}", free.bytes),
        });
    }
    Ok(())
}

fn open_orders(store: &Store) -> Result<u64, Error> {
    let count = store.ids(Place::Accepted)?.len() + store.ids(Place::Active)?.len();
    Ok(count as u64)
}

/// As [`open_orders`], without those that have ended and wait until their events are deliveries;
/// they are read for it.
fn unfinished_orders(store: &Store) -> Result<u64, Error> {
    let count = open_orders(store)?;
    let ended = |id: &TaskId| {
        let order = store.read_in(Place::Active, *id);
        order.is_ok_and(|order| order.is_some_and(|order| order.next() == Step::File))
    };
    let ended = store.ids(Place::Active)?.iter().filter(|id| ended(id)).count();
    Ok(count.saturating_sub(ended as u64))
}

fn check_limits(
    config: &Config,
    store: &Store,
    book: &mut Book<'_>,
    now: Timestamp,
) -> Result<(), Error> {
    if let Some(allowed) = config.limits.open_orders {
        // Few are enough to be counted; more than are allowed are rare, and then read.
        if open_orders(store)? >= allowed {
            book.sweep(now)?;
            let count = unfinished_orders(store)?;
            if count >= allowed {
                let what = "are open";
                return Err(Error::LimitReached { limit: "open_orders", allowed, count, what });
            }
        }
    }
    if let Some(allowed) = config.limits.orders_per_day {
        let count = book.orders_today(now)?;
        if count >= allowed {
            let what = "were accepted today (UTC)";
            return Err(Error::LimitReached { limit: "orders_per_day", allowed, count, what });
        }
    }
    Ok(())
}

/// Claims a server; one that an unanswered order has kept for a day is free for it.
fn claim(
    home: &Home,
    inventory: &Inventory<'_>,
    book: &mut Book<'_>,
    order: &mut Order,
    now: Timestamp,
) -> Result<(), Error> {
    match inventory::claim(home, inventory, book, order, now) {
        Err(Error::OutOfStock { .. }) => {
            book.sweep(now)?;
            inventory::claim(home, inventory, book, order, now)
        }
        claimed => claimed,
    }
}

fn ordered(configuration: &Configuration) -> Ordered {
    Ordered {
        id: configuration.id.clone(),
        descr: configuration.descr.clone(),
        parameters: configuration.parameters.clone(),
        user_data: None,
    }
}

fn author(caller: &Caller) -> Author {
    Author {
        uid: caller.uid,
        name: system::user_name(caller.uid).unwrap_or_else(|| caller.uid.to_string()),
        sudo_user: caller.sudo_user.clone(),
    }
}
