//! Facts that are edges between entities: found by either end without looking at others, and counted as they are handed out.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use annals_query::{
    Attribute, Batch, Budget, Cardinality, Column, Estimate, Fact, Facts, Result, Scan, Slice, Value, ValueType, Values,
};

/// The first entity.
pub(crate) const FIRST: i64 = 1 << 33;

/// Edges of several attributes.
#[derive(Debug)]
pub(crate) struct EdgeFacts {
    attributes: Vec<Arc<Attribute>>,
    edges: Vec<Edges>,
    /// Facts handed out.
    pub(crate) read: AtomicU64,
}

/// Edges by their ends, ascending by the first.
#[derive(Debug)]
struct Edges {
    from: Slice<i64>,
    to: Slice<i64>,
    /// By the second end, which are those from it.
    back: BTreeMap<i64, Vec<i64>>,
}

impl EdgeFacts {
    /// Of these attributes, each with its edges between numbered nodes.
    pub(crate) fn new(kinds: impl IntoIterator<Item = (&'static str, Vec<(i64, i64)>)>) -> Self {
        let (mut attributes, mut edges) = (Vec::new(), Vec::new());
        for (id, (ident, mut own)) in (1..).zip(kinds) {
            own.sort_unstable();
            own.dedup();
            let mut attribute = Attribute::new(id, ident);
            attribute.value_type = Some(ValueType::Ref);
            if own.windows(2).any(|pair| pair[0].0 == pair[1].0) {
                attribute.cardinality = Cardinality::Many;
            }
            attributes.push(Arc::new(attribute));
            let mut back: BTreeMap<i64, Vec<i64>> = BTreeMap::new();
            for (from, to) in &own {
                back.entry(FIRST + to).or_default().push(FIRST + from);
            }
            let from = own.iter().map(|(from, _)| FIRST + from).collect();
            edges.push(Edges { from, to: own.iter().map(|(_, to)| FIRST + to).collect(), back });
        }
        Self { attributes, edges, read: AtomicU64::new(0) }
    }
}

impl Edges {
    /// Where the edges from a node stand.
    fn places(&self, node: i64) -> std::ops::Range<usize> {
        self.from.partition_point(|from| *from < node)..self.from.partition_point(|from| *from <= node)
    }
}

impl Facts for EdgeFacts {
    fn attribute(&self, ident: &str) -> Option<Arc<Attribute>> {
        self.attributes.iter().find(|attribute| &*attribute.ident == ident).cloned()
    }

    fn attribute_by_id(&self, id: i64) -> Option<Arc<Attribute>> {
        self.attributes.iter().find(|attribute| attribute.id == id).cloned()
    }

    fn entity_by_ident(&self, _: &str) -> Result<Option<i64>> {
        Ok(None)
    }

    fn ident_of(&self, _: i64) -> Result<Option<Arc<str>>> {
        Ok(None)
    }

    fn lookup(&self, _: &Attribute, _: &Value) -> Result<Option<i64>> {
        Ok(None)
    }

    fn names_near(&self, _: &str) -> Vec<String> {
        Vec::new()
    }

    fn announce(&self, _: &[i64], _: &Budget) -> Result<()> {
        Ok(())
    }

    fn scan(&self, scan: &Scan<'_>, _: &Budget) -> Result<Batch> {
        let at = scan.attribute.expect("every clause names one") as usize - 1;
        let own = &self.edges[at];
        let (e, v): (Slice<i64>, Slice<i64>) = match (scan.entities, &scan.values) {
            (Some(entities), _) => {
                let places = entities.iter().flat_map(|entity| own.places(*entity)).collect::<Vec<_>>();
                (places.iter().map(|place| own.from[*place]).collect(), places.iter().map(|place| own.to[*place]).collect())
            }
            (None, Values::Equal(wanted)) => {
                let to = wanted.as_long().unwrap_or(0);
                let from = own.back.get(&to).cloned().unwrap_or_default();
                let to = vec![to; from.len()];
                (from.into(), to.into())
            }
            (None, Values::Among(wanted)) => {
                let of = |to: i64| own.back.get(&to).into_iter().flatten().map(move |from| (*from, to));
                let mut pairs = wanted.iter().filter_map(Value::as_long).flat_map(of).collect::<Vec<_>>();
                pairs.sort_unstable();
                (pairs.iter().map(|pair| pair.0).collect(), pairs.iter().map(|pair| pair.1).collect())
            }
            _ => (own.from.clone(), own.to.clone()),
        };
        self.read.fetch_add(e.len() as u64, Ordering::Relaxed);
        let all = |value: i64| Some(Column::Long(vec![value; e.len()].into()));
        Ok(Batch { t: all(1), m: all(0), a: all(at as i64 + 1), added: None, v: Some(Column::Long(v)), e: Column::Long(e) })
    }

    fn estimate(&self, scan: &Scan<'_>) -> Estimate {
        let Some(id) = scan.attribute else {
            let all = self.edges.iter().map(|own| own.from.len()).sum::<usize>() as f64;
            return Estimate { rows: all, read: all, distinct_e: all, distinct_v: all };
        };
        let own = &self.edges[id as usize - 1];
        let distinct_v = own.back.len() as f64;
        let all = own.from.len() as f64;
        let rows = match (scan.entities, &scan.values) {
            (Some(entities), _) => entities.len() as f64,
            (None, Values::Equal(_)) => all / distinct_v,
            (None, Values::Among(wanted)) => all / distinct_v * wanted.len() as f64,
            _ => all,
        };
        Estimate { rows, read: rows, distinct_e: all, distinct_v }
    }

    fn entity(&self, entity: i64, _: &Budget) -> Result<Vec<Fact>> {
        let fact = |at: usize, place: usize| {
            let (a, v) = (at as i64 + 1, Value::Ref(self.edges[at].to[place]));
            Fact { e: entity, a, v, t: 1, m: 0, added: true }
        };
        let facts = self.edges.iter().enumerate().flat_map(|(at, own)| own.places(entity).map(move |place| fact(at, place)));
        Ok(facts.collect())
    }

    fn referrers(&self, _: i64, _: i64, _: &Budget) -> Result<Vec<i64>> {
        Ok(Vec::new())
    }

    fn is_history(&self) -> bool {
        false
    }
}
