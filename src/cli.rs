//! The command line: arguments to calls, answers to text or JSON. The only place that prints.
//!
//! Results go to stdout, progress, warnings and prompts to stderr; `--json` changes both. The exit
//! code is the command's, or the failure's (`exit.rs`); usage errors are clap's, with 2.
//!
//! It knows the engine only as a [`Backend`], which `main` passes in.

use std::io::{IsTerminal, Write};
use std::process::ExitCode;

use clap::Parser;
use indicatif::MultiProgress;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use tracing_subscriber::EnvFilter;

use crate::api::setup::Settings;
use crate::api::{Failure, codes};
use crate::clock::{Clock, SystemClock};

mod args;

mod commands;
mod exit;
mod files;
mod json;
mod kit;
mod output;
mod parse;
mod progress;
mod prompts;
mod settings;
mod shell;
mod weight;

use crate::api::backend::{Backend, Open};
use args::{Cli, Command, Global};
use commands::init::Given;
use output::Units;
use progress::{Pace, Wish};
use prompts::{Ask, Nobody, Person};
use settings::Env;
use shell::{BesideBars, Look, Shell};

/// Runs the command line of this process.
pub fn main(open: &impl Open) -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(said) => return usage(&said),
    };
    let env = Env::of_process();
    let bars = MultiProgress::new();
    let (look, problem) = match look(&cli.global, &env) {
        Ok(look) => (look, None),
        Err(failure) => (plain(cli.global.json), Some(failure)),
    };
    let err = BesideBars(bars.clone());
    let mut shell = Shell::new(std::io::stdout(), err, look, asker(&cli.global), bars.clone());
    let result = match problem {
        Some(failure) => Err(failure),
        None => log(&cli.global, bars).and_then(|()| run(&cli, &env, open, &mut shell)),
    };
    ExitCode::from(result.unwrap_or_else(|failure| {
        exit::tell(&mut shell, &failure);
        exit::code_of(&failure)
    }))
}

/// Whether this process's command works through packs in this very process, when no agent runs.
pub fn moves_packs() -> bool {
    Cli::try_parse().is_ok_and(|cli| weight::moves_packs(&cli.command))
}

/// Help and version are results; everything else clap says is an error of usage.
fn usage(said: &clap::Error) -> ExitCode {
    // Whoever closed the stream does not want to read it.
    let _nobody = said.print();
    ExitCode::from(if said.use_stderr() { codes::USAGE.exit } else { 0 })
}

/// Runs one command; the number is its exit code.
fn run(cli: &Cli, env: &Env, open: &impl Open, shell: &mut Shell<'_>) -> Result<u8, Failure> {
    match &cli.command {
        Command::Version => return commands::version::run(shell),
        Command::Completions(args) => return commands::completions::run(args, shell),
        Command::Explain(args) => return commands::explain::run(args, shell),
        Command::Simulate(args) => return commands::simulate::run(args, shell),
        _ => {}
    }
    let mut settings = settings::settings(&cli.global, env)?;
    let first = attempt(cli, &settings, open, shell);
    let needed = matches!(&first, Err(failure) if failure.code == codes::PASSPHRASE_NEEDED.name);
    if !needed || settings.passphrase.is_some() {
        return first;
    }
    settings.passphrase = Some(settings::obtain(&cli.global, shell)?);
    attempt(cli, &settings, open, shell)
}

/// Runs a command on a backend with these settings.
fn attempt(
    cli: &Cli,
    settings: &Settings,
    open: &impl Open,
    shell: &mut Shell<'_>,
) -> Result<u8, Failure> {
    let given = Given { global: &cli.global, settings };
    dispatch(&cli.command, given, &open.open(settings.clone())?, shell)
}

fn dispatch(
    command: &Command,
    given: Given<'_>,
    backend: &impl Backend,
    shell: &mut Shell<'_>,
) -> Result<u8, Failure> {
    use commands as c;
    match command {
        Command::Init(args) => c::init::run(args, given, backend, shell),
        Command::Join(args) => c::init::run_join(args, given, backend, shell),
        Command::Invite(args) => c::invite::run(args, backend, shell),
        Command::Recover(args) => c::recover::run(args, given, backend, shell),
        Command::Backup(args) => c::backup::run(args, backend, shell),
        Command::Schedule(args) => c::schedule::run(args, given, backend, shell),
        Command::Service(args) => c::service::run(args, given, shell),
        Command::Restore(args) => c::restore::run(args, backend, shell),
        Command::Snapshots => c::snapshots::run(backend, shell),
        Command::Forget(args) => c::forget::run(args, backend, shell),
        Command::Tag(args) => c::tag::run(args, backend, shell),
        Command::Pin(args) => c::tag::pin(args, true, backend, shell),
        Command::Unpin(args) => c::tag::pin(args, false, backend, shell),
        Command::Prune(args) => c::prune::run(args, backend, shell),
        Command::Ls(args) => c::ls::run(args, backend, shell),
        Command::Drive(args) => c::drive::run(args, backend, shell),
        Command::Mount(args) => c::mount::run(args, backend, shell),
        Command::Unmount(args) => c::mount::run_unmount(args, backend, shell),
        Command::Webdav(args) => c::webdav::run(args, backend, shell),
        Command::Placement(args) => c::placement::run(args, backend, shell),
        Command::Peers(args) => c::peers::run(args, given.global.yes, backend, shell),
        Command::Donate(args) => c::donate::run(args, backend, shell),
        Command::Leave => c::leave::run(given.global, backend, shell),
        Command::Limits(args) => c::limits::run(args, backend, shell),
        Command::Pause(args) => c::pause::run(args, backend, shell),
        Command::Away(args) => c::away::run(args, backend, shell),
        Command::Resume => c::pause::run_resume(backend, shell),
        Command::Status(args) => c::status::run(args, backend, shell),
        Command::Check(args) => c::check::run(args, backend, shell),
        Command::Audit(args) => c::audit::run(args, backend, shell),
        Command::Repair(args) => c::repair::run(args, backend, shell),
        Command::Drill(args) => c::drill::run(args, backend, shell),
        Command::Guardians(args) => c::guardians::run(args, backend, shell),
        Command::Risk(args) => c::risk::run(args, backend, shell),
        Command::Bench(args) => c::bench::run(args, backend, shell),
        Command::Daemon(args) => c::daemon::run(args, backend, shell),
        Command::Demo(args) => c::demo::run(args, backend, shell),
        Command::Explain(args) => c::explain::run(args, shell),
        Command::Simulate(args) => c::simulate::run(args, shell),
        Command::Completions(args) => c::completions::run(args, shell),
        Command::Version => c::version::run(shell),
    }
}

/// How things are shown to whoever started this process.
fn look(global: &Global, env: &Env) -> Result<Look, Failure> {
    let units = env.units.as_deref().map_or(Some(Units::Iec), Units::from_name);
    let units = units.ok_or_else(|| exit::usage("GBAK_UNITS is iec, si or raw"))?;
    let fps = env.progress_fps.as_deref().map(str::parse::<f64>).transpose();
    let fps = fps.map_err(|_said| exit::usage("GBAK_PROGRESS_FPS is a number"))?;
    let none = global.quiet || global.no_progress;
    let wish = Wish { none, json: global.json, tty: std::io::stderr().is_terminal(), fps };
    let (json, quiet) = (global.json, global.quiet);
    Ok(Look { json, quiet, units, pace: Pace::of(wish), ..plain(json) })
}

/// The look that needs nothing understood.
fn plain(json: bool) -> Look {
    let seconds = i64::try_from(SystemClock.now_secs()).unwrap_or(i64::MAX);
    Look {
        json,
        quiet: false,
        units: Units::Iec,
        now: Timestamp::from_second(seconds).unwrap_or(Timestamp::UNIX_EPOCH),
        zone: TimeZone::system(),
        pace: Pace::None,
    }
}

/// A person, when both ends of a question are a terminal.
fn asker(global: &Global) -> Box<dyn Ask> {
    if std::io::stdin().is_terminal() && std::io::stderr().is_terminal() {
        Box::new(Person { yes: global.yes })
    } else {
        Box::new(Nobody)
    }
}

/// What is logged: our own warnings, unless more or less is asked for.
fn filter(global: &Global) -> Result<EnvFilter, Failure> {
    let ours = |level: &str, others: &str| {
        format!("{others},gbak={level},p2p={level},store={level},chunker={level}")
    };
    let directives = match (&global.log_level, global.verbose) {
        (Some(level), _) => match level.as_str() {
            "error" | "warn" | "info" | "debug" | "trace" => ours(level, "error"),
            directives => directives.to_owned(),
        },
        (None, 0) if global.quiet => "error".to_owned(),
        (None, 0) => ours("warn", "error"),
        (None, 1) => ours("info", "error"),
        (None, 2) => ours("debug", "warn"),
        (None, _) => ours("trace", "debug"),
    };
    let parsed = EnvFilter::try_new(&directives);
    parsed.map_err(|_said| exit::usage("The log level is error, warn, info, debug or trace"))
}

/// Sends logs to stderr, between bars.
fn log(global: &Global, bars: MultiProgress) -> Result<(), Failure> {
    let colour = std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none();
    let logs = tracing_subscriber::fmt()
        .with_env_filter(filter(global)?)
        .with_ansi(colour)
        .with_writer(move || -> Box<dyn Write> { Box::new(BesideBars(bars.clone())) })
        .finish();
    // A subscriber that is set already belongs to whoever embeds this.
    let _set = tracing::subscriber::set_global_default(logs);
    Ok(())
}

#[cfg(test)]
mod tests;
