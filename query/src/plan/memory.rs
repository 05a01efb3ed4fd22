//! Orders of clauses that were chosen before, for a query that is asked again.
//!
//! An order is the only thing kept: names, attributes, inputs and ranges are resolved anew each time, and an order that would run a
//! clause before its variables are bound is not taken. Any order gives the same answer, so what is kept here can never be stale. And
//! it is looked up by all that the choice depended on, the goals of the block, which of them comes first, what is wanted of them, and
//! the magnitude of every estimate; so it is the very order that would be chosen, and even the order of rows stays the same.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::plan::slot::Slot;
use crate::small;

/// Orders kept of one query: a block has one for each combination of magnitudes, and few come up in practice.
const LIMIT_ORDERS: usize = 256;

/// What the choice of an order depends on.
pub(crate) type OrderKey = Box<[u32]>;

/// The orders in which a query's clauses were run, by the magnitude of what was expected of them. For one query and its rules alone.
///
/// Give the same to each [`answer_again`](crate::engine::answer_again) of one [`Checked`](crate::check::Checked) query.
#[derive(Debug, Default)]
pub struct Orders {
    known: Mutex<HashMap<OrderKey, Arc<[u32]>>>,
    found: AtomicU64,
    chosen: AtomicU64,
    /// The query as a small question, if it is one.
    pub(crate) small: small::Memory,
}

impl Orders {
    /// The ids of a block's goals in the order that was chosen before.
    pub(crate) fn get(&self, key: &OrderKey) -> Option<Arc<[u32]>> {
        let order = self.known().get(key).cloned();
        self.found.fetch_add(u64::from(order.is_some()), Ordering::Relaxed);
        order
    }

    /// Keeps an order. Where there are too many, all are forgotten: they are soon chosen again.
    pub(crate) fn keep(&self, key: OrderKey, order: Arc<[u32]>) {
        self.chosen.fetch_add(1, Ordering::Relaxed);
        let mut known = self.known();
        if known.len() >= LIMIT_ORDERS {
            known.clear();
        }
        known.insert(key, order);
    }

    /// How many blocks were run in an order known before, and how many had to be ordered.
    pub fn counts(&self) -> (u64, u64) {
        (self.found.load(Ordering::Relaxed), self.chosen.load(Ordering::Relaxed))
    }

    /// Also after a panic elsewhere: whatever is in there is an order or none.
    fn known(&self) -> MutexGuard<'_, HashMap<OrderKey, Arc<[u32]>>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Writes down what a choice depends on.
#[derive(Debug, Default)]
pub(crate) struct KeyWriter(Vec<u32>);

impl KeyWriter {
    /// A number that must be the same.
    pub(crate) fn exact(&mut self, number: u32) {
        self.0.push(number);
    }

    /// An amount that must be of the same magnitude.
    pub(crate) fn amount(&mut self, amount: f64) {
        self.0.push(magnitude(amount));
    }

    /// Variables that must be the same.
    pub(crate) fn slots(&mut self, slots: &[Slot]) {
        self.0.push(slots.len() as u32);
        self.0.extend(slots);
    }

    pub(crate) fn into_key(self) -> OrderKey {
        self.0.into_boxed_slice()
    }
}

/// The number of an amount's magnitude: 0 is none, 1 is one, and every two further are twice as much.
fn magnitude(amount: f64) -> u32 {
    match amount {
        _ if amount.is_nan() || amount.is_infinite() => u32::MAX,
        _ if amount < 0.5 => 0,
        _ => 1 + (2.0 * amount.log2()).round().max(0.0) as u32,
    }
}

/// The amount that stands for all of its magnitude. Orders are chosen by this alone, so one that is remembered is the one that would be
/// chosen.
pub(crate) fn rounded(amount: f64) -> f64 {
    match magnitude(amount) {
        0 => 0.0,
        u32::MAX => f64::INFINITY,
        number => (f64::from(number - 1) / 2.0).exp2(),
    }
}

#[cfg(test)]
mod tests {
    use super::{LIMIT_ORDERS, Orders, magnitude, rounded};

    #[test]
    fn amounts_of_one_magnitude_are_one() {
        let amounts = [0.0, 0.7, 1.0, 2.0, 3.0, 5.0, 20.0, f64::INFINITY];
        assert_eq!(amounts.map(magnitude), [0, 1, 1, 3, 4, 6, 10, u32::MAX]);
        for amount in amounts {
            assert_eq!(magnitude(rounded(amount)), magnitude(amount), "{amount}");
        }
    }

    #[test]
    fn orders_are_bounded() {
        let orders = Orders::default();
        for n in 0..10 * LIMIT_ORDERS as u32 {
            orders.keep([n].into(), [n].into());
            assert_eq!(orders.get(&[n].into()), Some([n].into()));
            assert!(orders.known().len() <= LIMIT_ORDERS);
        }
        assert_eq!(orders.counts().1, 10 * LIMIT_ORDERS as u64);
    }
}
