//! What each filter and test does, and that there are no others.

use serde_json::{Value, json};

use super::{is_invalid, value};
use crate::expression::filters::FILTERS;
use crate::expression::predicates::TESTS;

/// An example of each filter, and what it comes to.
fn filter_examples() -> Vec<(&'static str, Value)> {
    vec![
        ("'aé' | base64", json!("YcOp")),
        ("{'a': [{'b': 1}, {'b': [2, 3]}, {}]} | children('a.b')", json!([1, 2, 3])),
        ("nothing | default('x')", json!("x")),
        ("{'a': 1} | entries", json!([{"key": "a", "value": 1}])),
        ("reply.servers | first == reply.servers[0]", json!(true)),
        ("[1, [2, [3]], none, 4] | flatten", json!([1, 2, [3], 4])),
        ("'1' | float", json!(1.0)),
        ("'{\"a\": [1]}' | from_json", json!({"a": [1]})),
        ("[{'a': [1]}, {'a': [2]}] | having('a', 2)", json!([{"a": [2]}])),
        ("' 12.9 ' | int", json!(12)),
        ("['a', 1] | join(', ')", json!("a, 1")),
        ("{'a': none} | json", json!("{\"a\":null}")),
        ("{'b': 1, 'a': 2} | keys", json!(["a", "b"])),
        ("'aé' | last", json!("é")),
        ("'aé' | length", json!(2)),
        ("'aé' | list", json!(["a", "é"])),
        ("'Aé' | lower", json!("aé")),
        ("'id=17;' | match('id=([0-9]+)')", json!("17")),
        ("[1, 2.5, 2] | max", json!(2.5)),
        ("['b', 'a'] | min", json!("a")),
        ("reply.servers | pluck('ip.v4')", json!(["192.0.2.1/24"])),
        ("'aba' | replace('a', 'c')", json!("cbc")),
        ("2.345 | round(1)", json!(2.3)),
        ("'' | sha256 | truncate(8)", json!("e3b0c442")),
        ("[3, 1, 2] | sort", json!([1, 2, 3])),
        ("'a,b' | split(',')", json!(["a", "b"])),
        ("status | string", json!("404")),
        ("' a ' | trim", json!("a")),
        ("'aéb' | truncate(2)", json!("aé")),
        ("[1, 2, 1] | unique", json!([1, 2])),
        ("'aé' | upper", json!("AÉ")),
        ("'a b/é' | urlencode", json!("a%20b%2F%C3%A9")),
        ("{'b': 1, 'a': 2} | values", json!([2, 1])),
        ("reply.servers | where('id', 2)", json!([{"id": 2}])),
        ("'192.0.2.1/24' | without_prefix_length", json!("192.0.2.1")),
    ]
}

#[test]
fn every_listed_filter_does_what_its_example_says_and_there_is_no_other() {
    let examples = filter_examples();
    assert_eq!(examples.len(), FILTERS.len());
    for (filter, (expression, expected)) in FILTERS.iter().zip(examples) {
        let call = format!("| {}", filter.name);
        assert!(expression.contains(&call), "{expression} is no example of {filter:?}");
        assert!(filter.description.ends_with('.'), "{filter:?}");
        assert_eq!(value(expression), Ok(expected), "{expression}");
    }
    assert!(FILTERS.is_sorted_by(|a, b| a.name < b.name));
    for name in ["safe", "escape", "e", "d", "map", "pprint", "tojson", "items", "reverse", "abs"] {
        assert!(is_invalid(&format!("'a' | {name}")), "{name}");
    }
}

#[test]
fn filters_at_their_edges() {
    for (expression, expected) in [
        ("[{'a': {'b': [1, 'x']}}, {'a': {'b': 'x'}}, 5] | having('a.b', 'x') | length", json!(1)),
        ("[{'a': [1]}] | having('a', '1')", json!([])),
        ("reply.absent | having('a', 1)", json!([])),
        (
            "{'b': 1, 'a': none} | entries",
            json!([{"key": "a", "value": null}, {"key": "b", "value": 1}]),
        ),
        ("nothing | entries", json!([])),
        ("reply.absent | where('a', 1)", json!([])),
        ("nothing | pluck('a')", json!([])),
        ("nothing | values", json!([])),
        ("reply.x.y | keys", json!([])),
        ("nothing | flatten", json!([])),
        ("[{'a': none}, {'a': 1}, 2] | pluck('a')", json!([1])),
        ("{'a': {'b': 1}} | children('a')", json!([{"b": 1}])),
        ("{'a': ''} | children('a.b')", json!([])),
        ("'' | children('a')", json!([])),
        ("[{'a': none}, {'a': [1, none]}, 2] | children('a')", json!([1, null])),
        ("[[{'x': 5}]] | pluck('0.x')", json!([5])),
        ("'x' | default(reply.absent)", json!("x")),
        ("'' | default('y')", json!("")),
        ("'' | default('y', true)", json!("y")),
        ("'abc' | match('x(y)')", Value::Null),
        ("'abc' | match('b.', group=0)", json!("bc")),
        ("'abc' | match('b.', 0)", json!("bc")),
        ("-1.9 | int", json!(-1)),
        ("true | int", json!(1)),
        ("2.5 | round", json!(3.0)),
        ("7 | round(2)", json!(7)),
        ("1e300 | round(15)", json!(1e300)),
        ("' a\tb ' | split", json!(["a", "b"])),
        ("'/a/' | trim('/')", json!("a")),
        ("[] | join", json!("")),
        (
            "['192.0.2.1/24', '2001:db8::1'] | without_prefix_length",
            json!(["192.0.2.1", "2001:db8::1"]),
        ),
        ("['b', 'a', 'b'] | unique | sort | join('-')", json!("a-b")),
    ] {
        assert_eq!(value(expression), Ok(expected), "{expression}");
    }
}

#[test]
fn every_listed_test_is_true_of_its_example_and_false_of_another() {
    let examples = [
        ("boolean", "true", "1"),
        ("defined", "none", "reply.absent"),
        ("endingwith", "'ab' is endingwith 'b'", "'ab' is endingwith 'a'"),
        ("in", "1 is in [1]", "2 is in [1]"),
        ("mapping", "{}", "[]"),
        ("none", "none", "0"),
        ("number", "1.5", "'1'"),
        ("sequence", "[]", "{}"),
        ("startingwith", "'ab' is startingwith 'a'", "'ab' is startingwith 'b'"),
        ("string", "'a'", "1"),
        ("undefined", "reply.absent", "none"),
    ];
    assert_eq!(examples.len(), TESTS.len());
    for (test, (name, holds, fails)) in TESTS.iter().zip(examples) {
        assert_eq!(test.name, name);
        assert!(test.description.ends_with('.'), "{test:?}");
        for (example, expected) in [(holds, true), (fails, false)] {
            let expression = if example.contains(" is ") {
                example.to_owned()
            } else {
                format!("{example} is {name}")
            };
            assert_eq!(value(&expression), Ok(json!(expected)), "{expression}");
        }
    }
    for name in ["odd", "divisibleby", "iterable", "true", "eq", "filter", "float", "integer"] {
        assert!(is_invalid(&format!("1 is {name}")), "{name}");
    }
}
