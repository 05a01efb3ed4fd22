//! The control: a reader with a fault of each kind, which the attack has to find.

use std::time::Duration;

use crate::targets::{Ground, Target};
use crate::{attack, failure};

fn fragile(_: &mut Ground, bytes: &[u8]) {
    // Three brackets in a row where the seed has one: only a mutation gets here.
    assert!(!bytes.windows(3).any(|three| three == b"[[["), "control: the fault is found");
}

fn slow(_: &mut Ground, bytes: &[u8]) {
    let until = std::time::Instant::now() + Duration::from_secs(if bytes.len() > 1 { 30 } else { 0 });
    while std::time::Instant::now() < until {
        std::hint::black_box(bytes);
    }
}

#[test]
fn a_reader_with_a_fault_is_caught() {
    let target = Target { name: "control", run: fragile, seeds: &["[:find ?e :where [?e :a 1]]"] };
    let fault = attack(&target, 1, 30).expect_err("the attack finds it");
    assert!(fault.contains("control: the fault is found") && fault.contains("SEED=1"), "{fault}");
}

#[test]
#[ignore = "it works for half a minute of processor time"]
fn a_reader_that_hangs_is_caught() {
    let target = Target { name: "slow", run: slow, seeds: &[] };
    let said = failure(&target, &mut Ground::new(), b"xx").expect("it is too slow");
    assert!(said.contains("it took"), "{said}");
}
