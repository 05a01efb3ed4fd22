//! Whole processes on the run history: `annals q` beside `sqlite3` on the narrow table. The files are in the system's cache.

use std::ffi::OsStr;
use std::path::Path;

use super::{History, kept::Kept};
use crate::arguments::Arguments;
use crate::process::Process;
use crate::sheet::{Line, Sheet, Target};
use crate::turns::median;

struct Cold {
    name: &'static str,
    datalog: &'static str,
    of_run: bool,
    sql: &'static str,
    time: Target,
    memory: Option<Target>,
}

const QUESTIONS: [Cold; 3] = [
    Cold {
        name: "errors of one run",
        datalog: "[:find ?seq ?message :in $ ?run
                   :where [?line :log/run ?run] [?line :log/level :error] [?line :log/seq ?seq] [?line :log/message ?message]]",
        of_run: true,
        sql: "SELECT seq, message FROM run_logs WHERE run_id='RUN' AND level='error'",
        time: Target::AtMost(30.0),
        memory: Some(Target::AtMost(60.0)),
    },
    Cold {
        name: "one line of a run",
        datalog: "[:find ?message :in $ ?run :where [?line :log/run ?run] [?line :log/seq 77] [?line :log/message ?message]]",
        of_run: true,
        sql: "SELECT message FROM run_logs WHERE run_id='RUN' AND seq=77",
        time: Target::AtMost(30.0),
        memory: Some(Target::AtMost(60.0)),
    },
    Cold {
        name: "lines by level, all",
        datalog: "[:find ?level (count ?line) :where [?line :log/level ?level]]",
        of_run: false,
        sql: "SELECT level, count(*) FROM run_logs GROUP BY level",
        time: Target::Times(1.0, &[1]),
        memory: None,
    },
];

/// Time and memory; nothing where one of the two programs is missing.
pub fn sheets(arguments: &Arguments, history: &History, kept: &Kept) -> Vec<Sheet> {
    let (Some(program), true) = (arguments.program(), Path::new("/usr/bin/sqlite3").exists()) else { return Vec::new() };
    let (mut times, mut memories) = (Vec::new(), Vec::new());
    for question in QUESTIONS.iter().filter(|question| arguments.wants(question.name)) {
        let run = format!("[:run/id \"{}\"]", history.run);
        let mut words: Vec<&OsStr> = vec!["--db".as_ref(), kept.store.as_ref(), "q".as_ref(), question.datalog.as_ref()];
        words.extend(question.of_run.then(|| OsStr::new(&run)));
        let sql = question.sql.replace("RUN", &history.row_run);
        let (mut ours, mut theirs) = (Vec::new(), Vec::new());
        for _ in 0..=arguments.rounds.clamp(1, 7) {
            ours.push(Process::run(&program, &words));
            theirs.push(Process::run(Path::new("/usr/bin/sqlite3"), &[kept.narrow.as_ref(), sql.as_ref()]));
        }
        let rows = Some(ours[0].lines);
        assert_eq!(rows, Some(theirs[0].lines), "{}: both print the same rows", question.name);
        // The first run of each may build what later ones find.
        let of =
            |of: &[Process], figure: fn(&Process) -> f64| Some(median(&mut of[1..].iter().map(figure).collect::<Vec<f64>>()));
        let figures = vec![
            of(&ours, |one| one.seconds * 1e3),
            of(&theirs, |one| one.seconds * 1e3),
            of(&ours, |one| one.processor_seconds * 1e3),
            of(&theirs, |one| one.processor_seconds * 1e3),
            Some(ours[0].seconds * 1e3),
        ];
        times.push(Line { name: question.name.into(), rows, figures, target: Some(question.time) });
        let figures = vec![of(&ours, |one| one.peak_mb), of(&theirs, |one| one.peak_mb), Some(ours[0].peak_mb)];
        memories.push(Line { name: question.name.into(), rows, figures, target: question.memory });
    }
    let sheet = |title: &str, unit, columns: Vec<String>, lines| {
        Sheet {
        title: title.into(),
        about: "Whole processes in turns, from start to end: `annals q` beside the stock `sqlite3` on the narrow table. The files are in \
                the system's cache; the first run is told apart, as it may build what later ones find."
            .into(),
        of: "question",
        unit,
        ours: 1,
        columns,
        lines,
    }
    };
    vec![
        sheet(
            "Cold: time",
            "ms",
            ["annals", "sqlite3", "annals on CPU", "sqlite3 on CPU", "annals, first run"].map(str::to_owned).to_vec(),
            times,
        ),
        sheet("Cold: memory", "MB", ["annals", "sqlite3", "annals, first run"].map(str::to_owned).to_vec(), memories),
    ]
}
