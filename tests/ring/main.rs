//! The promise: processes that share a store do not disturb each other. A transaction sees the store as it is when it is committed, and
//! every value of the store, at every moment, is one that transactions made.
//!
//! Attacked by processes that move the members of a ring: each transaction takes a member out and puts it in elsewhere, which changes
//! three pointers, so that the ring is one cycle at every t if and only if no transaction ever came between another one's reading and
//! writing. Half of the processes do it by transaction function, half by compare-and-set. Each move counts itself in a counter that many
//! share. Readers check the ring now, in values held for long and at moments of chance, through the library and through SQL views; at
//! the end at every t. `PROCESSES=`, `MOVES=` and `SEED=` say how much. Controls: moves and counts that read first and then write without
//! asking break the ring and lose counts.

#[path = "../common/dice.rs"]
mod dice;
mod moves;
mod watch;
#[path = "../common/whole.rs"]
mod whole;

use std::path::Path;
use std::process::{Child, Command, Stdio};

use annals::{Connection, Db};

use dice::{number, seed};
use moves::Way;

/// Members of the ring.
const MEMBERS: u64 = 12;

/// Counters that the moves are counted in.
const COUNTERS: u64 = 4;

fn new_store(path: &Path) {
    let connection = Connection::open(path).expect("a new store");
    connection
        .transact(
            "[{:db/ident :ring/id :db/valueType :db.type/long :db/unique :db.unique/identity}
              {:db/ident :ring/next :db/valueType :db.type/ref}
              {:db/ident :counter/id :db/valueType :db.type/long :db/unique :db.unique/identity}
              {:db/ident :counter/n :db/valueType :db.type/long}]",
        )
        .expect("attributes");
    let members: Vec<String> =
        (0..MEMBERS).map(|id| format!("{{:db/id \"m{id}\" :ring/id {id} :ring/next \"m{}\"}}", (id + 1) % MEMBERS)).collect();
    let counters: Vec<String> = (0..COUNTERS).map(|id| format!("{{:counter/id {id} :counter/n 0}}")).collect();
    connection.transact(&format!("[{} {}]", members.join(" "), counters.join(" "))).expect("a ring");
}

/// This test as a process of its own that makes so many moves.
fn mover(store: &Path, way: Way, moves: u64, seed: u64) -> Child {
    let mut command = Command::new(std::env::current_exe().expect("this test"));
    command.args(["--exact", "moves::runs_in_a_process_of_its_own", "--nocapture", "--test-threads", "1"]);
    command.env("RING_WAY", format!("{way:?}")).env("RING_STORE", store);
    command.env("MOVES", moves.to_string()).env("SEED", seed.to_string());
    command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn().expect("the process starts")
}

/// What the attack came to.
#[derive(Debug, Default)]
struct Figures {
    moves: u64,
    refused: u64,
    counted: u64,
    looks: u64,
    /// Values of the store in which the ring is not one cycle, or that became another.
    anomalies: Vec<String>,
}

/// Lets so many processes make so many moves each, in these ways by turns.
fn attack(ways: &[Way], processes: u64, moves: u64) -> Figures {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let store = folder.path().join("annals.db");
    new_store(&store);
    let children: Vec<Child> = (0..processes)
        .map(|n| mover(&store, ways[n as usize % ways.len()], moves, seed().wrapping_mul(1_000).wrapping_add(n)))
        .collect();
    let mut figures = Figures::default();
    watch::while_running(&store, children, &mut figures);
    watch::at_every_t(&store, &mut figures);
    if let Err(what) = whole::check_whole(&store) {
        figures.anomalies.push(what);
    }
    let db = Connection::open(&store).and_then(|connection| connection.db()).expect("a view");
    figures.counted = counted(&db);
    println!(
        "ring: SEED={}, {processes} processes, {} moves, {} refused and tried again, {} looks, {} anomalies, {} updates lost",
        seed(),
        figures.moves,
        figures.refused,
        figures.looks,
        figures.anomalies.len(),
        figures.moves as i64 - figures.counted as i64,
    );
    figures
}

fn counted(db: &Db) -> u64 {
    let answer = db.q("[:find (sum ?n) . :with ?c :where [?c :counter/n ?n]]", &[]).expect("a sum");
    answer.rows[0][0].as_long().and_then(|sum| u64::try_from(sum).ok()).expect("counts are positive")
}

#[test]
fn the_ring_is_one_cycle_at_every_moment_and_no_count_is_lost() {
    let (processes, moves) = (number("PROCESSES", 8), number("MOVES", 60));
    let figures = attack(&[Way::ByFunction, Way::ByCompareAndSet], processes, moves);
    assert!(figures.anomalies.is_empty(), "SEED={}: {}", seed(), figures.anomalies[..figures.anomalies.len().min(9)].join("\n"));
    assert_eq!((figures.moves, figures.counted), (processes * moves, processes * moves), "SEED={}", seed());
}

/// The control.
#[test]
fn moves_that_read_first_and_write_without_asking_are_found() {
    let figures = attack(&[Way::Blindly], 6, 40);
    assert!(!figures.anomalies.is_empty(), "the ring is whole, SEED={}", seed());
    assert!(figures.counted < figures.moves, "no count is lost, SEED={}", seed());
}
