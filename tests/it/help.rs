//! `help`: answers before anything else is known to work.

use serde_json::json;

use crate::support::plugin::Plugin;

fn expected(status: &str) -> serde_json::Value {
    json!({
        "name": "demo",
        "version": env!("CARGO_PKG_VERSION"),
        "status": status,
        "options": ["help", "configs", "order", "order_status"],
    })
}

#[test]
fn help_names_the_words_and_the_status() {
    Plugin::installed().run(&["help"]).answers(&expected("enabled"));
}

#[test]
fn help_says_disabled_where_the_configuration_does_even_if_the_rest_of_it_is_broken() {
    let plugin = Plugin::installed();
    plugin.write_config(&json!({ "status": "disabled", "bogus": 1 }));
    plugin.run(&["help"]).answers(&expected("disabled"));
}

#[test]
fn help_says_enabled_without_a_configuration_so_that_the_panel_asks_for_the_reason() {
    let plugin = Plugin::installed();
    for break_it in [
        |plugin: &Plugin| plugin.write_config(&json!({ "status": "sleepy" })),
        |plugin: &Plugin| std::fs::write(plugin.etc("demo.conf"), "{").unwrap(),
        |plugin: &Plugin| std::fs::remove_file(plugin.etc("demo.conf")).unwrap(),
        |plugin: &Plugin| std::fs::remove_dir_all(plugin.etc("")).unwrap(),
    ] {
        break_it(&plugin);
        plugin.run(&["help"]).answers(&expected("enabled"));
        plugin.run(&["configs"]).fails("configuration_invalid", 4);
    }
}
