//! What is measured. Names follow <https://prometheus.io/docs/practices/naming/>.
//!
//! All of it is read from what is stored, and what is stored is pruned: so nothing here is a counter.

/// What kind of metric it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// It goes up and down.
    Gauge,
    /// How what was measured is spread.
    Histogram,
}

/// A metric.
#[derive(Debug)]
pub(super) struct Family {
    /// Its name.
    pub(super) name: &'static str,
    pub(super) kind: Kind,
    /// Its labels besides `provider`.
    pub(super) labels: &'static [&'static str],
    /// What it says; the same for every provider, as a collector of several files asks for.
    pub(super) help: &'static str,
}

macro_rules! families {
    ($($constant:ident $kind:ident $name:literal $labels:expr, $help:literal;)*) => {
        $(pub(super) const $constant: Family = Family {
            name: concat!("webdir_provider_", $name),
            kind: Kind::$kind,
            labels: &$labels,
            help: $help,
        };)*
        /// Every metric, in the order of a page.
        #[cfg(test)]
        pub(super) const ALL: &[&Family] = &[$(&$constant),*];
    };
}

families! {
    BUILD_INFO Gauge "build_info" ["version"],
        "The program's version; always 1.";
    CONFIGURATION_VALID Gauge "configuration_valid" [],
        "Whether the configuration file can be used.";
    ORDERS Gauge "orders" ["configuration", "state", "status"],
        "Stored orders whose number reached a caller, by what was ordered and how they are doing.";
    UNANSWERED Gauge "orders_unanswered" [],
        "Orders whose number has not reached a caller; they are not acted on.";
    OLDEST_OPEN Gauge "oldest_open_order_age_seconds" [],
        "How long ago the oldest order that is still open was accepted; 0 without one.";
    TROUBLED Gauge "orders_troubled" [],
        "Orders about which nothing but trouble comes from the hoster.";
    UNSETTLED Gauge "orders_unsettled" [],
        "Orders of which nobody knows whether they bought a server: look for it.";
    LEFT Gauge "orders_with_server_left" [],
        "Failed orders whose server was bought and is not removed.";
    READY Histogram "order_ready_duration_seconds" ["configuration"],
        "How long stored orders took from accepted to finished.";
    DELIVERIES Gauge "deliveries" ["webhook", "outcome"],
        "Stored deliveries, by what became of them.";
    ATTEMPTS Gauge "delivery_attempts" ["webhook", "result"],
        "Attempts of stored deliveries, by how they went.";
    OLDEST_PENDING Gauge "oldest_pending_delivery_age_seconds" ["webhook"],
        "How long ago the oldest delivery was made that has yet to arrive; 0 without one.";
    WEBHOOK_DISABLED Gauge "webhook_disabled" ["webhook", "by"],
        "Whether nothing is sent to a webhook: by its administrator, or since it failed for too long.";
    UNREADABLE Gauge "unreadable_files" ["kind"],
        "Files of orders and deliveries that cannot be read.";
    WORK_DUE Gauge "work_due" [],
        "Whether there is work for the worker.";
    WORKER_ALIVE Gauge "worker_alive" [],
        "Whether the worker lives; without work it ends.";
    FREE_BYTES Gauge "state_free_bytes" [],
        "What can still be written on the file system of state/.";
    FREE_INODES Gauge "state_free_inodes" [],
        "How many files can still be made on the file system of state/; absent without a fixed number.";
    HOSTER_UP Gauge "hoster_up" [],
        "Whether the hoster told the balance; only with --balance, and where it tells one.";
    BALANCE Gauge "balance" ["currency"],
        "What is left on the account at the hoster; only with --balance.";
    SCRAPE_DURATION Gauge "scrape_duration_seconds" [],
        "How long it took to make this page.";
    SCRAPE_TIMESTAMP Gauge "scrape_timestamp_seconds" [],
        "When this page was made, in seconds since 1970.";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_on_monitoring_has_a_row_for_every_metric() {
        let page = include_str!("../../../docs/monitoring/README.md");
        let told: Vec<(String, String)> = page
            .lines()
            .filter_map(|line| line.strip_prefix("| `webdir_provider_"))
            .map(|row| {
                let cells: Vec<&str> = row.split('|').map(str::trim).collect();
                let name = format!("webdir_provider_{}", cells[0].trim_end_matches('`'));
                (name, cells[1].replace('`', ""))
            })
            .collect();
        let known: Vec<(String, String)> =
            ALL.iter().map(|one| (one.name.to_owned(), one.labels.join(" "))).collect();
        assert_eq!(told, known);
    }
}
