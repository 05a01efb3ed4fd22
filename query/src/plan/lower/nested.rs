//! Queries inside a query: what they are passed, found once; their attributes, looked up with those of the query around.

use std::sync::Arc;

use super::Lowering;
use crate::ast::{Argument, Input, Nested, Passed, RuleSet};
use crate::error::Result;
use crate::plan::goal::{CallArgument, NestedGoal, Passing};
use crate::plan::scope::Scope;
use crate::source::{Source, Sources};

impl Lowering<'_> {
    /// The query of a call of `q`, and the values among what it is passed.
    pub(super) fn nested(
        &mut self,
        nested: &Nested,
        args: &[Argument],
        scope: &mut Scope,
    ) -> Result<(NestedGoal, Vec<CallArgument>)> {
        let mut values = Vec::new();
        let mut passed = Vec::with_capacity(nested.inputs.len());
        let has_rules = nested.inputs.iter().any(|input| matches!(input, Passed::Rules(_)));
        for input in &nested.inputs {
            let value = match input {
                Passed::Rules(_) => {
                    passed.push(Passing::Rules);
                    continue;
                }
                Passed::Pattern(pattern) => {
                    passed.push(Passing::Pattern(pattern.clone()));
                    continue;
                }
                Passed::Argument(at) => match &args[*at] {
                    Argument::Source(name, span) => {
                        passed.push(Passing::Source(self.source(&scope.inherited(Some(name)), *span)?.clone()));
                        continue;
                    }
                    Argument::Variable(variable, _) => CallArgument::Slot(self.slot(scope, variable)),
                    Argument::Constant(value, _) => CallArgument::Constant(value.clone()),
                },
            };
            values.push(value);
            passed.push(Passing::Argument(values.len() - 1));
        }
        let rules = if has_rules { self.rules.clone() } else { RuleSet::default() };
        let (query, functions) = (nested.query.clone(), self.functions.clone());
        let goal = NestedGoal { query, rules, passed, functions, orders: Arc::default(), tuning: self.tuning };
        self.note_unknown(&goal)?;
        Ok((goal, values))
    }

    /// What the query inside names and its sources do not know is said with what this query does not know.
    fn note_unknown(&mut self, goal: &NestedGoal) -> Result<()> {
        let _nested = self.budget.nest()?;
        let mut sources = Sources::new();
        for (input, passing) in goal.query.inputs.iter().zip(&goal.passed) {
            if let Input::Source(name, _) = input {
                let source = match passing {
                    Passing::Source(source) => source.clone(),
                    _ => Source::Relation(Arc::default()),
                };
                sources.insert(name.clone(), source);
            }
        }
        let mut inner = Lowering::new(&sources, &goal.rules, self.functions, self.resolver.is_strict, self.tuning, self.budget);
        std::mem::swap(&mut inner.resolver, &mut self.resolver);
        let lowered = inner.block(&goal.query.clauses, &mut Scope::default()).and_then(|_| inner.settle_rules());
        std::mem::swap(&mut inner.resolver, &mut self.resolver);
        lowered
    }
}
