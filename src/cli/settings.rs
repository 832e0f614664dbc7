//! From flags and environment to what a backend is opened with: the home and the passphrase.
//!
//! A passphrase that lies ready (file, descriptor, variable) is read at once. A command is run and
//! a person asked only when the key file turns out to be wrapped and no agent answers.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::args::Global;
use super::exit::usage;
use super::files;
use super::prompts::Question;
use super::shell::Shell;
use crate::api::limits::CallLimits;
use crate::api::setup::{Secret, Settings};
use crate::api::{Failure, codes};

/// The longest passphrase, in bytes.
const MAX_PASSPHRASE: u64 = 4096;

/// The variables that have no flag.
#[derive(Debug, Clone, Default)]
pub(crate) struct Env {
    /// `GBAK_HOME`.
    pub(crate) home: Option<OsString>,
    /// `XDG_DATA_HOME`.
    pub(crate) data_home: Option<OsString>,
    /// `HOME`.
    pub(crate) user_home: Option<OsString>,
    /// `GBAK_PASSPHRASE`.
    pub(crate) passphrase: Option<Secret>,
    /// `GBAK_PASSPHRASE_FD`.
    pub(crate) passphrase_fd: Option<String>,
    /// `GBAK_UNITS`.
    pub(crate) units: Option<String>,
    /// `GBAK_PROGRESS_FPS`.
    pub(crate) progress_fps: Option<String>,
}

impl Env {
    /// What this process was started with.
    pub(crate) fn of_process() -> Self {
        let text = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
        let path = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty());
        Self {
            home: path("GBAK_HOME"),
            data_home: path("XDG_DATA_HOME"),
            user_home: path("HOME"),
            passphrase: text("GBAK_PASSPHRASE").map(Secret::new),
            passphrase_fd: text("GBAK_PASSPHRASE_FD"),
            units: text("GBAK_UNITS"),
            progress_fps: text("GBAK_PROGRESS_FPS"),
        }
    }
}

/// What the backend of a command is opened with.
pub(crate) fn settings(global: &Global, env: &Env) -> Result<Settings, Failure> {
    Ok(Settings {
        home: home(env)?,
        passphrase: ready(global, env)?,
        retry_lock_secs: global.retry_lock.map_or(0, |wait| wait.as_secs()),
        limits: CallLimits { up: global.limit_upload, down: global.limit_download },
    })
}

/// `GBAK_HOME`, else below the user's data directory.
fn home(env: &Env) -> Result<PathBuf, Failure> {
    let below = |root: &OsString, rest: &str| Path::new(root).join(rest);
    let home = env.home.as_ref().map(PathBuf::from);
    let home = home.or_else(|| env.data_home.as_ref().map(|root| below(root, "gbak")));
    let home = home.or_else(|| env.user_home.as_ref().map(|root| below(root, ".local/share/gbak")));
    let home = home.ok_or_else(|| usage("Neither GBAK_HOME nor HOME says where the home is"))?;
    std::path::absolute(&home).map_err(|error| files::failure("find", &home, &error))
}

/// The passphrase, where it lies ready. Flags win over variables.
fn ready(global: &Global, env: &Env) -> Result<Option<Secret>, Failure> {
    if let Some(file) = &global.passphrase_file {
        return files::read_line(file, MAX_PASSPHRASE).map(Some);
    }
    if global.passphrase_command.is_some() {
        return Ok(None);
    }
    if let Some(number) = &env.passphrase_fd {
        let number: u32 = number
            .parse()
            .map_err(|_said| usage("GBAK_PASSPHRASE_FD is not the number of a descriptor"))?;
        let file = PathBuf::from(format!("/dev/fd/{number}"));
        return files::read_line(&file, MAX_PASSPHRASE).map(Some);
    }
    Ok(env.passphrase.clone())
}

/// The passphrase for a key file that needs one: from the command, or from a person.
pub(crate) fn obtain(global: &Global, shell: &mut Shell<'_>) -> Result<Secret, Failure> {
    match &global.passphrase_command {
        Some(command) => from_command(command),
        None if shell.look.json || !shell.ask.present() => {
            Err(codes::PASSPHRASE_NEEDED.failure("The key file needs a passphrase"))
        }
        None => shell.ask.secret(Question {
            text: "Passphrase",
            flag: "--passphrase-file FILE",
            default: None,
        }),
    }
}

/// The passphrase a new key file is wrapped under, if any; nobody is asked for one.
pub(crate) fn new_passphrase(
    global: &Global,
    settings: &Settings,
) -> Result<Option<Secret>, Failure> {
    match &global.passphrase_command {
        Some(command) => from_command(command).map(Some),
        None => Ok(settings.passphrase.clone()),
    }
}

/// The first line a shell command prints.
fn from_command(command: &str) -> Result<Secret, Failure> {
    let failed = |error: &dyn std::fmt::Display| {
        codes::PASSPHRASE_NEEDED.failure(format!("The passphrase command failed: {error}"))
    };
    let mut child = Command::new("/bin/sh")
        .args(["-c", command])
        .stdout(Stdio::piped())
        .spawn()
        .map_err(|error| failed(&error))?;
    let printed = match child.stdout.take() {
        Some(stdout) => files::first_line(stdout, MAX_PASSPHRASE),
        None => Ok(None),
    };
    let status = child.wait().map_err(|error| failed(&error))?;
    match printed.map_err(|error| failed(&error))? {
        Some(line) if status.success() => Ok(line),
        _ if !status.success() => Err(failed(&status)),
        _ => Err(failed(&"it printed nothing")),
    }
}

#[cfg(test)]
mod tests;
