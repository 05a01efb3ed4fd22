//! The promise: what a process said is done is in the store, once, however and whenever a process is killed, and what is there is whole.
//!
//! Attacked with kill -9 at random moments: four writers and a reader of one store, each replaced while the others go on; and `annals
//! run` itself, the program that it records, both at once, and the terminal of both. What counts as acknowledged is what the process wrote
//! to its standard output before it died. `KILLS=` says how many, `SEED=` when. Controls: a writer that acknowledges before it commits, and
//! one that says everything twice, are found.

#[path = "../common/dice.rs"]
mod dice;
mod judge;
mod program;
#[path = "../common/whole.rs"]
mod whole;
mod writer;

use std::path::{Path, PathBuf};
use std::time::Duration;

use annals::Connection;

use dice::{Dice, number, seed};
use judge::Judged;
use writer::{Kind, Process};

/// Kills of a round: five while the others go on, then all five.
const KILLS_A_ROUND: u64 = 10;

/// Rounds on one store.
const ROUNDS_A_STORE: u64 = 3;

/// Every second store lies in memory, where that is possible: there more commits lie between two kills, on a disk more of a commit.
fn new_store(number: u64) -> (tempfile::TempDir, PathBuf) {
    let memory = Path::new("/dev/shm");
    let folder = if number % 2 == 1 && memory.is_dir() { tempfile::tempdir_in(memory) } else { tempfile::tempdir() };
    let folder = folder.expect("a temporary folder");
    let path = folder.path().join("annals.db");
    drop(Connection::open(&path).expect("a new store"));
    (folder, path)
}

fn pause(dice: &mut Dice, most_us: u64) {
    std::thread::sleep(Duration::from_micros(dice.below(most_us)));
}

/// Writers of these kinds and a reader, killed one by one and replaced, then all of them. Gives what each of them had said.
fn round(store: &Path, dice: &mut Dice, number: u64, kinds: &[Kind]) -> Vec<Process> {
    let mut names = (0..).map(|n| format!("r{number}-p{n}"));
    let mut start = |kind: Kind| Process::start(kind, store, &names.next().expect("names do not end"));
    let mut alive: Vec<Process> = kinds.iter().chain([&Kind::Reader]).map(|kind| start(*kind)).collect();
    let mut dead = Vec::new();
    // Some are killed while they open the store, most while they write.
    if dice.below(4) > 0 {
        alive[0].wait_for_a_word();
    }
    for _ in 0..KILLS_A_ROUND as usize - alive.len() {
        pause(dice, 80_000);
        let chosen = dice.below(alive.len() as u64) as usize;
        let replacement = start(alive[chosen].kind);
        let mut killed = std::mem::replace(&mut alive[chosen], replacement);
        killed.kill();
        dead.push(killed);
    }
    pause(dice, 150_000);
    dice.shuffle(&mut alive);
    for mut process in alive {
        process.kill();
        dead.push(process);
        pause(dice, 3_000);
    }
    dead
}

/// Rounds of kills until there were so many; gives what was lost, twice or wrong.
fn rounds(kills: u64, dice: &mut Dice, kinds: &[Kind]) -> Judged {
    let mut judged = Judged::default();
    let mut place = new_store(0);
    for number in 0..kills.div_ceil(KILLS_A_ROUND) {
        if number > 0 && number % ROUNDS_A_STORE == 0 {
            place = new_store(number / ROUNDS_A_STORE);
        }
        let dead = round(&place.1, dice, number, kinds);
        judged.kills += dead.len() as u64;
        judge::judge(&place.1, &dead, &mut judged);
    }
    judged
}

const WRITERS: [Kind; 4] = [Kind::Transact, Kind::Transact, Kind::Transact, Kind::State];

#[test]
fn what_was_acknowledged_is_there_once_whenever_its_process_is_killed() {
    let mut dice = Dice::new(seed());
    let judged = rounds(number("KILLS", 40), &mut dice, &WRITERS);
    println!("kill: SEED={}, {judged}", seed());
    assert!(judged.is_clean() && judged.acknowledged > judged.kills, "SEED={}: {judged}\n{}", seed(), judged.wrong.join("\n"));
}

#[test]
fn what_was_said_inside_a_run_is_there_once_whoever_is_killed() {
    let mut dice = Dice::new(seed());
    let judged = program::rounds(number("KILLS", 40).div_ceil(4), &mut dice);
    println!("kill in run: SEED={}, {judged}", seed());
    assert!(judged.is_clean() && judged.acknowledged > 0, "SEED={}: {judged}\n{}", seed(), judged.wrong.join("\n"));
}

/// The first control.
#[test]
fn a_writer_that_acknowledges_before_it_commits_is_found() {
    let judged = rounds(20, &mut Dice::new(seed()), &[Kind::TooSoon; 4]);
    println!("kill, control that acknowledges too soon: {judged}");
    assert!(judged.lost > 0, "SEED={}: {judged}", seed());
}

/// The second control.
#[test]
fn a_writer_that_says_everything_twice_is_found() {
    let judged = rounds(10, &mut Dice::new(seed()), &[Kind::Twice; 4]);
    println!("kill, control that says everything twice: {judged}");
    assert!(judged.twice > 0 && judged.lost == 0, "SEED={}: {judged}", seed());
}
