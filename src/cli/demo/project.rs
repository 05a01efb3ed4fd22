//! The project that the demo builds: a crate without dependencies, with warnings, a build script that writes state, and at
//! first an error.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use annals::{Error, ErrorKind, Result};

const MODULES: usize = 40;

/// Whether the project compiles.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Health {
    Broken,
    Sound,
}

const MANIFEST: &str = "[package]\nname = \"orrery\"\nversion = \"0.1.0\"\nedition = \"2021\"\n\n[workspace]\n";

const BUILD_SCRIPT: &str = r#"use std::process::Command;

/// Says at which stage the build is, to whoever records it.
fn stage(name: &str) {
    if let Some(annals) = std::env::var_os("ANNALS_PROGRAM") {
        let _ = Command::new(annals).args(["state", "put", "build", "stage", name]).status();
    }
}

fn main() {
    stage("generating");
    println!("cargo:rerun-if-changed=src");
    stage("compiling");
}
"#;

/// Writes the project into `folder`, over what is there.
pub(super) fn write(folder: &Path, health: Health) -> Result<()> {
    let sources = folder.join("src");
    make(fs::create_dir_all(&sources))?;
    make(fs::write(folder.join("Cargo.toml"), MANIFEST))?;
    make(fs::write(folder.join("build.rs"), BUILD_SCRIPT))?;
    let mut lib = String::from("//! Planets on rails.\n");
    for number in 1..=MODULES {
        writeln!(lib, "mod planet_{number};").expect("a text grows");
        make(fs::write(sources.join(format!("planet_{number}.rs")), module(number, health)))?;
    }
    make(fs::write(sources.join("lib.rs"), lib))
}

/// A module with something nobody uses, and in a broken project one with a text where a number belongs.
fn module(number: usize, health: Health) -> String {
    let period =
        if health == Health::Broken && number == MODULES / 2 { "\"soon\"".to_owned() } else { (number * 88).to_string() };
    format!("/// Days that planet {number} takes.\npub fn period() -> u64 {{\n    let moons = {number};\n    {period}\n}}\n")
}

fn make<T>(done: std::io::Result<T>) -> Result<T> {
    done.map_err(|error| Error::new(ErrorKind::Io, format!("the demo's project cannot be written: {error}")).caused_by(error))
}
