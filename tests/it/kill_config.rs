//! Commands that write the configuration file, killed at each of their system calls: a reader meets
//! the old file or the new, and the same call goes through afterwards.

use crate::support::book::{assert_private, assert_whole};
use crate::support::plugin::Plugin;
use crate::support::sweep::{Sweep, Template, call};

const OLD: &str = "{ \"definition\": \"inventory\",\n  \"configurations\": [ { \"id\": \"1\", \"descr\": \"one\" } ] }\n";

#[test]
fn a_change_of_the_configuration_may_be_killed_anywhere() {
    let plugin = Plugin::with_servers(1);
    plugin.write_private("demo.conf", OLD);
    let words = ["config", "set", "configurations.1.descr", "eins"];
    let new = OLD.replace("one", "eins");
    let sweep = Sweep {
        name: "config set",
        template: &Template::of(plugin),
        words: &words,
        worker_elsewhere: true,
        status: 0,
    };
    sweep.run(|plugin, run| {
        assert_private(plugin);
        let found = std::fs::read_to_string(plugin.etc("demo.conf")).unwrap();
        assert!(found == new || (found == OLD && run.stdout.is_empty()), "{run:?}\n{found}");
        call(plugin, &words).prints();
        assert_eq!(std::fs::read_to_string(plugin.etc("demo.conf")).unwrap(), new);
        assert_eq!(std::fs::read_dir(plugin.etc("config")).unwrap().count(), 0);
        assert_whole(plugin);
    });
}

#[test]
fn whoever_makes_a_configuration_may_be_killed_anywhere() {
    let plugin = Plugin::with_servers(1);
    plugin.write_private("demo.conf", OLD);
    let token = plugin.private("token", "a token");
    let token = format!("token={token}");
    let words = ["config", "init", "hetzner", "--offline", "--force", "--credential", &token];
    let sweep = Sweep {
        name: "config init",
        template: &Template::of(plugin),
        words: &words,
        worker_elsewhere: true,
        status: 0,
    };
    sweep.run(|plugin, run| {
        assert_private(plugin);
        let read = |name: &str| std::fs::read_to_string(plugin.etc(name));
        let found = read("demo.conf").unwrap();
        if found == OLD {
            assert_eq!(run.stdout, "");
        } else {
            // What it names is there, and so is what it took the place of.
            assert!(found.contains("\"hetzner.token\""), "{found}");
            assert_eq!(read("hetzner.token").unwrap(), "a token\n");
            assert_eq!(read("demo.conf.bak").unwrap(), OLD);
        }
        call(plugin, &words).prints();
        assert_eq!(std::fs::read_dir(plugin.etc("config")).unwrap().count(), 0);
        assert_whole(plugin);
    });
}
