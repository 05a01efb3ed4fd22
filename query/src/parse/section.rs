//! The sections of a query, `:find ..`, `:where ..`, taken apart: the same from the vector and from the map form.

use super::expect::{expected, missing};
use crate::edn::{Form, FormKind};
use crate::error::{Code, Error, Result, Span};
use crate::nearest::did_you_mean;

/// The keywords that start a section.
const KEYWORDS: [&str; 12] =
    [":find", ":keys", ":strs", ":syms", ":with", ":in", ":where", ":having", ":order-by", ":limit", ":offset", ":timeout"];

/// What stands behind one keyword.
#[derive(Clone, Copy)]
pub(super) struct Section<'f> {
    /// The keyword, without colon.
    pub(super) key: &'f str,
    /// Its place.
    pub(super) span: Span,
    /// What stands behind it.
    pub(super) forms: &'f [Form],
}

/// All sections of a query, each keyword once.
pub(super) struct Sections<'f>(Vec<Section<'f>>);

impl<'f> Sections<'f> {
    /// Takes a query apart.
    pub(super) fn of(form: &'f Form) -> Result<Self> {
        let sections = match &form.kind {
            FormKind::Map(entries) => entries.iter().map(map_section).collect::<Result<Vec<_>>>()?,
            FormKind::Vector(items) | FormKind::List(items) => vector_sections(items)?,
            _ => {
                return Err(
                    expected("a query", form).with_help("write [:find ?e :where [?e :attribute ?value]], or the same as a map")
                );
            }
        };
        for (at, section) in sections.iter().enumerate() {
            check_known(section)?;
            if sections[..at].iter().any(|earlier| earlier.key == section.key) {
                return Err(Error::new(Code::QuerySyntax, format!("`:{}` stands twice", section.key))
                    .at(section.span)
                    .with_value(format!(":{}", section.key))
                    .with_help("join the two"));
            }
        }
        Ok(Self(sections))
    }

    /// The section of this keyword.
    pub(super) fn get(&self, key: &str) -> Option<Section<'f>> {
        self.0.iter().find(|section| section.key == key).copied()
    }

    /// The forms of this keyword, none if it was left out; an error if it was written with nothing behind it.
    pub(super) fn forms(&self, key: &str, what: &str) -> Result<&'f [Form]> {
        match self.get(key) {
            None => Ok(&[]),
            Some(section) if section.forms.is_empty() => {
                Err(missing(&format!("{what} behind `:{key}`"), section.span)
                    .with_help(format!("add {what}, or leave `:{key}` out")))
            }
            Some(section) => Ok(section.forms),
        }
    }
}

impl<'f> Section<'f> {
    /// The one form behind the keyword.
    pub(super) fn only(&self, what: &str) -> Result<&'f Form> {
        match self.forms {
            [only] => Ok(only),
            [] => Err(missing(&format!("{what} behind `:{}`", self.key), self.span).with_help(format!("add {what}"))),
            [_, second, ..] => {
                Err(expected(&format!("one form behind `:{}`", self.key), second).with_help("remove what follows the first"))
            }
        }
    }
}

fn map_section((key, value): &(Form, Form)) -> Result<Section<'_>> {
    let name = key.keyword().ok_or_else(|| {
        expected("a keyword that starts a section", key).with_help(format!("the sections are {}", KEYWORDS.join(" ")))
    })?;
    let forms = match (name, &value.kind) {
        ("limit" | "offset" | "timeout", _)
        | ("having", FormKind::List(_))
        | ("order-by", FormKind::List(_) | FormKind::Scalar(_)) => std::slice::from_ref(value),
        (_, FormKind::Vector(items) | FormKind::List(items)) => items,
        _ if !KEYWORDS.iter().any(|known| known[1..] == *name) => &[],
        _ => {
            return Err(expected(&format!("a vector behind `:{name}`"), value)
                .with_help(format!("in the map form every section is a vector: {{:{name} [..]}}")));
        }
    };
    Ok(Section { key: name, span: key.span, forms })
}

fn vector_sections(items: &[Form]) -> Result<Vec<Section<'_>>> {
    if let Some(first) = items.first().filter(|first| first.keyword().is_none()) {
        return Err(expected("`:find`", first).with_help("a query starts with :find and what is asked for"));
    }
    let mut starts: Vec<usize> = Vec::new();
    for (at, item) in items.iter().enumerate() {
        let Some(name) = item.keyword() else { continue };
        let is_direction =
            matches!(name, "asc" | "desc") && starts.last().is_some_and(|start| items[*start].keyword() == Some("order-by"));
        if !is_direction {
            starts.push(at);
        }
    }
    let ends = starts.iter().skip(1).copied().chain([items.len()]);
    let sections = starts.iter().zip(ends).filter_map(|(start, end)| {
        let key = items[*start].keyword()?;
        Some(Section { key, span: items[*start].span, forms: &items[*start + 1..end] })
    });
    Ok(sections.collect())
}

fn check_known(section: &Section<'_>) -> Result<()> {
    let name = format!(":{}", section.key);
    if KEYWORDS.contains(&name.as_str()) {
        return Ok(());
    }
    Err(Error::new(Code::QuerySyntax, format!("a query has no section `{name}`"))
        .at(section.span)
        .with_value(&name)
        .with_help(did_you_mean(&name, KEYWORDS, format!("the sections are {}", KEYWORDS.join(" ")))))
}
