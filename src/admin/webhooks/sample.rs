//! An event that never happened, to try webhooks on.

use std::collections::BTreeMap;

use serde_json::Value;
use uuid::Uuid;

use crate::clock;
use crate::event::{
    Event, EventAuthor, EventType, Facts, OrderId, OrderedConfiguration, Provider, Server,
};
use crate::home::Home;

/// An address of a network for documentation (RFC 5737).
const ADDRESS: &str = "192.0.2.1";

/// Makes an event of an order that never was; its id is a new one each time.
pub(crate) fn event(home: &Home, kind: EventType, account: BTreeMap<String, Value>) -> Event {
    let server = match kind {
        EventType::Finished | EventType::Released => Server {
            id: "example".to_owned(),
            hostname: "example.invalid".to_owned(),
            address: ADDRESS.to_owned(),
            addresses: vec![ADDRESS.to_owned()],
        },
        EventType::Accepted | EventType::Failed | EventType::Cancelled => Server::default(),
    };
    let error_log = match kind {
        EventType::Failed => "this is a test: no order has failed".to_owned(),
        _ => String::new(),
    };
    let facts = Facts {
        provider: Provider { name: home.name.clone() },
        configuration: OrderedConfiguration {
            id: "1".to_owned(),
            name: "This is a test".to_owned(),
        },
        order: OrderId { id: "0".to_owned(), key: Uuid::nil().to_string() },
        server,
        error_log,
        author: EventAuthor { name: "test".to_owned(), email: String::new() },
        account,
    };
    Event::new(Uuid::now_v7(), kind, clock::now(), facts)
}
