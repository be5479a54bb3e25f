//! Amazon EC2: forms with an `Action`, and replies in XML.
//!
//! Shapes: `models/apis/ec2/2016-11-15/api-2.json` of aws-sdk-go, and the templates of moto
//! (`moto/ec2/responses/instances.py`); errors: the vendor's page "Error codes for the Amazon EC2
//! API".

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::{Plain, decoded, plan};
use crate::support::hoster::request::Seen;
use crate::support::hoster::response::{Response, element};

/// The region for which requests are signed, and the name of the service.
pub(crate) const SCOPE: (&str, &str) = ("eu-central-1", "ec2");

/// How many servers are on a page, however many are asked for: the vendor may return fewer.
const PAGE: usize = 2;

type All = BTreeMap<String, String>;

pub(super) fn id(number: u64) -> String {
    format!("i-{number:017x}")
}

fn parameters(seen: &Seen) -> All {
    seen.parameters().into_iter().collect()
}

fn text<'a>(all: &'a All, name: &str) -> &'a str {
    all.get(name).map_or("", String::as_str)
}

/// Returns the filters of a request, with their values.
fn filters(all: &All) -> Vec<(&str, Vec<&str>)> {
    let named = |number: usize| all.get(&format!("Filter.{number}.Name"));
    let values = |number: usize| {
        let value = move |at: usize| all.get(&format!("Filter.{number}.Value.{at}"));
        (1..).map_while(value).map(String::as_str).collect()
    };
    (1..).map_while(|number| Some((named(number)?.as_str(), values(number)))).collect()
}

/// Returns the one instance that a request names.
fn named(all: &All) -> Option<&str> {
    let filtered = || filters(all).into_iter().find(|(name, _)| *name == "instance-id");
    let listed = all.get("InstanceId.1").map(String::as_str);
    listed.or_else(|| filtered().and_then(|(_, values)| values.first().copied()))
}

fn number(id: &str) -> Option<u64> {
    u64::from_str_radix(id.strip_prefix("i-")?, 16).ok()
}

/// Returns the tags that a request to run an instance has for it.
fn tags(wish: &Value) -> Vec<(String, String)> {
    let text = |name: String| wish[&name].as_str().map(str::to_owned);
    let mut found = Vec::new();
    for kind in
        (1..).take_while(|at| wish[&format!("TagSpecification.{at}.ResourceType")].is_string())
    {
        if wish[&format!("TagSpecification.{kind}.ResourceType")] != "instance" {
            continue;
        }
        let tag = |at: usize, part: &str| text(format!("TagSpecification.{kind}.Tag.{at}.{part}"));
        found.extend((1..).map_while(|at| Some((tag(at, "Key")?, tag(at, "Value")?))));
    }
    found
}

pub(super) fn request(seen: &Seen) -> Plain {
    let all = parameters(seen);
    match text(&all, "Action") {
        "RunInstances" => {
            let vendor = json!(all);
            let name = tags(&vendor).into_iter().find(|(key, _)| key == "Name");
            let (size, image) = (text(&all, "InstanceType"), text(&all, "ImageId"));
            let one = (text(&all, "MinCount"), text(&all, "MaxCount")) == ("1", "1");
            assert!(one, "one server is asked for: {all:?}");
            Plain::new("POST", "/servers").with(json!({
                "name": name.map(|(_, value)| value), "plan": plan(size, image), "image": image,
                "user_data": decoded(text(&all, "UserData")), "vendor": vendor,
            }))
        }
        "DescribeInstances" => match named(&all) {
            Some(id) => Plain::at("GET", number(id)),
            None => Plain::all(all.contains_key("NextToken")),
        },
        "TerminateInstances" => Plain::at("DELETE", named(&all).and_then(number)),
        "DescribeInstanceTypes" | "DescribeImages" | "DescribeRegions" => {
            Plain::new("GET", "/plans")
        }
        _ => Plain::unknown(),
    }
}

pub(super) fn answer(asked: &Seen, plain: &Response) -> Response {
    let all = parameters(asked);
    let told = plain.told_json();
    if told["error"].is_object() {
        return error(&all, &told["error"], plain);
    }
    let action = text(&all, "Action");
    let body = match action {
        "RunInstances" => {
            json!({ "reservationId": "r-0598c7d356eba48d7", "ownerId": "111122223333",
            "groupSet": [], "instancesSet": [instance(&told["server"])] })
        }
        "DescribeInstances" if told["server"].is_object() => {
            reservations(&[told["server"].clone()])
        }
        "DescribeInstances" => page(&all, &told["servers"]),
        "TerminateInstances" => {
            json!({ "instancesSet": [{ "instanceId": text(&all, "InstanceId.1"),
            "currentState": { "code": 32, "name": "shutting-down" },
            "previousState": { "code": 16, "name": "running" } }] })
        }
        _ => catalog(action),
    };
    document(&format!("{action}Response"), 200, &body)
}

/// Returns a document as the service writes it.
fn document(root: &str, status: u16, body: &Value) -> Response {
    let text = element(root, body).replacen(
        '>',
        " xmlns=\"http://ec2.amazonaws.com/doc/2016-11-15/\">",
        1,
    );
    Response::xml(status, &text)
}

fn page(all: &All, servers: &Value) -> Value {
    let asked = filters(all);
    let fits = |server: &Value| {
        asked.iter().all(|(name, values)| {
            let is = match *name {
                "client-token" => server["vendor"]["ClientToken"].as_str().map(str::to_owned),
                "instance-state-name" => Some(state(server).1.to_owned()),
                name => {
                    let key = name.strip_prefix("tag:").expect("a filter that the tests know");
                    tags_of(server).into_iter().find(|(tag, _)| tag == key).map(|(_, value)| value)
                }
            };
            is.is_some_and(|is| values.contains(&is.as_str()))
        })
    };
    let servers = servers.as_array().expect("a list");
    let found: Vec<Value> = servers.iter().filter(|server| fits(server)).cloned().collect();
    let from: usize = text(all, "NextToken").parse().unwrap_or_default();
    let end = found.len().min(from + PAGE);
    let mut body = reservations(&found[from..end]);
    if end < found.len() {
        body["nextToken"] = end.to_string().into();
    }
    body
}

fn reservations(servers: &[Value]) -> Value {
    let one = |server: &Value| {
        json!({ "reservationId": "r-0598c7d356eba48d7", "ownerId": "111122223333",
            "groupSet": [], "instancesSet": [instance(server)] })
    };
    json!({ "reservationSet": servers.iter().map(one).collect::<Vec<_>>() })
}

/// Returns the tags of a server; somebody else's have only a name.
fn tags_of(server: &Value) -> Vec<(String, String)> {
    match &server["vendor"] {
        Value::Null => {
            let name = server["name"].as_str().unwrap_or_default();
            vec![("Name".to_owned(), name.to_owned())]
        }
        wish => tags(wish),
    }
}

fn state(server: &Value) -> (u8, &'static str) {
    match server["status"].as_str().expect("a status") {
        "building" => (0, "pending"),
        "running" => (16, "running"),
        "deleting" => (32, "shutting-down"),
        "stopped" => (80, "stopped"),
        _ => (48, "terminated"),
    }
}

fn instance(server: &Value) -> Value {
    let (code, name) = state(server);
    let tag = |(key, value): (String, String)| json!({ "key": key, "value": value });
    let mut shown = json!({
        "instanceId": id(server["id"].as_u64().expect("an id")),
        "imageId": server["image"],
        "instanceState": { "code": code, "name": name },
        "privateDnsName": "", "dnsName": "", "reason": "", "amiLaunchIndex": 0,
        "productCodes": [], "rootDeviceName": "/dev/sda1",
        "blockDeviceMapping": [{ "deviceName": "/dev/sda1", "ebs": {
            "volumeId": "vol-049df61146c4d7901", "deleteOnTermination": true } }],
        "instanceType": server["vendor"]["InstanceType"],
        "launchTime": "2026-11-20T11:51:50.000Z",
        "placement": { "availabilityZone": "eu-central-1a", "groupName": "", "tenancy": "default" },
        "privateIpAddress": server["private_ip"],
        "ipAddress": server["ip"],
        "architecture": "x86_64",
        "clientToken": server["vendor"]["ClientToken"].as_str().unwrap_or_default(),
        "tagSet": tags_of(server).into_iter().map(tag).collect::<Vec<_>>(),
    });
    if let Some(reason) = server["reason"].as_str() {
        shown["stateReason"] = json!({ "code": "Server.InternalError", "message": reason });
    }
    shown
}

fn catalog(action: &str) -> Value {
    match action {
        "DescribeInstanceTypes" => json!({ "instanceTypeSet": [{ "instanceType": "t3.small",
            "currentGeneration": true, "vCpuInfo": { "defaultVCpus": 2 },
            "memoryInfo": { "sizeInMiB": 2048 } }] }),
        "DescribeImages" => json!({ "imagesSet": [{ "imageId": "ami-0123456789abcdef0",
            "imageState": "available", "rootDeviceName": "/dev/sda1", "name": "AlmaLinux OS 9", "architecture": "x86_64" }] }),
        _ => json!({ "regionInfo": [{ "regionName": SCOPE.0,
            "regionEndpoint": "ec2.eu-central-1.amazonaws.com" }] }),
    }
}

fn error(all: &All, error: &Value, plain: &Response) -> Response {
    let said = error["message"].as_str().unwrap_or_default().to_owned();
    let own = error["code"].as_str().unwrap_or_default();
    let (status, code, message) = match (plain.status, own) {
        (401, _) => (
            401,
            "AuthFailure",
            "AWS was not able to validate the provided access credentials".to_owned(),
        ),
        (404, _) if named(all).is_some() => {
            let id = named(all).unwrap_or_default();
            if !all.contains_key("InstanceId.1") {
                return document("DescribeInstancesResponse", 200, &reservations(&[]));
            }
            let message = format!("The instance ID '{id}' does not exist");
            (400, "InvalidInstanceID.NotFound", message)
        }
        (404, _) => (400, "InvalidAction", said),
        (_, "idempotency_mismatch") | (409, "uniqueness_error") => (
            400,
            "IdempotentParameterMismatch",
            "Arguments on this idempotent request are inconsistent with arguments used in \
             previous request(s)."
                .to_owned(),
        ),
        (422, _) => (400, "InvalidParameterValue", said),
        (423, _) => (400, "IncorrectInstanceState", said),
        (429, _) => (503, "RequestLimitExceeded", "Request limit exceeded.".to_owned()),
        (500, _) => (500, "InternalError", "An internal error has occurred".to_owned()),
        (503, _) => (503, "Unavailable", said),
        (status, own) => (status, own, said),
    };
    let body = json!({ "Errors": { "Error": { "Code": code, "Message": message } },
        "RequestID": "ea966190-f9aa-478e-9ede-example0000" });
    Response::xml(status, &element("Response", &body))
}
