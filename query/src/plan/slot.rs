//! Variables as numbers. Two variables of one name in different scopes are two slots.

/// A variable of a plan.
pub(crate) type Slot = u32;

/// A set of slots.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct SlotSet {
    words: Vec<u64>,
}

impl SlotSet {
    /// Adds a slot.
    pub(crate) fn insert(&mut self, slot: Slot) {
        let (word, bit) = (slot as usize / 64, 1_u64 << (slot % 64));
        if self.words.len() <= word {
            self.words.resize(word + 1, 0);
        }
        self.words[word] |= bit;
    }

    /// True if the slot is in the set.
    pub(crate) fn contains(&self, slot: Slot) -> bool {
        self.words.get(slot as usize / 64).is_some_and(|word| word & (1 << (slot % 64)) != 0)
    }

    /// True if every slot is in the set.
    pub(crate) fn contains_all(&self, slots: &[Slot]) -> bool {
        slots.iter().all(|slot| self.contains(*slot))
    }

    /// What it costs to copy or go through, in words.
    pub(crate) fn words(&self) -> usize {
        self.words.len()
    }

    /// Adds all.
    pub(crate) fn extend(&mut self, slots: impl IntoIterator<Item = Slot>) {
        for slot in slots {
            self.insert(slot);
        }
    }

    /// Adds all of another set.
    pub(crate) fn union_with(&mut self, other: &Self) {
        if self.words.len() < other.words.len() {
            self.words.resize(other.words.len(), 0);
        }
        self.words.iter_mut().zip(&other.words).for_each(|(own, other)| *own |= other);
    }

    /// The slots, ascending.
    pub(crate) fn iter(&self) -> impl Iterator<Item = Slot> + '_ {
        self.words.iter().enumerate().flat_map(|(at, word)| {
            let mut left = *word;
            std::iter::from_fn(move || {
                let bit = left.trailing_zeros();
                left &= left.wrapping_sub(1);
                (bit < u64::BITS).then_some(at as Slot * u64::BITS + bit)
            })
        })
    }
}

impl FromIterator<Slot> for SlotSet {
    fn from_iter<I: IntoIterator<Item = Slot>>(slots: I) -> Self {
        let mut set = Self::default();
        set.extend(slots);
        set
    }
}

#[cfg(test)]
mod tests {
    use super::SlotSet;

    #[test]
    fn a_set_holds_what_was_put_in_whatever_its_size() {
        let mut set: SlotSet = [3, 200, 3, 64].into_iter().collect();
        assert_eq!(set.iter().collect::<Vec<_>>(), [3, 64, 200]);
        assert!(set.contains_all(&[3, 64]) && !set.contains(63) && !set.contains(9_999));
        set.union_with(&[0, 63, 319].into_iter().collect());
        set.union_with(&[127].into_iter().collect());
        assert_eq!(set.iter().collect::<Vec<_>>(), [0, 3, 63, 64, 127, 200, 319]);
    }
}
