//! The promise: an acknowledged transaction survives a power loss, and any transaction is there whole or not at all, whatever was
//! being done then. Attacked by recording every file operation of the real program, by building what a disk may hold after each of
//! them (unsynced writes lost, kept, or torn at 512 bytes), and by comparing what such a disk says with what was acknowledged.
//!
//! `DISKS=` is how many disks, `SEED=` which ones, `ONLY=columns` does the workloads of this name alone.

mod campaign;
mod chance;
mod checker;
mod disk;
mod model;
#[expect(dead_code, reason = "what several tests share is not used whole by each of them")]
#[path = "../common/place.rs"]
mod place;
mod recorder;
mod recording;
#[path = "../common/shim.rs"]
mod shim;
#[path = "../common/splitmix.rs"]
mod splitmix;
#[path = "../common/tiny.rs"]
mod tiny;
mod work;
mod workloads;

use std::path::PathBuf;

use campaign::Attack;

/// Disks when nothing else is asked for.
const DISKS: usize = 1_000;

/// Disks of a control: one in so many of the attack's, and no fewer than this.
const DISKS_OF_CONTROL: (usize, usize) = (50, 200);

fn disks() -> usize {
    std::env::var("DISKS").ok().and_then(|disks| disks.parse().ok()).unwrap_or(DISKS)
}

fn disks_of_control() -> usize {
    (disks() / DISKS_OF_CONTROL.0).max(DISKS_OF_CONTROL.1)
}

/// A folder for disks: in memory where there is such a folder, as nothing here has to survive.
fn quick_folder() -> PathBuf {
    let memory = PathBuf::from("/dev/shm");
    if memory.is_dir() { memory } else { std::env::temp_dir() }
}

#[test]
fn an_acknowledged_transaction_survives_a_power_loss_and_each_is_whole_or_not_there() {
    let figures = campaign::all(disks());
    figures.print("in all");
    assert_eq!(figures.faults(), 0, "{}", figures.shown.join("\n"));
}

#[test]
fn with_synchronous_normal_the_attack_finds_losses_and_nothing_else() {
    let figures = Attack::new(&workloads::normal(), 1_000, 0).without_giving_up().run(disks_of_control());
    figures.print("control: synchronous=NORMAL");
    assert!(figures.lost > 0, "the attack does not see that acknowledged transactions are lost");
    assert_eq!(figures.halves + figures.corrupt, 0, "{}", figures.shown.join("\n"));
}

#[test]
fn on_a_disk_that_syncs_nothing_the_attack_finds_corruption() {
    let figures = Attack::new(&workloads::checkpoints().without_syncs(), 1_001, 0).without_giving_up().run(disks_of_control());
    figures.print("control: syncs do nothing");
    assert!(figures.corrupt > 0, "the attack does not see that a store is corrupt");
}
