//! Whether deliveries that wait make calls slower.

use serde_json::json;

use crate::provider::Provider;
use crate::setting::Setting;
use crate::table::Table;
use crate::time::in_turn;

/// Compares a provider that has 1,000 pending deliveries with one that has none.
pub(crate) fn run(setting: &mut Setting) {
    let [none, many] = ["none", "many"].map(|name| setting.provider(name, 250));
    webhook(&many, true);
    let ids = [none.finished_order(), many.finished_order()];
    deliver(&many, 1_000);
    let mut table = Table::beside("median, run in turn", "1,000", "none");
    let mut row = |name: &str, words: [&[&str]; 2]| {
        let [ours, none] = in_turn(200, [&mut || many.call(words[1]), &mut || none.call(words[0])]);
        table.times(name, ours, none);
    };
    let status = [["order_status", &ids[0]], ["order_status", &ids[1]]];
    let status = [&status[0][..], &status[1][..]];
    row("order_status, deliveries wait, a worker lives", status);
    // Held, they keep no worker.
    webhook(&many, false);
    let locks = [&many, &none].map(Provider::be_the_worker);
    row("order_status, deliveries held", status);
    row("order, deliveries held", [&["order", "1"], &["order", "1"]]);
    drop(locks);
    setting.keep("pending", table);
}

/// Has a webhook whose deliveries wait for a day.
fn webhook(provider: &Provider, enabled: bool) {
    let webhook = json!({ "name": "late", "kind": "generic", "enabled": enabled,
        "url": "http://127.0.0.1:9/", "schedule": [86_400] });
    provider.etc("webhooks.json", &json!({ "webhooks": [webhook] }));
}

/// Fills `deliveries/pending/` with copies of the one that is there, of other events.
fn deliver(provider: &Provider, count: u64) {
    let pending = provider.state("deliveries/pending");
    let only = std::fs::read_dir(&pending).expect("lists").next().expect("one").expect("reads");
    let name = only.file_name().into_string().expect("a plain name");
    let event = name.split('.').next().expect("an event's id").to_owned();
    let text = std::fs::read_to_string(only.path()).expect("reads");
    for number in 1..count {
        let copy = format!("{}{number:012}", &event[..24]);
        let path = pending.join(name.replace(&event, &copy));
        std::fs::write(path, text.replace(&event, &copy)).expect("written");
    }
}
