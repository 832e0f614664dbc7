//! Which commands begin themselves anew.

use clap::Parser;

use super::super::args::Cli;

fn is_heavy(line: &str) -> bool {
    let cli = Cli::try_parse_from(line.split(' '));
    super::moves_packs(&cli.unwrap_or_else(|error| panic!("{line}: {error}")).command)
}

#[test]
fn what_moves_packs_is_known_wherever_its_name_stands() {
    for line in [
        "gbak daemon",
        "gbak backup /x",
        "gbak --json backup /x",
        "gbak restore latest --target /x",
        "gbak check --read-data",
        "gbak drill",
        "gbak repair",
        "gbak prune",
        "gbak forget --keep-last 1 --prune",
        "gbak peers evacuate backup",
    ] {
        assert!(is_heavy(line), "{line}");
    }
}

#[test]
fn a_word_that_names_a_heavy_command_makes_no_other_one_heavy() {
    for line in ["gbak peers show backup", "gbak ls latest:/restore", "gbak status", "gbak peers"] {
        assert!(!is_heavy(line), "{line}");
    }
}
