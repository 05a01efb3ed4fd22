//! Rules that call themselves: whole closures and what one node reaches, in three spellings, beside a graph search on adjacency arrays,
//! a semi-naive loop by hand, datafrog and SQLite's recursive CTE; and rules of other shapes beside semi-naive loops by hand.

mod closure;
mod frog;
mod graph;
mod seminaive;
mod shapes;

use crate::arguments::Arguments;
use crate::sheet::Sheet;
use crate::turns::Turns;

/// Asks all of them.
pub fn measure(arguments: &Arguments) -> Vec<Sheet> {
    let turns = Turns { rounds: arguments.rounds, clock: arguments.clock };
    vec![closure::sheet(arguments, turns), shapes::sheet(arguments, turns)]
}
