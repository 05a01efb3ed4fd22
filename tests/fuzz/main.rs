//! The promise: no input crashes it, none takes longer than a second, and none takes more than 512 MiB. Attacked by giving each reader of
//! texts and files what it is made to read, torn, crossed, repeated and mutated, on a stack of 2 MiB, and by all files of `fuzz/corpus`
//! and `fuzz/regressions`, which hold what was found once.
//!
//! `SEED=` throws other dice, `FUZZ_SECONDS=` is the time of each target, `FUZZ_TARGET=` names one. What fails is written to
//! `target/fuzz/TARGET-..`; put it into `fuzz/regressions/TARGET/`. `fuzz/run` gives the same targets to libFuzzer.

mod control;
mod mutator;
mod targets;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use mutator::Mutator;
use targets::{Ground, TARGETS, Target, worked};

/// The stack of a thread unless asked for more.
const STACK_BYTES: usize = 2 << 20;

/// Processor time of one input: the promise, and for builds without optimization ten times that.
const LIMIT_TIME: Duration = Duration::from_secs(if cfg!(debug_assertions) { 10 } else { 1 });

/// Memory of the process at its greatest.
const LIMIT_MEMORY_KIB: u64 = 512 << 10;

/// Seconds of each target when nothing else is asked for.
const SECONDS: u64 = 2;

fn setting(name: &str, default: u64) -> u64 {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(default)
}

fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(name)
}

/// The inputs that the repository keeps for a target.
fn kept(kind: &str, target: &str) -> Vec<Vec<u8>> {
    let Ok(entries) = std::fs::read_dir(folder("fuzz").join(kind).join(target)) else { return Vec::new() };
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.expect("an entry").path()).collect();
    paths.sort();
    paths.into_iter().map(|path| std::fs::read(path).expect("an input")).collect()
}

fn peak_memory_kib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap_or_default();
    line.trim().trim_end_matches(" kB").parse().unwrap_or(0)
}

/// Why a target failed on an input; `None` if it did not.
fn failure(target: &Target, ground: &mut Ground, input: &[u8]) -> Option<String> {
    let before = worked();
    let outcome = catch_unwind(AssertUnwindSafe(|| (target.run)(ground, input)));
    let took = worked().saturating_sub(before);
    match outcome {
        Err(panic) => {
            let said =
                panic.downcast_ref::<String>().cloned().or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned()));
            Some(format!("it panicked: {}", said.unwrap_or_default()))
        }
        Ok(()) if took > LIMIT_TIME => Some(format!("it took {took:?}")),
        Ok(()) => None,
    }
}

/// Gives a target inputs until its time is over; says how many.
fn attack(target: &Target, seed: u64, seconds: u64) -> Result<u64, String> {
    let mut ground = Ground::new();
    let mut inputs: Vec<Vec<u8>> = target.seeds.iter().map(|text| text.as_bytes().to_vec()).collect();
    inputs.extend(["corpus", "regressions"].iter().flat_map(|kind| kept(kind, target.name)));
    let mut mutator = Mutator::new(seed ^ target.name.bytes().map(u64::from).sum::<u64>());
    let (began, mut count) = (Instant::now(), 0);
    let mut given = inputs.clone().into_iter();
    while began.elapsed() < Duration::from_secs(seconds) {
        let input = given.next().unwrap_or_else(|| mutator.mutated(&inputs));
        if let Some(why) = failure(target, &mut ground, &input) {
            let path = folder("target/fuzz").join(format!("{}-{seed}-{count}", target.name));
            let _ = std::fs::create_dir_all(folder("target/fuzz")).and_then(|()| std::fs::write(&path, &input));
            return Err(format!(
                "{}: {why}; SEED={seed}, input {count}, kept as {}\n{}",
                target.name,
                path.display(),
                String::from_utf8_lossy(&input)
            ));
        }
        count += 1;
    }
    Ok(count)
}

fn on_small_stack<R: Send + 'static>(work: impl FnOnce() -> R + Send + 'static) -> R {
    let thread = std::thread::Builder::new().stack_size(STACK_BYTES).spawn(work).expect("a thread");
    thread.join().expect("an overflow of the stack would have ended the process")
}

#[test]
fn no_input_crashes_a_reader_or_keeps_it_for_long() {
    let (seed, seconds) = (setting("SEED", 1), setting("FUZZ_SECONDS", SECONDS));
    let wanted = std::env::var("FUZZ_TARGET").ok();
    let mut faults = Vec::new();
    for target in TARGETS.iter().filter(|target| wanted.as_deref().is_none_or(|name| name == target.name)) {
        match on_small_stack(move || attack(target, seed, seconds)) {
            Ok(count) => println!("{}: {count} inputs in {seconds} s, SEED={seed}", target.name),
            Err(fault) => faults.push(fault),
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
    let peak = peak_memory_kib();
    println!("{} MiB of memory at most", peak >> 10);
    assert!(peak < LIMIT_MEMORY_KIB, "{peak} KiB");
}

#[test]
fn what_was_found_once_is_not_found_again() {
    for target in &TARGETS {
        on_small_stack(move || {
            let mut ground = Ground::new();
            for input in ["corpus", "regressions"].iter().flat_map(|kind| kept(kind, target.name)) {
                assert_eq!(failure(target, &mut ground, &input), None, "{}: {}", target.name, String::from_utf8_lossy(&input));
            }
        });
    }
}
