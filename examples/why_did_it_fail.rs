//! Why did it fail? Joins a run's first error with the state it believed at that moment and with who had written that state.

use annals::contract::{Level, Recorder, RunOptions, Status};
use annals::{Connection, Value};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let folder = tempfile::tempdir()?;
    let connection = Connection::open(folder.path().join("annals.db"))?;
    let named = |name: &str| RunOptions { name: Some(name.into()), ..RunOptions::default() };

    let mut deploy = Recorder::start(&connection, named("deploy"))?;
    let mut tidy = Recorder::start(&connection, named("tidy"))?;
    deploy.set_state("config", "region", "north")?;
    tidy.set_state("config", "region", "nowhere")?;
    deploy.append(Level::Info, "connecting")?;
    deploy.append(Level::Error, "no such region")?;
    deploy.finish(&Status::Failed)?;
    tidy.finish(&Status::Succeeded)?;

    // `m` of the state's fact is the run that wrote it; `as-of` the error's transaction shows what was believed then.
    let now = connection.db()?;
    let error = now.q(
        "[:find [?t ?message] :where [?run :run/name \"deploy\"] [?line :log/run ?run]
                                     [?line :log/level :error] [?line :log/message ?message ?t]]",
        &[],
    )?;
    let t = error.rows[0][0].as_long().expect("a transaction is a number");
    let cause = now.as_of(t)?.q(
        "[:find ?key ?value ?writer
          :where [?state :state/namespace \"config\"] [?state :state/key ?key] [?state :state/value ?value _ ?m]
                 [?m :run/name ?writer]]",
        &[],
    )?;
    println!("{} because {}", error.rows[0][1], cause.to_edn());
    assert_eq!(cause.rows, [["region", "nowhere", "tidy"].map(Value::from).to_vec()]);
    Ok(())
}
