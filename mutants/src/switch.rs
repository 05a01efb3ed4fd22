//! Which change is made: the one whose number stands in `MUTANT`. With `MUTANT_REACHED`, the numbers of those that a run comes by are written
//! to that file.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{LazyLock, Mutex};

static MADE: LazyLock<usize> =
    LazyLock::new(|| std::env::var("MUTANT").ok().and_then(|text| text.parse().ok()).unwrap_or(usize::MAX));

static REACHED: LazyLock<Option<Mutex<File>>> = LazyLock::new(|| {
    let path = std::env::var_os("MUTANT_REACHED")?;
    OpenOptions::new().append(true).create(true).open(path).ok().map(Mutex::new)
});

static IS_REACHED: [AtomicBool; 8192] = [const { AtomicBool::new(false) }; 8192];

/// Whether this change is made.
#[inline]
pub fn on(id: usize) -> bool {
    if *MADE == id {
        return true;
    }
    if let Some(file) = &*REACHED
        && !IS_REACHED[id].swap(true, Ordering::Relaxed)
        && let Ok(mut file) = file.lock()
    {
        let _ = file.write_all(format!("{id}\n").as_bytes());
    }
    false
}
