//! All filters of the language.
//!
//! What a filter makes of something undefined or none is undefined, unless its description says
//! otherwise; the same where an argument is undefined.

use std::fmt;

use serde_json::Value;

use super::Problem;
use super::shape;
use super::texts;

/// What a filter makes of its input and its arguments; none where that is undefined.
pub(super) type Call = fn(&Value, &[Value]) -> Result<Option<Value>, Problem>;

/// What a filter wants as its input.
#[derive(Clone, Copy)]
pub(super) enum How {
    /// Stands in for an input that is undefined or none.
    Replaces,
    /// Takes a value; nothing becomes of nothing.
    OfValue(Call),
    /// Takes elements; what is undefined or none has none.
    OfElements(Call),
}

/// A filter: `input | name(arguments)`.
pub(crate) struct Filter {
    /// Its name.
    pub(crate) name: &'static str,
    /// What it does, in a sentence.
    #[cfg_attr(not(test), expect(dead_code, reason = "the documentation is checked by it"))]
    pub(crate) description: &'static str,
    /// How many arguments it must and may have.
    counts: (usize, usize),
    pub(super) how: How,
}

impl fmt::Debug for Filter {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "filter {}", self.name)
    }
}

/// A row of the table below.
const fn filter(
    name: &'static str,
    counts: (usize, usize),
    how: How,
    description: &'static str,
) -> Filter {
    Filter { name, description, counts, how }
}

/// The filters, by name.
pub(crate) static FILTERS: &[Filter] = {
    use How::{OfElements, OfValue, Replaces};
    &[
        filter("base64", (0, 0), OfValue(texts::base64), "Encodes a text as base64, padded."),
        filter(
            "children",
            (1, 1),
            OfValue(shape::children),
            "The list of what stands under a dotted path, whether there is one, several or none: \
             lists on the way and at its end are gone through, and what is not there has nothing.",
        ),
        filter(
            "default",
            (1, 2),
            Replaces,
            "The argument where the input is undefined or none; with `true` as a second argument \
             also where it is false, zero or empty.",
        ),
        filter(
            "entries",
            (0, 0),
            OfElements(shape::entries),
            "The members of an object, in the order of its keys, as a list of objects with `key` \
             and `value`; undefined and none become the empty list.",
        ),
        filter(
            "first",
            (0, 0),
            OfValue(shape::first),
            "The first element; undefined where there is none.",
        ),
        filter(
            "flatten",
            (0, 0),
            OfElements(shape::flatten),
            "The elements of a list, those of lists in it in their place, one level deep, without \
             those that are none; undefined and none become the empty list.",
        ),
        filter(
            "float",
            (0, 0),
            OfValue(texts::float),
            "The floating-point number that a number is or a text says.",
        ),
        filter(
            "from_json",
            (0, 0),
            OfValue(texts::from_json),
            "The value that a text says as JSON.",
        ),
        filter(
            "having",
            (2, 2),
            OfElements(shape::with_member),
            "The elements whose attribute with the dotted path of the first argument is a list \
             that has the second in it; undefined and none become the empty list.",
        ),
        filter(
            "int",
            (0, 0),
            OfValue(texts::int),
            "The whole number that a number is or a text says, its fraction cut off.",
        ),
        filter(
            "join",
            (0, 1),
            OfValue(texts::join),
            "Writes the elements of a list one after the other, the argument between them.",
        ),
        filter("json", (0, 0), OfValue(texts::json), "The text of a value as JSON."),
        filter(
            "keys",
            (0, 0),
            OfElements(shape::keys),
            "The keys of an object, in order; undefined and none become the empty list.",
        ),
        filter(
            "last",
            (0, 0),
            OfValue(shape::last),
            "The last element; undefined where there is none.",
        ),
        filter(
            "length",
            (0, 0),
            OfValue(shape::length),
            "How many elements, keys or characters there are.",
        ),
        filter(
            "list",
            (0, 0),
            OfValue(shape::list),
            "The elements of a list, the keys of an object, the characters of a text.",
        ),
        filter("lower", (0, 0), OfValue(texts::lower), "A text in lower case."),
        filter(
            "match",
            (1, 2),
            OfValue(texts::group),
            "What a group of a regular expression, the first or `group=N`, finds in a text; none \
             where it finds nothing. Group 0 is the whole match.",
        ),
        filter(
            "max",
            (0, 0),
            OfValue(shape::max),
            "The largest element; undefined where there is none.",
        ),
        filter(
            "min",
            (0, 0),
            OfValue(shape::min),
            "The smallest element; undefined where there is none.",
        ),
        filter(
            "pluck",
            (1, 1),
            OfElements(shape::pluck),
            "The attribute with that dotted path of each element, leaving out elements where it is \
             undefined or none; undefined and none become the empty list.",
        ),
        filter(
            "replace",
            (2, 2),
            OfValue(texts::replace),
            "A text with every occurrence of the first argument replaced by the second.",
        ),
        filter(
            "round",
            (0, 1),
            OfValue(texts::round),
            "A number rounded to that many decimals, to none without an argument.",
        ),
        filter(
            "sha256",
            (0, 0),
            OfValue(texts::sha256),
            "The SHA-256 of a text, in hexadecimal digits.",
        ),
        filter("sort", (0, 0), OfValue(shape::sort), "A list of numbers or of texts, in order."),
        filter(
            "split",
            (0, 1),
            OfValue(texts::split),
            "The parts of a text between the occurrences of the argument, without one between white space.",
        ),
        filter("string", (0, 0), OfValue(texts::string), "A text, number or boolean as a text."),
        filter(
            "trim",
            (0, 1),
            OfValue(texts::trim),
            "A text without the white space at its ends, or without the characters in the argument.",
        ),
        filter(
            "truncate",
            (1, 1),
            OfValue(texts::truncate),
            "The first so many characters of a text.",
        ),
        filter("unique", (0, 0), OfValue(shape::unique), "A list without its repetitions."),
        filter("upper", (0, 0), OfValue(texts::upper), "A text in upper case."),
        filter(
            "urlencode",
            (0, 0),
            OfValue(texts::urlencode),
            "Percent-encodes everything but letters, digits and `-._~`.",
        ),
        filter(
            "values",
            (0, 0),
            OfElements(shape::values),
            "The values of an object, in the order of its keys; undefined and none become the \
             empty list.",
        ),
        filter(
            "where",
            (2, 2),
            OfElements(shape::with_attribute),
            "The elements whose attribute with the dotted path of the first argument equals the \
             second; undefined and none become the empty list.",
        ),
        filter(
            "without_prefix_length",
            (0, 0),
            OfValue(texts::without_prefix_length),
            "An address, or each of a list, without the `/24` behind it.",
        ),
    ]
};

/// The filter of that name.
pub(super) fn find(name: &str) -> Result<&'static Filter, Problem> {
    FILTERS
        .iter()
        .find(|filter| filter.name == name)
        .ok_or_else(|| format!("there is no filter `{name}`").into())
}

impl Filter {
    /// Hands the arguments back if they are as many as the filter takes.
    pub(super) fn check<T>(&self, arguments: Vec<T>) -> Result<Vec<T>, Problem> {
        counted(self.name, self.counts, arguments)
    }
}

/// Hands the arguments of `name` back if they are as many as it takes.
pub(super) fn counted<T>(
    name: &str,
    counts: (usize, usize),
    arguments: Vec<T>,
) -> Result<Vec<T>, Problem> {
    let (least, most) = counts;
    if (least..=most).contains(&arguments.len()) {
        return Ok(arguments);
    }
    Err(match counts {
        (_, 0) => format!("`{name}` takes no argument"),
        (1, 1) => format!("`{name}` takes 1 argument"),
        _ if least == most => format!("`{name}` takes {most} arguments"),
        _ => format!("`{name}` takes {least} to {most} arguments"),
    }
    .into())
}
