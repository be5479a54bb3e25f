//! The order book: damaged files, servers held twice, space, the worker.

use std::collections::BTreeMap;

use super::Report;
use crate::home::Home;
use crate::order::TaskId;
use crate::store::{Place, Store};
use crate::worker;

/// With less than this free, new orders may soon be refused, in bytes.
const LOW_BYTES: u64 = 64 << 20;

pub(super) fn look(home: &Home, store: &Store, report: &mut Report) {
    if !store.exists() {
        return report.ok("orders", "none yet");
    }
    orders(store, report);
    space(store, report);
    worker_alive(home, store, report);
}

fn orders(store: &Store, report: &mut Report) {
    let subject = "orders";
    let mut count = 0_u64;
    let mut holders: BTreeMap<String, TaskId> = BTreeMap::new();
    for place in Place::ALL {
        let ids = match store.ids(place) {
            Ok(ids) => ids,
            Err(error) => {
                report.error(subject, error.to_string(), "mend the folder by hand");
                continue;
            }
        };
        for id in ids {
            let order = match store.read_in(place, id) {
                Ok(Some(order)) => order,
                Ok(None) => continue,
                Err(error) => {
                    report.error(
                        subject,
                        format!("order {id}: {error}"),
                        "mend the file by hand, or lay it back from a backup",
                    );
                    continue;
                }
            };
            count += 1;
            let server = order.held_server().map(str::to_ascii_lowercase);
            if let Some(server) = server
                && let Some(other) = holders.insert(server.clone(), id)
                && other != id
            {
                report.error(
                    subject,
                    format!("orders {other} and {id} both hold server {server}"),
                    "find out whose it is and correct the other order's file",
                );
            }
            if place == Place::Accepted {
                report.warning(
                    subject,
                    format!("the number of order {id} has not reached a caller"),
                    "nothing: it is withdrawn after a day; asking for its status accepts it",
                );
            }
        }
    }
    if report.is_clean(subject) {
        report.ok(subject, format!("{count} stored"));
    }
}

fn space(store: &Store, report: &mut Report) {
    match store.free() {
        Ok(free) if free.bytes < LOW_BYTES => report.warning(
            "disk",
            format!("{} MiB are free", free.bytes >> 20),
            "free space: new orders are refused before open ones cannot finish",
        ),
        Ok(free) => report.ok("disk", format!("{} MiB are free", free.bytes >> 20)),
        Err(error) => report.error("disk", error.to_string(), "mend the file system"),
    }
}

/// Work that nobody does is started here, as any command would.
fn worker_alive(home: &Home, store: &Store, report: &mut Report) {
    let subject = "worker";
    if !store.is_due() {
        return report.ok(subject, "nothing to do");
    }
    match worker::start(home, store) {
        Ok(()) => report.ok(subject, "at work"),
        Err(error) => {
            report.error(subject, error.to_string(), "run `work` by hand to see what is wrong");
        }
    }
}
