//! The text of systemd units and crontab lines. Pure.
//!
//! Invariant: what a path has in it stays one argument: systemd's and cron's own signs in it are
//! written so that they mean themselves, and what cannot be written so is refused.

use std::path::{Path, PathBuf};

use crate::api::{Failure, ScheduleView, SetView};
use crate::cli::exit::usage;
use crate::cli::output::escape;
use crate::config::when::When;

/// What the units run, and for which home.
#[derive(Debug, Clone)]
pub(crate) struct Place {
    /// This program.
    pub(crate) program: PathBuf,
    /// The home.
    pub(crate) home: PathBuf,
    /// Where the passphrase is, if it takes one.
    pub(crate) passphrase_file: Option<PathBuf>,
}

impl Place {
    /// The agent's unit is called so: homes have one each.
    pub(crate) fn unit(&self) -> String {
        let hash = blake3::hash(self.home.as_os_str().as_encoded_bytes()).to_hex();
        format!("gbak-{}.service", hash.get(..8).unwrap_or_default())
    }

    /// The agent's unit.
    pub(crate) fn agent(&self) -> Result<String, Failure> {
        Ok(format!(
            "[Unit]\n\
             Description=gbak agent of {home}\n\
             \n\
             [Service]\n\
             ExecStart={program} daemon\n\
             {environment}\
             Restart=on-failure\n\
             RestartSec=10\n\
             TimeoutStopSec=60\n\
             \n\
             [Install]\n\
             WantedBy=default.target\n",
            home = text(&self.home)?.replace('%', "%%"),
            program = argument(text(&self.program)?),
            environment = self.environment()?,
        ))
    }

    fn environment(&self) -> Result<String, Failure> {
        let mut lines = vec![("GBAK_HOME", &self.home)];
        lines.extend(self.passphrase_file.as_ref().map(|file| ("GBAK_PASSPHRASE_FILE", file)));
        let line = |(name, path): (&str, &PathBuf)| {
            Ok(format!("Environment={}\n", quoted(&format!("{name}={}", text(path)?))))
        };
        lines.into_iter().map(line).collect()
    }

    /// A service and a timer for each set that has a schedule.
    pub(crate) fn timers(&self, view: &ScheduleView) -> Result<String, Failure> {
        let mut units = Vec::new();
        for (set, when) in scheduled(view) {
            let SetView { name, .. } = set;
            let timer = match &when {
                When::Every(period) => {
                    let secs = period.0.as_secs();
                    format!("OnActiveSec=60\nOnUnitActiveSec={secs}\n")
                }
                When::At(cron) => {
                    let lines = cron.on_calendar();
                    let lines: String =
                        lines.iter().flat_map(|line| ["OnCalendar=", line, "\n"]).collect();
                    format!("{lines}Persistent=true\n")
                }
            };
            units.push(format!(
                "# gbak-set-{name}.service\n\
                 [Unit]\n\
                 Description=gbak backup of the set {name}\n\
                 \n\
                 [Service]\n\
                 Type=oneshot\n\
                 ExecStart={program} backup --set {name}\n\
                 {environment}\
                 \n\
                 # gbak-set-{name}.timer\n\
                 [Unit]\n\
                 Description=gbak backup of the set {name}\n\
                 \n\
                 [Timer]\n\
                 {timer}\
                 \n\
                 [Install]\n\
                 WantedBy=timers.target\n",
                program = argument(text(&self.program)?),
                environment = self.environment()?,
            ));
        }
        Ok(units.join("\n"))
    }

    /// A line for each set that has a schedule cron can keep to.
    pub(crate) fn crontab(&self, view: &ScheduleView) -> Result<String, Failure> {
        let mut environment = format!("GBAK_HOME={}", shell(text(&self.home)?));
        if let Some(file) = &self.passphrase_file {
            environment = format!("{environment} GBAK_PASSPHRASE_FILE={}", shell(text(file)?));
        }
        let program = shell(text(&self.program)?);
        let line = |(set, when): (&SetView, When)| match fields(&when) {
            Some(fields) => {
                format!("{fields} {environment} {program} backup --quiet --set {}\n", set.name)
            }
            None => format!("# {}: cron cannot do {when}, systemd can\n", set.name),
        };
        Ok(scheduled(view).map(line).collect())
    }
}

fn scheduled(view: &ScheduleView) -> impl Iterator<Item = (&SetView, When)> {
    view.sets.iter().filter_map(|set| Some((set, set.schedule.as_ref()?.parse().ok()?)))
}

/// Cron's five fields for this; none when there are none.
fn fields(when: &When) -> Option<String> {
    const HOUR: u64 = 3600;
    let secs = match when {
        When::At(cron) => return Some(cron.to_string()),
        When::Every(period) => period.0.as_secs(),
    };
    match secs {
        86_400 => Some("0 0 * * *".to_owned()),
        HOUR.. if secs.is_multiple_of(HOUR) && 24_u64.is_multiple_of(secs / HOUR) => {
            Some(format!("0 */{} * * *", secs / HOUR))
        }
        60..HOUR if secs.is_multiple_of(60) && 60_u64.is_multiple_of(secs / 60) => {
            Some(format!("*/{} * * * *", secs / 60))
        }
        _ => None,
    }
}

/// A path that can be written into a line.
fn text(path: &Path) -> Result<&str, Failure> {
    let text = path.to_str().filter(|text| !text.chars().any(char::is_control));
    text.ok_or_else(|| {
        let shown = escape(&path.to_string_lossy());
        usage(format!("{shown} cannot be written into a unit: it is no plain text"))
    })
}

/// One word of a setting.
fn quoted(text: &str) -> String {
    let text = text.replace('\\', "\\\\").replace('"', "\\\"").replace('%', "%%");
    format!("\"{text}\"")
}

/// One argument of a command line.
fn argument(text: &str) -> String {
    quoted(text).replace('$', "$$")
}

/// One word for the shell that cron starts; in a crontab `%` ends the command.
fn shell(text: &str) -> String {
    format!("'{}'", text.replace('\'', "'\\''")).replace('%', "\\%")
}

#[cfg(test)]
mod tests;
