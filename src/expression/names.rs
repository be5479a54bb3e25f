//! Looks at an expression without evaluating it.

use std::collections::BTreeSet;

use minijinja::machinery::ast::{BinOpKind, CallArg, Expr};
use serde_json::Value;

use super::{Problem, evaluate, filters, predicates, texts};

/// Checks an expression and collects the paths that it reads, such as `reply.servers.0.id`.
pub(super) fn collect(expression: &str, into: &mut BTreeSet<String>) -> Result<(), Problem> {
    visit(&evaluate::parse(expression)?, into)
}

fn visit(expression: &Expr<'_>, into: &mut BTreeSet<String>) -> Result<(), Problem> {
    if let Some(path) = path(expression) {
        into.insert(path);
        return Ok(());
    }
    match expression {
        Expr::Var(_) | Expr::Const(_) => Ok(()),
        Expr::GetAttr(get) => visit(&get.expr, into),
        Expr::GetItem(get) => {
            visit(&get.expr, into)?;
            visit(&get.subscript_expr, into)
        }
        Expr::UnaryOp(operation) => visit(&operation.expr, into),
        Expr::BinOp(operation) if matches!(operation.op, BinOpKind::Pow) => {
            Err("`**` is not part of the language".into())
        }
        Expr::BinOp(operation) => {
            visit(&operation.left, into)?;
            visit(&operation.right, into)
        }
        Expr::Compare(chain) => {
            visit(&chain.expr, into)?;
            chain.ops.iter().try_for_each(|next| visit(&next.expr, into))
        }
        Expr::IfExpr(choice) => {
            visit(&choice.test_expr, into)?;
            visit(&choice.true_expr, into)?;
            choice.false_expr.iter().try_for_each(|other| visit(other, into))
        }
        Expr::Filter(call) => {
            let filter = filters::find(call.name)?;
            let given = filter.check(evaluate::arguments(&call.args)?)?;
            if let ("match", Some(Value::String(pattern))) = (filter.name, constant(&given)) {
                texts::pattern(&pattern)?;
            }
            call.expr.iter().try_for_each(|input| visit(input, into))?;
            visit_arguments(&call.args, into)
        }
        Expr::Test(call) => {
            predicates::find(call.name)?.check(evaluate::arguments(&call.args)?)?;
            visit(&call.expr, into)?;
            visit_arguments(&call.args, into)
        }
        Expr::List(list) => list.items.iter().try_for_each(|one| visit(one, into)),
        Expr::Tuple(list) => list.items.iter().try_for_each(|one| visit(one, into)),
        Expr::Map(map) => map.keys.iter().chain(&map.values).try_for_each(|one| visit(one, into)),
        Expr::Slice(_) | Expr::Call(_) => Err(evaluate::refused(expression)),
    }
}

fn visit_arguments(given: &[CallArg<'_>], into: &mut BTreeSet<String>) -> Result<(), Problem> {
    evaluate::arguments(given)?.into_iter().try_for_each(|argument| visit(argument, into))
}

/// The first of some arguments, where it stands in the template.
fn constant(given: &[&Expr<'_>]) -> Option<Value> {
    let Expr::Const(first) = given.first()? else { return None };
    serde_json::to_value(&first.value).ok()
}

/// What an expression reads, where it is nothing but a variable and its attributes.
fn path(expression: &Expr<'_>) -> Option<String> {
    match expression {
        Expr::Var(variable) => Some(variable.id.to_owned()),
        Expr::GetAttr(get) => Some(format!("{}.{}", path(&get.expr)?, get.name)),
        Expr::GetItem(get) => match constant(&[&get.subscript_expr])? {
            Value::String(key) => Some(format!("{}.{key}", path(&get.expr)?)),
            Value::Number(index) => Some(format!("{}.{index}", path(&get.expr)?)),
            _ => None,
        },
        _ => None,
    }
}
