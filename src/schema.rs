//! JSON Schemas of what the program says and reads: made from the types, checked in, printed by
//! `schema NAME`.

use crate::error::Error;

macro_rules! schemas {
    ($($name:literal),+ $(,)?) => {
        /// Every schema, by name.
        const SCHEMAS: &[(&str, &str)] =
            &[$(($name, include_str!(concat!("../schemas/", $name, ".json")))),+];
    };
}

schemas![
    "answer-configs",
    "answer-error",
    "answer-help",
    "answer-order",
    "answer-order_status",
    "catalog",
    "check",
    "configuration",
    "definition",
    "deliveries-list",
    "deliveries-show",
    "delivery",
    "event",
    "inventory",
    "order",
    "orders-list",
    "orders-preview",
    "orders-show",
    "webhooks",
    "webhooks-list",
    "webhooks-show",
];

/// Returns the schema of that name, or all names, one a line.
pub(crate) fn text(name: Option<&str>) -> Result<String, Error> {
    let names = || SCHEMAS.iter().map(|(name, _)| *name);
    let Some(name) = name else {
        return Ok(names().fold(String::new(), |text, name| text + name + "\n"));
    };
    SCHEMAS.iter().find(|(known, _)| *known == name).map(|(_, text)| (*text).to_owned()).ok_or_else(
        || {
            let names: Vec<&str> = names().collect();
            Error::usage(format!("no schema `{name}`; there are: {}", names.join(", ")))
        },
    )
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::path::Path;

    use schemars::generate::SchemaSettings;
    use schemars::{JsonSchema, Schema};

    use super::SCHEMAS;
    use crate::{admin, config, definition, event, hoster, order, protocol, webhook};

    fn schema<T: JsonSchema>() -> Schema {
        SchemaSettings::draft2020_12().into_generator().into_root_schema_for::<T>()
    }

    fn made() -> BTreeMap<&'static str, Schema> {
        BTreeMap::from([
            ("answer-configs", schema::<protocol::ConfigsAnswer>()),
            ("answer-error", schema::<protocol::ErrorAnswer>()),
            ("answer-help", schema::<protocol::HelpAnswer>()),
            ("answer-order", schema::<protocol::OrderAnswer>()),
            ("answer-order_status", schema::<protocol::OrderStatusAnswer>()),
            ("catalog", schema::<admin::CatalogOffer>()),
            ("check", schema::<admin::CheckReport>()),
            ("configuration", schema::<config::Config>()),
            ("definition", schema::<definition::Written>()),
            ("deliveries-list", schema::<admin::DeliveriesList>()),
            ("deliveries-show", schema::<admin::DeliveryStory>()),
            ("delivery", schema::<crate::delivery::Delivery>()),
            ("event", schema::<event::Event>()),
            ("inventory", schema::<hoster::inventory::Inventory>()),
            ("order", schema::<order::Order>()),
            ("orders-list", schema::<admin::OrdersList>()),
            ("orders-preview", schema::<admin::PreviewedRequests>()),
            ("orders-show", schema::<admin::OrderStory>()),
            ("webhooks", schema::<webhook::file::Webhooks>()),
            ("webhooks-list", schema::<admin::WebhooksList>()),
            ("webhooks-show", schema::<admin::OneWebhook>()),
        ])
    }

    /// `UPDATE=1 cargo test --lib schema` writes the files that this compares.
    #[test]
    #[expect(clippy::disallowed_methods, reason = "a developer's switch, not the product's")]
    fn the_schemas_that_are_checked_in_are_those_of_the_types() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("schemas");
        let made = made();
        let names: Vec<&str> = SCHEMAS.iter().map(|(name, _)| *name).collect();
        assert_eq!(names, made.keys().copied().collect::<Vec<_>>());
        for (name, schema) in made {
            let text = serde_json::to_string_pretty(&schema).unwrap() + "\n";
            let path = folder.join(format!("{name}.json"));
            if std::env::var_os("UPDATE").is_some() {
                std::fs::write(&path, &text).unwrap();
            }
            let stored = std::fs::read_to_string(&path).unwrap_or_default();
            assert_eq!(stored, text, "{name}: run `UPDATE=1 cargo test --lib schema`");
        }
    }
}
