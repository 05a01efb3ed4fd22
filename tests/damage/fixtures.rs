//! Stores that were written earlier, and damaged ones: small files that are opened by every later version.
