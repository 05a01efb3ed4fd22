//! `backup`: a copy of the store, while others write.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use annals::Value;
use annals::store::{Access, BackupOptions, BackupProgress, BackupReport, Existing, Store};
use indicatif::{ProgressBar, ProgressStyle};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};

use super::failure::Outcome;
use super::output::{RowShape, print_rows};
use super::place;
use super::session::Session;

/// `annals backup`: says what the copy holds.
pub(super) fn backup(session: &Session, out: &Path, force: bool) -> Outcome {
    let store = Store::open(place::find_existing(session.global.db.as_deref())?, Access::ReadOnly)?;
    for signal in [SIGINT, SIGTERM, SIGHUP] {
        signal_hook::flag::register(signal, Arc::clone(&session.interrupted))?;
    }
    let existing = if force { Existing::Replace } else { Existing::Refuse };
    let options = BackupOptions { existing, cancelled: Arc::clone(&session.interrupted) };
    let bar = bar();
    let outcome = store.backup(out, &options, |progress| show(&bar, progress));
    bar.finish_and_clear();
    let BackupReport { path, t, datoms, head, bytes } = outcome?;
    let columns = ["t", "datoms", "head", "bytes", "path"].map(str::to_owned).to_vec();
    let path = Value::from(path.display().to_string());
    let row = vec![Value::Long(t), Value::Long(datoms), Value::from(head), Value::Long(bytes as i64), path];
    print_rows(session.format(), RowShape::Objects, columns, &[row])
}

/// Drawn on standard error where that is a terminal, and nowhere else.
fn bar() -> ProgressBar {
    let bar = ProgressBar::new(0)
        .with_style(ProgressStyle::with_template("{msg} {bar:40} {bytes}/{total_bytes}").expect("the template is right"));
    bar.set_message("copying");
    bar.enable_steady_tick(Duration::from_millis(200));
    bar
}

fn show(bar: &ProgressBar, progress: BackupProgress) {
    match progress {
        BackupProgress::Copying { bytes_done, bytes } => {
            bar.set_length(bytes);
            bar.set_position(bytes_done);
        }
        _ => bar.set_message("verifying"),
    }
}
