//! `OpenStack`: Keystone gives out a token and says where Nova and Neutron are.
//!
//! Shapes: `doc/api_samples/servers/` of nova at 42e4126, `api-ref/source/v2/samples/floatingips/`
//! and `ports/` of neutron-lib at 0f5895c, `api-ref/source/v3/samples/` of keystone.

use serde_json::{Value, json};

use super::{Plain, decoded, number, plan, uuid};
use crate::support::hoster::request::Seen;
use crate::support::hoster::response::Response;

/// What stands before the paths of Nova, Neutron and Glance.
const COMPUTE: &str = "/compute/v2.1";
const NETWORK: &str = "/network";
const IMAGE: &str = "/image";

/// The region of all services.
pub(crate) const REGION: &str = "RegionOne";

/// How many servers are on a page, as the operator's `max_limit` has it.
const PAGE: usize = 2;

/// The kinds of ids.
const SERVER: char = 'a';
const PORT: char = 'b';
const ADDRESS: char = 'c';
const NET: char = 'd';

fn path(seen: &Seen) -> &str {
    seen.path.split('?').next().unwrap_or_default()
}

pub(super) fn request(seen: &Seen) -> Plain {
    let whole = path(seen);
    if whole.ends_with("/auth/tokens") && seen.method == "POST" {
        return Plain::new("POST", "/login").with(login(&seen.json()["auth"]));
    }
    if let Some(rest) = whole.strip_prefix(COMPUTE) {
        return compute(seen, rest);
    }
    if let Some(rest) = whole.strip_prefix(NETWORK) {
        return network(seen, rest);
    }
    match whole.strip_prefix(IMAGE) {
        Some("/v2/images") => Plain::new("GET", "/plans"),
        _ => Plain::unknown(),
    }
}

/// Returns who logs in, by a password or by an application credential.
fn login(auth: &Value) -> Value {
    let identity = &auth["identity"];
    match identity["methods"][0].as_str() {
        Some("password") => {
            let user = &identity["password"]["user"];
            json!({ "user": user["name"], "password": user["password"] })
        }
        Some("application_credential") => {
            let own = &identity["application_credential"];
            let user = if own["id"].is_string() { &own["id"] } else { &own["name"] };
            json!({ "user": user, "password": own["secret"] })
        }
        _ => Value::Null,
    }
}

fn compute(seen: &Seen, rest: &str) -> Plain {
    let parts: Vec<&str> = rest.split('/').skip(1).collect();
    match (seen.method.as_str(), parts.as_slice()) {
        ("POST", ["servers"]) => {
            let wish = seen.json()["server"].clone();
            let text = |name: &str| wish[name].as_str().unwrap_or_default().to_owned();
            // A server may be made from a volume instead.
            let volume = wish["block_device_mapping_v2"][0]["uuid"].as_str().unwrap_or_default();
            let image = if text("imageRef").is_empty() { volume } else { &text("imageRef") };
            Plain::new("POST", "/servers").with(json!({
                "name": text("name"), "plan": plan(&text("flavorRef"), image), "image": image,
                "password": wish["adminPass"], "user_data": decoded(&text("user_data")),
                "vendor": { "metadata": wish["metadata"], "tags": wish["tags"] },
            }))
        }
        ("GET", ["servers"] | ["servers", "detail"]) => Plain::all(seen.query("marker").is_some()),
        ("GET", ["servers", id]) => Plain::at("GET", number(id, SERVER)),
        ("DELETE", ["servers", id]) => Plain::at("DELETE", number(id, SERVER)),
        ("GET", ["flavors", ..]) => Plain::new("GET", "/plans"),
        _ => Plain::unknown(),
    }
}

fn network(seen: &Seen, rest: &str) -> Plain {
    let parts: Vec<&str> = rest.split('/').skip(1).collect();
    let address = |id: &str| format!("/addresses/{}", number(id, ADDRESS).unwrap_or_default());
    let wish = || seen.json()["floatingip"].clone();
    let server = |wish: &Value| wish["port_id"].as_str().and_then(|id| number(id, PORT));
    match (seen.method.as_str(), parts.as_slice()) {
        ("POST", ["v2.0", "floatingips"]) => {
            let wish = wish();
            assert!(wish["floating_network_id"].is_string(), "{wish}");
            Plain::new("POST", "/addresses")
                .with(json!({ "server": server(&wish), "vendor": wish }))
        }
        ("GET", ["v2.0", "floatingips"]) => Plain::new("GET", "/addresses"),
        ("GET", ["v2.0", "floatingips", id]) => Plain::new("GET", address(id)),
        ("DELETE", ["v2.0", "floatingips", id]) => Plain::new("DELETE", address(id)),
        ("PUT", ["v2.0", "floatingips", id]) => {
            Plain::new("PUT", address(id)).with(json!({ "server": server(&wish()) }))
        }
        ("GET", ["v2.0", "ports"]) => {
            let device = seen.query("device_id").expect("ports of one server are asked for");
            let id = number(&device, SERVER).unwrap_or_default();
            Plain::new("GET", format!("/servers/{id}/network"))
        }
        ("GET", ["v2.0", "networks"]) => Plain::new("GET", "/plans"),
        _ => Plain::unknown(),
    }
}

pub(super) fn answer(asked: &Seen, plain: Response) -> Response {
    let (told, whole) = (plain.told_json(), path(asked));
    if whole.starts_with(NETWORK) && whole.ends_with("/ports") && plain.status == 404 {
        return Response::json(200, &json!({ "ports": [] }));
    }
    if told["error"].is_object() {
        return refusal(whole, &plain, &told["error"]);
    }
    let body = if whole.ends_with("/auth/tokens") {
        token(asked)
    } else if let Some(rest) = whole.strip_prefix(COMPUTE) {
        match rest {
            "/servers" if asked.method == "POST" => {
                let id = told["server"]["id"].as_u64().expect("an id");
                let made = json!({ "server": { "id": uuid(id, SERVER),
                    "OS-DCF:diskConfig": "MANUAL", "links": [],
                    "security_groups": [{ "name": "default" }], "adminPass": "6NpUwoz2QDRN" } });
                return Response::json(202, &made);
            }
            "/servers/detail" | "/servers" => servers(asked, &told),
            _ if rest.starts_with("/flavors") => json!({ "flavors": [{ "id": "1",
                "name": "small", "vcpus": 1, "ram": 2048, "disk": 20,
                "os-flavor-access:is_public": true }] }),
            _ if told["server"].is_object() => json!({ "server": server(&told["server"]) }),
            _ => return plain,
        }
    } else if let Some(rest) = whole.strip_prefix(NETWORK) {
        match rest {
            "/v2.0/ports" => ports(asked, &told),
            "/v2.0/networks" => json!({ "networks": [{ "id": uuid(1, NET), "name": "public",
                "router:external": true, "status": "ACTIVE", "subnets": [] }] }),
            _ if told["address"].is_object() => json!({ "floatingip": address(&told["address"]) }),
            _ if told["addresses"].is_array() => addresses(asked, &told),
            _ => return plain,
        }
    } else {
        json!({ "images": [{ "id": uuid(1, 'e'), "name": "AlmaLinux 9", "status": "active" }] })
    };
    // The headers stay: one of them may be the token.
    plain.with_body(|_| body.to_string().into_bytes())
}

fn token(asked: &Seen) -> Value {
    let host = &asked.headers["host"];
    let service = |kind: &str, name: &str, path: &str| {
        let url = |interface: &str, url: String| {
            json!({ "id": uuid(7, 'f'), "interface": interface, "region": REGION,
                "region_id": REGION, "url": url })
        };
        json!({ "id": uuid(8, 'f'), "type": kind, "name": name, "endpoints": [
            url("internal", format!("http://inner.invalid{path}")),
            url("public", format!("http://{host}{path}")) ] })
    };
    let end = jiff::Timestamp::now() + std::time::Duration::from_hours(1);
    json!({ "token": { "methods": ["password"], "expires_at": end.to_string(),
        "user": { "id": uuid(9, 'f'), "name": "api" }, "roles": [], "catalog": [
            service("identity", "keystone", ""), service("compute", "nova", COMPUTE),
            service("network", "neutron", NETWORK), service("image", "glance", IMAGE) ] } })
}

fn servers(asked: &Seen, told: &Value) -> Value {
    let pattern = asked.query("name").unwrap_or_default();
    let regex = regex_lite::Regex::new(&pattern).expect("an expression");
    let all = told["servers"].as_array().expect("a list");
    let fits = |server: &&Value| regex.is_match(server["name"].as_str().unwrap_or_default());
    let found: Vec<Value> = all.iter().filter(fits).map(server).collect();
    let marker = asked.query("marker");
    let after = marker.map_or(0, |marker| {
        1 + found.iter().position(|server| server["id"] == marker.as_str()).expect("a server")
    });
    let limit = asked.query("limit").and_then(|text| text.parse().ok()).unwrap_or(PAGE).min(PAGE);
    let shown: Vec<Value> = found.iter().skip(after).take(limit).cloned().collect();
    let mut body = json!({ "servers": shown });
    if let Some(last) = shown.last().filter(|_| after + limit < found.len()) {
        let id = last["id"].as_str().expect("an id");
        let host = &asked.headers["host"];
        let next = format!("http://{host}{COMPUTE}/servers/detail?limit={limit}&marker={id}");
        body["servers_links"] = json!([{ "rel": "next", "href": next }]);
    }
    body
}

fn server(server: &Value) -> Value {
    let (status, task) = match server["status"].as_str().expect("a status") {
        "building" => ("BUILD", json!("spawning")),
        "stopped" => ("SHUTOFF", Value::Null),
        "error" => ("ERROR", Value::Null),
        // Until it is gone.
        "deleting" => ("ACTIVE", json!("deleting")),
        _ => ("ACTIVE", Value::Null),
    };
    let shown = |ip: &Value, kind: &str| {
        json!({ "version": 4, "addr": ip, "OS-EXT-IPS:type": kind,
            "OS-EXT-IPS-MAC:mac_addr": "fa:16:3e:b1:3b:30" })
    };
    let mut addresses = Vec::new();
    if !server["private_ip"].is_null() {
        addresses.push(shown(&server["private_ip"], "fixed"));
    }
    if !server["ip"].is_null() {
        addresses.push(shown(&server["ip"], "floating"));
    }
    let networks = if addresses.is_empty() { json!({}) } else { json!({ "inside": addresses }) };
    let vendor = &server["vendor"];
    let mut body = json!({
        "id": uuid(server["id"].as_u64().expect("an id"), SERVER), "name": server["name"],
        "status": status, "OS-EXT-STS:task_state": task, "addresses": networks,
        "metadata": vendor["metadata"].as_object().cloned().unwrap_or_default(),
        "tags": vendor["tags"].as_array().cloned().unwrap_or_default(),
        "accessIPv4": "", "accessIPv6": "", "links": [],
    });
    if let Some(reason) = server["reason"].as_str() {
        body["fault"] = json!({ "code": 500, "created": "2026-11-20T11:51:50Z",
            "message": reason });
    }
    body
}

fn ports(asked: &Seen, told: &Value) -> Value {
    let device = asked.query("device_id").unwrap_or_default();
    let id = number(&device, SERVER).unwrap_or_default();
    let ips = told["network"]["private"].as_array().cloned().unwrap_or_default();
    // Nova makes the port while it builds the server.
    let port = |ip: &Value| {
        json!({ "id": uuid(id, PORT), "device_id": device, "device_owner": "compute:nova",
            "network_id": uuid(2, NET), "status": "ACTIVE", "name": "", "tags": [],
            "fixed_ips": [{ "ip_address": ip, "subnet_id": uuid(3, NET) }] })
    };
    json!({ "ports": ips.iter().map(port).collect::<Vec<_>>() })
}

fn addresses(asked: &Seen, told: &Value) -> Value {
    let known = ["description", "port_id", "floating_ip_address", "status", "tags"];
    let filters = known.into_iter().filter_map(|name| Some((name, asked.query(name)?)));
    let asked: Vec<(&str, String)> = filters.collect();
    let all = told["addresses"].as_array().expect("a list");
    let fits = |shown: &Value| {
        asked.iter().all(|(name, value)| match &shown[*name] {
            Value::Array(tags) => tags.iter().any(|tag| *tag == value.as_str()),
            other => *other == value.as_str(),
        })
    };
    let found: Vec<Value> = all.iter().map(address).filter(fits).collect();
    json!({ "floatingips": found })
}

fn address(address: &Value) -> Value {
    let server = address["server"].as_u64();
    json!({
        "id": uuid(address["id"].as_u64().expect("an id"), ADDRESS),
        "floating_ip_address": address["ip"],
        "floating_network_id": uuid(1, NET),
        "port_id": server.map(|id| uuid(id, PORT)),
        "fixed_ip_address": server.map(|id| format!("10.0.0.{}", id - 1000)),
        "router_id": server.map(|_| uuid(4, NET)),
        "status": if server.is_some() { "ACTIVE" } else { "DOWN" },
        "description": address["vendor"]["description"].as_str().unwrap_or_default(),
        "tags": [],
    })
}

fn refusal(whole: &str, plain: &Response, told: &Value) -> Response {
    let said = told["message"].as_str().unwrap_or_default();
    let status = if plain.status == 422 { 400 } else { plain.status };
    let body = if whole.starts_with(NETWORK) && status != 401 {
        let kind = match told["code"].as_str().unwrap_or_default() {
            "associated" => "FloatingIPPortAlreadyAssociated",
            "not_found" => "FloatingIPNotFound",
            _ => "BadRequest",
        };
        json!({ "NeutronError": { "type": kind, "message": said, "detail": "" } })
    } else if whole.starts_with(COMPUTE) && status != 401 {
        let name = match status {
            400 => "badRequest",
            403 => "forbidden",
            404 => "itemNotFound",
            409 => "conflictingRequest",
            413 | 429 => "overLimit",
            _ => "computeFault",
        };
        json!({ name: { "code": status, "message": said } })
    } else {
        json!({ "error": { "code": status, "title": "Unauthorized",
            "message": "The request you have made requires authentication." } })
    };
    Response::json(status, &body)
}
