//! What a run of the bench is asked to do.

use std::path::PathBuf;

use clap::{Parser, ValueEnum};

use crate::scale::Scale;
use crate::turns::Clock;

/// How fast Annals is, beside floors, SQLite and other engines: in one process, in turns, medians.
#[derive(Debug, Parser)]
#[command(name = "bench")]
pub struct Arguments {
    /// The workloads to run, separated by commas; all if none is named.
    #[arg(long, value_enum, value_delimiter = ',')]
    pub only: Vec<Workload>,

    /// Lines whose name contains this text, and no others.
    #[arg(long, value_name = "TEXT")]
    pub line: Option<String>,

    /// How much data.
    #[arg(long, value_enum, default_value_t = Scale::Full)]
    pub scale: Scale,

    /// How often each contestant takes its turn.
    #[arg(long, default_value_t = 31)]
    pub rounds: usize,

    /// What is measured: the time that passes, or the time on a processor, which other programs disturb less.
    #[arg(long, value_enum, default_value_t = Clock::Wall)]
    pub clock: Clock,

    /// Ask other Datalog engines too, installed from their registries: these, or all.
    #[arg(long, num_args = 0.., value_delimiter = ',', default_missing_value = "datascript,datalevin,cozo,mentat", value_name = "NAME")]
    pub peers: Vec<String>,

    /// Where they are installed.
    #[arg(long, value_name = "FOLDER", default_value = concat!(env!("CARGO_MANIFEST_DIR"), "/../target/peers"))]
    pub engines: PathBuf,

    /// Write the tables to docs/performance.md.
    #[arg(long)]
    pub write: bool,

    /// Where stores that take long to make are kept from run to run.
    #[arg(long, value_name = "FOLDER", default_value = concat!(env!("CARGO_MANIFEST_DIR"), "/../target/bench-data"))]
    pub data: PathBuf,

    /// The program `annals`, for what is measured as whole processes; left out, the one beside this program.
    #[arg(long, value_name = "PATH")]
    pub annals: Option<PathBuf>,

    /// Says lines instead, as the program that `annals run` records.
    #[arg(long, hide = true)]
    pub say_lines_for_seconds: Option<u32>,
}

/// A kind of work.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Workload {
    /// Questions about 20,000 people.
    People,
    /// Questions about 1,000 runs with a million lines.
    History,
    /// Rules that call themselves.
    Recursion,
    /// Lines written.
    Writing,
    /// Ten times the data, large stores, long queries.
    Growth,
}

impl Arguments {
    /// What is to be run, in the order of the report.
    pub fn workloads(&self) -> Vec<Workload> {
        let all = Workload::value_variants();
        all.iter().copied().filter(|workload| self.only.is_empty() || self.only.contains(workload)).collect()
    }

    /// Whether a line of this name is to be measured.
    pub fn wants(&self, line: &str) -> bool {
        self.line.as_deref().is_none_or(|text| line.contains(text))
    }

    /// The program `annals`, if there is one.
    pub fn program(&self) -> Option<PathBuf> {
        let beside = || Some(std::env::current_exe().ok()?.with_file_name("annals"));
        self.annals.clone().or_else(beside).filter(|path| path.exists())
    }

    /// Where data of this name is kept; the folder exists.
    pub fn kept(&self, name: &str) -> PathBuf {
        std::fs::create_dir_all(&self.data).expect("the folder for data can be made");
        self.data.join(format!("{}-{name}", self.scale.name()))
    }
}
