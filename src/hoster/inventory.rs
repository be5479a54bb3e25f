//! Servers that exist already, listed in `etc/inventory.json` and handed out one by one.

use std::borrow::Cow;
use std::collections::HashSet;
use std::path::PathBuf;

use serde::Deserialize;

use crate::clock::Timestamp;
use crate::error::Error;
use crate::home::Home;
use crate::order::{Order, Step, TaskId};
use crate::secret::Secret;
use crate::store::Book;
use crate::system::OPEN_AT_ONCE;
use crate::{json, name};

/// The largest inventory that is read, in bytes: some hundred thousand servers.
const LARGEST: u64 = 16 << 20;

/// The password in the example of an inventory, which nobody's server has.
pub(crate) const EXAMPLE_PASSWORD: &str = "ReplaceThisPassword";

/// The inventory file, `etc/inventory.json`; its texts are borrowed from the file's bytes, for it is
/// read by every `order` and may be long.
#[derive(Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[cfg_attr(test, schemars(title = "Inventory of servers, etc/inventory.json"))]
#[serde(deny_unknown_fields)]
pub(crate) struct Inventory<'a> {
    /// Where an editor finds this schema.
    #[serde(rename = "$schema", borrow)]
    #[expect(dead_code, reason = "for editors only")]
    schema: Option<Text<'a>>,
    /// The servers, in the order in which they are handed out.
    #[serde(borrow)]
    pub(crate) servers: Vec<Server<'a>>,
}

/// A server that exists already.
#[derive(Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(crate) struct Server<'a> {
    /// Its address: an IPv4 address, or a name that leads to one. Stands here once.
    #[cfg_attr(test, schemars(regex(pattern = "^[A-Za-z0-9:][A-Za-z0-9.:_-]{0,252}$")))]
    #[serde(borrow)]
    pub(crate) server: Cow<'a, str>,
    /// Its root password; absent where the pool's key is on it.
    #[serde(borrow)]
    server_password: Option<Text<'a>>,
    /// The ids of the configurations that it can be handed out as.
    #[serde(borrow)]
    configurations: Vec<Text<'a>>,
}

/// A text of the file. It may be a password, so there is no way to print it by accident.
#[derive(Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(transparent)]
struct Text<'a>(#[serde(borrow)] Cow<'a, str>);

impl Server<'_> {
    /// Returns whether the server can be handed out as that configuration.
    pub(crate) fn fits(&self, configuration: &str) -> bool {
        self.configurations.iter().any(|known| known.0 == configuration)
    }

    /// Returns whether the panel can pass the password on, if there is one: it goes through a shell and
    /// `expect`, so letters and digits only.
    pub(crate) fn has_plain_password(&self) -> bool {
        let plain =
            |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric());
        self.server_password.as_ref().is_none_or(|text| plain(&text.0))
    }

    /// Returns whether the password is still that of the example to fill in.
    pub(crate) fn is_to_be_filled_in(&self) -> bool {
        self.server_password.as_ref().is_some_and(|text| text.0 == EXAMPLE_PASSWORD)
    }

    /// Returns the ids of the configurations that it can be handed out as.
    pub(crate) fn configurations(&self) -> impl Iterator<Item = &str> {
        self.configurations.iter().map(|id| &*id.0)
    }
}

impl Inventory<'_> {
    /// Returns whether the file lists that server.
    pub(crate) fn lists(&self, server: &str) -> bool {
        self.servers.iter().any(|listed| listed.server.eq_ignore_ascii_case(server))
    }
}

/// Returns the path of the inventory file.
pub(crate) fn path(home: &Home) -> PathBuf {
    home.etc.join("inventory.json")
}

/// Reads the bytes of the inventory file, for [`parse`].
///
/// # Errors
/// `configuration_invalid`, naming the file.
pub(crate) fn read(home: &Home) -> Result<Vec<u8>, Error> {
    let path = path(home);
    json::read_file(&path, OPEN_AT_ONCE, LARGEST).map(|(bytes, _)| bytes).map_err(|error| {
        Error::ConfigurationInvalid { path, problem: format!("cannot read it: {error}") }
    })
}

/// Parses an inventory and checks what the types cannot say.
///
/// # Errors
/// `configuration_invalid`, naming the file, the place and the fault.
pub(crate) fn parse<'a>(home: &Home, bytes: &'a [u8]) -> Result<Inventory<'a>, Error> {
    checked(bytes).map_err(|problem| Error::ConfigurationInvalid { path: path(home), problem })
}

/// The same, but for the name of the file.
///
/// # Errors
/// A sentence that names the place and the fault.
pub(crate) fn checked(bytes: &[u8]) -> Result<Inventory<'_>, String> {
    let inventory: Inventory<'_> = json::parse(bytes)?;
    let mut seen = HashSet::with_capacity(inventory.servers.len());
    for (index, Server { server, .. }) in inventory.servers.iter().enumerate() {
        if !name::is_host(server) {
            return Err(format!(
                "servers[{index}].server: `{server}` is neither an address nor a host name"
            ));
        }
        if !seen.insert(lower_case(server)) {
            return Err(format!("servers[{index}].server: `{server}` stands in the file before"));
        }
    }
    drop(seen);
    Ok(inventory)
}

/// Host names mean the same in either case; most are in lower case already.
fn lower_case(server: &str) -> Cow<'_, str> {
    if server.bytes().any(|byte| byte.is_ascii_uppercase()) {
        Cow::Owned(server.to_ascii_lowercase())
    } else {
        Cow::Borrowed(server)
    }
}

/// Claims a free server for a new order and copies it into the order.
///
/// # Errors
/// `out_of_stock` where all servers of the configuration are held.
pub(crate) fn claim(
    home: &Home,
    inventory: &Inventory<'_>,
    book: &mut Book<'_>,
    order: &mut Order,
    now: Timestamp,
) -> Result<(), Error> {
    let id = &order.configuration.id;
    let fitting: Vec<&Server<'_>> =
        inventory.servers.iter().filter(|server| server.fits(id)).collect();
    let names: Vec<&str> = fitting.iter().map(|server| &*server.server).collect();
    let Some(index) = book.claim_one_of(&names, order.task_id, now)? else {
        return Err(Error::OutOfStock { configuration: id.clone(), path: path(home) });
    };
    let Server { server, server_password, .. } = fitting[index];
    order.server = Some(server.clone().into_owned());
    order.password = server_password.as_ref().map(|text| Secret::from(text.0.clone().into_owned()));
    Ok(())
}

/// Does what an order of the inventory needs next; returns what was done, in words.
///
/// The claim changes before the order does where the order gives the server up for good, so that
/// a crash in between leaves the server held rather than free.
pub(crate) fn step(
    book: &mut Book<'_>,
    order: &mut Order,
    event: uuid::Uuid,
    now: Timestamp,
) -> Result<String, Error> {
    let id = order.task_id;
    let server = order.server.clone().unwrap_or_default();
    let done = match order.next() {
        Step::GoOn => match conflict(book, &server, id, now)? {
            None => {
                order.finish(event, now);
                format!("server {server} handed over")
            }
            Some(reason) => {
                order.fail(reason.clone(), event, now);
                reason
            }
        },
        Step::Cancel => {
            order.cancel(event, now);
            book.settle(order)?;
            book.unclaim(&server, id, now)?;
            return Ok(format!("cancelled; server {server} is free again"));
        }
        Step::Release => {
            book.quarantine(&server, id, now)?;
            order.release(event, now);
            format!("server {server} given back; it waits in quarantine until it is clean")
        }
        Step::File => return Ok("nothing is left to do".to_owned()),
    };
    book.settle(order)?;
    Ok(done)
}

/// Returns why the order cannot have its server, if it cannot.
fn conflict(
    book: &mut Book<'_>,
    server: &str,
    id: TaskId,
    now: Timestamp,
) -> Result<Option<String>, Error> {
    if server.is_empty() {
        return Ok(Some("the order's file names no server".to_owned()));
    }
    let other = book.confirm_claim(server, id, now)?;
    Ok(other.map(|other| format!("server {server} is held by order {other}")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_server_that_stands_twice_is_refused_in_either_case() {
        let text = br#"{"servers":[{"server":"A.example","configurations":[]},
            {"server":"a.EXAMPLE","configurations":[]}]}"#;
        let problem = checked(text).err().unwrap();
        assert_eq!(problem, "servers[1].server: `a.EXAMPLE` stands in the file before");
    }

    #[test]
    fn a_server_that_could_leave_the_claims_folder_is_refused() {
        let text = br#"{"servers":[{"server":"../lock","configurations":[]}]}"#;
        assert!(checked(text).err().unwrap().contains("`../lock`"));
    }

    proptest! {
        #[test]
        fn any_bytes_are_parsed_or_refused_without_a_panic(bytes: Vec<u8>) {
            let _ = checked(&bytes);
        }
    }
}
