//! State as of a moment: what a key was when a line was said, and everything it has ever been.

use annals::contract::{Level, Recorder, RunOptions, Status, state};
use annals::{Connection, Value};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let folder = tempfile::tempdir()?;
    let connection = Connection::open(folder.path().join("annals.db"))?;
    let mut run = Recorder::start(&connection, RunOptions::default())?;

    run.set_state("agent", "belief", "the door is closed")?;
    run.append(Level::Info, "pushes the door")?;
    run.set_state("agent", "belief", "the door is open")?;
    run.append(Level::Info, "walks through")?;
    run.finish(&Status::Succeeded)?;

    let now = connection.db()?;
    assert_eq!(state::get(&now, "agent", "belief")?, Some(Value::from("the door is open")));

    // The transaction of a line is the moment in which it was said.
    let said = now.q("[:find ?t . :where [?line :log/message \"pushes the door\" ?t]]", &[])?;
    let t = said.rows[0][0].as_long().expect("a transaction is a number");
    let then = now.as_of(t)?;
    assert_eq!(state::get(&then, "agent", "belief")?, Some(Value::from("the door is closed")));

    for change in state::history(&now, "agent", "belief")? {
        println!("t {}: {}", change.t, change.value.map_or_else(|| "nothing".into(), |value| value.to_string()));
    }
    assert_eq!(state::history(&now, "agent", "belief")?.len(), 2, "said, and said otherwise");
    Ok(())
}
