//! Where the home is and where the passphrase comes from.

use clap::Parser;

use super::*;
use crate::api::Answer;
use crate::cli::args::Cli;
use crate::cli::commands::fake::{Fake, Typist, ran_by, ran_in};
use crate::cli::prompts::Nobody;

fn global(flags: &str) -> Global {
    let line = format!("gbak version {flags}");
    Cli::try_parse_from(line.split_whitespace()).unwrap().global
}

fn with_home() -> Env {
    Env { home: Some("/h".into()), ..Env::default() }
}

#[test]
fn the_home_is_named_or_in_the_users_data() {
    let all =
        Env { data_home: Some("/data".into()), user_home: Some("/home/ada".into()), ..with_home() };
    let of = |env: &Env| settings(&global(""), env).unwrap().home;
    assert_eq!(of(&all), Path::new("/h"));
    let unnamed = Env { home: None, ..all };
    assert_eq!(of(&unnamed), Path::new("/data/gbak"));
    let plain = Env { data_home: None, ..unnamed };
    assert_eq!(of(&plain), Path::new("/home/ada/.local/share/gbak"));
    assert_eq!(settings(&global(""), &Env::default()).unwrap_err().code, codes::USAGE.name);
    let relative = Env { home: Some("here".into()), ..Env::default() };
    assert_eq!(of(&relative), std::env::current_dir().unwrap().join("here"));
}

#[test]
fn a_flag_for_the_passphrase_wins_over_the_variable() {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), "from file\n").unwrap();
    let env = Env { passphrase: Some(Secret::new("from env".to_owned())), ..with_home() };
    let of = |flags: &str| settings(&global(flags), &env).unwrap().passphrase;
    assert_eq!(of("").as_deref(), Some("from env"));
    let flag = format!("-p {}", file.path().display());
    assert_eq!(of(&flag).as_deref(), Some("from file"));
    assert_eq!(of("--passphrase-command x"), None, "the command is not run before it is needed");
}

#[test]
fn a_descriptor_that_is_no_number_is_a_usage_error() {
    let env = Env { passphrase_fd: Some("../../etc/passwd".to_owned()), ..with_home() };
    assert_eq!(settings(&global(""), &env).unwrap_err().code, codes::USAGE.name);
}

#[test]
fn the_lock_is_waited_for_as_long_as_told() {
    assert_eq!(settings(&global("--retry-lock 5m"), &with_home()).unwrap().retry_lock_secs, 300);
    assert_eq!(settings(&global(""), &with_home()).unwrap().retry_lock_secs, 0);
}

#[test]
fn a_command_gives_its_first_line() {
    assert_eq!(&*from_command("echo secret; echo more").unwrap(), "secret");
    for failing in ["exit 3", "true", "echo secret; exit 1"] {
        let failure = from_command(failing).unwrap_err();
        assert_eq!(failure.exit, 12, "{failing}");
    }
}

/// A backend whose key file is wrapped.
fn wrapped() -> Fake {
    let fake = Fake::answering(Err(codes::PASSPHRASE_NEEDED.failure("It is wrapped")));
    let view = crate::api::SnapshotsView { schema: String::new(), snapshots: Vec::new() };
    fake.0.borrow_mut().answers.push_back(Ok(Answer::Snapshots(view)));
    fake
}

#[test]
fn a_wrapped_key_file_makes_us_ask_once() {
    let fake = wrapped();
    let typist = Typist::of(&["typed"]);
    assert_eq!(ran_by(&fake, "gbak snapshots", Box::new(typist.clone())).exit, 0);
    let used: Vec<_> = fake.0.borrow().settings.iter().map(|s| s.passphrase.clone()).collect();
    assert_eq!(used, [None, Some(Secret::new("typed".to_owned()))]);
    assert_eq!(*typist.asked.borrow(), ["Passphrase"]);
}

#[test]
fn a_wrapped_key_file_makes_us_run_the_command() {
    let fake = wrapped();
    let line = "gbak snapshots --passphrase-command true&&echo${IFS}said";
    assert_eq!(ran_by(&fake, line, Box::new(Nobody)).exit, 0);
    assert_eq!(fake.0.borrow().settings[1].passphrase.as_deref(), Some("said"));
}

#[test]
fn with_nobody_to_ask_the_flags_are_named() {
    let ran = ran_by(&wrapped(), "gbak snapshots", Box::new(Nobody));
    assert_eq!(ran.exit, 12);
    assert!(ran.err.contains("--passphrase-file FILE"), "{}", ran.err);
}

#[test]
fn a_passphrase_that_was_given_is_not_asked_for_again() {
    let fake = wrapped();
    let env = Env { passphrase: Some(Secret::new("given".to_owned())), ..with_home() };
    let typist = Typist::of(&["typed"]);
    let ran = ran_in(&fake, "gbak snapshots", Box::new(typist.clone()), &env);
    assert_eq!((ran.exit, typist.asked.borrow().len()), (12, 0));
}

#[test]
fn secrets_do_not_show_in_debug_output() {
    let env = Env { passphrase: Some(Secret::new("given".to_owned())), ..with_home() };
    let settings = settings(&global(""), &env).unwrap();
    assert!(!format!("{env:?}{settings:?}").contains("given"));
}
