//! Patterns on rows given as data, and what patterns share: constants and variables that stand twice.

use crate::budget::Budget;
use crate::column::Column;
use crate::error::Result;
use crate::plan::goal::Place;
use crate::plan::slot::Slot;
use crate::run::gather::{column_of, reference_as_long};
use crate::run::join::CHUNK_ROWS;
use crate::run::key::{is_exact, paired_codes};
use crate::run::relation::Relation;
use crate::value::Value;

/// The rows that match a pattern, which must be at least as long as it.
pub(crate) fn matching(rows: &[Vec<Value>], places: &[Place], budget: &Budget) -> Result<Relation> {
    let mut slots: Vec<Slot> = Vec::new();
    for slot in places.iter().filter_map(Place::slot) {
        if !slots.contains(&slot) {
            slots.push(slot);
        }
    }
    let mut columns = vec![Vec::new(); slots.len()];
    let mut count = 0;
    for chunk in rows.chunks(CHUNK_ROWS) {
        budget.spend_steps(chunk.len() as u64)?;
        for row in chunk {
            if let Some(values) = match_row(row, places, &slots) {
                count += 1;
                columns.iter_mut().zip(values).for_each(|(column, value)| column.push(value));
            }
        }
    }
    Ok(Relation::new(slots, columns.into_iter().map(column_of).collect(), count))
}

/// The values of the variables, in the order of `slots`, if the row matches.
fn match_row(row: &[Value], places: &[Place], slots: &[Slot]) -> Option<Vec<Value>> {
    if row.len() < places.len() {
        return None;
    }
    let mut values: Vec<Option<Value>> = vec![None; slots.len()];
    for (place, item) in places.iter().zip(row) {
        match place {
            Place::Blank => {}
            Place::Constant(value) if value.same(&reference_as_long(item.clone())) => {}
            Place::Constant(_) => return None,
            Place::Slot(slot) => {
                let item = reference_as_long(item.clone());
                let known = values.get_mut(slots.iter().position(|own| own == slot)?)?;
                match known {
                    Some(known) if !known.same(&item) => return None,
                    Some(known) if *known <= item => {}
                    _ => *known = Some(item),
                }
            }
        }
    }
    values.into_iter().collect()
}

/// Clears the rows in which two columns differ.
pub(crate) fn keep_same(left: &Column, right: &Column, is_kept: &mut [bool], budget: &Budget) -> Result<()> {
    let (left, right) = paired_codes(&[left], left.len(), &[right], right.len(), budget)?;
    for ((left, right), is_kept) in left.iter().zip(right.iter()).zip(is_kept) {
        *is_kept &= left == right;
    }
    Ok(())
}

/// Of two columns that are the same, the smaller value of each row.
pub(crate) fn smaller(left: &Column, right: &Column) -> Column {
    if is_exact(left, right) {
        return left.clone();
    }
    column_of((0..left.len()).map(|row| left.value(row).min(right.value(row))).collect())
}

/// The numbers of the rows that are kept.
pub(crate) fn chosen(is_kept: &[bool]) -> Vec<u32> {
    is_kept.iter().enumerate().filter(|(_, is_kept)| **is_kept).map(|(row, _)| row as u32).collect()
}

#[cfg(test)]
mod tests {
    use super::matching;
    use crate::budget::Budget;
    use crate::plan::goal::Place;
    use crate::value::Value;

    #[track_caller]
    fn check(places: &[Place], expected: &[&[Value]]) {
        let rows: [&[Value]; 7] = [
            &[1.into(), 2.into()],
            &[1.into(), 1.0.into(), "more".into()],
            &[1.0.into(), 1.into()],
            &["a".into(), "a".into()],
            &["a".into(), "b".into()],
            &[Value::Ref(2), 2.into()],
            &[1.into()],
        ];
        let rows = rows.map(<[Value]>::to_vec);
        let found = matching(&rows, places, &Budget::default()).expect("nothing limits it");
        let row = |row: usize| found.columns.iter().map(|column| column.value(row)).collect::<Vec<_>>();
        assert_eq!((0..found.rows).map(row).collect::<Vec<_>>(), expected);
    }

    #[test]
    fn rows_match_where_constants_stand_and_a_variable_is_the_same_each_time() {
        let (x, y) = (|| Place::Slot(5), || Place::Slot(2));
        let (one, two, a): ([Value; 1], [Value; 1], [Value; 1]) = ([1.into()], [2.into()], ["a".into()]);
        // Of two that are the same the smaller one stands for both.
        check(&[x(), x()], &[&one, &one, &a, &two]);
        check(&[Place::Constant(1.into()), y()], &[&two, &[1.0.into()], &one]);
        check(&[Place::Constant("a".into()), Place::Constant("b".into())], &[&[]]);
        check(&[x(), Place::Blank, Place::Blank], &[&one]);
        check(&[y(), x(), x()], &[]);
        check(
            &[x(), y()],
            &[
                &[1.into(), 2.into()],
                &[1.into(), 1.0.into()],
                &[1.0.into(), 1.into()],
                &["a".into(), "a".into()],
                &["a".into(), "b".into()],
                &[2.into(), 2.into()],
            ],
        );
    }
}
