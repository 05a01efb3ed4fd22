//! The keywords of one text, each held once.

use std::sync::Arc;

use super::atom;

/// The keywords seen last. The same few keywords come again and again, so most are neither checked nor copied.
pub(super) struct Keywords {
    slots: Box<[Option<Arc<str>>; Keywords::COUNT]>,
}

impl Default for Keywords {
    fn default() -> Self {
        Self { slots: Box::new([const { None }; Self::COUNT]) }
    }
}

impl Keywords {
    const COUNT: usize = 128;

    /// The text of a keyword, if it can be one.
    #[inline]
    pub(super) fn get(&mut self, text: &str) -> Option<Arc<str>> {
        let slot = &mut self.slots[Self::slot(text.as_bytes())];
        match slot {
            Some(known) if **known == *text => Some(Arc::clone(known)),
            _ if atom::is_keyword(text) => Some(Arc::clone(slot.insert(text.into()))),
            _ => None,
        }
    }

    fn slot(bytes: &[u8]) -> usize {
        let [.., second, first] = bytes else { return 0 };
        let middle = bytes[bytes.len() / 2];
        (usize::from(*first) * 31 + usize::from(*second) * 7 + usize::from(middle) * 3 + bytes.len()) % Self::COUNT
    }
}
