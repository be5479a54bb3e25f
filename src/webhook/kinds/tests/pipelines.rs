use serde_json::{Value, json};

use super::super::samples::{event, header, message, now, target};
use crate::event::EventType;

fn azure(more: &Value) -> Value {
    let mut keys = json!({
        "kind": "azure-pipelines", "organization": "my org", "project": "my project",
        "pipeline_id": 42, "token_file": "t",
    });
    keys.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    keys
}

fn gitlab(more: &Value) -> Value {
    let mut keys = json!({
        "kind": "gitlab-ci", "project_id": "group/project", "ref": "main", "token_file": "t",
    });
    keys.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    keys
}

/// Compared with the request of the package azure-devops 7.1.0b4 of `PyPI` on a local socket: the
/// same path, login, both `X-` headers and tree of the body, but for its preview version, which it
/// puts into `Accept`.
#[test]
fn azure_is_sent_what_the_vendor_s_client_sends() {
    let mut target = target(azure(&json!({
        "url": "http://127.0.0.1:8080", "skip_stage": ["deploy"], "ref": "main",
        "secret_variables": { "TOKEN": "file" },
    })));
    target.token = Some("PAT123".to_owned().into());
    let made = message(&target, EventType::Finished);
    let path = "/my%20org/my%20project/_apis/pipelines/42/runs?api-version=7.1";
    assert_eq!(made.url, format!("http://127.0.0.1:8080{path}"));
    let wanted = [
        ("Content-Type", "application/json"),
        ("Accept", "application/json"),
        ("Authorization", "Basic OlBBVDEyMw=="),
        ("X-TFS-FedAuthRedirect", "Suppress"),
        ("X-VSS-ForceMsaPassThrough", "true"),
    ];
    assert_eq!(made.headers, wanted.map(|(name, value)| (name, value.to_owned())));
    let mut body: Value = serde_json::from_str(&made.body).unwrap();
    let variables = body["variables"].as_object_mut().unwrap();
    assert_eq!(variables.len(), 18);
    variables.retain(|name, _| matches!(name.as_str(), "ORDER_ID" | "TOKEN" | "ERROR_LOG"));
    let golden = r#"{"resources": {"repositories": {"self": {"refName": "refs/heads/main"}}},
        "stagesToSkip": ["deploy"], "variables": {"ORDER_ID": {"isSecret": false, "value": "7"},
        "ERROR_LOG": {"isSecret": false, "value": ""}, "TOKEN": {"isSecret": true, "value": "x"}}}"#;
    assert_eq!(body, serde_json::from_str::<Value>(golden).unwrap());
}

#[test]
fn azure_is_told_as_template_parameters_where_asked_but_for_secrets() {
    let made = message(
        &target(azure(&json!({
            "as_template_parameters": true, "variables": { "plan": "p" },
            "secret_variables": { "TOKEN": "file" }, "ref": "refs/tags/v1",
        }))),
        EventType::Finished,
    );
    assert!(made.url.starts_with("https://dev.azure.com/my%20org/my%20project/"), "{}", made.url);
    let body: Value = serde_json::from_str(&made.body).unwrap();
    assert_eq!(body["variables"], json!({ "TOKEN": { "isSecret": true, "value": "x" } }));
    let parameters = body["templateParameters"].as_object().unwrap();
    assert_eq!((parameters.len(), &parameters["plan"]), (18, &json!("p")));
    assert!(parameters.values().all(Value::is_string));
    assert_eq!(body["resources"]["repositories"]["self"]["refName"], "refs/tags/v1");
    assert!(body.get("stagesToSkip").is_none());
}

/// Compared with the request of the package python-gitlab 8.6.0 of `PyPI` on a local socket: the
/// same path, token, ref and variables; it sends them as JSON, and GitLab's documentation as a form.
#[test]
fn gitlab_is_sent_the_form_of_its_documentation() {
    let target = target(gitlab(&json!({
        "url": "https://git.example/gitlab/", "variables": { "PLAN": "a b&c" },
        "secret_variables": { "KEY": "file" },
    })));
    let made = message(&target, EventType::Failed);
    let url = "https://git.example/gitlab/api/v4/projects/group%2Fproject/trigger/pipeline";
    assert_eq!(made.url, url);
    assert_eq!(header(&made, "Content-Type"), Some("application/x-www-form-urlencoded"));
    assert_eq!(
        made.body,
        concat!(
            "token=TOKEN&ref=main",
            "&variables%5BWEBHOOK_ID%5D=0190b2d0-7c00-7000-8000-000000000001",
            "&variables%5BWEBHOOK_EVENT_TRIGGER%5D=ORDER",
            "&variables%5BWEBHOOK_EVENT_OPERATION%5D=CREATE",
            "&variables%5BWEBHOOK_EVENT_OPERATION_STATUS%5D=ERROR",
            "&variables%5BWEBHOOK_EVENT_DATE%5D=2026-01-02T03%3A04%3A05Z",
            "&variables%5BPROVIDER_NAME%5D=demo&variables%5BCONFIGURATION_ID%5D=1",
            "&variables%5BCONFIGURATION_NAME%5D=AlmaLinux%209%2C%202%20vCPU",
            "&variables%5BORDER_ID%5D=7",
            "&variables%5BORDER_KEY%5D=b302099a-8057-4000-8000-000000000007",
            "&variables%5BSERVER_ID%5D=&variables%5BSERVER_HOSTNAME%5D=",
            "&variables%5BSERVER_ADDRESS%5D=&variables%5BORDER_STATUS%5D=ERROR",
            "&variables%5BERROR_LOG%5D=no%20such%20image%3A%0Aalma-10",
            "&variables%5BAUTHOR_NAME%5D=alice&variables%5BAUTHOR_EMAIL%5D=",
            "&variables%5BPLAN%5D=a%20b%26c&variables%5BKEY%5D=x",
        )
    );
    let number = message(
        &super::super::samples::target(gitlab(&json!({ "project_id": 5 }))),
        EventType::Failed,
    );
    assert_eq!(number.url, "https://gitlab.com/api/v4/projects/5/trigger/pipeline");
}

#[test]
fn without_a_token_nothing_is_sent() {
    for keys in [azure(&json!({})), gitlab(&json!({}))] {
        let mut target = target(keys);
        target.token = None;
        let why = super::super::message(&target, &event(EventType::Finished), None, now());
        assert_eq!(why.unwrap_err(), "token_file: there is no token");
    }
}
