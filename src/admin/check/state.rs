//! The order book: damaged files, servers held twice, times that cannot be, space.

use std::collections::BTreeMap;

use super::clock::Latest;
use super::{Report, worker};
use crate::accept;
use crate::clock;
use crate::home::Home;
use crate::order::TaskId;
use crate::store::{Place, Store};

/// With less than this free, new orders may soon be refused, in bytes.
const LOW_BYTES: u64 = 64 << 20;
/// The same of files that can be made.
const LOW_FILES: u64 = 1000;

pub(super) fn look(home: &Home, store: &Store, report: &mut Report) {
    if let Err(error) = store.refuse_network() {
        report.error("orders", error.to_string(), "move the provider to a disk of this machine");
    }
    if !store.exists() {
        return report.ok("orders", "none yet");
    }
    orders(store, report);
    space(store, report);
    worker::look(home, store, report);
}

fn orders(store: &Store, report: &mut Report) {
    let subject = "orders";
    let mut count = 0_u64;
    let mut holders: BTreeMap<String, TaskId> = BTreeMap::new();
    let mut latest = Latest::default();
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
            latest.see(&order);
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
    latest.look(clock::now(), report);
    if report.is_clean(subject) {
        report.ok(subject, format!("{count} stored"));
    }
}

fn space(store: &Store, report: &mut Report) {
    let subject = "disk";
    if store.is_read_only() {
        let message =
            "the file system of state/ is mounted for reading only: nothing can be ordered";
        return report.error(subject, message, "see why in the kernel's log, then mount it anew");
    }
    if let Err(error) = accept::check_space(store) {
        let cure = "free space or files where state/ is: until then new orders are refused";
        return report.error(subject, error.to_string(), cure);
    }
    match store.free() {
        Ok(free) if free.bytes < LOW_BYTES || free.files.is_some_and(|files| files < LOW_FILES) => {
            let files = free.files.map_or_else(String::new, |files| format!(", and {files} files"));
            report.warning(
                subject,
                format!("{} MiB are free{files}", free.bytes >> 20),
                "free space: new orders are refused before open ones cannot finish",
            );
        }
        Ok(free) => report.ok(subject, format!("{} MiB are free", free.bytes >> 20)),
        Err(error) => report.error(subject, error.to_string(), "mend the file system"),
    }
}
