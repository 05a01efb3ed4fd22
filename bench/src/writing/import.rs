//! An import of the run history as a process of its own: its rate, and the memory it needs.

use std::fs::File;
use std::io::{BufWriter, Write as _};
use std::path::Path;

use annals::Connection;
use annals::exchange;

use crate::arguments::Arguments;
use crate::history::{Lines, history, made};
use crate::process::Process;
use crate::sheet::{Line, Target};

const RATE: &str = "import, datoms a second";
const MEMORY: &str = "import, MB of memory";

/// Datoms a second, and the peak of its memory.
pub fn lines(arguments: &Arguments) -> Vec<Line> {
    if !arguments.wants(RATE) && !arguments.wants(MEMORY) {
        return Vec::new();
    }
    let Some(program) = arguments.program() else { return Vec::new() };
    let kept = history(arguments, &Lines::of_scale(arguments.scale));
    let stream = made(arguments, "history.datoms", |path| export(&kept.store, path));
    let folder = tempfile::tempdir_in(&arguments.data).expect("a temporary folder");
    let store = folder.path().join("imported.db");
    drop(Connection::open(&store).expect("a new store"));
    let importing = Process::run(&program, &["--db".as_ref(), store.as_ref(), "import".as_ref(), stream.as_ref()]);
    let connection = Connection::open_existing(&store).expect("the store was made");
    let datoms = connection.store().datoms_until(i64::MAX).expect("the store counts") as f64;
    let line = |name: &str, figure: f64, target: Option<Target>| Line {
        name: format!("{name} ({:.1} million)", datoms / 1e6),
        rows: None,
        figures: vec![Some(figure), None],
        target,
    };
    vec![
        line(RATE, datoms / importing.seconds, Some(Target::AtLeast(400_000.0))),
        line("import, datoms a second on CPU", datoms / importing.processor_seconds, None),
        line(MEMORY, importing.peak_mb, None),
    ]
}

fn export(store: &Path, path: &Path) {
    let connection = Connection::open_existing(store).expect("the store opens");
    let mut out = BufWriter::new(File::create(path).expect("a file"));
    exchange::export_datoms(&connection.db().expect("a value of the store"), &mut out).expect("the store is exported");
    out.flush().expect("the file takes all");
}
