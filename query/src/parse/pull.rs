//! Pull patterns.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::expect::{expected, missing};
use crate::ast::{PullAttribute, PullLimit, PullNested, PullPattern, PullSpec};
use crate::edn::{Form, FormKind};
use crate::error::{Code, Error, Result};
use crate::nearest::did_you_mean;
use crate::value::Value;

const HELP_PATTERN: &str = "write [:attribute {:reference [*]} (:attribute :default 0)]";
const OPTIONS: [&str; 5] = [":as", ":limit", ":default", ":xform", ":ident"];

pub(super) fn pattern(form: &Form) -> Result<PullPattern> {
    match form.vector() {
        None => Err(expected("a pull pattern", form).with_help(HELP_PATTERN)),
        Some([]) => Err(missing("an attribute between the brackets", form.span).with_help("write [*] for all attributes")),
        Some(items) => {
            let mut specs = Vec::with_capacity(items.len());
            for item in items {
                add_specs(item, &mut specs)?;
            }
            check_names(&specs)?;
            Ok(PullPattern { specs })
        }
    }
}

/// What `:as` names must not be shown under the name of something else: one of the two would be lost.
fn check_names(specs: &[PullSpec]) -> Result<()> {
    let mut shown: BTreeMap<Value, &PullAttribute> = BTreeMap::new();
    for spec in specs {
        let PullSpec::Attribute(attribute) = spec else { continue };
        let name = attribute.key();
        let Some(earlier) = shown.insert(name.clone(), attribute) else { continue };
        if earlier.alias.is_some() || attribute.alias.is_some() {
            return Err(Error::new(Code::QuerySyntax, format!("the pattern shows two things as {name}"))
                .at(attribute.span)
                .with_value(&name)
                .with_help("give one of them another name with :as"));
        }
    }
    Ok(())
}

fn add_specs(form: &Form, specs: &mut Vec<PullSpec>) -> Result<()> {
    if form.symbol() == Some("*") || form.string() == Some("*") {
        specs.push(PullSpec::Wildcard);
        return Ok(());
    }
    let Some(entries) = form.map() else {
        specs.push(PullSpec::Attribute(attribute(form)?));
        return Ok(());
    };
    if entries.is_empty() {
        return Err(missing("a reference and its pattern between the braces", form.span).with_help("write {:reference [*]}"));
    }
    for (key, value) in entries {
        specs.push(PullSpec::Attribute(PullAttribute { nested: nested(value)?, ..attribute(key)? }));
    }
    Ok(())
}

fn nested(form: &Form) -> Result<PullNested> {
    if form.symbol() == Some("...") || form.string() == Some("...") {
        return Ok(PullNested::Unbounded);
    }
    if form.vector().is_some() {
        return pattern(form).map(PullNested::Pattern);
    }
    let depth = form.long().and_then(|n| usize::try_from(n).ok()).filter(|depth| *depth > 0);
    depth.map(PullNested::Depth).ok_or_else(|| {
        expected("a pattern, a depth or ...", form).with_help("write {:reference [*]}, {:reference 3} or {:reference ...}")
    })
}

/// `:a/b`, `(:a/b :as :x)`, `[:a/b :as :x]`, `(limit :a/b 10)`, `(default :a/b 1)`.
fn attribute(form: &Form) -> Result<PullAttribute> {
    if let Some(name) = form.keyword() {
        return Ok(plain(name, form));
    }
    let Some((head, rest)) = form.items().and_then(<[_]>::split_first) else {
        return Err(expected("an attribute", form).with_help(HELP_PATTERN));
    };
    let mut attribute = match head.symbol().or_else(|| head.string()) {
        Some("limit") => legacy("limit", rest, form)?,
        Some("default") => legacy("default", rest, form)?,
        _ => with_options(head, rest)?,
    };
    attribute.span = form.span;
    Ok(attribute)
}

/// `(limit :a/b 10)` and `(default :a/b 1)`, as patterns were written before options.
fn legacy(word: &str, rest: &[Form], whole: &Form) -> Result<PullAttribute> {
    let [inner, value] = rest else {
        return Err(expected(&format!("an attribute and a value behind `{word}`"), whole)
            .with_help(format!("write ({word} :attribute 10)")));
    };
    let mut inner = attribute(inner)?;
    set_option(&mut inner, word, value)?;
    Ok(inner)
}

fn with_options(head: &Form, options: &[Form]) -> Result<PullAttribute> {
    let Some(name) = head.keyword() else {
        return Err(expected("an attribute", head).with_help("write (:attribute :as \"name\" :default 0)"));
    };
    let mut attribute = plain(name, head);
    for option in options.chunks(2) {
        set_written_option(&mut attribute, option)?;
    }
    Ok(attribute)
}

fn set_written_option(attribute: &mut PullAttribute, option: &[Form]) -> Result<()> {
    let key = &option[0];
    let Some(name) = key.keyword().filter(|name| OPTIONS.iter().any(|known| known[1..] == **name)) else {
        let written = key.to_string();
        let help = did_you_mean(&written, OPTIONS, format!("the options are {}", OPTIONS.join(" ")));
        return Err(expected("an option of the attribute", key).with_help(help));
    };
    match option {
        [_, value] => set_option(attribute, name, value),
        _ => Err(expected(&format!("a value behind `:{name}`"), key).with_help("options come in pairs, such as :limit 10")),
    }
}

fn set_option(attribute: &mut PullAttribute, name: &str, value: &Form) -> Result<()> {
    match name {
        "as" => attribute.alias = Some(value.to_value()),
        "default" => attribute.default = Some(value.to_value()),
        "limit" => attribute.limit = limit(value)?,
        "ident" => match &value.kind {
            FormKind::Scalar(Value::Boolean(is_wanted)) => attribute.shows_idents = *is_wanted,
            _ => return Err(expected("true or false", value).with_help("write :ident true to see keywords instead of ids")),
        },
        _ => {
            let name =
                value.symbol().ok_or_else(|| expected("the name of a function", value).with_help("write :xform upper-case"))?;
            attribute.transform = Some(name.into());
        }
    }
    Ok(())
}

fn limit(form: &Form) -> Result<PullLimit> {
    match &form.kind {
        FormKind::Scalar(Value::Nil) => Ok(PullLimit::Unlimited),
        FormKind::Scalar(Value::Long(n)) if *n > 0 => usize::try_from(*n)
            .map(PullLimit::Count)
            .map_err(|_| Error::new(Code::QuerySyntax, "the limit is too large").at(form.span)),
        _ => Err(expected("a whole number above 0, or nil", form).with_help("write :limit 10, or :limit nil for all")),
    }
}

/// The attribute that a reverse one, `ns/_name`, reads from its other end: `ns/name`. `None` for any other keyword.
pub(crate) fn forward(keyword: &str) -> Option<Arc<str>> {
    let (namespace, name) = keyword.rsplit_once('/').map_or((None, keyword), |(namespace, name)| (Some(namespace), name));
    let forward = name.strip_prefix('_').filter(|rest| !rest.is_empty())?;
    Some(namespace.map_or_else(|| forward.into(), |namespace| format!("{namespace}/{forward}").into()))
}

fn plain(keyword: &str, form: &Form) -> PullAttribute {
    let forward = forward(keyword);
    let is_reverse = forward.is_some();
    let ident = forward.unwrap_or_else(|| keyword.into());
    PullAttribute {
        ident,
        is_reverse,
        alias: None,
        limit: PullLimit::Default,
        default: None,
        transform: None,
        shows_idents: false,
        nested: PullNested::None,
        span: form.span,
    }
}
