//! Text to transaction data: the forms of a transaction, each with its place.

use std::sync::Arc;

use annals_query::edn::{self, Form, FormKind};
use annals_query::nearest::nearest;
use annals_query::{Span, Value};

use super::data::{AttributeTerm, EntityTerm, MapEntry, MapForm, Operation, TxData, ValueTerm};
use super::refusal::Refusals;
use super::resolve::term_of;
use crate::error::{Error, ErrorKind, Result};

/// The operations, and how each is written.
const OPERATIONS: [(&str, &str); 9] = [
    ("db/add", "[:db/add entity attribute value] or [:db/add entity attribute value m]"),
    (
        "db/retract",
        "[:db/retract entity attribute], [:db/retract entity attribute value] or [:db/retract entity attribute value m]",
    ),
    ("db/retractEntity", "[:db/retractEntity entity]"),
    ("db.fn/retractEntity", "[:db/retractEntity entity]"),
    ("db/cas", "[:db/cas entity attribute old new]"),
    ("db.fn/cas", "[:db/cas entity attribute old new]"),
    ("db/ensure", "[:db/ensure entity specification]"),
    ("db/call", "[:db/call function argument ..] or [:function argument ..]"),
    ("db.fn/call", "[:db/call function argument ..] or [:function argument ..]"),
];

impl TxData {
    /// Reads one transaction: a vector of forms, or a single form. Errors name line and column.
    ///
    /// ```
    /// use annals::transact::TxData;
    /// let data = TxData::read("[{:db/id \"ada\" :user/name \"Ada\"} [:db/add \"ada\" :user/born 1815]]")?;
    /// assert_eq!(data.len(), 2);
    /// # Ok::<(), annals::Error>(())
    /// ```
    pub fn read(text: &str) -> Result<Self> {
        let forms = edn::read_forms(text)?;
        let located = |error: Error| error.located_in(text);
        match &*forms {
            [form] => transaction(form, &text.into()).map_err(located),
            [] => Err(located(
                Error::new(ErrorKind::TransactionSyntax, "there is no transaction to read")
                    .at(Span::default())
                    .with_help("write a vector of maps and operations, as [{:user/name \"Ada\"}]"),
            )),
            [_, second, ..] => Err(located(
                Error::new(ErrorKind::TransactionSyntax, "a second form follows the transaction")
                    .at(second.span)
                    .with_value(second)
                    .with_help("put all forms of the transaction into one vector [..]"),
            )),
        }
    }

    /// Reads any number of transactions: each form of the text is one.
    pub fn read_many(text: &str) -> Result<Vec<Self>> {
        let shared: Arc<str> = text.into();
        let mut all = Vec::new();
        // Each as soon as it is read, so that a long text that is something else is refused soon.
        let read = edn::each_form(text, |form| {
            all.push(transaction(&form, &shared)?);
            Ok(())
        });
        read.map_err(|error: Error| error.located_in(text))?;
        Ok(all)
    }
}

fn transaction(form: &Form, text: &Arc<str>) -> Result<TxData> {
    let forms = match form.vector() {
        Some(items) if items.first().is_none_or(|first| first.keyword().is_none()) => items,
        _ => std::slice::from_ref(form),
    };
    let mut data = TxData { text: Some(Arc::clone(text)), ..TxData::with_capacity(forms.len()) };
    let mut refusals = Refusals::default();
    for form in forms {
        if let Some(operation) = refusals.take(operation(form), Some(form.span)) {
            data.operations.push(operation);
            data.spans.push(form.span);
        }
    }
    refusals.settle()?;
    Ok(data)
}

fn operation(form: &Form) -> Result<Operation> {
    if form.map().is_some() {
        return Ok(Operation::Map(Box::new(map(form)?)));
    }
    let Some([name, arguments @ ..]) = form.items() else {
        return Err(syntax("a transaction holds maps and operations", form)
            .with_help("write a map {:user/name \"Ada\"} or an operation [:db/add entity attribute value]"));
    };
    let Some(operator) = name.keyword().or_else(|| name.symbol()) else {
        return Err(syntax("an operation begins with its keyword", name).with_help(
            "begin with :db/add, :db/retract, :db/retractEntity, :db/cas, :db/ensure or the name of a transaction function",
        ));
    };
    match (operator, arguments) {
        ("db/add", [e, a, v]) => add(e, a, v, None),
        ("db/add", [e, a, v, m]) => add(e, a, v, Some(m)),
        ("db/retract", [e, a]) => retract(e, a, None, None),
        ("db/retract", [e, a, v]) => retract(e, a, Some(v), None),
        ("db/retract", [e, a, v, m]) => retract(e, a, Some(v), Some(m)),
        ("db/retractEntity" | "db.fn/retractEntity", [e]) => Ok(Operation::RetractEntity { entity: entity(e)?, m: None }),
        ("db/cas" | "db.fn/cas", [e, a, old, new]) => {
            let (old, new) = ((!old.is_nil()).then(|| listed(old)), (!new.is_nil()).then(|| listed(new)));
            let (old, new) = (old.transpose()?, new.transpose()?);
            Ok(Operation::CompareAndSwap { entity: entity(e)?, attribute: attribute(a)?, old, new, m: None })
        }
        ("db/ensure", [e, spec]) => Ok(Operation::Ensure { entity: entity(e)?, spec: entity(spec)? }),
        ("db/call" | "db.fn/call", [function, args @ ..]) if function.keyword().or_else(|| function.symbol()).is_some() => {
            Ok(call(function.keyword().or_else(|| function.symbol()).unwrap_or_default(), args, function))
        }
        _ if is_reserved(operator) => Err(wrong_operation(operator, name, form)),
        _ => Ok(call(operator, arguments, name)),
    }
}

/// Names that no transaction function can have.
fn is_reserved(operator: &str) -> bool {
    operator.starts_with("db/") || operator.starts_with("db.")
}

fn call(name: &str, args: &[Form], place: &Form) -> Operation {
    Operation::Call { name: name.into(), args: args.iter().map(Form::to_value).collect(), span: Some(place.span) }
}

fn wrong_operation(operator: &str, name: &Form, form: &Form) -> Error {
    match OPERATIONS.iter().find(|(known, _)| *known == operator) {
        Some((_, shape)) => {
            syntax(&format!(":{operator} has the wrong number of places"), form).with_help(format!("write it as {shape}"))
        }
        None => unknown_operation(operator, []).at(name.span),
    }
}

/// There is neither an operation nor a function of this name among those that were registered.
pub(crate) fn unknown_operation<'n>(name: &str, functions: impl IntoIterator<Item = &'n str>) -> Error {
    let known = OPERATIONS.iter().map(|(known, _)| *known).chain(functions);
    let help = match nearest(name, known, 1).first() {
        Some(near) => format!("did you mean :{near}?"),
        None => "the operations are :db/add, :db/retract, :db/retractEntity, :db/cas and :db/ensure; \
                 a program registers its own as transaction functions"
            .to_owned(),
    };
    Error::new(ErrorKind::UnknownTransactionFunction, format!("there is no operation :{name}"))
        .with_value(format_args!(":{name}"))
        .with_help(help)
}

fn add(e: &Form, a: &Form, v: &Form, m: Option<&Form>) -> Result<Operation> {
    Ok(Operation::Add { entity: entity(e)?, attribute: attribute(a)?, value: listed(v)?, m: m.map(entity).transpose()? })
}

fn retract(e: &Form, a: &Form, v: Option<&Form>, m: Option<&Form>) -> Result<Operation> {
    let (value, m) = (v.map(listed).transpose()?, m.map(entity).transpose()?);
    Ok(Operation::Retract { entity: entity(e)?, attribute: attribute(a)?, value, m })
}

fn entity(form: &Form) -> Result<EntityTerm> {
    term_of(&form.to_value()).ok_or_else(|| {
        let message = format!("a {} is no entity", form.kind_name());
        syntax(&message, form)
            .with_help("an entity is an id, a string as temporary id, a keyword ident or a lookup reference [:attribute value]")
    })
}

fn attribute(form: &Form) -> Result<AttributeTerm> {
    match &form.kind {
        FormKind::Scalar(Value::Keyword(name)) => Ok(AttributeTerm::Ident(Arc::clone(name))),
        FormKind::Scalar(Value::Long(id) | Value::Ref(id)) => Ok(AttributeTerm::Id(*id)),
        _ => {
            Err(syntax(&format!("a {} is no attribute", form.kind_name()), form).with_help("write a keyword such as :user/name"))
        }
    }
}

fn map(form: &Form) -> Result<MapForm> {
    let mut map = MapForm::default();
    for (key, value) in form.map().unwrap_or_default() {
        match key.keyword() {
            Some("db/id") => map.entity = Some(entity(value)?),
            Some("db/m") => map.m = Some(entity(value)?),
            Some(name) if reversed(name).is_some() => {
                let attribute = AttributeTerm::Ident(reversed(name).unwrap_or_default().into());
                map.entries.push(MapEntry { attribute, is_reverse: true, value: mapped(value)?, span: Some(value.span) });
            }
            _ => {
                let (attribute, value, span) = (attribute(key)?, mapped(value)?, Some(value.span));
                map.entries.push(MapEntry { attribute, is_reverse: false, value, span });
            }
        }
    }
    Ok(map)
}

/// The attribute of a reverse key: `log/run` of `log/_run`.
fn reversed(name: &str) -> Option<String> {
    match name.split_once('/') {
        Some((namespace, local)) => local.strip_prefix('_').map(|local| format!("{namespace}/{local}")),
        None => name.strip_prefix('_').map(str::to_owned),
    }
}

/// A value in an operation: a vector is one value.
fn listed(form: &Form) -> Result<ValueTerm> {
    match &form.kind {
        FormKind::Vector(_) => Ok(ValueTerm::Value(form.to_value())),
        _ => mapped(form),
    }
}

/// A value in a map: a vector may be many values.
fn mapped(form: &Form) -> Result<ValueTerm> {
    let all = |items: &[Form]| items.iter().map(mapped).collect::<Result<Vec<ValueTerm>>>();
    Ok(match &form.kind {
        FormKind::Map(_) => ValueTerm::Map(Box::new(map(form)?)),
        FormKind::Vector(items) => ValueTerm::Vector(all(items)?),
        FormKind::Set(items) => ValueTerm::Set(all(items)?),
        FormKind::Scalar(_) | FormKind::List(_) | FormKind::Tagged(..) => ValueTerm::Value(form.to_value()),
    })
}

fn syntax(message: &str, form: &Form) -> Error {
    Error::new(ErrorKind::TransactionSyntax, message).with_value(form).at(form.span)
}
