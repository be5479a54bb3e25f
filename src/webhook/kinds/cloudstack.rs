//! Kind `cloudstack`: what webhooks of Apache `CloudStack` send (`WebhookDeliveryThread.java` and
//! `ActionEventUtils.java` of 4.20).

use serde_json::{Value, json};

use super::super::file::Webhook;
use super::{Draft, reply, summary};
use crate::delivery::Verdict;
use crate::event::{Event, Outcome};
use crate::expression::percent_encoded;

/// `yyyy-MM-dd HH:mm:ss Z`, as `ActionEventUtils` writes times.
const TIME: &str = "%Y-%m-%d %H:%M:%S %z";

/// Returns the body: one flat object of texts, empty where nothing is known.
pub(super) fn body(event: &Event) -> String {
    let data = &event.data;
    let status = match data.status {
        Outcome::Success => "Completed",
        Outcome::Error => "Failed",
    };
    // A server of the inventory has no id of a hoster's.
    let server = Some(&data.server.id).filter(|id| !id.is_empty()).unwrap_or(&data.server.address);
    json!({
        "event": word(event),
        "status": status,
        "description": summary(event),
        "eventDateTime": event.timestamp.strftime(TIME).to_string(),
        "user": data.author.name,
        "account": account(event),
        "entity": "Order",
        "entityuuid": data.order.key,
        // What is concerned besides, each under the name of what it is.
        "Server": server,
        "Provider": data.provider.name,
    })
    .to_string()
}

pub(super) fn draft(url: String, event: &Event, frozen: Option<&str>) -> Draft {
    let headers = vec![
        ("Content-Type", "application/json; charset=UTF-8".to_owned()),
        ("User-Agent", format!("CS-Hookshot/{}", percent_encoded(&account(event)))),
        ("X-CS-Event-ID", event.data.webhook.id.clone()),
        ("X-CS-Event", word(event)),
    ];
    Draft { url, headers, body: frozen.map_or_else(|| body(event), str::to_owned) }
}

/// `ORDER.FINISHED` for `order.finished`.
fn word(event: &Event) -> String {
    event.kind.word().to_ascii_uppercase()
}

/// Whose order it is: `account` of the configuration file's `account`, else the provider's name.
fn account(event: &Event) -> String {
    let known = event.data.account.get("account").and_then(Value::as_str);
    known.filter(|known| !known.is_empty()).unwrap_or(&event.data.provider.name).to_owned()
}

/// `CloudStack` itself takes 200 alone for success, and sends again what was answered with 204.
pub(super) fn judge(webhook: &Webhook, status: u16) -> Verdict {
    match status {
        201..300 if webhook.strict_200 => {
            reply::failed(status, "`strict_200` takes 200 alone for success")
        }
        _ => reply::judge(status),
    }
}
