//! Takes the power away after each operation of a recording, many times, and counts what the disks hold then.

use std::collections::HashMap;
use std::io::Write as _;
use std::sync::Mutex;

use crate::chance::{Chance, seed};
use crate::checker::{Checker, Fault};
use crate::disk::{Disk, Replay, Survival};
use crate::recording::{Acknowledged, Recording};
use crate::workloads;

/// Faults that are described before a recording is given up.
const LIMIT_SHOWN: usize = 3;

/// One disk in so many is recovered under the recorder, and that recovery is attacked too.
const DISKS_PER_RECOVERY: usize = 500;

/// Disks of one recovery.
const DISKS_OF_RECOVERY: usize = 150;

/// How many rounds bring nothing new before a recording is left.
const FRUITLESS_ROUNDS: usize = 3;

/// What came of some disks.
#[derive(Clone, Debug, Default)]
pub(crate) struct Figures {
    pub(crate) disks: usize,
    /// With exactly what was acknowledged.
    at_n: usize,
    /// With more: what was under way is there, whole.
    beyond_n: usize,
    /// On which unsynced writes are there in part.
    torn: usize,
    /// Of the disks, how many are of a recovery that was itself interrupted.
    of_recoveries: usize,
    recoveries: usize,
    operations: usize,
    pub(crate) lost: usize,
    pub(crate) halves: usize,
    pub(crate) corrupt: usize,
    /// The first faults, described.
    pub(crate) shown: Vec<String>,
}

impl Figures {
    fn add(&mut self, other: Self) {
        self.disks += other.disks;
        self.at_n += other.at_n;
        self.beyond_n += other.beyond_n;
        self.torn += other.torn;
        self.of_recoveries += other.of_recoveries;
        self.recoveries += other.recoveries;
        self.operations += other.operations;
        self.lost += other.lost;
        self.halves += other.halves;
        self.corrupt += other.corrupt;
        self.shown.extend(other.shown);
    }

    pub(crate) fn faults(&self) -> usize {
        self.lost + self.halves + self.corrupt
    }

    /// Prints them whether or not the output of tests is kept back.
    pub(crate) fn print(&self, name: &str) {
        let line = format!(
            "crash, {name}: {} disks after {} operations, {} with n, {} with n+1, {} torn, {} of {} interrupted recoveries; \
             lost {}, halves {}, corrupt {}; SEED={}\n",
            self.disks,
            self.operations,
            self.at_n,
            self.beyond_n,
            self.torn,
            self.of_recoveries,
            self.recoveries,
            self.lost,
            self.halves,
            self.corrupt,
            seed()
        );
        std::io::stderr().write_all(line.as_bytes()).expect("standard error takes a line");
    }
}

/// Attacks all workloads with so many disks, by as many threads as the machine has.
pub(crate) fn all(disks: usize) -> Figures {
    let only = std::env::var("ONLY").ok();
    let todo: Vec<_> =
        workloads::all().into_iter().filter(|(name, ..)| only.as_ref().is_none_or(|only| name.contains(only))).collect();
    let shares: usize = todo.iter().map(|(_, share, _)| share).sum();
    let todo = Mutex::new(todo.into_iter().enumerate());
    let total = Mutex::new(Figures::default());
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                loop {
                    let Some((number, (name, share, record))) = todo.lock().expect("nobody panicked with it").next() else {
                        break;
                    };
                    let figures = Attack::new(&record(), number as u64, 1).run(disks * share / shares);
                    figures.print(&name);
                    total.lock().expect("nobody panicked with it").add(figures);
                }
            });
        }
    });
    total.into_inner().expect("nobody panicked with it")
}

/// An attack on one recording.
pub(crate) struct Attack<'r> {
    recording: &'r Recording,
    checker: Checker<'r>,
    number: u64,
    /// How many recoveries may follow one upon the other.
    depth: usize,
    /// Faults after which it is given up.
    limit_faults: usize,
    /// How many transactions each disk has that was seen.
    seen: HashMap<(u64, i64), Result<i64, Fault>>,
    /// How many there are if all is kept, after each operation.
    kept: Vec<Option<i64>>,
    figures: Figures,
}

impl<'r> Attack<'r> {
    pub(crate) fn new(recording: &'r Recording, number: u64, depth: usize) -> Self {
        let checker = Checker::new(&recording.store, recording.tuning, &recording.model);
        let kept = vec![None; recording.steps.len() + 1];
        let figures = Figures { operations: recording.steps.len(), ..Figures::default() };
        Self { recording, checker, number, depth, limit_faults: LIMIT_SHOWN, seen: HashMap::new(), kept, figures }
    }

    /// Goes on however many faults there are.
    pub(crate) fn without_giving_up(self) -> Self {
        Self { limit_faults: usize::MAX, ..self }
    }

    /// Makes so many disks, as far as there are so many that differ.
    pub(crate) fn run(mut self, disks: usize) -> Figures {
        let (mut round, mut fruitless) = (0, 0);
        while self.figures.disks < disks && self.figures.faults() < self.limit_faults && fruitless < FRUITLESS_ROUNDS {
            let before = self.figures.disks;
            self.round(round, disks);
            fruitless = if self.figures.disks == before { fruitless + 1 } else { 0 };
            round += 1;
        }
        self.figures
    }

    /// Goes through all operations once. If there are to be fewer disks than operations, chance leaves some out.
    fn round(&mut self, round: u64, disks: usize) {
        let steps = &self.recording.steps;
        let mut replay = Replay::begin(&self.recording.start);
        let mut acknowledged = self.recording.acknowledged;
        let share = (disks * 100 / (2 * steps.len().max(1))).max(1);
        for place in 0..=steps.len() {
            if place > 0 {
                let is_new = replay.step(&steps[place - 1].operation);
                acknowledged = steps[place - 1].acknowledged;
                if !is_new && place < steps.len() {
                    continue;
                }
            }
            let mut chance = Chance::of(&[self.number, round, place as u64]);
            let is_enough = self.figures.disks >= disks || self.figures.faults() >= self.limit_faults;
            if is_enough || !chance.percent(share as u64) {
                continue;
            }
            let upper = self.kept(&replay, place, acknowledged, &mut chance);
            let survival = if round == 0 { Survival::Lost } else { Survival::Torn };
            self.crash(&replay, survival, place, acknowledged, Some(upper), &mut chance);
        }
    }

    /// How many transactions there are if everything is kept that was done.
    fn kept(&mut self, replay: &Replay, place: usize, acknowledged: Acknowledged, chance: &mut Chance) -> i64 {
        if let Some(t) = self.kept[place] {
            return t;
        }
        let upper = self.recording.is_serial.then_some(acknowledged.t + 1);
        let t = self.crash(replay, Survival::Kept, place, acknowledged, upper, chance).unwrap_or(i64::MAX);
        self.kept[place] = Some(t);
        t
    }

    /// Takes the power away, and checks what is left.
    fn crash(
        &mut self,
        replay: &Replay,
        survival: Survival,
        place: usize,
        acknowledged: Acknowledged,
        upper: Option<i64>,
        chance: &mut Chance,
    ) -> Option<i64> {
        let disk = replay.crash(survival, chance);
        // Of a disk that was seen already it is known how many transactions it has, and of its backup too.
        let (hash, mut is_first) = ((disk.hash(), acknowledged.copied), false);
        let found = self.seen.get(&hash).cloned().unwrap_or_else(|| {
            is_first = true;
            self.checker.check(&disk, acknowledged, chance)
        });
        let acknowledged = acknowledged.t;
        let found = match found {
            Ok(t) if t < acknowledged => Err(Fault::Lost { acknowledged, found: t }),
            // Who opened an empty disk made the store, and with it its first transaction.
            Ok(t) if upper.is_some_and(|upper| t > upper.max(1)) => Err(Fault::Half(format!(
                "{t} transactions, of which {acknowledged} were acknowledged and no more than {upper:?} written"
            ))),
            found => found,
        };
        if is_first {
            self.figures.disks += 1;
            self.figures.torn += usize::from(survival == Survival::Torn);
        }
        match &found {
            Ok(t) if is_first => {
                self.figures.at_n += usize::from(*t == acknowledged);
                self.figures.beyond_n += usize::from(*t > acknowledged);
            }
            Ok(_) => {}
            Err(fault) => self.count(fault, &disk, survival, place),
        }
        let t = found.as_ref().ok().copied();
        self.seen.insert(hash, found);
        if is_first && self.depth > 0 && chance.below(DISKS_PER_RECOVERY) == 0 && t.is_some_and(|t| t > 1 && acknowledged > 0) {
            self.recover(&disk, t.unwrap_or(0), place);
        }
        t
    }

    /// Recovers a disk under the recorder, and takes the power away from that too.
    fn recover(&mut self, disk: &Disk, t: i64, place: usize) {
        let recording = workloads::recovery(&self.recording.name, disk, &self.recording.store, t, self.recording.tuning);
        let attack = Attack::new(&recording, self.number << 32 | place as u64, self.depth - 1);
        let mut figures = attack.run(DISKS_OF_RECOVERY);
        (figures.of_recoveries, figures.recoveries) = (figures.disks, figures.recoveries + 1);
        self.figures.add(figures);
    }

    fn count(&mut self, fault: &Fault, disk: &Disk, survival: Survival, place: usize) {
        match fault {
            Fault::Lost { .. } => self.figures.lost += 1,
            Fault::Half(_) => self.figures.halves += 1,
            Fault::Corrupt(_) => self.figures.corrupt += 1,
        }
        if self.figures.shown.len() >= LIMIT_SHOWN {
            return;
        }
        if self.limit_faults == usize::MAX {
            // A control looks for faults: nobody wants to keep the disk.
            self.figures.shown.push(fault.to_string());
            return;
        }
        let kept = tempfile::Builder::new().prefix("annals-crash-").tempdir().expect("a temporary folder").keep();
        disk.write(&kept.join("disk"));
        let operation = place.checked_sub(1).map(|place| &self.recording.steps[place].operation);
        let mut operation = format!("{operation:?}");
        operation.truncate(operation.floor_char_boundary(200));
        let mut fault = fault.to_string();
        fault.truncate(fault.floor_char_boundary(2000));
        let name = &self.recording.name;
        self.figures.shown.push(format!(
            "SEED={} ONLY={name}: power lost after operation {place} ({operation}), unsynced {survival:?}: {fault}\nthe disk is in {}",
            seed(),
            kept.display()
        ));
    }
}
