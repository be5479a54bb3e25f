//! What templates come to, through the same door as the engine.

mod documentation;
mod filters;
mod properties;

use serde_json::json;

use super::*;

fn scope() -> Scope {
    Scope::new()
        .with("status", 404)
        .with("nothing", Value::Null)
        .with("order", json!({"hostname": "h/ü", "key": "k", "public_key": null}))
        .with(
            "reply",
            json!({
                "id": u64::MAX, "low": i64::MIN, "price": 4.5, "on": true, "off": false, "zero": 0,
                "name": "Web", "empty": "", "null": null, "none": [],
                "servers": [{"id": 1, "ip": {"v4": "192.0.2.1/24"}}, {"id": 2}, {"id": "2"}],
            }),
        )
}

fn value(expression: &str) -> Result<Value, Fault> {
    Expressions::new().value(&format!("{{{{ {expression} }}}}"), "/p", &scope())
}

fn maybe(expression: &str) -> Option<Value> {
    Expressions::new().maybe(&format!("{{{{ {expression} }}}}"), "/p", &scope()).unwrap()
}

fn truth(expression: &str) -> bool {
    Expressions::new().truth(&format!("{{{{ {expression} }}}}"), "/p", &scope()).unwrap()
}

fn is_undefined(expression: &str) -> bool {
    matches!(value(expression), Err(Fault::Undefined { .. }))
}

fn is_invalid(expression: &str) -> bool {
    matches!(value(expression), Err(Fault::Invalid { .. }))
}

#[test]
fn one_expression_keeps_its_type() {
    for (expression, expected) in [
        ("reply.id", json!(u64::MAX)),
        ("reply.low", json!(i64::MIN)),
        ("reply.price", json!(4.5)),
        ("reply.null", Value::Null),
        ("reply.servers[0].ip", json!({"v4": "192.0.2.1/24"})),
        ("reply.servers.1.id", json!(2)),
        ("reply['servers'][-1].id", json!("2")),
        ("[1, 'a', (true, none)]", json!([1, "a", [true, null]])),
        ("{'a': {'b': 1}}", json!({"a": {"b": 1}})),
        ("status + 1", json!(405)),
        ("-status", json!(-404)),
        ("1 + 2 * 3 - 4 // 3 - 5 % 3", json!(4)),
        ("1 + 2.5", json!(3.5)),
        ("'a' ~ 1 ~ 'ü'", json!("a1ü")),
        ("'a' if reply.on else 'b'", json!("a")),
        ("'a' if reply.absent != 1 else 'b'", json!("b")),
        ("reply.absent or 'x'", json!("x")),
        ("reply.name and 'x'", json!("x")),
    ] {
        assert_eq!(value(expression), Ok(expected), "{expression}");
    }
}

#[test]
fn a_template_with_text_is_a_text() {
    let expressions = Expressions::new();
    let text = |template| expressions.value(template, "/p", &scope());
    assert_eq!(text("plain"), Ok(json!("plain")));
    assert_eq!(text(" {{ status }}"), Ok(json!(" 404")));
    assert_eq!(text("{{ status }}{{ reply.on }}\n"), Ok(json!("404true\n")));
    assert!(matches!(text("a{{ nothing }}"), Err(Fault::Undefined { .. })));
    assert!(matches!(text("a{{ reply.x.y }}"), Err(Fault::Undefined { .. })));
    assert!(matches!(text("a{{ reply.servers }}"), Err(Fault::Invalid { .. })));
    assert_eq!(expressions.maybe("a{{ nothing }}", "/p", &scope()), Ok(None));
}

#[test]
fn undefined_makes_undefined_whatever_is_made_of_it() {
    for expression in [
        "absent",
        "reply.absent",
        "reply.a.b.c",
        "nothing.a",
        "reply.null.a.b",
        "reply.name.a",
        "reply.servers[3].id",
        "reply[nothing]",
        "reply.a + 1",
        "nothing * 2",
        "-reply.a",
        "reply.a ~ 'x'",
        "[reply.a]",
        "{'a': reply.a}",
        "reply.a == 1",
        "reply.a != 1",
        "reply.a == reply.b",
        "reply.a < 1",
        "nothing >= 0",
        "1 < reply.a < 3",
        "not reply.a",
        "not reply.a == 1",
        "reply.a in [1]",
        "1 in reply.a",
        "1 not in nothing",
        "status in [reply.a]",
        "reply.a is string",
        "reply.a is not none",
        "reply.a is in [1]",
        "reply.a | lower",
        "nothing | upper",
        "'a' | join(reply.a)",
        "reply.none | first",
        "reply.none | max",
        "reply.servers | where('id', reply.a)",
        "'a' if reply.off",
        "reply.a or false",
    ] {
        assert!(is_undefined(expression), "{expression}");
        assert_eq!(maybe(expression), None, "{expression}");
        assert!(!truth(expression), "{expression}");
    }
}

#[test]
fn what_settles_a_condition_settles_it_beside_something_undefined() {
    for expression in [
        "reply.x == 1 or status == 404",
        "status == 404 or reply.x == 1",
        "not (reply.x == 1 and false) or true",
        "reply.x is undefined",
        "reply.x.y is not defined",
        "reply.null is defined and reply.null is none",
        "reply.null == none",
        "reply.x | default(1) == 1",
        "reply.x | default(true)",
        "nothing.x | where('a', 1) == []",
        "1 < 2 <= 2.0 < 3",
        "404 == 404.0",
        "status in (200, 404) and status not in [1]",
        "'e' in reply.name and 'id' in reply",
        "reply.name is startingwith 'W' and reply.name is endingwith('b')",
    ] {
        assert!(truth(expression), "{expression}");
    }
    for expression in
        ["reply.x != 1 and true", "false and reply.x", "2 < 1 < reply.x", "reply.null"]
    {
        assert!(!truth(expression), "{expression}");
    }
}

#[test]
fn a_condition_is_a_boolean() {
    let expressions = Expressions::new();
    for template in ["{{ status }}", "{{ reply.name }}", "true", "a {{ reply.on }}"] {
        let fault = expressions.truth(template, "/p", &scope());
        assert!(matches!(fault, Err(Fault::Invalid { .. })), "{template}");
    }
}

#[test]
fn what_is_not_of_the_language_is_refused() {
    for expression in [
        "",
        "a b",
        "1 +",
        "(1",
        "range(9)",
        "debug()",
        "'a'.upper()",
        "reply.name[0:1]",
        "2 ** 3",
        "'a' | nosuch",
        "'a' is nosuch",
        "'a' | lower(1)",
        "'a' | truncate",
        "[] | join(sep=',')",
        "[] | join(*[','])",
        "'a' * 1000000000",
        "[1] * 1000000000",
        "'a' + 'b'",
        "1 / 0",
        "1 < 'a'",
        "1 in 1",
        "99999999999999999999999",
        "9999999999999999999 * 99",
        "1e999",
        "[[1]] | sort",
        "'q1' | int",
        "reply | where('a', 1)",
        "'a' | replace('', 'b')",
        "'a' | match('(', 0)",
        "'a' | match('a')",
        "reply.name.x and 'a' | nosuch if false else 'a' | nosuch",
    ] {
        assert!(is_invalid(expression), "{expression}: {:?}", value(expression));
    }
}

#[test]
fn texts_are_written_out() {
    let expressions = Expressions::new();
    let text = |expression| {
        expressions.text(&format!("{{{{ {expression} }}}}"), "/p", &scope()).map_err(|_| ())
    };
    assert_eq!(text("reply.id"), Ok(u64::MAX.to_string()));
    assert_eq!(text("reply.price"), Ok("4.5".into()));
    assert_eq!(text("reply.on"), Ok("true".into()));
    assert_eq!(text("reply.empty"), Ok(String::new()));
    for refused in ["nothing", "reply.absent", "reply.servers", "order"] {
        assert_eq!(text(refused), Err(()), "{refused}");
    }
}

#[test]
fn what_an_expression_yields_cannot_leave_its_place_in_a_path() {
    let expressions = Expressions::new();
    let path = |template| expressions.path(template, "/p", &scope()).map_err(|_| ());
    assert_eq!(
        path("/a b/{{ order.hostname }}/{{ status }}?x={{ 'a&b=~' }}").unwrap(),
        "/a b/h%2F%C3%BC/404?x=a%26b%3D~"
    );
    assert_eq!(path("/a/{{ '..' }}.json").unwrap(), "/a/...json");
    for refused in [
        "/a/{{ reply.empty }}",
        "/a/{{ nothing }}",
        "/a/{{ reply.x }}",
        "/a/{{ reply }}",
        "/a/{{ '..' }}",
        "/a/{{ '.' }}{{ '.' }}/b",
        "/{{ '.' }}?a",
        "/a/%2E{{ '.' }}",
    ] {
        assert_eq!(path(refused), Err(()), "{refused}");
    }
}

#[test]
fn a_tree_leaves_out_what_is_none() {
    let expressions = Expressions::recording();
    let tree = json!({
        "name": "{{ order.hostname }}", "id": "{{ reply.id }}", "key": "{{ nothing }}",
        "null": null, "n": 5, "a/b~": ["{{ nothing }}", "x{{ status }}", null, {"e": "{{ nothing }}"}],
    });
    assert_eq!(
        expressions.tree(&tree, "/json", &scope()).unwrap(),
        json!({
            "name": "h/ü", "id": u64::MAX, "null": null, "n": 5, "a/b~": ["x404", null, {}],
        })
    );
    let used: Vec<_> = expressions.used().into_iter().collect();
    assert_eq!(
        used,
        [
            "/json/a~1b~0/0",
            "/json/a~1b~0/1",
            "/json/a~1b~0/3/e",
            "/json/id",
            "/json/key",
            "/json/name"
        ]
    );
    let fault = expressions.tree(&json!({"a/b": ["{{ reply.x.y }}"]}), "/json", &scope());
    assert_eq!(
        fault.unwrap_err().to_string(),
        "/json/a~1b/0: `{{ reply.x.y }}`: something in it is undefined"
    );
    assert!(Expressions::new().used().is_empty());
}

#[test]
fn names_are_the_paths_that_a_template_reads() {
    let names = |template| Expressions::names(template, "/p");
    assert_eq!(
        names(
            "{{ reply.servers[0].id ~ reply['a'].b }} {{ items[page.n | int].x }} \
             {{ {'k': parameters.image} | json if saved.t is in(order) else (a | first).b }}"
        )
        .unwrap(),
        [
            "a",
            "items",
            "order",
            "page.n",
            "parameters.image",
            "reply.a.b",
            "reply.servers.0.id",
            "saved.t"
        ]
    );
    assert_eq!(names("text").unwrap(), Vec::<String>::new());
    for refused in [
        "{% x %}",
        "{{ a b }}",
        "{{ 1 if true else a | nosuch }}",
        "{{ 1 if true else a is nosuch }}",
        "{{ a | truncate }}",
        "{{ a | truncate(1, 2) }}",
        "{{ a | match('[') }}",
        "{{ f(1) }}",
        "{{ a[1:] }}",
        "{{ a ** 2 }}",
    ] {
        assert!(names(refused).is_err(), "{refused}");
    }
}

#[test]
fn a_fault_shows_a_long_template_in_part() {
    let template = format!("{{{{ 1 / 0 }}}}{}", "ü".repeat(1000));
    let fault = Expressions::new().value(&template, "/p", &scope()).unwrap_err();
    assert!(fault.to_string().chars().count() < 300, "{fault}");
}

#[test]
fn what_evaluates_can_be_shared_by_threads() {
    const fn shared<T: Send + Sync>() {}
    shared::<Expressions>();
    shared::<Scope>();
    shared::<Fault>();
}
