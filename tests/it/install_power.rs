//! An upgrade where the disk does not take what is written, or where the power fails: the executable
//! that worked is there, or the new one.

use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use crate::kill_install::{Stock, goes_on, left};
use crate::support::outage::Outages;

#[test]
fn an_upgrade_that_cannot_be_written_out_leaves_the_executable_that_works() {
    let stock = Stock::new();
    let plugin = stock.copy();
    let folder = tempfile::tempdir().unwrap();
    let sync = folder.path().join("sync");
    std::fs::write(&sync, "#!/bin/sh\necho 'sync: no space is left' >&2\nexit 1\n").unwrap();
    std::fs::set_permissions(&sync, std::fs::Permissions::from_mode(0o755)).unwrap();
    let path = format!("{}:/usr/sbin:/usr/bin:/sbin:/bin", folder.path().display());
    let output = stock.install(&plugin).env("PATH", path).output().unwrap();
    let told = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{told}");
    for part in ["the old one stays", "no space is left", plugin.executable().to_str().unwrap()] {
        assert!(told.contains(part), "{part}: {told}");
    }
    assert!(stock.has("old", &plugin));
    assert_eq!(left(&plugin), Vec::<PathBuf>::new(), "left behind");
    stock.comes_to_its_end(&plugin);
    goes_on(&plugin);
}

#[test]
fn power_may_fail_during_an_upgrade() {
    let stock = Stock::new();
    Outages { name: "install.sh, upgrade", stride: 97 }.run(|outage| {
        let plugin = stock.copy_into(outage.disk.root());
        outage.disk.sync();
        let run = outage.strikes(stock.install(&plugin), 0, ());
        assert!(stock.has("old", &plugin) || stock.has("new", &plugin), "neither is there");
        stock.comes_to_its_end(&plugin);
        goes_on(&plugin);
        run
    });
}
