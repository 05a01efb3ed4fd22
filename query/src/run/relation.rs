//! Rows of values, held by column, a column a variable.

use crate::column::Column;
use crate::error::{Code, Error, Result};
use crate::plan::slot::{Slot, SlotSet};
use crate::run::gather::none;

/// What some clauses have found so far.
#[derive(Clone, Debug)]
pub(crate) struct Relation {
    /// The variable of each column.
    pub(crate) slots: Vec<Slot>,
    /// The values, all columns of one length.
    pub(crate) columns: Vec<Column>,
    /// Number of rows, which no column tells if there is none.
    pub(crate) rows: usize,
    /// The variable by whose column, of longs, the rows are known to ascend.
    pub(crate) ascending: Option<Slot>,
    /// Variables of which no two rows have the same values, if that is known.
    pub(crate) key: Option<Vec<Slot>>,
}

impl Relation {
    /// One row without columns: what is known before anything was asked.
    pub(crate) fn unit() -> Self {
        Self { slots: Vec::new(), columns: Vec::new(), rows: 1, ascending: None, key: Some(Vec::new()) }
    }

    /// No row.
    pub(crate) fn empty(slots: Vec<Slot>) -> Self {
        Self { columns: slots.iter().map(|_| none()).collect(), slots, rows: 0, ascending: None, key: Some(Vec::new()) }
    }

    /// These columns, of `rows` values each.
    pub(crate) fn new(slots: Vec<Slot>, columns: Vec<Column>, rows: usize) -> Self {
        debug_assert!(columns.iter().all(|column| column.len() == rows) && slots.len() == columns.len());
        Self { slots, columns, rows, ascending: None, key: (rows <= 1).then(Vec::new) }
    }

    /// The same, known to be told apart by these variables.
    #[must_use]
    pub(crate) fn with_key(mut self, key: Vec<Slot>) -> Self {
        self.key = Some(key);
        self
    }

    /// True if the rows are known to ascend by this variable's column of longs.
    pub(crate) fn ascends_by(&self, slot: Slot) -> bool {
        self.ascending == Some(slot) || (self.rows <= 1 && matches!(self.column(slot), Some(Column::Long(_))))
    }

    fn key_within(&self, slots: &[Slot]) -> Option<Vec<Slot>> {
        self.key.clone().filter(|key| key.iter().all(|slot| slots.contains(slot)))
    }

    /// The place of a variable's column.
    pub(crate) fn position(&self, slot: Slot) -> Option<usize> {
        self.slots.iter().position(|own| *own == slot)
    }

    /// The column of a variable.
    pub(crate) fn column(&self, slot: Slot) -> Option<&Column> {
        self.position(slot).map(|at| &self.columns[at])
    }

    /// The variables that both relations have.
    pub(crate) fn shared(&self, other: &Self) -> Vec<Slot> {
        self.slots.iter().copied().filter(|slot| other.position(*slot).is_some()).collect()
    }

    /// The chosen rows, in the order of the choice, which must ascend if the order of the relation is to be kept.
    pub(crate) fn select(&self, rows: &[u32]) -> Self {
        if rows.len() == self.rows && rows.iter().enumerate().all(|(at, row)| at == *row as usize) {
            return self.clone();
        }
        Self {
            slots: self.slots.clone(),
            columns: self.columns.iter().map(|column| column.gather(rows)).collect(),
            rows: rows.len(),
            ascending: self.ascending,
            key: self.key.clone(),
        }
    }

    /// Only the columns of variables in `keep`.
    pub(crate) fn keep(mut self, keep: &SlotSet) -> Self {
        if self.slots.iter().all(|slot| keep.contains(*slot)) {
            return self;
        }
        let chosen = self.slots.iter().copied().filter(|slot| keep.contains(*slot)).collect::<Vec<_>>();
        self.ascending = self.ascending.filter(|slot| keep.contains(*slot));
        let columns = chosen.iter().filter_map(|slot| self.column(*slot).cloned()).collect();
        Self { key: self.key_within(&chosen), slots: chosen, columns, rows: self.rows, ascending: self.ascending }
    }

    /// The columns of these variables, in this order. A variable it does not have is an error of the planner, and said so.
    pub(crate) fn project(&self, slots: &[Slot]) -> Result<Self> {
        let columns = slots.iter().map(|slot| self.column(*slot).cloned().ok_or_else(|| unbound(*slot)));
        Ok(Self {
            columns: columns.collect::<Result<_>>()?,
            slots: slots.to_vec(),
            rows: self.rows,
            ascending: self.ascending.filter(|slot| slots.contains(slot)),
            key: self.key_within(slots),
        })
    }

    /// The same columns under other names.
    pub(crate) fn renamed(mut self, slots: Vec<Slot>) -> Self {
        let place = self.ascending.and_then(|slot| self.position(slot));
        self.ascending = place.map(|at| slots[at]);
        let places = self.key.take().map(|key| key.into_iter().map(|slot| self.position(slot)).collect::<Option<Vec<_>>>());
        self.key = places.flatten().map(|places| places.into_iter().map(|at| slots[at]).collect());
        self.slots = slots;
        self
    }

    /// About how much memory the columns take.
    pub(crate) fn bytes(&self) -> u64 {
        let width = |column: &Column| match column {
            Column::Long(_) | Column::Instant(_) | Column::Double(_) => 8,
            Column::Text(..) => 4,
            Column::Boolean(_) => 1,
            Column::Value(_) => 40,
        };
        self.columns.iter().map(width).sum::<u64>() * self.rows as u64
    }

    /// One more column.
    pub(crate) fn push(&mut self, slot: Slot, column: Column) {
        debug_assert_eq!(column.len(), self.rows);
        self.slots.push(slot);
        self.columns.push(column);
    }
}

fn unbound(slot: Slot) -> Error {
    Error::new(Code::UnboundVariable, format!("a clause needs variable number {slot}, which nothing before it binds"))
}
