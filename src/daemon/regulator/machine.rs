//! How much of the machine this process may use: processors, niceness, disk priority.
//!
//! Linux keeps all three per thread, and a new thread takes over its maker's. So they are set for
//! every thread there is, twice: a thread made meanwhile by one that was not done yet is found the
//! second time. The processors are a hard limit for everything: hashing, coding, encryption of the
//! line, and the disk's own work in this process. Niceness cannot be taken back without privilege;
//! it counts from the next start then.

use std::process::{Command, Stdio};
use std::sync::OnceLock;

use rustix::process::{Pid, setpriority_process};
use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};

use crate::config::Limits;
use crate::config::limits::Io;

/// What of the machine may be used.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Machine {
    threads: Option<u32>,
    nice: Option<u8>,
    io: Option<Io>,
}

/// Which processors this process was started on.
static STARTED_ON: OnceLock<CpuSet> = OnceLock::new();

impl Machine {
    /// What the settings say.
    pub(crate) const fn of(limits: &Limits) -> Self {
        Self { threads: limits.threads, nice: limits.nice, io: limits.io }
    }

    /// Holds this process to `self`, where it was held to `before`. What the system refuses is
    /// logged and left as it is. Blocks.
    pub(crate) fn apply(self, before: Self) {
        for _ in 0..2 {
            let threads = threads();
            if self.threads != before.threads
                && let Some(set) = processors(self.threads)
            {
                let set = |thread: &Pid| sched_setaffinity(Some(*thread), &set).err();
                warn("processors", threads.iter().find_map(set));
            }
            if self.nice != before.nice {
                let nice = i32::from(self.nice.unwrap_or(0));
                let set = |thread: &Pid| setpriority_process(Some(*thread), nice).err();
                warn("niceness", threads.iter().find_map(set));
            }
            if self.io != before.io {
                ionice(self.io.unwrap_or(Io::Normal), &threads);
            }
        }
    }
}

fn warn(what: &str, error: Option<rustix::io::Errno>) {
    match error {
        // The thread has ended meanwhile.
        None | Some(rustix::io::Errno::SRCH) => {}
        Some(error) => tracing::warn!(%error, what, "the system does not let us set this"),
    }
}

/// The threads of this process.
fn threads() -> Vec<Pid> {
    let Ok(entries) = std::fs::read_dir("/proc/self/task") else { return Vec::new() };
    let numbers = entries.flatten().filter_map(|it| it.file_name().to_str()?.parse().ok());
    numbers.filter_map(Pid::from_raw).collect()
}

/// The last so many of the processors this process was started on: the first one has interrupts to
/// handle.
fn processors(count: Option<u32>) -> Option<CpuSet> {
    let all = match STARTED_ON.get() {
        Some(all) => *all,
        None => *STARTED_ON.get_or_init(|| sched_getaffinity(None).unwrap_or_default()),
    };
    let usable = (0..CpuSet::MAX_CPU).rev().filter(|cpu| all.is_set(*cpu));
    let mut set = CpuSet::new();
    usable.take(count.map_or(usize::MAX, |count| count as usize)).for_each(|cpu| set.set(cpu));
    (set.count() > 0).then_some(set)
}

/// Sets the class of disk access, with the system's own program: there is no safe call for it.
fn ionice(io: Io, threads: &[Pid]) {
    let class: &[&str] = match io {
        Io::Idle => &["-c", "3"],
        Io::Low => &["-c", "2", "-n", "7"],
        Io::Normal => &["-c", "2", "-n", "4"],
    };
    let threads = threads.iter().map(|thread| thread.as_raw_nonzero().to_string());
    let mut command = Command::new("ionice");
    command.args(class).arg("-p").args(threads);
    let ran = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).status();
    match ran {
        Ok(status) if status.success() => {}
        Ok(status) => tracing::debug!(%status, "ionice did not reach every thread"),
        Err(error) => tracing::warn!(%error, "disk priority not set: ionice is missing"),
    }
}
