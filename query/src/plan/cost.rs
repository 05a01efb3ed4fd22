//! What it costs to find facts, counted in facts read in order: by this the planner weighs what the executor will decide.

/// Values that are looked for rather than reading all facts of an attribute, whatever that costs; and attributes, one by one.
pub(crate) const PROBES_MAX: usize = 16;
/// More values than this are not looked for, however many facts there are.
pub(crate) const VALUES_MAX: usize = 4_096;
/// What looking for one of more values costs.
pub(crate) const PROBE_COST: f64 = 64.0;
/// What a fact costs that is looked up by its entity, or led to by its value.
pub(crate) const ENTITY_COST: f64 = 8.0;
