//! What may be typed about backup sets, their schedule, and the agent as a service.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum, ValueHint};

/// `gbak schedule`
#[derive(Debug, Args)]
pub(crate) struct Schedule {
    #[command(subcommand)]
    pub(crate) what: Option<ScheduleWhat>,
}

/// What to do about the schedule; to show it when nothing is said.
#[derive(Debug, Subcommand)]
pub(crate) enum ScheduleWhat {
    /// Show the backup sets, when they ran and when they are due
    Show,
    /// Back a set up now
    Run {
        /// Its name in the settings
        #[arg(value_name = "SET")]
        set: String,
    },
    /// Leave the next run of a set out
    Skip {
        /// Its name in the settings
        #[arg(value_name = "SET")]
        set: String,
    },
    /// Print the schedule for another program, where no agent runs
    Print {
        /// For whom
        #[arg(long, value_name = "FORMAT")]
        format: ScheduleFormat,
    },
}

/// Who keeps to a schedule besides the agent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum ScheduleFormat {
    /// Lines of a crontab
    Cron,
    /// systemd user units
    Systemd,
}

/// `gbak service`
#[derive(Debug, Args)]
pub(crate) struct Service {
    #[command(subcommand)]
    pub(crate) what: ServiceWhat,
}

/// What to do about the service.
#[derive(Debug, Subcommand)]
pub(crate) enum ServiceWhat {
    /// Write a systemd user unit for the agent of this home, and start it now and at login
    Install(ServiceInstall),
    /// Stop the service and remove its unit
    Uninstall {
        /// Where the unit is; where systemd looks for it when absent
        #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
        dir: Option<PathBuf>,
    },
    /// Start it
    Start,
    /// Stop it
    Stop,
    /// Show whether it runs
    Status,
    /// Show what it logged
    Logs,
}

/// `gbak service install`
#[derive(Debug, Args)]
pub(crate) struct ServiceInstall {
    /// Write the unit there and start nothing; where systemd looks for it when absent
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub(crate) dir: Option<PathBuf>,
    /// Only print the unit
    #[arg(long, conflicts_with = "dir")]
    pub(crate) print: bool,
}
