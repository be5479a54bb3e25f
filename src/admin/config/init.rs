//! `config init`: a configuration file from a definition, what the hoster sells, and answers.

use std::sync::Arc;

use serde_json::json;

use super::account::{self, Account};
use super::ask::Dialog;
use super::choose::{Chooser, Parameters, Wish, typed};
use super::draft::{Draft, Item, Limits, OPEN_ORDERS, ORDERS_PER_DAY};
use super::{edit, faults, file_name, set, stock};
use crate::admin::{become_owner, catalog, check, printed};
use crate::answer;
use crate::cli::{Check, Init, Output};
use crate::config::Config;
use crate::definition::http::{Http, PasswordWay};
use crate::definition::{self, Definition};
use crate::error::Error;
use crate::home::Home;
use crate::hoster;
use crate::order::Access;
use crate::system::OPEN_PLAINLY;

pub(super) fn run(home: &Home, options: &Init) -> Result<u8, Error> {
    let given = account::read(options)?;
    become_owner(home)?;
    replaceable(home, options)?;
    let dialog = Dialog::new(options.yes);
    let (draft, account) = match definition::load(home, &options.definition)? {
        Definition::Inventory(_) => (of_inventory(options, &dialog)?, Account::default()),
        Definition::Http(http) => {
            let account = account::ask(home, options, &dialog, &http, given)?;
            (of_hoster(home, options, &dialog, &http, &account)?, account)
        }
    };
    let text = draft.text()?;
    let example = stock::is_wanted(home, options, &dialog)?;
    let notes = looked_through(home, &text)?;
    dialog.say(&format!("\n{text}"));
    if !dialog.yes(&format!("Write {}?", home.config().display()), true)? {
        return Err(Error::usage("nothing was written"));
    }
    write(home, options, &text, &account, example)?;
    for note in notes {
        answer::complain(&note);
    }
    finish(home, options, &draft)
}

/// Refuses to replace a file in which something can be ordered; returns the old text, if any.
///
/// # Errors
/// `usage`, asking for `--force`.
fn replaceable(home: &Home, options: &Init) -> Result<Option<String>, Error> {
    let path = home.config();
    if std::fs::symlink_metadata(&path).is_err() {
        return Ok(None);
    }
    let old = set::read(&path, OPEN_PLAINLY);
    if options.force {
        return old.map(Some).or_else(|error| {
            if path.is_symlink() || !path.is_file() {
                return Err(error);
            }
            // Whatever is in it, it is kept.
            std::fs::read_to_string(&path).map(Some).map_err(|_| error)
        });
    }
    let old = old?;
    let sells = Config::parse(old.as_bytes())
        .map_or(true, |config| !config.configurations.is_empty() && !stock::is_bare(home, &config));
    if sells {
        return Err(Error::usage(format!(
            "{} sells something already: change it with `config set`, or replace it with `--force`, \
             which keeps the old one as {}.bak",
            path.display(),
            file_name(home)
        )));
    }
    Ok(Some(old))
}

fn of_inventory(options: &Init, dialog: &Dialog) -> Result<Draft, Error> {
    let has_no_use = [
        ("--base-url", options.base_url.is_some()),
        ("--credential", !options.credential.is_empty()),
        ("--plan", !options.plan.is_empty()),
        ("--set", !options.set.is_empty()),
        ("--access", options.access.is_some()),
    ];
    if let Some((flag, _)) = has_no_use.iter().find(|(_, given)| *given) {
        return Err(Error::usage(format!("{flag}: an inventory has no use for it")));
    }
    let count = options.id.len().max(options.descr.len()).max(1);
    let ids = (0..count).map(|number| ((number + 1).to_string(), "Server".to_owned()));
    let items = ids.map(|(id, descr)| Item { id, descr, parameters: Parameters::new() });
    let configurations = named(options, dialog, items.collect())?;
    let limits = limits(options, dialog)?;
    let definition = options.definition.clone();
    Ok(Draft {
        definition,
        base_url: None,
        credentials: std::collections::BTreeMap::new(),
        configurations,
        limits,
        access: None,
    })
}

fn of_hoster(
    home: &Home,
    options: &Init,
    dialog: &Dialog,
    http: &Arc<Http>,
    account: &Account,
) -> Result<Draft, Error> {
    let set = parameters(options, http)?;
    let plan = http.catalog.as_ref().and_then(|all| http.parameters.get(&all.plan));
    let plans: Vec<_> = options.plan.iter().map(|text| typed(text, plan)).collect();
    let has_plans = http.catalog.is_some() || tells_all(http);
    if !plans.is_empty() && !has_plans {
        return Err(Error::usage(format!("--plan: {} has no catalogue of plans", http.title)));
    }
    let chooser = Chooser { dialog, http, set: &set, plans: &plans };
    let example = &http.example;
    let items = if options.offline {
        items(chooser.offline(), &example.descr)
    } else {
        // Only what is given here is read: nothing is in its place yet.
        let config = json!({
            "definition": options.definition,
            "base_url": account.base_url,
            "credentials": account.exposed(),
            "configurations": [{ "id": "1", "descr": "", "parameters": example.parameters }],
        });
        let invalid = |problem| Error::ConfigurationInvalid { path: home.config(), problem };
        let config = Config::parse(config.to_string().as_bytes()).map_err(invalid)?;
        let hoster = hoster::account::open(home, &config, http.clone())?;
        let (title, name) = (http.title.clone(), &options.definition);
        let failed = |trouble: hoster::http::Trouble| trouble.error_of(&title, name);
        if tells_all(http) {
            let told = catalog::told(&hoster.choosing(set.clone()), &set).map_err(failed)?;
            chooser.among(&told)?
        } else {
            items(chooser.online(hoster, failed)?, &example.descr)
        }
    };
    Ok(Draft {
        definition: options.definition.clone(),
        base_url: account.base_url.clone(),
        credentials: account.named(),
        configurations: named(options, dialog, items)?,
        access: access(options, dialog, http)?,
        limits: limits(options, dialog)?,
    })
}

/// Returns whether a program tells whole configurations, instead of choices of parameters.
fn tells_all(http: &Http) -> bool {
    http.program.as_ref().is_some_and(|program| program.catalog.is_some())
}

fn parameters(options: &Init, http: &Http) -> Result<Parameters, Error> {
    let one = |(name, text): &(String, String)| {
        if http.catalog.as_ref().is_some_and(|catalog| catalog.plan == *name) {
            return Err(Error::usage(format!("--set {name}: that is the plan: use `--plan`")));
        }
        Ok((name.clone(), typed(text, http.parameters.get(name))))
    };
    options.set.iter().map(one).collect()
}

/// Makes a configuration of each plan, with what all have in common.
fn items(wish: Wish, example: &str) -> Vec<Item> {
    if wish.plans.is_empty() {
        let id = "1".to_owned();
        return vec![Item { id, descr: example.to_owned(), parameters: wish.shared }];
    }
    let shared = wish.shared;
    let item = |plan: super::choose::Plan| {
        let mut parameters = shared.clone();
        parameters.extend(plan.parameters);
        let descr = plan.label.unwrap_or_else(|| plan.name.clone());
        Item { id: catalog::id_of(&plan.name.into()), descr, parameters }
    };
    wish.plans.into_iter().map(item).collect()
}

/// Gives configurations the ids and descriptions that flags or answers have.
fn named(options: &Init, dialog: &Dialog, mut items: Vec<Item>) -> Result<Vec<Item>, Error> {
    for (flag, given) in [("--id", options.id.len()), ("--descr", options.descr.len())] {
        if given > items.len() {
            let count = items.len();
            return Err(Error::usage(format!(
                "{flag} was given {given} times; plans chosen: {count}"
            )));
        }
    }
    dialog.say("");
    for (number, item) in items.iter_mut().enumerate() {
        item.id = match options.id.get(number) {
            Some(id) => id.clone(),
            None => dialog.text("id, for scripts and the panel", &item.id)?,
        };
        item.descr = match options.descr.get(number) {
            Some(descr) => descr.clone(),
            None => dialog.text("what the panel shows", &item.descr)?,
        };
    }
    Ok(items)
}

fn limits(options: &Init, dialog: &Dialog) -> Result<Limits, Error> {
    let ask = |given: Option<u64>, what, proposal| match given {
        Some(given) => Ok(given),
        None => dialog.number(what, proposal),
    };
    Ok(Limits {
        open_orders: ask(options.open_orders, "orders open at once, at most", OPEN_ORDERS)?,
        orders_per_day: ask(options.orders_per_day, "orders per day, at most", ORDERS_PER_DAY)?,
    })
}

fn access(options: &Init, dialog: &Dialog, http: &Http) -> Result<Option<Access>, Error> {
    if http.password == PasswordWay::None {
        return Ok(Some(options.access.unwrap_or(Access::Key)));
    }
    let chosen = match options.access {
        Some(access) => access,
        None => loop {
            match dialog.text("the pool gets in by `password` or `key`", "password")?.as_str() {
                "password" => break Access::Password,
                "key" => break Access::Key,
                other => dialog.say(&format!("`{other}` is neither")),
            }
        },
    };
    Ok((chosen != Access::Password).then_some(chosen))
}

/// Checks what is to be written; returns what remains to be said.
///
/// # Errors
/// `usage`, naming the key and the fault.
fn looked_through(home: &Home, text: &str) -> Result<Vec<String>, Error> {
    let refused = |problem| Error::usage(format!("nothing was written: {problem}"));
    let config = Config::parse(text.as_bytes()).map_err(refused)?;
    let found = faults::of(home, &config)?;
    if let Some(fault) = found.wrong.into_iter().chain(found.missing).next() {
        return Err(refused(fault));
    }
    let old = Config::load(home).ok();
    let moved = old
        .is_some_and(|old| old.definition != config.definition || old.base_url != config.base_url);
    Ok(if moved { set::open_orders(home)?.into_iter().collect() } else { Vec::new() })
}

/// Writes the credentials, then the file that names them.
fn write(
    home: &Home,
    options: &Init,
    text: &str,
    account: &Account,
    example: bool,
) -> Result<(), Error> {
    let edit = edit(home)?;
    // Somebody may have been faster while questions were answered.
    let old = replaceable(home, options)?;
    for (file, secret) in account.new_files() {
        edit.replace(file, format!("{}\n", secret.expose()).as_bytes())?;
    }
    if example {
        edit.replace(stock::FILE, stock::example(text).as_bytes())?;
    }
    let name = file_name(home);
    if let Some(old) = old {
        edit.replace(&format!("{name}.bak"), old.as_bytes())?;
    }
    edit.replace(&name, text.as_bytes())
}

/// Looks for mistakes, and says what comes next.
fn finish(home: &Home, options: &Init, draft: &Draft) -> Result<u8, Error> {
    printed(answer::text(&format!("{} is written\n", home.config().display())))?;
    let program = home.executable.display().to_string();
    let program = match &home.holder {
        Some(holder) if !home.executable.starts_with(holder) => {
            format!("{program} --home {}", holder.display())
        }
        _ => program,
    };
    let id = draft.configurations.first().map_or("1", |first| first.id.as_str());
    let status = if options.offline {
        printed(answer::text(&format!("next: {program} check\n")))?
    } else {
        check::run(home, &Check { fix: false, output: Output { json: false } })?
    };
    let next = if draft.credentials.is_empty() && draft.definition == "inventory" {
        "next: write your servers into etc/inventory.json, then call `check`\n".to_owned()
    } else {
        format!("next: {program} orders preview {id}\n")
    };
    printed(answer::text(&next))?;
    Ok(status)
}
