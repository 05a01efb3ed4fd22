//! The promise: an error of the disk or of memory is reported with a code, corrupts nothing, loses nothing that was acknowledged, and
//! stops further writes through that handle; what has only to be tried again is tried again; and a full disk is survived.
//!
//! Attacked by the real binary, and by programs with the library in it, between which and their disk stands the library of
//! `tests/crash/shim`: each read, write, sync, truncation, opening, removal and renaming of a workload fails in each way, once and
//! from then on, each allocation of SQLite fails, and file systems of a few hundred kilobytes run full. `FAULTS=` says how many runs
//! of all that there are, `WORKLOADS=` which workloads, `SEED=` which of the runs; a failure prints the `SHIM_FAIL=` that replays it.

mod children;
#[path = "../common/dice.rs"]
mod dice;
mod full;
mod place;
mod shim;
mod sweep;
#[path = "../common/whole.rs"]
mod whole;
mod workloads;

use shim::Class;

/// As in the program: what the C library is asked for is SQLite's.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[track_caller]
fn none_wrong(figures: &sweep::Figures) {
    let shown = figures.wrong.iter().take(40).map(String::as_str).collect::<Vec<_>>().join("\n");
    assert!(figures.wrong.is_empty(), "{} runs are wrong, SEED={}:\n{shown}", figures.wrong.len(), dice::seed());
}

#[test]
fn an_error_of_the_disk_is_reported_and_corrupts_nothing() {
    none_wrong(&sweep::sweep("disk", &sweep::chosen_workloads(), &Class::OF_DISK, sweep::runs(120)));
}

#[test]
fn an_allocation_that_fails_is_reported_and_corrupts_nothing() {
    // What `annals run` starts would get no memory either.
    let workloads: Vec<_> = sweep::chosen_workloads().into_iter().filter(|workload| workload.name != "run").collect();
    none_wrong(&sweep::sweep("memory", &workloads, &[Class::Memory], sweep::runs(120) / 3));
}

/// The controls.
#[test]
fn a_program_that_acknowledges_what_failed_is_found() {
    static CARELESS: workloads::Workload = workloads::CARELESS;
    let once = |fault: &shim::Fault| !fault.stays;
    for (what, classes, runs) in [("control", &[Class::Write, Class::Sync][..], 40), ("control of memory", &[Class::Memory], 200)]
    {
        let figures = sweep::sweep_of(what, &[&CARELESS], classes, runs, once);
        assert!(!figures.wrong.is_empty(), "{what}, SEED={}", dice::seed());
    }
}

/// A reading that fails makes SQLite take the whole commit back. What the others of a group wrote after that used to be committed
/// statement by statement, a transaction by half.
#[test]
fn a_group_in_which_a_reading_fails_is_not_written_by_half() {
    let groups: Vec<_> = workloads::ALL.iter().filter(|workload| workload.name == "group").collect();
    let is_once = |fault: &shim::Fault| fault.how == "ENOMEM" && !fault.stays;
    none_wrong(&sweep::sweep_of("group", &groups, &[Class::Read], usize::MAX, is_once));
}
