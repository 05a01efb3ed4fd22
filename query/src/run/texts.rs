//! A pure function of one column of texts: it is called once for each text that occurs, not once for each row.

use std::ops::Range;

use crate::budget::Budget;
use crate::column::Column;
use crate::error::{Error, Result};
use crate::plan::goal::CallGoal;
use crate::run::call::{STEPS_PER_CALL, argument_columns, first_value};
use crate::run::gather::column_of;
use crate::run::join::CHUNK_ROWS;
use crate::run::relation::Relation;
use crate::run::threads;
use crate::value::Value;

/// What a function gives for each text.
pub(crate) struct Texts<'r> {
    codes: &'r [u32],
    /// By code; nothing for texts that no row has.
    results: Vec<Option<Result<Value>>>,
}

impl<'r> Texts<'r> {
    /// The results, if the one variable of the call is a column of texts with no more texts than rows.
    pub(crate) fn of(current: &'r Relation, goal: &CallGoal, budget: &Budget) -> Result<Option<Self>> {
        let columns = argument_columns(current, goal)?;
        let [(at, column @ Column::Text(_, texts, codes))] = columns[..] else { return Ok(None) };
        if codes.len() < texts.len() || codes.is_empty() {
            return Ok(None);
        }
        budget.spend_steps(codes.len() as u64)?;
        // A row of each text that occurs.
        let mut rows = vec![u32::MAX; texts.len()];
        codes.iter().zip(0..).for_each(|(code, row)| rows[*code as usize] = row);
        let constants = goal.args.iter().map(first_value).collect::<Vec<_>>();
        let function = &goal.function;
        let call = |places: Range<usize>| {
            let mut args = constants.clone();
            let mut results = Vec::with_capacity(places.len());
            for chunk in rows[places].chunks(CHUNK_ROWS) {
                budget.spend_steps(chunk.len() as u64)?;
                for row in chunk {
                    results.push((*row != u32::MAX).then(|| {
                        args[at] = column.value(*row as usize);
                        function.call(&args)
                    }));
                }
            }
            Ok(results)
        };
        // What a program registered is called in the thread of its caller.
        let results = match function.built_in() {
            Some(_) => threads::joined(threads::blocks(rows.len() * STEPS_PER_CALL, rows.len(), budget, call)?),
            None => call(0..rows.len())?,
        };
        Ok(Some(Self { codes, results }))
    }

    /// Failures, in no particular order.
    pub(crate) fn errors(&self) -> impl Iterator<Item = &Error> {
        self.results.iter().flatten().filter_map(|result| result.as_ref().err())
    }

    /// What is true of the result for each code; false for codes that no row has.
    pub(crate) fn of_codes(&self, is_true: impl Fn(&Result<Value>) -> bool) -> Vec<bool> {
        self.results.iter().map(|result| result.as_ref().is_some_and(&is_true)).collect()
    }

    /// The rows whose code is ticked.
    pub(crate) fn rows(&self, is_ticked: &[bool]) -> Vec<u32> {
        let mut rows = vec![0; self.codes.len()];
        let mut kept = 0;
        for (code, row) in self.codes.iter().zip(0..) {
            rows[kept] = row;
            kept += usize::from(is_ticked[*code as usize]);
        }
        rows.truncate(kept);
        rows
    }

    /// The rows that have a result other than nil, and the results. There are no errors.
    pub(crate) fn column(&self) -> (Vec<u32>, Column) {
        let has_value = self.of_codes(|result| !matches!(result, Ok(Value::Nil)));
        let mut place_of_code = vec![0; self.results.len()];
        let mut values = Vec::new();
        for (code, result) in self.results.iter().enumerate() {
            if let (true, Some(Ok(value))) = (has_value[code], result) {
                place_of_code[code] = values.len() as u32;
                values.push(value.clone());
            }
        }
        let rows = self.rows(&has_value);
        let places: Vec<u32> = rows.iter().map(|row| place_of_code[self.codes[*row as usize] as usize]).collect();
        (rows, column_of(values).gather(&places))
    }
}
