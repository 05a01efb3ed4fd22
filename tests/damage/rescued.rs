//! A rescue of what was damaged: the damaged files are as they were, the new store is sound, holds every transaction that the damage did not
//! touch, and nothing that was not written.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use annals::store::Store;
use annals::{Connection, ErrorKind, Transaction};

use crate::evidence::{Evidence, Files};
use crate::harm::{Harm, Reach};
use crate::{seed, stays_calm};

/// Gives how many transactions were lost.
#[track_caller]
pub(crate) fn check(harm: &Harm, evidence: &Evidence, folder: &Path) -> usize {
    let (damaged, out) = (folder.join("damaged.db"), folder.join("rescued.db"));
    let what = format!("SEED={} {}: rescue", seed(), harm.what);
    harm.files.write(&damaged);
    Files::default().write(&out);
    fs::remove_file(&out).expect("the file is gone");
    let rescued = stays_calm(&what, || Store::rescue(&damaged, &out));
    let after = Files::read(&damaged);
    assert!(
        after.store == harm.files.store && after.log == harm.files.log && after.index == harm.files.index,
        "{what}: changed the file"
    );
    let touched: BTreeSet<i64> = match &harm.reach {
        Reach::Pages(pages) => pages.iter().flat_map(|page| evidence.pages[*page].transactions.iter().copied()).collect(),
        _ => BTreeSet::new(),
    };
    let report = match rescued {
        Ok(report) => report,
        Err(error) => {
            // No hash is left by which anything could be proven.
            assert_eq!(touched.len(), evidence.transactions.len(), "{what}: {error}");
            assert!(!out.exists(), "{what}");
            return evidence.transactions.len();
        }
    };
    let verified = annals::verify(&out, None).expect("a report");
    let is_sound = verified.problem.is_none() && report.verified.problem.is_none();
    // What was forged with its hash proves itself: it is copied, and the verification of the new store says what it can of it.
    let is_forged = matches!(harm.reach, Reach::Forged(_));
    assert!(is_sound || is_forged, "{what}: {:?} after {:?}", verified.problem, report.lost);
    let lost: BTreeSet<i64> = report.lost.iter().flat_map(|range| range.first_t..=range.last_t).collect();
    let copied = match Connection::open_read_only(&out).and_then(|connection| connection.db()?.tx_range(..)) {
        Ok(copied) => copied,
        // What was forged may be what the log needs; the verification has said so.
        Err(error) if is_forged && !is_sound => {
            assert_eq!(error.kind(), ErrorKind::Damaged, "{what}: {error}");
            Vec::new()
        }
        Err(error) => panic!("{what}: {error}"),
    };
    for transaction in copied.iter().filter(|transaction| transaction.t <= report.t && !lost.contains(&transaction.t)) {
        let written = &evidence.transactions[transaction.t as usize - 1];
        let is_forged = harm.reach == Reach::Forged(transaction.t);
        assert!(same(transaction, written) || is_forged, "{what}: t {} is another one", transaction.t);
    }
    let gone = evidence.transactions.len() as i64 - report.t + lost.len() as i64;
    match &harm.reach {
        Reach::AtMost(count) => assert!(gone <= *count as i64, "{what}: {gone} lost: {:?}", report.lost),
        Reach::Pages(_) => {
            let untouched: Vec<i64> = (1..=evidence.transactions.len() as i64).filter(|t| !touched.contains(t)).collect();
            let missing = untouched.iter().find(|t| lost.contains(t) || **t > report.t);
            assert_eq!(missing, None, "{what}: not touched, and lost: {:?}", report.lost);
        }
        Reach::Rows | Reach::Forged(_) | Reach::End => {}
    }
    gone as usize
}

fn same(one: &Transaction, other: &Transaction) -> bool {
    (one.t, one.instant, &one.datoms) == (other.t, other.instant, &other.datoms)
}
