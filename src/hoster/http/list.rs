//! Lists that come page by page.

use serde_json::Value;

use super::{Hoster, Trouble};
use crate::definition::http::Listing;
use crate::expression::Scope;

/// After how many pages a list is given up: one that has no end has a fault.
const PAGES: usize = 1000;

/// How many elements a list may have.
const ELEMENTS: usize = 100_000;

impl Hoster {
    /// Returns every element of a list.
    pub(super) fn list(
        &self,
        listing: &Listing,
        place: &str,
        scope: &Scope,
    ) -> Result<Vec<Value>, Trouble> {
        let mut all = Vec::new();
        let mut page = listing.paging.as_ref().map_or(Value::Null, |paging| paging.first.clone());
        for _ in 0..PAGES {
            let scope = scope.with("page", &page);
            let reply = self.ask(&listing.request, listing.ok_when.as_ref(), place, &scope)?;
            let items = self.items(listing, place, &reply)?;
            let next = match &listing.paging {
                Some(paging) => {
                    let reply = reply.with("items", &items);
                    self.expressions.maybe(&paging.next, &format!("{place}/paging/next"), &reply)?
                }
                None => None,
            };
            all.extend(items);
            match next {
                None => return Ok(all),
                Some(same) if same == page => {
                    let why = format!("{place}/paging/next: the page after {page} is itself");
                    return Err(Trouble::Definition(why));
                }
                Some(next) if all.len() < ELEMENTS => page = next,
                Some(_) => break,
            }
        }
        Err(Trouble::passing(format!("the list has more than {} elements", all.len())))
    }

    fn items(&self, listing: &Listing, place: &str, reply: &Scope) -> Result<Vec<Value>, Trouble> {
        let place = format!("{place}/items");
        match self.expressions.value(&listing.items, &place, reply) {
            Ok(Value::Array(items)) => Ok(items),
            // A reply that is no list must never be taken for an empty one.
            Ok(_) => Err(Trouble::passing(format!("{place}: the reply has no list there"))),
            Err(fault) => Err(Trouble::passing(fault.to_string())),
        }
    }
}
