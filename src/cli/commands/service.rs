//! `gbak service`: the agent as a systemd user service.
//!
//! The unit is written whole, and durable, before systemd hears of it; what systemd says goes to
//! whoever called. It takes no engine: the home may be in use by the very agent.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::init::Given;
use super::units::Place;
use crate::api::{Failure, codes};
use crate::cli::args::{Service, ServiceInstall, ServiceWhat};
use crate::cli::exit::usage;
use crate::cli::files;
use crate::cli::output::escape;
use crate::cli::shell::Shell;

pub(crate) fn run(args: &Service, given: Given<'_>, shell: &mut Shell<'_>) -> Result<u8, Failure> {
    let place = place(given)?;
    let unit = place.unit();
    match &args.what {
        ServiceWhat::Install(args) => return install(args, &place, shell),
        ServiceWhat::Uninstall { dir } => return uninstall(dir.as_deref(), &unit, shell),
        ServiceWhat::Start => systemctl(&["start", &unit])?,
        ServiceWhat::Stop => systemctl(&["stop", &unit])?,
        ServiceWhat::Status => return shown("systemctl", &["--user", "status", &unit]),
        ServiceWhat::Logs => return shown("journalctl", &["--user", "--unit", &unit]),
    }
    Ok(0)
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

fn install(args: &ServiceInstall, place: &Place, shell: &mut Shell<'_>) -> Result<u8, Failure> {
    let (text, unit) = (place.agent()?, place.unit());
    if args.print {
        shell.print(text.trim_end())?;
        return Ok(0);
    }
    let dir = args.dir.clone().map_or_else(units_dir, Ok)?;
    let file = dir.join(&unit);
    let made = std::fs::create_dir_all(&dir).and_then(|()| files::replace(&file, &text));
    made.map_err(|error| files::failure("write", &file, &error))?;
    shell.say(&format!("Wrote {}", escape(&file.to_string_lossy())))?;
    if args.dir.is_none() {
        systemctl(&["daemon-reload"])?;
        systemctl(&["enable", "--now", &unit])?;
        shell.say(
            "The agent runs, now and at every login. For a machine where nobody logs in: \
                   loginctl enable-linger",
        )?;
    }
    Ok(0)
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
    shell.say(&format!("Removed {}", escape(&file.to_string_lossy())))?;
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
