//! Promise: a watch tells exactly what asking again after every transaction would tell: no change is missed, none is invented, none
//! comes out of its order, and none is half a transaction; whoever commits, and however the answer is kept up.

#[path = "../../query/tests/common/mod.rs"]
mod common;
mod conjunctions;
#[path = "../oracle/fold.rs"]
mod fold;
mod following;
mod kinds;
mod programs;
#[path = "../oracle/told.rs"]
mod told;
