//! Runs a loop: every row that is given leads through the stages, and what comes out is added to the table that grows.

use crate::budget::Budget;
use crate::error::Result;
use crate::run::loops::index::Index;
use crate::run::loops::number::Numbers;
use crate::run::loops::order::{Loop, Side, Stage, Take};
use crate::run::loops::packed::{Packing, Seen, insert_bit};

/// Steps between two looks at the budget.
const STEPS_PER_LOOK: u64 = 1_024;
/// What a row takes, beside what tells whether it is known.
const BYTES_PER_ROW: u64 = 8;

/// A table that grows.
#[derive(Debug)]
pub(crate) struct Growing {
    /// What numbers each column.
    pub(crate) classes: Vec<usize>,
    pub(crate) packing: Packing,
    /// All rows, in the order in which they came.
    pub(crate) rows: Vec<u64>,
    pub(crate) seen: Seen,
    /// So many of them led on, and stand in the indexes.
    pub(crate) done: usize,
    /// Bytes that were taken.
    taken: u64,
}

impl Growing {
    /// No rows.
    pub(crate) fn new(classes: Vec<usize>, packing: Packing, budget: &Budget) -> Result<Self> {
        Ok(Self { seen: Seen::new(&packing, budget)?, classes, packing, rows: Vec::new(), done: 0, taken: 0 })
    }

    /// Adds a row if it is new.
    #[inline]
    pub(crate) fn add(&mut self, row: u64) {
        if self.seen.insert(row) {
            self.rows.push(row);
        }
    }

    /// Adds the rows `base + number * factor`.
    #[inline]
    fn add_all(&mut self, base: u64, factor: u64, numbers: &[u32]) {
        if let Seen::Bits(words) = &mut self.seen {
            for number in numbers {
                let row = base + u64::from(*number) * factor;
                if insert_bit(words, row) {
                    self.rows.push(row);
                }
            }
            return;
        }
        for number in numbers {
            self.add(base + u64::from(*number) * factor);
        }
    }

    /// Says what it takes.
    pub(crate) fn settle(&mut self, budget: &Budget) -> Result<()> {
        budget.check_rows(self.rows.len())?;
        let bytes = self.rows.len() as u64 * BYTES_PER_ROW + self.seen.bytes();
        if bytes > self.taken {
            budget.take_bytes(bytes - std::mem::replace(&mut self.taken, bytes))?;
        }
        Ok(())
    }
}

/// A loop while it runs.
pub(crate) struct Machine<'m> {
    stages: &'m [Stage],
    /// The shifts of the head's numbers.
    head: Vec<(usize, u32)>,
    indexes: &'m [Vec<Index>],
    numbers: &'m Numbers,
    sink: &'m mut Growing,
    registers: Vec<u32>,
    work: u64,
    budget: &'m Budget,
}

impl<'m> Machine<'m> {
    /// Of a loop that adds to `sink`.
    pub(crate) fn new(
        own: &'m Loop,
        indexes: &'m [Vec<Index>],
        numbers: &'m Numbers,
        sink: &'m mut Growing,
        budget: &'m Budget,
    ) -> Self {
        let head = own.head.iter().enumerate().map(|(place, register)| (*register, sink.packing.shift(place))).collect();
        Self { stages: &own.stages, head, indexes, numbers, sink, registers: vec![0; own.registers], work: 0, budget }
    }

    /// Takes rows of the table that the loop begins with.
    pub(crate) fn run(&mut self, rows: &[u64], load: &[(usize, Take)], packing: &Packing) -> Result<()> {
        for row in rows {
            if load.iter().all(|(place, take)| self.take(*take, packing.number(*row, *place))) {
                self.descend(0)?;
            }
            self.work += 1;
            if self.work >= STEPS_PER_LOOK {
                self.settle()?;
            }
        }
        self.settle()
    }

    fn settle(&mut self) -> Result<()> {
        self.budget.spend_steps(std::mem::take(&mut self.work))?;
        self.sink.settle(self.budget)
    }

    /// True unless the number is another than the one it has to be.
    #[inline]
    fn take(&mut self, take: Take, number: u32) -> bool {
        match take {
            Take::Keep(register) => {
                self.registers[register] = number;
                true
            }
            Take::Same(register) => self.registers[register] == number,
        }
    }

    fn descend(&mut self, at: usize) -> Result<()> {
        let Some(stage) = self.stages.get(at) else {
            let row = self.head.iter().fold(0, |row, (register, shift)| row | u64::from(self.registers[*register]) << shift);
            self.sink.add(row);
            return Ok(());
        };
        match stage {
            Stage::Compare { operator, left, right, decoding } => {
                let right = match right {
                    Side::Register(right) => Ok(self.registers[*right]),
                    Side::Constant(constant) => Err(*constant),
                };
                if operator.holds(Stage::order(decoding, self.registers[*left], right, self.numbers)) {
                    self.descend(at + 1)?;
                }
            }
            Stage::If { index, key, is_absent } => {
                if self.indexes[index.0][index.1].has(&self.registers, key) != *is_absent {
                    self.descend(at + 1)?;
                }
            }
            Stage::Each { index, key, takes } => {
                let list = self.indexes[index.0][index.1].list(&self.registers, key);
                self.work += list.len() as u64;
                match takes[..] {
                    [Take::Keep(register)] if at + 1 == self.stages.len() => self.emit(register, list),
                    [Take::Keep(register)] => {
                        for number in list {
                            self.registers[register] = *number;
                            self.descend(at + 1)?;
                        }
                    }
                    _ => {
                        for row in list.chunks_exact(takes.len()) {
                            let mut places = takes.iter().zip(row);
                            if places.all(|(take, number)| self.take(*take, *number)) {
                                self.descend(at + 1)?;
                            }
                        }
                    }
                }
                if self.work >= STEPS_PER_LOOK {
                    self.settle()?;
                }
            }
        }
        Ok(())
    }

    /// The last stage: a row of the head for each number.
    #[inline]
    fn emit(&mut self, register: usize, numbers: &[u32]) {
        let (mut base, mut factor) = (0, 0);
        for (own, shift) in &self.head {
            if *own == register {
                factor += 1 << shift;
            } else {
                base |= u64::from(self.registers[*own]) << shift;
            }
        }
        self.sink.add_all(base, factor, if factor == 0 { &numbers[..numbers.len().min(1)] } else { numbers });
    }
}
