//! What the operators do with values that are there.

use std::cmp::Ordering;

use serde_json::{Number, Value};

use super::Problem;

/// How many bytes a text may grow to.
pub(super) const TEXT_LIMIT: usize = 1024 * 1024;

/// A number: exact as long as it can be.
#[derive(Clone, Copy)]
pub(super) enum Amount {
    /// A whole number.
    Whole(i128),
    /// Any other.
    Float(f64),
}

impl Amount {
    /// Reads a number of JSON; none for any other value.
    pub(super) fn of(value: &Value) -> Option<Self> {
        let number = value.as_number()?;
        match number.as_i128() {
            Some(whole) => Some(Self::Whole(whole)),
            None => number.as_f64().map(Self::Float),
        }
    }

    /// The nearest floating-point number.
    pub(super) fn float(self) -> f64 {
        match self {
            #[expect(clippy::cast_precision_loss, reason = "the nearest one is what is asked for")]
            Self::Whole(whole) => whole as f64,
            Self::Float(float) => float,
        }
    }

    /// As JSON has it.
    pub(super) fn value(self) -> Result<Value, Problem> {
        match self {
            Self::Whole(whole) => Number::from_i128(whole),
            Self::Float(float) => Number::from_f64(float),
        }
        .map(Value::Number)
        .ok_or_else(|| "the number is too large".into())
    }
}

/// An operation with two numbers.
#[derive(Clone, Copy)]
pub(super) enum Arithmetic {
    Add,
    Subtract,
    Multiply,
    /// Always gives a floating-point number.
    Divide,
    /// Rounds down.
    DivideWhole,
    Remainder,
}

/// Calculates. Numbers only: texts and lists are not added or multiplied.
pub(super) fn calculate(what: Arithmetic, left: &Value, right: &Value) -> Result<Value, Problem> {
    let (Some(left), Some(right)) = (Amount::of(left), Amount::of(right)) else {
        return Err("only numbers are calculated with (`~` joins texts)".into());
    };
    if matches!(what, Arithmetic::DivideWhole | Arithmetic::Remainder) && right.float() <= 0.0 {
        return Err("`//` and `%` want a divisor above zero".into());
    }
    let (Amount::Whole(a), Amount::Whole(b)) = (left, right) else {
        return calculate_floats(what, left.float(), right.float());
    };
    match what {
        Arithmetic::Add => a.checked_add(b),
        Arithmetic::Subtract => a.checked_sub(b),
        Arithmetic::Multiply => a.checked_mul(b),
        Arithmetic::DivideWhole => a.checked_div_euclid(b),
        Arithmetic::Remainder => a.checked_rem_euclid(b),
        Arithmetic::Divide => return calculate_floats(what, left.float(), right.float()),
    }
    .map_or_else(|| Err("the number is too large".into()), |whole| Amount::Whole(whole).value())
}

fn calculate_floats(what: Arithmetic, a: f64, b: f64) -> Result<Value, Problem> {
    Amount::Float(match what {
        Arithmetic::Add => a + b,
        Arithmetic::Subtract => a - b,
        Arithmetic::Multiply => a * b,
        Arithmetic::Divide if b == 0.0 => return Err("nothing is divided by zero".into()),
        Arithmetic::Divide => a / b,
        Arithmetic::DivideWhole => a.div_euclid(b),
        Arithmetic::Remainder => a.rem_euclid(b),
    })
    .value()
}

/// Whether two values are the same; 1 and 1.0 are.
pub(super) fn equal(left: &Value, right: &Value) -> bool {
    match (Amount::of(left), Amount::of(right)) {
        (Some(Amount::Whole(a)), Some(Amount::Whole(b))) => a == b,
        (Some(a), Some(b)) => a.float().partial_cmp(&b.float()) == Some(Ordering::Equal),
        _ => left == right,
    }
}

/// Which of two numbers or two texts comes first; other values have no order.
pub(super) fn order(left: &Value, right: &Value) -> Result<Ordering, Problem> {
    match (Amount::of(left), Amount::of(right), left.as_str(), right.as_str()) {
        (Some(Amount::Whole(a)), Some(Amount::Whole(b)), ..) => Ok(a.cmp(&b)),
        (Some(a), Some(b), ..) => {
            a.float().partial_cmp(&b.float()).ok_or_else(|| "the numbers have no order".into())
        }
        (.., Some(a), Some(b)) => Ok(a.cmp(b)),
        _ => Err("only two numbers or two texts have an order".into()),
    }
}

/// Whether a list has an element, an object a key, a text a part.
pub(super) fn contains(container: &Value, value: &Value) -> Result<bool, Problem> {
    match (container, value) {
        (Value::Array(list), _) => Ok(list.iter().any(|element| equal(element, value))),
        (Value::Object(object), Value::String(key)) => Ok(object.contains_key(key)),
        (Value::String(text), Value::String(part)) => Ok(text.contains(part.as_str())),
        _ => Err("`in` looks for anything in a list, and for a text in an object or a text".into()),
    }
}

/// Whether a value counts as true: not none, false, zero, and nothing empty.
pub(super) fn is_true(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::Bool(truth) => *truth,
        Value::Number(number) => number.as_f64() != Some(0.0),
        Value::String(text) => !text.is_empty(),
        Value::Array(list) => !list.is_empty(),
        Value::Object(object) => !object.is_empty(),
    }
}

/// A value written out; none, lists and objects cannot be.
pub(super) fn text(value: &Value) -> Result<String, Problem> {
    match value {
        Value::String(text) => Ok(text.clone()),
        Value::Number(number) => Ok(number.to_string()),
        Value::Bool(truth) => Ok(truth.to_string()),
        Value::Null => Err("none has no text".into()),
        Value::Array(_) => Err("a list has no text (`join` and `json` make one)".into()),
        Value::Object(_) => Err("an object has no text (`json` makes one)".into()),
    }
}

/// A text, unless it has grown too large.
pub(super) fn limited(text: String) -> Result<String, Problem> {
    if text.len() > TEXT_LIMIT {
        return Err(format!("a text has at most {TEXT_LIMIT} bytes").into());
    }
    Ok(text)
}

/// The attribute or element of that name or number; from the end where the number is below zero.
pub(super) fn attribute<'value>(value: &'value Value, name: &str) -> Option<&'value Value> {
    match value {
        Value::Object(object) => object.get(name),
        Value::Array(list) => match name.strip_prefix('-') {
            Some(back) => list.len().checked_sub(back.parse().ok()?).and_then(|at| list.get(at)),
            None => list.get(name.parse::<usize>().ok()?),
        },
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn whole_numbers_stay_exact() {
        let large = json!(u64::MAX);
        assert_eq!(
            calculate(Arithmetic::Subtract, &large, &json!(1)).unwrap(),
            json!(u64::MAX - 1)
        );
        assert_eq!(
            calculate(Arithmetic::Add, &json!(i64::MIN), &json!(1)).unwrap(),
            json!(i64::MIN + 1)
        );
        assert!(!equal(&large, &json!(u64::MAX - 1)));
        assert!(equal(&json!(1), &json!(1.0)));
        assert_eq!(calculate(Arithmetic::Divide, &json!(5), &json!(2)).unwrap(), json!(2.5));
        assert_eq!(calculate(Arithmetic::DivideWhole, &json!(-5), &json!(2)).unwrap(), json!(-3));
    }

    #[test]
    fn what_is_no_number_is_refused() {
        for (what, left, right) in [
            (Arithmetic::Add, json!(u64::MAX), json!(1)),
            (Arithmetic::Multiply, json!("a"), json!(1_000_000_000)),
            (Arithmetic::Multiply, json!([1]), json!(1_000_000_000)),
            (Arithmetic::Multiply, json!(1e300), json!(1e300)),
            (Arithmetic::Divide, json!(1), json!(0)),
            (Arithmetic::Remainder, json!(1), json!(0)),
            (Arithmetic::DivideWhole, json!(1.5), json!(-0.0)),
        ] {
            assert!(calculate(what, &left, &right).is_err(), "{left} {right}");
        }
        assert!(order(&json!(1), &json!("a")).is_err());
    }

    #[test]
    fn elements_are_counted_from_both_ends() {
        let list = json!(["a", "b"]);
        assert_eq!(attribute(&list, "0"), Some(&json!("a")));
        assert_eq!(attribute(&list, "-1"), Some(&json!("b")));
        for absent in ["2", "-3", "-0", "x", ""] {
            assert_eq!(attribute(&list, absent), None, "{absent}");
        }
    }
}
