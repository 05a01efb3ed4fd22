//! Two threads where there is so much to do that starting one costs nothing in comparison.

use std::ops::Range;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, OnceLock, PoisonError};

use crate::budget::Budget;
use crate::error::Result;
use crate::tuning::Way;

/// Steps of some nanoseconds each that are worth a second thread, which takes some thirty microseconds to start.
const STEPS_MIN: usize = 1 << 17;

/// Parts that two threads take one after the other, so that none has much to do when the other has finished.
const BLOCKS: usize = 16;

/// True if a second thread is to help with so many steps.
pub(crate) fn helps(steps: usize, budget: &Budget) -> bool {
    static HAS_SEVERAL: OnceLock<bool> = OnceLock::new();
    match budget.threads() {
        Way::Never => false,
        Way::Always => true,
        Way::Chosen => {
            steps >= STEPS_MIN
                && *HAS_SEVERAL.get_or_init(|| std::thread::available_parallelism().is_ok_and(|count| count.get() > 1))
        }
    }
}

/// What both give, of which the second runs in a thread of its own if that pays for so many steps, and a thread can be had.
pub(crate) fn both<A, B: Send>(
    steps: usize,
    budget: &Budget,
    first: impl FnOnce() -> A,
    second: impl FnOnce() -> B + Send,
) -> (A, B) {
    if !helps(steps, budget) {
        return (first(), second());
    }
    let second = Mutex::new(Some(second));
    let take = || second.lock().unwrap_or_else(PoisonError::into_inner).take();
    std::thread::scope(|scope| {
        let helper = std::thread::Builder::new().name("annals-query".into());
        let helper = helper.spawn_scoped(scope, || take().map(|second| second()));
        let first = first();
        let second = match helper.map(std::thread::ScopedJoinHandle::join) {
            Ok(Ok(given)) => given,
            Ok(Err(panic)) => std::panic::resume_unwind(panic),
            // The system has no thread to give.
            Err(_) => take().map(|second| second()),
        };
        (first, second.expect("either thread ran it"))
    })
}

/// What `run` gives for all of `0..count`: at once, or for one part after the other, in their order, if two threads are to share what takes so
/// many steps. The error is that of the first part that fails.
pub(crate) fn blocks<T: Send>(
    steps: usize,
    count: usize,
    budget: &Budget,
    run: impl Fn(Range<usize>) -> Result<T> + Sync,
) -> Result<Vec<T>> {
    let blocks = count.min(BLOCKS);
    if blocks < 2 || !helps(steps, budget) {
        return run(0..count).map(|given| vec![given]);
    }
    let next = AtomicUsize::new(0);
    let some = || {
        let mut given = Vec::new();
        loop {
            let block = next.fetch_add(1, Ordering::Relaxed);
            if block >= blocks {
                return given;
            }
            let result = run(count * block / blocks..count * (block + 1) / blocks);
            if result.is_err() {
                next.store(blocks, Ordering::Relaxed);
            }
            given.push((block, result));
        }
    };
    let (mut given, others) = both(steps, budget, some, some);
    given.extend(others);
    given.sort_unstable_by_key(|(block, _)| *block);
    given.into_iter().map(|(_, result)| result).collect()
}

/// Lists one behind the other; a single one as it is.
pub(crate) fn joined<T>(mut parts: Vec<Vec<T>>) -> Vec<T> {
    if parts.len() == 1 {
        return parts.remove(0);
    }
    let mut all = Vec::with_capacity(parts.iter().map(Vec::len).sum());
    for part in parts {
        all.extend(part);
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::{Code, Error};

    fn budget(way: Way) -> Budget {
        Budget::default().with_threads(way)
    }

    #[test]
    fn two_threads_give_what_one_gives() {
        for count in [0, 1, 2, 15, 16, 17, 1_000] {
            for way in [Way::Never, Way::Always] {
                let parts = blocks(1, count, &budget(way), |range| Ok(range.collect::<Vec<_>>())).expect("nothing fails");
                assert_eq!(joined(parts), (0..count).collect::<Vec<_>>(), "{count}, {way:?}");
            }
        }
    }

    #[test]
    fn a_second_thread_helps_where_it_is_told_to_or_where_there_is_much_to_do() {
        let is_another = |steps: usize, way: Way| {
            let id = || std::thread::current().id();
            let (first, second) = both(steps, &budget(way), id, id);
            assert_eq!(first, id());
            first != second
        };
        assert!(is_another(1, Way::Always));
        assert!(!is_another(usize::MAX, Way::Never));
        assert!(!is_another(STEPS_MIN - 1, Way::Chosen));
        let has_several = std::thread::available_parallelism().is_ok_and(|count| count.get() > 1);
        assert_eq!(is_another(STEPS_MIN, Way::Chosen), has_several);
    }

    #[test]
    fn the_error_is_that_of_the_first_part_that_fails() {
        for way in [Way::Never, Way::Always] {
            let failed = blocks(1, 160, &budget(way), |range| {
                let is_fine = !range.contains(&25) && !range.contains(&95);
                if is_fine { Ok(()) } else { Err(Error::new(Code::LimitExceeded, format!("at {}", range.start))) }
            });
            let expected = if way == Way::Never { "at 0" } else { "at 20" };
            assert_eq!(failed.expect_err("two parts fail").message(), expected);
        }
    }
}
