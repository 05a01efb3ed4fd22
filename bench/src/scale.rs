//! How much data.

use clap::ValueEnum;

/// How much data: as the targets say, or so little that all runs within a minute.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Scale {
    /// For a look: a tenth of the data and less.
    Small,
    /// What the targets are about.
    Full,
}

impl Scale {
    /// `small` or `full`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Small => "small",
            Self::Full => "full",
        }
    }

    /// The figure for this scale.
    pub fn of<T>(self, small: T, full: T) -> T {
        match self {
            Self::Small => small,
            Self::Full => full,
        }
    }
}
