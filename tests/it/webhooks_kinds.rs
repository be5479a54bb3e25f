//! What a webhook receives looks as its kind has it.

use serde_json::{Value, json};

use crate::support::answer::assert_valid;
use crate::support::hooks::{SECRET, attempts, event_id};
use crate::support::hoster::request::Seen;
use crate::support::hoster::response::Response;
use crate::support::plugin::{NAME, Plugin};
use crate::support::receiver::{Receiver, Reply};

#[test]
fn a_generic_webhook_receives_exactly_the_event_and_no_password() {
    let (plugin, receiver) = (Plugin::with_servers(1), Receiver::start());
    plugin.hook("shop", "generic", &receiver, &["--header", "X-Shop: seven"]);
    let (id, server) = plugin.sold();
    let seen = receiver.only();
    assert_eq!((seen.method.as_str(), seen.path.as_str()), ("POST", "/hook"));
    let body = seen.json();
    assert_valid("event", &body);
    let stored = plugin.stored(&id);
    let at = &body["timestamp"];
    let configs = plugin.run(&["configs"]).succeeds();
    assert_eq!(
        body,
        json!({
            "type": "order.finished",
            "timestamp": at,
            "data": {
                "webhook": {
                    "id": event_id(&seen),
                    "eventTrigger": "ORDER",
                    "eventOperation": "CREATE",
                    "eventOperationStatus": "SUCCESS",
                    "eventDate": at,
                },
                "provider": { "name": NAME },
                "configuration": { "id": "1", "name": configs["configurations"][0]["descr"] },
                "order": { "id": id, "key": stored["key"] },
                "server": {
                    "id": stored["events"][1]["data"]["server"]["id"],
                    "hostname": stored["events"][1]["data"]["server"]["hostname"],
                    "address": server,
                    "addresses": [server],
                },
                "status": "SUCCESS",
                "errorLog": "",
                "author": stored["events"][1]["data"]["author"],
                "account": {},
            },
        })
    );
    assert_eq!(body, stored["events"][1], "what is sent is what is stored");
    assert_eq!(seen.headers["x-shop"], "seven");
    assert!(seen.headers["content-type"].starts_with("application/json"), "{seen:?}");
    assert_eq!(seen.headers.get("webhook-signature"), None, "there is nothing to sign with");
    plugin.settled();
    let delivery = plugin.are("shop", 1, "delivered").remove(0);
    assert_eq!(delivery["id"], format!("{}.shop", event_id(&seen)));
    assert_eq!((&delivery["event"], &delivery["task_id"]), (&body["type"], &json!(id)));
    assert_eq!(attempts(&delivery)[0]["http_status"], 200);
}

#[test]
fn a_plain_envelope_has_at_the_top_what_is_in_data() {
    let (plugin, receiver) = (Plugin::with_servers(1), Receiver::start());
    plugin.hook("shop", "generic", &receiver, &["--envelope", "plain"]);
    let id = plugin.order();
    assert_eq!(receiver.only().json(), plugin.stored(&id)["events"][1]["data"]);
}

/// Returns the event of an order, and what a webhook was sent about it, who was answered so.
#[track_caller]
fn sent(kind: &str, more: &[&str], files: &[(&str, &str)], answer: Response) -> (Value, Seen) {
    let plugin = Plugin::with_servers(1);
    let receiver = Receiver::answering(move |_| Reply::Answer(answer.clone()));
    let mut words = more.to_vec();
    let paths: Vec<(&str, String)> =
        files.iter().map(|(flag, text)| (*flag, plugin.private(flag, text))).collect();
    words.extend(paths.iter().flat_map(|(flag, path)| [*flag, path]));
    plugin.hook("hook", kind, &receiver, &words);
    let (id, _) = plugin.sold();
    plugin.settled();
    let delivery = plugin.are("hook", 1, "delivered").remove(0);
    assert_eq!(attempts(&delivery).len(), 1, "{delivery:#}");
    (plugin.stored(&id)["events"][1].clone(), receiver.only())
}

#[test]
fn azure_pipelines_are_run() {
    let flags = "--organization|my org|--project|a project|--pipeline-id|7|--skip-stage|deploy\
                 |--variable|EXTRA=1|--ref|main";
    let flags: Vec<&str> = flags.split('|').collect();
    let answer = Response::json(200, &json!({ "id": 11 }));
    let files = [("--token-file", "PAT123")];
    let (event, seen) = sent("azure-pipelines", &flags, &files, answer);
    let run = "/my%20org/a%20project/_apis/pipelines/7/runs?api-version=7.1";
    assert!(seen.path.ends_with(run), "{}", seen.path);
    assert_eq!(seen.headers["authorization"], "Basic OlBBVDEyMw==");
    let body = seen.json();
    let value = |name: &str| body["variables"][name]["value"].clone();
    assert_eq!(value("WEBHOOK_ID"), event["data"]["webhook"]["id"], "{body:#}");
    assert_eq!(value("SERVER_ADDRESS"), event["data"]["server"]["address"], "{body:#}");
    assert_eq!([value("ERROR_LOG"), value("EXTRA")], ["", "1"], "{body:#}");
    assert_eq!(body["stagesToSkip"], json!(["deploy"]), "{body:#}");
    assert_eq!(body["resources"]["repositories"]["self"]["refName"], "refs/heads/main");
}

#[test]
fn pipelines_of_gitlab_are_triggered() {
    let flags = ["--project-id", "group/project", "--ref", "main", "--variable", "EXTRA=a b"];
    let answer = Response::json(201, &json!({ "id": 12 }));
    let (event, seen) = sent("gitlab-ci", &flags, &[("--token-file", "PAT123")], answer);
    let trigger = "/api/v4/projects/group%2Fproject/trigger/pipeline";
    assert!(seen.path.ends_with(trigger), "{}", seen.path);
    assert_eq!(seen.headers["content-type"], "application/x-www-form-urlencoded");
    // As a query is: there it can be decoded.
    let body = String::from_utf8(seen.body.clone()).unwrap();
    let body = body.replace("%5B", "[").replace("%5D", "]");
    let form = Seen { path: format!("/?{body}"), ..seen };
    let field = |name: &str| form.query(name).unwrap_or_else(|| panic!("{name}: {body}"));
    assert_eq!([field("token"), field("ref")], ["PAT123", "main"]);
    let id = event["data"]["webhook"]["id"].as_str().unwrap();
    assert_eq!([&*field("variables[WEBHOOK_ID]"), &*field("variables[ERROR_LOG]")], [id, ""]);
    assert_eq!(field("variables[EXTRA]"), "a b");
}

#[test]
fn handlers_of_solusvm2_get_all_in_the_query() {
    let flags = ["--param", "secret=a b&c"];
    let (event, seen) = sent("solusvm2", &flags, &[], Response::empty(200));
    assert_eq!((seen.method.as_str(), seen.body.len()), ("POST", 0));
    assert_eq!(seen.headers["content-length"], "0");
    let address = event["data"]["server"]["address"].as_str().unwrap();
    let ips = format!("serverIps=%5B%22{address}%22%5D");
    assert!(seen.path.contains(&ips), "{}", seen.path);
    let parameter = |name| seen.query(name).unwrap();
    assert_eq!(parameter("serverUuid"), event["data"]["order"]["key"].as_str().unwrap());
    let found = [parameter("serverStatus"), parameter("secret"), parameter("crId")];
    assert_eq!(found, ["started", "a b&c", ""]);
}

#[test]
fn receivers_of_cloudstack_get_flat_texts() {
    let files = [("--secret-file", SECRET)];
    let (event, seen) = sent("cloudstack", &[], &files, Response::empty(202));
    assert_eq!(seen.headers["x-cs-event"], "ORDER.FINISHED");
    let id = event["data"]["webhook"]["id"].as_str().unwrap();
    assert_eq!([&*seen.headers["x-cs-event-id"], &*seen.headers["webhook-id"]], [id, id]);
    assert!(seen.headers["user-agent"].starts_with("CS-Hookshot/"), "{seen:?}");
    let body = seen.json();
    assert!(body.as_object().unwrap().values().all(Value::is_string), "{body:#}");
    assert_eq!([&body["event"], &body["status"]], ["ORDER.FINISHED", "Completed"]);
    assert_eq!(body["entityuuid"], event["data"]["order"]["key"]);
    assert_eq!(body["Server"], event["data"]["server"]["address"]);
}

#[test]
fn a_template_makes_a_body_of_ones_own() {
    let template = json!({ "text": "{{ event.type }} of {{ event.data.order.id }}", "n": [1] });
    let files = [("--body-file", &*template.to_string())];
    let (_, seen) = sent("template", &["--header", "X-Own: 1"], &files, Response::empty(204));
    assert_eq!(seen.json(), json!({ "text": "order.finished of 1", "n": [1] }));
    assert_eq!(seen.headers["x-own"], "1");
    let form = ["--form", "text=Grüße & {{ event.data.order.id }}"];
    let (_, seen) = sent("template", &form, &[], Response::empty(200));
    let body = String::from_utf8(seen.body).unwrap();
    assert_eq!(body.replace('+', "%20"), "text=Gr%C3%BC%C3%9Fe%20%26%201");
}
