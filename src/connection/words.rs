//! Keeps the index of words in step with what a transaction says and declares.

use crate::error::Result;
use crate::schema::Schema;
use crate::store::WriteTransaction;

/// Indexes the words of the transaction appended last, and of everything said before through attributes that it declared
/// `:db/fulltext`. When an attribute is no longer declared so, the index is written anew: that is also what mends it.
pub(super) fn follow(write: &mut WriteTransaction<'_>, before: &Schema, after: &Schema) -> Result<()> {
    let (held, wanted) = (before.fulltext(), after.fulltext());
    if held.iter().any(|attribute| !wanted.contains(attribute)) {
        return write.rewrite_words(wanted);
    }
    for attribute in wanted {
        if held.contains(attribute) {
            write.append_words(*attribute)?;
        } else {
            write.index_words(*attribute)?;
        }
    }
    Ok(())
}
