//! A query as it was written: names and spans, nothing resolved.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::error::Span;
use crate::value::Value;

mod rules;

pub use rules::{Rule, RuleSet, RuleText};

/// `?x`, with its question mark.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Variable(pub Arc<str>);

impl fmt::Display for Variable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// `$`, `$other`, with its dollar sign.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SourceName(pub Arc<str>);

impl Default for SourceName {
    fn default() -> Self {
        Self("$".into())
    }
}

/// A whole query.
#[derive(Clone, Debug, PartialEq)]
pub struct Query {
    /// What is asked for.
    pub find: Find,
    /// Variables kept apart while duplicates are removed, then dropped.
    pub with: Vec<(Variable, Span)>,
    /// What is given; `[$]` when `:in` is left out.
    pub inputs: Vec<Input>,
    /// What must hold.
    pub clauses: Vec<Clause>,
    /// `:keys`, `:strs` or `:syms`.
    pub return_map: Option<ReturnMap>,
    /// `:having`: what rows of the answer must fulfil, all of it.
    pub having: Vec<Condition>,
    /// `:order-by`, the first key first.
    pub order_by: Vec<OrderKey>,
    /// `:limit`.
    pub limit: Option<usize>,
    /// `:offset`; 0 when left out.
    pub offset: usize,
    /// `:timeout`, in milliseconds where written.
    pub timeout: Option<Duration>,
}

/// The four shapes of an answer.
#[derive(Clone, Debug, PartialEq)]
pub enum Find {
    /// `:find ?a ?b`: rows.
    Relation(Vec<Element>),
    /// `:find [?a ...]`: a column.
    Collection(Element),
    /// `:find [?a ?b]`: one row.
    Tuple(Vec<Element>),
    /// `:find ?a .`: one value.
    Scalar(Element),
}

impl Find {
    /// The elements, whatever the shape.
    pub fn elements(&self) -> &[Element] {
        match self {
            Self::Relation(elements) | Self::Tuple(elements) => elements,
            Self::Collection(element) | Self::Scalar(element) => std::slice::from_ref(element),
        }
    }
}

/// One thing that is asked for.
#[derive(Clone, Debug, PartialEq)]
pub enum Element {
    /// `?x`.
    Variable(Variable, Span),
    /// `(count ?x)`, `(max 3 ?x)`.
    Aggregate {
        /// The aggregate's name.
        name: Arc<str>,
        /// Constants first, the variable last, as written.
        args: Vec<Argument>,
        /// The whole form.
        span: Span,
    },
    /// `(pull $src ?e [..])`.
    Pull {
        /// Where to pull from.
        source: SourceName,
        /// The entity.
        variable: Variable,
        /// The pattern, or the name of an input that holds it.
        pattern: PullArgument,
        /// The whole form.
        span: Span,
    },
}

impl Element {
    /// The place in the text.
    pub fn span(&self) -> Span {
        match self {
            Self::Variable(_, span) | Self::Aggregate { span, .. } | Self::Pull { span, .. } => *span,
        }
    }
}

/// The pattern of a pull in find.
#[derive(Clone, Debug, PartialEq)]
pub enum PullArgument {
    /// Written in place.
    Pattern(PullPattern),
    /// A plain symbol of `:in`.
    Name(Arc<str>),
}

/// The names of a row's places.
#[derive(Clone, Debug, PartialEq)]
pub struct ReturnMap {
    /// What the names become.
    pub kind: ReturnMapKind,
    /// One a find element.
    pub names: Vec<Arc<str>>,
    /// The clause.
    pub span: Span,
}

/// Which of `:keys`, `:strs` and `:syms` was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReturnMapKind {
    /// Keywords.
    Keys,
    /// Strings.
    Strs,
    /// Symbols.
    Syms,
}

impl ReturnMapKind {
    /// What a name becomes.
    pub fn key(self, name: &Arc<str>) -> Value {
        match self {
            Self::Keys => Value::Keyword(Arc::clone(name)),
            Self::Strs => Value::String(Arc::clone(name)),
            Self::Syms => Value::Symbol(Arc::clone(name)),
        }
    }
}

/// `(> (count ?x) 3)`: a condition of `:having`.
#[derive(Clone, Debug, PartialEq)]
pub struct Condition {
    /// The function's name.
    pub name: Arc<str>,
    /// What it takes.
    pub args: Vec<Operand>,
    /// The call.
    pub span: Span,
}

/// One argument of a condition.
#[derive(Clone, Debug, PartialEq)]
pub enum Operand {
    /// A find element by its variable, or an aggregate.
    Element(Element),
    /// A literal.
    Constant(Value, Span),
    /// A call inside the call.
    Call(Condition),
}

impl Condition {
    /// The variables and aggregates that it looks at, those of calls inside it included.
    pub fn elements(&self) -> Vec<&Element> {
        let mut elements = Vec::new();
        for operand in &self.args {
            match operand {
                Operand::Element(element) => elements.push(element),
                Operand::Constant(..) => {}
                Operand::Call(call) => elements.append(&mut call.elements()),
            }
        }
        elements
    }

    /// Takes calls inside it for aggregates where `is_aggregate` says so and their arguments allow it: `(count ?x)`.
    pub fn find_aggregates(&mut self, is_aggregate: &dyn Fn(&str) -> bool) {
        for operand in &mut self.args {
            let Operand::Call(call) = operand else { continue };
            match call.as_aggregate().filter(|_| is_aggregate(&call.name)) {
                Some(args) => {
                    *operand = Operand::Element(Element::Aggregate { name: Arc::clone(&call.name), args, span: call.span });
                }
                None => call.find_aggregates(is_aggregate),
            }
        }
    }

    /// The arguments of an aggregate: constants first, one variable last.
    fn as_aggregate(&self) -> Option<Vec<Argument>> {
        let (last, constants) = self.args.split_last()?;
        let Operand::Element(Element::Variable(variable, span)) = last else { return None };
        let constants = constants.iter().map(|operand| match operand {
            Operand::Constant(value, span) => Some(Argument::Constant(value.clone(), *span)),
            Operand::Element(_) | Operand::Call(_) => None,
        });
        constants.chain([Some(Argument::Variable(variable.clone(), *span))]).collect()
    }
}

impl Query {
    /// Everything whose value an answer is made of or chosen by: the elements of `:find`, of `:having` and of `:order-by`.
    pub fn elements(&self) -> impl Iterator<Item = &Element> {
        let having = self.having.iter().flat_map(Condition::elements);
        self.find.elements().iter().chain(having).chain(self.order_by.iter().map(|key| &key.element))
    }

    /// The variables whose values an answer is made of or chosen by, those of `:with` last, each once.
    pub(crate) fn output_variables(&self) -> Vec<&Variable> {
        let mut variables: Vec<&Variable> = Vec::new();
        let mut known: BTreeSet<&Variable> = BTreeSet::new();
        let mut add = |variable| {
            if known.insert(variable) {
                variables.push(variable);
            }
        };
        for element in self.elements() {
            match element {
                Element::Variable(variable, _) | Element::Pull { variable, .. } => add(variable),
                Element::Aggregate { args, .. } => args.iter().for_each(|arg| match arg {
                    Argument::Variable(variable, _) => add(variable),
                    Argument::Constant(..) | Argument::Source(..) => {}
                }),
            }
        }
        self.with.iter().for_each(|(variable, _)| add(variable));
        variables
    }
}

/// One key of `:order-by`.
#[derive(Clone, Debug, PartialEq)]
pub struct OrderKey {
    /// A find element, by its place: a variable or aggregate named in `:order-by` that stands in `:find` or is added behind
    /// it, unseen.
    pub element: Element,
    /// `:asc`, the default, or `:desc`.
    pub direction: Direction,
}

/// Ascending or descending.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// The least first.
    Ascending,
    /// The greatest first.
    Descending,
}

/// One place of `:in`.
#[derive(Clone, Debug, PartialEq)]
pub enum Input {
    /// `$` or `$name`.
    Source(SourceName, Span),
    /// `%`.
    Rules(Span),
    /// Any of the binding forms.
    Binding(Binding),
    /// A plain symbol: a pull pattern.
    Pattern(Arc<str>, Span),
}

impl Input {
    /// The place in the text; an `:in` that was left out has none.
    pub fn span(&self) -> Span {
        match self {
            Self::Source(_, span) | Self::Rules(span) | Self::Pattern(_, span) => *span,
            Self::Binding(binding) => binding.span(),
        }
    }
}

/// The shapes in which a value is taken apart.
#[derive(Clone, Debug, PartialEq)]
pub enum Binding {
    /// `_`.
    Ignore(Span),
    /// `?x`.
    Scalar(Variable, Span),
    /// `[?a ?b]`: one tuple.
    Tuple(Vec<Binding>, Span),
    /// `[?a ...]`: any number of values.
    Collection(Box<Binding>, Span),
    /// `[[?a ?b]]`: any number of tuples.
    Relation(Vec<Binding>, Span),
}

impl Binding {
    /// The variables it binds, in the order written; one may come twice.
    pub fn variables(&self) -> Vec<&Variable> {
        match self {
            Self::Ignore(_) => Vec::new(),
            Self::Scalar(variable, _) => vec![variable],
            Self::Tuple(parts, _) | Self::Relation(parts, _) => parts.iter().flat_map(Self::variables).collect(),
            Self::Collection(part, _) => part.variables(),
        }
    }

    /// The place in the text.
    pub fn span(&self) -> Span {
        match self {
            Self::Ignore(span)
            | Self::Scalar(_, span)
            | Self::Tuple(_, span)
            | Self::Collection(_, span)
            | Self::Relation(_, span) => *span,
        }
    }
}

/// One condition.
#[derive(Clone, Debug, PartialEq)]
pub enum Clause {
    /// `[$src e a v t m added]`.
    Pattern {
        /// Where to look.
        source: SourceName,
        /// One to six places for facts, any number for a relation given as data.
        terms: Vec<Term>,
        /// The clause.
        span: Span,
    },
    /// `[(< ?a ?b)]`.
    Predicate {
        /// The call.
        call: Call,
        /// The clause.
        span: Span,
    },
    /// `[(+ ?a 1) ?b]`.
    Function {
        /// The call.
        call: Call,
        /// What takes its result.
        binding: Binding,
        /// The clause.
        span: Span,
    },
    /// `(and ...)`.
    And(Vec<Clause>, Span),
    /// `(or ...)`; a branch of several clauses is an `and`.
    Or {
        /// The source that it names: what stands inside and names none has it already.
        source: Option<SourceName>,
        /// At least one.
        branches: Vec<Clause>,
        /// The clause.
        span: Span,
    },
    /// `(or-join [[?required] ?free] ...)`.
    OrJoin {
        /// The source that it names: what stands inside and names none has it already.
        source: Option<SourceName>,
        /// The variables that cross the border.
        border: Border,
        /// At least one.
        branches: Vec<Clause>,
        /// The clause.
        span: Span,
    },
    /// `(not ...)`.
    Not {
        /// The source that it names: what stands inside and names none has it already.
        source: Option<SourceName>,
        /// At least one.
        clauses: Vec<Clause>,
        /// The clause.
        span: Span,
    },
    /// `(not-join [?x] ...)`.
    NotJoin {
        /// The source that it names: what stands inside and names none has it already.
        source: Option<SourceName>,
        /// The variables that cross the border.
        variables: Vec<(Variable, Span)>,
        /// At least one.
        clauses: Vec<Clause>,
        /// The clause.
        span: Span,
    },
    /// `(rule-name ?a 1 _)`.
    Rule {
        /// The source on which the rule runs; `None` for `$`.
        source: Option<SourceName>,
        /// The rule's name.
        name: Arc<str>,
        /// Its arguments.
        args: Vec<Term>,
        /// The clause.
        span: Span,
    },
}

impl Clause {
    /// The place in the text.
    pub fn span(&self) -> Span {
        match self {
            Self::Pattern { span, .. }
            | Self::Predicate { span, .. }
            | Self::Function { span, .. }
            | Self::And(_, span)
            | Self::Or { span, .. }
            | Self::OrJoin { span, .. }
            | Self::Not { span, .. }
            | Self::NotJoin { span, .. }
            | Self::Rule { span, .. } => *span,
        }
    }
}

/// `[[?required ...] ?free ...]`: the variables that cross the border of a rule or `or-join`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Border {
    /// Must be bound from outside.
    pub required: Vec<(Variable, Span)>,
    /// May be bound from either side.
    pub free: Vec<(Variable, Span)>,
}

impl Border {
    /// All of them, the required first.
    pub fn variables(&self) -> impl Iterator<Item = &Variable> {
        self.required.iter().chain(&self.free).map(|(variable, _)| variable)
    }
}

/// A place of a pattern or a rule call.
#[derive(Clone, Debug, PartialEq)]
pub enum Term {
    /// `_`.
    Blank(Span),
    /// `?x`.
    Variable(Variable, Span),
    /// A literal: where an entity is expected, an ident or lookup reference may stand.
    Constant(Value, Span),
}

impl Term {
    /// The place in the text.
    pub fn span(&self) -> Span {
        match self {
            Self::Blank(span) | Self::Variable(_, span) | Self::Constant(_, span) => *span,
        }
    }
}

/// A call of a function, predicate or aggregate.
#[derive(Clone, Debug, PartialEq)]
pub struct Call {
    /// The function's name.
    pub name: Arc<str>,
    /// Its arguments; of `q`, the sources and values among them.
    pub args: Vec<Argument>,
    /// The query that `q` asks.
    pub nested: Option<Box<Nested>>,
    /// The call.
    pub span: Span,
}

/// A query inside a query: `(q [:find ..] $ ?x)`.
#[derive(Clone, Debug, PartialEq)]
pub struct Nested {
    /// What is asked.
    pub query: Query,
    /// What is passed, one for each place of its `:in`.
    pub inputs: Vec<Passed>,
    /// The query's place in the text.
    pub span: Span,
}

/// What is passed for one place of the `:in` of a query inside a query.
#[derive(Clone, Debug, PartialEq)]
pub enum Passed {
    /// The argument of the call at this place: a source, a variable or a literal.
    Argument(usize),
    /// `%`: the rules of the query around it.
    Rules(Span),
    /// A pull pattern, for a plain symbol.
    Pattern(PullPattern),
}

/// One argument of a call.
#[derive(Clone, Debug, PartialEq)]
pub enum Argument {
    /// `?x`.
    Variable(Variable, Span),
    /// A literal.
    Constant(Value, Span),
    /// `$` or `$name`.
    Source(SourceName, Span),
}

/// A pull pattern.
#[derive(Clone, Debug, PartialEq)]
pub struct PullPattern {
    /// What to pull.
    pub specs: Vec<PullSpec>,
}

/// One entry of a pull pattern.
#[derive(Clone, Debug, PartialEq)]
pub enum PullSpec {
    /// `*`.
    Wildcard,
    /// An attribute, forward or backward.
    Attribute(PullAttribute),
}

/// An attribute of a pull pattern, with its options.
#[derive(Clone, Debug, PartialEq)]
pub struct PullAttribute {
    /// Its keyword without colon and underscore; `db/id` for the id itself.
    pub ident: Arc<str>,
    /// `:log/_run`: who refers to this entity.
    pub is_reverse: bool,
    /// `:as`.
    pub alias: Option<Value>,
    /// `:limit`.
    pub limit: PullLimit,
    /// `:default`.
    pub default: Option<Value>,
    /// `:xform`: the name of a function.
    pub transform: Option<Arc<str>>,
    /// `:ident true`: a reference to an entity that has an ident is shown as the keyword.
    pub shows_idents: bool,
    /// What to pull of the entities it leads to.
    pub nested: PullNested,
    /// The place in the text.
    pub span: Span,
}

impl PullAttribute {
    /// Its keyword as written, without colon but with the underscore of a reverse attribute.
    pub fn keyword(&self) -> Arc<str> {
        match self.ident.rsplit_once('/') {
            _ if !self.is_reverse => Arc::clone(&self.ident),
            Some((namespace, name)) => format!("{namespace}/_{name}").into(),
            None => format!("_{}", self.ident).into(),
        }
    }

    /// The key under which it is shown: `:as`, else its keyword.
    pub(crate) fn key(&self) -> Value {
        self.alias.clone().unwrap_or_else(|| Value::Keyword(self.keyword()))
    }
}

/// How many values of a cardinality-many attribute a pull gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PullLimit {
    /// 1000.
    Default,
    /// `:limit n`.
    Count(usize),
    /// `:limit nil`: all.
    Unlimited,
}

/// What a pull does with the entities an attribute leads to.
#[derive(Clone, Debug, PartialEq)]
pub enum PullNested {
    /// Components are expanded; other references give `{:db/id n}`.
    None,
    /// `{:attr [..]}`.
    Pattern(PullPattern),
    /// `{:attr 3}`: the pattern around it again, so many levels deep.
    Depth(usize),
    /// `{:attr ...}`: the pattern around it again, to the end.
    Unbounded,
}
