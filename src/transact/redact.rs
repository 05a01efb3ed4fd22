//! Values of attributes declared `:redact/values`: they are replaced before anything looks at them, so that no clear text is
//! compared, indexed, reported or written.
//!
//! The declaration is a fact like any other, of an attribute that a store knows from its first use: `:secrets` takes out what
//! a redactor finds in texts, `:whole` takes out every value.

use annals_query::Value;
use rustc_hash::FxHashMap;

use super::claim::{Claimed, DemandKind};
use super::resolve::Resolver;
use crate::error::Result;
use crate::redact::Redactor;

/// The attribute that declares it, without colon.
pub(super) const ATTRIBUTE: &str = "redact/values";

/// Replaces the values of declared attributes. A declaration counts from the transaction that makes it.
pub(super) fn redact(claimed: &mut Claimed<'_>, resolver: &Resolver<'_>) -> Result<()> {
    let is_declaration = |ident: &str| ident == ATTRIBUTE;
    let mut declared: FxHashMap<i64, Value> = FxHashMap::default();
    for claim in claimed.claims.iter().filter(|claim| claim.added && is_declaration(&claim.declaration.attribute.ident)) {
        declared.insert(resolver.nodes.find(claim.e), claim.v.clone());
    }
    let stored = resolver.schema.entity(ATTRIBUTE);
    if stored.is_none() && declared.is_empty() {
        return Ok(());
    }
    let mut manners = Manners { declared, stored, redactor: None };
    for claim in &mut claimed.claims {
        if let Some(value) = manners.redacted(claim.a, &claim.v, resolver)? {
            claim.v = value;
        }
    }
    for demand in &mut claimed.demands {
        let (DemandKind::Swap(old, new), Some(declaration)) = (&mut demand.kind, demand.declaration) else { continue };
        for value in [old, new].into_iter().flatten() {
            if let Some(redacted) = manners.redacted(declaration.attribute.id, value, resolver)? {
                *value = redacted;
            }
        }
    }
    Ok(())
}

/// How the values of each attribute are redacted.
struct Manners {
    /// By attribute; nil for one of which nothing is declared.
    declared: FxHashMap<i64, Value>,
    stored: Option<i64>,
    redactor: Option<Redactor>,
}

impl Manners {
    fn redacted(&mut self, attribute: i64, value: &Value, resolver: &Resolver<'_>) -> Result<Option<Value>> {
        let attribute = resolver.nodes.find(attribute);
        if !self.declared.contains_key(&attribute) {
            let held = match self.stored {
                Some(stored) if attribute > 0 => resolver.before.values(attribute, stored)?.pop(),
                _ => None,
            };
            self.declared.insert(attribute, held.map_or(Value::Nil, |datom| datom.v));
        }
        let redact = match self.declared[&attribute].as_text() {
            Some("whole") => Redactor::whole_value,
            Some("secrets") => Redactor::value,
            _ => return Ok(None),
        };
        let redactor = self.redactor.get_or_insert_with(|| Redactor::new(resolver.before.redaction_key()));
        Ok(redact(redactor, value))
    }
}
