//! What the executable does, seen from outside: one file for each behaviour.
#![expect(
    clippy::disallowed_methods,
    reason = "the lint keeps the product to its doors; tests break things on purpose"
)]
#![expect(
    clippy::unwrap_used,
    reason = "a test ends where something is not as expected, and so do its helpers"
)]

mod support;

mod as_root;
mod broken_state;
mod check;
mod check_faults;
mod clock_set_back;
mod clock_stepped;
mod command;
mod command_examples;
mod command_people;
mod completions;
mod config_commands;
mod config_init;
mod configs;
mod contract;
mod deliveries_commands;
mod disk_full;
mod docs;
mod docs_commands;
mod docs_example;
mod docs_faults;
mod docs_hosters;
mod docs_links;
mod docs_pages;
mod docs_pitfalls;
mod docs_pool;
mod docs_reference;
mod docs_requests;
mod docs_webhooks;
mod ec2_moto;
mod errno_commands;
mod errno_hosters;
mod errno_orders;
mod help;
mod history;
mod hoster_changes;
mod hoster_dangers;
mod hoster_dialects;
mod hoster_faults;
mod hoster_fixture;
mod hoster_orders;
mod hoster_removal;
mod hoster_signing;
mod hoster_signing_cs;
mod install;
mod install_power;
mod install_timer;
mod inventory;
mod inventory_claims;
mod key;
mod kill_again;
mod kill_called_off;
mod kill_command;
mod kill_config;
mod kill_delivery;
mod kill_dialects;
mod kill_hoster;
mod kill_install;
mod kill_order;
mod kill_repeatedly;
mod kill_retention;
mod kill_webhooks;
mod kill_worker;
mod metrics;
mod mounted_over;
mod network_file_system;
mod new_hoster;
mod old_kernel;
mod order;
mod order_ids;
mod order_status;
mod order_unanswered;
mod orders_change;
mod orders_list;
mod orders_prune;
mod orders_report;
mod orders_show;
mod orders_wait;
mod owner;
mod packages;
mod pitfalls;
mod power_cut;
mod race;
mod ready;
mod retention;
mod schemas;
mod secrets;
mod soak;
mod startup;
mod usage;
mod utf8;
mod webhooks_again;
mod webhooks_broken;
mod webhooks_changed;
mod webhooks_commands;
mod webhooks_dangers;
mod webhooks_delivery;
mod webhooks_elsewhere;
mod webhooks_kinds;
mod webhooks_machine;
mod webhooks_verifiers;
mod worker;

/// A test file that no `mod` line names would never run.
#[test]
fn no_test_file_is_forgotten() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it");
    let named = std::fs::read_to_string(folder.join("main.rs")).unwrap();
    for entry in std::fs::read_dir(&folder).unwrap() {
        let file = entry.unwrap().file_name().into_string().unwrap();
        let module = file.trim_end_matches(".rs");
        if module != "main" {
            assert!(named.contains(&format!("mod {module};")), "{file} is in no `mod` line");
        }
    }
}
