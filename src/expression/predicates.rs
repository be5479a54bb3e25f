//! All tests of the language: what may stand behind `is`.

use std::fmt;

use serde_json::Value;

use super::Problem;
use super::filters::counted;
use super::shape;

/// A test: `value is name`, `value is name(argument)`.
pub(crate) struct Test {
    /// Its name.
    pub(crate) name: &'static str,
    /// When it is true, in a sentence.
    #[cfg_attr(not(test), expect(dead_code, reason = "the documentation is checked by it"))]
    pub(crate) description: &'static str,
    holds: Holds,
}

/// When a test is true.
#[derive(Clone, Copy)]
enum Holds {
    /// Of what is there, or of what is not.
    WhereDefined(bool),
    /// Of these values.
    Of(fn(&Value) -> bool),
    /// Of these values, given the argument; none where that is undefined.
    Against(fn(&Value, &Value) -> Result<Option<bool>, Problem>),
}

impl fmt::Debug for Test {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "test {}", self.name)
    }
}

/// A row of the table below.
const fn test(name: &'static str, holds: Holds, description: &'static str) -> Test {
    Test { name, description, holds }
}

/// The tests, by name. Of something undefined all but `defined` and `undefined` are undefined.
pub(crate) static TESTS: &[Test] = {
    use Holds::{Against, Of, WhereDefined};
    &[
        test("boolean", Of(Value::is_boolean), "It is true or false."),
        test("defined", WhereDefined(true), "It is there, and be it none."),
        test("endingwith", Against(shape::ends_with), "It is a text that ends with the argument."),
        test("in", Against(shape::is_in), "It is in the argument, as with the operator."),
        test("mapping", Of(Value::is_object), "It is an object."),
        test("none", Of(Value::is_null), "It is none."),
        test("number", Of(Value::is_number), "It is a number."),
        test("sequence", Of(Value::is_array), "It is a list."),
        test(
            "startingwith",
            Against(shape::starts_with),
            "It is a text that starts with the argument.",
        ),
        test("string", Of(Value::is_string), "It is a text."),
        test("undefined", WhereDefined(false), "It is not there."),
    ]
};

/// The test of that name.
pub(super) fn find(name: &str) -> Result<&'static Test, Problem> {
    TESTS
        .iter()
        .find(|test| test.name == name)
        .ok_or_else(|| format!("there is no test `{name}`").into())
}

impl Test {
    /// Hands the arguments back if they are as many as the test takes.
    pub(super) fn check<T>(&self, arguments: Vec<T>) -> Result<Vec<T>, Problem> {
        let count = usize::from(matches!(self.holds, Holds::Against(_)));
        counted(self.name, (count, count), arguments)
    }

    /// Whether it is true; none where that is undefined.
    pub(super) fn apply(
        &self,
        of: Option<&Value>,
        arguments: &[Value],
    ) -> Result<Option<bool>, Problem> {
        match (self.holds, of, arguments.first()) {
            (Holds::WhereDefined(defined), ..) => Ok(Some(of.is_some() == defined)),
            (Holds::Of(holds), Some(of), _) => Ok(Some(holds(of))),
            (Holds::Against(holds), Some(of), Some(argument)) => holds(of, argument),
            _ => Ok(None),
        }
    }
}
