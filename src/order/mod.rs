//! An order and its life: pure, no I/O, the clock and the ids passed in.

mod events;
mod id;
mod purchase;
mod retention;
mod set_back;
mod state;
#[cfg(test)]
mod tests;
mod unanswered;

use std::collections::BTreeMap;
use std::num::NonZeroU32;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

use crate::clock::{Boot, Timestamp};
use crate::event::{Event, EventType};
use crate::format::Format;
use crate::secret::Secret;

pub(crate) use id::TaskId;
pub(crate) use purchase::{Bought, Equipment, Purchase, Removal};
pub(crate) use retention::Verdict;
pub(crate) use state::{State, Step, WireStatus, Wish};

/// What `definition` says of an order that any definition of kind `inventory` serves.
pub(crate) const INVENTORY: &str = "inventory";

/// Who ordered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(crate) struct Author {
    /// The real user id of the process.
    pub(crate) uid: u32,
    /// The name of that user; its number where the system knows none.
    pub(crate) name: String,
    /// Whom sudo acted for, as sudo said.
    pub(crate) sudo_user: Option<String>,
}

impl Author {
    /// Returns the name of the person rather than of the account that was used.
    pub(crate) fn display_name(&self) -> &str {
        self.sudo_user.as_deref().unwrap_or(&self.name)
    }
}

/// What was ordered, as it stood in the configuration file then.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(crate) struct Ordered {
    /// The configuration's id.
    pub(crate) id: String,
    /// What the panel showed.
    pub(crate) descr: String,
    /// What the hoster is asked for.
    pub(crate) parameters: BTreeMap<String, Value>,
    /// What the server runs at its first start besides what we need ourselves; forgotten when the
    /// order ends.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) user_data: Option<Secret>,
}

/// How the pool gets into a server.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub(crate) enum Access {
    /// By the root password that is handed over.
    #[default]
    Password,
    /// By the pool's public key, installed when the server is made.
    Key,
}

/// One request for one configuration, as stored in `state/*/ID.json`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[cfg_attr(test, schemars(title = "Order file, state/{accepted,active,done}/ID.json"))]
#[serde(deny_unknown_fields)]
pub(crate) struct Order {
    /// The format of this file.
    pub(crate) format: Format,
    /// The order's id.
    pub(crate) task_id: TaskId,
    /// The order's own key, a UUID: what the hoster knows it by.
    #[cfg_attr(test, schemars(with = "String"))]
    pub(crate) key: String,
    /// The key that its caller gave, if one did.
    pub(crate) caller_key: Option<String>,
    /// How many callers with that key are waiting to be told the order's number; it means nothing
    /// once one of them was told.
    pub(crate) callers: NonZeroU32,
    /// The provider's name.
    pub(crate) provider: String,
    /// The definition that serves the order.
    pub(crate) definition: String,
    /// What was ordered.
    pub(crate) configuration: Ordered,
    /// Where the order is in its life.
    pub(crate) state: State,
    /// What somebody asked for and the worker has yet to do.
    pub(crate) wish: Option<Wish>,
    /// The order that this one was made to take the place of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) retry_of: Option<TaskId>,
    /// How far the purchase is; absent for a server of the inventory.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) purchase: Option<Purchase>,
    /// The server's address, as far as it is known.
    pub(crate) server: Option<String>,
    /// All its addresses, as far as they are known.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) addresses: Vec<String>,
    /// The hoster's id of the server.
    pub(crate) server_id: Option<String>,
    /// The server's host name.
    pub(crate) hostname: Option<String>,
    /// How the pool gets in.
    #[serde(default)]
    pub(crate) access: Access,
    /// The root password. It is handed over unless the pool's key is on the server.
    pub(crate) password: Option<Secret>,
    /// When the root password was erased because nobody needed it any more, RFC 3339 in UTC.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, schemars(with = "Option<String>"))]
    pub(crate) password_erased_at: Option<Timestamp>,
    /// The key that is installed for the pool, for `access` `key`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) public_key: Option<String>,
    /// Why the order came to nothing.
    pub(crate) reason: Option<String>,
    /// Who ordered.
    pub(crate) author: Author,
    /// `account` of the configuration file.
    pub(crate) account: BTreeMap<String, Value>,
    /// When the order was accepted, RFC 3339 in UTC.
    #[cfg_attr(test, schemars(with = "String"))]
    pub(crate) created_at: Timestamp,
    /// When it last changed, RFC 3339 in UTC.
    #[cfg_attr(test, schemars(with = "String"))]
    pub(crate) updated_at: Timestamp,
    /// The start of the machine that the order was accepted in, by the clock of then: it shows by how
    /// much the clock was set since.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) boot: Option<Boot>,
    /// The same of when its key was last repeated, while nobody was told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) repeated_in: Option<Boot>,
    /// What happened to it.
    pub(crate) events: Vec<Event>,
    /// How many of these events already had their deliveries when the order was given back to the
    /// worker; absent: none.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub(crate) announced: usize,
}

/// What a new order is made of.
pub(crate) struct NewOrder {
    pub(crate) task_id: TaskId,
    pub(crate) key: Uuid,
    pub(crate) caller_key: Option<String>,
    pub(crate) provider: String,
    pub(crate) definition: String,
    pub(crate) configuration: Ordered,
    pub(crate) author: Author,
    pub(crate) account: BTreeMap<String, Value>,
}

impl Order {
    /// Takes an order.
    pub(crate) fn accept(new: NewOrder, event: Uuid, now: Timestamp) -> Self {
        let mut order = Self {
            format: Format,
            task_id: new.task_id,
            key: new.key.to_string(),
            caller_key: new.caller_key,
            callers: NonZeroU32::MIN,
            provider: new.provider,
            definition: new.definition,
            configuration: new.configuration,
            state: State::Accepted,
            wish: None,
            retry_of: None,
            purchase: None,
            server: None,
            addresses: Vec::new(),
            server_id: None,
            hostname: None,
            access: Access::Password,
            password: None,
            password_erased_at: None,
            public_key: None,
            reason: None,
            author: new.author,
            account: new.account,
            created_at: now,
            updated_at: now,
            boot: None,
            repeated_in: None,
            events: Vec::with_capacity(1),
            announced: 0,
        };
        order.happened(EventType::Accepted, event, now);
        order
    }

    /// Returns what the worker has to do.
    pub(crate) const fn next(&self) -> Step {
        Step::of(self.state, self.wish)
    }

    /// Writes a wish into the order.
    ///
    /// # Errors
    /// A sentence that says why the order cannot be asked for this.
    pub(crate) fn ask(&mut self, wish: Wish, now: Timestamp) -> Result<(), String> {
        let id = self.task_id;
        let has_server = self.state == State::Finished || self.left_server().is_some();
        match wish {
            Wish::Release if has_server => {}
            Wish::Cancel if !self.state.has_ended() => {}
            Wish::Cancel if has_server => {
                let word = self.state.word();
                return Err(format!(
                    "order {id} is {word}: `orders release` gives its server back"
                ));
            }
            Wish::Release if !self.state.has_ended() => {
                return Err(format!("order {id} is still open: `orders cancel` calls it off"));
            }
            Wish::Cancel | Wish::Release => {
                return Err(format!("order {id} has ended: it is {}", self.state.word()));
            }
        }
        if self.wish.is_none() {
            self.begin_wish();
        }
        self.wish = Some(wish);
        self.updated_at = now;
        Ok(())
    }

    /// Returns the hoster's id of a server that a failed order has left behind.
    pub(crate) fn left_server(&self) -> Option<&str> {
        let left = self.state == State::Failed && self.purchase.is_some();
        left.then_some(self.server_id.as_deref()).flatten()
    }

    /// Returns the root password where it is the way in.
    pub(crate) fn handed_password(&self) -> Option<&Secret> {
        self.password.as_ref().filter(|_| self.access == Access::Password)
    }

    /// Returns the server of the inventory that this order keeps from others.
    pub(crate) fn held_server(&self) -> Option<&str> {
        (self.definition == INVENTORY && matches!(self.state, State::Accepted | State::Finished))
            .then_some(self.server.as_deref())
            .flatten()
    }

    /// Ends the order with its server handed over.
    pub(crate) fn finish(&mut self, event: Uuid, now: Timestamp) {
        self.end(State::Finished, EventType::Finished, None, event, now);
    }

    /// Ends the order with nothing.
    pub(crate) fn fail(&mut self, reason: String, event: Uuid, now: Timestamp) {
        self.end(State::Failed, EventType::Failed, Some(reason), event, now);
    }

    /// Ends the order before a server was handed over.
    pub(crate) fn cancel(&mut self, event: Uuid, now: Timestamp) {
        let reason = "the order was cancelled".to_owned();
        self.end(State::Cancelled, EventType::Cancelled, Some(reason), event, now);
    }

    /// Ends the order's hold on its server.
    pub(crate) fn release(&mut self, event: Uuid, now: Timestamp) {
        let reason = "the server was given back".to_owned();
        self.end(State::Released, EventType::Released, Some(reason), event, now);
    }

    fn end(
        &mut self,
        state: State,
        kind: EventType,
        reason: Option<String>,
        event: Uuid,
        now: Timestamp,
    ) {
        self.state = state;
        self.wish = None;
        self.reason = reason;
        self.configuration.user_data = None;
        self.updated_at = now;
        self.happened(kind, event, now);
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
const fn is_zero(value: &usize) -> bool {
    *value == 0
}
