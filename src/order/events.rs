//! What is told of an order when something happened to it.

use uuid::Uuid;

use super::Order;
use crate::clock::Timestamp;
use crate::event::{
    Event, EventAuthor, EventType, Facts, OrderId, OrderedConfiguration, Provider, Server,
};

impl Order {
    /// Adds an event that tells of the order as it is now.
    pub(super) fn happened(&mut self, kind: EventType, id: Uuid, now: Timestamp) {
        let facts = Facts {
            provider: Provider { name: self.provider.clone() },
            configuration: OrderedConfiguration {
                id: self.configuration.id.clone(),
                name: self.configuration.descr.clone(),
            },
            order: OrderId { id: self.task_id.to_string(), key: self.key.clone() },
            server: self.told_server(kind),
            error_log: match kind {
                EventType::Failed => self.reason.clone().unwrap_or_default(),
                _ => String::new(),
            },
            author: EventAuthor {
                name: self.author.display_name().to_owned(),
                email: String::new(),
            },
            account: self.account.clone(),
        };
        self.events.push(Event::new(id, kind, now, facts));
    }

    /// A server of the inventory that is not handed over is nobody's business.
    fn told_server(&self, kind: EventType) -> Server {
        let handed_over = matches!(kind, EventType::Finished | EventType::Released);
        if !handed_over && self.purchase.is_none() {
            return Server::default();
        }
        let address = self.server.clone().unwrap_or_default();
        Server {
            id: self.server_id.clone().unwrap_or_default(),
            hostname: self.hostname.clone().unwrap_or_default(),
            addresses: match self.addresses.as_slice() {
                [] => self.server.iter().cloned().collect(),
                known => known.to_vec(),
            },
            address,
        }
    }

    /// Notes that deliveries were made of all events so far, as is so for every order that was
    /// filed.
    pub(crate) fn events_are_deliveries(&mut self) {
        self.announced = self.events.len();
    }
}
