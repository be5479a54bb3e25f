//! The worked examples of `docs/`: virtual machines of libvirt, and machines of a rack.

use std::io::{BufRead, BufReader};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use serde_json::{Value, json};

use crate::support::hand::read;
use crate::support::page::at_root;
use crate::support::plugin::{CANARY, Plugin};
use crate::support::skip;

/// Returns a provider whose program is a file of `docs/`, by its definition there.
fn with_example(program: &str, arguments: &[&Path], config: &Value) -> Plugin {
    let plugin = Plugin::installed();
    let text = std::fs::read_to_string(at_root(&format!("docs/{program}"))).unwrap();
    plugin.write_program(program, &text);
    let name = program.split('.').next().unwrap();
    let mut definition = read(&at_root(&format!("docs/{name}.json")));
    let own = definition["command"][0].clone();
    let arguments = arguments.iter().map(|path| json!(path));
    definition["command"] = std::iter::once(own).chain(arguments).collect();
    plugin.write_private(&format!("{name}.json"), &definition.to_string());
    let mut whole = json!({
        "definition": format!("./{name}.json"),
        "ready": null,
        "worker": { "poll_seconds": 0.1 },
    });
    whole.as_object_mut().unwrap().extend(config.as_object().unwrap().clone());
    plugin.write_private("demo.conf", &whole.to_string());
    plugin
}

fn is_there(program: &str) -> bool {
    let shell = format!("command -v {program}");
    let found = Command::new("sh").args(["-c", &shell]).stdout(Stdio::null()).status();
    found.is_ok_and(|status| status.success())
}

#[test]
fn machines_of_libvirt_are_sold_by_a_shell_script() {
    for program in ["virsh", "jq", "xorrisofs"] {
        if !is_there(program) {
            return skip(&format!("{program} is not installed"));
        }
    }
    let libvirt = tempfile::tempdir().unwrap();
    let virsh = at_root("tests/samples/command/virsh");
    let v = |words: &[&str]| {
        let mut command = Command::new(&virsh);
        command.args(["-q", "-c"]).arg(libvirt.path()).args(words);
        let output = command.output().unwrap();
        assert!(output.status.success(), "{words:?}: {output:?}");
        String::from_utf8(output.stdout).unwrap()
    };
    v(&["vol-create-as", "default-pool", "debian.qcow2", "1GiB", "--format", "qcow2"]);
    let parameters = json!({ "base": "debian.qcow2", "pool": "default-pool", "type": "test" });
    let plugin = with_example(
        "virsh.sh",
        &[libvirt.path(), &virsh],
        &json!({ "configurations": [
            { "id": "1", "descr": "one", "parameters": parameters },
            { "id": "2", "descr": "two", "parameters": { "base": "no.qcow2", "pool": "default-pool" } },
        ] }),
    );
    let sold = plugin.run(&["catalog", "--json"]).json();
    assert_eq!(sold["configurations"][0]["parameters"]["base"], "debian.qcow2", "{sold}");

    let id = plugin.order();
    let address = plugin.finished(&id);
    assert!(address.starts_with("192.168.122."), "{address}");
    let stored = plugin.stored(&id);
    let (key, name) = (stored["key"].as_str().unwrap(), stored["hostname"].as_str().unwrap());
    assert_eq!(stored["server_id"], key);
    assert_eq!(v(&["domname", key]).trim(), name);
    assert!(v(&["vol-list", "default-pool"]).contains(&format!("{name}.qcow2")));
    // The seed has what the machine's first start needs.
    let seed = std::fs::read(libvirt.path().join(format!("{name}.iso.uploaded"))).unwrap();
    let seed = String::from_utf8_lossy(&seed).into_owned();
    let password = stored["password"].as_str().unwrap();
    assert!(seed.contains("#cloud-config") && seed.contains(password), "the seed lacks something");

    plugin.run(&["orders", "release", &id, "--yes"]).prints();
    assert!(!v(&["list", "--all", "--uuid"]).contains(key));
    assert!(!v(&["vol-list", "default-pool"]).contains(name), "nothing of it is left");

    let id = plugin.run(&["order", "2"]).succeeds()["task_id"].as_str().unwrap().to_owned();
    assert_eq!(plugin.failed(&id), "there is no volume no.qcow2 in default-pool");
}

/// What finds a machine early in a long list must not be what makes it seem that there is none.
#[test]
fn a_machine_of_libvirt_is_found_among_thousands() {
    for program in ["jq", "xorrisofs"] {
        if !is_there(program) {
            return skip(&format!("{program} is not installed"));
        }
    }
    let folder = tempfile::tempdir().unwrap();
    let virsh = folder.path().join("virsh");
    let key = "01890a5d-ac96-774b-bcce-b302099a8057";
    let script = format!("#!/bin/sh\necho {key}; seq -f 'another-%.0f' 20000\n");
    std::fs::write(&virsh, script).unwrap();
    std::fs::set_permissions(&virsh, std::fs::Permissions::from_mode(0o700)).unwrap();
    let order = json!({ "key": key, "hostname": "webdir-17-b302099a8057" });
    let request = json!({ "verb": "find", "order": order, "parameters": {} }).to_string();
    let asked = folder.path().join("request");
    std::fs::write(&asked, request).unwrap();
    for _ in 0..10 {
        let mut command = Command::new("bash");
        command.arg(at_root("docs/virsh.sh")).arg("test:///default").arg(&virsh);
        let output = command.stdin(std::fs::File::open(&asked).unwrap()).output().unwrap();
        let answer: Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(answer, json!({ "servers": [{ "server_id": key }] }), "{output:?}");
    }
}

/// A management controller, ended with this.
struct Controller(Child, String);

impl Controller {
    fn start() -> Self {
        let mut command = Command::new("python3");
        command.arg(at_root("tests/samples/command/bmc.py")).stdout(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let mut port = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut port).unwrap();
        Self(child, port.trim().to_owned())
    }
}

impl Drop for Controller {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn machines_of_a_rack_are_handed_out_by_a_program_in_python() {
    if !is_there("python3") {
        return skip("python3 is not installed");
    }
    let controller = Controller::start();
    let rack = tempfile::tempdir().unwrap();
    let (file, seeds) = (rack.path().join("rack.json"), rack.path().join("seeds"));
    let url = format!("http://127.0.0.1:{}/redfish/v1/Systems/1", controller.1);
    let machine = json!({ "id": "r1u07", "class": "small", "server": "192.0.2.7", "bmc": url });
    let text = json!({ "seeds": seeds, "machines": [machine] }).to_string();
    std::fs::write(&file, text).unwrap();
    let plugin = with_example(
        "rack.py",
        &[&file],
        &json!({
            "credentials": { "user": "admin", "password": format!("{CANARY}-bmc") },
            "configurations": [{ "id": "1", "descr": "one", "parameters": { "class": "small" } }],
        }),
    );
    let id = plugin.order();
    assert_eq!(plugin.finished(&id), "192.0.2.7");
    let stored = plugin.stored(&id);
    assert_eq!(stored["server_id"], "r1u07");
    let seed = std::fs::read_to_string(seeds.join("r1u07/user-data")).unwrap();
    assert!(seed.contains(stored["password"].as_str().unwrap()), "{seed}");
    let reason = plugin.failed(&plugin.order());
    assert_eq!(reason, "no machine of class small is free");
    plugin.run(&["orders", "release", &id, "--yes"]).prints();
    assert!(!seeds.join("r1u07/user-data").exists(), "its password is gone with it");
    let again = plugin.order();
    assert_eq!(plugin.finished(&again), "192.0.2.7");
}
