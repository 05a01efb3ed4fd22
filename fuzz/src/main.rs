//! A target of `tests/fuzz` with libFuzzer: inputs by which code is reached that no other reached are kept and changed further, by libFuzzer's
//! dice and by those of `tests/fuzz/mutator.rs`, which know the languages. `FUZZ_TARGET=` names the target; what it is made to read is
//! written to the folder `FUZZ_SEEDS=` before the first input. `fuzz/run` builds and runs it.
#![no_main]

#[path = "../../tests/fuzz/mutator.rs"]
mod mutator;
#[path = "../../tests/fuzz/targets.rs"]
mod targets;

use std::cell::RefCell;
use std::env;
use std::fs;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use libfuzzer_sys::{fuzz_mutator, fuzz_target, fuzzer_mutate};
use mutator::Mutator;
use targets::{Ground, TARGETS, Target, worked};

/// Processor time of one input.
const LIMIT_TIME: Duration = Duration::from_secs(1);

/// The control: an input that only coverage leads to, and that has to be found.
const CONTROL: Target = Target { name: "control", run: fragile, seeds: &["[:find ?e :where [?e :a 1]]"] };

fn fragile(_: &mut Ground, bytes: &[u8]) {
    let found = b"Annals".iter().zip(bytes).take_while(|(wanted, byte)| wanted == byte).count();
    // One place in the code for each letter, so that each is a step that can be seen.
    let reached = [found > 0, found > 1, found > 2, found > 3, found > 4];
    for (at, is_reached) in reached.into_iter().enumerate() {
        if is_reached {
            std::hint::black_box(at);
        }
    }
    assert!(found < 6, "control: the fault is found");
}

fn wanted() -> &'static Target {
    let name = env::var("FUZZ_TARGET").expect("FUZZ_TARGET names a target");
    let mut targets = TARGETS.iter().chain([&CONTROL]);
    targets.find(|target| target.name == name).unwrap_or_else(|| panic!("there is no target {name}"))
}

fn write_seeds() {
    let Some(folder) = env::var_os("FUZZ_SEEDS").map(PathBuf::from) else { return };
    for (at, seed) in wanted().seeds.iter().enumerate() {
        fs::write(folder.join(format!("seed-{at}")), seed).expect("a seed is written");
    }
}

thread_local! {
    static GROUND: RefCell<(Ground, &'static Target)> = RefCell::new((Ground::new(), wanted()));
}

fuzz_target!(init: write_seeds(), |bytes: &[u8]| {
    GROUND.with_borrow_mut(|(ground, target)| {
        let began = Instant::now();
        (target.run)(ground, bytes);
        if began.elapsed() > LIMIT_TIME {
            // By the clock a busy machine is slow as well: the input is given again, and its own time counted.
            let before = worked();
            (target.run)(ground, bytes);
            let took = worked().saturating_sub(before);
            assert!(took <= LIMIT_TIME, "{}: an input took {took:?}", target.name);
        }
    });
});

fuzz_mutator!(|data: &mut [u8], size: usize, max_size: usize, seed: u32| {
    if seed.is_multiple_of(2) {
        return fuzzer_mutate(data, size, max_size);
    }
    let changed = Mutator::new(u64::from(seed)).mutated(&[data[..size].to_vec()]);
    let length = changed.len().min(max_size);
    data[..length].copy_from_slice(&changed[..length]);
    length
});
