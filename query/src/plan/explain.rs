//! What a plan looks like to people.
