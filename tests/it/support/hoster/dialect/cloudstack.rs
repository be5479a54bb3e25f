//! Apache `CloudStack`: commands, replies in an envelope named after them, and jobs.
//!
//! Shapes: the classes of `api/src/main/java/org/apache/cloudstack/api/response/`; error codes:
//! `ApiErrorCode.java` there, at 1a2d397.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::{Plain, decoded, number, plan, uuid};
use crate::support::hoster::request::Seen;
use crate::support::hoster::response::Response;

/// The kinds of ids: servers, the jobs that make and remove them, and those that remove what is gone.
const SERVER: char = 'a';
const MAKES: char = 'b';
const REMOVES: char = 'c';
const IN_VAIN: char = 'e';

type All = BTreeMap<String, String>;

fn parameters(seen: &Seen) -> All {
    seen.parameters().into_iter().collect()
}

fn text<'a>(all: &'a All, name: &str) -> &'a str {
    all.get(name).map_or("", String::as_str)
}

/// Returns the server that a job is about.
fn of_job(job: &str) -> Option<u64> {
    [MAKES, REMOVES, IN_VAIN].iter().find_map(|kind| number(job, *kind))
}

pub(super) fn request(seen: &Seen) -> Plain {
    let all = parameters(seen);
    let server = || number(text(&all, "id"), SERVER);
    let job = text(&all, "jobid");
    match text(&all, "command") {
        "deployVirtualMachine" => {
            let (size, image) = (text(&all, "serviceofferingid"), text(&all, "templateid"));
            let whole = !text(&all, "zoneid").is_empty();
            Plain::new("POST", "/servers").with(json!({
                "name": text(&all, "name"), "plan": if whole { plan(size, image) } else { "" },
                "image": image, "user_data": decoded(text(&all, "userdata")),
                "password": all.get("password"),
                "vendor": { "displayname": text(&all, "displayname") },
            }))
        }
        "queryAsyncJobResult" => Plain::at("GET", of_job(job)),
        "listVirtualMachines" if all.contains_key("id") => Plain::at("GET", server()),
        "listVirtualMachines" => Plain::all(!matches!(text(&all, "page"), "" | "1")),
        "destroyVirtualMachine" => Plain::at("DELETE", server()),
        "listVolumes" if all.contains_key("virtualmachineid") => {
            let id = number(text(&all, "virtualmachineid"), SERVER).unwrap_or_default();
            Plain::new("GET", format!("/servers/{id}/network"))
        }
        command if command.starts_with("list") => Plain::new("GET", "/plans"),
        _ => Plain::unknown(),
    }
}

pub(super) fn answer(asked: &Seen, plain: &Response) -> Response {
    let all = parameters(asked);
    let told = plain.told_json();
    let (command, job) = (text(&all, "command"), text(&all, "jobid"));
    let body = match command {
        "queryAsyncJobResult" if matches!(plain.status, 200 | 404) => {
            if of_job(job).is_none() {
                return error(&all, 431, &no_such("jobid", job));
            }
            self::job(job, &told["server"])
        }
        // What was removed is still known by its id, and is in no list (`ParamProcessWorker.java`,
        // `UserVmManagerImpl.destroyVm`).
        "listVirtualMachines" | "listVolumes" if plain.status == 404 => json!({}),
        "destroyVirtualMachine" if plain.status == 404 => {
            let id = number(text(&all, "id"), SERVER).expect("an id of a server");
            json!({ "jobid": uuid(id, IN_VAIN) })
        }
        _ if told["error"].is_object() => return refusal(&all, plain, &told["error"]),
        "deployVirtualMachine" => {
            let id = told["server"]["id"].as_u64().expect("an id");
            json!({ "id": uuid(id, SERVER), "jobid": uuid(id, MAKES) })
        }
        "destroyVirtualMachine" => {
            let id = number(text(&all, "id"), SERVER).expect("an id of a server");
            json!({ "jobid": uuid(id, REMOVES) })
        }
        "listVirtualMachines" => listed(&all, &told),
        list => catalog(list),
    };
    enveloped(command, 200, &body)
}

fn enveloped(command: &str, status: u16, body: &Value) -> Response {
    let name = format!("{}response", command.to_lowercase());
    Response::json(status, &json!({ name: body }))
}

fn no_such(name: &str, value: &str) -> String {
    format!(
        "Invalid parameter {name} value={value} due to incorrect long value format, or entity does \
         not exist or due to incorrect parameter annotation for the field in api cmd class."
    )
}

/// Returns a job: 0 is under way, 1 done, 2 failed.
fn job(job: &str, server: &Value) -> Value {
    let removes = number(job, REMOVES).is_some();
    let mut body = json!({ "accountid": uuid(1, 'd'), "userid": uuid(2, 'd'),
        "cmd": "org.apache.cloudstack.api.command.user.vm.DeployVMCmd",
        "jobstatus": 0, "jobprocstatus": 0, "jobresultcode": 0, "jobresulttype": "object",
        "created": "2026-11-20T11:51:50+0000", "jobid": job });
    let done = |body: &mut Value, server: &Value| {
        body["jobstatus"] = 1.into();
        body["jobresult"] = json!({ "virtualmachine": machine(server) });
    };
    if number(job, IN_VAIN).is_some() {
        body["jobstatus"] = 2.into();
        body["jobresultcode"] = 530.into();
        let why = "unable to find a virtual machine with id 17";
        body["jobresult"] = json!({ "errorcode": 431, "errortext": why });
        return body;
    }
    match (removes, server["status"].as_str()) {
        (true, None) => {
            body["jobstatus"] = 1.into();
            body["jobresult"] = json!({ "virtualmachine": { "state": "Expunging" } });
        }
        (false, Some("error")) => {
            body["jobstatus"] = 2.into();
            body["jobresultcode"] = 530.into();
            body["jobresult"] = json!({ "errorcode": 530, "errortext": server["reason"] });
        }
        (false, Some(state)) if state != "building" => done(&mut body, server),
        // The job is still known when its server is not.
        (false, None) => done(&mut body, &json!({ "status": "running" })),
        _ => {}
    }
    body
}

fn listed(all: &All, told: &Value) -> Value {
    if told["server"].is_object() {
        return json!({ "count": 1, "virtualmachine": [machine(&told["server"])] });
    }
    // A name is found within names.
    let (name, word) = (text(all, "name"), text(all, "keyword"));
    let fits = |server: &&Value| {
        let own = server["name"].as_str().unwrap_or_default();
        own.contains(name) && own.contains(word)
    };
    let servers = told["servers"].as_array().expect("a list");
    let found: Vec<Value> = servers.iter().filter(fits).map(machine).collect();
    let size: usize = text(all, "pagesize").parse().unwrap_or(500);
    assert!((1..=500).contains(&size), "a page has 500 elements at most");
    let page: usize = text(all, "page").parse().unwrap_or(1);
    let shown: Vec<&Value> = found.iter().skip((page - 1) * size).take(size).collect();
    match shown.len() {
        0 => json!({}),
        _ => json!({ "count": found.len(), "virtualmachine": shown }),
    }
}

fn machine(server: &Value) -> Value {
    let state = match server["status"].as_str().expect("a status") {
        "building" => "Starting",
        "running" => "Running",
        "stopped" => "Stopped",
        "error" => "Error",
        _ => "Expunging",
    };
    let mut shown = json!({
        "name": server["name"], "displayname": server["name"], "account": "admin",
        "domain": "ROOT", "state": state, "haenable": false, "zonename": "one", "hypervisor": "KVM",
        "nic": [], "tags": [], "affinitygroup": [], "passwordenabled": false,
    });
    if let Some(id) = server["id"].as_u64() {
        shown["id"] = uuid(id, SERVER).into();
    }
    if let Some(ip) = server["ip"].as_str() {
        shown["nic"] = json!([{ "id": uuid(3, 'd'), "networkname": "guest", "isdefault": true,
            "type": "Shared", "traffictype": "Guest", "ipaddress": ip,
            "netmask": "255.255.255.0", "gateway": "127.0.0.254" }]);
    }
    shown
}

fn catalog(list: &str) -> Value {
    match list {
        "listServiceOfferings" => json!({ "count": 1, "serviceoffering": [{ "id": uuid(4, 'd'),
            "name": "small", "displaytext": "Small", "cpunumber": 1, "memory": 2048 }] }),
        "listTemplates" => json!({ "count": 1, "template": [{ "id": uuid(5, 'd'),
            "name": "alma-9", "displaytext": "AlmaLinux 9", "isready": true }] }),
        "listZones" => json!({ "count": 1, "zone": [{ "id": uuid(6, 'd'), "name": "one",
            "allocationstate": "Enabled" }] }),
        _ => json!({}),
    }
}

fn error(all: &All, status: u16, message: &str) -> Response {
    let body = json!({ "uuidList": [], "errorcode": status, "cserrorcode": 4350,
        "errortext": message });
    enveloped(text(all, "command"), status, &body)
}

fn refusal(all: &All, plain: &Response, told: &Value) -> Response {
    let said = told["message"].as_str().unwrap_or_default();
    match plain.status {
        401 => error(all, 401, "unable to verify user credentials and/or request signature"),
        404 if all.contains_key("id") => error(all, 431, &no_such("id", text(all, "id"))),
        404 => error(all, 432, "The given command does not exist or it is not available for user"),
        // A name that is taken is a parameter that is wrong.
        409 if told["code"] == "uniqueness_error" => {
            let name = text(all, "name");
            let message = format!(
                "The vm with hostName {name} already exists in the network domain: \
                 cs1cloud.internal; network=guest"
            );
            error(all, 431, &message)
        }
        422 => error(all, 431, said),
        423 => error(all, 535, said),
        500 => error(all, 530, said),
        status => error(all, status, said),
    }
}
