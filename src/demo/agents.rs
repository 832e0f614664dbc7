//! Real agents as child processes of this very program, each with a home of its own.
//!
//! Nothing outlives its handle: a dropped agent is killed and waited for.

use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};

use serde_json::Value;

use crate::demo::DemoError;

/// A home, and the agent that runs on it, if one does.
#[derive(Debug)]
pub struct Agent {
    name: String,
    program: PathBuf,
    home: PathBuf,
    running: Option<(Child, BufReader<ChildStdout>)>,
}

impl Agent {
    /// A home that does not exist yet.
    pub fn new(program: &Path, dir: &Path, name: &str) -> Self {
        let (program, home) = (program.to_owned(), dir.join(name));
        Self { name: name.to_owned(), program, home, running: None }
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Where its state lives.
    pub fn home(&self) -> &Path {
        &self.home
    }

    /// A command of the program on this home; nothing of the caller's settings leaks in.
    pub fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(&self.program);
        for (name, _) in std::env::vars_os() {
            if name.to_string_lossy().starts_with("GBAK_") {
                command.env_remove(name);
            }
        }
        command.args(args).env("GBAK_HOME", &self.home).stdin(Stdio::null());
        command
    }

    /// Runs a command to its end. The last line it prints as JSON, and its exit code.
    pub fn run(&self, args: &[&str]) -> Result<(Value, i32), DemoError> {
        let failed = |reason: String| DemoError::Command {
            who: self.name.clone(),
            what: args.first().copied().unwrap_or_default().to_owned(),
            reason,
        };
        let output = self
            .command(args)
            .output()
            .map_err(|source| DemoError::Io { what: "start a command", source })?;
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let last = text.lines().rfind(|line| !line.trim().is_empty()).unwrap_or_default();
        let value = serde_json::from_str(&text).or_else(|_| serde_json::from_str(last));
        let code = output.status.code().unwrap_or(-1);
        match value {
            Ok(value) => Ok((value, code)),
            Err(_) => Err(failed(format!(
                "exit {code}: {}",
                String::from_utf8_lossy(&output.stderr).trim()
            ))),
        }
    }

    /// The same, for a command that must succeed.
    pub fn expect(&self, args: &[&str]) -> Result<Value, DemoError> {
        match self.run(args)? {
            (value, 0) => Ok(value),
            (value, code) => Err(DemoError::Command {
                who: self.name.clone(),
                what: args.first().copied().unwrap_or_default().to_owned(),
                reason: format!("exit {code}: {value}"),
            }),
        }
    }

    /// Starts the agent and returns once it listens.
    pub fn start(&mut self) -> Result<(), DemoError> {
        let mut child = self
            .command(&["daemon"])
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .map_err(|source| DemoError::Io { what: "start an agent", source })?;
        let mut lines = child.stdout.take().map(BufReader::new).ok_or(DemoError::Silent)?;
        let mut line = String::new();
        let read = lines.by_ref().take(4096).read_line(&mut line);
        self.running = Some((child, lines));
        match read {
            Ok(len) if len > 0 => Ok(()),
            _ => Err(DemoError::Silent),
        }
    }

    /// The process, while it runs.
    pub fn pid(&self) -> Option<u32> {
        self.running.as_ref().map(|(child, _)| child.id())
    }

    /// Kills the agent without warning (`SIGKILL`).
    pub fn kill(&mut self) {
        if let Some((mut child, _)) = self.running.take() {
            // Both fail only when it is gone already.
            drop(child.kill());
            drop(child.wait());
        }
    }

    /// Asks the agent to stop (`SIGTERM`) and waits for it. Its exit code, when it had one.
    pub fn stop(&mut self) -> Option<i32> {
        let (mut child, _) = self.running.take()?;
        let pid = rustix::process::Pid::from_child(&child);
        rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap_or_default();
        child.wait().ok()?.code()
    }
}

impl Drop for Agent {
    fn drop(&mut self) {
        self.kill();
    }
}
