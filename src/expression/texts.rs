//! The filters that make texts and numbers.

use std::fmt::Write;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use regex_lite::RegexBuilder;
use serde_json::Value;
use sha2::{Digest, Sha256};

use super::Problem;
use super::operators::{self, Amount, TEXT_LIMIT};
use super::shape::text_argument;

type Result<T = Option<Value>> = std::result::Result<T, Problem>;

/// All but the unreserved characters of RFC 3986, section 2.3.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// How many bytes a compiled regular expression may take; with the next limit this bounds the time
/// of a search, which is their product.
const PATTERN_LIMIT: usize = 16 * 1024;

/// How many bytes a regular expression searches.
pub(super) const SEARCH_LIMIT: usize = 16 * 1024;

/// How many decimals are told apart.
const DECIMALS: i32 = 15;

fn text(value: &Value) -> Result<&str> {
    value.as_str().ok_or_else(|| "wants a text".into())
}

fn made(text: String) -> Result {
    Ok(Some(Value::String(operators::limited(text)?)))
}

/// Percent-encodes everything but unreserved characters.
pub(crate) fn percent_encoded(text: &str) -> String {
    utf8_percent_encode(text, RESERVED).to_string()
}

/// Undoes percent-encoding; what is not encoded stays as it is.
pub(crate) fn percent_decoded(text: &str) -> Vec<u8> {
    percent_decode_str(text).collect()
}

/// Compiles a regular expression. The error repeats nothing of it.
pub(crate) fn matches_whole(regex: &str, text: &str) -> std::result::Result<bool, String> {
    // Grouped, so that an alternative does not escape the anchors.
    let regex = pattern(&format!("^(?:{regex})$")).map_err(|problem| problem.to_string())?;
    Ok(regex.is_match(text))
}

/// Compiles a regular expression, of bounded size.
pub(super) fn pattern(pattern: &str) -> Result<regex_lite::Regex> {
    RegexBuilder::new(pattern)
        .size_limit(PATTERN_LIMIT)
        .build()
        .map_err(|_| "`match` wants a regular expression".into())
}

pub(super) fn base64(value: &Value, _: &[Value]) -> Result {
    made(STANDARD.encode(text(value)?))
}

pub(super) fn urlencode(value: &Value, _: &[Value]) -> Result {
    made(percent_encoded(&operators::text(value)?))
}

pub(super) fn sha256(value: &Value, _: &[Value]) -> Result {
    let digest = Sha256::digest(text(value)?);
    made(digest.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    }))
}

pub(super) fn json(value: &Value, _: &[Value]) -> Result {
    made(value.to_string())
}

pub(super) fn from_json(value: &Value, _: &[Value]) -> Result {
    serde_json::from_str(text(value)?).map(Some).map_err(|_| "wants a text that is JSON".into())
}

pub(super) fn string(value: &Value, _: &[Value]) -> Result {
    made(operators::text(value)?)
}

pub(super) fn lower(value: &Value, _: &[Value]) -> Result {
    made(text(value)?.to_lowercase())
}

pub(super) fn upper(value: &Value, _: &[Value]) -> Result {
    made(text(value)?.to_uppercase())
}

pub(super) fn trim(value: &Value, arguments: &[Value]) -> Result {
    let text = text(value)?;
    if arguments.is_empty() {
        return made(text.trim().to_owned());
    }
    let characters = text_argument(arguments, 0)?;
    made(text.trim_matches(|one| characters.contains(one)).to_owned())
}

pub(super) fn replace(value: &Value, arguments: &[Value]) -> Result {
    let (text, from, to) =
        (text(value)?, text_argument(arguments, 0)?, text_argument(arguments, 1)?);
    if from.is_empty() {
        return Err("`replace` looks for a text that is not empty".into());
    }
    // Looked at before it is made: both texts may be long.
    let longer = text.matches(from).count().saturating_mul(to.len());
    if longer > TEXT_LIMIT {
        return Err(format!("a text has at most {TEXT_LIMIT} bytes").into());
    }
    made(text.replace(from, to))
}

pub(super) fn split(value: &Value, arguments: &[Value]) -> Result {
    let text = text(value)?;
    if arguments.is_empty() {
        return Ok(Some(text.split_whitespace().collect()));
    }
    match text_argument(arguments, 0)? {
        "" => Err("`split` looks for a text that is not empty".into()),
        separator => Ok(Some(text.split(separator).collect())),
    }
}

pub(super) fn join(value: &Value, arguments: &[Value]) -> Result {
    let list = value.as_array().ok_or("wants a list")?;
    let separator = if arguments.is_empty() { "" } else { text_argument(arguments, 0)? };
    let mut joined = String::new();
    for (at, element) in list.iter().enumerate() {
        if at > 0 {
            joined.push_str(separator);
        }
        joined.push_str(&operators::text(element)?);
        joined = operators::limited(joined)?;
    }
    made(joined)
}

pub(super) fn truncate(value: &Value, arguments: &[Value]) -> Result {
    let count = arguments
        .first()
        .and_then(Value::as_u64)
        .and_then(|count| usize::try_from(count).ok())
        .ok_or("`truncate` wants a number of characters")?;
    made(text(value)?.chars().take(count).collect())
}

pub(super) fn without_prefix_length(value: &Value, _: &[Value]) -> Result {
    fn address(value: &Value) -> Result<&str> {
        let text = text(value)?;
        Ok(text.split_once('/').map_or(text, |(address, _)| address))
    }
    match value {
        Value::Array(list) => list.iter().map(address).collect::<Result<Value>>().map(Some),
        one => made(address(one)?.to_owned()),
    }
}

pub(super) fn group(value: &Value, arguments: &[Value]) -> Result {
    let text = text(value)?;
    if text.len() > SEARCH_LIMIT {
        return Err(format!("`match` searches at most {SEARCH_LIMIT} bytes").into());
    }
    let pattern = pattern(text_argument(arguments, 0)?)?;
    let group = match arguments.get(1) {
        None => 1,
        Some(group) => group
            .as_u64()
            .and_then(|group| usize::try_from(group).ok())
            .ok_or("`match` wants the number of a group")?,
    };
    if group >= pattern.captures_len() {
        return Err("`match` wants a group that the regular expression has".into());
    }
    let found = pattern.captures(text).and_then(|captures| captures.get(group));
    Ok(Some(found.map_or(Value::Null, |found| found.as_str().into())))
}

pub(super) fn int(value: &Value, _: &[Value]) -> Result {
    let problem = "wants a number, or a text that is one";
    let float = match (Amount::of(value), value) {
        (Some(Amount::Whole(whole)), _) => return Amount::Whole(whole).value().map(Some),
        (Some(Amount::Float(float)), _) => float,
        (None, Value::String(text)) => match text.trim().parse() {
            Ok(whole) => return Amount::Whole(whole).value().map(Some),
            Err(_) => text.trim().parse().map_err(|_| problem)?,
        },
        (None, Value::Bool(truth)) => return Ok(Some(u8::from(*truth).into())),
        _ => return Err(problem.into()),
    };
    // Written out and read again: a cast would silently take the nearest number that fits.
    let whole = format!("{:.0}", float.trunc()).parse().map_err(|_| problem)?;
    Amount::Whole(whole).value().map(Some)
}

pub(super) fn float(value: &Value, _: &[Value]) -> Result {
    let float = match (Amount::of(value), value) {
        (Some(amount), _) => Some(amount.float()),
        (None, Value::String(text)) => text.trim().parse().ok(),
        _ => None,
    };
    let float = float.ok_or("wants a number, or a text that is one")?;
    Amount::Float(float).value().map(Some)
}

pub(super) fn round(value: &Value, arguments: &[Value]) -> Result {
    let decimals = match arguments.first() {
        None => 0,
        Some(decimals) => decimals
            .as_i64()
            .and_then(|decimals| i32::try_from(decimals).ok())
            .filter(|decimals| (0..=DECIMALS).contains(decimals))
            .ok_or_else(|| format!("`round` wants a number of decimals, at most {DECIMALS}"))?,
    };
    match Amount::of(value).ok_or("wants a number")? {
        Amount::Whole(_) => Ok(Some(value.clone())),
        Amount::Float(float) => {
            let unit = 10_f64.powi(decimals);
            // A number too large for decimals has none to round away.
            let rounded = Some((float * unit).round() / unit).filter(|rounded| rounded.is_finite());
            Amount::Float(rounded.unwrap_or(float)).value().map(Some)
        }
    }
}
