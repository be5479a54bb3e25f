//! What a server runs at its first start, so that the pool gets in as root: cloud-init user-data.
//!
//! Pure. The facts were confirmed in the sources of cloud-init 19.4 (Enterprise Linux 7) and 26.2,
//! <https://github.com/canonical/cloud-init>:
//!
//! * `bootcmd` runs in the network stage, and its unit is ordered before sshd's: what is done there
//!   is done when the server first says `SSH-`. `set_passwords` runs a stage later in old releases,
//!   so on its own it leaves a moment in which sshd refuses the password.
//! * `bootcmd` runs at every start; `cloud-init-per instance` makes it once.
//! * `chpasswd.list` is all that 19.4 knows, `chpasswd.users` what 22.3 and later want. Both set the
//!   same password, and a release takes what it knows.
//! * `ssh_pwauth` and `disable_root` do not touch `PermitRootLogin`, which is `prohibit-password`
//!   unless set (`sshd_config(5)`). The script does.

mod mime;
#[cfg(test)]
mod tests;

use serde_json::{Value, json};

use crate::public_key;

/// The largest user-data that is sent, in bytes.
///
/// EC2 takes 16 KB before base64
/// (<https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/instancedata-add-user-data.html>) and is
/// the narrowest of the hosters; Linode's description says 65535 and "about 16kb", Hetzner takes
/// 32 KiB, `DigitalOcean` 64 KiB, Nova 65535 bytes of base64. One limit for all keeps a
/// configuration portable.
const LARGEST: usize = 16 * 1024;

/// Makes root's login work and writes sshd's settings; its comments go with it.
const SCRIPT: &str = include_str!("user_data/root.sh");

/// How the pool gets into the server.
#[derive(Clone, Copy)]
pub(crate) enum Access<'a> {
    /// By root's password, letters and digits.
    Password(&'a str),
    /// By a public key, one line as in `authorized_keys`.
    Key(&'a str),
}

/// Returns the user-data of a server with this host name, `own` being the configuration's.
///
/// Where `own` is a cloud-config too, the two are merged: lists grow, `own` keeps its host name,
/// and what the pool needs is set whatever `own` says of it.
///
/// # Errors
/// One sentence: a password that is not letters and digits (not repeated), a public key or a host
/// name that is none, an `own` of a kind that cloud-init would ignore, a result of more than
/// 16 KiB.
pub(crate) fn compose(
    access: Access<'_>,
    hostname: &str,
    own: Option<&str>,
) -> Result<String, String> {
    check_hostname(hostname)?;
    let settings = settings(access, hostname)?;
    let text = match own.filter(|text| !text.trim().is_empty()) {
        None => {
            let mut all = settings.lists;
            for (name, value) in settings.forced {
                // Where nothing is merged, what would be patched in is written straight away.
                match name {
                    "/chpasswd/expire" => all["chpasswd"]["expire"] = value,
                    name => all[name.trim_start_matches('/')] = value,
                }
            }
            cloud_config(&all)
        }
        Some(own) => mime::join(&[mime::Part::own(own)?], &after(settings)),
    };
    if text.len() > LARGEST {
        return Err(format!(
            "`user_data` is too long: with what the pool needs it has {} bytes, and {LARGEST} is \
             the most that every hoster takes (an `#include` of a URL is short)",
            text.len()
        ));
    }
    Ok(text)
}

/// What cloud-init is told, apart from how it is merged.
struct Settings {
    /// Lists, which grow where the configuration's own user-data has them too, and what it may
    /// overrule.
    lists: Value,
    /// Values by JSON pointer, which hold whatever the configuration's own user-data says.
    forced: Vec<(&'static str, Value)>,
}

fn settings(access: Access<'_>, hostname: &str) -> Result<Settings, String> {
    let run = |kind: &str, value: &str| {
        json!([[
            "cloud-init-per",
            "instance",
            "webdir_provider",
            "sh",
            "-c",
            SCRIPT,
            "sh",
            kind,
            value
        ]])
    };
    match access {
        Access::Password(password) => {
            if password.is_empty() || !password.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
                return Err("the root password is not made of letters and digits only".to_owned());
            }
            Ok(Settings {
                lists: json!({
                    "hostname": hostname,
                    "bootcmd": run("password", password),
                    "chpasswd": {
                        "list": [format!("root:{password}")],
                        "users": [{"name": "root", "password": password, "type": "text"}],
                    },
                }),
                forced: vec![
                    ("/chpasswd/expire", false.into()),
                    ("/disable_root", false.into()),
                    ("/ssh_pwauth", true.into()),
                ],
            })
        }
        Access::Key(key) => {
            let key = public_key::check(key)?;
            Ok(Settings {
                lists: json!({
                    "hostname": hostname,
                    "bootcmd": run("key", &key),
                    "ssh_authorized_keys": [key],
                }),
                forced: vec![("/disable_root", false.into())],
            })
        }
    }
}

/// The parts behind the configuration's own: of two cloud-configs the later says how it is merged
/// into the earlier.
fn after(settings: Settings) -> [mime::Part; 2] {
    let Settings { mut lists, forced } = settings;
    lists["merge_how"] = json!([
        {"name": "list", "settings": ["append"]},
        {"name": "dict", "settings": ["no_replace", "recurse_list"]},
    ]);
    // A merge that lets lists grow cannot replace a value; a patch can.
    let patch: Value = forced
        .into_iter()
        .map(|(path, value)| json!({"op": "add", "path": path, "value": value}))
        .collect();
    [
        mime::Part::of("text/cloud-config", "pool", &cloud_config(&lists)),
        mime::Part::of(
            "text/cloud-config-jsonp",
            "pool-last",
            &format!("#cloud-config-jsonp\n{patch}\n"),
        ),
    ]
}

/// JSON is YAML.
fn cloud_config(value: &Value) -> String {
    format!("#cloud-config\n{value:#}\n")
}

fn check_hostname(name: &str) -> Result<(), String> {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.');
    if name.is_empty() || name.len() > 253 || name.starts_with('-') || !name.bytes().all(allowed) {
        return Err(format!("`{}` is no host name", name.escape_debug()));
    }
    Ok(())
}
