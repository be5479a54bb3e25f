//! Takes a template apart into its texts and its expressions.

use super::Problem;

/// How many bytes a template may have.
pub(super) const TEMPLATE_LIMIT: usize = 64 * 1024;

/// How many bytes one expression may have. The parser and the evaluator go one level of the stack
/// deeper for every sign or operator: with the next limit this keeps both far from its end.
pub(super) const EXPRESSION_LIMIT: usize = 1000;

/// How deep brackets of any kind may be nested. Each costs the parser, unoptimised, up to 28 KiB.
pub(super) const NESTING_LIMIT: usize = 20;

/// A piece of a template.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Part<'template> {
    /// Stands for itself.
    Text(&'template str),
    /// What stands between `{{` and `}}`.
    Expression(&'template str),
}

/// The pieces of a template, in their order; none for the empty text.
pub(super) fn parts(template: &str) -> Result<Vec<Part<'_>>, Problem> {
    if template.len() > TEMPLATE_LIMIT {
        return Err(format!("a template has at most {TEMPLATE_LIMIT} bytes").into());
    }
    let mut parts = Vec::new();
    let mut rest = template;
    loop {
        let text_end = text_end(rest)?;
        if let Some(text) = rest.get(..text_end).filter(|text| !text.is_empty()) {
            parts.push(Part::Text(text));
        }
        let Some(inside) = rest.get(text_end + 2..) else { return Ok(parts) };
        let end = expression_end(inside)?;
        let (expression, behind) = inside.split_at(end);
        if expression.starts_with(['-', '+']) || expression.ends_with(['-', '+']) {
            return Err("`{{-` and `-}}` are not part of the language".into());
        }
        if expression.len() > EXPRESSION_LIMIT {
            return Err(format!("an expression has at most {EXPRESSION_LIMIT} bytes").into());
        }
        parts.push(Part::Expression(expression.trim()));
        rest = behind.get(2..).unwrap_or_default();
    }
}

/// Where the next `{{` is, or the end.
fn text_end(text: &str) -> Result<usize, Problem> {
    for (at, _) in text.match_indices('{') {
        match text.as_bytes().get(at + 1) {
            Some(b'{') => return Ok(at),
            Some(b'%') => return Err("statements (`{%`) are not part of the language".into()),
            Some(b'#') => return Err("comments (`{#`) are not part of the language".into()),
            _ => {}
        }
    }
    Ok(text.len())
}

/// Where the `}}` is that ends an expression: not one in a quoted text, nor one that closes objects.
fn expression_end(inside: &str) -> Result<usize, Problem> {
    let bytes = inside.as_bytes();
    let mut quote = None;
    let mut braces = 0_usize;
    let mut brackets = 0_usize;
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        match (quote, byte) {
            (Some(_), b'\\') => at += 1,
            (Some(mark), _) if mark == byte => quote = None,
            (None, b'\'' | b'"') => quote = Some(byte),
            (None, b'{') => braces += 1,
            (None, b'}') if braces > 0 => braces -= 1,
            (None, b'}') if bytes.get(at + 1) == Some(&b'}') => return Ok(at),
            (None, b'(' | b'[') => brackets += 1,
            (None, b')' | b']') => brackets = brackets.saturating_sub(1),
            _ => {}
        }
        if braces + brackets > NESTING_LIMIT {
            return Err(format!("brackets are nested at most {NESTING_LIMIT} deep").into());
        }
        at += 1;
    }
    Err("`{{` without its `}}`".into())
}

#[cfg(test)]
mod tests {
    use super::Part::{Expression, Text};
    use super::*;

    #[test]
    fn texts_and_expressions_take_turns() {
        assert_eq!(parts("").unwrap(), []);
        assert_eq!(parts("a {b} }} é").unwrap(), [Text("a {b} }} é")]);
        assert_eq!(parts("{{ a }}").unwrap(), [Expression("a")]);
        assert_eq!(
            parts("é{{a}}{{ b }}z").unwrap(),
            [Text("é"), Expression("a"), Expression("b"), Text("z")]
        );
    }

    #[test]
    fn quoted_braces_and_objects_do_not_end_an_expression() {
        for one in [r#""}}" ~ 'it\'s }}'"#, "{'a': {'b': 1}}", "'{%' ~ '{#'"] {
            assert_eq!(parts(&format!("{{{{{one}}}}}")).unwrap(), [Expression(one)]);
        }
    }

    #[test]
    fn statements_comments_trimming_and_open_ends_are_refused() {
        for template in [
            "{% if x %}",
            "a {# b #}",
            "{{- a }}",
            "{{ a -}}",
            "{{+ a }}",
            "{{ a",
            "{{ a }",
            "{{ 'a }}",
            "{{",
            r"{{ 'a\",
        ] {
            assert!(parts(template).is_err(), "{template}");
        }
        assert!(parts(&"x".repeat(TEMPLATE_LIMIT + 1)).is_err());
        assert!(parts(&format!("{{{{ '{}' }}}}", "x".repeat(EXPRESSION_LIMIT))).is_err());
        for bracket in ["(", "[", "{", "({"] {
            assert!(parts(&format!("{{{{ {}", bracket.repeat(NESTING_LIMIT + 1))).is_err());
        }
    }
}
