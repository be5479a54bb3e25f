//! Evaluates one expression, as minijinja's parser reads it.
//!
//! The parser is minijinja's, the evaluation is ours: minijinja compares what is undefined like any
//! value, so that `reply.state != 'busy'` would be true of a reply without a state, and its `*`
//! makes texts of any length. Here whatever is made of something undefined is undefined.

use std::borrow::Cow;
use std::cmp::Ordering;

use minijinja::machinery::ast::{BinOpKind, CallArg, CompareOpKind, Const, Expr, UnaryOpKind};
use minijinja::machinery::parse_expr;
use serde_json::Value;

use super::filters::{self, Filter, How};
use super::operators::{self, Arithmetic};
use super::predicates;
use super::{Problem, Scope, shape};

/// A value, or none where it is undefined.
pub(super) type Found<'scope> = Option<Cow<'scope, Value>>;

/// Parses an expression. Says nothing of the parser's own words: they may change.
pub(super) fn parse(expression: &str) -> Result<Expr<'_>, Problem> {
    parse_expr(expression).map_err(|error| match error.line() {
        Some(line) if line > 1 => format!("is no expression, see its line {line}").into(),
        _ => "is no expression".into(),
    })
}

/// The value of an expression.
pub(super) fn evaluate<'scope>(
    expression: &str,
    scope: &'scope Scope,
) -> Result<Found<'scope>, Problem> {
    value(&parse(expression)?, scope)
}

fn value<'scope>(expression: &Expr<'_>, scope: &'scope Scope) -> Result<Found<'scope>, Problem> {
    Ok(match expression {
        Expr::Var(variable) => scope.get(variable.id).map(Cow::Borrowed),
        Expr::Const(constant) => Some(Cow::Owned(literal(constant)?)),
        Expr::GetAttr(get) => attribute(value(&get.expr, scope)?, get.name),
        Expr::GetItem(get) => item(value(&get.expr, scope)?, &value(&get.subscript_expr, scope)?)?,
        Expr::UnaryOp(operation) => unary(&operation.op, value(&operation.expr, scope)?)?,
        Expr::BinOp(operation) => binary(operation.op, &operation.left, &operation.right, scope)?,
        Expr::Compare(chain) => {
            let mut left = value(&chain.expr, scope)?;
            let mut all = Some(true);
            for next in &chain.ops {
                let right = value(&next.expr, scope)?;
                // One that is false settles it; else one that is undefined does.
                all = match (all, compare(next.op, left.as_deref(), right.as_deref())?) {
                    (Some(false), _) | (_, Some(false)) => Some(false),
                    (None, _) | (_, None) => None,
                    (Some(true), Some(true)) => Some(true),
                };
                left = right;
            }
            truth(all)
        }
        Expr::IfExpr(choice) => {
            if value(&choice.test_expr, scope)?.is_some_and(|test| operators::is_true(&test)) {
                value(&choice.true_expr, scope)?
            } else {
                choice.false_expr.as_ref().map_or(Ok(None), |other| value(other, scope))?
            }
        }
        Expr::Filter(call) => {
            let filter = filters::find(call.name)?;
            let input = call.expr.as_ref().map_or(Ok(None), |input| value(input, scope))?;
            filtered(filter, input, &call.args, scope)?
        }
        Expr::Test(call) => {
            let test = predicates::find(call.name)?;
            let of = value(&call.expr, scope)?;
            let arguments = values(test.check(arguments(&call.args)?)?.into_iter(), scope)?;
            truth(match arguments {
                Some(arguments) => test.apply(of.as_deref(), &arguments)?,
                None => None,
            })
        }
        Expr::List(list) => values(list.items.iter(), scope)?.map(|list| owned(list.into())),
        Expr::Tuple(list) => values(list.items.iter(), scope)?.map(|list| owned(list.into())),
        Expr::Map(map) => object(&map.keys, &map.values, scope)?,
        Expr::Slice(_) | Expr::Call(_) => return Err(refused(expression)),
    })
}

/// Why a construct of minijinja is none of ours.
pub(super) fn refused(expression: &Expr<'_>) -> Problem {
    match expression {
        Expr::Slice(_) => "slices are not part of the language (`truncate` shortens a text)",
        _ => "functions and methods are not part of the language, only filters and tests",
    }
    .into()
}

const fn owned<'scope>(value: Value) -> Cow<'scope, Value> {
    Cow::Owned(value)
}

fn truth<'scope>(truth: Option<bool>) -> Found<'scope> {
    truth.map(|truth| owned(Value::Bool(truth)))
}

/// A value that is there: none stands for "not known" and is not calculated with.
fn known<'value>(found: &'value Found<'_>) -> Option<&'value Value> {
    found.as_deref().filter(|value| !value.is_null())
}

fn literal(constant: &Const) -> Result<Value, Problem> {
    if constant.value.is_none() {
        return Ok(Value::Null);
    }
    match serde_json::to_value(&constant.value) {
        Ok(Value::Null) | Err(_) => Err("a number in it is too large".into()),
        Ok(value) => Ok(value),
    }
}

/// The attribute of a value that may itself be undefined, none, or have no attributes.
fn attribute<'scope>(of: Found<'scope>, name: &str) -> Found<'scope> {
    match of? {
        Cow::Borrowed(value) => operators::attribute(value, name).map(Cow::Borrowed),
        Cow::Owned(value) => operators::attribute(&value, name).cloned().map(Cow::Owned),
    }
}

fn item<'scope>(of: Found<'scope>, subscript: &Found<'_>) -> Result<Found<'scope>, Problem> {
    let Some(subscript) = known(subscript) else { return Ok(None) };
    Ok(attribute(of, &operators::text(subscript)?))
}

fn unary<'scope>(operator: &UnaryOpKind, of: Found<'_>) -> Result<Found<'scope>, Problem> {
    match operator {
        UnaryOpKind::Not => Ok(truth(of.map(|value| !operators::is_true(&value)))),
        UnaryOpKind::Neg => known(&of)
            .map(|value| operators::calculate(Arithmetic::Subtract, &Value::from(0), value))
            .transpose()
            .map(|value| value.map(owned)),
    }
}

fn binary<'scope>(
    operator: BinOpKind,
    left: &Expr<'_>,
    right: &Expr<'_>,
    scope: &'scope Scope,
) -> Result<Found<'scope>, Problem> {
    let left = value(left, scope)?;
    let first_is_true = left.as_deref().is_some_and(operators::is_true);
    let arithmetic = match operator {
        BinOpKind::ScAnd if first_is_true => return value(right, scope),
        BinOpKind::ScAnd => return Ok(left),
        BinOpKind::ScOr if first_is_true => return Ok(left),
        BinOpKind::ScOr => {
            let right = value(right, scope)?;
            // Undefined or false is not known to be false.
            let unsettled = left.is_none() && right.as_deref() == Some(&Value::Bool(false));
            return Ok(if unsettled { None } else { right });
        }
        BinOpKind::Add => Arithmetic::Add,
        BinOpKind::Sub => Arithmetic::Subtract,
        BinOpKind::Mul => Arithmetic::Multiply,
        BinOpKind::Div => Arithmetic::Divide,
        BinOpKind::FloorDiv => Arithmetic::DivideWhole,
        BinOpKind::Rem => Arithmetic::Remainder,
        BinOpKind::Concat => {
            let right = value(right, scope)?;
            let (Some(left), Some(right)) = (known(&left), known(&right)) else { return Ok(None) };
            let joined = operators::text(left)? + &operators::text(right)?;
            return Ok(Some(owned(Value::String(operators::limited(joined)?))));
        }
        BinOpKind::Pow => return Err("`**` is not part of the language".into()),
        comparison => {
            let right = value(right, scope)?;
            let operator = match comparison {
                BinOpKind::Eq => CompareOpKind::Eq,
                BinOpKind::Ne => CompareOpKind::Ne,
                BinOpKind::Lt => CompareOpKind::Lt,
                BinOpKind::Lte => CompareOpKind::Lte,
                BinOpKind::Gt => CompareOpKind::Gt,
                BinOpKind::Gte => CompareOpKind::Gte,
                _ => CompareOpKind::In,
            };
            return Ok(truth(compare(operator, left.as_deref(), right.as_deref())?));
        }
    };
    let right = value(right, scope)?;
    let (Some(left), Some(right)) = (known(&left), known(&right)) else { return Ok(None) };
    operators::calculate(arithmetic, left, right).map(|value| Some(owned(value)))
}

/// Compares. None equals none, but has no place in an order and no elements.
fn compare(
    operator: CompareOpKind,
    left: Option<&Value>,
    right: Option<&Value>,
) -> Result<Option<bool>, Problem> {
    let (Some(left), Some(right)) = (left, right) else { return Ok(None) };
    let accepted: fn(Ordering) -> bool = match operator {
        CompareOpKind::Eq => return Ok(Some(operators::equal(left, right))),
        CompareOpKind::Ne => return Ok(Some(!operators::equal(left, right))),
        CompareOpKind::In => return shape::is_in(left, right),
        CompareOpKind::NotIn => return Ok(shape::is_in(left, right)?.map(|is| !is)),
        CompareOpKind::Lt => Ordering::is_lt,
        CompareOpKind::Lte => Ordering::is_le,
        CompareOpKind::Gt => Ordering::is_gt,
        CompareOpKind::Gte => Ordering::is_ge,
    };
    if left.is_null() || right.is_null() {
        return Ok(None);
    }
    Ok(Some(accepted(operators::order(left, right)?)))
}

fn filtered<'scope>(
    filter: &Filter,
    input: Found<'scope>,
    given: &[CallArg<'_>],
    scope: &'scope Scope,
) -> Result<Found<'scope>, Problem> {
    let given = filter.check(arguments(given)?)?;
    if let How::Replaces = filter.how {
        let replaced = match given.get(1).map(|also| value(also, scope)).transpose()?.flatten() {
            Some(also) if operators::is_true(&also) => {
                !input.as_deref().is_some_and(operators::is_true)
            }
            _ => known(&input).is_none(),
        };
        return match given.first() {
            Some(replacement) if replaced => value(replacement, scope),
            _ => Ok(input),
        };
    }
    let empty = Value::Array(Vec::new());
    let (call, nothing) = match filter.how {
        How::OfValue(call) => (call, None),
        How::OfElements(call) => (call, Some(&empty)),
        How::Replaces => return Ok(input),
    };
    let Some(input) = known(&input).or(nothing) else { return Ok(None) };
    let Some(arguments) = values(given.into_iter(), scope)? else { return Ok(None) };
    Ok(call(input, &arguments)?.map(owned))
}

/// The arguments of a filter or test. A named one is taken for the one at its place: `match` alone
/// has one that is worth a name.
pub(super) fn arguments<'call, 'template>(
    given: &'call [CallArg<'template>],
) -> Result<Vec<&'call Expr<'template>>, Problem> {
    given
        .iter()
        .map(|argument| match argument {
            CallArg::Pos(argument) | CallArg::Kwarg("group", argument) => Ok(argument),
            _ => Err("arguments have no names but `group`".into()),
        })
        .collect()
}

/// The values of several expressions; none as soon as one is undefined.
fn values<'call, 'template: 'call>(
    expressions: impl Iterator<Item = &'call Expr<'template>>,
    scope: &Scope,
) -> Result<Option<Vec<Value>>, Problem> {
    expressions.map(|one| Ok(value(one, scope)?.map(Cow::into_owned))).collect()
}

fn object<'scope>(
    keys: &[Expr<'_>],
    members: &[Expr<'_>],
    scope: &'scope Scope,
) -> Result<Found<'scope>, Problem> {
    let keys = values(keys.iter(), scope)?;
    let members = values(members.iter(), scope)?;
    let (Some(keys), Some(members)) = (keys, members) else { return Ok(None) };
    let object: serde_json::Map<_, _> = keys
        .iter()
        .zip(members)
        .map(|(key, member)| Ok((operators::text(key)?, member)))
        .collect::<Result<_, Problem>>()?;
    Ok(Some(owned(Value::Object(object))))
}
