//! Which transactions prove themselves: the hash of each covers its datoms and the hash before, and both hashes are written down.
//!
//! So a transaction behind a damaged one is proven by the hash that is written for that one. If the hash itself is what is damaged, or
//! the whole row of the list, it is computed from the datoms, and the next transaction that has a hash proves them all at once.

use std::collections::BTreeMap;

use annals_query::Value;

use super::carve::{Carved, Listed};
use crate::datom::Datom;
use crate::limits::LIMIT_TRANSACTION_DATOMS;
use crate::schema::attribute;
use crate::store::{genesis, record};

/// How often another opinion of a datom is asked for.
const OPINIONS: usize = 6;

/// What became of a transaction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    /// Its datoms are these, beginning with this id; the n-th opinion of each.
    Proven {
        instant: i64,
        first: i64,
        count: i64,
        opinion: usize,
    },
    /// It is what every store begins with.
    Genesis,
    Lost(String),
}

/// Everything proven, and what is lost between and behind.
#[derive(Debug, Default)]
pub(super) struct Proof {
    pub(super) fates: BTreeMap<i64, Fate>,
    /// The hash of the last transaction that is proven.
    pub(super) head: [u8; 32],
}

/// A transaction as it may have been.
struct Guess {
    fate: Fate,
    /// Version, instant, count and datoms.
    record: Vec<u8>,
    last: i64,
}

struct Prover<'c> {
    carved: &'c mut Carved,
    proof: Proof,
    /// The hash of the transaction before, if it is known without trusting what is written: proven, or computed from proven ones.
    computed: Option<[u8; 32]>,
    /// Computed, and to be proven by a later one.
    pending: Vec<(i64, Fate)>,
    /// The last datom of the transaction before, as far as it is known.
    last_id: Option<i64>,
}

/// Goes through all transactions that there is a trace of.
pub(super) fn prove(carved: &mut Carved) -> Proof {
    let mut prover = Prover { carved, proof: Proof::default(), computed: Some([0; 32]), pending: Vec::new(), last_id: Some(0) };
    let mut t = 1;
    loop {
        if t == 1 || prover.carved.listed.contains_key(&t) || prover.has_datoms_of(t) {
            prover.transaction(t);
            t += 1;
            continue;
        }
        // No trace of it: go on where there is one again.
        prover.give_up_pending();
        (prover.computed, prover.last_id) = (None, None);
        match prover.carved.listed.range(t..).next() {
            Some((next, _)) => t = *next,
            None => return prover.finish(),
        }
    }
}

impl Prover<'_> {
    fn transaction(&mut self, t: i64) {
        let listed = self.carved.listed.get(&t).cloned().unwrap_or_default();
        let before: Vec<[u8; 32]> =
            self.carved.listed.get(&(t - 1)).into_iter().flatten().map(|before| before.hash).filter(|_| t > 1).collect();
        let mut reason = None;
        let mut first_guess = None;
        let genesis = if t == 1 { genesis_guess() } else { None };
        let mut is_genesis_read = false;
        for opinion in 0..OPINIONS {
            for (first, last) in self.extents(t, &listed) {
                let guesses = self.guesses(t, first, last, opinion, &listed);
                let guesses = match guesses {
                    Ok(guesses) => guesses,
                    Err(why) => {
                        reason.get_or_insert(why);
                        continue;
                    }
                };
                for guess in guesses {
                    if let Some(hash) = self.proves(&guess, &listed, &before) {
                        return self.proven(t, guess, hash);
                    }
                    is_genesis_read |= genesis.as_ref().is_some_and(|genesis| genesis.record == guess.record);
                    first_guess.get_or_insert(guess);
                }
            }
        }
        if let Some(guess) = genesis {
            if let Some(hash) = self.proves(&guess, &listed, &before) {
                return self.proven(t, guess, hash);
            }
            // Its own hash may be what is damaged: what it should be is the better guess if it was read at all.
            if is_genesis_read || first_guess.is_none() {
                first_guess = Some(guess);
            }
        }
        self.unproven(t, &listed, first_guess, reason);
    }

    /// The hash before with which the guess has a hash that is written for it; true if that hash was computed.
    fn proves(&self, guess: &Guess, listed: &[Listed], before: &[[u8; 32]]) -> Option<(bool, [u8; 32])> {
        let computed = self.computed.iter().map(|hash| (true, hash));
        computed.chain(before.iter().map(|hash| (false, hash))).find_map(|(is_computed, before)| {
            let hash = record::chain(before, &guess.record);
            listed.iter().any(|listed| listed.hash == hash).then_some((is_computed, hash))
        })
    }

    fn proven(&mut self, t: i64, guess: Guess, (is_computed, hash): (bool, [u8; 32])) {
        for (t, fate) in std::mem::take(&mut self.pending) {
            let fate =
                if is_computed { fate } else { Fate::Lost("its hash is not that of its datoms and of the hash before".into()) };
            self.proof.fates.insert(t, fate);
        }
        if !is_computed && let Some(before @ (Fate::Proven { .. } | Fate::Genesis)) = self.proof.fates.get_mut(&(t - 1)) {
            *before = Fate::Lost("a hash that is written for it fits, and the next transaction follows another one".into());
        }
        self.last_id = Some(guess.last);
        self.proof.fates.insert(t, guess.fate);
        self.computed = Some(hash);
        self.proof.head = hash;
    }

    fn unproven(&mut self, t: i64, listed: &[Listed], guess: Option<Guess>, reason: Option<String>) {
        let last = listed.first().map(|listed| listed.last);
        if let (Some(guess), Some(before)) = (guess, self.computed) {
            self.computed = Some(record::chain(&before, &guess.record));
            self.last_id = Some(guess.last);
            self.pending.push((t, guess.fate));
            return;
        }
        self.give_up_pending();
        self.computed = None;
        self.last_id = last;
        let why = match (listed.is_empty(), reason) {
            (true, _) => "its row in the list of transactions cannot be read".into(),
            (_, Some(reason)) => reason,
            _ => "its hash is not that of its datoms and of the hash before".into(),
        };
        self.proof.fates.insert(t, Fate::Lost(why));
    }

    fn give_up_pending(&mut self) {
        for (t, _) in std::mem::take(&mut self.pending) {
            let why = if self.carved.listed.contains_key(&t) {
                "its hash is not that of its datoms and of the hash before"
            } else {
                "its row in the list of transactions cannot be read, and nothing after it proves its datoms"
            };
            self.proof.fates.insert(t, Fate::Lost(why.into()));
        }
    }

    fn finish(mut self) -> Proof {
        self.give_up_pending();
        let Proof { mut fates, head } = self.proof;
        let proven = fates.iter().rev().find(|(_, fate)| !matches!(fate, Fate::Lost(_))).map_or(0, |(t, _)| *t);
        // Behind the last that is proven, only what follows without a gap was more than a damaged number.
        let mut end = proven;
        while fates.contains_key(&(end + 1)) {
            end += 1;
        }
        fates.split_off(&(end + 1));
        for t in 1..=end {
            fates.entry(t).or_insert_with(|| Fate::Lost("no trace of it is left".into()));
        }
        Proof { fates, head }
    }

    /// Where the datoms of a transaction may lie: as its row says, and as its neighbours do.
    fn extents(&mut self, t: i64, listed: &[Listed]) -> Vec<(i64, i64)> {
        let mut extents: Vec<(i64, i64)> =
            listed.iter().map(|row| (row.last.saturating_sub(row.datoms).saturating_add(1), row.last)).collect();
        if let Some(first) = self.last_id.map(|last| last + 1) {
            extents.extend(listed.iter().map(|row| (first, row.last)));
            extents.extend(listed.iter().map(|row| (first, first.saturating_add(row.datoms) - 1)));
            let next = self.carved.listed.get(&(t + 1)).into_iter().flatten();
            extents.extend(next.map(|row| (first, row.last.saturating_sub(row.datoms))));
            if listed.is_empty() {
                extents.extend(self.extent_by_datoms(t, first));
            }
        }
        let mut seen = Vec::new();
        extents.retain(|extent @ (first, last)| {
            let is_possible = *first >= 1 && first <= last && last - first < LIMIT_TRANSACTION_DATOMS as i64;
            is_possible && !seen.contains(extent) && {
                seen.push(*extent);
                true
            }
        });
        extents
    }

    fn has_datoms_of(&mut self, t: i64) -> bool {
        self.last_id.and_then(|last| self.carved.datom(t, last + 1, 0)).is_some_and(|datom| datom.t == t)
    }

    /// The datoms from one on that say that they are of this transaction.
    fn extent_by_datoms(&mut self, t: i64, first: i64) -> Option<(i64, i64)> {
        let mut last = first - 1;
        while last - first < LIMIT_TRANSACTION_DATOMS as i64
            && self.carved.datom(t, last + 1, 0).is_some_and(|datom| datom.t == t)
        {
            last += 1;
        }
        (last >= first).then_some((first, last))
    }

    /// The records that these datoms may have made: with the instant of the list, and with the one that they say themselves.
    fn guesses(&mut self, t: i64, first: i64, last: i64, opinion: usize, listed: &[Listed]) -> Result<Vec<Guess>, String> {
        let datoms = read(self.carved, t, first, last, opinion)?;
        let said = datoms.iter().find(|datom| (datom.e, datom.a) == (t, attribute::TX_INSTANT) && datom.added);
        let said = said.and_then(|datom| if let Value::Instant(instant) = datom.v { Some(instant) } else { None });
        let mut instants: Vec<i64> = listed.iter().map(|row| row.instant).chain(said).collect();
        instants.sort_unstable();
        instants.dedup();
        let mut guesses = Vec::new();
        for instant in instants {
            let fate = Fate::Proven { instant, first, count: last - first + 1, opinion };
            let record = record_of(t, instant, &datoms).ok_or_else(|| "a datom cannot be a fact".to_owned())?;
            guesses.push(Guess { fate, record, last });
        }
        // What it says itself is the better guess where nothing proves either.
        guesses.sort_by_key(|guess| !matches!(guess.fate, Fate::Proven { instant, .. } if Some(instant) == said));
        Ok(guesses)
    }
}

/// The datoms of a transaction, each by this opinion.
pub(super) fn read(carved: &mut Carved, t: i64, first: i64, last: i64, opinion: usize) -> Result<Vec<Datom>, String> {
    let mut datoms = Vec::new();
    for id in first..=last {
        match carved.datom(t, id, opinion) {
            Some(datom) if datom.t == t => datoms.push(datom),
            Some(_) => return Err(format!("datom {id} says that it belongs to another transaction")),
            None => return Err(format!("datom {id} cannot be read")),
        }
    }
    Ok(datoms)
}

fn record_of(t: i64, instant: i64, datoms: &[Datom]) -> Option<Vec<u8>> {
    let mut record = Vec::new();
    record::begin(t, instant, datoms.len(), &mut record);
    datoms.iter().try_for_each(|datom| record::add(datom, &mut record)).ok()?;
    Some(record)
}

fn genesis_guess() -> Option<Guess> {
    let datoms = genesis::datoms(genesis::INSTANT);
    let record = record_of(1, genesis::INSTANT, &datoms)?;
    Some(Guess { fate: Fate::Genesis, record, last: datoms.len() as i64 })
}
