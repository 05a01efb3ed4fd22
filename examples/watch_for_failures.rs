//! Watching for failures: a thread is told of each run that fails as soon as that is recorded, and of nothing else.

use annals::contract::{Level, Recorder, RunOptions, Status};
use annals::{Connection, Value};

/// Who failed, and the last thing that was said in anger.
const FAILED: &str = "[:find ?name ?message
                       :where [?run :run/status :failed] [?run :run/name ?name]
                              [?line :log/run ?run] [?line :log/level :error] [?line :log/message ?message]]";

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let folder = tempfile::tempdir()?;
    let connection = Connection::open(folder.path().join("annals.db"))?;
    let watch = connection.watch(FAILED, &[])?;
    let closer = watch.closer();
    let watching = std::thread::spawn(move || -> annals::Result<Vec<Vec<Value>>> {
        let mut told = Vec::new();
        for change in watch {
            for row in change?.added {
                println!("{} failed: {}", row[0], row[1]);
                told.push(row);
            }
            if told.len() == 2 {
                break;
            }
        }
        Ok(told)
    });

    for (name, message, status) in [
        ("build", "all is well", Status::Succeeded),
        ("deploy", "no route to host", Status::Failed),
        ("test", "1 of 9 failed", Status::Failed),
    ] {
        let mut run = Recorder::start(&connection, RunOptions { name: Some(name.to_owned()), ..RunOptions::default() })?;
        let level = if status == Status::Failed { Level::Error } else { Level::Info };
        run.append(level, message)?;
        run.finish(&status)?;
    }

    let told = watching.join().expect("it does not panic")?;
    closer.close();
    assert_eq!(told, [["deploy", "no route to host"], ["test", "1 of 9 failed"]].map(|row| row.map(Value::from).to_vec()));
    Ok(())
}
