//! From the EDN of a lens to its layer.

use std::sync::Arc;

use crate::edn::{Form, FormKind};
use crate::error::{Code, Error, Result};
use crate::nearest::did_you_mean;
use crate::parse;
use crate::registry::Functions;
use crate::value::Value;

use super::coercion::Coercion;
use super::formula::Formula;
use super::layer::{Fallback, Layer, OnFailure};
use crate::ast::{RuleSet, RuleText};

/// What a lens may say.
const KEYS: [&str; 9] = [
    ":lens/name",
    ":lens/doc",
    ":lens/rename",
    ":lens/hide",
    ":lens/coerce",
    ":lens/default",
    ":lens/compute",
    ":lens/rules",
    ":lens/on-failure",
];

/// Reads one map. `rules_form` is the same form, its places marked as places in a text of rules.
pub(super) fn layer(form: &Form, rules_form: &Form, text: &str, functions: &Functions) -> Result<Layer> {
    let (Some(entries), Some(rules_entries)) = (form.map(), rules_form.map()) else {
        return Err(expected("a lens, which is a map", form)
            .with_help("write {:lens/rename {:new/name :stored/name}}, or a vector of such maps"));
    };
    let mut layer = Layer { source: form.to_string(), ..Layer::default() };
    for ((key, value), (_, rules_value)) in entries.iter().zip(rules_entries) {
        match key.keyword().and_then(|name| name.strip_prefix("lens/")) {
            Some("name") => layer.name = Some(name(value)?),
            Some("doc") if value.string().is_some() => {}
            Some("doc") => return Err(expected("a text", value).with_help(":lens/doc says what the lens is for")),
            Some("rename") => renames(value, &mut layer)?,
            Some("hide") => layer.hidden = names(value)?.into_iter().collect(),
            Some("coerce") => coercions(value, functions, &mut layer)?,
            Some("default") => defaults(value, &mut layer)?,
            Some("compute") => computed(value, functions, &mut layer)?,
            Some("rules") => layer.rules = parse::rules_form(rules_value)?,
            Some("on-failure") => layer.on_failure = on_failure(value)?,
            _ => return Err(unknown_key(key)),
        }
    }
    check_computed(form, &layer)?;
    if !layer.rules.rules.is_empty() {
        layer.rules = RuleSet { texts: vec![RuleText { name: layer.title().into(), text: text.into() }], ..layer.rules };
    }
    Ok(layer)
}

fn unknown_key(key: &Form) -> Error {
    let name = key.to_string();
    Error::new(Code::LensSyntax, format!("a lens has no key {name}")).with_value(&name).at(key.span).with_help(did_you_mean(
        &name,
        KEYS,
        format!("the keys are {}", KEYS.join(" ")),
    ))
}

fn expected(what: &str, form: &Form) -> Error {
    Error::new(Code::LensSyntax, format!("expected {what}, found the {} {form}", form.kind_name())).with_value(form).at(form.span)
}

/// The name of an attribute, or of a lens.
fn name(form: &Form) -> Result<Arc<str>> {
    form.keyword().map(Arc::from).ok_or_else(|| expected("a keyword", form).with_help("names are keywords such as :order/total"))
}

fn names(form: &Form) -> Result<Vec<Arc<str>>> {
    match &form.kind {
        FormKind::Vector(items) | FormKind::Set(items) | FormKind::List(items) => items.iter().map(name).collect(),
        _ => Err(expected("a vector of names", form).with_help("write :lens/hide [:identity/contact]")),
    }
}

fn entries<'f>(form: &'f Form, help: &str) -> Result<&'f [(Form, Form)]> {
    form.map().ok_or_else(|| expected("a map", form).with_help(help))
}

fn renames(form: &Form, layer: &mut Layer) -> Result<()> {
    for (new_form, stored_form) in entries(form, "write :lens/rename {:new/name :stored/name}")? {
        let (new, stored) = (name(new_form)?, name(stored_form)?);
        if let Some((other, _)) = layer.renames.iter().find(|(_, known)| **known == stored) {
            let message = format!(":{stored} cannot be shown as both :{other} and :{new}");
            return Err(Error::new(Code::LensSyntax, message)
                .with_value(stored_form)
                .at(stored_form.span)
                .with_help("give it one new name: the stored name stays readable unless :lens/hide lists it"));
        }
        layer.renames.insert(new, stored);
    }
    Ok(())
}

fn coercions(form: &Form, functions: &Functions, layer: &mut Layer) -> Result<()> {
    for (attribute, coercion) in entries(form, "write :lens/coerce {:order/total :bigdec}")? {
        layer.coercions.push((name(attribute)?, Coercion::read(coercion, functions)?));
    }
    Ok(())
}

fn defaults(form: &Form, layer: &mut Layer) -> Result<()> {
    let help = "write :lens/default {:order/id {:order/state :new}}: whoever has :order/id has :order/state";
    for (anchor, values) in entries(form, help)? {
        for (attribute, value) in entries(values, help)? {
            let (attribute_name, value) = (name(attribute)?, default_value(value)?);
            if layer.defaults.iter().any(|known| known.attribute == attribute_name) {
                return Err(Error::new(Code::LensSyntax, format!("{attribute} has two defaults"))
                    .with_value(attribute)
                    .at(attribute.span)
                    .with_help("an entity with both anchors would have either: name one anchor"));
            }
            layer.defaults.push(Fallback { anchor: name(anchor)?, attribute: attribute_name, value });
        }
    }
    Ok(())
}

fn default_value(form: &Form) -> Result<Value> {
    let value = form.to_value();
    if value.value_type().is_some() {
        return Ok(value);
    }
    Err(Error::new(Code::LensSyntax, format!("a {} is no value of a fact", form.kind_name()))
        .with_value(form)
        .at(form.span)
        .with_help("a default is one value: a number, a text, a keyword, an instant or a tuple"))
}

fn computed(form: &Form, functions: &Functions, layer: &mut Layer) -> Result<()> {
    for (attribute, call) in entries(form, "write :lens/compute {:user/name (str ?user/first \" \" ?user/last)}")? {
        let formula = Formula::read(call, functions)?;
        if formula.inputs.iter().all(|input| **input == *super::made::ENTITY) {
            return Err(Error::new(Code::LensSyntax, format!("{call} names no attribute, so every entity would have it"))
                .with_value(call)
                .at(call.span)
                .with_help("name an attribute that the entity has: ?order/id is the value of :order/id"));
        }
        layer.computed.push((name(attribute)?, formula));
    }
    Ok(())
}

/// A computed attribute stands for itself: it is neither coerced, nor renamed, nor the input of another.
fn check_computed(form: &Form, layer: &Layer) -> Result<()> {
    let refuse = |attribute: &str, message: String, help: &str| {
        let error = Error::new(Code::LensSyntax, message).with_value(format_args!(":{attribute}")).at(form.span);
        Err(error.with_help(help))
    };
    for (attribute, _) in &layer.computed {
        if layer.coercions.iter().any(|(name, _)| name == attribute) {
            let message = format!(":{attribute} is computed and coerced");
            return refuse(attribute, message, "call the function that coerces it around the computation");
        }
        if layer.defaults.iter().any(|default| default.attribute == *attribute) {
            let message = format!(":{attribute} is computed and has a default");
            return refuse(attribute, message, "give the attributes that it is computed from their defaults");
        }
        if layer.renames.contains_key(attribute) || layer.hidden.contains(attribute) {
            let message = format!(":{attribute} is computed, and renamed or hidden");
            return refuse(attribute, message, "give the computed attribute a name of its own");
        }
        let reader = layer.computed.iter().find(|(_, formula)| formula.inputs.contains(attribute));
        if let Some((reader, _)) = reader {
            let message = format!(":{reader} is computed from :{attribute}, which is computed too");
            return refuse(attribute, message, "write the one call inside the other, or compute it in a lens on top");
        }
    }
    Ok(())
}

fn on_failure(form: &Form) -> Result<OnFailure> {
    match form.keyword() {
        Some("error") => Ok(OnFailure::Error),
        Some("skip") => Ok(OnFailure::Skip),
        _ => {
            Err(expected(":error or :skip", form)
                .with_help(":skip leaves out what cannot be read; :error, the default, names it"))
        }
    }
}
