//! The comparison: one engine, one seed, many programs, each also with its clauses in another order.

use std::collections::BTreeMap;
use std::fmt;

use crate::case::Case;
use crate::disagreement::Disagreement;
use crate::ours::Ours;
use crate::peer::{Peer, Said};
use crate::random::{Random, program, world};

/// How many programs are asked of one world.
const PROGRAMS_PER_WORLD: u64 = 10;

/// At most so many unknown differences are printed in full.
const SHOWN: usize = 100;

/// What is compared.
pub struct Settings {
    /// The same seed asks the same questions.
    pub seed: u64,
    /// How many programs are asked.
    pub programs: u64,
    /// A known disagreement whose cases are printed.
    pub shows_known: Option<String>,
}

/// What came out.
#[derive(Debug, Default)]
pub struct Counts {
    peer: &'static str,
    seed: u64,
    programs: u64,
    asked: usize,
    agreed: usize,
    refused_by_both: usize,
    known: BTreeMap<String, usize>,
    /// Differences that no entry explains, and answers of ours that changed with the order of clauses.
    pub unknown: usize,
}

impl fmt::Display for Counts {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            formatter,
            "{}: seed {}, {} programs, {} questions: {} agree, {} refused by both, {} known disagreements, {} unknown",
            self.peer,
            self.seed,
            self.programs,
            self.asked,
            self.agreed,
            self.refused_by_both,
            self.known.values().sum::<usize>(),
            self.unknown
        )?;
        let known: Vec<String> = self.known.iter().map(|(name, count)| format!("{name} {count}")).collect();
        if known.is_empty() { Ok(()) } else { write!(formatter, " ({})", known.join(", ")) }
    }
}

/// Asks an engine random programs and counts.
pub fn compare(peer: &mut Peer, known: &[&Disagreement], settings: &Settings) -> Result<Counts, String> {
    let mut counts = Counts { peer: peer.name, seed: settings.seed, programs: settings.programs, ..Counts::default() };
    for first in (0..settings.programs).step_by(PROGRAMS_PER_WORLD as usize) {
        let mut random = Random::new(settings.seed.wrapping_mul(1_000_003).wrapping_add(first));
        let made = world(&mut random, peer.width);
        let store = Ours::new(&made)?;
        peer.enter(&made)?;
        for at in first..settings.programs.min(first + PROGRAMS_PER_WORLD) {
            let program = program(&mut random, peer.width);
            let shuffled = program.shuffled(&mut random);
            let case = Case::ask(&made, &store, peer, program);
            let (ours, theirs) = (case.our_rows(), case.theirs.clone());
            count(&mut counts, &case, peer, known, settings, at);
            if case.program.pull.is_some() || theirs == Said::Nothing {
                continue;
            }
            let mut other = Case::ask(&made, &store, peer, shuffled);
            other.in_first_order = Some(theirs);
            count(&mut counts, &other, peer, known, settings, at);
            let rows = other.our_rows();
            if !matches!((&ours, &rows), (Said::Refused(_), Said::Refused(_))) && ours != rows {
                counts.unknown += 1;
                println!("program {at}: our own answer depends on the order of clauses, {ours} before\n{other}");
            }
        }
    }
    Ok(counts)
}

fn count(counts: &mut Counts, case: &Case<'_>, peer: &mut Peer, known: &[&Disagreement], settings: &Settings, at: u64) {
    counts.asked += 1;
    if case.agrees() {
        counts.agreed += 1;
    } else if case.is_refused_by_both() {
        counts.refused_by_both += 1;
    } else if let Some(entry) = known.iter().find(|entry| entry.explains(case, peer)) {
        *counts.known.entry(entry.name.clone()).or_default() += 1;
        if settings.shows_known.as_ref() == Some(&entry.name) {
            println!("program {at}: {} (rule {})\n{case}", entry.name, entry.rule);
        }
    } else {
        counts.unknown += 1;
        if counts.unknown <= SHOWN {
            println!("program {at} of seed {}: {} differs in a way that no entry explains\n{case}", settings.seed, counts.peer);
        }
    }
}
