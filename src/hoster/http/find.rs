//! Looking for the server of an order whose reply was lost.

use serde_json::Value;

use super::create::bought;
use super::steps::small;
use super::{Hoster, Trouble, sample, scope_of};
use crate::expression::Scope;
use crate::order::Bought;

/// How many ids of servers are named where there should be one.
const SHOWN: usize = 10;

/// What a look has found.
#[derive(Debug)]
pub(crate) enum Look {
    /// No server of the order's.
    None,
    /// The one.
    One(Bought),
    /// More than one; how many, and the first ids.
    Many(String),
}

impl Hoster {
    /// Looks once for the servers that bear what the order sent.
    pub(crate) fn find(&self, scope: &Scope) -> Result<Look, Trouble> {
        let mut found = self.find_all(scope)?;
        Ok(match found.len() {
            0 => Look::None,
            1 => found.pop().map_or(Look::None, Look::One),
            count => {
                let ids: Vec<String> =
                    found.into_iter().take(SHOWN).map(|one| one.server_id).collect();
                Look::Many(self.redacted(&format!("{count} servers: {}", ids.join(", ")), None))
            }
        })
    }

    /// Asks the hoster something harmless in our name; returns what it says of the time.
    pub(crate) fn probe(&self) -> Result<Option<String>, Trouble> {
        let find = &self.definition.find;
        let order = sample::order("", self.usual.clone());
        let scope = scope_of(self, &order).map_err(Trouble::Definition)?;
        let first = find.list.paging.as_ref().map(|paging| &paging.first);
        let scope = scope.with("page", first);
        let list = &find.list;
        let reply = self.ask(&list.request, list.ok_when.as_ref(), "/find/list", &scope)?;
        let date = self.expressions.maybe("{{ headers.date }}", "/find", &reply)?;
        Ok(date.and_then(|date| date.as_str().map(str::to_owned)))
    }

    pub(super) fn find_all(&self, scope: &Scope) -> Result<Vec<Bought>, Trouble> {
        let find = &self.definition.find;
        let mut found: Vec<Bought> = Vec::new();
        for item in self.list(&find.list, "/find/list", scope)? {
            let scope = scope.with("item", &item);
            if !self.expressions.truth(&find.matches, "/find/match", &scope)? {
                continue;
            }
            let mut saved = self.saved(&find.save, "/find/save", &scope)?;
            let id: Value = self.expressions.value(&find.id, "/find/id", &scope)?;
            small(&id, "/find/id")?;
            saved.insert("server_id".to_owned(), id);
            let one = bought(saved).ok_or_else(|| {
                Trouble::Definition("/find/id: a server in the list has no id".to_owned())
            })?;
            // A list that changed while it was read page by page may name one twice.
            if !found.iter().any(|known| known.server_id == one.server_id) {
                found.push(one);
            }
        }
        Ok(found)
    }
}
