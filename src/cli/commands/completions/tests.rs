//! Completion scripts in the repository are those of this program.

use std::path::Path;

use super::*;
use crate::cli::commands::fake::{Fake, ran, same_as_file};

#[test]
fn completions_are_fresh() {
    for (shell, file) in [("bash", "gbak.bash"), ("zsh", "_gbak"), ("fish", "gbak.fish")] {
        let ran = ran(&Fake::default(), &format!("gbak completions {shell}"));
        same_as_file(&Path::new("completions").join(file), &ran.out);
    }
}

#[test]
fn every_shell_completes_commands_and_flags() {
    for shell in [ShellName::Bash, ShellName::Zsh, ShellName::Fish] {
        let script = script(shell);
        for word in ["restore", "exclude-caches", "if-newer"] {
            assert!(script.contains(word), "{shell:?} completes {word}");
        }
    }
}
