//! The index of words follows from the log. Attacked with an index that a client emptied, filled, or wrote over.
