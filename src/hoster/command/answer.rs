//! Whether an answer of a program is one: the fixed shapes of `docs/command.md`. Pure.

use serde_json::{Map, Value};

/// How long an id of a server may be, in bytes.
const LONGEST_ID: usize = 256;

/// Checks that bytes are an answer to a verb.
///
/// # Errors
/// What is wrong with it, as "answered …".
pub(crate) fn check(verb: &str, bytes: &[u8]) -> Result<(), String> {
    if bytes.trim_ascii().is_empty() {
        return Err("answered nothing".to_owned());
    }
    let answer: Map<String, Value> = serde_json::from_slice(bytes)
        .map_err(|_| "answered what is no JSON object, or more than one".to_owned())?;
    let problem = match answer.get("rejected") {
        Some(reason) => rejected(reason, &answer),
        None => fits(verb, &answer),
    };
    problem.map_or(Ok(()), |problem| Err(format!("answered {problem}")))
}

/// Says what is wrong with a refusal.
fn rejected(reason: &Value, answer: &Map<String, Value>) -> Option<&'static str> {
    match reason {
        Value::String(text) if text.trim().is_empty() => Some("`rejected` without a reason"),
        Value::String(_) if answer.contains_key("server_id") => {
            Some("both `rejected` and `server_id`")
        }
        Value::String(_) => None,
        _ => Some("`rejected` that is no text"),
    }
}

/// Says what is wrong with an answer that refuses nothing.
fn fits(verb: &str, answer: &Map<String, Value>) -> Option<&'static str> {
    let list = |key: &str| answer.get(key).and_then(Value::as_array);
    match verb {
        "create" => match answer.get("server_id") {
            None => Some("neither `server_id` nor `rejected`"),
            Some(id) => (!is_id(id)).then_some("a `server_id` that is none"),
        },
        "find" => match list("servers") {
            None => Some("no list `servers`"),
            Some(servers) => {
                let named = |server: &Value| server.get("server_id").is_some_and(is_id);
                (!servers.iter().all(named)).then_some("`servers` of which one has no `server_id`")
            }
        },
        "poll" => {
            let known = ["building", "ready", "failed", "gone"];
            let status = answer.get("status").and_then(Value::as_str);
            (!status.is_some_and(|status| known.contains(&status)))
                .then_some("no `status` that is `building`, `ready`, `failed` or `gone`")
        }
        "catalog" => list("configurations").is_none().then_some("no list `configurations`"),
        "balance" => {
            let amount = answer.get("amount");
            let told = amount.is_some_and(|amount| amount.is_string() || amount.is_number());
            (!told || !answer.get("currency").is_some_and(Value::is_string))
                .then_some("no `amount` with its `currency`")
        }
        _ => None,
    }
}

/// Returns whether a value can be the id of a server: a text of some length, or a whole number.
fn is_id(id: &Value) -> bool {
    match id {
        Value::String(text) => !text.trim().is_empty() && text.len() <= LONGEST_ID,
        Value::Number(number) => number.is_u64() || number.is_i64(),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::check;

    #[test]
    fn answers_of_the_documented_shapes_are_taken() {
        for (verb, answer) in [
            ("create", r#"{"server_id":"vm-1"}"#),
            ("create", "{\"server_id\": 17, \"more\": []}\n\n"),
            ("create", r#"{"rejected":"no room"}"#),
            ("find", r#"{"servers":[]}"#),
            ("find", r#"{"servers":[{"server_id":"1"},{"server_id":2}]}"#),
            ("poll", r#"{"status":"building"}"#),
            ("poll", r#"{"status":"gone"}"#),
            ("cancel", "{}"),
            ("cancel", r#"{"rejected":"it is locked"}"#),
            ("catalog", r#"{"configurations":[]}"#),
            ("balance", r#"{"amount":3.5,"currency":"EUR"}"#),
        ] {
            assert_eq!(check(verb, answer.as_bytes()), Ok(()), "{verb}: {answer}");
        }
    }

    #[test]
    fn the_answers_of_the_documentation_are_taken() {
        let page = include_str!("../../../docs/command.md");
        let mut count = 0;
        for part in page.split("<!-- answer: ").skip(1) {
            let (verb, rest) = part.split_once(" -->").unwrap();
            let block = rest.split("```json\n").nth(1).unwrap().split("```").next().unwrap();
            assert_eq!(check(verb, block.as_bytes()), Ok(()), "{verb}: {block}");
            count += 1;
        }
        assert_eq!(count, 7);
    }

    #[test]
    fn anything_else_is_none_and_is_said_to_be() {
        for (verb, answer, named) in [
            ("create", "", "nothing"),
            ("create", " \n", "nothing"),
            ("create", "done", "no JSON object"),
            ("create", r#"["vm-1"]"#, "no JSON object"),
            ("create", r#"{"server_id":"vm-1"}{"server_id":"vm-2"}"#, "more than one"),
            ("create", r#"{"server_id":"vm-1""#, "no JSON object"),
            ("create", "{}", "neither"),
            ("create", r#"{"server_id":""}"#, "server_id"),
            ("create", r#"{"server_id":null}"#, "server_id"),
            ("create", r#"{"server_id":1.5}"#, "server_id"),
            ("create", r#"{"server_id":["a"]}"#, "server_id"),
            ("create", r#"{"server_id":"1","rejected":"no"}"#, "both"),
            ("create", r#"{"rejected":""}"#, "without a reason"),
            ("create", r#"{"rejected":true}"#, "no text"),
            ("find", "{}", "servers"),
            ("find", r#"{"servers":{}}"#, "servers"),
            ("find", r#"{"servers":[{"id":1}]}"#, "server_id"),
            ("poll", "{}", "status"),
            ("poll", r#"{"status":"running"}"#, "status"),
            ("cancel", "[]", "no JSON object"),
            ("catalog", "{}", "configurations"),
            ("balance", r#"{"amount":1}"#, "currency"),
        ] {
            let why = check(verb, answer.as_bytes()).unwrap_err();
            assert!(why.contains(named), "{verb}: {answer}: {why}");
        }
        let long = format!(r#"{{"server_id":"{}"}}"#, "x".repeat(257));
        assert!(check("create", long.as_bytes()).is_err());
        assert!(check("create", b"{\"server_id\":\"\xff\"}").is_err());
    }
}
