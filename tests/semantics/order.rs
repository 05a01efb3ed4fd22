//! The same query, rules or transaction with its parts in other orders.

use std::collections::BTreeMap;

use annals::Value;
use annals::query::edn;

/// Orders that are tried for one text.
const COUNT_ORDERS: usize = 6;

/// A small generator of numbers, the same for the same seed.
struct Random(u64);

impl Random {
    fn new(turn: usize) -> Self {
        let seed: u64 = std::env::var("SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(41);
        Self((seed + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ (turn as u64 + 1).wrapping_mul(0xD1B5_4A32_D192_ED03))
    }

    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) as usize % bound
    }

    fn shuffle(&mut self, items: &mut [Value]) {
        for at in (1..items.len()).rev() {
            items.swap(at, self.below(at + 1));
        }
    }
}

/// What is shuffled: the first turn reverses, the others throw dice.
struct Shuffle {
    random: Option<Random>,
}

impl Shuffle {
    fn of_turn(turn: usize) -> Self {
        Self { random: (turn > 0).then(|| Random::new(turn)) }
    }

    fn mix(&mut self, items: &mut [Value]) {
        match &mut self.random {
            Some(random) => random.shuffle(items),
            None => items.reverse(),
        }
    }

    fn clauses(&mut self, clauses: &[Value]) -> Vec<Value> {
        let mut mixed: Vec<Value> = clauses.iter().map(|clause| self.clause(clause)).collect();
        self.mix(&mut mixed);
        mixed
    }

    /// What stands inside of `and`, `or`, `not` and the joins, in another order.
    fn clause(&mut self, clause: &Value) -> Value {
        let Value::List(parts) = clause else { return clause.clone() };
        let is_source = |part: &Value| matches!(part, Value::Symbol(name) if name.starts_with('$'));
        let word = usize::from(parts.first().is_some_and(is_source));
        let kept = match parts.get(word) {
            Some(Value::Symbol(name)) if ["and", "or", "not"].contains(&&**name) => word + 1,
            Some(Value::Symbol(name)) if ["or-join", "not-join"].contains(&&**name) => word + 2,
            _ => return clause.clone(),
        };
        let (head, clauses) = parts.split_at(kept.min(parts.len()));
        Value::List(head.iter().cloned().chain(self.clauses(clauses)).collect())
    }

    fn query(&mut self, query: &Value) -> Value {
        let is_where = |item: &Value| *item == Value::keyword("where");
        match query {
            Value::Map(sections) => {
                let mut sections = (**sections).clone();
                if let Some(clauses) = sections.get_mut(&Value::keyword("where")) {
                    *clauses = Value::vector(self.clauses(clauses.as_items().unwrap_or_default()));
                }
                Value::Map(sections.into())
            }
            Value::Vector(items) => {
                let Some(start) = items.iter().position(is_where) else { return query.clone() };
                let is_section = |item: &Value| matches!(item, Value::Keyword(_));
                let end = items[start + 1..].iter().position(is_section).map_or(items.len(), |end| start + 1 + end);
                let clauses = self.clauses(&items[start + 1..end]);
                Value::vector(items[..=start].iter().cloned().chain(clauses).chain(items[end..].iter().cloned()))
            }
            other => other.clone(),
        }
    }

    fn rules(&mut self, rules: &Value) -> Value {
        let one = |shuffle: &mut Self, rule: &Value| match rule.as_items() {
            Some([head, body @ ..]) => Value::vector(std::iter::once(head.clone()).chain(shuffle.clauses(body))),
            _ => rule.clone(),
        };
        let mut mixed: Vec<Value> = rules.as_items().unwrap_or_default().iter().map(|rule| one(self, rule)).collect();
        self.mix(&mut mixed);
        Value::vector(mixed)
    }

    fn transaction(&mut self, transaction: &Value) -> Value {
        match transaction {
            Value::Vector(items) if !matches!(items.first(), Some(Value::Keyword(_))) => {
                let mut mixed = items.to_vec();
                self.mix(&mut mixed);
                Value::vector(mixed)
            }
            other => other.clone(),
        }
    }
}

/// A query and its rules in other orders, and as a map if it is right; nothing for what is no EDN.
pub(crate) fn queries(query: &str, rules: Option<&str>, is_error: bool) -> Vec<(String, Option<String>)> {
    let Ok(query_form) = edn::read(query) else { return Vec::new() };
    let rules_form = rules.map(edn::read).and_then(Result::ok);
    let mut orders: Vec<(String, Option<String>)> = Vec::new();
    for turn in 0..COUNT_ORDERS {
        let mut shuffle = Shuffle::of_turn(turn);
        let mixed = shuffle.query(&query_form).to_string();
        let rules = rules_form.as_ref().map(|rules| shuffle.rules(rules).to_string()).or_else(|| rules.map(str::to_owned));
        if !orders.contains(&(mixed.clone(), rules.clone())) {
            orders.push((mixed, rules));
        }
    }
    if let Some(map) = as_map(&query_form).filter(|_| !is_error) {
        orders.push((map.to_string(), rules.map(str::to_owned)));
    }
    orders
}

/// A query of the vector form in the map form.
fn as_map(query: &Value) -> Option<Value> {
    let Value::Vector(items) = query else { return None };
    let mut sections: BTreeMap<Value, Vec<Value>> = BTreeMap::new();
    let mut section = None;
    for item in items.iter() {
        match (item, &section) {
            (Value::Keyword(_), _) => section = Some(item.clone()),
            (item, Some(name)) => sections.entry(name.clone()).or_default().push(item.clone()),
            (_, None) => return None,
        }
    }
    let is_single = |name: &Value| ["limit", "offset", "timeout", "order-by", "having"].map(Value::keyword).contains(name);
    let content = |name: &Value, items: Vec<Value>| match &*items {
        [one] if is_single(name) => one.clone(),
        _ => Value::vector(items),
    };
    let map: BTreeMap<Value, Value> = sections.into_iter().map(|(name, items)| (name.clone(), content(&name, items))).collect();
    Some(Value::Map(map.into()))
}

/// A transaction with its operations in other orders; nothing for what is no EDN.
pub(crate) fn transactions(transaction: &str) -> Vec<String> {
    let Ok(form) = edn::read(transaction) else { return Vec::new() };
    let mut orders: Vec<String> = Vec::new();
    for turn in 0..COUNT_ORDERS {
        let mixed = Shuffle::of_turn(turn).transaction(&form).to_string();
        if !orders.contains(&mixed) {
            orders.push(mixed);
        }
    }
    orders
}
