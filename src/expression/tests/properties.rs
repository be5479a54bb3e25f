//! What holds of any template: it comes to an end, in little memory, and its fault tells no value.

use std::fmt::Write;

use proptest::prelude::*;
use serde_json::{Value, json};

use super::{scope, value};
use crate::expression::filters::FILTERS;
use crate::expression::operators::TEXT_LIMIT;
use crate::expression::predicates::TESTS;
use crate::expression::template::{EXPRESSION_LIMIT, NESTING_LIMIT};
use crate::expression::texts::SEARCH_LIMIT;
use crate::expression::{Expressions, Fault, Scope};

const CANARY: &str = "canary";

#[test]
fn the_deepest_expressions_end_well_on_a_small_stack() {
    let shapes = [
        ("", "-", "1", ""),
        ("", "not ", "1", ""),
        ("1", "", "", "+1"),
        ("1", "", "", "~1"),
        ("1", "", "", "<1"),
        ("1", "", "", " or 1"),
        ("", "1 if 1 else ", "1", ""),
        ("1", "", "", " if 1"),
        ("", "(", "1", ")"),
        ("", "[", "", "]"),
        ("", "{1:", "1", "}"),
        ("a", "", "", ".a"),
        ("a", "", "", "[1]"),
        ("", "a[", "1", "]"),
        ("a", "", "", "()"),
        ("1", "", "", "|list"),
        ("", "1|default(", "1", ")"),
        ("1", "", "", " is in 1"),
    ];
    let run = move || {
        for (first, before, middle, after) in shapes {
            let fit = |levels: usize| {
                format!("{first}{}{middle}{}", before.repeat(levels), after.repeat(levels))
            };
            let room = EXPRESSION_LIMIT - first.len() - middle.len();
            let most = room / (before.len() + after.len());
            for levels in [most, NESTING_LIMIT] {
                let expression = fit(levels.min(most));
                // Whatever it comes to: what counts is that it comes to something.
                let _ = Expressions::names(&format!("{{{{{expression}}}}}"), "/p");
                let _ = value(&expression);
            }
        }
    };
    let stack = 1024 * 1024;
    std::thread::Builder::new().stack_size(stack).spawn(run).unwrap().join().unwrap();
}

#[test]
fn a_search_is_bounded_by_the_sizes_of_pattern_and_text() {
    let scope = Scope::new()
        .with("text", "x".repeat(SEARCH_LIMIT))
        .with("long", "x".repeat(SEARCH_LIMIT + 1));
    let search = |text, count| {
        let pattern = "(x*)*".repeat(count);
        let template = format!("{{{{ {text} | match('{pattern}y', 0) }}}}");
        Expressions::new().value(&template, "/p", &scope)
    };
    // Exponential for engines that try one way after the other.
    assert_eq!(search("text", 20), Ok(Value::Null));
    assert!(search("text", 150).is_err());
    assert!(search("long", 1).is_err());
}

#[test]
fn texts_do_not_grow_without_bound() {
    let long = "x".repeat(TEXT_LIMIT / 2);
    let scope = scope().with("long", &long).with("list", vec![&long; 100]);
    let expressions = Expressions::new();
    for template in [
        "{{ long ~ long ~ long }}",
        "{{ list | join }}",
        "{{ long | replace('x', long) }}",
        "{{ list | json }}",
        "{{ long | urlencode | replace('x', 'xxx') }}",
        "{{ long | match('x(x*)*y') }}",
        "{{ long }}{{ long }}{{ long }}",
    ] {
        let fault = expressions.value(template, "/p", &scope);
        assert!(matches!(fault, Err(Fault::Invalid { .. })), "{template}");
    }
}

/// Small values, whose texts and keys all hold the canary.
fn small_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        Just(json!(CANARY)),
        Just(json!(format!("{CANARY}/1"))),
        any::<f64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 12, 3, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..3).prop_map(Value::from),
            proptest::collection::btree_map("[ab]", inner, 0..3).prop_map(|map| json!(map)),
        ]
    })
}

/// Texts near to expressions.
fn near_expression() -> impl Strategy<Value = String> {
    let mut words: Vec<String> = [
        "reply",
        "reply.a",
        "reply.b",
        "[0]",
        ".a",
        "(",
        ")",
        "[",
        "]",
        "{",
        "}",
        ":",
        ",",
        "|",
        "'a'",
        "'(a+)+'",
        "0",
        "1",
        "2.5",
        "1e9",
        "9999999999999999999",
        "none",
        "true",
        " and ",
        " or ",
        " not ",
        " in ",
        " is ",
        " if ",
        " else ",
        "+",
        "-",
        "*",
        "/",
        "//",
        "%",
        "**",
        "~",
        "==",
        "!=",
        "<",
        ">=",
        "=",
        "'",
        "\\",
    ]
    .map(str::to_owned)
    .into();
    words.extend(FILTERS.iter().map(|filter| format!("|{}", filter.name)));
    words.extend(FILTERS.iter().map(|filter| format!("|{}('a', 1)", filter.name)));
    words.extend(TESTS.iter().map(|test| format!(" is {} ", test.name)));
    proptest::collection::vec(proptest::sample::select(words), 0..10).prop_map(|some| some.concat())
}

fn evaluate_in_every_way(template: &str, reply: &Value) {
    let (scope, all) = (Scope::new().with("reply", reply), Expressions::new());
    let mut faults = String::new();
    let mut note = |fault: Option<Fault>| {
        if let Some(fault) = fault {
            write!(faults, "{fault}{fault:?}").unwrap();
        }
    };
    note(all.value(template, "/p", &scope).err());
    note(all.maybe(template, "/p", &scope).err());
    note(all.text(template, "/p", &scope).err());
    note(all.truth(template, "/p", &scope).err());
    note(all.path(template, "/p", &scope).err());
    note(all.tree(&json!([template]), "/p", &scope).err());
    note(Expressions::names(template, "/p").err());
    assert!(!faults.contains(CANARY), "{faults}");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, ..ProptestConfig::default() })]

    #[test]
    fn any_text_is_evaluated_or_refused(
        template in "[{}%# a-c'.|()]{0,20}|\\PC{0,30}", reply in small_value(),
    ) {
        evaluate_in_every_way(&template, &reply);
    }

    #[test]
    fn any_expression_is_evaluated_or_refused(
        expression in near_expression(), reply in small_value(),
    ) {
        evaluate_in_every_way(&format!("{{{{{expression}}}}}"), &reply);
        evaluate_in_every_way(&format!("a/{{{{ {expression} }}}}"), &reply);
    }

    #[test]
    fn what_names_accepts_is_never_refused_for_its_grammar(expression in near_expression()) {
        let template = format!("{{{{ {expression} }}}}");
        let found = Expressions::new().value(&template, "/p", &Scope::new());
        if let (Ok(_), Err(Fault::Invalid { problem, .. })) =
            (Expressions::names(&template, "/p"), found)
        {
            for grammar in ["is no expression", "there is no", "takes", "not part of the language"] {
                prop_assert!(!problem.contains(grammar), "{template}: {problem}");
            }
        }
    }
}
