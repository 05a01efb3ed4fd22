//! Asks Annals and other engines the same random questions and compares the answers. `peers/run` installs the engines and
//! starts it; its arguments are pairs of an engine's name and the folder it is installed in.

mod case;
mod dialect;
mod disagreement;
mod ours;
mod peer;
mod plain;
mod random;
mod trial;

use std::process::ExitCode;

use trial::{Counts, Settings};

const DISAGREEMENTS: &str = include_str!("../disagreements.edn");

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match run(&arguments) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            println!("{error}");
            ExitCode::FAILURE
        }
    }
}

/// True if every difference is known.
fn run(arguments: &[String]) -> Result<bool, String> {
    let settings =
        Settings { seed: number("SEED", 1)?, programs: number("PROGRAMS", 3000)?, shows_known: std::env::var("SHOW").ok() };
    let known = disagreement::read_all(DISAGREEMENTS)?;
    let mut is_clean = !arguments.is_empty();
    for pair in arguments.chunks(2) {
        let [name, folder] = pair else { return Err("name an engine and the folder it is installed in".to_owned()) };
        let mut peer = peer::installed(name, folder)?;
        let is_of = |entry: &&disagreement::Disagreement| entry.is_of(&peer);
        let known: Vec<_> = known.iter().filter(is_of).collect();
        for entry in &known {
            entry.check(&mut peer)?;
        }
        let counts: Counts = trial::compare(&mut peer, &known, &settings)?;
        println!("{counts}");
        is_clean &= counts.unknown == 0;
    }
    Ok(is_clean)
}

fn number(name: &str, default: u64) -> Result<u64, String> {
    match std::env::var(name) {
        Ok(text) => text.parse().map_err(|_| format!("{name} is a whole number, not {text}")),
        Err(_) => Ok(default),
    }
}
