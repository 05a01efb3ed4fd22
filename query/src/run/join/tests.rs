//! What tells the rows of a semi-join apart.

use std::sync::Arc;

use super::*;
use crate::column::TextKind;

fn relation(slots: &[Slot], columns: &[&[i64]], key: &[Slot]) -> Relation {
    let rows = columns[0].len();
    let columns = columns.iter().map(|items| Column::Long(items.to_vec().into())).collect();
    let mut relation = Relation::new(slots.to_vec(), columns, rows).with_key(key.to_vec());
    relation.ascending = Some(slots[0]);
    relation
}

/// The key of the rows of `[1 2]`, told apart by both, that have a partner on the right.
#[track_caller]
fn check(left: &[i64], right: &Relation, expected: &[Slot]) {
    let (tuning, budget) = (Tuning::default(), Budget::default());
    let second = (0..left.len() as i64).collect::<Vec<_>>();
    let left = relation(&[1, 2], &[left, &second], &[1, 2]);
    let matching = matching(&left, right, &left.shared(right), tuning);
    let kept = filter(&left, right, matching, true, &budget).expect("nothing limits it");
    assert_eq!(kept.key.as_deref(), Some(expected));
    assert_eq!(filter(&left, right, matching, false, &budget).expect("nothing limits it").rows, left.rows - kept.rows);
}

#[test]
fn rows_that_stand_beside_those_of_a_key_are_told_apart_by_it() {
    let (ones, others): (&[i64], &[i64]) = (&[4, 6, 9], &[4, 5, 9]);
    check(ones, &relation(&[1], &[ones], &[1]), &[1]);
    check(ones, &relation(&[1], &[others], &[1]), &[1, 2]);
    // What tells the others apart is not in the rows that stay.
    check(ones, &relation(&[1, 3], &[ones, others], &[3]), &[1, 2]);
    check(ones, &relation(&[1, 3], &[ones, others], &[1, 3]), &[1, 2]);
    check(&[4, 4, 9], &relation(&[1, 3], &[&[4, 4, 9], ones], &[1, 3]), &[1, 2]);
}

#[test]
fn two_threads_stop_at_the_limit_of_rows_where_one_does() {
    let (probed, built) = (vec![7; 16 * CHUNK_ROWS], [7; 10]);
    for way in [Way::Never, Way::Always] {
        let budget = Budget::default().with_threads(way).with_limit_rows(4 * 10 * CHUNK_ROWS as u64);
        let index = Index::new(&built, &budget).expect("it is small");
        assert!(probe_index(&probed, &built, &index, &budget).is_err_and(|error| error.is_of_the_budget()), "{way:?}");
        // Each part alone has less than the limit; both threads are in the middle of one when it is met.
        assert!(budget.steps() <= 7 * 11 * CHUNK_ROWS as u64, "{way:?}: {} steps", budget.steps());
    }
}

/// The first row of each value; of texts that are met soon the rest is not looked at.
#[test]
fn rows_of_few_values_are_told_apart_as_soon_as_all_were_met() {
    let texts: Arc<Vec<Arc<str>>> = Arc::new((0..40).map(|n| format!("text {n}").into()).collect());
    let rows = 100_000_usize;
    let text = |row: usize| (row * 7 + row / 3_000) as u32;
    let column =
        |values: u32| Column::Text(TextKind::String, Arc::clone(&texts), (0..rows).map(|row| text(row) % values).collect());
    for (values, is_early) in [(40, true), (39, false)] {
        let (column, budget) = (column(values), Budget::default());
        let chosen = first_of_few(&column, &budget).expect("nothing limits it").expect("they are few");
        let mut seen = std::collections::HashSet::new();
        let expected: Vec<u32> = (0..rows as u32).filter(|row| seen.insert(text(*row as usize) % values)).collect();
        assert_eq!(chosen, expected);
        assert_eq!(budget.steps() < rows as u64 / 10, is_early, "{} steps", budget.steps());
    }
    let flags = |flags: &[bool]| first_of_few(&Column::Boolean(flags.to_vec().into()), &Budget::default());
    assert_eq!(flags(&[false, false, true, false]), Ok(Some(vec![0, 2])));
    assert_eq!(flags(&[true, true]), Ok(Some(vec![0])));
    let many = Column::Text(TextKind::String, texts, (0..40).collect());
    assert_eq!(first_of_few(&many, &Budget::default()), Ok(None));
    assert_eq!(first_of_few(&Column::Long(vec![1, 1].into()), &Budget::default()), Ok(None));
}
