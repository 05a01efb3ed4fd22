//! Tags that have a meaning here.

use std::sync::Arc;

use super::form::{Form, FormKind};
use super::{instant, syntax};
use crate::error::{Error, Result, Span};
use crate::value::{Uuid, Value};

/// Tags whose content is always taken apart: a [`Value::Tagged`] of such a name is written as `#db/tagged`.
pub(super) const KNOWN: [&str; 7] = ["inst", "uuid", "uri", "bytes", "db/keyword", "db/symbol", "db/tagged"];

/// The form that `#tag content` stands for.
pub(super) fn apply(tag: Arc<str>, content: Form, span: Span) -> Result<Form> {
    let value = match &*tag {
        "inst" => Value::Instant(read_instant(&content, span)?),
        "uuid" => Value::Uuid(read_uuid(&content, span)?),
        "uri" => Value::Uri(text_of(&content, "uri", "#uri \"https://example.org\"", span)?.into()),
        "bytes" => Value::Bytes(read_bytes(&content, span)?),
        "db/keyword" => Value::Keyword(text_of(&content, "db/keyword", "#db/keyword \"any text\"", span)?.into()),
        "db/symbol" => Value::Symbol(text_of(&content, "db/symbol", "#db/symbol \"any text\"", span)?.into()),
        "db/id" if content.long().is_some() => Value::Ref(content.long().unwrap_or_default()),
        "db/tagged" => return Ok(Form { kind: tagged(tag, content), span }),
        _ => return Ok(Form { kind: FormKind::Tagged(tag, Box::new(content)), span }),
    };
    Ok(Form::scalar(value, span))
}

/// `["tag" content]` as the tagged value that it spells out.
fn tagged(tag: Arc<str>, content: Form) -> FormKind {
    let name = match content.vector() {
        Some([name, _]) => name.string().map(Arc::from),
        _ => None,
    };
    match (name, content) {
        (Some(name), Form { kind: FormKind::Vector(mut parts), .. }) => {
            FormKind::Tagged(name, Box::new(parts.pop().expect("the vector has two items")))
        }
        (_, content) => FormKind::Tagged(tag, Box::new(content)),
    }
}

fn read_instant(content: &Form, span: Span) -> Result<i64> {
    let example = "#inst \"2026-11-20T10:00:00Z\"";
    instant::parse(text_of(content, "inst", example, span)?).ok_or_else(|| refuse(content, "an instant", example))
}

fn read_uuid(content: &Form, span: Span) -> Result<Uuid> {
    let example = "#uuid \"0190163d-8694-739b-aea5-966c26f8ad91\"";
    let text = text_of(content, "uuid", example, span)?;
    // Only the form with hyphens: the others that the parser takes are not what #uuid means.
    let is_hyphenated = text.len() == 36;
    Uuid::try_parse(text).ok().filter(|_| is_hyphenated).ok_or_else(|| refuse(content, "a uuid", example))
}

fn read_bytes(content: &Form, span: Span) -> Result<Arc<[u8]>> {
    let example = "#bytes \"00ff\"";
    let text = text_of(content, "bytes", example, span)?;
    let digits: Option<Vec<u8>> = text.chars().map(|c| c.to_digit(16).map(|digit| digit as u8)).collect();
    let digits = digits.filter(|digits| digits.len() % 2 == 0);
    let bytes = digits.map(|digits| digits.chunks_exact(2).map(|pair| pair[0] << 4 | pair[1]).collect());
    bytes.ok_or_else(|| refuse(content, "an even number of hexadecimal digits", example))
}

fn text_of<'f>(content: &'f Form, tag: &str, example: &str, span: Span) -> Result<&'f str> {
    content.string().ok_or_else(|| {
        syntax(format!("#{tag} wants a string, not a {}", content.kind_name()), span).with_help(format!("write it as {example}"))
    })
}

fn refuse(content: &Form, wanted: &str, example: &str) -> Error {
    syntax(format!("this is not {wanted}"), content.span).with_value(content).with_help(format!("write it as {example}"))
}
