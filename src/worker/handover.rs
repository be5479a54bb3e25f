//! The last look at a server before it is handed over: can the pool get in?

use std::time::Duration;

use uuid::Uuid;

use super::drive::{Drive, Next};
use crate::clock;
use crate::definition::http::PasswordWay;
use crate::error::Error;
use crate::order::{Access, Order};
use crate::ready::{self, NotReady, Wanted};
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
            let wanted = Wanted { timeout: self.patience(order), ..wanted.clone() };
            self.memory.inspected = true;
            if let Err(not_ready) = ready::look(&server, password, &wanted, facts) {
                return self.not_ready(order, &not_ready);
            }
        }
        // Whoever called the order off meanwhile does not want the server.
        let line = format!("server {server} handed over");
        self.change_if(
            &line,
            |order| !order.is_called_off(),
            |order, now| {
                order.finish(Uuid::now_v7(), now);
            },
        )
    }

    fn not_ready(&mut self, order: &Order, not_ready: &NotReady) -> Result<Next, Error> {
        let left = self.left_to_be_ready(order);
        if order.wish.is_none() && left.is_zero() {
            let limit = self.shop.ready_timeout.as_secs_f64();
            let why = format!("not ready for the pool within {limit} s: {not_ready}");
            return self.fail_bought(order, &why);
        }
        Ok(match self.await_it(order, &not_ready.to_string())? {
            Next::After(pause) if !pause.is_zero() => {
                Next::After(pause.max(not_ready.rest.min(left)))
            }
            next => next,
        })
    }

    /// Returns for how long the configuration's command may run: until the order fails.
    ///
    /// One that is late already where this worker first looks at its server, because no worker was
    /// there for a while, has its full time once: the server is paid for.
    fn patience(&self, order: &Order) -> Duration {
        let age = clock::age(order.created_at, clock::now());
        let left = self.left_to_be_ready(order).min(self.shop.timeout.saturating_sub(age));
        if left.is_zero() && !self.memory.inspected {
            return self.shop.ready_timeout;
        }
        left.max(self.shop.poll)
    }

    /// Returns for how long the server may still be no server for the pool.
    fn left_to_be_ready(&self, order: &Order) -> Duration {
        let built_at = order.purchase.as_ref().and_then(|purchase| purchase.built_at);
        let age = built_at.map_or(Duration::ZERO, |at| clock::age(at, clock::now()));
        self.shop.ready_timeout.saturating_sub(age)
    }

    /// Returns the root password that the hoster chose, where it chooses it and it is not known.
    pub(super) fn password(
        &mut self,
        order: &Order,
        polled: Option<Secret>,
    ) -> Result<Option<Secret>, String> {
        let definition = &self.hoster.definition;
        // A program may tell another one than it was asked for.
        let told = definition.program.is_some() && polled.is_some();
        let chosen = definition.password == PasswordWay::Reply || told;
        if !chosen || order.access == Access::Key {
            return Ok(None);
        }
        if polled.is_some() {
            return Ok(polled);
        }
        if order.password.is_some() {
            return Ok(None);
        }
        let scope = self.scope(order);
        match scope.and_then(|scope| self.hoster.recover(&mut self.memory.recovery, &scope)) {
            Ok(Some(password)) => Ok(Some(password)),
            Ok(None) => Err("the hoster has not told the root password yet".to_owned()),
            Err(trouble) => Err(format!("no root password: {}", trouble.why())),
        }
    }
}
