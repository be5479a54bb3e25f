//! What is asked first, and what an answer comes to.

use super::*;
use crate::definition::{BUILT_IN, Definition};

/// Returns what `config init` asks for, in its order.
fn asked(name: &str) -> Vec<String> {
    let text = BUILT_IN.iter().find(|(known, _)| *known == name).unwrap().1;
    let Definition::Http(http) = Definition::parse(text.as_bytes()).unwrap() else {
        unreachable!("no inventory")
    };
    let dialog = Dialog { asks: false };
    Chooser { dialog: &dialog, http: &http, set: &Parameters::new(), plans: &[] }.order()
}

#[test]
fn what_a_list_is_asked_for_with_is_chosen_before_it() {
    assert_eq!(asked("hetzner"), ["location", "server_type", "image"]);
    for (name, first, then) in [
        ("selectel", "region", "flavorRef"),
        ("ec2", "region", "ImageId"),
        ("yandex", "folderId", "subnetId"),
        ("cloudstack", "zoneid", "templateid"),
    ] {
        let order = asked(name);
        let place = |wanted: &str| order.iter().position(|one| one == wanted);
        assert!(place(first).is_some() && place(first) < place(then), "{name}: {order:?}");
    }
}

#[test]
fn a_value_has_the_type_that_the_definition_wants() {
    let text = BUILT_IN.iter().find(|(known, _)| *known == "solusvm2").unwrap().1;
    let Definition::Http(http) = Definition::parse(text.as_bytes()).unwrap() else {
        unreachable!("no inventory")
    };
    assert_eq!(typed("3", http.parameters.get("plan")), Value::from(3));
    assert_eq!(typed("3", None), Value::from(3));
    let texts = Parameter { kind: ParameterType::String, ..http.parameters["plan"].clone() };
    assert_eq!(typed("3", Some(&texts)), Value::from("3"));
    assert_eq!(typed("\"3\"", Some(&texts)), Value::from("3"));
    assert_eq!(typed("null", Some(&texts)), Value::Null);
}
