//! `webhooks filter`.

use serde::Serialize;

use super::draft::Draft;
use super::list::{named, tell};
use super::names::at;
use crate::admin::{become_owner, printed, table};
use crate::answer;
use crate::cli::{AddFilter, DeleteFilter, Filters, NamedWebhook};
use crate::error::Error;
use crate::home::Home;
use crate::webhook::file::{Filter, Webhook};

/// The answer to `webhooks filter list --json`.
#[derive(Debug, Serialize)]
struct List<'a> {
    /// The filters, numbered from 1.
    filters: Vec<Numbered<'a>>,
}

#[derive(Debug, Serialize)]
struct Numbered<'a> {
    number: usize,
    #[serde(flatten)]
    filter: &'a Filter,
}

pub(super) fn run(home: &Home, command: Filters) -> Result<u8, Error> {
    match command {
        Filters::Add(options) => add(home, options),
        Filters::List(options) => list(home, &options),
        Filters::Delete(options) => delete(home, &options),
    }
}

fn add(home: &Home, options: AddFilter) -> Result<u8, Error> {
    let AddFilter { name, value, flags, output } = options;
    let filter = Filter {
        mode: flags.mode.unwrap_or_default(),
        r#match: flags.matching.unwrap_or_default(),
        value,
    };
    change(home, &name, output.json, "filter added", |webhook| {
        webhook.filters.push(filter);
        Ok(())
    })
}

fn delete(home: &Home, options: &DeleteFilter) -> Result<u8, Error> {
    change(home, &options.name, options.output.json, "filter deleted", |webhook| {
        remove(&mut webhook.filters, options)
    })
}

/// Removes the filter of a number, or all that are as described.
fn remove(filters: &mut Vec<Filter>, options: &DeleteFilter) -> Result<(), Error> {
    if let Some(number) = options.number {
        let count = filters.len();
        if !(1..=count).contains(&number) {
            return Err(Error::usage(format!("no filter {number}: there are {count}")));
        }
        filters.remove(number - 1);
        return Ok(());
    }
    let flags = &options.flags;
    let before = filters.len();
    filters.retain(|filter| {
        let same = Some(&filter.value) == options.value.as_ref()
            && flags.mode.is_none_or(|mode| mode == filter.mode)
            && flags.matching.is_none_or(|matching| matching == filter.r#match);
        !same
    });
    if filters.len() == before {
        let value = options.value.as_deref().unwrap_or_default();
        return Err(Error::usage(format!("no such filter with value `{value}`")));
    }
    Ok(())
}

fn change(
    home: &Home,
    name: &str,
    json: bool,
    done: &str,
    change: impl FnOnce(&mut Webhook) -> Result<(), Error>,
) -> Result<u8, Error> {
    let mut editor = at(home, name)?;
    let mut webhook = editor.find(name)?.clone();
    change(&mut webhook)?;
    let draft = Draft::of(webhook, editor.side(), editor.folder());
    editor.put(home, &draft)?;
    drop(editor);
    become_owner(home)?;
    tell(home, draft.webhook, None, json, Some(done))
}

fn list(home: &Home, options: &NamedWebhook) -> Result<u8, Error> {
    become_owner(home)?;
    let webhook = named(home, &options.name)?;
    let numbered = webhook.filters.iter().enumerate();
    let filters: Vec<Numbered<'_>> =
        numbered.map(|(index, filter)| Numbered { number: index + 1, filter }).collect();
    if options.output.json {
        return printed(answer::pretty_json(&List { filters }));
    }
    if filters.is_empty() {
        return printed(answer::text("no filters\n"));
    }
    let rows = filters.iter().map(|one| {
        let Filter { mode, r#match, value } = one.filter;
        vec![one.number.to_string(), word(mode), word(r#match), value.clone()]
    });
    printed(answer::text(&table::render(&["NUMBER", "MODE", "MATCH", "VALUE"], rows)))
}

fn word(value: &impl Serialize) -> String {
    let value = serde_json::to_value(value).unwrap_or_default();
    value.as_str().unwrap_or_default().to_owned()
}
