//! `webhooks create`, `update`, `delete` and `rotate`.

use std::time::Duration;

use super::draft::Draft;
use super::editor::{Editor, only_root};
use super::input::{self, Input};
use super::list::tell;
use super::names::{at, names_in, of_machine, of_providers};
use crate::admin::{become_owner, confirm, printed};
use crate::cli::{CreateWebhook, DeleteWebhook, RotateWebhook, ScopeFlag, UpdateWebhook};
use crate::clock::{self, Timestamp};
use crate::delivery::{Delivery, Health, State};
use crate::error::Error;
use crate::home::Home;
use crate::secret::Secret;
use crate::store::{Shelf, Store};
use crate::webhook::file::SigningSecret;
use crate::webhook::load::Side;
use crate::webhook::sign;
use crate::{answer, worker};

pub(super) fn create(home: &Home, options: CreateWebhook) -> Result<u8, Error> {
    let input = Input::read(&options.settings)?;
    let (side, scope) = match options.scope {
        None | Some(ScopeFlag::Local) => (Side::Local, None),
        Some(ScopeFlag::Machine(scope)) => (Side::Machine, Some(scope)),
    };
    let sees_all = names_in(home, Side::Machine).is_ok();
    let taken = match side {
        Side::Local => of_machine(home),
        Side::Machine => {
            only_root(home)?;
            of_providers(home)
        }
    };
    if side == Side::Local {
        become_owner(home)?;
    }
    let mut editor = Editor::open(home, side)?;
    let name = options.name;
    if editor.find(&name).is_ok() {
        return Err(Error::usage(format!("webhook `{name}` exists already")));
    }
    if taken.contains(&name) {
        let where_it_is = match side {
            Side::Local => "the machine has a webhook of that name",
            Side::Machine => "a provider of this machine has a webhook of that name",
        };
        return Err(Error::usage(format!("webhook `{name}` exists already: {where_it_is}")));
    }
    if is_awaited(home, &name)? {
        let root = if sees_all { "" } else { "root's " };
        return Err(Error::usage(format!(
            "deliveries still wait for one of that name, and are not for another receiver: \
             {root}`webhooks delete {name}` gives them up"
        )));
    }
    let mut draft = Draft::new(&name, options.kind, side, editor.folder())?;
    draft.apply(options.settings, input)?;
    draft.webhook.enabled = !options.disabled;
    draft.webhook.scope = scope;
    editor.put(home, &draft)?;
    drop(editor);
    become_owner(home)?;
    forgive(&Store::of(home), &name)?;
    let done = format!("webhook `{name}` created");
    tell(home, draft.webhook, draft.generated, options.output.json, Some(&done))
}

pub(super) fn update(home: &Home, options: UpdateWebhook) -> Result<u8, Error> {
    let input = Input::read(&options.settings)?;
    let mut editor = at(home, &options.name)?;
    let webhook = editor.find(&options.name)?.clone();
    let mut draft = Draft::of(webhook, editor.side(), editor.folder());
    draft.clear(&options.clear)?;
    draft.apply(options.settings, input)?;
    draft.webhook.enabled = (draft.webhook.enabled || options.enabled) && !options.disabled;
    match (options.scope, editor.side()) {
        (None, _) | (Some(ScopeFlag::Local), Side::Local) => {}
        (Some(ScopeFlag::Machine(scope)), Side::Machine) => draft.webhook.scope = Some(scope),
        _ => {
            return Err(Error::usage(
                "a webhook stays in the file it is in: create it anew in the other, then delete this",
            ));
        }
    }
    editor.put(home, &draft)?;
    drop(editor);
    become_owner(home)?;
    if options.enabled {
        resume(home, &options.name)?;
    }
    let done = format!("webhook `{}` changed", options.name);
    tell(home, draft.webhook, draft.generated, options.output.json, Some(&done))
}

pub(super) fn delete(home: &Home, options: &DeleteWebhook) -> Result<u8, Error> {
    let name = &options.name;
    let question = format!("Delete webhook `{name}` and give up what it was not sent yet?");
    // Nobody is asked while others wait for the lock, nor about what is not there.
    let is_left_over = is_left_over(home, name)?;
    if !is_left_over {
        at(home, name)?.find(name)?;
    }
    confirm(options.yes, &question)?;
    let mut editor = at(home, name)?;
    if !is_left_over || editor.find(name).is_ok() {
        editor.remove(name)?;
    }
    drop(editor);
    become_owner(home)?;
    let given_up = give_up(&Store::of(home), name)?;
    let rest = match given_up {
        0 => String::new(),
        1 => "; 1 delivery was given up".to_owned(),
        many => format!("; {many} deliveries were given up"),
    };
    printed(answer::text(&format!("webhook `{name}` deleted{rest}\n")))
}

/// Returns whether all that is left of a webhook is what it was not sent yet: whoever deleted it was
/// killed half-way, or it was the machine's, and deleted as another provider's.
fn is_left_over(home: &Home, name: &str) -> Result<bool, Error> {
    // Of root, who may become the holder's owner next, and then may not read this any more.
    let machine = names_in(home, Side::Machine);
    if at(home, name)?.find(name).is_ok() || machine.is_err() {
        return Ok(false);
    }
    is_awaited(home, name)
}

/// Returns whether something is yet to be sent to a webhook of that name.
fn is_awaited(home: &Home, name: &str) -> Result<bool, Error> {
    let store = Store::of(home);
    let ids = store.deliveries(Shelf::Pending)?;
    let is_pending = |id| match store.delivery_on(Shelf::Pending, id) {
        Ok(found) => found.is_some_and(|delivery| delivery.state == State::Pending),
        Err(error) => !error.is_lasting(),
    };
    Ok(ids.iter().filter(|id| id.webhook() == name).any(is_pending))
}

pub(super) fn rotate(home: &Home, options: &RotateWebhook) -> Result<u8, Error> {
    let given = options.secret_file.as_deref();
    let given = given.map(|file| input::secret("--secret-file", file)).transpose()?;
    let mut editor = at(home, &options.name)?;
    let webhook = editor.find(&options.name)?.clone();
    let mut draft = Draft::of(webhook, editor.side(), editor.folder());
    let (new, made) = if let Some(given) = given {
        (given, None)
    } else {
        let made = sign::generate().map_err(|problem| Error::Internal { problem })?;
        (made.clone(), Some(made))
    };
    replace_secret(&mut draft.webhook.secrets, new, options.keep_hours, clock::now())?;
    editor.put(home, &draft)?;
    drop(editor);
    become_owner(home)?;
    let name = &options.name;
    let done = match draft.webhook.secrets.get(1).and_then(|old| old.expires_at) {
        Some(until) => {
            format!(
                "webhook `{name}` signs with the new secret, and with the old one until {until}"
            )
        }
        None => format!("webhook `{name}` signs with the new secret"),
    };
    tell(home, draft.webhook, made, options.output.json, Some(&done))
}

/// Puts a new secret first, lets the others expire, and drops those that have.
fn replace_secret(
    secrets: &mut Vec<SigningSecret>,
    new: Secret,
    keep_hours: u32,
    now: Timestamp,
) -> Result<(), Error> {
    let keep = Duration::from_hours(keep_hours.into());
    let end = now.checked_add(keep).map_err(|error| Error::usage(error.to_string()))?;
    if secrets.iter().any(|old| old.value.as_ref() == Some(&new)) {
        return Err(Error::usage("the webhook signs with that secret already"));
    }
    for old in secrets.iter_mut() {
        old.expires_at = Some(old.expires_at.map_or(end, |earlier| earlier.min(end)));
    }
    secrets.retain(|old| old.expires_at.is_none_or(|end| now < end));
    secrets.insert(0, SigningSecret { value: Some(new), file: None, expires_at: None });
    Ok(())
}

/// Forgets how a webhook of that name has fared.
fn forgive(store: &Store, name: &str) -> Result<(), Error> {
    if store.health(name).is_ok_and(|health| health == Health::default()) {
        return Ok(());
    }
    store.lock("webhooks")?.set_health(name, &Health::default())
}

/// Sends what was held back.
fn resume(home: &Home, name: &str) -> Result<(), Error> {
    let store = Store::of(home);
    forgive(&store, name)?;
    let now = clock::now();
    for_each_pending(&store, name, |delivery| delivery.next_attempt_at = Some(now))?;
    worker::start_if_due(home, &store);
    Ok(())
}

/// Gives up what was not delivered yet; returns how many deliveries that were.
fn give_up(store: &Store, name: &str) -> Result<usize, Error> {
    let count = for_each_pending(store, name, |delivery| {
        delivery.state = State::Dead;
        delivery.next_attempt_at = None;
    })?;
    forgive(store, name)?;
    Ok(count)
}

/// Changes the pending deliveries of a webhook; returns how many there were.
fn for_each_pending(
    store: &Store,
    name: &str,
    change: impl Fn(&mut Delivery),
) -> Result<usize, Error> {
    let ids = store.deliveries(Shelf::Pending)?;
    let ids: Vec<_> = ids.into_iter().filter(|id| id.webhook() == name).collect();
    let mut count = 0;
    for id in ids {
        // One lock for each, so that callers are not kept waiting by a long list.
        let mut book = store.lock("webhooks")?;
        let found = match store.delivery(&id) {
            // For a person to look at; it stops no other.
            Err(error) if error.is_lasting() => {
                answer::complain(&format!("delivery {id}: {error}"));
                continue;
            }
            found => found?,
        };
        let Some(mut delivery) = found else { continue };
        if delivery.state == State::Pending {
            change(&mut delivery);
            count += usize::from(book.replace_delivery(&delivery)?);
            book.mark_due()?;
        }
    }
    Ok(count)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(hour: i64) -> Timestamp {
        Timestamp::from_second(hour * 3600).unwrap()
    }

    fn known(value: &str, end: Option<i64>) -> SigningSecret {
        let value = Some(Secret::from(value.to_owned()));
        SigningSecret { value, file: None, expires_at: end.map(at) }
    }

    fn rotated(known: Vec<SigningSecret>, keep_hours: u32) -> Result<Vec<SigningSecret>, Error> {
        let mut secrets = known;
        let new = Secret::from("new".to_owned());
        replace_secret(&mut secrets, new, keep_hours, at(100)).map(|()| secrets)
    }

    #[test]
    fn an_old_secret_stays_for_the_time_given_unless_it_ends_before() {
        let secrets = vec![
            known("a", None),
            known("b", Some(110)),
            known("c", Some(200)),
            known("d", Some(100)),
        ];
        let expected = vec![
            known("new", None),
            known("a", Some(124)),
            known("b", Some(110)),
            known("c", Some(124)),
        ];
        assert_eq!(rotated(secrets, 24).unwrap(), expected);
    }

    #[test]
    fn kept_for_no_hours_an_old_secret_is_gone_at_once() {
        assert_eq!(rotated(vec![known("a", None)], 0).unwrap(), [known("new", None)]);
    }

    #[test]
    fn a_secret_is_not_replaced_by_itself() {
        let message = rotated(vec![known("new", None)], 24).unwrap_err().to_string();
        assert_eq!(message, "the webhook signs with that secret already");
    }
}
