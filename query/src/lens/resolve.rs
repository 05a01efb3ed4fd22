//! What the names of a layer lead to among the attributes below it.

use std::sync::Arc;

use rustc_hash::{FxHashMap, FxHashSet};

use crate::facts::{Attribute, Cardinality, Facts};
use crate::value::{Value, ValueType};

use super::coercion::Coercion;
use super::formula::Formula;
use super::layer::Layer;
use super::made::{ENTITY, Input, Made, Origin, cardinality_of};

/// The attribute whose values are names.
const IDENT: &str = "db/ident";

/// What the names of a layer lead to.
#[derive(Debug, Default)]
pub(super) struct Names {
    /// The names that the layer speaks of, and the attribute of each; none for a name that leads nowhere.
    pub(super) by_name: FxHashMap<Arc<str>, Option<i64>>,
    /// Attributes that look different from below: renamed, of another type, or not there at all.
    pub(super) shown: FxHashMap<i64, Arc<Attribute>>,
    /// Attributes whose facts are made by the layer.
    pub(super) made: FxHashMap<i64, Made>,
    /// Attributes that no name leads to.
    pub(super) hidden: FxHashSet<i64>,
    /// New names by present stored name.
    pub(super) renamed: FxHashMap<Arc<str>, Arc<str>>,
}

impl Names {
    /// Looks the names up; a stored name that is not there yet leads nowhere.
    pub(super) fn of(layer: &Layer, below: &dyn Facts) -> Self {
        let mut names = Self::default();
        names.rename(layer, below);
        names.coerce(layer, below);
        names.supply(layer, below);
        names.compute(layer, below);
        names.hide(below);
        if let Some(ident) = below.attribute(IDENT).filter(|_| names.changes_idents()) {
            names.made.entry(ident.id).or_insert(Made { origin: Origin::Names, default: None });
        }
        names
    }

    /// True for the attribute of names, if some of them are made.
    pub(super) fn is_names(&self, attribute: i64) -> bool {
        self.made.get(&attribute).is_some_and(|made| matches!(made.origin, Origin::Names))
    }

    fn changes_idents(&self) -> bool {
        !self.renamed.is_empty() || !self.hidden.is_empty() || self.shown.keys().any(|id| *id < 0)
    }

    fn rename(&mut self, layer: &Layer, below: &dyn Facts) {
        for name in &layer.hidden {
            self.by_name.insert(Arc::clone(name), None);
        }
        for (new, stored) in &layer.renames {
            let attribute = below.attribute(stored);
            self.by_name.insert(Arc::clone(new), attribute.as_ref().map(|attribute| attribute.id));
            let present = attribute.as_ref().map_or(stored, |attribute| &attribute.ident);
            self.renamed.insert(Arc::clone(present), Arc::clone(new));
            if let Some(attribute) = attribute {
                let shown = Attribute { ident: Arc::clone(new), ..Attribute::clone(&attribute) };
                self.shown.insert(attribute.id, Arc::new(shown));
            }
        }
    }

    fn coerce(&mut self, layer: &Layer, below: &dyn Facts) {
        for (name, coercion) in &layer.coercions {
            let Some(attribute) = self.attribute_of(name, layer, below) else { continue };
            let shown = Attribute { value_type: coercion.value_type(), ..Attribute::clone(&attribute) };
            self.shown.insert(attribute.id, Arc::new(shown));
            self.made.insert(attribute.id, Made { origin: Origin::Coerced(Coercion::clone(coercion)), default: None });
        }
    }

    fn supply(&mut self, layer: &Layer, below: &dyn Facts) {
        for default in &layer.defaults {
            let Some(anchor) = self.attribute_of(&default.anchor, layer, below) else { continue };
            let attribute = match self.attribute_of(&default.attribute, layer, below) {
                Some(attribute) => attribute,
                None => self.invent(&default.attribute, Cardinality::One, below),
            };
            let id = attribute.id;
            if !fits(&attribute, &default.value) {
                self.shown.insert(id, Arc::new(Attribute { value_type: None, ..Attribute::clone(&attribute) }));
            }
            let origin = if id < 0 && below.attribute_by_id(id).is_none() { Origin::Nothing } else { Origin::Below };
            let made = self.made.entry(id).or_insert(Made { origin, default: None });
            made.default = Some((anchor.id, default.value.clone()));
        }
    }

    fn compute(&mut self, layer: &Layer, below: &dyn Facts) {
        for (name, formula) in &layer.computed {
            let inputs = self.inputs(formula, layer, below);
            let id = self.invent(name, cardinality_of(&inputs), below).id;
            let origin = match inputs.into_iter().collect::<Option<Vec<_>>>() {
                Some(inputs) => Origin::Computed(Formula::clone(formula), inputs),
                // What was never said of anyone computes nothing.
                None => Origin::Nothing,
            };
            self.made.insert(id, Made { origin, default: None });
        }
    }

    fn inputs(&self, formula: &Formula, layer: &Layer, below: &dyn Facts) -> Vec<Option<Input>> {
        let input = |name: &Arc<str>| match &**name {
            ENTITY => Some(Input::Entity),
            _ => self.attribute_of(name, layer, below).map(Input::Attribute),
        };
        formula.inputs.iter().map(input).collect()
    }

    /// What a name of the layer's own text leads to, as far as it is known by now. A stored name may stand even if it is hidden.
    fn attribute_of(&self, name: &Arc<str>, layer: &Layer, below: &dyn Facts) -> Option<Arc<Attribute>> {
        let id = match self.by_name.get(name).copied().flatten() {
            Some(id) => id,
            None if layer.renames.contains_key(name) => return None,
            None => below.attribute(name)?.id,
        };
        self.shown.get(&id).map(Arc::clone).or_else(|| below.attribute_by_id(id))
    }

    /// An attribute that is not below. Its id is negative, so that it is nobody else's.
    fn invent(&mut self, name: &Arc<str>, cardinality: Cardinality, below: &dyn Facts) -> Arc<Attribute> {
        let mut id = -1;
        while self.shown.contains_key(&id) || below.attribute_by_id(id).is_some() {
            id -= 1;
        }
        let attribute = Arc::new(Attribute { cardinality, ..Attribute::new(id, Arc::clone(name)) });
        self.shown.insert(id, Arc::clone(&attribute));
        self.by_name.insert(Arc::clone(name), Some(id));
        attribute
    }

    /// An attribute whose name was taken away, and that got no other, is not shown.
    fn hide(&mut self, below: &dyn Facts) {
        let led_to: FxHashSet<i64> = self.by_name.values().copied().flatten().collect();
        for name in self.by_name.keys() {
            let Some(attribute) = below.attribute(name) else { continue };
            if !led_to.contains(&attribute.id) && self.by_name.contains_key(&attribute.ident) {
                self.hidden.insert(attribute.id);
            }
        }
    }
}

/// True if the value is one of the attribute's type, so that the type still holds for all its values.
fn fits(attribute: &Attribute, value: &Value) -> bool {
    match attribute.value_type {
        None => true,
        Some(ValueType::Ref) => matches!(value, Value::Long(_) | Value::Ref(_) | Value::Keyword(_)),
        Some(kind) => value.value_type() == Some(kind),
    }
}
