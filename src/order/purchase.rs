//! How far an order is with buying its server: pure, written down before and after each request.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Access, Order, State, Wish};
use crate::clock::Timestamp;
use crate::secret::Secret;

/// How far the purchase of an order is.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(crate) struct Purchase {
    /// Where the request that buys was sent, so that nobody looks for its server elsewhere; none
    /// before one was sent.
    #[serde(default)]
    pub(crate) base_url: Option<String>,
    /// Whose credentials it was sent with, as a salted hash: another account knows nothing of it.
    #[serde(default)]
    pub(crate) account: Option<String>,
    /// The step of the definition's `create` that was taken last.
    #[serde(default)]
    pub(crate) step: Option<String>,
    /// What the steps have saved.
    #[serde(default)]
    pub(crate) saved: BTreeMap<String, Value>,
    /// Whether a request that buys was sent whose outcome was never known.
    #[serde(default)]
    pub(crate) unsettled: bool,
    /// Since when a lost server is looked for, RFC 3339 in UTC.
    #[serde(default)]
    #[cfg_attr(test, schemars(with = "Option<String>"))]
    pub(crate) unknown_since: Option<Timestamp>,
    /// How often it was looked for since then.
    #[serde(default)]
    pub(crate) looks: u32,
    /// Since when nothing but trouble came from the hoster, RFC 3339 in UTC.
    #[serde(default)]
    #[cfg_attr(test, schemars(with = "Option<String>"))]
    pub(crate) troubled_since: Option<Timestamp>,
    /// When the server was known to be bought, RFC 3339 in UTC.
    #[serde(default)]
    #[cfg_attr(test, schemars(with = "Option<String>"))]
    pub(crate) bought_at: Option<Timestamp>,
    /// When the hoster called the server ready, RFC 3339 in UTC.
    #[serde(default)]
    #[cfg_attr(test, schemars(with = "Option<String>"))]
    pub(crate) built_at: Option<Timestamp>,
    /// How far the removal of the server is; absent before one was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) removal: Option<Removal>,
}

/// How far the removal of a server is.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(crate) struct Removal {
    /// The step of the definition's `cancel` that was taken last.
    #[serde(default)]
    pub(crate) step: Option<String>,
    /// What the steps have saved.
    #[serde(default)]
    pub(crate) saved: BTreeMap<String, Value>,
    /// Whether the hoster took a request that changes the server: it knew it by then.
    #[serde(default)]
    pub(crate) accepted: bool,
    /// When the first step was taken that this wish has come to, RFC 3339 in UTC; absent before.
    #[serde(default)]
    #[cfg_attr(test, schemars(with = "Option<String>"))]
    pub(crate) begun_at: Option<Timestamp>,
    /// When all steps were taken, RFC 3339 in UTC.
    #[serde(default)]
    #[cfg_attr(test, schemars(with = "Option<String>"))]
    pub(crate) asked_at: Option<Timestamp>,
}

/// What a server is bought with.
#[derive(Debug)]
pub(crate) struct Equipment {
    /// How the pool gets in.
    pub(crate) access: Access,
    /// The root password; none where the hoster chooses it.
    pub(crate) password: Option<Secret>,
    /// The pool's public key, for `access` `key`.
    pub(crate) public_key: Option<String>,
    /// The configuration's own user-data.
    pub(crate) user_data: Option<Secret>,
}

/// What is known of a server that was bought.
#[derive(Debug, Clone, Default)]
pub(crate) struct Bought {
    /// The hoster's id of it.
    pub(crate) server_id: String,
    /// The root password that the hoster chose.
    pub(crate) password: Option<Secret>,
    /// What else the reply told.
    pub(crate) saved: BTreeMap<String, Value>,
}

impl Order {
    /// Gives a new order what its server is bought with, before anything is sent.
    pub(crate) fn equip(&mut self, with: Equipment) {
        // Random enough that no other order's server bears it, short enough for every hoster.
        let random = self.key.rsplit('-').next().unwrap_or_default();
        self.hostname = Some(format!("webdir-{}-{random}", self.task_id));
        self.access = with.access;
        self.password = with.password;
        self.public_key = with.public_key;
        self.configuration.user_data = with.user_data;
        self.purchase = Some(Purchase::default());
    }

    /// Writes down that the request that buys is about to be sent.
    pub(crate) fn intend(
        &mut self,
        base_url: &str,
        account: String,
        saved: BTreeMap<String, Value>,
        now: Timestamp,
    ) {
        let purchase = self.purchase.get_or_insert_default();
        purchase.base_url = Some(base_url.to_owned());
        purchase.account = Some(account);
        purchase.saved = saved;
        self.enter(State::Buying, now);
    }

    /// Takes the intent back: surely nothing was bought by that request.
    pub(crate) fn nothing_bought(&mut self, reason: String, now: Timestamp) {
        self.enter(State::Accepted, now);
        self.reason = Some(reason);
    }

    /// Begins the purchase anew: what its first steps saved is of no use any more.
    pub(crate) fn begin_anew(&mut self, now: Timestamp) {
        self.purchase.get_or_insert_default().saved.clear();
        self.enter(State::Accepted, now);
    }

    /// Writes down that a request that buys was sent and nobody knows what came of it.
    pub(crate) fn lose_sight(&mut self, reason: String, now: Timestamp) {
        self.purchase.get_or_insert_default().unsettled = true;
        self.seek(reason, now);
    }

    /// Goes looking for a server that the hoster says there is.
    pub(crate) fn seek(&mut self, reason: String, now: Timestamp) {
        let purchase = self.purchase.get_or_insert_default();
        purchase.unknown_since = Some(now);
        purchase.looks = 0;
        self.enter(State::Unknown, now);
        self.reason = Some(reason);
    }

    /// Counts a look that found nothing.
    pub(crate) fn looked(&mut self, now: Timestamp) {
        self.purchase.get_or_insert_default().looks += 1;
        self.updated_at = now;
    }

    /// Writes down how far the removal of the server is.
    pub(crate) fn removing(&mut self, removal: Removal, now: Timestamp) {
        let begun_at = removal.begun_at.or(Some(now));
        let purchase = self.purchase.get_or_insert_default();
        purchase.removal = Some(Removal { begun_at, ..removal });
        purchase.troubled_since = None;
        self.updated_at = now;
    }

    /// Writes down that nothing but trouble comes from the hoster since now, or that it is over.
    pub(crate) fn troubled(&mut self, since: Option<Timestamp>) {
        self.purchase.get_or_insert_default().troubled_since = since;
    }

    /// Returns whether a request that buys was sent whose outcome was never known.
    pub(crate) fn is_unsettled(&self) -> bool {
        self.purchase.as_ref().is_some_and(|purchase| purchase.unsettled)
    }

    /// Returns whether somebody called the order off that is still open.
    pub(crate) fn is_called_off(&self) -> bool {
        self.wish == Some(Wish::Cancel)
    }

    /// Writes down which server was bought.
    pub(crate) fn own(&mut self, step: &str, account: String, bought: Bought, now: Timestamp) {
        let purchase = self.purchase.get_or_insert_default();
        purchase.account = Some(account);
        purchase.step = Some(step.to_owned());
        purchase.saved.extend(bought.saved);
        purchase.unsettled = false;
        purchase.bought_at = Some(now);
        self.server_id = Some(bought.server_id);
        if bought.password.is_some() {
            self.password = bought.password;
        }
        self.enter(State::Building, now);
    }

    /// Writes down what one more step has done to the server.
    pub(crate) fn take_step(
        &mut self,
        step: &str,
        saved: BTreeMap<String, Value>,
        password: Option<Secret>,
        now: Timestamp,
    ) {
        let purchase = self.purchase.get_or_insert_default();
        purchase.step = Some(step.to_owned());
        purchase.saved.extend(saved);
        if password.is_some() {
            self.password = password;
        }
        self.enter(State::Building, now);
    }

    /// Writes down that the hoster calls the server ready.
    pub(crate) fn built(&mut self, server: String, addresses: Vec<String>, now: Timestamp) {
        self.server = Some(server);
        self.addresses = addresses;
        self.purchase.get_or_insert_default().built_at = Some(now);
        self.enter(State::Checking, now);
    }

    /// Gives a new wish the whole of its time: trouble of before does not count against it, and a
    /// removal that came to nothing begins with its first step.
    pub(super) fn begin_wish(&mut self) {
        let Some(purchase) = &mut self.purchase else { return };
        purchase.troubled_since = None;
        if let Some(removal) = &mut purchase.removal {
            removal.begun_at = None;
        }
    }

    /// Ends a wish that cannot be fulfilled.
    ///
    /// A failed order goes on saying which server it has left.
    pub(crate) fn refuse_wish(&mut self, reason: String, now: Timestamp) {
        const NOT: &str = "; not released: ";
        self.wish = None;
        let said = self.reason.take().filter(|_| self.state == State::Failed);
        self.reason = Some(match said {
            Some(said) => said.split(NOT).next().unwrap_or_default().to_owned() + NOT + &reason,
            None => reason,
        });
        self.updated_at = now;
    }

    fn enter(&mut self, state: State, now: Timestamp) {
        self.troubled(None);
        self.state = state;
        self.reason = None;
        self.updated_at = now;
    }
}
