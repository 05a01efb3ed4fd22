//! What this process committed lately: who reads next takes it from here rather than from the log.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::datom::Datom;

/// Datoms that are kept in all. A transaction of more is read from the log, where it is a small part of what reading costs.
const LIMIT_DATOMS: usize = 1024;

/// The datoms of transactions, the newest last.
#[derive(Debug, Default)]
pub(super) struct Said(Mutex<Kept>);

#[derive(Debug, Default)]
struct Kept {
    transactions: VecDeque<(i64, Vec<Datom>)>,
    datoms: usize,
}

impl Said {
    /// Keeps a transaction, and forgets the oldest ones where there are too many.
    pub(super) fn keep(&self, t: i64, datoms: &[Datom]) {
        let mut kept = self.kept();
        if datoms.len() > LIMIT_DATOMS {
            *kept = Kept::default();
            return;
        }
        kept.datoms += datoms.len();
        kept.transactions.push_back((t, datoms.to_vec()));
        while kept.datoms > LIMIT_DATOMS {
            let Some((_, oldest)) = kept.transactions.pop_front() else { return };
            kept.datoms -= oldest.len();
        }
    }

    /// Nothing is kept any more.
    pub(super) fn forget(&self) {
        *self.kept() = Kept::default();
    }

    /// The datoms of all transactions after `after_t` up to `until_t`; nothing if one of them is missing here, as it is where another process
    /// committed in between.
    pub(super) fn between(&self, after_t: i64, until_t: i64) -> Option<Vec<Datom>> {
        let kept = self.kept();
        let transactions = kept.transactions.iter().filter(|(t, _)| (after_t + 1..=until_t).contains(t));
        let mut next = after_t + 1;
        let mut datoms = Vec::new();
        for (t, said) in transactions {
            if *t != next {
                return None;
            }
            next += 1;
            datoms.extend_from_slice(said);
        }
        (next == until_t + 1).then_some(datoms)
    }

    /// Also after a panic elsewhere: a transaction is kept as a whole or not at all.
    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use annals_query::Value;

    use super::*;

    fn datoms(t: i64, count: i64) -> Vec<Datom> {
        (0..count).map(|e| Datom { e, a: 1, v: Value::Long(t), t, added: true, m: 0 }).collect()
    }

    #[test]
    fn what_was_said_is_there_without_gaps_or_not_at_all() {
        let said = Said::default();
        for t in [3, 4, 6, 7] {
            said.keep(t, &datoms(t, 2));
        }
        let found =
            |after, until| said.between(after, until).map(|datoms| datoms.iter().map(|datom| datom.t).collect::<Vec<_>>());
        assert_eq!(found(2, 4), Some(vec![3, 3, 4, 4]));
        assert_eq!(found(5, 7), Some(vec![6, 6, 7, 7]));
        assert_eq!((found(1, 3), found(3, 6), found(6, 8)), (None, None, None));
        said.forget();
        assert_eq!(found(2, 3), None);
    }

    #[test]
    fn what_is_kept_is_bounded() {
        let said = Said::default();
        for t in 1..100 {
            said.keep(t, &datoms(t, 100));
        }
        assert!(said.between(98, 99).is_some() && said.between(88, 99).is_none());
        said.keep(100, &datoms(100, 2 * LIMIT_DATOMS as i64));
        assert_eq!(said.between(99, 100), None);
    }
}
