//! Which events a webhook is told, and what is refused because it could never matter: pure.

use super::file::{Filter, Match, Mode, Webhook};
use crate::event::{Event, EventType};
use crate::json;

/// Returns whether a webhook is told of an event. Whether it is enabled is the caller's business.
pub(crate) fn wants(webhook: &Webhook, event: &Event) -> bool {
    let ids = &webhook.configurations;
    selects(webhook, event.kind) && (ids.is_empty() || ids.contains(&event.data.configuration.id))
}

/// Refuses what could never matter: a filter that matches no type of event, one that stands there
/// twice, an include all of whose types are excluded, and a webhook that is told of nothing.
///
/// There are five types of events, so this is no guess: each is tried.
///
/// # Errors
/// One sentence that begins with the place and names the filter; for one that matches nothing, the
/// nearest type too.
pub(crate) fn check(webhook: &Webhook) -> Result<(), String> {
    let filters = &webhook.filters;
    for (index, filter) in filters.iter().enumerate() {
        let problem = if let Some(first) = filters[..index].iter().position(|one| one == filter) {
            format!("is the same as filters[{first}]")
        } else if !EventType::ALL.into_iter().any(|kind| matches(filter, kind)) {
            let known = EventType::ALL.into_iter().map(EventType::word);
            let nearest = json::nearest(&filter.value, known).unwrap_or_default();
            format!("matches no type of event; the nearest is `{nearest}`")
        } else if filter.mode == Mode::Include && is_excluded(filter, filters) {
            "lets nothing through: every type that it matches is excluded".to_owned()
        } else {
            continue;
        };
        return Err(format!("filters[{index}]: {} {problem}", words(filter)));
    }
    if EventType::ALL.into_iter().any(|kind| selects(webhook, kind)) {
        return Ok(());
    }
    let place = if webhook.events.is_empty() {
        "events"
    } else if EventType::ALL.into_iter().any(|kind| subscribes(webhook, kind)) {
        "filters"
    } else {
        "events, operations and statuses"
    };
    Err(format!("{place}: no event is left that would be sent"))
}

/// Returns whether events of a type are sent where their configuration is right.
fn selects(webhook: &Webhook, kind: EventType) -> bool {
    subscribes(webhook, kind) && passes(&webhook.filters, kind)
}

fn subscribes(webhook: &Webhook, kind: EventType) -> bool {
    let Webhook { events, operations, statuses, .. } = webhook;
    events.contains(&kind)
        && (operations.is_empty() || operations.contains(&kind.operation()))
        && (statuses.is_empty() || statuses.contains(&kind.outcome()))
}

/// What any exclude matches is kept back; where there is an include, one must match. `CloudStack`
/// has the same rule (its pull request 12023).
fn passes(filters: &[Filter], kind: EventType) -> bool {
    let mut includes = filters.iter().filter(|filter| filter.mode == Mode::Include).peekable();
    !excludes(filters, kind)
        && (includes.peek().is_none() || includes.any(|filter| matches(filter, kind)))
}

fn excludes(filters: &[Filter], kind: EventType) -> bool {
    filters.iter().any(|filter| filter.mode == Mode::Exclude && matches(filter, kind))
}

fn is_excluded(include: &Filter, filters: &[Filter]) -> bool {
    let mut matched = EventType::ALL.into_iter().filter(|kind| matches(include, *kind));
    matched.all(|kind| excludes(filters, kind))
}

/// Returns whether a filter speaks of events of a type, whatever it then does with them.
fn matches(filter: &Filter, kind: EventType) -> bool {
    let (value, word) = (filter.value.as_str(), kind.word());
    match filter.r#match {
        Match::Exact => word == value,
        Match::Prefix => word.starts_with(value),
        Match::Suffix => word.ends_with(value),
        Match::Contains => word.contains(value),
    }
}

/// Names a filter as whoever wrote it would.
fn words(filter: &Filter) -> String {
    let mode = match filter.mode {
        Mode::Include => "include",
        Mode::Exclude => "exclude",
    };
    let how = match filter.r#match {
        Match::Exact => "exact",
        Match::Prefix => "prefix",
        Match::Suffix => "suffix",
        Match::Contains => "contains",
    };
    format!("{mode} {how} `{}`", filter.value)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value, json};
    use uuid::Uuid;

    use super::*;
    use crate::clock::Timestamp;
    use crate::event::{EventAuthor, Facts, OrderId, OrderedConfiguration, Provider, Server};

    fn webhook(settings: &Value) -> Webhook {
        let mut whole = json!({ "name": "n", "kind": "generic", "url": "http://h/" });
        whole.as_object_mut().unwrap().extend(settings.as_object().unwrap().clone());
        serde_json::from_value(whole).unwrap()
    }

    fn event(kind: EventType, configuration: &str) -> Event {
        let facts = Facts {
            provider: Provider { name: "p".to_owned() },
            configuration: OrderedConfiguration {
                id: configuration.to_owned(),
                name: String::new(),
            },
            order: OrderId { id: "1".to_owned(), key: String::new() },
            server: Server::default(),
            error_log: String::new(),
            author: EventAuthor { name: String::new(), email: String::new() },
            account: std::collections::BTreeMap::default(),
        };
        Event::new(Uuid::nil(), kind, Timestamp::UNIX_EPOCH, facts)
    }

    /// Returns the last words of the types that a webhook is told.
    fn told(settings: &Value) -> Vec<&'static str> {
        let webhook = webhook(settings);
        let kinds = EventType::ALL.into_iter().filter(|kind| wants(&webhook, &event(*kind, "1")));
        kinds.map(|kind| kind.word().trim_start_matches("order.")).collect()
    }

    fn problem(filters: &Value) -> String {
        check(&webhook(&json!({ "filters": filters }))).unwrap_err()
    }

    #[test]
    fn all_but_accepted_orders_are_told_where_nothing_is_said() {
        assert_eq!(told(&json!({})), ["finished", "failed", "cancelled", "released"]);
        let all = json!(["order.accepted", "order.released"]);
        assert_eq!(told(&json!({ "events": all })), ["accepted", "released"]);
    }

    #[test]
    fn operations_statuses_and_configurations_narrow_what_is_told() {
        assert_eq!(told(&json!({ "operations": ["CREATE"] })), ["finished", "failed"]);
        assert_eq!(told(&json!({ "statuses": ["ERROR"] })), ["failed"]);
        assert_eq!(
            told(&json!({ "operations": ["CANCEL", "RELEASE"], "statuses": ["SUCCESS"] })),
            ["cancelled", "released"]
        );
        assert_eq!(told(&json!({ "configurations": ["2", "1"] })).len(), 4);
        assert!(told(&json!({ "configurations": ["2", "11"] })).is_empty());
    }

    #[test]
    fn an_exclude_wins_and_one_of_the_includes_must_match() {
        let failed = json!({ "value": "order.failed" });
        let led = json!({ "match": "suffix", "value": "led" });
        let not_failed = json!({ "mode": "exclude", "match": "contains", "value": "fail" });
        let every = json!({ "match": "prefix", "value": "order." });
        assert_eq!(told(&json!({ "filters": [failed] })), ["failed"]);
        assert_eq!(told(&json!({ "filters": [led] })), ["failed", "cancelled"]);
        assert_eq!(told(&json!({ "filters": [not_failed, led] })), ["cancelled"]);
        assert_eq!(told(&json!({ "filters": [every, not_failed] })).len(), 3);
        assert_eq!(told(&json!({ "filters": [not_failed] })).len(), 3);
        assert!(told(&json!({ "filters": [{ "value": "Order.Failed" }] })).is_empty());
    }

    #[test]
    fn a_filter_that_matches_nothing_is_refused_with_the_nearest_type() {
        assert_eq!(
            problem(&json!([{ "value": "order.finishd" }])),
            "filters[0]: include exact `order.finishd` matches no type of event; the nearest is \
             `order.finished`"
        );
        let late = json!([{ "value": "order.failed" },
            { "mode": "exclude", "match": "suffix", "value": ".Released" }]);
        assert_eq!(
            problem(&late),
            "filters[1]: exclude suffix `.Released` matches no type of event; the nearest is \
             `order.released`"
        );
    }

    #[test]
    fn an_include_that_is_excluded_altogether_is_refused() {
        let both = json!([{ "mode": "exclude", "match": "contains", "value": "led" },
            { "value": "order.finished" }, { "match": "suffix", "value": "led" }]);
        assert_eq!(
            problem(&both),
            "filters[2]: include suffix `led` lets nothing through: every type that it matches is \
             excluded"
        );
        let some = json!([{ "match": "prefix", "value": "order." },
            { "mode": "exclude", "match": "contains", "value": "led" }]);
        assert_eq!(check(&webhook(&json!({ "filters": some }))), Ok(()));
    }

    #[test]
    fn a_filter_that_stands_there_twice_is_refused() {
        let twice = json!([{ "value": "order.failed" }, { "value": "order.finished" },
            { "mode": "include", "match": "exact", "value": "order.failed" }]);
        let message = problem(&twice);
        assert_eq!(message, "filters[2]: include exact `order.failed` is the same as filters[0]");
    }

    #[test]
    fn a_webhook_that_is_told_of_nothing_is_refused() {
        for (settings, place) in [
            (json!({ "events": [] }), "events: "),
            (
                json!({ "operations": ["CANCEL"], "statuses": ["ERROR"] }),
                "events, operations and statuses: ",
            ),
            (json!({ "filters": [{ "value": "order.accepted" }] }), "filters: "),
        ] {
            let message = check(&webhook(&settings)).unwrap_err();
            assert!(message.starts_with(place) && message.contains("no event"), "{message}");
        }
    }

    fn any_filter() -> impl Strategy<Value = Filter> {
        let mode = prop_oneof![Just(Mode::Include), Just(Mode::Exclude)];
        let kind = prop_oneof![
            Just(Match::Exact),
            Just(Match::Prefix),
            Just(Match::Suffix),
            Just(Match::Contains)
        ];
        let value = "order\\.(finished|failed|released)|order|led|ed|(order)?\\.[a-z]{0,2}|.{0,3}";
        (mode, kind, value).prop_map(|(mode, r#match, value)| Filter { mode, r#match, value })
    }

    proptest! {
        #[test]
        fn what_is_not_refused_leaves_no_filter_without_effect(
            filters in proptest::collection::vec(any_filter(), 0..4),
        ) {
            let webhook = Webhook { filters, ..webhook(&json!({})) };
            let told = |kind| selects(&webhook, kind);
            let some = EventType::ALL.into_iter().any(told);
            let useful = webhook.filters.iter().enumerate().all(|(index, filter)| {
                let mut matched = EventType::ALL.into_iter().filter(|kind| matches(filter, *kind));
                !webhook.filters[..index].contains(filter)
                    && match filter.mode {
                        Mode::Exclude => matched.next().is_some(),
                        Mode::Include => matched.any(|kind| passes(&webhook.filters, kind)),
                    }
            });
            prop_assert_eq!(check(&webhook).is_ok(), some && useful);
        }
    }
}
