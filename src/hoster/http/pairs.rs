//! What is sent for one name of a query or a form. Pure.

use serde_json::Value;

/// Returns the names and values that are sent for a name: each element of a list under that name, or,
/// where the name has a `*`, under its number from 1 or its key in the place of that. What is no list
/// is one of one element.
pub(super) fn named<'a>(name: &str, value: &'a Value) -> Vec<(String, &'a Value)> {
    let own = |part: &str| name.replacen('*', part, 1);
    match value {
        Value::Array(values) => {
            let numbered = values.iter().zip(1_u32..);
            numbered.map(|(value, number)| (own(&number.to_string()), value)).collect()
        }
        Value::Object(members) if name.contains('*') => {
            members.iter().map(|(key, value)| (own(key), value)).collect()
        }
        one => vec![(own("1"), one)],
    }
}

/// Returns a value as a text; none where it is a list or an object.
pub(super) fn plain(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Bool(_) | Value::Number(_) => Some(value.to_string()),
        Value::Null => Some(String::new()),
        Value::Array(_) | Value::Object(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::{named, plain};

    fn written(name: &str, value: &Value) -> Vec<String> {
        let text = |(name, value)| format!("{name}={}", plain(value).unwrap_or("?".to_owned()));
        named(name, value).into_iter().map(text).collect()
    }

    #[test]
    fn a_star_in_a_name_is_the_number_or_the_key_of_each_element() {
        let list = json!(["a", 2, true]);
        let keys = ["Tag.1.Key=a", "Tag.2.Key=2", "Tag.3.Key=true"];
        assert_eq!(written("Tag.*.Key", &list), keys);
        let object = json!({ "cpuNumber": 2, "memory": "4096" });
        let details = ["details[0].cpuNumber=2", "details[0].memory=4096"];
        assert_eq!(written("details[0].*", &object), details);
        assert_eq!(written("Owner.*", &json!("self")), ["Owner.1=self"]);
        assert!(written("Owner.*", &json!([])).is_empty());
        assert!(written("details[0].*", &json!({})).is_empty());
    }

    #[test]
    fn a_name_without_a_star_stands_before_each_element() {
        assert_eq!(written("id", &json!(["a", "b"])), ["id=a", "id=b"]);
        assert_eq!(written("id", &json!(7)), ["id=7"]);
        assert_eq!(written("id", &json!({ "a": 1 })), ["id=?"]);
    }
}
