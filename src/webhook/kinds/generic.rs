//! Kind `generic`: the event as JSON, signed as Standard Webhooks are.

use serde::Serialize;

use super::super::file::{Envelope, Webhook};
use super::Draft;
use crate::event::Event;

/// Returns the body: the whole event, or what is in its `data`.
pub(super) fn body(webhook: &Webhook, event: &Event) -> String {
    match webhook.envelope.unwrap_or_default() {
        Envelope::Standard => json(event),
        Envelope::Plain => json(&event.data),
    }
}

/// Keeps the order of the fields, which is that of the documentation.
fn json(value: &impl Serialize) -> String {
    // Every event can be written: all its keys are texts.
    serde_json::to_string(value).unwrap_or_default()
}

pub(super) fn draft(webhook: &Webhook, url: String, event: &Event, frozen: Option<&str>) -> Draft {
    Draft {
        url,
        headers: vec![("Content-Type", "application/json".to_owned())],
        body: frozen.map_or_else(|| body(webhook, event), str::to_owned),
    }
}
