//! From environments to rows: sets, `:with`, groups, aggregates, order; and whether an answer is one of those allowed.

use std::collections::BTreeMap;
use std::sync::Arc;

use annals_query::ast::{Argument, Condition, Direction, Element, Find, Operand, PullArgument, Query, Variable};
use annals_query::{Answer, BigDecimal, BigInt, Code, Error, Result, Value, function};

use super::{Environment, Input, Naive, Variables, distinct, pull};

/// All rows a query has, each with its keys of order, in that order; `:limit`, `:offset` and the shape choose among them.
#[derive(Debug)]
pub(crate) struct Expected {
    rows: Vec<(Vec<Value>, Vec<Value>)>,
}

pub(super) fn find(naive: &Naive, query: &Query, environments: &[Environment]) -> Result<Expected> {
    let elements = query.find.elements();
    let keys: Vec<&Element> = query.order_by.iter().map(|key| &key.element).collect();
    let named: Vec<&Element> = query.elements().collect();
    let named = named.iter().copied();
    let mut kept: Variables = query.with.iter().map(|(variable, _)| variable.clone()).collect();
    kept.extend(named.clone().filter_map(variable).cloned());
    kept.extend(named.clone().flat_map(before_variable).cloned());
    let rows: Option<Vec<Environment>> = environments.iter().map(|environment| restrict(environment, &kept)).collect();
    let rows = distinct(rows.ok_or_else(|| Error::new(Code::UnboundVariable, "nothing binds what is asked for"))?);

    let mut groups: BTreeMap<Vec<Value>, Vec<Environment>> = BTreeMap::new();
    let is_aggregated = named.clone().any(|element| matches!(element, Element::Aggregate { .. }));
    for (number, row) in rows.into_iter().enumerate() {
        let plain = named.clone().filter(|element| !matches!(element, Element::Aggregate { .. })).filter_map(variable);
        let mut key: Vec<Value> = plain.map(|variable| row[variable].canonical()).collect();
        if !is_aggregated && !query.with.is_empty() {
            key.push(Value::Long(number as i64));
        }
        groups.entry(key).or_default().push(row);
    }
    let mut rows = Vec::new();
    for group in groups.values() {
        // Aggregates are computed for each group, and `:having` chooses among what they gave.
        for element in named.clone().filter(|element| matches!(element, Element::Aggregate { .. })) {
            value(naive, element, group)?;
        }
        let conditions: Vec<Result<Value>> = query.having.iter().map(|condition| holds(naive, condition, group)).collect();
        if conditions.iter().any(|held| held.as_ref().is_ok_and(|value| !value.is_truthy())) {
            continue;
        }
        conditions.into_iter().collect::<Result<Vec<Value>>>()?;
        let row: Result<Vec<Value>> = elements.iter().map(|element| value(naive, element, group)).collect();
        let keys: Result<Vec<Value>> = keys.iter().map(|element| value(naive, element, group)).collect();
        let row = row?;
        // Who is unknown is not pulled.
        let is_known = |(element, value): (&Element, &Value)| !matches!(element, Element::Pull { .. }) || *value != Value::Nil;
        if elements.iter().zip(&row).all(is_known) {
            rows.push((row, keys?));
        }
    }
    // Values that are the same are equal in order too, so that the next key decides.
    rows.sort_by(|(_, left), (_, right)| {
        let each = query.order_by.iter().zip(left.iter().zip(right)).map(|(key, (left, right))| match key.direction {
            Direction::Ascending => left.canonical().cmp(&right.canonical()),
            Direction::Descending => right.canonical().cmp(&left.canonical()),
        });
        each.fold(std::cmp::Ordering::Equal, std::cmp::Ordering::then)
    });
    Ok(Expected { rows })
}

/// The value of a condition for a group.
fn holds(naive: &Naive, condition: &Condition, group: &[Environment]) -> Result<Value> {
    let args = condition.args.iter().map(|operand| match operand {
        Operand::Element(element) => value(naive, element, group),
        Operand::Constant(value, _) => Ok(value.clone()),
        Operand::Call(call) => holds(naive, call, group),
    });
    let function = function::lookup(&condition.name).ok_or_else(|| Error::new(Code::UnknownFunction, "no such function"))?;
    function.call(&args.collect::<Result<Vec<_>>>()?)
}

fn restrict(environment: &Environment, kept: &Variables) -> Option<Environment> {
    kept.iter().map(|variable| Some((variable.clone(), environment.get(variable)?.clone()))).collect()
}

/// The variable of an element; an aggregate's is its last argument.
fn variable(element: &Element) -> Option<&Variable> {
    match element {
        Element::Variable(variable, _) | Element::Pull { variable, .. } => Some(variable),
        Element::Aggregate { args, .. } => args.last().and_then(as_variable),
    }
}

fn as_variable(argument: &Argument) -> Option<&Variable> {
    match argument {
        Argument::Variable(variable, _) => Some(variable),
        Argument::Constant(..) | Argument::Source(..) => None,
    }
}

/// Variables that stand before the last argument of an aggregate.
fn before_variable(element: &Element) -> Vec<&Variable> {
    match element {
        Element::Aggregate { args, .. } => {
            args.split_last().map_or(Vec::new(), |(_, first)| first.iter().filter_map(as_variable).collect())
        }
        _ => Vec::new(),
    }
}

fn value(naive: &Naive, element: &Element, group: &[Environment]) -> Result<Value> {
    match element {
        Element::Variable(variable, _) => Ok(group.iter().map(|row| row[variable].clone()).min().expect("a group has a row")),
        Element::Pull { source, variable, pattern, .. } => {
            let Some(Input::Facts(facts)) = naive.sources.get(source) else {
                return Err(Error::new(Code::UnknownSource, "only facts are pulled from"));
            };
            let pattern = match pattern {
                PullArgument::Pattern(pattern) => pattern,
                PullArgument::Name(name) => {
                    let given = naive.patterns.get(name);
                    given.ok_or_else(|| Error::new(Code::InputShape, "no such pattern is given"))?
                }
            };
            let entity = group.iter().map(|row| &row[variable]).min().expect("a group has a row");
            match Naive::entity(facts, entity)?.map(|entity| entity.canonical()) {
                Some(Value::Long(id)) => pull::pull(facts, pattern, id),
                Some(_) => Err(Error::new(Code::ArgumentType, "no entity")),
                None => Ok(Value::Nil),
            }
        }
        Element::Aggregate { name, args, .. } => {
            let variable = variable(element).ok_or_else(|| Error::new(Code::Arity, "an aggregate without a variable"))?;
            let count = args[..args.len() - 1].iter().find_map(|argument| match argument {
                Argument::Constant(value, _) => value.as_long(),
                Argument::Variable(variable, _) => group[0][variable].as_long(),
                Argument::Source(..) => None,
            });
            let values: Vec<Value> = group.iter().map(|row| row[variable].clone()).collect();
            aggregate(name, count, values)
        }
    }
}

fn aggregate(name: &str, count: Option<i64>, mut values: Vec<Value>) -> Result<Value> {
    values.sort();
    let mut each_once = values.clone();
    each_once.dedup_by(|left, right| left.same(right));
    let first = |count: i64, values: Vec<Value>| Value::vector(values.into_iter().take(count as usize));
    Ok(match (name, count) {
        ("count", None) => Value::Long(values.len() as i64),
        ("count-distinct", None) => Value::Long(each_once.len() as i64),
        ("distinct", None) => Value::Set(std::sync::Arc::new(each_once.into_iter().collect())),
        ("min", None) => values[0].clone(),
        ("max", None) => values[values.len() - 1].clone(),
        ("min", Some(count)) => first(count, each_once),
        ("max", Some(count)) => first(count, each_once.into_iter().rev().collect()),
        ("sum", None) => sum(&values)?,
        ("avg", None) => {
            let numbers = numbers(&values)?;
            let is_exact = !values.iter().any(|value| matches!(value, Value::Double(_)));
            if is_exact && values.iter().any(|value| matches!(value, Value::BigDec(_))) {
                Value::from(exact_sum(&values) / BigDecimal::from(values.len() as u64))
            } else {
                Value::from(mean(&numbers))
            }
        }
        ("median", None) => {
            let numbers = numbers(&values)?;
            let middle = numbers.len() / 2;
            if numbers.len() % 2 == 1 {
                values[middle].clone()
            } else {
                Value::from(f64::midpoint(numbers[middle - 1], numbers[middle]))
            }
        }
        ("variance", None) => Value::from(variance(&numbers(&values)?)),
        ("stddev", None) => Value::from(variance(&numbers(&values)?).sqrt()),
        _ => return Err(Error::new(Code::UnknownFunction, format!("the naive evaluator has no aggregate {name}"))),
    })
}

fn numbers(values: &[Value]) -> Result<Vec<f64>> {
    let number = |value: &Value| match value {
        Value::Long(n) => Ok(*n as f64),
        Value::Double(n) => Ok(*n),
        Value::BigInt(n) => Ok(n.to_string().parse().expect("digits are a double")),
        Value::BigDec(n) => Ok(n.to_string().parse().expect("digits are a double")),
        other => Err(Error::new(Code::ArgumentType, format!("a {} is no number", other.kind_name()))),
    };
    values.iter().map(number).collect()
}

/// The mean, rounded only after all is added up.
fn mean(numbers: &[f64]) -> f64 {
    let exact: BigDecimal = numbers.iter().map(|number| BigDecimal::try_from(*number).expect("a finite double")).sum();
    exact.to_string().parse::<f64>().expect("digits are a double") / numbers.len() as f64
}

/// The sum of numbers among which there is no double.
fn exact_sum(values: &[Value]) -> BigDecimal {
    let exact = |value: &Value| match value {
        Value::Long(n) => BigDecimal::from(*n),
        Value::BigInt(n) => BigDecimal::new(BigInt::clone(n), 0),
        Value::BigDec(n) => BigDecimal::clone(n),
        other => panic!("{other} is no exact number"),
    };
    values.iter().map(exact).sum()
}

fn variance(numbers: &[f64]) -> f64 {
    let mean = mean(numbers);
    numbers.iter().map(|number| (number - mean) * (number - mean)).sum::<f64>() / numbers.len() as f64
}

fn sum(values: &[Value]) -> Result<Value> {
    let longs: Option<Vec<i64>> = values.iter().map(|value| if let Value::Long(n) = value { Some(*n) } else { None }).collect();
    if let Some(longs) = longs {
        let exact: i128 = longs.iter().map(|n| i128::from(*n)).sum();
        let fits = i64::try_from(exact).map_err(|_| Error::new(Code::Overflow, "the sum leaves the 64-bit range"))?;
        return Ok(Value::Long(fits));
    }
    let numbers = numbers(values)?;
    Ok(if values.iter().any(|value| matches!(value, Value::Double(_))) {
        Value::from(mean(&numbers) * numbers.len() as f64)
    } else if values.iter().any(|value| matches!(value, Value::BigDec(_))) {
        Value::from(exact_sum(values))
    } else {
        Value::from(exact_sum(values).into_bigint_and_scale().0)
    })
}

/// A value as compared: by meaning, with computed doubles rounded, as sums of doubles depend on their order in the last digit.
fn normal(value: &Value) -> Value {
    match value {
        Value::Double(n) => return Value::from(format!("{n:.9e}").parse::<f64>().expect("a formatted double")).canonical(),
        Value::BigDec(n) => return Value::from(BigDecimal::clone(n).with_prec(10)).canonical(),
        _ => {}
    }
    match value.canonical() {
        Value::Double(n) => Value::from(format!("{n:.9e}").parse::<f64>().expect("a formatted double")).canonical(),
        Value::BigDec(n) => Value::from(BigDecimal::clone(&n).with_prec(10)).canonical(),
        Value::Vector(items) => Value::vector(items.iter().map(normal)),
        Value::Set(items) => Value::Set(std::sync::Arc::new(items.iter().map(normal).collect())),
        other => other,
    }
}

fn normal_row(row: &[Value]) -> Vec<Value> {
    row.iter().map(normal).collect()
}

impl Expected {
    /// Rows before limit, offset and shape.
    pub(crate) fn len(&self) -> usize {
        self.rows.len()
    }

    /// The rows in a fixed order, to compare two evaluations.
    pub(crate) fn sorted(&self) -> Vec<Vec<Value>> {
        let mut rows: Vec<Vec<Value>> = self.rows.iter().map(|(row, _)| normal_row(row)).collect();
        rows.sort();
        rows
    }

    /// The place of the first row and the number of rows that `:offset`, `:limit` and the shape leave.
    fn window(&self, query: &Query) -> (usize, usize) {
        let start = query.offset.min(self.rows.len());
        let mut count = (self.rows.len() - start).min(query.limit.unwrap_or(usize::MAX));
        if matches!(query.find, Find::Scalar(_) | Find::Tuple(_)) {
            count = count.min(1);
        }
        (start, count)
    }

    /// The answer as one value, where `:limit` leaves no choice.
    pub(super) fn value(&self, query: &Query) -> Value {
        let (start, count) = self.window(query);
        let mut rows = self.rows[start..start + count].iter().map(|(row, _)| row.clone());
        let shown = |row: Vec<Value>| match &query.return_map {
            None => Value::from(row),
            Some(names) => Value::Map(Arc::new(names.names.iter().map(|name| names.kind.key(name)).zip(row).collect())),
        };
        match &query.find {
            Find::Relation(_) => rows.map(shown).collect::<Vec<_>>().into(),
            Find::Collection(_) => rows.flatten().collect::<Vec<_>>().into(),
            Find::Tuple(_) => rows.next().map_or(Value::Nil, shown),
            Find::Scalar(_) => rows.next().and_then(|row| row.into_iter().next()).unwrap_or(Value::Nil),
        }
    }

    /// What is wrong with an answer, if anything: it must have as many rows as asked for, each must be one of those expected and no
    /// more often, and at each place there must stand a row whose keys are those of that place.
    pub(crate) fn difference(&self, query: &Query, answer: &Answer) -> Option<String> {
        let (start, count) = self.window(query);
        if answer.rows.len() != count {
            return Some(format!("{} rows instead of {count}", answer.rows.len()));
        }
        let mut remaining: BTreeMap<Vec<Value>, Vec<Vec<Value>>> = BTreeMap::new();
        for (row, keys) in &self.rows {
            remaining.entry(normal_row(row)).or_default().push(normal_row(keys));
        }
        for (place, row) in answer.rows.iter().enumerate() {
            let wanted = normal_row(&self.rows[start + place].1);
            let Some(left) = remaining.get_mut(&normal_row(row)) else {
                return Some(format!("row {} is not expected", Value::vector(row.iter().cloned()).kind_name()));
            };
            let Some(found) = left.iter().position(|keys| *keys == wanted) else {
                return Some(format!("row {place} is there too often, or out of order"));
            };
            left.swap_remove(found);
        }
        None
    }
}
