//! Goals as people read them.
