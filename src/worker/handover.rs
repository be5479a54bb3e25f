//! The last look at a server before it is handed over: can the pool get in?

use std::time::Duration;

use uuid::Uuid;

use super::drive::{Drive, Next};
use crate::clock;
use crate::definition::http::PasswordWay;
use crate::error::Error;
use crate::order::{Access, Order};
use crate::ready;
use crate::secret::Secret;

impl Drive<'_> {
    /// Hands the server over once it is ready for the pool.
    pub(super) fn check(&mut self, order: &Order) -> Result<Next, Error> {
        let server = order.server.clone().unwrap_or_default();
        if let Some(wanted) = &self.shop.ready {
            let facts = ready::Facts {
                task_id: &order.task_id.to_string(),
                hostname: order.hostname.as_deref().unwrap_or_default(),
                server_id: order.server_id.as_deref(),
            };
            let password = order.handed_password().map(Secret::expose);
            if let Err(not_ready) = ready::look(&server, password, wanted, facts) {
                return self.not_ready(order, &not_ready.to_string());
            }
        }
        let mut book = self.store.lock("worker")?;
        let place = crate::store::Place::Active;
        let Some(mut order) = self.store.read_in(place, self.id)? else {
            return Ok(Next::Nothing);
        };
        // Whoever called the order off meanwhile does not want the server.
        if order.wish.is_some() {
            return Ok(Next::After(Duration::ZERO));
        }
        order.finish(Uuid::now_v7(), clock::now());
        book.settle(&order)?;
        drop(book);
        self.say(&format!("server {server} handed over"));
        Ok(Next::Nothing)
    }

    fn not_ready(&mut self, order: &Order, why: &str) -> Result<Next, Error> {
        let built_at = order.purchase.as_ref().and_then(|purchase| purchase.built_at);
        let age = built_at.map_or(Duration::ZERO, |at| clock::age(at, clock::now()));
        let limit = self.shop.ready_timeout.as_secs_f64();
        if order.wish.is_none() && age >= self.shop.ready_timeout {
            return self
                .fail_bought(order, &format!("not ready for the pool within {limit} s: {why}"));
        }
        self.await_it(order, why)
    }

    /// Returns the root password that the hoster chose, where it chooses it and it is not known.
    pub(super) fn password(
        &self,
        order: &Order,
        polled: Option<Secret>,
    ) -> Result<Option<Secret>, String> {
        let chosen = self.hoster.definition.password == PasswordWay::Reply;
        if !chosen || order.access == Access::Key {
            return Ok(None);
        }
        if polled.is_some() {
            return Ok(polled);
        }
        if order.password.is_some() {
            return Ok(None);
        }
        let recovered = self.hoster.recover(&self.scope(order)?);
        match recovered {
            Ok(Some(password)) => Ok(Some(password)),
            Ok(None) => Err("the hoster has not told the root password yet".to_owned()),
            Err(trouble) => Err(format!("no root password: {}", trouble.why())),
        }
    }
}
