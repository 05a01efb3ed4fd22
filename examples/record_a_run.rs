//! Record a run from a program of one's own: lines, state, a child run, an end. Then ask what was said.

use annals::contract::{Level, Recorder, RunOptions, Status};
use annals::{Connection, Value};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let folder = tempfile::tempdir()?;
    let connection = Connection::open(folder.path().join("annals.db"))?;

    let mut run = Recorder::start(&connection, RunOptions { name: Some("nightly".into()), ..RunOptions::default() })?;
    run.append(Level::Info, "planning")?;
    run.set_state("agent", "goal", "sort the mail")?;

    let mut step = run.child(RunOptions { name: Some("step 1".into()), ..RunOptions::default() })?;
    step.append(Level::Info, "reading 3 letters")?;
    step.append(Level::Error, "letter 3 cannot be opened")?;
    step.finish(&Status::Failed)?;

    run.append(Level::Warn, "one letter is left")?;
    run.finish(&Status::Succeeded)?;

    let answer = connection.db()?.q(
        "[:find ?name ?seq ?message
          :where [?line :log/level :error] [?line :log/message ?message] [?line :log/seq ?seq]
                 [?line :log/run ?run] [?run :run/name ?name]]",
        &[],
    )?;
    println!("{}", answer.to_edn());
    assert_eq!(answer.rows, [vec![Value::from("step 1"), Value::from(2), Value::from("letter 3 cannot be opened")]]);
    Ok(())
}
