//! What clauses refer to by name: sources, functions and rules. Each must exist and take so many arguments.

use std::collections::BTreeSet;

use crate::ast::{Argument, Call, Clause, Input, Nested, Passed, Query, Rule, SourceName, Variable};
use crate::check::has_rules;
use crate::check::rulebook::Rulebook;
use crate::error::{Code, Error, Result, Span};
use crate::function::AnyFunction;
use crate::nearest::did_you_mean;
use crate::registry::Functions;
use crate::value::Value;

/// Checks every name in the query and in all of its rules.
pub(super) fn check(query: &Query, book: &Rulebook<'_>, functions: &Functions) -> Result<()> {
    check_query(query, book, functions)?;
    let declared = declared_sources(query);
    // Inside a rule `$` is the source on which it was called, and the calls are checked with the query.
    let references = References { book, functions, declared: &declared, has_rules: true, default_users: book.default_users() };
    book.all().try_for_each(|rule| references.clauses(&rule.clauses, true))
}

/// Checks every name in the query alone.
pub(super) fn check_query(query: &Query, book: &Rulebook<'_>, functions: &Functions) -> Result<()> {
    let declared = declared_sources(query);
    let (has_rules, default_users) = (has_rules(query), book.default_users());
    let references = References { book, functions, declared: &declared, has_rules, default_users };
    references.clauses(&query.clauses, declared.contains(&SourceName::default()))
}

/// The sources that `:in` names.
pub(super) fn declared_sources(query: &Query) -> BTreeSet<&SourceName> {
    let sources = query.inputs.iter().filter_map(|input| match input {
        Input::Source(name, _) => Some(name),
        Input::Rules(_) | Input::Binding(_) | Input::Pattern(..) => None,
    });
    sources.collect()
}

/// The error that `:in` does not name a source.
pub(super) fn unknown_source(name: &SourceName, declared: &BTreeSet<&SourceName>, span: Span) -> Error {
    let known: Vec<&str> = declared.iter().map(|name| &*name.0).collect();
    let otherwise = match known.as_slice() {
        [] => format!("add it to :in: [:find .. :in {} ..]", name.0),
        known => format!("add it to :in, which names {}", known.join(" ")),
    };
    // A name of one or two letters is near to every other.
    let help = if name.0.len() > 2 { did_you_mean(&name.0, known, otherwise) } else { otherwise };
    Error::new(Code::UnknownSource, format!("no source is named `{}`", name.0)).at(span).with_value(&name.0).with_help(help)
}

struct References<'c, 'q> {
    book: &'c Rulebook<'q>,
    functions: &'c Functions,
    declared: &'c BTreeSet<&'q SourceName>,
    has_rules: bool,
    /// Rules that look in the source on which they are called.
    default_users: &'c BTreeSet<&'q str>,
}

impl References<'_, '_> {
    fn clauses(&self, clauses: &[Clause], has_default: bool) -> Result<()> {
        clauses.iter().try_for_each(|clause| self.clause(clause, has_default))
    }

    fn clause(&self, clause: &Clause, has_default: bool) -> Result<()> {
        match clause {
            Clause::Pattern { source, span, .. } => self.source(source, has_default, *span),
            Clause::Predicate { call, .. } | Clause::Function { call, .. } => self.call(call, has_default),
            Clause::And(clauses, _) => self.clauses(clauses, has_default),
            Clause::Or { source, branches: clauses, span }
            | Clause::OrJoin { source, branches: clauses, span, .. }
            | Clause::Not { source, clauses, span }
            | Clause::NotJoin { source, clauses, span, .. } => {
                source.as_ref().map_or(Ok(()), |name| self.source(name, has_default, *span))?;
                self.clauses(clauses, has_default)
            }
            Clause::Rule { source, name, args, span } => {
                self.rule(name, args.len(), *span)?;
                match source {
                    Some(source) => self.source(source, has_default, *span),
                    None if self.default_users.contains(&**name) => self.source(&SourceName::default(), has_default, *span),
                    None => Ok(()),
                }
            }
        }
    }

    fn source(&self, name: &SourceName, has_default: bool, span: Span) -> Result<()> {
        let is_known = if *name == SourceName::default() { has_default } else { self.declared.contains(name) };
        if is_known { Ok(()) } else { Err(unknown_source(name, self.declared, span)) }
    }

    fn rule(&self, name: &str, count: usize, span: Span) -> Result<()> {
        let refuse =
            |message: String, help: String| Err(Error::new(Code::UnknownRule, message).at(span).with_value(name).with_help(help));
        match self.book.arity(name) {
            Some(_) if !self.has_rules => refuse(
                format!("the rule `{name}` is called, but `:in` does not take rules"),
                "add % to :in, as in :in $ %".into(),
            ),
            Some(arity) if arity == count => Ok(()),
            Some(arity) => {
                let noun = if arity == 1 { "argument" } else { "arguments" };
                let heads = self.book.bodies(name).first().map(|rule| head_text(rule)).unwrap_or_default();
                Err(Error::new(Code::Arity, format!("the rule `{name}` takes {arity} {noun}, not {count}"))
                    .at(span)
                    .with_value(name)
                    .with_help(format!("call it as {heads}")))
            }
            None if self.functions.function(name).is_some() => refuse(
                format!("no rule is named `{name}`"),
                format!("`{name}` is a function: put the call into a vector, [({name} ..)]"),
            ),
            None if !self.has_rules => refuse(
                format!("the rule `{name}` is called, but `:in` does not take rules"),
                "add % to :in, as in :in $ %, and give the rules".into(),
            ),
            None => refuse(
                format!("no rule is named `{name}`"),
                did_you_mean(name, self.book.names(), "add the rule to those given for %"),
            ),
        }
    }

    fn call(&self, call: &Call, has_default: bool) -> Result<()> {
        if let Some(nested) = &call.nested {
            return self.nested(nested, &call.args, has_default);
        }
        let Some(function) = self.functions.function(&call.name) else { return Err(self.unknown_function(call)) };
        let args = if function.asks_source() { self.source_argument(&function, call, has_default)? } else { &call.args[..] };
        if let Some(Argument::Source(name, span)) = args.iter().find(|argument| matches!(argument, Argument::Source(..))) {
            return Err(Error::new(Code::ArgumentType, format!("`{}` does not take a source here", call.name))
                .at(*span)
                .with_value(&name.0)
                .with_help(format!("write it as {}", function.usage())));
        }
        function.check_arity(args.len()).map_err(|error| error.at(call.span).with_value(&call.name))?;
        match args {
            [.., Argument::Constant(Value::Nil, span)] if function.name() == "get-else" => {
                Err(Error::new(Code::GetElse, "the default of `get-else` cannot be nil")
                    .at(*span)
                    .with_value("nil")
                    .with_help("give another default, or ask with [(missing? $ ?e :attribute)]"))
            }
            _ => Ok(()),
        }
    }

    /// What a query inside is passed must be there; the query itself is checked on its own.
    fn nested(&self, nested: &Nested, args: &[Argument], has_default: bool) -> Result<()> {
        for argument in args {
            if let Argument::Source(name, span) = argument {
                self.source(name, has_default, *span)?;
            }
        }
        nested.inputs.iter().try_for_each(|input| match input {
            Passed::Rules(span) if !self.has_rules => {
                Err(Error::new(Code::UnknownRule, "`%` is passed on, but `:in` does not take rules")
                    .at(*span)
                    .with_value("%")
                    .with_help("add % to :in, as in :in $ %, and give the rules"))
            }
            _ => Ok(()),
        })
    }

    /// The arguments behind the source of a function that needs one.
    fn source_argument<'a>(&self, function: &AnyFunction, call: &'a Call, has_default: bool) -> Result<&'a [Argument]> {
        match call.args.split_first() {
            Some((Argument::Source(name, span), rest)) => self.source(name, has_default, *span).map(|()| rest),
            _ => Err(Error::new(Code::UnknownSource, format!("`{}` needs a source as its first argument", call.name))
                .at(call.span)
                .with_value(&call.name)
                .with_help(format!("write it as {}", function.usage()))),
        }
    }

    fn unknown_function(&self, call: &Call) -> Error {
        let name = &*call.name;
        let help = if self.book.arity(name).is_some() {
            format!("`{name}` is a rule: call it without the brackets, ({name} ..)")
        } else if self.functions.aggregate(name).is_some() {
            format!("`{name}` is an aggregate: it stands in :find")
        } else {
            did_you_mean(name, self.functions.function_names(), "use a built-in function, or register one of your own")
        };
        Error::new(Code::UnknownFunction, format!("no function is named `{name}`")).at(call.span).with_value(name).with_help(help)
    }
}

fn head_text(rule: &Rule) -> String {
    let join =
        |variables: &[(Variable, Span)]| variables.iter().map(|(variable, _)| variable.to_string()).collect::<Vec<_>>().join(" ");
    let words = [rule.name.to_string(), join(&rule.head.required), join(&rule.head.free)];
    format!("({})", words.iter().filter(|word| !word.is_empty()).cloned().collect::<Vec<_>>().join(" "))
}
