//! The command line as a whole: what may be typed, and what becomes of a closed pipe.

use clap::CommandFactory;
use clap::error::ErrorKind;

use super::*;
use crate::api::{Answer, SnapshotsView};
use commands::fake::{Fake, golden, ran};

#[test]
fn the_grammar_is_consistent() {
    Cli::command().debug_assert();
}

#[test]
fn only_what_is_delivered_is_in_the_help() {
    let command = Cli::command();
    let names: Vec<&str> = command.get_subcommands().map(clap::Command::get_name).collect();
    let delivered = [
        "init",
        "join",
        "invite",
        "recover",
        "backup",
        "schedule",
        "restore",
        "snapshots",
        "forget",
        "tag",
        "pin",
        "unpin",
        "prune",
        "ls",
        "drive",
        "mount",
        "unmount",
        "webdav",
        "placement",
        "peers",
        "donate",
        "leave",
        "limits",
        "pause",
        "resume",
        "away",
        "status",
        "check",
        "audit",
        "repair",
        "drill",
        "guardians",
        "risk",
        "simulate",
        "bench",
        "daemon",
        "service",
        "demo",
        "explain",
        "completions",
        "version",
    ];
    assert_eq!(names, delivered);
    assert!(command.get_subcommands().all(|command| command.get_about().is_some()));
}

#[test]
fn the_phrase_is_never_an_argument_or_a_variable() {
    for command in Cli::command().get_subcommands() {
        for arg in command.get_arguments() {
            let name = arg.get_id().as_str();
            assert!(!matches!(name, "phrase" | "words" | "passphrase"), "{name}");
            let variable = arg.get_env().map(|name| name.to_string_lossy().into_owned());
            assert!(variable.is_none_or(|name| !name.contains("PHRASE")), "{name}");
        }
    }
}

#[test]
fn errors_of_form_are_found_before_any_work() {
    for line in [
        "gbak",
        "gbak backup /a --set b",
        "gbak restore latest",
        "gbak restore -t /x",
        "gbak backup /a --redundancy 8",
        "gbak backup /a --compression loud",
        "gbak backup /a --exclude-larger-than big",
        "gbak status --max-age soon",
        "gbak init --donate 101%",
        "gbak init --join gbak1x --grid family",
        "gbak recover --kit a --phrase-file b",
        "gbak recover --rebuild --phrase-file b",
        "gbak join",
        "gbak restore latest -t /x --overwrite maybe",
        "gbak -q -v peers",
        "gbak forget",
        "gbak forget --dry-run",
        "gbak forget --keep-last 0",
        "gbak forget --keep-last 1 --group-by colour",
        "gbak donate set",
        "gbak donate set 101%",
        "gbak donate set 1GiB --safe-area 5%",
        "gbak limits set",
        "gbak pause soon",
        "gbak limits set --up fast",
        "gbak limits set --up 31",
        "gbak peers --limit-upload 1",
        "gbak risk alice",
        "gbak risk --without",
        "gbak simulate --peers 1",
        "gbak bench --redundancy 3",
        "gbak bench --link fast",
        "gbak simulate --departures 1",
        "gbak simulate --availability -0.1",
        "gbak simulate --years nan",
        "gbak simulate --site-losses many",
    ] {
        let said = Cli::try_parse_from(line.split(' ')).expect_err(line);
        assert!(said.use_stderr() && said.exit_code() == 2, "{line}: {:?}", said.kind());
    }
    let help = Cli::try_parse_from(["gbak", "--help"]).expect_err("help is not a command");
    assert_eq!(help.kind(), ErrorKind::DisplayHelp);
}

#[test]
fn global_flags_may_stand_anywhere() {
    for line in ["gbak --json peers", "gbak peers --json"] {
        assert!(Cli::try_parse_from(line.split(' ')).unwrap().global.json, "{line}");
    }
}

#[test]
fn help_is_short_and_current() {
    let mut command = Cli::command().term_width(100);
    command.build();
    let mut page = command.render_help().to_string();
    for name in [
        "init", "recover", "backup", "restore", "forget", "donate", "status", "risk", "simulate",
        "limits",
    ] {
        let part = command.find_subcommand_mut(name).expect(name);
        page = format!("{page}\n$ gbak {name} -h\n{}", part.render_help());
    }
    commands::fake::same_as_file(std::path::Path::new("src/cli/golden/help.txt"), &page);
}

#[test]
fn the_version_and_the_agents_line() {
    let lines = ["gbak version", "gbak version --json", "gbak daemon", "gbak daemon --json"];
    let mut shown = lines.map(|line| ran(&Fake::default(), line));
    for ran in &mut shown {
        ran.out = ran.out.replace(env!("CARGO_PKG_VERSION"), "VERSION");
    }
    golden("version", &shown);
}

/// A stream whose reader went away, or that fails otherwise.
struct Broken(std::io::ErrorKind);

impl Write for Broken {
    fn write(&mut self, _: &[u8]) -> std::io::Result<usize> {
        Err(self.0.into())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

fn listed_to(kind: std::io::ErrorKind) -> Result<u8, Failure> {
    let view = SnapshotsView { schema: String::new(), snapshots: Vec::new() };
    let fake = Fake::answering(Answer::Snapshots(view));
    let cli = Cli::try_parse_from(["gbak", "snapshots"]).unwrap();
    let env = Env { home: Some("/h".into()), ..Env::default() };
    let mut shell = Shell::new(
        Broken(kind),
        Broken(kind),
        plain(false),
        Box::new(Nobody),
        MultiProgress::new(),
    );
    run(&cli, &env, &fake, &mut shell)
}

#[test]
fn a_reader_that_went_away_is_no_failure() {
    assert_eq!(listed_to(std::io::ErrorKind::BrokenPipe), Ok(0));
}

#[test]
fn a_result_that_cannot_be_written_is_one() {
    let failure = listed_to(std::io::ErrorKind::StorageFull).unwrap_err();
    assert_eq!(failure.code, codes::OUTPUT.name);
}

#[test]
fn log_levels_are_checked() {
    let global = |line: &str| Cli::try_parse_from(line.split(' ')).unwrap().global;
    for line in
        ["gbak peers", "gbak peers -vvv", "gbak peers -q", "gbak peers --log-level p2p=debug"]
    {
        assert!(filter(&global(line)).is_ok(), "{line}");
    }
    let wrong = filter(&global("gbak peers --log-level p2p=loud")).unwrap_err();
    assert_eq!(wrong.exit, 2);
}

#[test]
fn variables_that_make_no_sense_are_said_so() {
    let global = Cli::try_parse_from(["gbak", "peers"]).unwrap().global;
    let units = Env { units: Some("miles".to_owned()), ..Env::default() };
    let fps = Env { progress_fps: Some("often".to_owned()), ..Env::default() };
    assert_eq!(look(&global, &units).unwrap_err().exit, 2);
    assert_eq!(look(&global, &fps).unwrap_err().exit, 2);
    assert!(look(&global, &Env::default()).is_ok());
}
