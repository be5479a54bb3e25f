//! Built-in definitions at a hoster that speaks the vendor's API, looks at every signature, and
//! counts what it sells.

use serde_json::json;

use crate::support::hoster::dialect::UNSOLD;
use crate::support::hoster::fault::{Fault, Reply, Verb};
use crate::support::hoster::mode::{Mode, Outcome};
use crate::support::hoster::provider::VENDORS;
use crate::support::hoster::{Hoster, LOGIN_PASSWORD};
use crate::support::plugin::Plugin;

/// Returns the parameter that names the image.
fn image(definition: &str) -> &'static str {
    match definition {
        "cloudstack" => "templateid",
        "ec2" => "ImageId",
        _ => "imageRef",
    }
}

#[test]
fn an_order_is_finished_and_its_server_given_back() {
    for definition in VENDORS {
        let hoster = Hoster::start(Mode::of(definition));
        hoster.plant("somebody-else-1");
        let plugin = Plugin::with_hoster(&hoster, definition);
        let id = plugin.order();
        let server = plugin.finished(&id);
        let bought = hoster.purchases();
        assert_eq!((bought.len(), bought[0].creates), (1, 1), "{definition}: {bought:#?}");
        let order = plugin.stored(&id);
        assert_eq!(order["server_id"], bought[0].shown.as_str(), "{definition}");
        let password = order["password"].as_str().unwrap();
        let user_data = bought[0].user_data.as_deref().expect("user-data is sent");
        assert!(user_data.contains(password), "{definition}: {user_data}");
        assert_eq!(hoster.addresses(false).len(), usize::from(definition == "openstack"));
        assert!(server.starts_with("127.0.0.") || server.starts_with("203.0.113."), "{server}");
        plugin.run(&["orders", "release", &id, "--yes"]).prints();
        assert_eq!(plugin.stored(&id)["state"], "released", "{definition}");
        assert_eq!((hoster.alive().len(), hoster.addresses(false).len()), (0, 0), "{definition}");
        assert_eq!(hoster.planted().len(), 1);
    }
}

#[test]
fn what_a_person_has_removed_can_be_given_back() {
    for definition in VENDORS {
        let hoster = Hoster::start(Mode::of(definition));
        let plugin = Plugin::with_hoster(&hoster, definition);
        let id = plugin.order();
        plugin.finished(&id);
        hoster.remove_by_hand();
        plugin.run(&["orders", "release", &id, "--yes"]).prints();
        assert_eq!(plugin.stored(&id)["state"], "released", "{definition}");
        assert_eq!(hoster.addresses(false).len(), 0, "{definition}: what it left behind goes too");
    }
}

#[test]
fn what_the_vendor_refuses_is_told_in_its_words() {
    for definition in VENDORS {
        let hoster = Hoster::start(Mode::of(definition));
        let plugin = Plugin::with_hoster(&hoster, definition);
        plugin.edit_etc(&format!("{definition}.json"), |definition| {
            for (_, parameter) in definition["parameters"].as_object_mut().unwrap() {
                parameter.as_object_mut().unwrap().remove("pattern");
            }
        });
        plugin.edit_etc("demo.conf", |config| {
            config["configurations"][0]["parameters"][image(definition)] = UNSOLD.into();
        });
        let id = plugin.order();
        plugin.failed(&id);
        let reason = plugin.stored(&id)["reason"].to_string();
        assert!(reason.contains("plan unsold is not sold"), "{definition}: {reason}");
        assert_eq!(hoster.purchases().len(), 0);
    }
}

#[test]
fn a_busy_vendor_is_asked_again_and_sells_one() {
    for definition in VENDORS {
        let hoster = Hoster::start(Mode::of(definition));
        hoster.fault(Verb::Create, Fault::Undone(Reply::Status(429)), 2);
        let plugin = Plugin::with_hoster(&hoster, definition);
        plugin.finished(&plugin.order());
        let bought = hoster.purchases();
        assert_eq!((bought.len(), bought[0].creates), (1, 3), "{definition}: {bought:#?}");
    }
}

#[test]
fn a_server_that_cannot_be_built_fails_its_order_with_the_vendors_reason() {
    for definition in VENDORS {
        let hoster = Hoster::start(Mode { outcome: Outcome::Fails, ..Mode::of(definition) });
        let plugin = Plugin::with_hoster(&hoster, definition);
        let id = plugin.order();
        plugin.failed(&id);
        let reason = plugin.stored(&id)["reason"].to_string();
        assert!(reason.contains("the image is broken"), "{definition}: {reason}");
    }
}

#[test]
fn a_wrong_secret_fails_an_order_before_anything_is_bought() {
    for definition in VENDORS {
        let hoster = Hoster::start(Mode::of(definition));
        let plugin = Plugin::with_hoster(&hoster, definition);
        let file = if definition == "openstack" { "hoster.password" } else { "hoster.token" };
        plugin.write_private(file, &format!("{LOGIN_PASSWORD}Wrong"));
        plugin.edit_etc("demo.conf", |config| {
            config["limits"] = json!({ "order_timeout_seconds": 1 });
        });
        let id = plugin.order();
        plugin.failed(&id);
        assert_eq!(hoster.purchases().len(), 0, "{definition}");
        let told = plugin.run(&["check"]).stdout;
        let words = match definition {
            "cloudstack" => "unable to verify user credentials",
            "ec2" => "AuthFailure",
            _ => "requires authentication",
        };
        assert!(told.contains(words), "{definition}: {told}");
    }
}
