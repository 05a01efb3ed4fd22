//! How fast Annals is: every workload beside its floor, SQLite and, with `--peers`, other engines, in one process and in turns.
//!
//! `bench/run --help` names what can be asked. The modules in reading order: what a run is asked to do ([`arguments`]), how it is
//! measured ([`turns`]), what is said of it ([`sheet`], [`report`]), and a module for each workload.

mod arguments;
mod asked;
mod chance;
mod growth;
mod history;
mod peers;
mod people;
mod process;
mod recursion;
mod report;
mod scale;
mod sheet;
mod sqlite;
mod turns;
mod writing;

use clap::Parser as _;

use crate::arguments::{Arguments, Workload};
use crate::sheet::Sheet;

fn main() {
    let arguments = Arguments::parse();
    if let Some(seconds) = arguments.say_lines_for_seconds {
        return writing::say_lines(seconds);
    }
    let mut sheets: Vec<Sheet> = Vec::new();
    for workload in arguments.workloads() {
        let of_workload = match workload {
            Workload::People => people::measure(&arguments),
            Workload::History => history::measure(&arguments),
            Workload::Recursion => recursion::measure(&arguments),
            Workload::Writing => writing::measure(&arguments),
            Workload::Growth => growth::measure(&arguments),
        };
        for sheet in of_workload {
            println!("{}", sheet.markdown());
            sheets.push(sheet);
        }
    }
    println!("{}", report::summary(&sheets));
    if arguments.write {
        report::write(&sheets, &arguments);
    }
}
