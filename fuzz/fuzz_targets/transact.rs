//! The target `transact` of tests/fuzz/targets.rs, guided by what it reaches.
#![no_main]

#[path = "../../tests/fuzz/targets.rs"]
mod targets;

use std::cell::RefCell;

use targets::{Ground, TARGETS};

thread_local! {
    static GROUND: RefCell<Ground> = RefCell::new(Ground::new());
}

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let target = TARGETS.iter().find(|target| target.name == "transact").expect("a target of this name");
    GROUND.with_borrow_mut(|ground| (target.run)(ground, bytes));
});
