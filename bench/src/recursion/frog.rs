//! The same closures in datafrog.

use datafrog::{Iteration, Relation};

/// All pairs.
pub fn closure(edges: &[(u32, u32)]) -> usize {
    let mut iteration = Iteration::new();
    let found = iteration.variable::<(u32, u32)>("found by its end");
    let edge: Relation<(u32, u32)> = edges.iter().copied().collect();
    found.extend(edges.iter().map(|&(x, y)| (y, x)));
    while iteration.changed() {
        found.from_join(&found, &edge, |_, &x, &y| (y, x));
    }
    std::hint::black_box(found.complete()).len()
}

/// What one node reaches.
pub fn reach(edges: &[(u32, u32)], from: u32) -> usize {
    let mut iteration = Iteration::new();
    let found = iteration.variable::<(u32, ())>("found");
    let edge: Relation<(u32, u32)> = edges.iter().copied().collect();
    found.extend(edges.iter().filter(|(x, _)| *x == from).map(|&(_, y)| (y, ())));
    while iteration.changed() {
        found.from_join(&found, &edge, |_, (), &y| (y, ()));
    }
    std::hint::black_box(found.complete()).len()
}
