//! The query as a whole: its sections, and the small ones of them.

use std::sync::Arc;
use std::time::Duration;

use super::expect::{as_source, expected, missing, variable};
use super::section::{Section, Sections};
use super::{binding, clause, find, having};
use crate::ast::{Direction, Element, Find, Input, OrderKey, Query, ReturnMap, ReturnMapKind, SourceName, Variable};
use crate::edn::{Form, FormKind};
use crate::error::{Code, Error, Result, Span};
use crate::value::Value;

/// The query that a form says, inside of `level` others.
pub(super) fn query(form: &Form, level: usize) -> Result<Query> {
    let sections = Sections::of(form)?;
    let Some(section) = sections.get("find") else {
        return Err(missing("`:find`", form.span).with_help("a query says what it asks for: [:find ?e :where ..]"));
    };
    let find = find::find(section.forms, section.span)?;
    Ok(Query {
        return_map: return_map(&sections, &find)?,
        find,
        with: with(&sections)?,
        inputs: inputs(&sections)?,
        clauses: clause::clauses(sections.forms("where", "a clause")?, level)?,
        having: having::conditions(sections.forms("having", "a condition")?)?,
        order_by: order_by(&sections)?,
        limit: sections.get("limit").map(|section| count(&section)).transpose()?,
        offset: sections.get("offset").map_or(Ok(0), |section| count(&section))?,
        timeout: sections.get("timeout").map(|section| timeout(&section)).transpose()?,
    })
}

fn with(sections: &Sections<'_>) -> Result<Vec<(Variable, Span)>> {
    sections.forms("with", "a variable")?.iter().map(variable).collect()
}

fn inputs(sections: &Sections<'_>) -> Result<Vec<Input>> {
    if sections.get("in").is_none() {
        return Ok(vec![Input::Source(SourceName::default(), Span::default())]);
    }
    let mut inputs: Vec<Input> = Vec::new();
    for form in sections.forms("in", "an input")? {
        let input = binding::input(form)?;
        let is_repeated = match &input {
            Input::Source(..) => {
                inputs.iter().any(|earlier| matches!(earlier, Input::Source(name, _) if as_source(form).as_ref() == Some(name)))
            }
            Input::Rules(_) => inputs.iter().any(|earlier| matches!(earlier, Input::Rules(_))),
            Input::Pattern(name, _) => inputs.iter().any(|earlier| matches!(earlier, Input::Pattern(other, _) if other == name)),
            Input::Binding(_) => false,
        };
        if is_repeated {
            return Err(Error::new(Code::QuerySyntax, format!("`{form}` stands twice in `:in`"))
                .at(form.span)
                .with_value(form)
                .with_help("give each source or pattern a name of its own"));
        }
        inputs.push(input);
    }
    Ok(inputs)
}

fn return_map(sections: &Sections<'_>, find: &Find) -> Result<Option<ReturnMap>> {
    let kinds = [("keys", ReturnMapKind::Keys), ("strs", ReturnMapKind::Strs), ("syms", ReturnMapKind::Syms)];
    let mut written = kinds.into_iter().filter_map(|(key, kind)| Some((sections.get(key)?, kind)));
    let Some((section, kind)) = written.next() else { return Ok(None) };
    if let Some((second, _)) = written.next() {
        return Err(Error::new(Code::QuerySyntax, format!("`:{}` and `:{}` cannot stand together", section.key, second.key))
            .at(second.span)
            .with_help("keep one of them"));
    }
    let Section { key, span, .. } = section;
    if matches!(find, Find::Collection(_) | Find::Scalar(_)) {
        return Err(Error::new(
            Code::QuerySyntax,
            format!("`:{key}` names the places of rows, and this `:find` gives single values"),
        )
        .at(span)
        .with_help(format!("leave `:{key}` out, or ask for rows: :find ?a ?b, or one row: :find [?a ?b]")));
    }
    let names = return_names(&section, find.elements().len())?;
    Ok(Some(ReturnMap { kind, names, span }))
}

/// One name for each find element, none twice.
fn return_names(section: &Section<'_>, wanted: usize) -> Result<Vec<Arc<str>>> {
    let Section { key, span, forms } = *section;
    let mut names: Vec<Arc<str>> = Vec::with_capacity(forms.len());
    for form in forms {
        let Some(name) = form.symbol() else {
            return Err(expected("a name", form).with_help(format!("names are written as symbols: :{key} run level")));
        };
        if names.iter().any(|earlier| **earlier == *name) {
            return Err(Error::new(Code::QuerySyntax, format!("`:{key}` gives the name `{name}` twice"))
                .at(form.span)
                .with_value(name)
                .with_help("give each find element a name of its own"));
        }
        names.push(name.into());
    }
    if names.len() != wanted {
        return Err(Error::new(Code::QuerySyntax, format!("`:{key}` gives {} names for {wanted} find elements", names.len()))
            .at(span)
            .with_help("give exactly one name for each find element"));
    }
    Ok(names)
}

fn order_by(sections: &Sections<'_>) -> Result<Vec<OrderKey>> {
    let forms = sections.forms("order-by", "what to order by")?;
    let forms = match forms {
        [only] => only.vector().unwrap_or(forms),
        _ => forms,
    };
    let mut keys: Vec<OrderKey> = Vec::new();
    let mut may_turn = false;
    for form in forms {
        let direction = match form.keyword() {
            Some("asc") => Some(Direction::Ascending),
            Some("desc") => Some(Direction::Descending),
            _ => None,
        };
        match (direction, keys.last_mut()) {
            (Some(direction), Some(last)) if may_turn => {
                last.direction = direction;
                may_turn = false;
            }
            (Some(_), _) => {
                return Err(
                    expected("a variable or an aggregate before the direction", form).with_help("write :order-by [?x :desc ?y]")
                );
            }
            (None, _) => {
                keys.push(OrderKey { element: order_element(form)?, direction: Direction::Ascending });
                may_turn = true;
            }
        }
    }
    Ok(keys)
}

fn order_element(form: &Form) -> Result<Element> {
    let help = "write :order-by [?x :desc (count ?y) :asc]";
    if form.symbol().is_none() && form.list().is_none() {
        return Err(expected("a variable, an aggregate, :asc or :desc", form).with_help(help));
    }
    match find::element(form)? {
        Element::Pull { .. } => Err(expected("a variable or an aggregate", form)
            .with_help("order by the variable that is pulled, or by one of its values")),
        element => Ok(element),
    }
}

fn count(section: &Section<'_>) -> Result<usize> {
    let form = section.only("a whole number")?;
    form.long().and_then(|n| usize::try_from(n).ok()).ok_or_else(|| {
        expected("a whole number, 0 or more", form).with_help(format!("write :{} 100, or leave it out", section.key))
    })
}

fn timeout(section: &Section<'_>) -> Result<Duration> {
    let form = section.only("a time")?;
    let time = match &form.kind {
        FormKind::Scalar(Value::Long(ms)) => u64::try_from(*ms).ok().map(Duration::from_millis),
        FormKind::Scalar(Value::String(text)) => duration(text),
        _ => None,
    };
    time.ok_or_else(|| {
        expected("milliseconds or a duration", form)
            .with_help("write :timeout 5000 or :timeout \"5s\"; the units are ms, s, m and h")
    })
}

fn duration(text: &str) -> Option<Duration> {
    let unit_at = text.find(|c: char| !c.is_ascii_digit())?;
    let count: u64 = text[..unit_at].parse().ok()?;
    let milliseconds_per_unit = match &text[unit_at..] {
        "ms" => 1,
        "s" => 1_000,
        "m" => 60_000,
        "h" => 3_600_000,
        _ => return None,
    };
    count.checked_mul(milliseconds_per_unit).map(Duration::from_millis)
}
