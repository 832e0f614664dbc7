//! `gbak completions SHELL`; `completions/` holds what it prints.

use clap::CommandFactory;
use clap_complete::Shell as Target;

use crate::api::Failure;
use crate::cli::args::{Cli, Completions, ShellName};
use crate::cli::shell::Shell;

pub(crate) fn run(args: &Completions, shell: &mut Shell<'_>) -> Result<u8, Failure> {
    shell.print(script(args.shell).trim_end())?;
    Ok(0)
}

/// The script for a shell.
fn script(shell: ShellName) -> String {
    let target = match shell {
        ShellName::Bash => Target::Bash,
        ShellName::Zsh => Target::Zsh,
        ShellName::Fish => Target::Fish,
    };
    let mut script = Vec::new();
    clap_complete::generate(target, &mut Cli::command(), "gbak", &mut script);
    String::from_utf8_lossy(&script).into_owned()
}

#[cfg(test)]
mod tests;
