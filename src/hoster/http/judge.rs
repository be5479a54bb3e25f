//! What a reply means: the rules that the promise of one purchase rests on. Pure but for the
//! expressions that the definition adds.

use std::time::Duration;

use serde_json::Value;

use super::call::Reply;
use super::{Hoster, Trouble};
use crate::definition::http::Template;
use crate::expression::Scope;

/// What a reply means.
pub(super) enum Verdict {
    /// What was asked for was done.
    Ok(Scope),
    /// There is a server of that name or id already.
    Conflict(String),
    /// Refused untouched for now; ask again after that time, where one is given.
    Busy(String, Option<Duration>),
    /// Refused for good.
    Refused(u16, String),
    /// It may have been done or not.
    Unknown(String, Option<Duration>),
}

impl Hoster {
    /// Says what a reply means, whatever the request was.
    pub(super) fn judge(
        &self,
        reply: Reply,
        ok_when: Option<&Template>,
        place: &str,
    ) -> Result<Verdict, Trouble> {
        let Reply { status, wait, scope, .. } = reply;
        let says = |template: Option<&Template>, place: &str| match template {
            Some(template) => self.expressions.truth(template, place, &scope),
            None => Ok(false),
        };
        let errors = &self.definition.errors;
        if says(ok_when, &format!("{place}/ok_when"))? {
            return Ok(Verdict::Ok(scope));
        }
        let success = (200..300).contains(&status);
        if success && !says(errors.when.as_ref(), "/errors/when")? {
            return Ok(Verdict::Ok(scope));
        }
        let reason = self.reason(&scope)?;
        let why = reason.clone().unwrap_or_else(|| format!("status {status} without a reason"));
        if says(errors.conflict.as_ref(), "/errors/conflict")? {
            return Ok(Verdict::Conflict(why));
        }
        if says(errors.busy.as_ref(), "/errors/busy")? {
            return Ok(Verdict::Busy(why, wait));
        }
        if says(errors.refused.as_ref(), "/errors/refused")? {
            return Ok(Verdict::Refused(status, why));
        }
        // A page of some machine in between is no answer of the hoster: those name a reason.
        Ok(match (is_final(status) || success, reason) {
            (true, Some(_)) => Verdict::Refused(status, why),
            _ => Verdict::Unknown(why, wait),
        })
    }

    fn reason(&self, scope: &Scope) -> Result<Option<String>, Trouble> {
        for (index, template) in self.definition.errors.reason.iter().enumerate() {
            let place = format!("/errors/reason/{index}");
            match self.expressions.maybe(template, &place, scope)? {
                Some(Value::String(text)) if !text.trim().is_empty() => return Ok(Some(text)),
                Some(Value::Number(number)) => return Ok(Some(number.to_string())),
                _ => {}
            }
        }
        Ok(None)
    }
}

/// Returns whether a status means that nothing was done and nothing will be.
///
/// 408, 425 and 429 ask to come again, 409 speaks of what is there already
/// ([RFC 9110](https://www.rfc-editor.org/rfc/rfc9110#section-15.5), RFC 8470, RFC 6585).
const fn is_final(status: u16) -> bool {
    status >= 400 && status < 500 && !matches!(status, 408 | 409 | 425 | 429)
}

#[cfg(test)]
mod tests {
    use super::is_final;

    #[test]
    fn only_a_plain_no_is_final() {
        for status in [400, 401, 402, 403, 404, 405, 410, 413, 422, 423, 451] {
            assert!(is_final(status), "{status}");
        }
        for status in [100, 200, 204, 301, 302, 307, 408, 409, 425, 429, 500, 502, 503, 504] {
            assert!(!is_final(status), "{status}");
        }
    }
}
