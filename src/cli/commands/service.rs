//! `gbak service`: the agent as a systemd user service.
//!
//! The unit is written whole, and durable, before systemd hears of it; what systemd says goes to
//! whoever called. It takes no engine: the home may be in use by the very agent.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde::Serialize;

use super::init::Given;
use super::units::Place;
use crate::api::{Failure, codes};
use crate::cli::args::{Service, ServiceInstall, ServiceWhat};
use crate::cli::exit::usage;
use crate::cli::files;
use crate::cli::output::escape;
use crate::cli::shell::Shell;

/// Said once it is started.
const RUNS: &str = "The agent runs, now and at every login. For a machine where nobody logs in: \
                    loginctl enable-linger";

pub(crate) fn run(args: &Service, given: Given<'_>, shell: &mut Shell<'_>) -> Result<u8, Failure> {
    let place = place(given)?;
    let unit = place.unit();
    match &args.what {
        ServiceWhat::Install(ServiceInstall { print: true, .. }) => {
            shell.print(place.agent()?.trim_end())?;
        }
        ServiceWhat::Install(ServiceInstall { dir, .. }) => {
            told("Wrote", &install(dir.as_deref(), &place)?, shell)?;
            if dir.is_none() && !shell.look.json {
                shell.say(RUNS)?;
            }
        }
        ServiceWhat::Uninstall { dir } => return uninstall(dir.as_deref(), &unit, shell),
        ServiceWhat::Start => systemctl(&["start", &unit])?,
        ServiceWhat::Stop => systemctl(&["stop", &unit])?,
        ServiceWhat::Status => return shown("systemctl", &["--user", "status", &unit]),
        ServiceWhat::Logs => return shown("journalctl", &["--user", "--unit", &unit]),
    }
    Ok(0)
}

/// Runs the agent of this home as a service from now on. Says nothing in JSON: whoever calls has a
/// document of its own.
pub(crate) fn install_here(given: Given<'_>, shell: &mut Shell<'_>) -> Result<(), Failure> {
    install(None, &place(given)?)?;
    if shell.look.json { Ok(()) } else { shell.say(RUNS) }
}

/// What units are to run.
pub(crate) fn place(given: Given<'_>) -> Result<Place, Failure> {
    let program = std::env::current_exe();
    let program = program.map_err(|error| files::failure("find", Path::new("gbak"), &error))?;
    let file = given.global.passphrase_file.as_ref();
    let absolute = |path: &PathBuf| {
        std::path::absolute(path).map_err(|error| files::failure("find", path, &error))
    };
    let passphrase_file = file.map(absolute).transpose()?;
    Ok(Place { program, home: given.settings.home.clone(), passphrase_file })
}

/// Writes the unit into `dir`, or has systemd start it from where it looks.
fn install(dir: Option<&Path>, place: &Place) -> Result<PathBuf, Failure> {
    let (text, unit) = (place.agent()?, place.unit());
    let file = dir.map_or_else(units_dir, |dir| Ok(dir.to_owned()))?.join(&unit);
    let made = file.parent().map_or(Ok(()), std::fs::create_dir_all);
    let made = made.and_then(|()| files::replace(&file, &text));
    made.map_err(|error| files::failure("write", &file, &error))?;
    if dir.is_none() {
        systemctl(&["daemon-reload"])?;
        systemctl(&["enable", "--now", &unit])?;
    }
    Ok(file)
}

/// What was written or removed.
#[derive(Serialize)]
struct Done {
    /// `gbak.service/1`.
    schema: &'static str,
    /// The unit's file.
    file: String,
}

fn told(what: &str, file: &Path, shell: &mut Shell<'_>) -> Result<(), Failure> {
    let file = file.to_string_lossy().into_owned();
    if shell.look.json {
        return shell.print_json(&Done { schema: "gbak.service/1", file });
    }
    shell.say(&format!("{what} {}", escape(&file)))
}

fn uninstall(dir: Option<&Path>, unit: &str, shell: &mut Shell<'_>) -> Result<u8, Failure> {
    let file = dir.map_or_else(units_dir, |dir| Ok(dir.to_owned()))?.join(unit);
    if !file.exists() {
        let shown = escape(&file.to_string_lossy());
        return Err(usage(format!("No service of this home is installed: {shown} is not there")));
    }
    if dir.is_none() {
        systemctl(&["disable", "--now", unit])?;
    }
    std::fs::remove_file(&file).map_err(|error| files::failure("remove", &file, &error))?;
    if dir.is_none() {
        systemctl(&["daemon-reload"])?;
    }
    told("Removed", &file, shell)?;
    Ok(0)
}

/// Where systemd looks for a user's units.
fn units_dir() -> Result<PathBuf, Failure> {
    let path = |name: &str| std::env::var_os(name).filter(|path| !path.is_empty());
    let config = path("XDG_CONFIG_HOME").map(PathBuf::from);
    let config = config.or_else(|| path("HOME").map(|home| Path::new(&home).join(".config")));
    let config = config.ok_or_else(|| usage("Neither XDG_CONFIG_HOME nor HOME is set: --dir"))?;
    Ok(config.join("systemd/user"))
}

/// Has systemd do something, which must succeed.
fn systemctl(args: &[&str]) -> Result<(), Failure> {
    let output = Command::new("systemctl")
        .arg("--user")
        .args(args)
        .stdin(Stdio::null())
        .output()
        .map_err(|error| missing("systemctl", &error))?;
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    let said = escape(said.lines().next().unwrap_or_default());
    let verb = args.first().copied().unwrap_or_default();
    Err(codes::SERVICE.failure(format!("systemctl --user {verb} failed: {said}")))
}

/// Shows what another program says; its exit code is ours.
fn shown(program: &str, args: &[&str]) -> Result<u8, Failure> {
    let status = Command::new(program).args(args).stdin(Stdio::null()).status();
    let status = status.map_err(|error| missing(program, &error))?;
    Ok(status.code().and_then(|code| u8::try_from(code).ok()).unwrap_or(1))
}

fn missing(program: &str, error: &std::io::Error) -> Failure {
    let why = match error.kind() {
        ErrorKind::NotFound => "it is not installed".to_owned(),
        _ => error.to_string(),
    };
    codes::SERVICE.failure(format!("Cannot run {program}: {why}"))
}
