//! Calls of functions over attributes of one entity: `(str ?user/first " " ?user/last)`.

use std::sync::Arc;

use crate::edn::{Form, FormKind};
use crate::error::{Code, Error, Result};
use crate::function::AnyFunction;
use crate::nearest::did_you_mean;
use crate::registry::Functions;
use crate::value::Value;

/// A call, and the variables that it reads.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Formula {
    /// The variables without question mark, each once.
    pub(super) inputs: Vec<Arc<str>>,
    expression: Expression,
    text: String,
}

#[derive(Clone, Debug)]
enum Expression {
    Constant(Value),
    /// An input, by its place.
    Input(usize),
    Call(AnyFunction, Vec<Expression>),
}

impl PartialEq for Expression {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Constant(a), Self::Constant(b)) => a == b,
            (Self::Input(a), Self::Input(b)) => a == b,
            (Self::Call(a, a_args), Self::Call(b, b_args)) => a.name() == b.name() && a_args == b_args,
            _ => false,
        }
    }
}

impl Formula {
    /// Reads a call; it names at least one variable.
    pub(super) fn read(form: &Form, functions: &Functions) -> Result<Self> {
        let mut inputs = Vec::new();
        let expression = call(form, functions, &mut inputs)?;
        if inputs.is_empty() {
            return Err(Error::new(Code::LensSyntax, format!("{form} names no variable, so it follows from nothing"))
                .with_value(form)
                .at(form.span)
                .with_help("name attributes as variables: ?user/first is the value of :user/first"));
        }
        Ok(Self { inputs, expression, text: form.to_string() })
    }

    /// The call of one function with one variable.
    pub(super) fn of_function(name: &str, form: &Form, input: &str, functions: &Functions) -> Result<Self> {
        let call = Expression::Call(known(name, form, 1, functions)?, vec![Expression::Input(0)]);
        Ok(Self { inputs: vec![input.into()], expression: call, text: name.to_owned() })
    }

    /// What it gives for the values of its inputs, in their order. Nil is no value.
    pub(super) fn value(&self, inputs: &[Value]) -> Result<Value> {
        evaluated(&self.expression, inputs)
    }

    /// As it was written.
    pub(super) fn text(&self) -> &str {
        &self.text
    }
}

fn evaluated(expression: &Expression, inputs: &[Value]) -> Result<Value> {
    match expression {
        Expression::Constant(value) => Ok(value.clone()),
        Expression::Input(at) => Ok(inputs[*at].clone()),
        Expression::Call(function, args) => {
            let args = args.iter().map(|arg| evaluated(arg, inputs)).collect::<Result<Vec<_>>>()?;
            function.call(&args)
        }
    }
}

fn call(form: &Form, functions: &Functions, inputs: &mut Vec<Arc<str>>) -> Result<Expression> {
    let Some((name, args)) = form.list().and_then(<[_]>::split_first).and_then(|(name, args)| Some((name.symbol()?, args)))
    else {
        return Err(Error::new(Code::LensSyntax, format!("expected a call, found the {} {form}", form.kind_name()))
            .with_value(form)
            .at(form.span)
            .with_help("write a function with its arguments: (str ?user/first \" \" ?user/last)"));
    };
    let function = known(name, form, args.len(), functions)?;
    let args = args.iter().map(|arg| argument(arg, functions, inputs)).collect::<Result<_>>()?;
    Ok(Expression::Call(function, args))
}

fn argument(form: &Form, functions: &Functions, inputs: &mut Vec<Arc<str>>) -> Result<Expression> {
    if form.list().is_some() {
        return call(form, functions, inputs);
    }
    if let Some(name) = variable(form) {
        let place = inputs.iter().position(|known| **known == *name).unwrap_or_else(|| {
            inputs.push(name.into());
            inputs.len() - 1
        });
        return Ok(Expression::Input(place));
    }
    match variable_within(form) {
        None => Ok(Expression::Constant(form.to_value())),
        Some(inner) => Err(Error::new(Code::LensSyntax, format!("the literal {form} holds the variable {inner}"))
            .with_value(form)
            .at(inner.span)
            .with_help("make it by a call: (vector ?a ?b)")),
    }
}

/// The name of `?name`, without the question mark.
fn variable(form: &Form) -> Option<&str> {
    form.symbol().and_then(|name| name.strip_prefix('?')).filter(|name| !name.is_empty())
}

fn variable_within(form: &Form) -> Option<&Form> {
    match &form.kind {
        FormKind::Scalar(_) => variable(form).map(|_| form),
        FormKind::List(items) | FormKind::Vector(items) | FormKind::Set(items) => items.iter().find_map(variable_within),
        FormKind::Map(entries) => entries.iter().find_map(|(key, value)| variable_within(key).or_else(|| variable_within(value))),
        FormKind::Tagged(_, content) => variable_within(content),
    }
}

/// A pure function that takes so many arguments.
fn known(name: &str, form: &Form, count: usize, functions: &Functions) -> Result<AnyFunction> {
    let Some(function) = functions.function(name) else {
        return Err(Error::new(Code::UnknownFunction, format!("no function is called `{name}`"))
            .with_value(name)
            .at(form.span)
            .with_help(did_you_mean(name, functions.function_names(), "`:help` in `annals shell` lists the functions")));
    };
    if function.asks_source() {
        return Err(Error::new(Code::LensSyntax, format!("`{name}` asks a source, and a lens reads one entity"))
            .with_value(name)
            .at(form.span)
            .with_help("put the condition into :lens/rules"));
    }
    function.check_arity(count).map_err(|error| error.at(form.span))?;
    Ok(function)
}
