//! `completions`, `man`: what a shell and the manual reader need.

use std::io::{self, Write as _};

use clap::CommandFactory as _;
use clap_complete::Shell;

use super::arguments::Arguments;
use super::failure::Outcome;

/// `annals completions SHELL`.
pub(super) fn completions(shell: Shell) -> Outcome {
    let mut text = Vec::new();
    clap_complete::generate(shell, &mut Arguments::command(), "annals", &mut text);
    Ok(io::stdout().write_all(&text)?)
}

/// `annals man`: one page, the commands behind the program.
pub(super) fn man() -> Outcome {
    let mut text = Vec::new();
    let command = Arguments::command();
    clap_mangen::Man::new(command.clone()).render(&mut text)?;
    for subcommand in command.get_subcommands() {
        let subcommand = subcommand.clone().display_name(format!("annals {}", subcommand.get_name()));
        clap_mangen::Man::new(subcommand).render(&mut text)?;
    }
    Ok(io::stdout().write_all(&text)?)
}
