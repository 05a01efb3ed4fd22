//! Lenses: the schema at reading. A lens renames attributes, coerces values, supplies defaults, computes attributes and brings rules
//! along; the facts below it stay as they were said. Two programs read the same facts through two lenses, and nothing is rewritten.
//!
//! ```edn
//! {:lens/name       :crm/v2
//!  :lens/rename     {:user/email :identity/contact}                  ; new name, stored name
//!  :lens/hide       [:identity/contact]                              ; names that lead nowhere any more
//!  :lens/coerce     {:order/total :bigdec                            ; a type, a function or a call
//!                    :order/state (keyword (lower-case ?value))}
//!  :lens/default    {:order/id {:order/currency :eur}}               ; whoever has :order/id has these
//!  :lens/compute    {:user/name (str ?user/first " " ?user/last)}    ; from other attributes of the same entity
//!  :lens/rules      [[(large ?order) [?order :order/total ?n] [(> ?n 1000M)]]]
//!  :lens/on-failure :skip}                                           ; or :error, the default
//! ```
//!
//! A lens on a lens reads the names of the one below: [`Lens::over`], or a vector of maps, the first next to the store. Within one
//! lens the steps follow each other as they are listed here: the keys of `coerce`, `default` and `compute` may use new names and
//! stored names, a default is seen by what is computed, and what is computed is not the input of another computation.

mod coercion;
mod formula;
mod layer;
mod made;
mod read;
mod resolve;
mod table;
mod view;

use std::fmt;
use std::sync::Arc;

use crate::ast::RuleSet;
use crate::edn::{self, Form, FormKind};
use crate::error::{Result, Text};
use crate::facts::Facts;
use crate::registry::Functions;

use layer::Layer;
use view::LensView;

/// A way of reading facts, made of one layer or of several on top of each other. Cheap to clone.
///
/// ```
/// use annals_query::lens::Lens;
/// let lens = Lens::read("{:lens/name :crm/v2 :lens/rename {:user/email :identity/contact}}")?;
/// assert_eq!(lens.name().as_deref(), Some("crm/v2"));
/// let error = Lens::read("{:lens/raname {:user/email :identity/contact}}").unwrap_err();
/// assert_eq!(error.help(), Some("did you mean `:lens/rename`?"));
/// assert_eq!(error.position().map(|place| place.column), Some(2));
/// # Ok::<(), annals_query::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Lens {
    /// The lowest, next to the store, first.
    layers: Vec<Arc<Layer>>,
}

impl Lens {
    /// Reads a lens: a map, or a vector of maps of which the first is next to the store.
    pub fn read(text: &str) -> Result<Self> {
        Self::read_with(text, &Functions::default())
    }

    /// The same; the lens may call what a program registered.
    pub fn read_with(text: &str, functions: &Functions) -> Result<Self> {
        let form = edn::read_form(text)?;
        Self::of_form(&form, text, functions).map_err(|error| error.located_in(text).located_in_rules(text))
    }

    fn of_form(form: &Form, text: &str, functions: &Functions) -> Result<Self> {
        let rules_form = form.clone().within(Text::of_rules(text));
        let layers = match (&form.kind, &rules_form.kind) {
            (FormKind::Vector(maps), FormKind::Vector(rules)) if !maps.is_empty() => {
                maps.iter().zip(rules).map(|(map, rules)| read::layer(map, rules, text, functions)).collect::<Result<Vec<_>>>()?
            }
            _ => vec![read::layer(form, &rules_form, text, functions)?],
        };
        Ok(Self { layers: layers.into_iter().map(Arc::new).collect() })
    }

    /// This lens on top of another: it reads the names that the other one shows.
    #[must_use]
    pub fn over(&self, below: &Self) -> Self {
        Self { layers: below.layers.iter().chain(&self.layers).map(Arc::clone).collect() }
    }

    /// The name of the uppermost layer, without colon.
    pub fn name(&self) -> Option<Arc<str>> {
        self.layers.last()?.name.clone()
    }

    /// The rules of all layers. They read the names that the whole lens shows.
    pub fn rules(&self) -> Result<RuleSet> {
        self.layers.iter().try_fold(RuleSet::default(), |rules, layer| rules.joined(layer.rules.clone()))
    }

    /// The same facts, seen through the lens.
    pub fn view(&self, facts: Arc<dyn Facts>) -> Arc<dyn Facts> {
        self.layers.iter().fold(facts, |below, layer| Arc::new(LensView::new(below, Arc::clone(layer))))
    }
}

impl fmt::Display for Lens {
    /// As EDN that [`Lens::read`] reads back.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.layers[..] {
            [only] => f.write_str(&only.source),
            layers => {
                f.write_str("[")?;
                for (at, layer) in layers.iter().enumerate() {
                    write!(f, "{}{}", if at > 0 { " " } else { "" }, layer.source)?;
                }
                f.write_str("]")
            }
        }
    }
}
