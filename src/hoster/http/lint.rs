//! Looks for what is wrong with a definition before a hoster does.

use std::collections::BTreeSet;

use serde_json::Value;

use super::call::pointer;
use super::recording;
use crate::definition::http::{Auth, Http, PasswordWay, Step};
use crate::definition::parameters;
use crate::expression::Expressions;

/// What an order offers to expressions.
const ORDER: [&str; 6] = ["task_id", "key", "hostname", "password", "public_key", "user_data"];

/// What else there is, whole.
const OTHERS: [&str; 9] = [
    "server_id",
    "reply",
    "status",
    "headers",
    "cookies",
    "item",
    "items",
    "page",
    "configuration",
];

/// Parts of a definition that hold no expressions.
const PLAIN: [&str; 9] = [
    "/$schema",
    "/title",
    "/docs",
    "/confirmed",
    "/credentials",
    "/parameters",
    "/example",
    "/recordings",
    "/idempotency",
];

/// Returns everything that is wrong with a definition, a sentence each.
pub(crate) fn lint(definition: &Http, bytes: &[u8]) -> Vec<String> {
    let mut problems = structure(definition);
    let mut templates = Vec::new();
    let tree: Value = serde_json::from_slice(bytes).unwrap_or(Value::Null);
    gather(&tree, "", &mut templates);
    let mut names = BTreeSet::new();
    for (place, template) in &templates {
        match Expressions::names(template, place) {
            Ok(found) => {
                for name in found {
                    if let Some(problem) = unknown(definition, place, &name) {
                        problems.push(format!("{place}: `{template}`: {problem}"));
                    }
                    names.insert(name);
                }
            }
            Err(fault) => problems.push(fault.to_string()),
        }
    }
    problems.extend(unused(definition, &names));
    let (failed, used) = recording::run(definition);
    problems.extend(failed);
    problems.extend(
        templates
            .iter()
            .filter(|(place, _)| !used.contains(place))
            .map(|(place, _)| format!("{place}: no recording comes to this expression")),
    );
    problems
}

/// What the types cannot say.
fn structure(definition: &Http) -> Vec<String> {
    let mut problems = Vec::new();
    if let Err(problem) = definition.checked() {
        problems.push(problem);
    }
    if definition.cancel.is_empty() {
        problems.push("/cancel: nothing removes a server".to_owned());
    }
    if let Some(catalog) = &definition.catalog {
        let unknown = catalog.parameters.keys().chain([&catalog.plan]);
        for name in unknown.filter(|name| !definition.parameters.contains_key(*name)) {
            problems.push(format!("/catalog: `{name}` is no parameter"));
        }
        if !catalog.parameters.contains_key(&catalog.plan) {
            problems.push(format!("/catalog/plan: `{}` has no choices", catalog.plan));
        }
    }
    for (name, template) in definition.auth.secrets() {
        let place = format!("/auth/{name}");
        let names = Expressions::names(template, &place).unwrap_or_default();
        if !names.iter().any(|name| name.starts_with("credentials.")) {
            problems.push(format!("{place}: it reads no credential"));
        }
    }
    if let Err(problem) = parameters::check(definition, &definition.example.parameters) {
        problems.push(format!("/example: {problem}"));
    }
    problems
}

fn unknown(definition: &Http, place: &str, name: &str) -> Option<String> {
    let mut parts = name.split('.');
    let (root, member) = (parts.next().unwrap_or_default(), parts.next());
    let in_login = place.starts_with("/auth/steps/");
    let known = match (root, member) {
        // A login is for all orders.
        ("parameters" | "order" | "configuration" | "server_id", _) if in_login => {
            return Some(format!("`{name}` is of an order, and a login is for all of them"));
        }
        ("session", Some(member)) => {
            let in_request = place.contains("/request/") || place.starts_with("/auth/");
            let saves = |step: &Step| step.save.contains_key(member);
            in_request && !in_login && definition.auth.steps().iter().any(saves)
        }
        ("assertion", None) => in_login && matches!(definition.auth, Auth::Jwt { .. }),
        ("base_url", None) => place.ends_with("/base_url") && place != "/base_url",
        ("parameters", Some(member)) => definition.parameters.contains_key(member),
        ("credentials", Some(member)) => definition.credentials.contains_key(member),
        ("order", Some(member)) => ORDER.contains(&member),
        ("saved", Some(member)) => saves(definition, member),
        (root, _) => OTHERS.contains(&root),
    };
    (!known).then(|| format!("nothing is called `{name}`"))
}

/// Returns whether some step saves that name.
fn saves(definition: &Http, name: &str) -> bool {
    let login = definition.auth.steps();
    let balance = definition.balance.as_ref().map_or(&[][..], |balance| &balance.steps);
    let lists =
        [&definition.create, &definition.poll.steps, &definition.cancel, &definition.recover];
    let steps = lists.into_iter().flatten().chain(login).chain(balance);
    steps.map(|step| &step.save).chain([&definition.find.save]).any(|save| save.contains_key(name))
}

/// What is declared must have an effect.
fn unused(definition: &Http, names: &BTreeSet<String>) -> Vec<String> {
    let has = |name: &str| {
        names.iter().any(|used| {
            used.strip_prefix(name).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
        })
    };
    let parameters = definition.parameters.keys().map(|name| ("parameters", name));
    let credentials = definition.credentials.keys().map(|name| ("credentials", name));
    let mut problems: Vec<String> = parameters
        .chain(credentials)
        .filter(|(kind, name)| !has(&format!("{kind}.{name}")))
        .map(|(kind, name)| {
            format!("{}: no expression reads it", pointer(&format!("/{kind}"), name))
        })
        .collect();
    let needed = match definition.password {
        PasswordWay::Request => Some("order.password"),
        PasswordWay::CloudInit => Some("order.user_data"),
        PasswordWay::Reply | PasswordWay::None => None,
    };
    if let Some(needed) = needed.filter(|name| !has(name)) {
        problems.push(format!("/password: no request carries `{needed}`"));
    }
    if !has("order.hostname") && !has("order.key") {
        problems.push("/find: nothing that is sent tells the order".to_owned());
    }
    problems
}

/// Gathers every text that holds an expression, with its place.
fn gather(tree: &Value, place: &str, templates: &mut Vec<(String, String)>) {
    if PLAIN.contains(&place) {
        return;
    }
    match tree {
        Value::String(text) if text.contains("{{") || text.contains("{%") => {
            templates.push((place.to_owned(), text.clone()));
        }
        Value::Array(elements) => {
            for (index, element) in elements.iter().enumerate() {
                gather(element, &format!("{place}/{index}"), templates);
            }
        }
        Value::Object(members) => {
            for (name, member) in members {
                gather(member, &pointer(place, name), templates);
            }
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::lint;
    use crate::definition::{BUILT_IN, Definition};

    #[test]
    fn nothing_is_wrong_with_the_built_in_definitions() {
        let mut problems = Vec::new();
        for (name, text) in BUILT_IN {
            problems.extend(faults(name, text.as_bytes()));
        }
        assert!(problems.is_empty(), "{}", problems.join("\n"));
    }

    #[test]
    fn nothing_is_wrong_with_the_definitions_of_the_tests() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/samples/definitions");
        let mut problems = Vec::new();
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let text = std::fs::read(&path).unwrap();
            problems.extend(faults(&path.file_name().unwrap().to_string_lossy(), &text));
        }
        assert!(problems.is_empty(), "{}", problems.join("\n"));
    }

    #[test]
    fn nothing_is_wrong_with_the_worked_example_of_the_documentation() {
        let problems = faults("nimbus", include_bytes!("../../../docs/nimbus.json"));
        assert!(problems.is_empty(), "{}", problems.join("\n"));
    }

    fn faults(name: &str, text: &[u8]) -> Vec<String> {
        match Definition::parse(text) {
            Ok(Definition::Http(http)) => {
                lint(&http, text).into_iter().map(|why| format!("{name}: {why}")).collect()
            }
            Ok(Definition::Inventory(_)) => Vec::new(),
            Err(why) => vec![format!("{name}: {why}")],
        }
    }
}
